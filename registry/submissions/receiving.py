"""The receipt: the bytes, their digest and the key are kept in one commit, and from there nothing can be lost."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry import identifiers
from registry.errors import BadRequest, Conflict, TooMany
from registry.store import audit
from registry.store.prepared import Prepared
from registry.store.tables import match_map, opt_out_mode, organisation, payload, submission
from registry.submissions.keys import TenantKeys
from registry.submissions.request import Reference, Request, State, sheet_format
from registry.submissions.senders import PATIENT_KINDS, screened
from schemas.counting import DEFINITION
from schemas.dictionary import VERSION
from schemas.record import RecordKind

MOST_WAITING = 100
"""Submissions of one organisation."""
_SAME = ("kind", "format", "mode", "rehearsal", "overwrite_online", "digest")


def receive(connection: Connection, request: Request, keys: TenantKeys, path: Path, *, at: datetime) -> Reference:
    """Keep a file as it came. The transaction's commit makes the receipt true.

    The same key with the same bytes, kind, format and mode gives the submission that is already there; with others it is
    a Conflict and nothing changes.
    """
    reference, entry = keep(connection, request, keys, path, at=at)
    if entry is not None:
        audit.record(connection, **entry)
    return reference


def keep(
    connection: Connection, request: Request, keys: TenantKeys, path: Path, *, at: datetime
) -> tuple[Reference, Mapping[str, Any] | None]:
    """As `receive`, for who has more to do in the transaction: the entry of the audit log is theirs to record, at its end. None where
    the submission is there already."""
    _declared(connection, request)
    digest, size = _digest(path)
    if size == 0:
        raise BadRequest("The file is empty. Choose the file that holds your rows.")
    row_id = uuid4()
    received = values(connection, request, keys, digest, size) | {"id": row_id, "received_at": at}
    if not _ADD(connection, **received):
        return _again(connection, request, digest), None
    reference = Reference(request.tenant_id, row_id)
    with path.open("rb") as file:
        _keep_bytes(connection, reference, keys, file)
    return reference, _entry(request, reference, size, digest)


_RECEIVED = (
    "tenant_id", "id", "kind", "format", "mode", "rehearsal", "door", "idempotency_key", "digest", "size", "file_name_ct",
    "state", "actor", "opt_out_screened", "overwrite_online", "map_version", "dataset_version", "definition", "received_at",
)  # fmt: skip
_ADD = Prepared(
    insert_or(submission)
    .on_conflict_do_nothing(index_elements=["tenant_id", "idempotency_key"])
    .returning(submission.c.id),
    _RECEIVED,
)


def _entry(request: Request, reference: Reference, size: int, content: bytes) -> Mapping[str, Any]:
    """What the audit log says of the receipt."""
    return {
        "tenant": request.tenant_id,
        "actor": request.actor,
        "role": request.role,
        "action": "submission received",
        "object_type": "submission",
        "object_id": str(reference.id),
        "detail": {
            "kind": request.kind.value,
            "bytes": size,
            "rehearsal": request.rehearsal,
            "door": request.door.value,
        },
        "change": audit.Change(None, content),
    }


_LAST = Prepared("select max(received_at) as last from records.submission where tenant_id = :tenant")


def moment(connection: Connection, tenant_id: int, at: datetime) -> datetime:
    """When what comes `at` is received: after all that the organisation sent before, also where the clock was set back meanwhile.

    A correction would otherwise look older than what it corrects, and be undone by it.
    """
    [row] = _LAST(connection, tenant=tenant_id)
    return at if row.last is None else max(at, row.last + timedelta(microseconds=1))


_WAITING = Prepared(
    select(func.count().label("waiting"))
    .select_from(submission)
    .where(submission.c.tenant_id == bindparam("tenant"), submission.c.state == bindparam("state"))
)


def not_too_many(connection: Connection, tenant_id: int) -> None:
    """Refuse one more file, before it is acknowledged, while so many of the organisation's wait already."""
    [counted] = _WAITING(connection, tenant=tenant_id, state=State.RECEIVED.value)
    if counted.waiting > MOST_WAITING:
        raise TooMany("So many of your files wait to be checked that no more are taken just now.", retry_after=60)


_MODE = Prepared(
    select(organisation.c.nation, opt_out_mode.c.mode)
    .join_from(organisation, opt_out_mode, organisation.c.nation == opt_out_mode.c.nation, isouter=True)
    .where(organisation.c.id == bindparam("tenant"))
)


def _declared(connection: Connection, request: Request) -> None:
    """Where the nation's opt-out is applied by senders, each batch of cases must say that it was."""
    [row] = _MODE(connection, tenant=request.tenant_id)
    must_declare(request, screened=screened(row.nation, row.mode))


