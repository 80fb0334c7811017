"""The order in which what a trust sends settles: as it came, one after the other, kind by kind."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select, text

from registry.store.prepared import Prepared
from registry.store.tables import submission
from registry.submissions.request import Format, Reference, State
from schemas.record import RecordKind

UNIT_KINDS = (RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY)
"""What a file of FHIR may hold."""
# Two files of one trust for one kind wait for each other at most so long; then the later one is tried again.
PATIENCE = "60s"
_SETTINGS = {
    "work_mem": "64MB",
    "temp_buffers": "64MB",
    # What is held is looked up by one key at a time; a bitmap of all that a trust holds for each of them is never worth it.
    "enable_bitmapscan": "off",
}
_SET = ", ".join(f"set_config('{name}', '{value}', true) as {name}" for name, value in _SETTINGS.items())
# Evaluated in this order, so that the lock is waited for as long as is said before it.
_LOCK = Prepared(
    f"""select {_SET}, set_config('lock_timeout', :patience, true) as patience,
              (select count(pg_advisory_xact_lock(hashtext('submission'), hashtext(each)))
                 from unnest(cast(:of as text[])) with ordinality as u(each, number))"""
)


def hold(connection: Connection, reference: Reference, *, patience: str | None = None) -> Any | None:
    """Lock a submission that waits to the end of the transaction; gives its row. None where it is done; where somebody else holds it, without
    `patience`, at once, and with it the database's error once that is over."""
    if patience is not None:
        connection.execute(text("select set_config('lock_timeout', :patience, true)"), {"patience": patience})
    held = _hold(waits=patience is not None)(connection, tenant=reference.tenant_id, submission=reference.id)
    return held[0] if held else None


@cache
def _hold(*, waits: bool) -> Prepared:
    return Prepared(
        select(submission)
        .where(
            submission.c.tenant_id == bindparam("tenant"),
            submission.c.id == bindparam("submission"),
            submission.c.state == State.RECEIVED.value,
        )
        .with_for_update(skip_locked=not waits)
    )


def one_at_a_time(
    connection: Connection, tenant_id: int, kinds: Collection[RecordKind], *, patience: str = PATIENCE
) -> None:
    """Let what a trust sends of these kinds settle one after the other, so that nothing is compared with a half-written register.

    Holds to the end of the transaction.
    """
    of = [_named(tenant_id, kind) for kind in RecordKind if kind in kinds]
    _LOCK(connection, patience=patience, of=of)


_TRY_LOCK = Prepared("select pg_try_advisory_xact_lock(hashtext('submission'), hashtext(:of)) as taken")


def at_once(connection: Connection, tenant_id: int, kind: RecordKind) -> bool:
    """As `one_at_a_time`, where that need not be waited for; else False."""
    [tried] = _TRY_LOCK(connection, of=_named(tenant_id, kind))
    return bool(tried.taken)


def _named(tenant_id: int, kind: RecordKind) -> str:
    """What both of them lock."""
    return f"{tenant_id} {kind.value}"


def earlier_waits(
    connection: Connection,
    tenant_id: int,
    kind: RecordKind,
    format: Format,  # noqa: A002 (the name at every door)
    *,
    before: datetime | None,
) -> bool:
    """Whether a file of the trust that came `before` still waits (None: any) and may hold a record that one of this kind and format
    holds: settled after it, that would undo its corrections."""
    if before is None:
        return bool(_waiting(kind, format)(connection, tenant=tenant_id))
    return bool(_waiting(kind, format, earlier=True)(connection, tenant=tenant_id, before=before))


@cache
def _waiting(kind: RecordKind, format: Format, *, earlier: bool = False) -> Prepared:  # noqa: A002 (the name at every door)
    conditions = [
        submission.c.tenant_id == bindparam("tenant"),
        submission.c.state == State.RECEIVED.value,
        submission.c.rehearsal.is_(False),
        _shared(kind, format),
    ]
    if earlier:
        conditions.append(submission.c.received_at < bindparam("before"))
    return Prepared(select(submission.c.id).where(*conditions).limit(1))


def _shared(kind: RecordKind, format: Format) -> ColumnElement[bool]:  # noqa: A002 (the name at every door)
    """Which submissions may hold a record that one of this kind and format holds."""
    same_kind = submission.c.kind == kind.value
    of_fhir = submission.c.format == Format.FHIR.value
    if format is Format.FHIR:
        return or_(of_fhir, *(submission.c.kind == each.value for each in UNIT_KINDS))
    return or_(same_kind, of_fhir) if kind in UNIT_KINDS else same_kind
