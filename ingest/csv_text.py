"""A CSV file as a Table: its encoding, separator and headings found, every row's shape looked at once before any cell is read.

The file is never held whole: blocks of whole lines pass by, once to find the faults, then once for each reading.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingest.characters import SPACES
from ingest.csv_blocks import BLOCK, LONGEST_LINE, Blocks, Encoding, detect, opened
from ingest.csv_lanes import Split, block_frame, judge_plain, judge_records, lanes, split
from ingest.csv_look import Flags, look
from ingest.csv_shape import Fault, Shape, fault_in
from ingest.faults import Faults
from ingest.headings import HEAD_ROWS, MOST_COLUMNS, Headings, Matcher, letter
from ingest.table import Table, refusal
from schemas.finding import Finding
from schemas.rules import file as rules

SEPARATORS = (",", ";", "\t")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class _Head:
    """The row of headings: its cells, its own row number, and where the rows beneath it start in the UTF-8 text."""

    separator: str
    cells: tuple[str, ...]
    row: int
    end: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block as it was found: so many bytes, its first row, the lanes of its lines; whether those in the fast lane have all their
    cells, and which of their columns to trim.
    """

    size: int
    row: int
    lanes: Flags | None
    even: bool
    trim: tuple[int, ...] | None


def open_csv(path: Path, headings: Headings, *, block: int = BLOCK, careful: bool = False) -> Table:
    """Look over a CSV file. `block` is the bytes read at a time; `careful` takes the csv module for every line."""
    faults = Faults()
    with path.open("rb") as file:
        start = file.read(4)
    if start in (_ZIP, _OLE):
        faults.add(rules.WORKBOOK_SENT_AS_TEXT)
        return refusal(faults)
    encoding = detect(path)
    if isinstance(encoding, int):
        faults.add(rules.UNREADABLE_TEXT, row=encoding)
        return refusal(faults)
    head = _head(path, encoding, Matcher(headings))
    if not isinstance(head, _Head):
        faults.put(head)
        return refusal(faults)
    return _Reader(path, encoding, head, headings, block, careful).table()


def _head(path: Path, encoding: Encoding, matcher: Matcher) -> _Head | Finding:
    """The row of headings under the separator that finds most of them, or the finding that says why there is none."""
    with opened(path, encoding) as source:
        text = source.read(LONGEST_LINE)
    if not text.decode(errors="ignore").strip(SPACES):
        return rules.EMPTY_FILE.finding()
    heads = [head for separator in SEPARATORS if (head := _head_by(text, separator, matcher))]
    if not heads:
        return _no_head(text, matcher)
    best = max(heads, key=lambda head: matcher.known(head.cells))
    if len(best.cells) > MOST_COLUMNS:
        return rules.TOO_MANY_COLUMNS.finding(row=best.row, most=f"{MOST_COLUMNS:,}")
    return best


def _head_by(text: bytes, separator: str, matcher: Matcher) -> _Head | None:
    if matcher.fewest > 1 and separator.encode() not in text:
        return None
    rows, ends, _ = _first_rows(text, separator)
    at = matcher.heading_row(rows)
    return None if at is None else _Head(separator, tuple(rows[at]), at + 1, ends[at])


