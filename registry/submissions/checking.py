"""The outcome of a submission: read, check, compare with the register, store rows and outcome together, in one transaction.

Of a small one it is the transaction of its receipt too. A crash at any moment leaves a submission as it was received, and the next try
does the whole again.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ingest.check import Context
from ingest.files import open_file
from ingest.reading import Amend, Reading
from registry.settings import Secrets, Settings
from registry.store import audit
from registry.store.prepared import Prepared
from registry.store.tables import match_map, organisation
from registry.submissions import against_register, changes, staging
from registry.submissions.changes import Changes
from registry.submissions.corrections import Corrections
from registry.submissions.keys import TenantKeys, open_keys
from registry.submissions.meeting import meet
from registry.submissions.order import earlier_waits, hold, one_at_a_time
from registry.submissions.outcome import NOTHING_STORED, final_state, store_outcome
from registry.submissions.receiving import stored_bytes
from registry.submissions.request import Door, Format, Mode, Reference, State, sheet_format
from registry.submissions.settling import Difference, settle
from schemas.codelist import Nation
from schemas.days import LONDON
from schemas.record import RecordKind

Seen = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a submission ended, and what the audit log is to say of it."""

    state: State
    entry: Mapping[str, Any]


def check(
    connection: Connection,
    reference: Reference,
    secrets: Secrets,
    settings: Settings,
    *,
    at: datetime,
    seen: Seen | None = None,
) -> State | None:
    """Work on one received submission, and audit how it ended. None: it is finished already, somebody else has it in hand, it is not
    its turn, or its units are worked on in chunks (`units`). `seen` hears (rows done, rows in all).
    """
    keys = open_keys(connection, secrets, reference.tenant_id)
    outcome = work(connection, reference, keys, settings, at=at, seen=seen)
    if outcome is None:
        return None
    audit.record(connection, **outcome.entry)
    return outcome.state


def work(
    connection: Connection,
    reference: Reference,
    keys: TenantKeys,
    settings: Settings,
    *,
    at: datetime,
    path: Path | None = None,
    seen: Seen | None = None,
    few: bool = False,
) -> Outcome | None:
    """As `check`, for who records the entry of the audit log.

    `path` is the file where it still lies on disk; else the stored bytes are opened. Where `seen` lets no more than `staging.FEW`
    rows pass, say `few`.
    """
    held = hold(connection, reference)
    if held is None or held.door == Door.FHIR.value or _must_wait(connection, held):
        return None
    with on_disk(connection, reference, keys, settings, path) as file:
        reading = _open(connection, held, file, settings)
        difference, changed = _work(connection, held, reference, reading, keys, seen, few)
    state = final_state(
        Mode(held.mode),
        rehearsal=held.rehearsal,
        report=reading.report,
        stored=reading.report.rows and _stands(difference),
    )
    store_outcome(connection, reference, state, reading.report, difference, at)
    changes.keep(connection, reference, changed)
    return Outcome(state, _entry(held, state, reading, difference))


def _entry(held: Any, state: State, reading: Reading, difference: Difference) -> Mapping[str, Any]:
    """What the audit log says of the outcome."""
    return {
        "tenant": held.tenant_id,
        "actor": held.actor,
        "role": "service",
        "action": f"submission {state.value}",
        "object_type": "submission",
        "object_id": str(held.id),
        "detail": {"rows": reading.report.rows, "new": difference.new, "changed": difference.changed},
    }


def startable(connection: Connection, reference: Reference) -> Door | None:
    """The door of a submission that waits, is in nobody's hands and has its turn at this moment; None for any other."""
    held = hold(connection, reference)
    return None if held is None or _must_wait(connection, held) else Door(held.door)


def _stands(difference: Difference) -> int:
    return difference.new + difference.changed + difference.unchanged + difference.withdrawn


def _must_wait(connection: Connection, held: Any) -> bool:
    """Whether an earlier file of the same trust still waits that this one's corrections may be about."""
    if held.rehearsal:
        return False
    kind, form = RecordKind(held.kind), Format(held.format)
    return earlier_waits(connection, held.tenant_id, kind, form, before=held.received_at)


