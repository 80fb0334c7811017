"""Protecting: from exact counts to a draft of a release, under `hat_national`, which sees no record.

Each cell of the grid gets its frozen offset, stored when it is first prepared and never drawn again. The offset is a keyed function
of the cell's name, so a draft that is discarded, or prepared again, changes nothing about it.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update

from registry.access import Actor, Kind
from registry.disclosure import rounding
from registry.disclosure.grid import GRID_VERSION, GeographyKind
from registry.errors import Conflict, Forbidden
from registry.publications import cells
from registry.publications.cells import Entry, Exact, Key, Organisation, TrustMonth
from registry.settings import CountingRules
from registry.store import SYSTEM_TENANT, audit, copy_in
from registry.store.tables import (
    case_count,
    cell_offset,
    draft_cell,
    draft_denominator,
    draft_place,
    exact_cell,
    opt_out_mode,
    organisation,
    publication,
    risk_assessment,
    trust_month,
)
from schemas.counting import DEFINITION

RELEASE_LOCK = 0x4841_5402  # one draft or release at a time
DRAFT_TABLES = (draft_cell, draft_denominator, draft_place, exact_cell)
ENGLAND = "England"


def prepare(
    connection: Connection,
    *,
    by: Actor,
    at: datetime,
    key: bytes,
    rules: CountingRules,
    code_version: str,
    title: str = "",
) -> UUID:
    """Make the draft of a release from the exact counts as they stand, and give its id. Any earlier draft is discarded.

    The same counts give the same draft. Raises Conflict while nothing has been counted or where a trust has no region, Forbidden for
    whoever is not a named person.
    """
    _require_person(by)
    connection.execute(select(func.pg_advisory_xact_lock(RELEASE_LOCK)))
    cut_at = connection.scalar(select(func.max(trust_month.c.counted_at)))
    if cut_at is None:
        raise Conflict("Nothing has been counted yet. The counts are made each night, once there are returns.")
    discard_drafts(connection)
    made = _publication(connection, by, at, cut_at, rules, code_version, title)
    organisations = read_organisations(connection)
    months = read_months(connection, organisations)
    try:
        found = cells.entries(months, organisations.values(), rules.independent_minimum_providers)
        numbers = [*cells.trusts_counted(months), *risk_assessments(connection, organisations)]
    except cells.NoRegionError as missing:
        raise Conflict(f"{missing}.") from None
    _write_cells(connection, made, key, found)
    _write_exact(connection, made, numbers)
    _write_places(connection, made, organisations.values())
    _note(connection, by, "publication.prepare", made, {"cells": len(found)})
    return made


def _require_person(by: Actor) -> None:
    if by.kind is not Kind.PERSON or by.id is None:
        raise Forbidden("A release is prepared and released by named people, signed in.")


def _note(connection: Connection, by: Actor, action: str, about: UUID, detail: Mapping[str, int]) -> None:
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action=action, object_type="publication",
        object_id=str(about), detail=detail,
    )  # fmt: skip


def discard_drafts(connection: Connection) -> int:
    """Discard every draft; gives how many there were. Their cells go, the offsets stay."""
    drafts = publication.c.state == "draft"
    for table in DRAFT_TABLES:
        ids = select(publication.c.id).where(drafts)
        connection.execute(delete(table).where(table.c.publication_id.in_(ids)))
    return connection.execute(update(publication).where(drafts).values(state="discarded")).rowcount


def _publication(
    connection: Connection,
    by: Actor,
    at: datetime,
    cut_at: datetime,
    rules: CountingRules,
    code_version: str,
    title: str,
) -> UUID:
    made: UUID = connection.execute(
        insert(publication)
        .values(
            state="draft",
            title=title or f"Figures as at {cut_at.day} {cut_at:%B %Y}",
            cut_at=cut_at,
            code_version=code_version,
            definition=DEFINITION,
            grid_version=GRID_VERSION,
            rules=rules.recorded() | {"opt_out_in_force": _opt_out(connection)},
            prepared_by=by.id,
            prepared_by_name=by.name,
            prepared_at=at,
        )
        .returning(publication.c.id)
    ).scalar_one()
    return made


def _opt_out(connection: Connection) -> dict[str, dict[str, str | None]]:
    """The mode of the national data opt-out of each nation, to be shown beside the figures."""
    return {
        row.nation: {"mode": row.mode, "reference": row.reference, "dated_on": str(row.dated_on or "") or None}
        for row in connection.execute(select(opt_out_mode))
    }


def read_organisations(connection: Connection) -> dict[int, Organisation]:
    """The organisations of the register by their own ids, without the registry itself."""
    columns = [organisation.c[name] for name in Organisation.__slots__]
    query = select(*columns).where(organisation.c.kind != "system")
    return {row.id: Organisation(**row._mapping) for row in connection.execute(query)}


def read_months(connection: Connection, organisations: Mapping[int, Organisation]) -> list[TrustMonth]:
    """The exact counts of every organisation's months."""
    own: defaultdict[tuple[int, date], dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    nation: defaultdict[tuple[int, date], dict[Key, int]] = defaultdict(lambda: defaultdict(int))
    pending: defaultdict[tuple[int, date], int] = defaultdict(int)
    c = case_count.c
    for place, month, standing, split, category, number in connection.execute(
        select(c.organisation_id, c.month, c.standing, c.split, c.category, c.count)
    ):
        for counts, left_out in ((own, "pending"), (nation, "doubled")):
            if standing != left_out:
                counts[place, month][split, category] += number
        if standing == "pending" and split == cells.TOTAL:
            pending[place, month] += number
    return [
        TrustMonth(
            organisations[row.organisation_id],
            row.month,
            row.enters,
            row.provisional,
            row.admissions or 0,
            row.admissions_overnight or 0,
            own[row.organisation_id, row.month],
            nation[row.organisation_id, row.month],
            pending[row.organisation_id, row.month],
        )
        for row in connection.execute(select(trust_month))
    ]


def risk_assessments(connection: Connection, organisations: Mapping[int, Organisation]) -> Iterator[Exact]:
    """England's official figures by region and for the nation: added up, and otherwise as NHS England publishes them."""
    sums: defaultdict[tuple[str, str, date], list[int]] = defaultdict(lambda: [0, 0, 0])
    c = risk_assessment.c
    for row in connection.execute(select(c.organisation_id, c.region_code, c.month, c.assessed, c.admissions)):
        region = row.region_code or organisations[row.organisation_id].region_code
        places = [("nation", ENGLAND), *([(GeographyKind.REGION.value, region)] if region else [])]
        for kind, place in places:
            numbers = sums[kind, place, row.month]
            numbers[0] += row.assessed
            numbers[1] += row.admissions
            numbers[2] += 1
    quantities = ("risk_assessed", "risk_assessment_admissions", "risk_assessment_providers")
    for (kind, place, month), numbers in sums.items():
        for quantity, value in zip(quantities, numbers, strict=True):
            yield Exact(kind, place, month, quantity, value, False)


def offsets(connection: Connection, key: bytes, names: Sequence[str]) -> dict[str, int]:
    """The frozen offset of each cell; those without one yet get theirs now."""
    known: dict[str, int] = {row.cell_id: row.offset for row in connection.execute(select(cell_offset))}
    new = {name: rounding.offset(key, name) for name in names if name not in known}
    _copy(connection, 'copy release.cell_offset (cell_id, attempt, "offset") from stdin with (format csv)',
          ((name, 0, drawn) for name, drawn in new.items()))  # fmt: skip
    return known | new


def _write_cells(connection: Connection, made: UUID, key: bytes, found: list[Entry]) -> None:
    drawn = offsets(connection, key, [entry.cell.id for entry in found if entry.count is not None])
    _copy(connection, DRAFT_CELLS, (_row(made, entry, drawn) for entry in found))
    counted = ((made, entry.cell.id, entry.count) for entry in found if entry.count is not None)
    _copy(connection, "copy release.exact_cell (publication_id, cell_id, count) from stdin with (format csv)", counted)


DRAFT_CELLS = """
    copy release.draft_cell (
        publication_id, cell_id, quantity, geography_kind, geography, period_kind, period, split, category,
        value, state, provisional
    ) from stdin with (format csv)
"""


def _row(made: UUID, entry: Entry, drawn: Mapping[str, int]) -> tuple[object, ...]:
    cell = entry.cell
    value = None if entry.count is None else rounding.rounded(entry.count, drawn[cell.id])
    return (
        made, cell.id, cell.count, cell.geography.kind, cell.geography.code, cell.period.kind, cell.period.start,
        cell.split or cells.TOTAL, cell.category or cells.TOTAL, value, entry.state, entry.provisional,
    )  # fmt: skip


def _write_exact(connection: Connection, made: UUID, numbers: list[Exact]) -> None:
    rows = ((made, one.kind, one.geography, one.month, one.quantity, one.value, one.provisional) for one in numbers)
    _copy(connection, DRAFT_DENOMINATORS, rows)


DRAFT_DENOMINATORS = """
    copy release.draft_denominator (publication_id, geography_kind, geography, month, quantity, value, provisional)
    from stdin with (format csv)
"""


def _write_places(connection: Connection, made: UUID, organisations: Iterable[Organisation]) -> None:
    """The names of the trusts that take part, of the regions and of the nations."""
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    for each in organisations:
        rows["nation", each.nation] = ("nation", each.nation, each.nation, each.nation, None, None)
        if not each.is_trust:
            continue
        if each.region_code:
            name = each.region_name or each.region_code
            rows["region", each.region_code] = ("region", each.region_code, name, each.nation, None, None)
        rows["trust", each.code] = ("trust", each.code, each.name, each.nation, each.region_code, each.closed_on)
    _copy(connection, DRAFT_PLACES, ((made, *row) for row in rows.values()))


DRAFT_PLACES = """
    copy release.draft_place (publication_id, geography_kind, geography, name, nation, region, closed_on)
    from stdin with (format csv)
"""


def _copy(connection: Connection, sql: str, rows: Iterable[Sequence[object]]) -> None:
    """COPY rows as CSV: a blank cell is a null, and no text of ours is ever empty."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    copy_in(connection, sql, [text.getvalue().encode()])