def _first_rows(text: bytes, separator: str) -> tuple[list[list[str]], list[int], str]:
    """The first records and the byte after each; and the record at which reading ended because its quotes go wrong."""
    lines = text.split(b"\n", 4 * HEAD_ROWS)
    whole = [line + b"\n" for line in lines[:-1]]
    if len(lines) <= 4 * HEAD_ROWS:
        whole.append(lines[-1])
    taken: list[bytes] = []
    reader = csv.reader(_noting(whole, taken), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    ends: list[int] = []
    end = 0
    while len(rows) < HEAD_ROWS:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error:
            return rows, ends, b"".join(taken).decode(errors="replace")
        end += sum(map(len, taken))
        rows.append([cell.strip(SPACES) for cell in cells])
        ends.append(end)
    return rows, ends, ""


def _noting(lines: list[bytes], taken: list[bytes]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line.decode(errors="replace")


def _no_head(text: bytes, matcher: Matcher) -> Finding:
    """Why there are no headings: this is no text, or no lines; their quotes go wrong; else no row holds enough that are known."""
    if b"\0" in text:
        return rules.NUL_CHARACTER.finding(row=text.count(b"\n", 0, text.index(b"\0")) + 1)
    if b"\n" not in text and b"\r" in text:
        return rules.LONE_CARRIAGE_RETURN.finding(row=1)
    for separator in SEPARATORS:
        rows, _, failed = _first_rows(text, separator)
        line = failed.partition("\n")[0]
        if failed and matcher.known(line.split(separator)) >= matcher.fewest:
            fault = fault_in(failed.removesuffix("\n"), separator)
            return (fault[0] if fault else rules.CELL_TOO_LONG).finding(row=len(rows) + 1)
    return rules.HEADINGS_NOT_FOUND.finding(rows=str(HEAD_ROWS), known=str(matcher.fewest))


def _order(fault: tuple[int, Fault]) -> tuple[int, int, int]:
    row, (rule, index) = fault
    return row, rule.number, -1 if index is None else index


class _Reader:
    """One CSV file whose headings are known."""

    def __init__(
        self, path: Path, encoding: Encoding, head: _Head, headings: Headings, block: int, careful: bool
    ) -> None:
        self._path, self._encoding, self._head = path, encoding, head
        self._block, self._careful = block, careful
        columns, findings = Matcher(headings).columns(head.cells, head.row)
        named = {column.index for column in columns}
        unnamed = frozenset(index for index in range(len(head.cells)) if index not in named)
        self._shape = Shape(head.separator, len(head.cells), columns, unnamed)
        self._faults = Faults(columns, findings)
        self._under_blank: set[int] = set()
        self._pieces: list[_Piece] = []
        self._rows = 0

    def table(self) -> Table:
        """Look over all rows, then hand out the table."""
        self._survey()
        for index in sorted(self._under_blank):
            self._faults.add(rules.BLANK_HEADING, row=self._head.row, index=index, letter=letter(index))
        if not self._rows:
            self._faults.add(rules.NO_ROWS)
        return Table(
            columns=self._shape.columns,
            findings=tuple(self._faults.findings),
            counts=self._faults.total,
            rows=self._rows,
            heading_row=self._head.row,
            read=self._frames,
        )

    def _survey(self) -> None:
        row = self._head.row + 1
        with opened(self._path, self._encoding, self._head.end) as source:
            blocks = Blocks(source, self._block)
            while block := blocks.read():
                fast = lanes(block, self._shape, careful=self._careful)
                parts = split(block, row, self._shape, fast, final=blocks.ended)
                blocks.unread(parts.rest)
                self._look_at(parts, len(block) - len(parts.rest), row)
                row = parts.row

    def _look_at(self, parts: Split, size: int, row: int) -> None:
        shape = self._shape
        seen = look(parts.plain, shape, shape.unnamed - self._under_blank) if parts.plain else None
        plain, blank_lines = judge_plain(parts.plain, parts.plain_rows, seen, shape) if seen else ([], 0)
        careful, blank_records = judge_records(parts.records, shape)
        self._note([*plain, *careful, *parts.faults])
        self._rows += parts.row - row - blank_lines - blank_records
        even = seen is None or (seen.even and not (shape.width == 1 and blank_lines))
        self._pieces.append(_Piece(size, row, parts.fast, even, seen.trim if seen else None))

    def _note(self, faults: list[tuple[int, Fault]]) -> None:
        for row, (rule, index) in sorted(faults, key=_order):
            if rule is rules.BLANK_HEADING and index is not None:
                self._under_blank.add(index)
            else:
                self._faults.add(rule, row=row, index=index)

    def _frames(self) -> Iterator[pl.DataFrame]:
        with opened(self._path, self._encoding, self._head.end) as source:
            for piece in self._pieces:
                block = source.read(piece.size)
                if not block.endswith(b"\n"):
                    block += b"\n"
                parts = split(block, piece.row, self._shape, piece.lanes, final=True)
                yield block_frame(parts, self._shape, piece.trim, even=piece.even)
