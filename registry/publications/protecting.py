"""Protecting: from exact counts to a draft of a release, under `hat_national`, which sees no record.

Each cell of the grid gets its offset, stored when it is first prepared. The offset is a keyed function of the cell's name and of the
attempt, so a draft that is discarded, or prepared again, changes nothing about it. Only a cell that fails the audit before it was ever
published gets another attempt (`rekey`); from its first publication on the offset is frozen, by the database too.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update

from registry.access import Actor, Kind
from registry.disclosure import rounding
from registry.disclosure.grid import GRID_VERSION
from registry.errors import Conflict, Forbidden
from registry.publications import cells, counting
from registry.publications.cells import Entry, Exact
from registry.publications.digests import draft_hash
from registry.publications.exact import read_months, read_organisations
from registry.publications.offsets import Offset, offsets
from registry.publications.places import write_places
from registry.publications.rows import copy_rows
from registry.publications.sharing import shared_offsets
from registry.publications.telling import organisations_counted, risk_assessments
from registry.publications.transitions import OPEN, REPLACEABLE, Refused
from registry.settings import CountingRules
from registry.store import SYSTEM_TENANT, audit
from registry.store.releases import draft_file, kept_organisation
from registry.store.tables import (
    draft_cell,
    draft_denominator,
    draft_place,
    exact_cell,
    opt_out_mode,
    publication,
    trust_month,
)
from schemas.counting import DEFINITION

RELEASE_LOCK = 0x4841_5402  # one draft or release at a time
DRAFT_TABLES = (draft_cell, draft_denominator, draft_place, draft_file, exact_cell, kept_organisation)
TIMETABLE = "The timetable"
"""Who prepared a draft that a job made; nobody's approval is refused for it, and two are needed as always."""


def prepare(
    connection: Connection,
    *,
    by: Actor | None,
    at: datetime,
    key: bytes,
    rules: CountingRules,
    code_version: str,
    title: str = "",
    note: str = "",
) -> UUID:
    """Make the draft of a release from the exact counts as they stand, and give its id; `by` is None for the timetable.

    The same counts give the same draft. One that nobody has audited is discarded. Raises Conflict while one is being audited or was, while
    figures are being counted, before anything was, or where a trust has no region; Forbidden for whoever is not a named person.
    """
    if by is not None and (by.kind is not Kind.PERSON or by.id is None):
        raise Forbidden(Refused.PERSON)
    lock(connection)
    if not connection.scalar(select(func.pg_try_advisory_xact_lock(counting.FIGURES_LOCK))):
        raise Conflict("The figures are being counted just now. Try again in a minute.")
    if open_draft(connection, REPLACEABLE) is None and open_draft(connection) is not None:
        raise Conflict(
            "There are figures on their way to release already. Let them be released, or discard them, then prepare new ones."
        )
    cut_at = connection.scalar(select(func.max(trust_month.c.counted_at)))
    if cut_at is None:
        raise Conflict("Nothing has been counted yet. The counts are made each night, once there are returns.")
    discard_drafts(connection)
    made = _publication(connection, by, at, cut_at, rules, code_version, title, note)
    _fill(connection, made, key, rules)
    hashed = update(publication).where(publication.c.id == made).values(data_hash=draft_hash(connection, made))
    connection.execute(hashed)
    _note(connection, by, "publication.prepare", made)
    return made


def lock(connection: Connection) -> None:
    """Whoever prepares, approves or releases waits here for whoever does so already."""
    connection.execute(select(func.pg_advisory_xact_lock(RELEASE_LOCK)))


def open_draft(connection: Connection, states: Sequence[str] = OPEN) -> UUID | None:
    """The publication in one of these states; there is one at most."""
    found: UUID | None = connection.scalar(select(publication.c.id).where(publication.c.state.in_(states)))
    return found


