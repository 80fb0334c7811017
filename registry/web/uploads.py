"""A file at the door: spooled to disk with a running count, received, and checked in the same commit if it is small.

What was received stays received: if the check cannot be made now, the receipt is given and the worker makes it.
"""

import hashlib
import logging
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import BoundedSemaphore
from types import TracebackType
from typing import IO, Self

from polars.exceptions import PolarsError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State

from registry import submissions
from registry.errors import Conflict, Gone, PayloadTooLarge
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.submissions import Format, Receipt, Reference, Request
from registry.submissions.checking import Outcome, Seen, work
from registry.submissions.keys import TenantKeys
from registry.submissions.order import at_once
from registry.submissions.receiving import moment, not_too_many
from registry.submissions.staging import FEW
from registry.web.problems import described

BLOCK = 1024 * 1024  # bytes written at a time
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
LEFT_BEHIND = 6 * 3600  # seconds: no request lasts as long, so an older file belonged to a process that was killed
CHECKED_AT_ONCE = 3
"""Small files that one process has in hand; more would only take the processors from each other, and connections that nothing is prepared on."""
_TURNS = BoundedSemaphore(CHECKED_AT_ONCE)

log = logging.getLogger(__name__)


class TooManyRowsError(Exception):
    """The file is small in bytes and large in rows: the worker's."""


class Spool:
    """A file of this request's own on disk, closed to others, gone at the end whatever happens.

    Takes at most `settings.max_upload_bytes`; the byte after them is PayloadTooLarge.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = submissions.spool(settings)
        self._limit = settings.max_upload_bytes
        self._digest = hashlib.sha256()
        self._first = b""
        self.size = 0

    def __enter__(self) -> Self:
        _sweep(self._folder)
        self._file = tempfile.NamedTemporaryFile(dir=self._folder, prefix="upload-")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def path(self) -> Path:
        return Path(self._file.name)

    @property
    def digest(self) -> str:
        """SHA-256 of what was taken, in hexadecimal digits."""
        return self._digest.hexdigest()

    @property
    def format(self) -> Format:
        """What the first bytes say: a workbook is a ZIP archive, or an old compound file, which its reader refuses in words."""
        return Format.XLSX if self._first.startswith(WORKBOOKS) else Format.CSV

    def expect(self, length: str | None) -> None:
        """Refuse a body by the length that its sender declares, before any of it is read."""
        if length is not None and length.isascii() and length.isdigit() and int(length[:20]) > self._limit:
            raise too_large(self._limit)

    def take(self, block: bytes) -> None:
        self.size += len(block)
        if self.size > self._limit:
            raise too_large(self._limit)
        if not self._first:
            self._first = block[:8]
        self._digest.update(block)
        self._file.write(block)

    def flush(self) -> None:
        """Let others read by its path what was taken."""
        self._file.flush()

    def take_file(self, file: IO[bytes]) -> None:
        """All of an open file."""
        while block := file.read(BLOCK):
            self.take(block)
        self.flush()

    async def take_stream(self, blocks: AsyncIterator[bytes]) -> None:
        """All of a body as it arrives; written outside the event loop, a mebibyte at a time."""
        held = bytearray()
        async for block in blocks:
            held += block
            if len(held) >= BLOCK:
                await run_in_threadpool(self.take, bytes(held))
                held.clear()
        await run_in_threadpool(self.take, bytes(held))
        await run_in_threadpool(self.flush)


def too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"A file may hold {limit:,} bytes. Divide it into smaller files and send them one by one.")


def _sweep(folder: Path) -> None:
    """Remove what a killed process left: these files hold rows as they were sent."""
    for path in folder.iterdir():
        try:
            if time.time() - path.stat().st_mtime > LEFT_BEHIND:
                path.unlink()
        except FileNotFoundError:  # another request was first
            continue


@dataclass(frozen=True, slots=True)
class Delivered:
    """A receipt, and whether its submission had been received before under the same key."""

    receipt: Receipt
    again: bool


def secrets_of(state: State) -> Secrets:
    """The keys that receiving and opening files takes, read once a process."""
    held: Secrets | None = getattr(state, "upload_secrets", None)
    if held is None:
        settings: Settings = state.settings
        held = state.upload_secrets = Secrets.load(settings.secrets_dir, ["master", "match"])
    return held


def deliver(state: State, request: Request, spool: Spool) -> Delivered:
    """Receive a spooled file, and check it if it is small and no other of its trust and kind is in hand. Raises what
    `submissions.receive` raises; nothing is kept then.

    Both are one commit: what is received apart is seen by the worker too, who might be first.
    """
    store: Store = state.store
    small = spool.size <= state.settings.small_bytes
    with _TURNS if small else nullcontext(), store.transaction(tenants=(request.tenant_id,)) as connection:
        # Before the moment is taken: what is received later settles later.
        now = small and at_once(connection, request.tenant_id, request.kind)
        at = moment(connection, request.tenant_id, datetime.now(UTC))
        keys = keys_of(state, connection, request.tenant_id)
        reference, received = submissions.keep(connection, request, keys, spool.path, at=at)
        if received is not None:
            not_too_many(connection, request.tenant_id)
        outcome = _check_now(connection, reference, keys, state.settings, spool.path) if now else None
        for entry in (received, outcome.entry if outcome else None):
            if entry is not None:
                audit.record(connection, **entry)
        receipt = submissions.get(connection, reference)
    return Delivered(receipt, again=received is None)


def keys_of(state: State, connection: Connection, tenant: int) -> TenantKeys:
    """The keys of one organisation. Raises Conflict where they were destroyed."""
    try:
        return submissions.open_keys(connection, secrets_of(state), tenant)
    except IdentifierError:
        raise Conflict(
            "What this organisation sent was sealed for good: its key was destroyed. Nothing can be sent or opened for it."
        ) from None


def _check_now(
    connection: Connection, reference: Reference, keys: TenantKeys, settings: Settings, path: Path
) -> Outcome | None:
    """The check of what was just received; None where the worker has to make it, and all but the receipt is undone."""
    try:
        with connection.begin_nested():
            return work(
                connection,
                reference,
                keys,
                settings,
                at=datetime.now(UTC),
                path=path,
                seen=_at_most(settings.small_rows),
                few=settings.small_rows <= FEW,
            )
    except TooManyRowsError:
        return None
    except (SQLAlchemyError, PolarsError, OSError, ValueError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise  # with the connection the receipt is gone too: nothing is left to anybody
        log.warning("submission %s is left to the worker: %s", reference.id, described(error))
        return None


def _at_most(rows: int) -> Seen:
    def seen(done: int, total: int) -> None:
        if max(done, total) > rows:
            raise TooManyRowsError

    return seen


def copy_stored(connection: Connection, reference: Reference, keys: TenantKeys, to: Spool) -> None:
    """The bytes of a submission as they were sent, into a spool. Raises Gone where they can no longer be opened."""
    try:
        for part in submissions.stored_bytes(connection, reference, keys):
            to.take(part)
    except IdentifierError:
        raise Gone("The bytes of this submission can no longer be opened. Send the file again.") from None
    to.flush()
