"""The inside of an XLSX workbook as text, read by a process of its own with limits on memory and time.

Run by its path, `python -I -S workbook.py FILE`, so it imports nothing but the standard library and starts at once. It speaks lines
of JSON: first the visible sheets with their first rows; then, when it was told `[sheet, row of headings]`, the rows beneath it by
column, a thousand at a time. What is wrong is said as `{"stop": name of a rule}` or listed as `[name of a rule, row, column]`.
Any exception ends the process without a word, so that no value gets out.
"""

import json
import re
import resource
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from math import isinf
from typing import Any
from xml.parsers import expat

MOST_ROWS = 50_000
HEAD_ROWS = 20
MOST_CELLS = 3_500_000
"""A little more than MOST_ROWS of 64 columns; formatted but empty cells count."""
MOST_UNPACKED = 256 << 20
DENSE_FROM, MOST_DENSE = 64 << 20, 50
"""Beyond so many bytes unpacked, packing denser than this is a bomb's: sheets of data pack 5 to 20 times."""
MOST_SMALL = 32 << 20
MOST_PARTS = 2_000
MOST_SHEETS = 50
MOST_TEXT = 128 << 20
LONGEST_CELL = 32_767
MEMORY = 1 << 30
CPU_SECONDS = 60
CHUNK = 1_000
PIECE = 1 << 16

SPACES = "\t\n\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_DIGITS = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)?T?(?:(\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?)?Z?")
_NOT_IN_FORMAT = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_BUILT_IN = {
    **dict.fromkeys((*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56), "time"),
    22: "datetime",
    46: "elapsed",
}
_LAST_DAY = 2_958_465  # 31 December 9999
LAST_ROW = 1_048_576
MOST_FAULTS = 10_000
Row = tuple[int, dict[int, str]]


class StopReadingError(Exception):
    """The workbook is refused, by the rule of that name."""


class _PeekedError(Exception):
    """Enough of a sheet was seen."""


def limit() -> None:
    """Bound what this process may take, before anything is opened."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def parser(start: Callable[..., None], **handlers: Callable[..., Any]) -> expat.XMLParserType:
    """A streaming XML parser that refuses document types, and with them entities."""
    made = expat.ParserCreate(namespace_separator=" ")
    made.buffer_text = True
    made.StartDoctypeDeclHandler = _refuse_doctype
    made.StartElementHandler = start
    for name, handler in handlers.items():
        setattr(made, name, handler)
    return made


def feed(archive: zipfile.ZipFile, part: str, to: expat.XMLParserType) -> None:
    """Stream one part of the workbook through a parser."""
    with archive.open(part) as file:
        while piece := file.read(PIECE):
            to.Parse(piece)
    to.Parse(b"", True)


def _refuse_doctype(*_: object) -> None:
    raise StopReadingError("damaged_workbook")


def local(name: str) -> str:
    """An element's or attribute's name without its namespace, which strict and transitional workbooks spell differently."""
    return name.rpartition(" ")[2]


def walk(archive: zipfile.ZipFile, part: str, each: Callable[[str, dict[str, str]], None]) -> None:
    """Show each element of a small part, with its attributes."""
    if archive.getinfo(part).file_size > MOST_SMALL:
        raise StopReadingError("workbook_too_large")

    def start(name: str, attributes: dict[str, str]) -> None:
        each(local(name), {local(key): value for key, value in attributes.items()})

    feed(archive, part, parser(start))


def targets(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """What a part refers to: relation id → (kind, path of the part)."""
    folder, _, name = part.rpartition("/")
    relations = f"{folder}/_rels/{name}.rels".lstrip("/")
    found: dict[str, tuple[str, str]] = {}

    def each(element: str, attributes: dict[str, str]) -> None:
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = kind, _path(folder, attributes.get("Target", ""))

    if relations in archive.namelist():
        walk(archive, relations, each)
    return found


def _path(folder: str, target: str) -> str:
    steps: list[str] = []
    for step in (target if target.startswith("/") else f"{folder}/{target}").split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps)


class Workbook:
    """An opened workbook: its visible sheets by name and part, its shared strings and the kinds of its number formats."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        check_archive(archive)
        main = next((path for kind, path in targets(archive, "").values() if kind == "officeDocument"), "")
        if main.endswith(".bin"):
            raise StopReadingError("old_workbook")
        if main not in archive.namelist():
            raise StopReadingError("not_a_workbook")
        parts = targets(archive, main)
        by_kind = {kind: path for kind, path in parts.values() if kind != "worksheet" and path in archive.namelist()}
        self.parts = [path for kind, path in by_kind.items() if kind in ("styles", "sharedStrings")]
        self.epoch_1904 = False
        self.sheets: list[tuple[str, str]] = []
        self._find_sheets(main, parts)
        check_sizes(archive, self.parts)
        self.kinds = styles(archive, by_kind.get("styles"))
        self.strings, self.unwanted = strings(archive, by_kind.get("sharedStrings"))

    def _find_sheets(self, main: str, parts: dict[str, tuple[str, str]]) -> None:
        def each(element: str, attributes: dict[str, str]) -> None:
            if element == "workbookPr":
                self.epoch_1904 = attributes.get("date1904") in ("1", "true")
            elif element == "sheet" and attributes.get("state", "visible") == "visible":
                kind, path = parts.get(attributes.get("id", ""), ("", ""))
                if kind == "worksheet" and path in self.archive.namelist():
                    self.sheets.append((attributes.get("name", ""), path))

        walk(self.archive, main, each)
        if len(self.sheets) > MOST_SHEETS:
            raise StopReadingError("workbook_too_large")