def _fill(connection: Connection, made: UUID, key: bytes, rules: CountingRules) -> None:
    organisations = read_organisations(connection)
    months = read_months(connection, organisations)
    try:
        found = cells.entries(months, organisations.values(), rules.independent_minimum_providers)
        numbers = [
            *organisations_counted(months, rules.ascertainment_sources_needed),
            *risk_assessments(connection, organisations),
        ]
    except cells.NoRegionError as missing:
        raise Conflict(f"{missing}.") from None
    _write_cells(connection, made, key, found, shared_offsets(found, months))
    _write_exact(connection, made, numbers)
    write_places(connection, made, organisations.values())


def _note(connection: Connection, by: Actor | None, action: str, about: UUID) -> None:
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label if by else "timetable", role=by.role if by else "timetable",
        action=action, object_type="publication", object_id=str(about),
    )  # fmt: skip


def discard_drafts(connection: Connection, states: Sequence[str] = REPLACEABLE) -> int:
    """Discard what is in one of these states; gives how many there were. Their cells go, the offsets stay."""
    drafts = publication.c.state.in_(states)
    ids = list(connection.scalars(select(publication.c.id).where(drafts)))
    connection.execute(update(publication).where(publication.c.id.in_(ids)).values(state="discarded"))
    for table in DRAFT_TABLES:
        connection.execute(delete(table).where(table.c.publication_id.in_(ids)))
    return len(ids)


def _publication(
    connection: Connection,
    by: Actor | None,
    at: datetime,
    cut_at: datetime,
    rules: CountingRules,
    code_version: str,
    title: str,
    note: str,
) -> UUID:
    made: UUID = connection.execute(
        insert(publication)
        .values(
            state="draft",
            title=title or f"Figures as at {cut_at.day} {cut_at:%B %Y}",
            note=note,
            cut_at=cut_at,
            counted_to=counting.mark(connection),
            code_version=code_version,
            definition=DEFINITION,
            grid_version=GRID_VERSION,
            rules=rules.recorded() | {"opt_out_in_force": _opt_out(connection)},
            prepared_by=by.id if by else None,
            prepared_by_name=by.name if by else TIMETABLE,
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


def _write_cells(connection: Connection, made: UUID, key: bytes, found: list[Entry], shared: Mapping[str, str]) -> None:
    """`shared` names the cell whose offset another has."""
    drawn = offsets(connection, key, [entry.cell.id for entry in found if entry.count is not None])
    held = {name: drawn[shared.get(name, name)] for name in drawn}
    copy_rows(connection, DRAFT_CELLS, (_row(made, entry, held) for entry in found))
    counted = (
        (made, name, entry.count, held[name].attempt, shared.get(name))
        for entry, name in ((entry, entry.cell.id) for entry in found)
        if entry.count is not None
    )
    copy_rows(connection, EXACT_CELLS, counted)


EXACT_CELLS = """
    copy release.exact_cell (publication_id, cell_id, count, attempt, offset_of) from stdin with (format csv)
"""
DRAFT_CELLS = """
    copy release.draft_cell (
        publication_id, cell_id, quantity, geography_kind, geography, period_kind, period, split, category,
        value, state, provisional
    ) from stdin with (format csv)
"""


def _row(made: UUID, entry: Entry, drawn: Mapping[str, Offset]) -> tuple[object, ...]:
    cell = entry.cell
    value = None if entry.count is None else rounding.rounded(entry.count, drawn[cell.id].drawn)
    return (
        made, cell.id, cell.count, cell.geography.kind, cell.geography.code, cell.period.kind, cell.period.start,
        cell.split or cells.TOTAL, cell.category or cells.TOTAL, value, entry.state, entry.provisional,
    )  # fmt: skip


def _write_exact(connection: Connection, made: UUID, numbers: list[Exact]) -> None:
    rows = ((made, one.kind, one.geography, one.month, one.quantity, one.value, one.provisional) for one in numbers)
    copy_rows(connection, DRAFT_DENOMINATORS, rows)


DRAFT_DENOMINATORS = """
    copy release.draft_denominator (publication_id, geography_kind, geography, month, quantity, value, provisional)
    from stdin with (format csv)
"""
