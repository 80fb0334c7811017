"""The outcome of a submission: its state, its counts and its findings, stored in one commit with its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB

from ingest.reading import Report
from registry.store import audit
from registry.store.prepared import Prepared
from registry.store.tables import finding, submission, tally
from registry.submissions.request import Mode, Reference, State
from registry.submissions.settling import Difference
from schemas.finding import Finding

NOTHING_STORED = Difference(new=0, changed=0, unchanged=0, withdrawn=0, absent=0, gained=0, changed_fields={})


_ENDED = (
    "state", "finished_at", "rows", "new", "changed", "unchanged", "withdrawn", "absent", "gained", "refused", "errors",
    "warnings", "faulty_rows", "changed_fields",
)  # fmt: skip
_END = Prepared(
    update(submission)
    .where(submission.c.tenant_id == bindparam("of_tenant"), submission.c.id == bindparam("of_id"))
    .values({name: bindparam(name, type_=submission.c[name].type) for name in _ENDED})
)


def final_state(mode: Mode, *, rehearsal: bool, report: Report, stored: int) -> State:
    """The state in which a checked submission ends; `stored` counts the rows that stand, unchanged ones included."""
    if rehearsal:
        return State.REHEARSED
    if report.refused_whole or (report.errors and (mode is Mode.ALL_OR_NOTHING or not stored)):
        return State.REFUSED
    return State.PARTLY_ACCEPTED if report.errors else State.ACCEPTED


def store_outcome(
    connection: Connection, reference: Reference, state: State, report: Report, difference: Difference, at: datetime
) -> None:
    """Write state, counts and findings. Sent = new + changed + withdrawn + unchanged + refused."""
    stands = difference.new + difference.changed + difference.unchanged + difference.withdrawn
    _END(
        connection,
        of_tenant=reference.tenant_id,
        of_id=reference.id,
        state=state.value,
        finished_at=at,
        rows=report.rows,
        new=difference.new,
        changed=difference.changed,
        unchanged=difference.unchanged,
        withdrawn=difference.withdrawn,
        absent=difference.absent,
        gained=None if state is State.REHEARSED else difference.gained,
        refused=report.rows - stands,
        errors=report.errors,
        warnings=report.warnings,
        faulty_rows=report.faulty_rows().to_list(),
        changed_fields=difference.changed_fields,
    )
    _store_findings(connection, reference, report)
    store_tally(connection, reference, report.tally)


def _store_findings(connection: Connection, reference: Reference, report: Report) -> None:
    store_findings(connection, reference, sorted(report.listed, key=lambda each: each.row or 0))


def store_findings(connection: Connection, reference: Reference, listed: Iterable[Finding], *, after: int = 0) -> None:
    """Add findings to those that are listed, of which there are `after` so far."""
    names = [each.name for each in fields(Finding)]
    numbered = enumerate(listed, after + 1)
    rows = [{name: getattr(each, name) for name in names} | {"number": number} for number, each in numbered]
    insert_many(connection, finding, reference, rows)


def store_tally(connection: Connection, reference: Reference, counts: Mapping[tuple[int, str], int]) -> None:
    """Keep how often each rule was broken in each field."""
    rows = [{"rule": rule, "field": field, "count": count} for (rule, field), count in counts.items()]
    insert_many(connection, tally, reference, rows)


def insert_many(connection: Connection, table: Table, reference: Reference, rows: list[dict[str, Any]]) -> None:
    """Insert rows in one statement: they travel as one JSON document, since COPY is refused under row-level security."""
    if not rows:
        return
    _inserting(table, tuple(rows[0]))(connection, tenant=reference.tenant_id, submission=reference.id, documents=rows)


@cache
def _inserting(table: Table, names: tuple[str, ...]) -> Prepared:
    given = bindparam("documents", type_=JSONB)
    document = func.jsonb_to_recordset(given).table_valued(*(table.c[name] for name in names))
    rows = document.render_derived(with_types=True)
    of = (
        bindparam("tenant", type_=table.c.tenant_id.type),
        bindparam("submission", type_=table.c.submission_id.type),
    )
    query = select(*of, *(rows.c[name] for name in names))
    return Prepared(insert(table).from_select(["tenant_id", "submission_id", *names], query))


def fail(connection: Connection, reference: Reference, at: datetime) -> None:
    """End a submission that could not be worked on: it was tried several times, and nothing of it is stored."""
    ended = update(submission).where(
        submission.c.tenant_id == reference.tenant_id,
        submission.c.id == reference.id,
        submission.c.state == State.RECEIVED.value,
    )
    connection.execute(ended.values(state=State.FAILED.value, finished_at=at))
    audit.record(
        connection,
        tenant=reference.tenant_id,
        actor="worker",
        role="service",
        action=f"submission {State.FAILED.value}",
        object_type="submission",
        object_id=str(reference.id),
    )
