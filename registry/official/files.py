"""Bytes of a CSV file or a workbook to lines of text, with their line numbers; and the faults that stop it."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import python_calamine

LARGEST = 20 * 1024 * 1024
LARGEST_UNPACKED = 100 * 1024 * 1024
MOST_LINES = 100_000

# A cell beyond column AZ or row 99,999: the reader makes room for the whole rectangle up to the furthest cell.
_FAR_CELL = re.compile(rb"""\br=["'](?:(?:[B-Z][A-Z]|[A-Z]{3,})[0-9]+|[A-Z]*[0-9]{6,})["']""")

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # the first bytes of XLSX and of XLS


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, in a sentence with what to do. `line` is the line of the CSV file or the row of the sheet; `None`: the whole file."""

    line: int | None
    words: str
    severity: Severity = Severity.ERROR
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not empty, its cells stripped of blanks of any kind."""

    number: int
    cells: tuple[str, ...]

    def cell(self, place: int) -> str:
        """The cell at a place, empty where the line is too short for it."""
        return self.cells[place] if 0 <= place < len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    lines: tuple[Line, ...]


class UnreadableFileError(Exception):
    """The file cannot be read as a table at all. Its words say why; they never quote the file."""


def sheets(data: bytes) -> tuple[Sheet, ...]:
    """The tables of a file: one of a CSV, each sheet of a workbook. Raises `UnreadableFileError`."""
    if len(data) > LARGEST:
        raise UnreadableFileError(
            "The file is larger than 20 MB. The official files are far smaller: is it the right one?"
        )
    if data.startswith(_WORKBOOKS):
        return tuple(_workbook(data))
    return (Sheet("", tuple(_csv(data))),)


def decode(data: bytes) -> str:
    """The text of a CSV file: UTF-8 or UTF-16 with a byte order mark, UTF-8, or else Windows-1252. Raises `UnreadableFileError`."""
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFileError("The letters of the file cannot be read. Save it again as CSV (UTF-8).")


def _csv(data: bytes) -> Iterator[Line]:
    text = decode(data)
    if "\0" in text:
        raise UnreadableFileError("The file has bytes that do not belong in a CSV file. Save it again as CSV (UTF-8).")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            yield from _line(begins, cells)
            begins = reader.line_num + 1
    except csv.Error:
        raise UnreadableFileError(
            f"Line {begins} cannot be read: a quotation mark is not closed, or stands inside a value."
        ) from None


def _line(number: int, cells: list[str]) -> Iterator[Line]:
    if number > MOST_LINES:
        raise UnreadableFileError(
            "The file has more than 100,000 lines. The official files are far smaller: is it the right one?"
        )
    stripped = tuple(" ".join(cell.split()) for cell in cells)
    if any(stripped):
        yield Line(number, stripped)


def _workbook(data: bytes) -> Iterator[Sheet]:
    if data.startswith(_WORKBOOKS[0]):
        _refuse_bomb(data)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            yield Sheet(
                name,
                tuple(
                    line for number, row in enumerate(rows, 1) for line in _line(number, [_text(cell) for cell in row])
                ),
            )
    except python_calamine.CalamineError:
        raise UnreadableFileError("The workbook cannot be opened. Is it complete, and without a password?") from None


def _refuse_bomb(data: bytes) -> None:
    """Refuses what would grow out of all proportion when it is read. Raises `UnreadableFileError`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST_UNPACKED:
                raise UnreadableFileError("The workbook unpacks to more than 100 MB, which no official file does.")
            far = any(_FAR_CELL.search(archive.read(name)) for name in archive.namelist() if "worksheets/" in name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError):
        raise UnreadableFileError("The workbook is damaged. Download it again.") from None
    if far:
        raise UnreadableFileError(
            "The workbook has cells beyond column AZ or row 99,999. Delete what stands there and save it again."
        )


def _text(cell: object) -> str:
    """A cell of a workbook as the text a CSV would hold."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def read_date(text: str) -> date | None:
    """A date as `2024-07-01` (also with a time of midnight), `20240701` or `01/07/2024`; `None` for anything else. Day first, always."""
    for pattern in ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - a date without clock or zone
        except ValueError:
            continue
        return moment.date() if moment == moment.replace(hour=0, minute=0, second=0) else None
    return None
