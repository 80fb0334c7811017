"""What can be wrong with the shape of one row of a CSV file, said once for both lanes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.csv_blocks import LONGEST_LINE
from ingest.headings import SPACES, Column
from schemas.rule import Rule
from schemas.rules import file as rules

LONGEST_CELL = 32_767
"""Characters of a cell, as in a spreadsheet; the csv module's own limit of 131,072 stays as it is."""
UNWANTED = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd-\uffff]")
"""NUL, control characters but tab and line ends, the replacement mark, and two code points that no XML may hold."""
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')

Fault = tuple[Rule, int | None]
"""The rule, and the index of the cell if the fault is one cell's."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What every row must look like: so many cells between separators. `unnamed` are the cells under a blank heading."""

    separator: str
    width: int
    columns: tuple[Column, ...]
    unnamed: frozenset[int] = frozenset()

    @property
    def byte(self) -> bytes:
        return self.separator.encode()


def blank(cells: Sequence[str]) -> bool:
    return not any(cell.strip(SPACES) for cell in cells)


def judge(cells: Sequence[str], shape: Shape) -> list[Fault]:
    """The faults of a row that is not blank. A cell under a blank heading is one, too."""
    faults: list[Fault] = []
    if len(cells) != shape.width:
        faults.append((rules.SHORT_ROW if len(cells) < shape.width else rules.LONG_ROW, None))
    else:
        faults += [(rules.BLANK_HEADING, index) for index in sorted(shape.unnamed) if cells[index].strip(SPACES)]
    for index, cell in enumerate(cells):
        if len(cell) > LONGEST_CELL:
            faults.append((rules.CELL_TOO_LONG, index))
        if UNWANTED.search(cell):
            faults += [(rule, index) for rule in unwanted(cell)]
    return faults


def unwanted(cell: str) -> list[Rule]:
    """The rules that the characters of a cell break."""
    found = set(UNWANTED.findall(cell))
    broken = [rules.NUL_CHARACTER] if "\0" in found else []
    if found - {"\0", "\ufffd"}:
        broken.append(rules.CONTROL_CHARACTER)
    return [*broken, rules.DAMAGED_CHARACTER] if "\ufffd" in found else broken


def cells_of(line: bytes, separator: str) -> list[str] | Fault:
    """The cells of a line without a quote and without its line end; or why they are not certain."""
    if len(line) > LONGEST_LINE:
        return rules.LINE_TOO_LONG, None
    whole = line.removesuffix(b"\r")
    before, lone, _ = whole.partition(b"\r")
    if lone:
        return rules.LONE_CARRIAGE_RETURN, before.count(separator.encode())
    return whole.decode().split(separator)


def fault_in(record: str, separator: str, longest: int | None = None) -> Fault | None:
    """Where quotes or carriage returns go wrong in a record that has quotes, or a cell is longer than `longest`; None: nowhere.

    The record comes without its last line end.
    """
    text = record.removesuffix("\r")
    at = index = 0
    while True:
        start = at
        if text.startswith('"', at):
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                return rules.UNCLOSED_QUOTE, index
            at = quoted.end()
            if at < len(text) and text[at] != separator:
                return rules.LONE_CARRIAGE_RETURN if text[at] == "\r" else rules.TEXT_AFTER_QUOTE, index
        else:
            at = text.find(separator, at)
            at = len(text) if at < 0 else at
            if text.find("\r", start, at) >= 0:
                return rules.LONE_CARRIAGE_RETURN, index
        if longest is not None and at - start > longest:
            return rules.CELL_TOO_LONG, index
        if at >= len(text):
            return None
        at += 1
        index += 1
