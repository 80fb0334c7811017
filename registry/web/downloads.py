"""What a sender gets back as files: findings, annotated workbook, failed rows.

The last two are made from the bytes as they were sent and hold them, identifying fields too. So each is given only while the bytes are
kept, and noted in the trust's audit log before the first byte leaves; where it cannot be noted, it is not given.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from sqlalchemy import Connection
from starlette.datastructures import State
from starlette.responses import Response

from ingest.files import open_sent, readable
from ingest.report import annotated_workbook, failed_rows, findings_csv
from ingest.table import Table
from registry import submissions
from registry.access import Actor
from registry.errors import Conflict, Gone
from registry.store import Store, audit
from registry.submissions import Receipt, Reference
from registry.submissions.matching import Map, map_of
from registry.submissions.request import sheet_format
from registry.submissions.senders import senders
from registry.web.uploads import Spool, copy_stored, keys_of
from schemas.codelist import Nation
from schemas.dictionary import unsaid
from schemas.finding import Finding
from schemas.record import RecordKind

CSV = "text/csv; charset=utf-8"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Opened:
    """A submission's file as it was sent, read again under the map that held for it."""

    receipt: Receipt
    table: Table
    findings: list[Finding]
    faulty: pl.Series
    path: Path
    confirmed: Map
    nation: Nation


def attachment(content: bytes, media_type: str, name: str) -> Response:
    """A file for the browser to keep; `name` is ours, never the sender's."""
    return Response(
        content,
        media_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def findings_file(connection: Connection, reference: Reference) -> Response:
    """All listed findings as CSV; it holds no value of any cell."""
    listed = submissions.findings(connection, reference)
    return attachment(b"".join(findings_csv(listed)), CSV, f"findings-{short(reference)}.csv")


def annotated_file(state: State, reference: Reference, by: Actor) -> Response:
    """The rows as sent, with what to mend beside them. Raises Conflict while the submission waits, Gone once the bytes are deleted."""
    with opened(state, reference, by, "annotated workbook read") as held:
        counted = (held.receipt.errors or 0) + (held.receipt.warnings or 0)
        to = held.path.with_suffix(".xlsx")
        try:
            answers = unsaid(RecordKind(held.receipt.kind), held.nation)
            annotated_workbook(held.table, held.findings, held.faulty, to, counted=counted, answers=answers)
            content = to.read_bytes()
        finally:
            to.unlink(missing_ok=True)
    return attachment(content, WORKBOOK, f"annotated-{short(reference)}.xlsx")


def failed_file(state: State, reference: Reference, by: Actor) -> Response:
    """The faulty rows as sent, to be mended and sent again. Raises as `annotated_file`; Conflict where the file was refused as a whole."""
    with opened(state, reference, by, "failed rows read") as held:
        if not readable(held.table):
            raise Conflict(
                "It is not certain which cell of this file stands under which heading, so its rows cannot be divided. "
                "Mend the file as a whole; the findings say where."
            )
        content = b"".join(failed_rows(held.table, held.faulty))
    return attachment(content, CSV, f"failed-rows-{short(reference)}.csv")


def short(reference: Reference) -> str:
    return str(reference.id)[:8]


@contextmanager
def opened(state: State, reference: Reference, by: Actor, action: str) -> Iterator[Opened]:
    """A submission's bytes on disk and read as a table, for as long as the block lasts; `action` is what the audit log says of it.

    Raises what `retained` raises, and Conflict for what has no rows and columns.
    """
    with Spool(state.settings) as spool:
        store: Store = state.store
        with store.transaction(tenants=(reference.tenant_id,)) as connection:
            receipt = retained(connection, reference)
            sheet = sheet_format(receipt.format)
            if sheet is None:
                raise Conflict(
                    "This came as FHIR, not as rows and columns, so there is no sheet to give back. The findings say of each "
                    "unit what to mend."
                )
            confirmed = map_of(connection, reference.tenant_id, RecordKind(receipt.kind), receipt.map_version)
            findings = submissions.findings(connection, reference)
            faulty = submissions.faulty_rows(connection, reference)
            keys = keys_of(state, connection, reference.tenant_id)
            (sender,) = senders(connection, (reference.tenant_id,))
            copy_stored(connection, reference, keys, spool)
            audit.record(
                connection,
                tenant=reference.tenant_id,
                actor=by.label,
                role=by.role,
                action=action,
                object_type="submission",
                object_id=str(reference.id),
            )
        kind = RecordKind(receipt.kind)
        table = open_sent(spool.path, kind, sheet, confirmed.headings).table
        yield Opened(receipt, table, findings, pl.Series(faulty, dtype=pl.UInt32), spool.path, confirmed, sender.nation)


def retained(connection: Connection, reference: Reference) -> Receipt:
    """The receipt of a submission whose bytes are there to be opened. Raises Conflict, Gone."""
    receipt = submissions.get(connection, reference)
    if receipt.waiting:
        raise Conflict("This submission has not been checked yet. Ask again when its state is no longer “received”.")
    if receipt.payload_deleted_at is not None:
        raise Gone("The bytes of this submission were kept for a limited time and are deleted. Send the file again.")
    return receipt
