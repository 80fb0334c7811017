"""A file on disk as a reading: its headings matched to the fields of one kind of record, its columns named by field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingest.check import ROW, WITHDRAWAL, Context
from ingest.quoting import may_hold_marks, unquoted
from ingest.reading import BATCH_ROWS, Reading
from ingest.table import Table, regroup
from ingest.tabular import Format, Headings, open_table
from schemas.dictionary import fields, key
from schemas.finding import Finding, Severity
from schemas.record import RecordKind
from schemas.rules.file import BLANK_HEADING, DOUBLED_COLUMN, MISSING_COLUMN

OF_HEADINGS = frozenset({MISSING_COLUMN.number, DOUBLED_COLUMN.number, BLANK_HEADING.number})
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Sent:
    """A table as the `Source` of a reading: its columns bear the names of the fields they hold, those that hold none are left out.

    `table` has all columns as they were sent, for the way back to the sender.
    """

    table: Table
    month_first_possible: bool = True
    marks_possible: bool = True

    @property
    def rows(self) -> int | None:
        return self.table.rows

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.table.findings

    @property
    def counts(self) -> Mapping[tuple[int, str | None], int]:
        return self.table.counts

    @property
    def refused(self) -> bool:
        return self.table.refused

    def frames(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """The rows; `ingest.quoting`'s marks are off. Raises ValueError on a refused file."""
        columns = [pl.col(str(each.index)).alias(each.field) for each in self.table.columns if each.field]
        for frame in self.table.frames(rows):
            chosen = frame.select(ROW, *columns)
            yield without_marks(chosen) if self.marks_possible else chosen

    def place(self, row: int, field: str) -> tuple[int, str | None, str | None]:
        return self.table.place(row, field)


def without_marks(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the marks of `ingest.quoting` taken off its columns of text."""
    held = frame.select(may_hold_marks(pl.col(pl.String)))
    marked = [name for name in held.columns if held[name][0]]
    return frame.with_columns(unquoted(pl.col(name)) for name in marked) if marked else frame


def readable(table: Table) -> bool:
    """Whether the rows stand under their headings, so that they can be given back; faults of the headings alone do not hinder that."""
    return bool(table.columns) and _errors(table) <= OF_HEADINGS


def rows_as_sent(table: Table, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
    """The rows as `Table.frames` has them, also of a file that was refused for its headings. Raises ValueError if not `readable`."""
    if not readable(table):
        raise ValueError("the rows of this file do not stand under its headings")
    return regroup(table.read(), rows)


def _errors(table: Table) -> set[int]:
    """The rules of shape that keep the file out."""
    return {finding.rule for finding in table.findings if finding.severity is Severity.ERROR}


def open_sent(path: Path, kind: RecordKind, format: Format, confirmed: Mapping[str, str] = NOTHING) -> Sent:  # noqa: A002 (the name at every door)
    """Open a spooled file and look over its shape; `confirmed` is the trust's own map of headings.

    A file with the key of its records and the reason for their withdrawal, and nothing else, is a list of withdrawals: nothing more
    is asked of it. Faults are findings; OSError if the file cannot be opened at all.
    """
    required = frozenset(each.name for each in fields(kind) if each.required)
    table = _open(path, kind, format, required, confirmed)
    if _withdraws_only(table, kind):
        table = _open(path, kind, format, frozenset((*key(kind), WITHDRAWAL)), confirmed)
    if format != "csv":
        return Sent(table)
    month_first, marks = _look(path)
    return Sent(table, month_first_possible=month_first, marks_possible=marks)


def open_file(
    path: Path,
    kind: RecordKind,
    format: Format,  # noqa: A002 (the name at every door)
    context: Context,
    confirmed: Mapping[str, str] = NOTHING,
) -> Reading:
    """A spooled file, ready to be read and checked. The file must stay where it is until the reading has ended."""
    return Reading(open_sent(path, kind, format, confirmed), kind, context)


def guess_kind(path: Path, format: Format) -> RecordKind | None:  # noqa: A002 (the name at every door)
    """The one kind of record whose fields the headings name best; None where two do equally, or none does."""
    every = tuple(dict.fromkeys(each.name for kind in RecordKind for each in fields(kind)))
    table = open_table(path, format, Headings(every, frozenset(), NOTHING))
    named = {column.field for column in table.columns} - {None}
    scores = {kind: len(named & {each.name for each in fields(kind)}) for kind in RecordKind}
    best = max(scores.values())
    first = [kind for kind, score in scores.items() if score == best]
    return first[0] if best and len(first) == 1 else None


def _open(
    path: Path,
    kind: RecordKind,
    format: Format,  # noqa: A002 (the name at every door)
    required: frozenset[str],
    confirmed: Mapping[str, str],
) -> Table:
    names = tuple(each.name for each in fields(kind))
    return open_table(path, format, Headings(names, required, confirmed))


def _withdraws_only(table: Table, kind: RecordKind) -> bool:
    """Whether the columns are those of a list of withdrawals and only missing columns keep the file out."""
    named = {column.field for column in table.columns} - {None}
    return _errors(table) == {MISSING_COLUMN.number} and named == {*key(kind), WITHDRAWAL}


# It begins with a literal, so the search leaps from slash to slash.
_MIDDLE_IS_NO_MONTH = re.compile(rb"/(?:1[3-9]|2[0-9]|3[01])/[0-9]{4}")
_BLOCK = 1 << 20


def _look(path: Path) -> tuple[bool, bool]:
    """Whether a CSV may hold a date that can only be month first, and marks of `ingest.quoting`.

    A look at its bytes, far quicker than at every cell; where the bytes do not tell, the answer is yes.
    """
    month_first = marks = False
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if b"\x00" in block:  # UTF-16
                return True, True
            month_first = month_first or _MIDDLE_IS_NO_MONTH.search(tail + block) is not None
            marks = marks or b"'" in block
            tail = block[-8:]
    return month_first, marks
