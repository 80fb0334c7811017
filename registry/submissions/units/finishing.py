"""The end of a job: one receipt from the outcomes of all its chunks."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from registry.store import audit
from registry.store.tables import submission, unit_outcome
from registry.submissions.outcome import store_tally
from registry.submissions.request import Record, Reference, State
from registry.submissions.units.outcomes import WHOLE_FILE, Counts, Did, finished_values
from schemas.finding import Severity
from schemas.record import RecordKind

_SERVICE = "service"


def finish(
    connection: Connection,
    held: Row[Any],
    state: State | None,
    at: datetime,
    *,
    actor: str | None = None,
    role: str = _SERVICE,
) -> State:
    """End a submission of units, which this transaction holds. `state` None: what its outcomes come to."""
    reference = Reference(held.tenant_id, held.id)
    counts, did, unreadable = _totals(connection, reference)
    ended = state or _state(held, counts, unreadable=unreadable)
    connection.execute(
        update(submission)
        .where(submission.c.tenant_id == held.tenant_id, submission.c.id == held.id)
        .values(finished_values(ended, RecordKind(held.kind), counts, did, at))
    )
    store_tally(connection, reference, counts.tally)
    audit.record(
        connection,
        tenant=held.tenant_id,
        actor=actor or held.actor,
        role=role,
        action=f"submission {ended.value}",
        object_type="submission",
        object_id=str(held.id),
        detail={
            "rows": counts.did.total() + counts.rejected,
            "new": counts.did[Record.NEW],
            "changed": counts.did[Record.CHANGED],
        },
    )
    return ended


def _state(held: Row[Any], counts: Counts, *, unreadable: bool) -> State:
    if held.rehearsal:
        return State.REHEARSED
    if unreadable or (counts.rejected and not counts.did.total()):
        return State.REFUSED
    return State.PARTLY_ACCEPTED if counts.rejected else State.ACCEPTED


def _totals(connection: Connection, reference: Reference) -> tuple[Counts, Did, bool]:
    """The counts of all chunks together, and whether the file as a whole could not be read."""
    counts, gained, changed_fields = Counts(), Counter[str](), Counter[str]()
    unreadable = False
    columns = [column for column in unit_outcome.c if column.name != "lines"]
    for row in connection.execute(
        select(*columns)
        .where(unit_outcome.c.tenant_id == reference.tenant_id, unit_outcome.c.submission_id == reference.id)
        .order_by(unit_outcome.c.first)
    ):
        counts.did.update({each: getattr(row, each) for each in Record})
        counts.rejected += row.rejected
        counts.severities.update({Severity.ERROR: row.errors, Severity.WARNING: row.warnings})
        counts.faulty += row.faulty
        for name, count in row.tally.items():
            rule, _, field = name.partition(" ")
            counts.tally[int(rule), field] += count
        gained.update(row.gained)
        changed_fields.update(row.changed_fields)
        unreadable |= row.first == WHOLE_FILE and row.errors > 0
    return counts, Did(dict(gained), dict(changed_fields)), unreadable
