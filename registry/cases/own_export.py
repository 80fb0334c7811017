"""A trust's own cases and reviews as files: what was sent and what was worked out beside it, as they stand.

Every cell that a spreadsheet could run is marked (`ingest.quoting`). Fields that identify are there only where they are asked for; the
caller has asked who it is again and writes the audit entry in the same transaction. What was withdrawn is left out, and so is a review that
waits for its second reader, who is to judge blind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import IO, Any

import polars as pl
import xlsxwriter
from sqlalchemy import Connection, Select, func, select, text, true
from sqlalchemy.sql.selectable import LateralFromClause

from ingest.quoting import quote, quoted
from ingest.written import written
from registry import identifiers
from registry.cases.number import case_number
from registry.cases.periods import Period
from registry.cases.second_reading import unread
from registry.store.records import RECORD, VERSION, column_of, record_key
from registry.submissions.keys import TenantKeys
from schemas.counting import DERIVED
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind

BOM = b"\xef\xbb\xbf"
BATCH = 2000
MOST_IN_WORKBOOK = 10_000
"""Rows of a workbook: it takes a second for some three thousand. A CSV file has no such limit."""
NUMBER = "case_number"
DERIVED_NAMES = tuple(name for name, _ in DERIVED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of whose records. Of reviews `period` is that of their cases. `keys` None: without what identifies."""

    tenant_id: int
    kind: RecordKind
    period: Period | None
    keys: TenantKeys | None

    @property
    def fields(self) -> tuple[Field, ...]:
        return tuple(each for each in fields(self.kind) if self.keys is not None or not each.item.identifying)

    @property
    def headings(self) -> tuple[str, ...]:
        """The dataset's fields under their names; of cases the registry's own number and what was worked out besides."""
        beside = (NUMBER, *DERIVED_NAMES) if self.kind is RecordKind.CASE else ()
        return (*(each.name for each in self.fields), *beside)


def count(connection: Connection, wanted: Wanted) -> int:
    """How many records there are to write."""
    return connection.scalar(_records(wanted).with_only_columns(func.count())) or 0


def write_csv(connection: Connection, wanted: Wanted, to: IO[bytes]) -> int:
    """Write UTF-8 with a byte order mark; gives how many rows."""
    to.write(BOM + ",".join(wanted.headings).encode() + b"\r\n")
    rows = 0
    for batch in _batches(connection, wanted):
        schema = dict.fromkeys(wanted.headings, pl.String)
        frame = pl.DataFrame(batch, schema=schema, orient="row").select(quoted(pl.all()))
        to.write(frame.write_csv(include_header=False, line_terminator="\r\n").encode())
        rows += len(batch)
    return rows


def write_workbook(connection: Connection, wanted: Wanted, to: IO[bytes]) -> int:
    """Write a workbook of text cells only; gives how many rows."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    rows = 0
    with xlsxwriter.Workbook(to, options) as book:
        sheet = book.add_worksheet(wanted.kind.value)
        sheet.freeze_panes(1, 0)
        for place, heading in enumerate(wanted.headings):
            sheet.write_string(0, place, heading)
        for batch in _batches(connection, wanted):
            for row in batch:
                rows += 1
                for place, cell in enumerate(row):
                    if cell is not None:
                        sheet.write_string(rows, place, quote(cell))
    return rows


def _chosen(wanted: Wanted) -> Select[Any]:
    r = RECORD[wanted.kind]
    stands = _standing(wanted.kind)
    beside = [stands.c[name] for name in DERIVED_NAMES] if wanted.kind is RecordKind.CASE else []
    return (
        _records(wanted)
        .with_only_columns(r.c.id.label("own_id"), *(stands.c[column_of(each)] for each in wanted.fields), *beside)
        .order_by(*(r.c[name] for name in key(wanted.kind)))
    )


def _records(wanted: Wanted) -> Select[Any]:
    """The records meant, each beside the version that stands."""
    r, stands = RECORD[wanted.kind], _standing(wanted.kind)
    query = select(r.c.id).join(stands, true()).where(r.c.tenant_id == wanted.tenant_id, r.c.withdrawn_at.is_(None))
    if wanted.kind is RecordKind.RCA:
        query = query.where(r.c.local_case_id.not_in(_unread(wanted.tenant_id)))
    if wanted.period is None:
        return query
    if wanted.kind is RecordKind.CASE:
        return query.where(stands.c.index_month >= wanted.period.first, stands.c.index_month < wanted.period.end)
    cases = _records(replace(wanted, kind=RecordKind.CASE)).with_only_columns(RECORD[RecordKind.CASE].c.local_case_id)
    return query.where(r.c.local_case_id.in_(cases))


def _unread(tenant_id: int) -> Select[Any]:
    c = RECORD[RecordKind.CASE]
    return select(c.c.local_case_id).where(c.c.tenant_id == tenant_id, text(unread("records.case_record")))


@cache
def _standing(kind: RecordKind) -> LateralFromClause:
    """The version that stands of a record. OFFSET keeps it a look by the key: the database knows nothing of how many rows a trust has,
    and would else compare every record with every version."""
    r, v = RECORD[kind].c, VERSION[kind].c
    query = select(VERSION[kind]).where(v.tenant_id == r.tenant_id, v.record_id == r.id, v.version == r.version)
    return query.offset(0).lateral(f"{kind.value}_stands")


def _batches(connection: Connection, wanted: Wanted) -> Iterator[list[list[str | None]]]:
    """The rows as text, some thousand at a time, read from the database as they are needed."""
    streamed = connection.execute(_chosen(wanted), execution_options={"yield_per": BATCH})
    for rows in streamed.mappings().partitions(BATCH):
        yield _texts(rows, wanted)


def _texts(rows: Sequence[Any], wanted: Wanted) -> list[list[str | None]]:
    columns = [_column(rows, each, wanted) for each in wanted.fields]
    if wanted.kind is RecordKind.CASE:
        columns.append([case_number(row["own_id"]) for row in rows])
        columns += [[_plain(row[name]) for row in rows] for name in DERIVED_NAMES]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(rows: Sequence[Any], each: Field, wanted: Wanted) -> list[str | None]:
    cells = [row[column_of(each)] for row in rows]
    if not each.item.identifying:
        return [written(each, cell) for cell in cells]
    assert wanted.keys is not None
    places = [record_key([row[name] for name in key(wanted.kind)]) for row in rows]
    aads = identifiers.cell_aads(wanted.tenant_id, wanted.kind.value, places, each.name)
    return identifiers.open_column(wanted.keys.opens, cells, aads)


def _plain(value: object) -> str | None:
    """What was worked out, as text."""
    if value is None:
        return None
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
