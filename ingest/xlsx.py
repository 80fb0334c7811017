"""An XLSX workbook as a Table. A process of its own reads it (`ingest.workbook`) with limits on memory, processor and clock.

Rows and letters are the sheet's own. Cells come as text: dates as ISO, numbers as plain digits, an error such as `#N/A` as that text.
"""

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

import polars as pl

from ingest import workbook
from ingest.faults import Faults
from ingest.headings import HEAD_ROWS, MOST_COLUMNS, Column, Headings, Matcher, letter, shown
from ingest.table import Table, refusal, schema
from schemas.rule import Rule
from schemas.rules import file as rules

DEADLINE_SECONDS = 60.0
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ROOT = Path(workbook.__file__).parents[1]
_PROGRAM = "import sys; sys.path.append(sys.argv[1]); from ingest.workbook import main; main(sys.argv[2])"
_RULES = {
    rule.name: rule
    for rule in (
        rules.NOT_A_WORKBOOK,
        rules.PROTECTED_WORKBOOK,
        rules.OLD_WORKBOOK,
        rules.DAMAGED_WORKBOOK,
        rules.WORKBOOK_TOO_LARGE,
        rules.TOO_MANY_ROWS,
        rules.READING_STOPPED,
        rules.CELL_TOO_LONG,
        rules.NUL_CHARACTER,
        rules.CONTROL_CHARACTER,
        rules.DAMAGED_CHARACTER,
        rules.UNCALCULATED_FORMULA,
    )
}
Row = tuple[int, dict[int, str]]


class _StoppedError(Exception):
    """The workbook is refused by a rule."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.name)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet as first seen: which one, its name, its row of headings, how many of them are known, whether rows follow."""

    index: int
    name: str
    row: int
    cells: dict[int, str]
    known: int
    followed: bool


@dataclass(slots=True)
class _Rows:
    """The rows beneath the headings, and the columns without a heading that have cells."""

    frames: list[pl.DataFrame] = field(default_factory=list)
    under_blank: set[int] = field(default_factory=set)


def open_xlsx(path: Path, headings: Headings, *, deadline: float = DEADLINE_SECONDS) -> Table:
    """Read a workbook whole, at most 50,000 rows, within `deadline` seconds; whatever keeps it from being read is a finding."""
    faults = Faults()
    try:
        if rule := _unlike_workbook(path):
            raise _StoppedError(rule)
        with _reader(path, deadline) as reader:
            return _table(reader, Matcher(headings))
    except _StoppedError as stop:
        faults.add(stop.rule, most=f"{workbook.MOST_ROWS:,}")
        return refusal(faults)


def _unlike_workbook(path: Path) -> Rule | None:
    """What the first bytes say against its being a workbook."""
    with path.open("rb") as file:
        start = file.read(8)
        if not start:
            return rules.EMPTY_FILE
        if start.startswith(_ZIP):
            return None
        if start != _OLE:
            return rules.NOT_A_WORKBOOK
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return rules.OLD_WORKBOOK if content.find(_ENCRYPTED) < 0 else rules.PROTECTED_WORKBOOK


class _Reader:
    """The process that reads the workbook, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def hear(self) -> dict[str, Any]:
        """Its next words. Raises _StoppedError where it refuses the workbook or ended before it was done."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            killed = self._process.wait() < 0
            raise _StoppedError(rules.READING_STOPPED if killed else rules.DAMAGED_WORKBOOK)
        words: dict[str, Any] = json.loads(line)
        if "stop" in words:
            raise _StoppedError(_RULES[words["stop"]])
        return words

    def ask(self, sheet: int, head: int) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: then it is not heard either
            os.write(self._process.stdin.fileno(), json.dumps([sheet, head]).encode() + b"\n")


