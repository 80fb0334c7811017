"""The annotated workbook: a new one with the sent values as text under the sender's own headings, what is to be mended beside them,
and the list of findings on a second sheet. Its first sheet may be mended and sent again as it is: the two columns we add are not
known as fields and are left out. Values are written as text cells, so no formula of the sender's can run. Where findings could only name
some answers of a long list, a third sheet has all of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ingest.check import ROW
from ingest.files import readable, rows_as_sent
from ingest.headings import letter
from ingest.table import Table
from schemas.codelist import CodeList
from schemas.finding import Finding, Severity, rule_id

MOST_ROWS = 50_000
"""Of a longer file the workbook holds only the rows with something to look at, and of these so many: more, no one reads on a sheet."""
MOST_COMMENTS = 2_000
"""Comments are drawings: each costs the spreadsheet program some time when it opens the file."""
LONGEST_CELL = 32_000
BATCH_ROWS = 5_000

ROWS_SHEET, FINDINGS_SHEET, ANSWERS_SHEET = "Your rows", "Findings", "Answers"
ADDED = ("What to mend", "Row in your file")
ANSWERS = ("Column of the dataset", "Write this", "Or its code")
LISTED = ("Go to", "Row", "Column", "Heading", "Rule", "How serious", "What is wrong", "What to do")
NOT_LISTED = "Something is wrong in this row that is not listed, because the list was full. Mend what is listed and send the file again."
NOT_LAID_OUT = "The rows cannot be shown, because it is not certain which cell stands under which heading. See the sheet “Findings”."


@dataclass(frozen=True, slots=True)
class _Formats:
    head: Format
    text: Format
    words: Format
    error: Format
    warning: Format
    link: Format


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the sender's rows (by number) and columns (by letter) stand on the first sheet, counted from 0."""

    rows: Mapping[int, int]
    columns: Mapping[str, int]

    @classmethod
    def of(cls, table: Table, written: Mapping[int, int]) -> "_Places":
        heading = {} if table.heading_row is None or not readable(table) else {table.heading_row: 0}
        columns = {column.letter: place for place, column in enumerate(table.columns, len(ADDED))}
        return cls({**heading, **written}, columns)

    def cell(self, finding: Finding) -> str | None:
        """The name of the cell on the first sheet; the row's first where the finding is about no cell; None if the row is not there."""
        if finding.row is None or finding.row not in self.rows:
            return None
        return f"{letter(self.columns.get(finding.column or '', 0))}{self.rows[finding.row] + 1}"


def annotated_workbook(
    table: Table,
    findings: Sequence[Finding],
    faulty: pl.Series,
    to: Path | IO[bytes],
    *,
    counted: int | None = None,
    answers: Mapping[str, Sequence[CodeList]] | None = None,
) -> None:
    """Write the workbook to a path or an open file.

    `faulty` are the sheet's numbers of the rows with an error, `counted` the number of all findings where only the first are listed;
    `answers` the lists, by field, that are too long for a finding to say whole (`schemas.dictionary.unsaid`).
    Memory is bounded by the listed findings. While writing, rows lie in temporary files beside `to`, if that is a path.
    """
    scratch = str(to.parent) if isinstance(to, Path) else None
    options = {"constant_memory": True, "tmpdir": scratch, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(to) if isinstance(to, Path) else to, options) as book:
        formats = _formats(book)
        rows_sheet, findings_sheet = book.add_worksheet(ROWS_SHEET), book.add_worksheet(FINDINGS_SHEET)
        written = _Rows(rows_sheet, formats, table, findings, faulty).write()
        notes = _notes(table, findings, counted or len(findings), len(written))
        _write_findings(findings_sheet, formats, findings, notes, _Places.of(table, written))
        if not written:
            findings_sheet.activate()
        found = {finding.field for finding in findings}
        if needed := {name: codes for name, codes in (answers or {}).items() if name in found}:
            _write_answers(book.add_worksheet(ANSWERS_SHEET), formats, needed)


