"""One sheet of a workbook, streamed row by row. Standard library only, as `ingest.workbook` asks."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ingest.characters import LONGEST_CELL, UNWANTED, unwanted
from ingest.workbook_cells import iso, number, plain
from ingest.workbook_parts import StopReadingError, feed, local, parser

MOST_CELLS = 3_500_000
"""A little more than MOST_ROWS of 64 columns; formatted but empty cells count."""
LAST_ROW = 1_048_576


@dataclass(frozen=True, slots=True)
class Wording:
    """What the whole workbook says about its cells: the kind of each style, the shared strings, which of these are unwanted, the epoch."""

    kinds: dict[str, str]
    strings: list[str]
    unwanted: frozenset[int]
    epoch_1904: bool


Fault = tuple[str, int, int]


class Sheet:
    """One sheet, streamed: `each` is shown every row with a cell that is not blank, by row number and cells by column index.

    `faults` are found on the way: the name of the rule, row and column.
    """

    def __init__(self, wording: Wording, each: Callable[[int, dict[int, str]], None]) -> None:
        self._wording = wording
        self._each = each
        self.faults: list[Fault] = []
        self._row = self._column = self._seen = 0
        self._cells: dict[int, str] = {}
        self._kind = self._value = self._style = ""
        self._open = self._taking = self._formula = self._phonetic = False

    def read(self, archive: zipfile.ZipFile, part: str) -> None:
        steps = {
            "c": self._cell,
            "v": self._take,
            "t": self._take,
            "f": self._compute,
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
        feed(archive, part, self._parser)
        self._end_row()

    def _data(self, text: str) -> None:
        if self._taking and len(self._value) <= 4 * LONGEST_CELL:
            self._value += text

    def _take(self, _: dict[str, str]) -> None:
        self._taking = not self._phonetic

    def _leave(self, _: dict[str, str]) -> None:
        self._taking = False

    def _compute(self, _: dict[str, str]) -> None:
        self._formula = True
        self._taking = False

    def _read_aloud(self, _: dict[str, str]) -> None:
        """What follows in this cell says how to pronounce it."""
        self._phonetic = True
        self._taking = False

    def _watch_ends(self, _: dict[str, str]) -> None:
        """The cell's text stands in pieces, and what stands between these is layout."""
        self._parser.EndElementHandler = self._end

    def _end(self, name: str) -> None:
        self._taking = False
        if local(name) == "is":
            self._parser.EndElementHandler = None

    def _end_row(self) -> None:
        if self._open:
            self._close()
        if self._cells:
            self._each(self._row, self._cells)

    def _next_row(self, attributes: dict[str, str]) -> None:
        self._end_row()
        number = int(attributes.get("r", self._row + 1))
        if not self._row < number <= LAST_ROW:
            raise StopReadingError("damaged_workbook")
        self._row = number
        self._column = -1
        self._cells = {}

    def _cell(self, attributes: dict[str, str]) -> None:
        if self._open:
            self._close()
        place = attributes.get("r")
        self._column = self._column + 1 if place is None else column(place.rstrip("0123456789"))
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._value = ""
        self._open = True
        self._taking = self._formula = self._phonetic = False
        self._seen += 1
        if self._seen > MOST_CELLS:
            raise StopReadingError("workbook_too_large")

    def _close(self) -> None:
        """Put the cell that ends here among those of its row."""
        self._open = False
        value = self._value
        if value:
            text = self._text(value)
            if text:
                if self._column in self._cells:
                    raise StopReadingError("damaged_workbook")  # of two cells at one place nobody knows which is meant
                self._cells[self._column] = text
        elif self._formula and self._kind != "str":
            self.faults.append(("uncalculated_formula", self._row, self._column))

    def _text(self, value: str) -> str:
        kind = self._kind
        if kind == "s":
            at = int(value)
            text = self._wording.strings[at]
            if at in self._wording.unwanted:
                self._note(text)
            return text
        if kind == "n":
            return number(value, self._wording.kinds.get(self._style, ""), self._wording.epoch_1904)
        text = plain(value)
        if len(text) > LONGEST_CELL or UNWANTED.search(text):
            self._note(text)
        if kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(text, text)
        return iso(text, self._wording.kinds.get(self._style, "")) if kind == "d" else text

    def _note(self, text: str) -> None:
        broken = unwanted(text)
        if len(text) > LONGEST_CELL:
            broken.append("cell_too_long")
        self.faults += [(name, self._row, self._column) for name in broken]


@cache
def column(letters: str) -> int:
    """The index of a column by its letters: A is 0, XFD is 16,383. ValueError for anything else."""
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise ValueError("no column")
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1
