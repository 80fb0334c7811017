"""Jobs: files of units, received at once and worked on later, chunk by chunk; how far each is, and its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, select

from registry.errors import NotFound
from registry.settings import Secrets
from registry.store import Store, progress
from registry.store.tables import submission, unit_outcome
from registry.submissions.order import hold
from registry.submissions.receiving import moment, not_too_many, receive
from registry.submissions.request import Door, Mode, Reference, Request, State
from registry.submissions.units.finishing import finish
from registry.submissions.units.outcomes import WHOLE_FILE
from registry.submissions.units.trust import open_trust

PATIENCE = "30s"
"""So long a cancellation waits for the chunk that is being written."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was received; `again`: before, under the same key."""

    reference: Reference
    again: bool


@dataclass(frozen=True, slots=True)
class Units:
    """Received = accepted + unchanged + rejected."""

    received: int
    accepted: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How far a job is. `unreadable`: the file as a whole could not be read, and its outcome is one line that says why."""

    reference: Reference
    state: State
    rehearsal: bool
    format: str
    received_at: datetime
    finished_at: datetime | None
    done: int
    total: int | None
    units: Units
    issues: Mapping[str, int]
    unreadable: bool

    @property
    def finished(self) -> bool:
        return self.state is not State.RECEIVED


def submit_job(store: Store, request: Request, path: Path, secrets: Secrets, *, at: datetime) -> Job:
    """Receive a spooled file whose units are to be worked on later. Raises what `receive` raises, and TooMany."""
    with store.transaction(tenants=(request.tenant_id,)) as connection:
        trust = open_trust(connection, secrets, request.tenant_id)
        at = moment(connection, request.tenant_id, at)
        reference = receive(connection, request, trust.keys, path, at=at)
        again = connection.scalar(select(submission.c.received_at).where(_is(reference))) != at
        if not again:
            not_too_many(connection, request.tenant_id)
    return Job(reference, again)


def find_job(connection: Connection, tenants: Sequence[int], job: UUID) -> Reference:
    """The job with this id among those of the trusts. NotFound where there is none, it is another's, or it was cancelled."""
    tenant = connection.execute(
        select(submission.c.tenant_id).where(
            submission.c.tenant_id.in_(tenants),
            submission.c.id == job,
            submission.c.door == Door.FHIR.value,
            submission.c.mode == Mode.ACCEPT_GOOD_ROWS.value,
            submission.c.state != State.CANCELLED.value,
        )
    ).scalar()
    if tenant is None:
        raise NotFound
    return Reference(tenant, job)


def status(connection: Connection, reference: Reference) -> Status:
    """A job in its present state."""
    held = connection.execute(select(submission).where(_is(reference))).one()
    counted = _counted(connection, reference)
    told = progress.read(connection, reference.tenant_id, reference.id) if held.state == State.RECEIVED.value else None
    received = counted.accepted + counted.unchanged + counted.rejected
    return Status(
        reference=reference,
        state=State(held.state),
        rehearsal=held.rehearsal,
        format=held.format,
        received_at=held.received_at,
        finished_at=held.finished_at,
        done=max(received, told.done if told else 0),
        total=(told.total if told else None) if held.state == State.RECEIVED.value else received,
        units=Units(received, counted.accepted, counted.unchanged, counted.rejected),
        issues={"error": counted.errors, "warning": counted.warnings, "information": counted.informations},
        unreadable=bool(counted.unreadable),
    )


def _counted(connection: Connection, reference: Reference) -> Row[Any]:
    """The counts of all outcomes so far."""
    names = ("accepted", "unchanged", "rejected", "errors", "warnings", "informations")
    totals = (func.coalesce(func.sum(unit_outcome.c[name]), 0).label(name) for name in names)
    whole = func.count().filter(and_(unit_outcome.c.first == WHOLE_FILE, unit_outcome.c.errors > 0))
    asked: Select[Any] = select(*totals, whole.label("unreadable"))
    of = (unit_outcome.c.tenant_id == reference.tenant_id, unit_outcome.c.submission_id == reference.id)
    return connection.execute(asked.where(*of)).one()


def cancel(store: Store, reference: Reference, *, actor: str, role: str, at: datetime) -> bool:
    """Store no more units of a job; those that are stored stay, with their outcomes. False where it had ended already."""
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        held = hold(connection, reference, patience=PATIENCE)
        if held is None:
            return False
        finish(connection, held, State.CANCELLED, at, actor=actor, role=role)
    return True


def fail_job(connection: Connection, reference: Reference, at: datetime) -> None:
    """End a job that could not be worked on to its end, though it was tried several times. What is stored stays."""
    held = hold(connection, reference)
    if held is not None:
        finish(connection, held, State.FAILED, at, actor="worker")


def _is(reference: Reference) -> ColumnElement[bool]:
    return and_(submission.c.tenant_id == reference.tenant_id, submission.c.id == reference.id)
