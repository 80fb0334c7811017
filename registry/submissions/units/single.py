"""One unit in one transaction: its receipt, its bytes, its records and the response to it stand or fall together."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection, bindparam, select

from ingest.check import Context
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.unit import Unit
from registry import identifiers
from registry.errors import Conflict, PreconditionFailed, Unavailable
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.store.prepared import Prepared
from registry.store.tables import submission
from registry.submissions.corrections import Corrections
from registry.submissions.order import earlier_waits, one_at_a_time
from registry.submissions.receiving import is_same, must_declare, sealed_parts, values
from registry.submissions.request import Door, Reference, Request, State
from registry.submissions.units.amending import Standing, amended
from registry.submissions.units.expected import expected
from registry.submissions.units.gathering import Gathering
from registry.submissions.units.keeping import keep_unit
from registry.submissions.units.outcomes import (
    Counts,
    Outcome,
    did,
    finished_values,
    outcome_parts,
    pack,
)
from registry.submissions.units.settled import ORDER, Settled
from registry.submissions.units.settling import settle_units
from registry.submissions.units.trust import Trust, open_trust
from schemas.record import RecordKind

PATIENCE = "10s"
"""So long a unit waits for another of its trust; then the sender is asked to try again."""

TOGETHER = Gathering()
"""Of this process: the requests of all its threads."""

_EARLIER = Prepared(
    select(submission).where(
        submission.c.tenant_id == bindparam("tenant"), submission.c.idempotency_key == bindparam("key")
    )
)

Respond = Callable[[CheckedUnits, Settled], bytes]


@dataclass(frozen=True, slots=True)
class Stored:
    """A unit that stands. `response` is what its sender was told; `replayed`: that was before."""

    reference: Reference
    response: bytes
    replayed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A unit of which nothing is kept, and why."""

    checked: CheckedUnits


class _RefusedError(Exception):
    """Undoes a transaction."""

    def __init__(self, checked: CheckedUnits) -> None:
        super().__init__()
        self.checked = checked


class _SentTwiceError(Exception):
    """The same request came a second time while the first was worked on; undoes this one."""


def kind_of(unit: Unit) -> RecordKind:
    """The kind under which a unit is received: its case, else its review or its return."""
    return next((kind for kind in ORDER if kind in unit.records), RecordKind.CASE)


def store_unit(
    store: Store,
    request: Request,
    content: bytes,
    unit: Unit,
    secrets: Secrets,
    settings: Settings,
    *,
    at: datetime,
    respond: Respond,
) -> Stored | Refused:
    """Check a unit and store it, with the bytes in which it came and what `respond` answers to it; or keep nothing at all.

    The same key with the same bytes gives the response that was given then, whatever has changed since; with others it is a
    Conflict. Raises BadRequest where the opt-out is not declared, PreconditionFailed where the unit names a version that is not
    held, Unavailable while an earlier file of the trust waits.
    """
    work = _Work(request, content, identifiers.digest(content), unit, at, respond)
    try:
        with store.transaction(tenants=(request.tenant_id,)) as connection:
            return work.earlier(connection) or work.store(
                connection, open_trust(connection, secrets, request.tenant_id), settings
            )
    except _RefusedError as refused:
        return Refused(refused.checked)
    except _SentTwiceError:
        with store.readonly(tenants=(request.tenant_id,)) as connection:
            earlier = work.earlier(connection)
        if earlier is None:
            raise Unavailable("This was sent twice at the same moment. Send it again.", retry_after=1) from None
        return earlier


def validate(
    store: Store,
    tenant_id: int,
    units: Sequence[Unit],
    secrets: Secrets,
    settings: Settings,
    *,
    at: datetime,
) -> CheckedUnits:
    """All that would be said about units of a trust, by the same code, and nothing kept."""
    with store.transaction(tenants=(tenant_id,)) as connection:
        trust = open_trust(connection, secrets, tenant_id)
        context = trust.context(settings, at)
        checked = check_units(units, context)
        with _undone(connection):
            one_at_a_time(connection, tenant_id, checked.kinds, patience=PATIENCE)
            standing = Standing(connection, tenant_id, trust.keys, context, overwrite=False)
            checked = amended(units, checked, standing.corrections(checked.kinds), context)
            settle_units(connection, Reference(tenant_id, uuid4()), checked, Door.FHIR, trust.keys)
    return checked


@contextmanager
def _undone(connection: Connection) -> Iterator[None]:
    savepoint = connection.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()


