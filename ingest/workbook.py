"""The inside of an XLSX workbook as text, read by a process of its own with limits on memory and time.

It imports nothing but the standard library, so that it starts at once. It speaks lines of JSON: first the visible sheets with their
first rows; then, when it was told `[sheet, row of headings]`, the rows beneath it by column, a thousand at a time. What is wrong is
said as `{"stop": name of a rule}` or listed as `[name of a rule, row, column]`. Any other exception ends the process without a word,
so that no value gets out.
"""

import json
import resource
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from xml.parsers import expat

from ingest.characters import LONGEST_CELL, UNWANTED
from ingest.workbook_cells import BUILT_IN, format_kind, plain
from ingest.workbook_parts import StopReadingError, check_archive, check_sizes, feed, local, parser, targets, walk
from ingest.workbook_sheet import MOST_CELLS, Fault, Sheet, Wording

MOST_ROWS = 50_000
HEAD_ROWS = 20
MOST_SHEETS = 50
MOST_TEXT = 128 << 20
MOST_FAULTS = 10_000
MEMORY = 1 << 30
CPU_SECONDS = 60
CHUNK = 1_000
Row = tuple[int, dict[int, str]]


class _PeekedError(Exception):
    """Enough of a sheet was seen."""


def limit() -> None:
    """Bound what this process may take, before anything is opened."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Workbook:
    """An opened workbook: its visible sheets by name and part, and what it says about the cells of all of them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        check_archive(archive)
        main = next((path for kind, path in targets(archive, "").values() if kind == "officeDocument"), "")
        if main.endswith(".bin"):
            raise StopReadingError("old_workbook")
        if main not in archive.namelist():
            raise StopReadingError("not_a_workbook")
        self._epoch_1904 = False
        self.sheets: list[tuple[str, str]] = []
        parts = targets(archive, main)
        self._find_sheets(main, parts)
        by_kind = {kind: path for kind, path in parts.values() if path in archive.namelist()}
        self._shared = [by_kind[kind] for kind in ("styles", "sharedStrings") if kind in by_kind]
        check_sizes(archive, self._shared)
        kinds = styles(archive, by_kind.get("styles"))
        self._wording = Wording(kinds, *strings(archive, by_kind.get("sharedStrings")), self._epoch_1904)

    def _find_sheets(self, main: str, parts: dict[str, tuple[str, str]]) -> None:
        def each(element: str, attributes: dict[str, str]) -> None:
            if element == "workbookPr":
                self._epoch_1904 = attributes.get("date1904") in ("1", "true")
            elif element == "sheet" and attributes.get("state", "visible") == "visible":
                kind, path = parts.get(attributes.get("id", ""), ("", ""))
                if kind == "worksheet" and path in self.archive.namelist():
                    self.sheets.append((attributes.get("name", ""), path))

        walk(self.archive, main, each)
        if len(self.sheets) > MOST_SHEETS:
            raise StopReadingError("workbook_too_large")

    def read(self, at: int, each: Callable[[int, dict[int, str]], None]) -> list[Fault]:
        """Show every row of a sheet that holds anything; the faults of its cells."""
        part = self.sheets[at][1]
        check_sizes(self.archive, [part, *self._shared])
        sheet = Sheet(self._wording, each)
        sheet.read(self.archive, part)
        return sheet.faults


def styles(archive: zipfile.ZipFile, part: str | None) -> dict[str, str]:
    """For each cell style, what its number format shows: a date, a time, both or elapsed time; other styles are left out."""
    formats: dict[str, str] = dict(BUILT_IN)
    numbers: list[str] = []
    group = ""

    def each(element: str, attributes: dict[str, str]) -> None:
        nonlocal group
        if element == "numFmt":
            formats[attributes.get("numFmtId", "")] = format_kind(attributes.get("formatCode", ""))
        elif element in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            group = element
        elif element == "xf" and group == "cellXfs":
            numbers.append(attributes.get("numFmtId", ""))

    if part is not None:
        walk(archive, part, each)
    return {str(style): kind for style, number in enumerate(numbers) if (kind := formats.get(number))}


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


def first_rows(book: Workbook, at: int) -> list[Row]:
    """The first rows of a sheet that hold anything."""
    rows: list[Row] = []

    def each(row: int, cells: dict[int, str]) -> None:
        rows.append((row, cells))
        if len(rows) > HEAD_ROWS:
            raise _PeekedError

    with suppress(_PeekedError):
        book.read(at, each)
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
        say(sheets=[[name, first_rows(book, at)] for at, (name, _) in enumerate(book.sheets)])
        answer = sys.stdin.readline()
        if not answer:
            return
        wanted, head = json.loads(answer)
        chunks = Chunks(head)
        faults = [fault for fault in book.read(wanted, chunks.add) if fault[1] >= head]
        chunks.end()
        more = Counter((name, at) for name, _, at in faults[MOST_FAULTS:])
        say(faults=faults[:MOST_FAULTS], more=[[*key, count] for key, count in more.items()])


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
