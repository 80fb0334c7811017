"""What the audit is given: the releases as the public has them, and what an insider knows besides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from registry.disclosure.grid import Cell
from registry.disclosure.protected import State


class Published(NamedTuple):
    """One cell of one release. `value` is the rounded number, `None` for every state but `COUNTED`.

    `held`: the release repeats what an earlier one published of the cell, and says so. It tells nothing of the count of its own time.
    """

    cell: Cell
    value: int | None
    state: State = State.COUNTED
    provisional: bool = False
    held: bool = False


class Told(NamedTuple):
    """Anything else that a release tells of cells: their true counts together are `least` to `most` (`None`: no limit is told).

    An outlier flag tells that a trust's year reached the critical value; a series of merged trusts, or of a board, tells a sum of trusts
    if it is published by itself. The cells must be of one region (or of regions that share a trust), financial year and count, and the
    release must have them.

    `part`: the number told of is not all of the cells' counts but some of them, such as those after overnight stays. It is a count that
    is known then, and so a target as any cell is.
    """

    cells: tuple[Cell, ...]
    least: int
    most: int | None = None
    part: bool = False

    @property
    def name(self) -> str:
        """Of what is told, as a target."""
        return "+".join(cell.id for cell in self.cells) + "/flag"


@dataclass(frozen=True, slots=True)
class Release:
    """One release, superseded or standing or still a draft.

    `regions` says of each trust in which region this release places it. `revised` are the trusts and months that the public revisions
    list names as changed since the release before. `told` is what it tells of cells besides the cells.
    """

    number: int
    cells: tuple[Published, ...]
    regions: Mapping[str, str]
    revised: frozenset[tuple[str, date]] = field(default=frozenset())
    told: tuple[Told, ...] = ()


@dataclass(frozen=True, slots=True)
class Insider:
    """What the strongest insider would find: offsets by the name of the cell, and true counts by release and name of the cell.

    An insider is assumed to know every addition in every table, and so, from the moments at which published numbers turned, n + U of
    each cell. The counts serve to say which cells hold 1 to 7.
    """

    offsets: Mapping[str, int]
    counts: Mapping[int, Mapping[str, int]]