def must_declare(request: Request, *, screened: bool) -> None:
    """Refuse cases and reviews of a nation where senders apply the opt-out, unless they say that they did."""
    if screened and not request.opt_out_screened and request.kind in PATIENT_KINDS:
        raise BadRequest(
            "Say that the national data opt-out was applied to this file: tick the box, or send opt_out_screened=true."
        )


def values(connection: Connection, request: Request, keys: TenantKeys, digest: bytes, size: int) -> dict[str, Any]:
    """What a submission is when it has been received."""
    return {
        "tenant_id": request.tenant_id,
        "kind": request.kind.value,
        "format": request.format.value,
        "mode": request.mode.value,
        "rehearsal": request.rehearsal,
        "door": request.door.value,
        "idempotency_key": request.idempotency_key,
        "digest": digest,
        "size": size,
        "file_name_ct": sealed_name(request, keys),
        "state": State.RECEIVED.value,
        "actor": request.actor,
        "opt_out_screened": request.opt_out_screened,
        "overwrite_online": request.overwrite_online,
        "map_version": _map_version(connection, request),
        "dataset_version": VERSION,
        "definition": DEFINITION,
    }


def _map_version(connection: Connection, request: Request) -> int | None:
    """The map under which a file is read; FHIR knows no headings or codes of the sender's own."""
    if sheet_format(request.format) is None:
        return None
    return newest_map_version(connection, request.tenant_id, request.kind)


def sealed_name(request: Request, keys: TenantKeys) -> bytes | None:
    """A file's name may name a patient, so it is sealed like a cell; its place is the key under which it came."""
    if not request.file_name:
        return None
    return identifiers.seal(
        keys.data, request.file_name[:200], name_aad(request.tenant_id, request.idempotency_key), version=keys.version
    )


def name_aad(tenant_id: int, idempotency_key: str) -> bytes:
    return identifiers.cell_aad(tenant_id, "submission", idempotency_key, "file_name")


def newest_map_version(connection: Connection, tenant_id: int, kind: RecordKind) -> int | None:
    """The version of the trust's confirmed map of headings and codes that now holds for a kind."""
    newest = _NEWEST_MAP(connection, tenant=tenant_id, kind=kind.value)
    return newest[0].version if newest else None


_NEWEST_MAP = Prepared(
    select(match_map.c.version)
    .where(match_map.c.tenant_id == bindparam("tenant"), match_map.c.kind == bindparam("kind"))
    .order_by(match_map.c.version.desc())
    .limit(1)
)


def _digest(path: Path) -> tuple[bytes, int]:
    running = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            running.update(block)
        return running.digest(), file.tell()


def sealed_parts(reference: Reference, keys: TenantKeys, file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a submission as they are kept."""
    return identifiers.seal_parts(keys.data, file, payload_aad(reference), version=keys.version)


_PART = Prepared(insert(payload), ["tenant_id", "submission_id", "part", "sealed"])


def _keep_bytes(connection: Connection, reference: Reference, keys: TenantKeys, file: IO[bytes]) -> None:
    for number, part in enumerate(sealed_parts(reference, keys, file)):
        _PART(connection, tenant_id=reference.tenant_id, submission_id=reference.id, part=number, sealed=part)


def payload_aad(reference: Reference) -> bytes:
    return identifiers.canonical("hat", "payload", reference.tenant_id, reference.id.bytes)


def stored_bytes(connection: Connection, reference: Reference, keys: TenantKeys) -> Iterator[bytes]:
    """The bytes as they were sent, part by part. Use none of it before the end has come.

    Raises IdentifierError once they were deleted, or where a part is not as it was sealed.
    """
    parts = connection.execute(
        select(payload.c.sealed)
        .where(payload.c.tenant_id == reference.tenant_id, payload.c.submission_id == reference.id)
        .order_by(payload.c.part)
        .execution_options(yield_per=4)
    ).scalars()
    return identifiers.open_parts(keys.opens, parts, payload_aad(reference))


def _again(connection: Connection, request: Request, digest: bytes) -> Reference:
    """The submission that already has this key, if it is the same request."""
    held = connection.execute(
        select(submission).where(
            submission.c.tenant_id == request.tenant_id, submission.c.idempotency_key == request.idempotency_key
        )
    ).one()
    if not is_same(held, request, digest):
        raise Conflict(
            "This Idempotency-Key was used for another file, kind, format or mode. Use a new key for a new file."
        )
    return Reference(held.tenant_id, UUID(str(held.id)))


def is_same(held: Row[Any], request: Request, digest: bytes) -> bool:
    """Whether a request is the one that was received under its key."""
    asked = {
        "kind": request.kind.value,
        "format": request.format.value,
        "mode": request.mode.value,
        "rehearsal": request.rehearsal,
        "overwrite_online": request.overwrite_online,
        "digest": digest,
    }
    return all(getattr(held, name) == asked[name] for name in _SAME)