@dataclass(frozen=True, slots=True)
class _Work:
    """One request with its unit."""

    request: Request
    content: bytes
    digest: bytes
    unit: Unit
    at: datetime
    respond: Respond

    def earlier(self, connection: Connection) -> Stored | None:
        """What was stored under the request's key. Raises Conflict if that was another request."""
        rows = _EARLIER(connection, tenant=self.request.tenant_id, key=self.request.idempotency_key)
        if not rows:
            return None
        [held] = rows
        if not is_same(held, self.request, self.digest) or held.state != State.ACCEPTED.value:
            raise Conflict(
                "This identifier was used for something else that you sent. Give each Bundle one of its own."
            )
        reference = Reference(held.tenant_id, held.id)
        return Stored(reference, b"".join(outcome_parts(connection, reference)), replayed=True)

    def store(self, connection: Connection, trust: Trust, settings: Settings) -> Stored:
        must_declare(self.request, screened=trust.screened)
        context = trust.context(settings, self.at)
        checked = TOGETHER.check(self.unit, context)
        if self.unit.ordinal in checked.faulty:
            raise _RefusedError(checked)
        reference = Reference(self.request.tenant_id, uuid4())
        self._lock(connection, checked)
        corrections = self._corrections(connection, checked, trust, context)
        checked = amended([self.unit], checked, corrections, context)
        settled = self._settle(connection, reference, checked, trust)
        for each in corrections:
            each.release(settled.ordinals())
        response = self.respond(checked, settled)
        counts = Counts()
        counts.add(self.unit.ordinal, settled.did(self.unit.ordinal), checked.issues(self.unit.ordinal))
        ordinals = range(self.unit.ordinal, self.unit.ordinal + 1)
        told = Outcome(ordinals, pack(response), counts, did(settled))
        sealed = list(sealed_parts(reference, trust.keys, io.BytesIO(self.content)))
        if not keep_unit(connection, reference, self._received(connection, reference, trust, told), sealed, told):
            raise _SentTwiceError
        self._audit(connection, reference)
        return Stored(reference, response, replayed=False)

    def _lock(self, connection: Connection, checked: CheckedUnits) -> None:
        request = self.request
        one_at_a_time(connection, request.tenant_id, checked.kinds, patience=PATIENCE)
        # What is entered online stands, whatever a file says that settles after it.
        waits = request.door is not Door.FORM
        if waits and earlier_waits(connection, request.tenant_id, request.kind, request.format, before=None):
            raise Unavailable("A file that you sent earlier is still being worked on. Send this again when it is done.")

    def _corrections(
        self, connection: Connection, checked: CheckedUnits, trust: Trust, context: Context
    ) -> list[Corrections]:
        """What was corrected online stands against every door but its own."""
        if self.request.door is Door.FORM:
            return []
        overwrite = self.request.overwrite_online
        standing = Standing(connection, self.request.tenant_id, trust.keys, context, overwrite=overwrite)
        return standing.corrections(checked.kinds)

    def _settle(self, connection: Connection, reference: Reference, checked: CheckedUnits, trust: Trust) -> Settled:
        request, ordinal = self.request, self.unit.ordinal
        settled = settle_units(
            connection,
            reference,
            checked,
            request.door,
            trust.keys,
            expected([(ordinal, self.unit.entries)]),
            undone=True,
        )
        if ordinal in settled.stale:
            raise PreconditionFailed(
                "The version that If-Match names is not the one that is held. Read the record again, then repeat your change."
            )
        if settled.did(ordinal) is None:
            raise _RefusedError(checked)
        return settled

    def _received(self, connection: Connection, reference: Reference, trust: Trust, told: Outcome) -> dict[str, object]:
        """The submission, received and finished at once."""
        received = values(connection, self.request, trust.keys, self.digest, len(self.content))
        finished = finished_values(State.ACCEPTED, self.request.kind, told.counts, told.did, self.at)
        return received | finished | {"id": reference.id, "received_at": self.at}

    def _audit(self, connection: Connection, reference: Reference) -> None:
        audit.record(
            connection,
            tenant=reference.tenant_id,
            actor=self.request.actor,
            role=self.request.role,
            action=f"submission {State.ACCEPTED.value}",
            object_type="submission",
            object_id=str(reference.id),
            detail={"kind": self.request.kind.value, "bytes": len(self.content), "door": self.request.door.value},
            change=audit.Change(None, self.digest),
        )
