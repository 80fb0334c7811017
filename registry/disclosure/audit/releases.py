"""What the audit is given: the releases as the public has them, and what an insider knows besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from registry.disclosure.grid import Cell
from registry.disclosure.protected import State


class Published(NamedTuple):
    """One cell of one release. `value` is the rounded number, `None` for every state but `COUNTED`."""

    cell: Cell
    value: int | None
    state: State = State.COUNTED
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """One release, superseded or standing or still a draft.

    `regions` says of each trust in which region this release places it. `revised` are the trusts and months that the public revisions
    list names as changed since the release before.
    """

    number: int
    cells: tuple[Published, ...]
    regions: Mapping[str, str]
    revised: frozenset[tuple[str, date]] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Insider:
    """What the strongest insider would find: offsets by the name of the cell, and true counts by release and name of the cell.

    An insider is assumed to know every addition in every table, and so, from the moments at which published numbers turned, n + U of
    each cell. The counts serve to say which cells hold 1 to 7.
    """

    offsets: Mapping[str, int]
    counts: Mapping[int, Mapping[str, int]]
