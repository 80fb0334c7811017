"""Submissions in one call, for tests: received and worked on as a door does it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from registry import submissions
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.submissions import Door, Format, Mode, Receipt, Reference, Request
from schemas.record import RecordKind
from tests.make import csv_bytes

AT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)


def keys(settings: Settings) -> Secrets:
    return Secrets.load(settings.secrets_dir, ["master", "match"])


def send(
    store: Store,
    settings: Settings,
    tenant: int,
    rows: Iterable[Mapping[str, str]] | bytes,
    *,
    kind: RecordKind = RecordKind.CASE,
    mode: Mode = Mode.ALL_OR_NOTHING,
    rehearsal: bool = False,
    key: str | None = None,
    door: Door = Door.API,
    format: Format = Format.CSV,  # noqa: A002 (the name at every door)
    at: datetime = AT,
    screened: bool = True,
    overwrite: bool = False,
) -> Receipt:
    """Send rows and give the receipt after the check."""
    path = submissions.spool(settings) / uuid4().hex
    path.write_bytes(rows if isinstance(rows, bytes) else csv_bytes(rows))
    reference = receive(
        store, settings, tenant, path, kind, mode, rehearsal, key, door, format, at, screened, overwrite
    )
    submissions.work_one(store, reference, keys(settings), settings, at=at)
    path.unlink()
    with store.readonly(tenants=(tenant,)) as connection:
        return submissions.get(connection, reference)


def receive(
    store: Store,
    settings: Settings,
    tenant: int,
    path: Path,
    kind: RecordKind = RecordKind.CASE,
    mode: Mode = Mode.ALL_OR_NOTHING,
    rehearsal: bool = False,
    key: str | None = None,
    door: Door = Door.API,
    format: Format = Format.CSV,  # noqa: A002 (the name at every door)
    at: datetime = AT,
    screened: bool = True,
    overwrite: bool = False,
) -> Reference:
    request = Request(
        tenant_id=tenant,
        kind=kind,
        format=format,
        mode=mode,
        rehearsal=rehearsal,
        door=door,
        actor="tester",
        role="trust_uploader",
        idempotency_key=key or uuid4().hex,
        opt_out_screened=screened,
        overwrite_online=overwrite,
        file_name="cases of the month.csv",
    )
    with store.transaction(tenants=(tenant,)) as connection:
        opened = submissions.open_keys(connection, keys(settings), tenant)
        return submissions.receive(connection, request, opened, path, at=at)