@contextmanager
def on_disk(
    connection: Connection, reference: Reference, keys: TenantKeys, settings: Settings, path: Path | None
) -> Iterator[Path]:
    """The submitted bytes as a file; one that we wrote is gone afterwards, whatever happens."""
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile(dir=spool(settings), prefix="check-") as file:
        for part in stored_bytes(connection, reference, keys):
            file.write(part)
        file.flush()
        yield Path(file.name)


def spool(settings: Settings) -> Path:
    """The folder for files on their way, closed to others."""
    folder = settings.data_dir / "spool"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


_SENDER = Prepared(select(organisation.c.code, organisation.c.nation).where(organisation.c.id == bindparam("tenant")))


def _open(connection: Connection, held: Any, file: Path, settings: Settings) -> Reading:
    [sender] = _SENDER(connection, tenant=held.tenant_id)
    headings, codes = matches(connection, held)
    context = Context(
        nation=Nation(sender.nation),
        sender=sender.code,
        on=held.received_at.astimezone(LONDON).date(),
        synthetic=settings.demo,
        transfer_hours=settings.counting.transfer_hours,
        codes=codes,
    )
    sheet = sheet_format(held.format)
    if sheet is None:
        raise ValueError("this submission has no rows and columns")
    return open_file(file, RecordKind(held.kind), sheet, context, headings)


def matches(connection: Connection, held: Any) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The trust's own map of headings and codes that held when the file was received."""
    if held.map_version is None:
        return {}, {}
    row = connection.execute(
        select(match_map.c.headings, match_map.c.codes).where(
            match_map.c.tenant_id == held.tenant_id,
            match_map.c.kind == held.kind,
            match_map.c.version == held.map_version,
        )
    ).one_or_none()
    return (row.headings, row.codes) if row is not None else ({}, {})


def _work(
    connection: Connection,
    held: Any,
    reference: Reference,
    reading: Reading,
    keys: TenantKeys,
    seen: Seen | None,
    few: bool,
) -> tuple[Difference, Changes]:
    kind, door = RecordKind(held.kind), Door(held.door)
    one_at_a_time(connection, reference.tenant_id, (kind,))
    corrections = Corrections(
        connection, kind, reference.tenant_id, keys, reading.context, overwrite=held.overwrite_online
    )
    staging.create(connection, kind, few=few)
    staging.fill(connection, kind, _blocks(reading, kind, reference, keys, seen, _amend(corrections, door)), few=few)
    meet(connection, kind, reference, few=few)
    _compare_with_register(connection, kind, reference, reading)
    refused = reading.report.refused_whole or (reading.report.errors and Mode(held.mode) is Mode.ALL_OR_NOTHING)
    if held.rehearsal:
        return _rehearse(connection, kind, reference, door, keys)
    if refused:
        return NOTHING_STORED, changes.NONE
    settled = _settle(connection, kind, reference, door, keys)
    corrections.release(staging.among(connection, corrections.may_release()))
    return settled


def _amend(corrections: Corrections, door: Door) -> Amend | None:
    """What was corrected online stands against every door but its own."""
    return None if door is Door.FORM or corrections.none else corrections.amend


def _settle(
    connection: Connection, kind: RecordKind, reference: Reference, door: Door, keys: TenantKeys
) -> tuple[Difference, Changes]:
    difference = settle(connection, kind, reference, door, keys)
    return difference, changes.found(connection, kind, reference, difference)


def _blocks(
    reading: Reading, kind: RecordKind, reference: Reference, keys: TenantKeys, seen: Seen | None, amend: Amend | None
) -> Iterator[bytes]:
    for batch in reading.batches(seen=seen, amend=amend):
        yield from staging.blocks(batch.standing(), kind, reference.tenant_id, keys)
        del batch  # it is not needed while the next one is read


def _compare_with_register(connection: Connection, kind: RecordKind, reference: Reference, reading: Reading) -> None:
    against_register.leave_out(connection, reading.repeated_faulty)
    found = against_register.findings(connection, kind, reference)
    against_register.leave_out(connection, reading.add(found))


def _rehearse(
    connection: Connection, kind: RecordKind, reference: Reference, door: Door, keys: TenantKeys
) -> tuple[Difference, Changes]:
    """The same settling, rolled back: only what it would have done is kept."""
    savepoint = connection.begin_nested()
    try:
        return _settle(connection, kind, reference, door, keys)
    finally:
        savepoint.rollback()
