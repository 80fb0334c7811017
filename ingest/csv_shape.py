"""What can be wrong with the shape of one row of a CSV file, said once for both lanes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.characters import LONGEST_CELL, SPACES, UNWANTED, unwanted
from ingest.csv_blocks import LONGEST_LINE
from ingest.headings import Column
from schemas.rule import Rule
from schemas.rules import file as rules

_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')

_BY_NAME = {rule.name: rule for rule in (rules.NUL_CHARACTER, rules.CONTROL_CHARACTER, rules.DAMAGED_CHARACTER)}

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
            faults += [(_BY_NAME[name], index) for name in unwanted(cell)]
    return faults


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