def check_archive(archive: zipfile.ZipFile) -> None:
    """Refuse what no spreadsheet program writes."""
    names = [part.filename for part in archive.infolist()]
    if len(names) > MOST_PARTS:
        raise StopReadingError("workbook_too_large")
    if len(set(names)) != len(names):
        raise StopReadingError("damaged_workbook")
    if any(part.flag_bits & 1 for part in archive.infolist()):
        raise StopReadingError("protected_workbook")


def check_sizes(archive: zipfile.ZipFile, parts: list[str]) -> None:
    """Refuse parts that unpack to too much. zipfile never unpacks more of a part than it declares."""
    found = [archive.getinfo(part) for part in parts]
    unpacked, packed = sum(part.file_size for part in found), sum(part.compress_size for part in found)
    if unpacked > MOST_UNPACKED or (unpacked > DENSE_FROM and unpacked > MOST_DENSE * packed):
        raise StopReadingError("workbook_too_large")


def styles(archive: zipfile.ZipFile, part: str | None) -> list[str]:
    """For each cell style, what its number format shows: a date, a time, both, elapsed time, or "" for a number."""
    formats: dict[int, str] = dict(_BUILT_IN)
    numbers: list[int] = []
    groups = [""]

    def each(element: str, attributes: dict[str, str]) -> None:
        if element == "numFmt":
            formats[int(attributes.get("numFmtId", "0"))] = format_kind(attributes.get("formatCode", ""))
        elif element in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            groups[0] = element
        elif element == "xf" and groups[0] == "cellXfs":
            numbers.append(int(attributes.get("numFmtId", "0")))

    if part is not None:
        walk(archive, part, each)
    return [formats.get(number, "") for number in numbers]


def format_kind(code: str) -> str:
    """What a number format shows, by the letters outside quotes and brackets of its first section."""
    if code.casefold() == "general":
        return ""
    bare = _NOT_IN_FORMAT.sub("", code).partition(";")[0].casefold()
    if "[" in bare:
        return "elapsed"
    clock = "h" in bare or "s" in bare
    day = "y" in bare or "d" in bare or ("m" in bare and not clock)
    return {(True, True): "datetime", (True, False): "date", (False, True): "time", (False, False): ""}[day, clock]


def plain(text: str) -> str:
    """A cell's text trimmed, with `_x000D_` and its like as the characters that they stand for."""
    if "_x" in text:
        text = _ESCAPED.sub(_unescape, text)
    return text.strip(SPACES)


