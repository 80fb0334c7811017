"""The bytes of a submission once more: a rehearsal that is to be stored, or checked again under a newer map."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from registry import identifiers
from registry.access import Actor
from registry.errors import Conflict
from registry.store.tables import submission
from registry.submissions.keys import TenantKeys
from registry.submissions.mending import mending_key
from registry.submissions.receiving import name_aad, newest_map_version
from registry.submissions.request import Door, Format, Mode, Reference, Request, State, sheet_format
from schemas.record import RecordKind


@dataclass(frozen=True, slots=True)
class Stored:
    """A submission that stored, or tried to store, what had been rehearsed."""

    id: UUID
    mode: Mode


def storing(connection: Connection, reference: Reference, keys: TenantKeys, *, mode: Mode, by: Actor) -> Request:
    """The request that stores what was rehearsed. It has one key, so it is stored once however often it is asked for.

    Raises Conflict for what was no rehearsal, or has not been checked yet.
    """
    held = _held(connection, reference)
    if not held.rehearsal or held.state != State.REHEARSED.value:
        raise Conflict("Only a file that was rehearsed can be stored from here.")
    return _request(held, keys, key=_storing_key(reference, mode), mode=mode, rehearsal=False, by=by)


def stored_as(connection: Connection, reference: Reference) -> Stored | None:
    """What became of a rehearsal that was stored; None if it was not."""
    keys = {_storing_key(reference, mode): mode for mode in Mode}
    row = connection.execute(
        select(submission.c.id, submission.c.idempotency_key)
        .where(submission.c.tenant_id == reference.tenant_id, submission.c.idempotency_key.in_(keys))
        .order_by(submission.c.received_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Stored(row.id, keys[row.idempotency_key])


def rehearsing(
    connection: Connection, reference: Reference, keys: TenantKeys, *, by: Actor, overwrite: bool = False
) -> Request:
    """The request that rehearses a file again under the newest map; once for each version of the map. With `overwrite` it is to stand
    over what was corrected online.

    Raises Conflict while the file has not been checked at all, and for what has no headings.
    """
    held = _held(connection, reference)
    if held.state == State.RECEIVED.value:
        raise Conflict("This file has not been checked yet.")
    if sheet_format(held.format) is None:
        raise Conflict("This came as FHIR, which knows no headings or codes of your own.")
    version = newest_map_version(connection, reference.tenant_id, RecordKind(held.kind))
    over = overwrite or held.overwrite_online
    key = f"again-{reference.id}-{version or 0}{'-over' if over else ''}"
    return replace(_request(held, keys, key=key, mode=Mode(held.mode), rehearsal=True, by=by), overwrite_online=over)


def mending(
    connection: Connection, reference: Reference, keys: TenantKeys, *, digest: str, mode: Mode, by: Actor
) -> Request:
    """The request that sends a mended file of a submission: once for the same corrections. A mended rehearsal is rehearsed."""
    held = _held(connection, reference)
    key = mending_key(reference, digest, mode.value)
    wanted = _request(held, keys, key=key, mode=mode, rehearsal=held.rehearsal, by=by)
    return replace(wanted, format=Format.CSV, file_name="mended rows.csv")


def _storing_key(reference: Reference, mode: Mode) -> str:
    return f"rehearsed-{reference.id}-{mode.value}"


def _held(connection: Connection, reference: Reference) -> Row[Any]:
    return connection.execute(
        select(submission).where(submission.c.tenant_id == reference.tenant_id, submission.c.id == reference.id)
    ).one()


def _request(held: Row[Any], keys: TenantKeys, *, key: str, mode: Mode, rehearsal: bool, by: Actor) -> Request:
    aad = name_aad(held.tenant_id, held.idempotency_key)
    return Request(
        tenant_id=held.tenant_id,
        kind=RecordKind(held.kind),
        format=Format(held.format),
        mode=mode,
        rehearsal=rehearsal,
        # A file of FHIR goes the way of such files, in chunks, whoever asks for it.
        door=Door.FHIR if sheet_format(held.format) is None else Door.PAGE,
        actor=by.label,
        role=by.role,
        idempotency_key=key,
        opt_out_screened=held.opt_out_screened,
        overwrite_online=held.overwrite_online,
        file_name=identifiers.open_sealed(keys.opens, held.file_name_ct, aad) if held.file_name_ct else None,
    )
