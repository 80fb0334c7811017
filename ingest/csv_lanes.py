"""Two ways from a block of CSV to a frame, which give the same frame and the same faults.

The fast lane: lines without a quote, or with quotes just around whole cells, go to polars once their separators were counted.
The careful lane: any other record goes through the csv module, strictly.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from ingest.characters import LONGEST_CELL, SPACES, UNWANTED
from ingest.csv_blocks import LONGEST_LINE
from ingest.csv_look import Flags, Look, plain_lines
from ingest.csv_shape import Fault, Shape, blank, cells_of, fault_in, judge
from ingest.table import schema
from schemas.rules import file as rules

Records = list[tuple[int, list[str]]]


@dataclass(slots=True)
class Split:
    """A block sorted by lane. `rest` is a record that the block's end cuts through; `row` is the number of the next row.

    `fast` says of each line whether it may take the fast lane; None: all may.
    """

    row: int
    plain: bytes = b""
    plain_rows: Sequence[int] = ()
    records: Records = field(default_factory=list)
    faults: list[tuple[int, Fault]] = field(default_factory=list)
    rest: bytes = b""
    fast: Flags | None = None


class _Feed:
    """The lines of a block for the csv module, and how far it has read."""

    def __init__(self, block: bytes) -> None:
        self.lines = block.split(b"\n")[:-1]
        self.at = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines) or len(self.lines[self.at]) > LONGEST_LINE:
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1].decode() + "\n"


def lanes(block: bytes, shape: Shape, *, careful: bool) -> Flags | None:
    """Which lines of a block may take the fast lane; None: all may. `careful` sends every line through the csv module."""
    if careful:
        return np.zeros(block.count(b"\n"), np.bool_)
    if b'"' not in block:
        return None
    fast = plain_lines(block, shape)
    return None if fast.all() else fast


def split(block: bytes, row: int, shape: Shape, lanes: Flags | None, *, final: bool) -> Split:
    """Sort whole lines, of which the first is row `row`, by lane."""
    if lanes is None:
        return _bare(block, row)
    fast = lanes.tolist()
    out = Split(row, fast=lanes)
    feed = _Feed(block)
    reader = csv.reader(feed, delimiter=shape.separator, strict=True)
    plain: list[bytes] = []
    plain_rows: list[int] = []
    while feed.at < len(feed.lines):
        line = feed.lines[feed.at]
        if fast[feed.at] or len(line) > LONGEST_LINE:
            plain.append(line.replace(b'"', b"") if fast[feed.at] else line)
            plain_rows.append(out.row)
            feed.at += 1
        elif not _record(reader, feed, out, shape, final=final):
            break
        out.row += 1
    plain.append(b"")
    out.plain, out.plain_rows = b"\n".join(plain), plain_rows
    return out


def _bare(block: bytes, row: int) -> Split:
    """A block all of whose lines are for the fast lane."""
    lines = int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))
    return Split(row + lines, block.translate(None, b'"') if b'"' in block else block, range(row, row + lines))


def _record(reader: Iterator[list[str]], feed: _Feed, out: Split, shape: Shape, *, final: bool) -> bool:
    """Read one record with a quote. False: the block ends before it does."""
    start = feed.at
    try:
        cells = next(reader)
    except csv.Error:
        cells = None
    record = b"\n".join(feed.lines[start : feed.at])
    if len(record) > LONGEST_LINE:
        out.faults.append((out.row, (rules.LINE_TOO_LONG, None)))
        return True
    if b'"' not in record:
        certain = cells_of(record, shape.separator)
        if isinstance(certain, tuple):
            out.faults.append((out.row, certain))
        else:
            out.records.append((out.row, certain))
        return True
    text = record.decode()
    fault = None
    if cells is None:
        fault = fault_in(text, shape.separator, LONGEST_CELL)
    elif "\r" in text.removesuffix("\r"):
        fault = fault_in(text, shape.separator)
    if cells is not None and fault is None:
        out.records.append((out.row, cells))
    elif fault and fault[0] is rules.UNCLOSED_QUOTE and feed.at == len(feed.lines) and not final:
        out.rest = record + b"\n"
        return False
    else:
        out.faults.append((out.row, fault or (rules.CELL_TOO_LONG, None)))
    return True


def judge_plain(plain: bytes, rows: Sequence[int], seen: Look, shape: Shape) -> tuple[list[tuple[int, Fault]], int]:
    """The faults of the suspects, and how many of them are blank rows."""
    faults: list[tuple[int, Fault]] = []
    blanks = 0
    if not seen.suspects:
        return faults, blanks
    lines = plain.split(b"\n")
    for at in seen.suspects:
        cells = cells_of(lines[at], shape.separator)
        if isinstance(cells, tuple):
            faults.append((rows[at], cells))
        elif blank(cells):
            blanks += 1
        else:
            faults += [(rows[at], fault) for fault in judge(cells, shape)]
    return faults, blanks


def judge_records(records: Records, shape: Shape) -> tuple[list[tuple[int, Fault]], int]:
    """The faults of records that the csv module read, and how many of them are blank rows."""
    faults: list[tuple[int, Fault]] = []
    blanks = 0
    for row, cells in records:
        if not (cells and cells[0].strip(SPACES)) and blank(cells):
            blanks += 1
        elif len(cells) != shape.width or shape.unnamed or _odd("".join(cells)):
            faults += [(row, fault) for fault in judge(cells, shape)]
    return faults, blanks


def _odd(text: str) -> bool:
    return len(text) > LONGEST_CELL or UNWANTED.search(text) is not None


def plain_frame(plain: bytes, rows: Sequence[int], shape: Shape, trim: tuple[int, ...] | None) -> pl.DataFrame:
    """Lines without quotes, each with all its cells, as a frame: the fast lane. Falls to the other lane if polars sees other lines."""
    names = [str(index) for index in range(shape.width)]
    kept = [column.index for column in shape.columns]
    try:
        frame = pl.read_csv(
            plain,
            has_header=False,
            separator=shape.separator,
            quote_char=None,
            schema=dict.fromkeys(names, pl.String()),
            infer_schema=False,
            columns=None if len(kept) == shape.width else kept,
        )
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame()
    if frame.height != len(rows):
        lines = plain.split(b"\n")[:-1]
        cells = [line.removesuffix(b"\r").decode().split(shape.separator) for line in lines]
        return record_frame(list(zip(rows, cells, strict=True)), shape)
    trimmed = [_trimmed(index) for index in kept if trim is None or index in trim]
    return _finished(frame.with_columns(trimmed) if trimmed else frame, rows, shape)


def record_frame(records: Records, shape: Shape) -> pl.DataFrame:
    """Records of the csv module as a frame: the careful lane."""
    by_column = list(zip(*(cells for _, cells in records if len(cells) == shape.width), strict=True))
    rows = [row for row, cells in records if len(cells) == shape.width]
    series = [
        pl.Series(str(column.index), by_column[column.index] if rows else [], pl.String) for column in shape.columns
    ]
    frame = pl.DataFrame(series).with_columns([_trimmed(column.index) for column in shape.columns])
    return _finished(frame, rows, shape)


def _trimmed(index: int) -> pl.Expr:
    text = pl.col(str(index)).str.strip_chars(SPACES)
    return pl.when(text != "").then(text).alias(str(index))


def _finished(frame: pl.DataFrame, rows: Sequence[int], shape: Shape) -> pl.DataFrame:
    frame.insert_column(0, pl.Series("row", rows, pl.UInt32))
    names = [str(column.index) for column in shape.columns]
    if min(frame.get_column(name).null_count() for name in names) == 0:
        return frame
    return frame.filter(pl.any_horizontal(pl.col(names).is_not_null()))


def block_frame(parts: Split, shape: Shape, trim: tuple[int, ...] | None, *, even: bool) -> pl.DataFrame:
    """A block of a file without faults as a frame.

    Unless it is known that every line is `even`, lines without all their cells are left out: they are blank.
    """
    frames = [record_frame(parts.records, shape)] if parts.records else []
    plain, rows = (parts.plain, parts.plain_rows) if even else _even(parts, shape)
    if rows:
        frames.append(plain_frame(plain, rows, shape, trim))
    if not frames:
        return pl.DataFrame(schema=schema(shape.columns))
    return frames[0] if len(frames) == 1 else pl.concat(frames).sort("row")


def _even(parts: Split, shape: Shape) -> tuple[bytes, list[int]]:
    lines = parts.plain.split(b"\n")[:-1]
    mark = shape.byte
    kept = [at for at, line in enumerate(lines) if line.count(mark) == shape.width - 1 and line not in (b"", b"\r")]
    return b"\n".join([*(lines[at] for at in kept), b""]), [parts.plain_rows[at] for at in kept]