def _unescape(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if "\ud800" <= letter <= "\udfff" else letter


def strings(archive: zipfile.ZipFile, part: str | None) -> tuple[list[str], frozenset[int]]:
    """The strings that cells share, and which of them hold what no cell may hold or are too long."""
    found: list[str] = []
    pieces: list[str] = []
    taking = phonetic = False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal taking, phonetic
        tag = local(name)
        phonetic = tag == "rPh" or (phonetic and tag != "si")
        taking = tag == "t" and not phonetic

    def end(name: str) -> None:
        nonlocal taking
        taking = False
        if local(name) == "si":
            found.append(plain("".join(pieces)))
            pieces.clear()
            if len(found) > MOST_CELLS:
                raise StopReadingError("workbook_too_large")

    def data(text: str) -> None:
        if taking:
            pieces.append(text)

    if part is not None:
        feed(archive, part, parser(start, EndElementHandler=end, CharacterDataHandler=data))
    return found, frozenset(at for at, text in enumerate(found) if len(text) > LONGEST_CELL or UNWANTED.search(text))


class Sheet:
    """One sheet, streamed: `each` is shown every row with a cell that is not blank, by row number and column index."""

    def __init__(self, book: Workbook, path: str, each: Callable[[int, dict[int, str]], None]) -> None:
        check_sizes(book.archive, [path, *book.parts])
        self._book = book
        self._path = path
        self._each = each
        self.faults: list[tuple[str, int, int]] = []
        self._row = self._column = self._cells_seen = 0
        self._cells: dict[int, str] = {}
        self._kind = self._value = ""
        self._style = 0
        self._open = self._taking = self._formula = self._phonetic = False

    def read(self) -> None:
        steps = {
            "c": self._cell,
            "v": self._take,
            "t": self._take,
            "f": self._skip,
            "row": self._next_row,
            "rPh": self._read_aloud,
            "is": self._watch_ends,
        }
        known: dict[str, Callable[[dict[str, str]], None]] = {}

        def start(name: str, attributes: dict[str, str]) -> None:
            step = known.get(name)
            if step is None:
                step = known[name] = steps.get(local(name), self._leave)
            step(attributes)

        self._parser = parser(start, CharacterDataHandler=self._data)
        feed(self._book.archive, self._path, self._parser)
        self._next_row({"r": str(self._row + 1)})

    def _data(self, text: str) -> None:
        if self._taking:
            self._value += text

    def _take(self, _: dict[str, str]) -> None:
        self._taking = not self._phonetic

    def _watch_ends(self, _: dict[str, str]) -> None:
        """Text stands in several pieces, and what stands between them is layout."""
        self._parser.EndElementHandler = self._end

    def _end(self, name: str) -> None:
        self._taking = False
        if local(name) == "is":
            self._parser.EndElementHandler = None

    def _leave(self, _: dict[str, str]) -> None:
        self._taking = False

    def _skip(self, _: dict[str, str]) -> None:
        self._formula = True
        self._taking = False

    def _read_aloud(self, _: dict[str, str]) -> None:
        self._phonetic = True
        self._taking = False

    def _next_row(self, attributes: dict[str, str]) -> None:
        if self._open:
            self._close()
        if self._cells:
            self._each(self._row, self._cells)
        number = int(attributes.get("r", self._row + 1))
        if not self._row < number <= LAST_ROW + 1 or self._cells_seen > MOST_CELLS:
            raise StopReadingError("workbook_too_large" if self._cells_seen > MOST_CELLS else "damaged_workbook")
        self._row = number
        self._column = -1
        self._cells = {}

    def _cell(self, attributes: dict[str, str]) -> None:
        if self._open:
            self._close()
        place = attributes.get("r")
        self._column = self._column + 1 if place is None else column(place.rstrip("0123456789"))
        self._kind = attributes.get("t", "n")
        self._style = int(attributes.get("s", 0))
        self._value = ""
        self._open = True
        self._taking = self._formula = self._phonetic = False
        self._cells_seen += 1

    def _close(self) -> None:
        """Put the cell that ends here among those of its row."""
        self._open = False
        value = self._value
        if value or self._kind == "inlineStr":
            text = self._text(value)
            if text:
                self._cells[self._column] = text
        elif self._formula and self._kind != "str":
            self.faults.append(("uncalculated_formula", self._row, self._column))

    def _text(self, value: str) -> str:
        if self._kind == "s":
            at = int(value)
            if at in self._book.unwanted:
                self._note(self._book.strings[at])
            return self._book.strings[at]
        if self._kind == "n":
            kinds = self._book.kinds
            return number(value, kinds[self._style] if self._style < len(kinds) else "", self._book.epoch_1904)
        text = plain(value)
        if len(text) > LONGEST_CELL or UNWANTED.search(text):
            self._note(text)
        if self._kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(text, text)
        return iso(text, self._book.kinds[self._style : self._style + 1]) if self._kind == "d" else text

    def _note(self, text: str) -> None:
        if len(text) > LONGEST_CELL:
            self.faults.append(("cell_too_long", self._row, self._column))
        found = set(UNWANTED.findall(text))
        if "\0" in found:
            self.faults.append(("nul_character", self._row, self._column))
        if found - {"\0", "\ufffd"}:
            self.faults.append(("control_character", self._row, self._column))
        if "\ufffd" in found:
            self.faults.append(("damaged_character", self._row, self._column))


@cache
def column(letters: str) -> int:
    """The index of a column by its letters: A is 0, XFD is 16,383. ValueError for anything else."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise ValueError("no column")
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


@lru_cache(1 << 16)
def number(value: str, kind: str, epoch_1904: bool) -> str:
    """A number as a person sees it: plain digits, 15 that count, never an exponent; under a format of dates or times, as those."""
    value = value.strip()
    if kind:
        serial = float(value)
        if 0 <= serial < _LAST_DAY + 1:
            return moment(serial, kind, epoch_1904)
    if _DIGITS.fullmatch(value):
        return value
    if not _NUMBER.fullmatch(value) or isinf(float(value)):
        return value
    shortest = format(float(value), ".15g")
    return format(Decimal(shortest), "f") if "e" in shortest else shortest


def moment(serial: float, kind: str, epoch_1904: bool) -> str:
    """A day number with its fraction as ISO text: `2024-02-29`, `2024-02-29 13:05`, `13:05`; seconds only if there are any.

    A date that has a time shows it, since it is in the cell. Day 60 of the 1900 system is its 29 February 1900, which never was.
    """
    if kind == "elapsed":
        return clock(round(serial * 86_400))
    if kind == "time" and serial < 1:
        return clock(min(round(serial * 86_400), 86_399))
    day, second = divmod(round(serial * 86_400), 86_400)
    return day_of(day, epoch_1904) if kind == "date" and not second else f"{day_of(day, epoch_1904)} {clock(second)}"


def day_of(day: int, epoch_1904: bool) -> str:
    if epoch_1904:
        return (date(1904, 1, 1) + timedelta(day)).isoformat()
    if day in (0, 60):
        return "1900-02-29" if day else "1900-01-00"
    return (date(1899, 12, 31 if day < 60 else 30) + timedelta(day)).isoformat()


def clock(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def iso(text: str, kinds: list[str]) -> str:
    """A cell that holds ISO text as its date, in the spelling of `moment`."""
    found = _ISO.fullmatch(text)
    if found is None or not text:
        return text
    day, minute, second = found.groups()
    if minute is None or (day and kinds == ["date"] and minute == "00:00" and second in (None, "00")):
        return day or text
    return f"{day or ''} {minute}{f':{second}' if second and second != '00' else ''}".strip()


def first_rows(book: Workbook, path: str) -> list[Row]:
    """The first rows of a sheet that hold anything."""
    rows: list[Row] = []

    def each(row: int, cells: dict[int, str]) -> None:
        rows.append((row, cells))
        if len(rows) > HEAD_ROWS:
            raise _PeekedError

    with suppress(_PeekedError):
        Sheet(book, path, each).read()
    return rows


def say(**words: object) -> None:
    sys.stdout.write(json.dumps(words, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class Chunks:
    """Rows gathered by column and handed over a thousand at a time, up to so many rows and so much text."""

    def __init__(self, head: int) -> None:
        self._head = head
        self._rows: list[int] = []
        self._columns: dict[int, list[str | None]] = {}
        self._count = self._text = 0

    def add(self, row: int, cells: dict[int, str]) -> None:
        if row <= self._head:
            return
        self._count += 1
        if self._count > MOST_ROWS:
            raise StopReadingError("too_many_rows")
        at = len(self._rows)
        self._rows.append(row)
        for index, text in cells.items():
            texts = self._columns.get(index)
            if texts is None:
                texts = self._columns[index] = []
            texts.extend([None] * (at - len(texts)))
            texts.append(text)
            self._text += len(text)
        if self._text > MOST_TEXT:
            raise StopReadingError("workbook_too_large")
        if at + 1 == CHUNK:
            self.end()

    def end(self) -> None:
        rows = len(self._rows)
        columns = {index: texts + [None] * (rows - len(texts)) for index, texts in self._columns.items()}
        say(rows=self._rows, columns=columns)
        self._rows, self._columns = [], {}


def converse(path: str) -> None:
    """Show the sheets, hear which one is wanted, hand its rows over."""
    with zipfile.ZipFile(path) as archive:
        book = Workbook(archive)
        say(sheets=[[name, first_rows(book, part)] for name, part in book.sheets])
        answer = sys.stdin.readline()
        if not answer:
            return
        wanted, head = json.loads(answer)
        chunks = Chunks(head)
        sheet = Sheet(book, book.sheets[wanted][1], chunks.add)
        sheet.read()
        chunks.end()
        beneath = [fault for fault in sheet.faults if fault[1] >= head]
        say(
            faults=beneath[:MOST_FAULTS],
            more=[[*key, count] for key, count in Counter((name, at) for name, _, at in beneath[MOST_FAULTS:]).items()],
        )


def main(path: str) -> None:
    limit()
    try:
        converse(path)
    except StopReadingError as stop:
        say(stop=str(stop))
    except MemoryError:
        say(stop="reading_stopped")
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, LookupError, ValueError, NotImplementedError):
        say(stop="damaged_workbook")


if __name__ == "__main__":
    main(sys.argv[1])