@contextmanager
def _reader(path: Path, deadline: float) -> Iterator[_Reader]:
    """Start the process, and see that it ends: at the deadline, or when it is no longer heard."""
    # Our own interpreter and our own file; only the path is the sender's business, and it is an argument, not a shell's word.
    # It gets no environment, so that what reads hostile bytes knows no secret.
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM, str(_ROOT), str(path)]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    ) as process:
        timer = Timer(deadline, process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield _Reader(process)
        finally:
            timer.cancel()
            process.kill()


def _table(reader: _Reader, matcher: Matcher) -> Table:
    sheets = reader.hear()["sheets"]
    candidates = [sheet for at, (name, rows) in enumerate(sheets) if (sheet := _candidate(at, name, rows, matcher))]
    if not candidates:
        return _no_headings(sheets, matcher)
    chosen = max(candidates, key=lambda sheet: sheet.known)
    if len(chosen.cells) > MOST_COLUMNS:
        return _refused(rules.TOO_MANY_COLUMNS, row=chosen.row, most=f"{MOST_COLUMNS:,}")
    first, last = min(chosen.cells), max(chosen.cells)
    cells = [chosen.cells.get(index, "") for index in range(first, last + 1)]
    columns, findings = matcher.columns(cells, chosen.row, first)
    faults = Faults(columns, findings)
    others = [shown(sheet.name) for sheet in candidates if sheet is not chosen and sheet.followed]
    if others:
        faults.add(rules.OTHER_SHEETS, sheet=shown(chosen.name), others=", ".join(others))
    reader.ask(chosen.index, chosen.row)
    rows = _rows(reader, columns, faults)
    whole = pl.concat([pl.DataFrame(schema=schema(columns)), *rows.frames]).rechunk()
    for index in sorted(rows.under_blank):
        faults.add(rules.BLANK_HEADING, row=chosen.row, index=index, letter=letter(index))
    if not whole.height:
        faults.add(rules.NO_ROWS)
    return Table(
        columns=columns,
        findings=tuple(faults.findings),
        counts=faults.total,
        rows=whole.height,
        heading_row=chosen.row,
        sheet=chosen.name,
        read=lambda: iter([whole]),
    )


def _candidate(index: int, name: str, rows: list[tuple[int, dict[str, str]]], matcher: Matcher) -> _Sheet | None:
    """A sheet that has a row of headings, or None."""
    texts = [list(cells.values()) for _, cells in rows[:HEAD_ROWS]]
    at = matcher.heading_row(texts)
    if at is None:
        return None
    row, cells = rows[at]
    return _Sheet(
        index, name, row, {int(key): text for key, text in cells.items()}, matcher.known(texts[at]), len(rows) > at + 1
    )


def _no_headings(sheets: list[tuple[str, list[Row]]], matcher: Matcher) -> Table:
    if not any(rows for _, rows in sheets):
        return _refused(rules.EMPTY_FILE)
    return _refused(rules.HEADINGS_NOT_FOUND, rows=str(HEAD_ROWS), known=str(matcher.fewest))


def _refused(rule: Rule, row: int | None = None, *, rows: str = "", known: str = "", most: str = "") -> Table:
    faults = Faults()
    faults.add(rule, row=row, rows=rows, known=known, most=most)
    return refusal(faults)


def _rows(reader: _Reader, columns: tuple[Column, ...], faults: Faults) -> _Rows:
    """The rows of the sheet that was asked for; its faults are put among the others."""
    found = _Rows()
    named = {str(column.index) for column in columns}
    while True:
        words = reader.hear()
        if "faults" in words:
            break
        texts: dict[str, list[str | None]] = words["columns"]
        found.under_blank |= {int(index) for index in texts.keys() - named}
        frame = _frame(words["rows"], texts, columns)
        if frame.height:
            found.frames.append(frame)
    for name, row, index in words["faults"]:
        faults.add(_RULES[name], row=row, index=index)
    for name, index, count in words["more"]:
        faults.counts[_RULES[name].number, letter(index)] += count
    return found


def _frame(rows: list[int], texts: dict[str, list[str | None]], columns: tuple[Column, ...]) -> pl.DataFrame:
    """A chunk as a frame. A row whose only cells stand under no heading is blank."""
    blank: list[str | None] = [None] * len(rows)
    series = [pl.Series(str(column.index), texts.get(str(column.index), blank), pl.String) for column in columns]
    frame = pl.DataFrame([pl.Series("row", rows, pl.UInt32), *series]).select(list(schema(columns)))
    return frame.filter(pl.any_horizontal(pl.exclude("row").is_not_null()))
