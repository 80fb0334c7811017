"""What the audit is given and what it says: the draft with all releases before it, and the verdict of `registry.disclosure.audit`."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from registry.disclosure.audit import Insider, Published, Release, Report, audit, data_hash
from registry.disclosure.audit.panes import BlockKey
from registry.disclosure.grid import Cell, Count, Geography, GeographyKind, Period, PeriodKind, Split, financial_year
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
    """Whether the draft may go on, the cells that another offset may help, those that anybody would know too well (also such as were
    published before), and the report in full as JSON."""

    passed: bool
    rekey: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()
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
    return Published(cell, row.value, State(row.state), row.provisional, row.held_from is not None)


def _counts(connection: Connection, ident: UUID) -> Mapping[str, int]:
    c = exact_cell.c
    return dict(connection.execute(select(c.cell_id, c.count).where(c.publication_id == ident)).all())


def attacker() -> Judge:
    """The verdict on a draft: of an attacker who reads every release, and of one who knows every addition besides.

    Played part by part of the grid (a region's financial year). Called again for a draft of which some cells were drawn anew, it plays
    only the parts that are not as they were.
    """
    done: dict[tuple[BlockKey, int], Report] = {}

    def judge(matter: Matter, tell: Tell) -> Verdict:
        parts = [(key, part) for part in _by_year(matter.releases) for key in _keys(part)]
        found = []
        for number, (key, part) in enumerate(parts):
            tell("Playing the attacker, part by part of the grid", number, len(parts))
            as_it_is = (key, _fingerprint(key, part, matter.insider.offsets))
            if as_it_is not in done:
                done[as_it_is] = audit(part, matter.insider, blocks=key.__eq__, seconds=SECONDS / len(parts))
            found.append(done[as_it_is])
        return _verdict(matter, found)

    return judge


def _by_year(releases: Sequence[Release]) -> Iterator[tuple[Release, ...]]:
    """The releases financial year by financial year and count by count: no two of these share a cell."""
    years: dict[tuple[date, Count], None] = {}
    cells = [_grouped(release) for release in releases]
    for grouped in cells:
        years |= dict.fromkeys(grouped)
    for year in sorted(years):
        yield tuple(
            replace(release, cells=tuple(grouped.get(year, ())))
            for release, grouped in zip(releases, cells, strict=True)
        )


def _grouped(release: Release) -> dict[tuple[date, Count], list[Published]]:
    found: defaultdict[tuple[date, Count], list[Published]] = defaultdict(list)
    for one in release.cells:
        found[financial_year(one.cell.period.start).start, one.cell.count].append(one)
    return dict(found)


def _keys(releases: Sequence[Release]) -> list[BlockKey]:
    keys: list[BlockKey] = []

    def noted(key: BlockKey) -> bool:
        keys.append(key)
        return False

    audit(releases, blocks=noted)
    return keys


def _fingerprint(key: BlockKey, releases: Sequence[Release], offsets: Mapping[str, int]) -> int:
    """Of all that a part can depend on: the cells of its regions in each release, and what an insider knows of their offsets, which
    may change while the number that is published stays."""
    return hash(
        tuple(
            (release.number, *one[1:], one.cell.id, offsets.get(one.cell.id))
            for release in releases
            for one in release.cells
            if release.regions.get(one.cell.geography.code, one.cell.geography.code) in key[0]
        )
    )


def _verdict(matter: Matter, found: Sequence[Report]) -> Verdict:
    """What all parts together say; the report has the shape of a part's."""
    failing = {one.cell for report in found for one in report.failing}.union(*(report.undecided for report in found))
    again = sorted({name for report in found for name in report.rekey})
    told = _merged([report.as_dict() for report in found]) if found else {}
    numbers = {"releases": [release.number for release in matter.releases], "data_hash": data_hash(matter.releases)}
    return Verdict(all(report.passed for report in found), tuple(again), tuple(sorted(failing)), told | numbers)


def _merged(parts: Sequence[Any]) -> Any:
    """Numbers of targets are added, lists and maps joined; of widths the least, of what all must hold whether all do."""
    first = parts[0]
    if isinstance(first, dict):
        return {name: _merged_as(name, [part[name] for part in parts if name in part]) for name in first}
    return first


def _merged_as(name: str, values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if name in ("least_width", "needed_width"):
        return min(known, default=None)
    if all(isinstance(value, bool) for value in values):
        return all(values)
    if all(isinstance(value, list) for value in values):
        return [one for value in values for one in value]
    if all(isinstance(value, dict) for value in values):
        together = [set(value) for value in values]
        if all(keys == together[0] for keys in together) and together[0]:
            return _merged(values)
        return {key: one for value in values for key, one in value.items()}
    numbers = name == "grid_version" or not all(isinstance(value, int) for value in known)
    return (known[0] if known else None) if numbers else sum(known)