def _formats(book: xlsxwriter.Workbook) -> _Formats:
    plain = {"num_format": "@", "valign": "top"}
    return _Formats(
        head=book.add_format({**plain, "bold": True, "bottom": 1}),
        text=book.add_format(plain),
        words=book.add_format({**plain, "text_wrap": True}),
        error=book.add_format({**plain, "bg_color": "#F6D7D2"}),
        warning=book.add_format({**plain, "bg_color": "#FFF2CC"}),
        link=book.add_format({"font_color": "#005EB8", "underline": 1, "valign": "top"}),
    )


def _notes(table: Table, findings: Sequence[Finding], counted: int, written: int) -> Iterator[str]:
    """What this workbook does not show."""
    if counted > len(findings):
        yield f"{counted:,} findings were counted; the first {len(findings):,} are listed. Mend them and send the file again for the rest."
    if not readable(table):
        yield NOT_LAID_OUT
    elif _only_marked(table):
        first = "first " if written == MOST_ROWS else ""
        yield f"The file has {table.rows:,} rows; “{ROWS_SHEET}” shows the {first}{written:,} with something to look at."
    if len({(finding.row, finding.column) for finding in findings if finding.column}) > MOST_COMMENTS:
        yield f"The first {MOST_COMMENTS:,} cells carry a comment; the column “{ADDED[0]}” has the words for every row."


def _only_marked(table: Table) -> bool:
    return (table.rows or 0) > MOST_ROWS


# --- the rows


class _Rows:
    """The first sheet."""

    def __init__(
        self, sheet: Worksheet, formats: _Formats, table: Table, findings: Sequence[Finding], faulty: pl.Series
    ) -> None:
        self._sheet, self._formats, self._table = sheet, formats, table
        self._faulty = frozenset(faulty.to_list())
        self._of_row: dict[int, list[Finding]] = defaultdict(list)
        for finding in findings:
            if finding.row is not None:
                self._of_row[finding.row].append(finding)
        self._comments = 0

    def write(self) -> dict[int, int]:
        """Write the sheet; gives the sheet row (from 0) of each row of the file."""
        if not readable(self._table):
            self._sheet.write_string(0, 0, NOT_LAID_OUT, self._formats.text)
            return {}
        self._head()
        written: dict[int, int] = {}
        for at, (row, *cells) in enumerate(islice(self._wanted(), MOST_ROWS), 1):
            self._row(at, row, cells)
            written[row] = at
        self._sheet.autofilter(0, 0, max(len(written), 1), len(ADDED) + len(self._table.columns) - 1)
        return written

    def _wanted(self) -> Iterator[tuple[int, *tuple[str | None, ...]]]:
        names = [ROW, *(str(column.index) for column in self._table.columns)]
        marked = pl.Series(sorted(self._faulty | self._of_row.keys()), dtype=pl.UInt32).implode()
        for frame in rows_as_sent(self._table, BATCH_ROWS):
            rows = frame.select(names)
            yield from (rows.filter(pl.col(ROW).is_in(marked)) if _only_marked(self._table) else rows).iter_rows()

    def _head(self) -> None:
        sheet, formats = self._sheet, self._formats
        sheet.freeze_panes(1, len(ADDED))
        sheet.set_column(0, 0, 60, formats.text)
        sheet.set_column(1, 1, 8, formats.text)
        sheet.set_column(len(ADDED), len(ADDED) + len(self._table.columns) - 1, 18, formats.text)
        for place, words in enumerate(ADDED):
            sheet.write_string(0, place, words, formats.head)
        faults = self._by_column(self._table.heading_row)
        for place, column in enumerate(self._table.columns, len(ADDED)):
            self._cell(0, place, column.heading, faults.get(column.letter, ()), formats.head)

    def _row(self, at: int, row: int, cells: Sequence[str | None]) -> None:
        words = self._words(row)
        if words:
            self._sheet.write_string(at, 0, words, self._formats.words)
        self._sheet.write_string(at, 1, str(row), self._formats.text)
        faults = self._by_column(row)
        for place, (column, cell) in enumerate(zip(self._table.columns, cells, strict=True), len(ADDED)):
            self._cell(at, place, cell or "", faults.get(column.letter, ()), self._formats.text)

    def _words(self, row: int) -> str:
        found = self._of_row.get(row, ())
        words = "\n".join(
            f"{_where(finding)}{finding.words} {finding.mend} ({rule_id(finding.rule)})" for finding in found
        )
        if row in self._faulty and not any(finding.severity is Severity.ERROR for finding in found):
            words = f"{words}\n{NOT_LISTED}".strip()
        return words if len(words) <= LONGEST_CELL else f"{words[:LONGEST_CELL]}…"

    def _by_column(self, row: int | None) -> dict[str | None, list[Finding]]:
        found: dict[str | None, list[Finding]] = defaultdict(list)
        for finding in self._of_row.get(row, ()) if row is not None else ():
            found[finding.column].append(finding)
        return found

    def _cell(self, at: int, place: int, text: str, faults: Sequence[Finding], plain: Format) -> None:
        if not faults:
            if text:
                self._sheet.write_string(at, place, text, plain)
            return
        wrong = any(finding.severity is Severity.ERROR for finding in faults)
        shade = self._formats.error if wrong else self._formats.warning
        if text:
            self._sheet.write_string(at, place, text, shade)
        else:
            self._sheet.write_blank(at, place, None, shade)
        if self._comments < MOST_COMMENTS:
            self._comments += 1
            words = "\n".join(f"{finding.words} {finding.mend} ({rule_id(finding.rule)})" for finding in faults)
            self._sheet.write_comment(at, place, words[:LONGEST_CELL], {"x_scale": 2.5, "y_scale": 1.5})


