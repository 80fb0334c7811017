"""What the audit is given and what it says: the draft with all releases before it, and the verdict of `registry.disclosure.audit`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from registry.disclosure.audit import Insider, Published, Release, audit
from registry.disclosure.audit.panes import BlockKey
from registry.disclosure.grid import Cell, Count, Geography, GeographyKind, Period, PeriodKind, Split
from registry.disclosure.protected import State
from registry.publications.cells import TOTAL
from registry.publications.offsets import used
from registry.publications.published import DRAFT, PUBLISHED, Tables
from registry.store.tables import exact_cell, publication, released

Tell = Callable[[str, int, int], None]

SECONDS = 1800.0
"""So much processor time may an audit take; what is not decided by then stands against the figures."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be judged: the releases in order, the draft last; and what an insider would know."""

    releases: tuple[Release, ...]
    insider: Insider


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the draft may go on, the cells that another offset may help, and the report in full as JSON."""

    passed: bool
    rekey: tuple[str, ...] = ()
    report: Mapping[str, Any] = field(default_factory=dict)


Judge = Callable[[Matter, Tell], Verdict]


def read(connection: Connection, publication_id: UUID) -> Matter:
    """The draft and every release, under `hat_national`."""
    earlier = connection.execute(select(released.c.id, released.c.number).order_by(released.c.number)).all()
    number = connection.execute(select(publication.c.number).where(publication.c.id == publication_id)).scalar_one()
    before = [_release(connection, PUBLISHED, row.id, row.number) for row in earlier]
    draft = _release(connection, DRAFT, publication_id, number)
    offsets = used(connection, publication_id)
    counts = {row.number: _counts(connection, row.id) for row in earlier}
    counts[number] = _counts(connection, publication_id)
    return Matter((*before, draft), Insider(offsets, counts))


def _release(connection: Connection, tables: Tables, ident: UUID, number: int) -> Release:
    cells = select(tables.cells).where(tables.cells.c[tables.key] == ident).order_by(tables.cells.c.cell_id)
    places = tables.places.c
    regions = select(places.geography, places.region).where(
        places[tables.key] == ident, places.geography_kind == GeographyKind.TRUST, places.region.is_not(None)
    )
    return Release(
        number,
        tuple(_published(row) for row in connection.execute(cells)),
        dict(connection.execute(regions).all()),
        frozenset[tuple[str, date]](),
    )


def _published(row: Any) -> Published:
    place = Geography(GeographyKind(row.geography_kind), row.geography)
    period = Period(PeriodKind(row.period_kind), row.period)
    split = None if row.split == TOTAL else Split(row.split)
    cell = Cell(Count(row.quantity), place, period, split, None if split is None else row.category)
    return Published(cell, row.value, State(row.state), row.provisional)


def _counts(connection: Connection, ident: UUID) -> Mapping[str, int]:
    c = exact_cell.c
    return dict(connection.execute(select(c.cell_id, c.count).where(c.publication_id == ident)).all())


def judge(matter: Matter, tell: Tell) -> Verdict:
    """The verdict on the draft: of an attacker who reads every release, and of one who knows every addition besides."""
    parts = count()

    def each(_: BlockKey) -> bool:
        tell("Playing the attacker, part by part of the grid", next(parts), 0)
        return True

    report = audit(matter.releases, matter.insider, blocks=each, seconds=SECONDS)
    failing = {one.cell for one in report.failing if one.release == matter.releases[-1].number}
    return Verdict(report.passed, tuple(sorted(failing.union(report.rekey))), report.as_dict())
