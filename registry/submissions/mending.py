"""A few faulty rows mended on a page: what is asked of each, and the file that holds them with what was typed in place of their cells.

The file of a submission that stored something has its faulty rows only. Of one that stored nothing, a rehearsal too, it has all rows,
so that what is sent then is the whole file, mended.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, select

from ingest.check import ROW
from ingest.files import rows_as_sent
from ingest.quoting import quote, unquoted
from ingest.table import Table
from registry.store.tables import submission
from registry.submissions.receipt import Receipt
from registry.submissions.request import Reference, State, sheet_format
from schemas.dictionary import fields, key
from schemas.finding import Finding, Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope
from schemas.rules import cell

MOST_ROWS = 50
"""So many faulty rows are mended on a page; more are mended in the file."""
MOST_WHOLE = 50_000
"""A file with more rows, none of which is stored, is not written anew from a page."""
MOST_FIELDS = 8
"""A rule that looks at more fields is shown at its first alone."""

Corrections = Mapping[int, Mapping[str, str]]
"""By row of the sheet: what is to stand in each field."""


@dataclass(frozen=True, slots=True)
class FaultyRow:
    """One faulty row of the sheet: what was sent, the fields that are asked again, and what is wrong with them."""

    row: int
    cells: Mapping[str, str]
    asked: tuple[str, ...]
    findings: tuple[Finding, ...]

    def name(self, kind: RecordKind) -> str:
        """The record's own key as it was sent: the case number, the month. Never a field that identifies a patient."""
        return " ".join(self.cells.get(name, "") for name in key(kind)).strip()


def mendable(receipt: Receipt, faulty: int) -> bool:
    """Whether the faulty rows of a submission, so many, can be mended on a page while its bytes are kept."""
    few = 0 < faulty <= MOST_ROWS
    laid_out = sheet_format(receipt.format) is not None and bool(receipt.rows)
    short = receipt.state == State.PARTLY_ACCEPTED or (whole(receipt) and (receipt.rows or 0) <= MOST_WHOLE)
    return few and laid_out and short and receipt.payload_deleted_at is None


def whole(receipt: Receipt) -> bool:
    """Whether nothing of it is stored, so that the mended file has its good rows too."""
    return receipt.state in (State.REHEARSED, State.REFUSED)


def mended_as(connection: Connection, reference: Reference) -> tuple[UUID, str] | None:
    """The submission that last mended this one, and its key; None where none has."""
    row = connection.execute(
        select(submission.c.id, submission.c.idempotency_key)
        .where(
            submission.c.tenant_id == reference.tenant_id,
            submission.c.idempotency_key.startswith(_key(reference), autoescape=True),
        )
        .order_by(submission.c.received_at.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.id, row.idempotency_key)


def mending_key(reference: Reference, digest: str, mode: str) -> str:
    """The idempotency key of a mended file: the same corrections sent twice are one submission."""
    return f"{_key(reference)}{mode}-{digest[:32]}"


def _key(reference: Reference) -> str:
    return f"mended-{reference.id}-"


# --- what is asked


def faulty_rows(table: Table, kind: RecordKind, found: Iterable[Finding], faulty: Collection[int]) -> list[FaultyRow]:
    """The faulty rows with what is asked of each: the fields that a broken rule looks at. Raises ValueError if the table is not
    `readable`."""
    by_row: dict[int, list[Finding]] = {row: [] for row in faulty}
    for each in found:
        if each.row in by_row and each.severity is Severity.ERROR:
            by_row[each.row].append(each)
    return [
        FaultyRow(row, cells, asked_of(kind, by_row[row]), tuple(by_row[row]))
        for row, cells in _cells(table, faulty)
        if row in by_row
    ]


def asked_of(kind: RecordKind, found: Sequence[Finding]) -> tuple[str, ...]:
    """The fields that may be at fault, in the order of the dataset; of a row of which no error is listed, all of the core."""
    wanted = {name for each in found for name in _looked_at(kind, each)}
    chosen = tuple(each.name for each in fields(kind) if each.name in wanted)
    return chosen or tuple(each.name for each in fields(kind) if each.core)


def _looked_at(kind: RecordKind, found: Finding) -> Iterator[str]:
    rule = CATALOGUE[found.rule]
    names = {each.name for each in fields(kind)}
    if found.field in names:
        yield str(found.field)
    if rule.scope in (Scope.ROW, Scope.REGISTER) and len(rule.fields) <= MOST_FIELDS:
        yield from (name for name in rule.fields if name in names)


def _cells(table: Table, rows: Collection[int]) -> Iterator[tuple[int, dict[str, str]]]:
    """The cells of some rows as sent, by field."""
    wanted = pl.col(ROW).is_in(list(rows))
    columns = [unquoted(pl.col(str(each.index))).alias(each.field) for each in table.columns if each.field]
    for frame in rows_as_sent(table):
        for found in frame.filter(wanted).select(ROW, *columns).iter_rows(named=True):
            row = found.pop(ROW)
            yield row, {name: text or "" for name, text in found.items()}


def shown(row: FaultyRow, kind: RecordKind, codes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What stands in the boxes at first: the cells as sent, local codes put into the dataset's own by the trust's map.

    Nothing where a date may be month first: it is read from the hint and typed, so that nobody confirms the wrong day unseen.
    """
    values = {name: codes.get(name, {}).get(text.lower(), text) for name, text in row.cells.items()}
    return values | dict.fromkeys(doubtful(row), "")


def doubtful(row: FaultyRow) -> tuple[str, ...]:
    """The fields whose date may be month first: one without slashes cannot be, though nothing of its column was read."""
    unread = (str(each.field) for each in row.findings if each.rule == cell.MONTH_FIRST.number)
    return tuple(name for name in unread if "/" in row.cells.get(name, ""))


# --- what is sent


def mended(
    table: Table, kind: RecordKind, corrections: Corrections, left_out: Collection[int], only: Collection[int] | None
) -> Iterator[bytes]:
    """The rows as sent with the corrections in place, as CSV under the names of the fields; without those left out.

    `only` names the rows that are written; None: all. Columns that hold no field of the dataset are not written.
    """
    there = [each for each in table.columns if each.field]
    names = [str(each.field) for each in there]
    typed = {name for cells in corrections.values() for name in cells}
    added = [each.name for each in fields(kind) if each.name in typed and each.name not in names]
    yield _line([*names, *added])
    columns = [pl.col(str(each.index)).alias(str(each.field)) for each in there]
    wanted = ~pl.col(ROW).is_in(list(left_out))
    if only is not None:
        wanted &= pl.col(ROW).is_in(list(only))
    for frame in rows_as_sent(table):
        rows = frame.filter(wanted).select(ROW, *columns, *(pl.lit("").alias(name) for name in added))
        yield from _lines(rows, corrections)


def _lines(rows: pl.DataFrame, corrections: Corrections) -> Iterator[bytes]:
    for row, *cells in rows.iter_rows():
        typed = corrections.get(row, {})
        held = zip(rows.columns[1:], cells, strict=True)
        yield _line([quote(typed[name]) if name in typed else cell or "" for name, cell in held])


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