def _where(finding: Finding) -> str:
    """The heading that the words are about, if the words are about one."""
    return f"{finding.heading or finding.field}: " if finding.heading or finding.field else ""


# --- the list


def _write_findings(
    sheet: Worksheet, formats: _Formats, findings: Sequence[Finding], notes: Iterator[str], places: _Places
) -> None:
    for place, width in enumerate((9, 8, 8, 26, 10, 11, 70, 70)):
        sheet.set_column(place, place, width, formats.text)
    at = 0
    for at, note in enumerate(notes, 1):
        sheet.write_string(at - 1, 0, note, formats.text)
    for place, words in enumerate(LISTED):
        sheet.write_string(at, place, words, formats.head)
    sheet.freeze_panes(at + 1, 0)
    for below, finding in enumerate(findings, at + 1):
        _write_finding(sheet, formats, below, finding, places)
    sheet.autofilter(at, 0, at + max(len(findings), 1), len(LISTED) - 1)


def _write_finding(sheet: Worksheet, formats: _Formats, at: int, finding: Finding, places: _Places) -> None:
    cell = places.cell(finding)
    if cell is not None:
        sheet.write_url(at, 0, f"internal:'{ROWS_SHEET}'!{cell}", formats.link, cell)
    row = "" if finding.row is None else str(finding.row)
    words = (row, finding.column, finding.heading or finding.field, rule_id(finding.rule), finding.severity.value)
    for place, text in enumerate((*words, finding.words, finding.mend), 1):
        if text:
            sheet.write_string(at, place, text, formats.words if place > len(words) else formats.text)


# --- the answers of long lists


def _write_answers(sheet: Worksheet, formats: _Formats, answers: Mapping[str, Sequence[CodeList]]) -> None:
    for place, (title, width) in enumerate(zip(ANSWERS, (26, 70, 14), strict=True)):
        sheet.set_column(place, place, width, formats.text)
        sheet.write_string(0, place, title, formats.head)
    sheet.freeze_panes(1, 0)
    lines = [(name, code.words, code.value) for name, codes in answers.items() for code in codes]
    for at, line in enumerate(lines, 1):
        for place, text in enumerate(line):
            sheet.write_string(at, place, text, formats.text)
    sheet.autofilter(0, 0, len(lines), len(ANSWERS) - 1)
