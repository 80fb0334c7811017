"""The Organisation Data Service's CSV downloads: organisations (`etr.csv` and its kin) and successions (`succ.csv`).

Layouts as used by public programs that read them, and by a stored copy of `etr.csv`: no headings.
Organisations have 27 columns, of which 1 is the code, 2 the name in capitals, 3 the national grouping (the region), 11 the opening and
12 the closing date as YYYYMMDD; addresses and telephone numbers (5 to 10, 18) are not read. `etr` holds NHS trusts, `ect` care trusts,
`wlhb` Welsh boards, `ephp` independent providers, all in this layout. Successions have 5: predecessor, successor, reason (R merger
or split, F change of code, O change of type), date, and a mark whether the successor was itself succeeded.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from registry.official.files import Fault, Line, Severity, UnreadableFileError, read_date, sheets
from registry.official.organisations import KINDS, ODS_CODE, Organisation

ODS_COLUMNS = 27
ODS_NEEDED = 12  # up to the closing date; some tools drop the empty columns at the end
SUCCESSION_NEEDED = 4

# The seven regions of NHS England since April 2020, and Wales. Groupings that were closed before keep their code and have no name here.
REGIONS = {
    "Y56": "London",
    "Y58": "South West",
    "Y59": "South East",
    "Y60": "Midlands",
    "Y61": "East of England",
    "Y62": "North West",
    "Y63": "North East and Yorkshire",
}
WALES_IN_ODS = "W00"
WALES = ("W92000004", "Wales")
REASONS = {"R": "merger or split", "F": "change of code", "O": "change of type"}

_GROUPING = re.compile(r"[YW][0-9]{2}")
_SMALL = {"and", "of", "the", "for", "in", "on", "upon", "with"}
_KEPT = {"NHS", "UK", "NIHR", "CIC"}

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Succession:
    """From `effective_on` the work of `predecessor` is `successor`'s."""

    predecessor: str
    successor: str
    reason: str
    effective_on: date


def read_ods(data: bytes, *, kind: str = "nhs_trust") -> tuple[tuple[Organisation, ...], tuple[Fault, ...]]:
    """The organisations of an ODS download, open and closed, and every fault. All get the given `kind`: the file does not say it.

    Raises `ValueError` for a kind that the register does not have.
    """
    if kind not in KINDS:
        raise ValueError(f"the kind must be one of: {', '.join(KINDS)}")
    seen: dict[str, int] = {}

    def check(line: Line) -> Iterator[Fault]:
        yield from _organisation_faults(line)
        if seen.setdefault(line.cell(0), line.number) != line.number:
            yield Fault(line.number, f"This code stands already on line {seen[line.cell(0)]}. Keep one of the two.")

    return _read(data, ODS_NEEDED, "27 columns, the code first", check, lambda line: _organisation(line, kind))


def read_successions(data: bytes) -> tuple[tuple[Succession, ...], tuple[Fault, ...]]:
    """The successions of an ODS download, and every fault."""
    return _read(data, SUCCESSION_NEEDED, "5 columns, the predecessor first", _succession_faults, _succession)


def _read(
    data: bytes,
    needed: int,
    layout: str,
    check: Callable[[Line], Iterator[Fault]],
    make: Callable[[Line], Row],
) -> tuple[tuple[Row, ...], tuple[Fault, ...]]:
    try:
        lines = [line for sheet in sheets(data) for line in sheet.lines]
    except UnreadableFileError as broken:
        return (), (Fault(None, str(broken)),)
    if not lines:
        return (), (Fault(None, "The file is empty."),)
    if _is_heading(lines[0]):
        lines = lines[1:]
    read: dict[Row, None] = {}  # in order, and a line that is there twice only once
    faults: list[Fault] = []
    for line in lines:
        found = [_narrow(line, layout)] if len(line.cells) < needed else list(check(line))
        faults += found
        if all(fault.severity is Severity.WARNING for fault in found):
            read[make(line)] = None
    return tuple(read), tuple(faults)


def _is_heading(line: Line) -> bool:
    """Whether somebody put headings on top: the first cell is then words, never a code."""
    return not ODS_CODE.fullmatch(line.cell(0)) and "code" in line.cell(0).lower()


def _narrow(line: Line, layout: str) -> Fault:
    return Fault(line.number, f"The line has {len(line.cells)} columns; the layout has {layout}. Is it the right file?")


def _organisation_faults(line: Line) -> Iterator[Fault]:
    number, grouping = line.number, line.cell(2)
    if not ODS_CODE.fullmatch(line.cell(0)):
        yield Fault(number, "Column 1 is not an ODS code: three to six capital letters and digits.")
    if not line.cell(1):
        yield Fault(number, "Column 2, the name, is empty.")
    if grouping and not _GROUPING.fullmatch(grouping):
        yield Fault(number, "Column 3, the national grouping, is neither a region of England nor Wales.")
    if not grouping:
        yield Fault(
            number,
            "Column 3, the national grouping, is empty: the region stays as the register has it.",
            Severity.WARNING,
        )
    dates = [(name, line.cell(place)) for name, place in (("11, the opening date,", 10), ("12, the closing date,", 11))]
    for name, text in dates:
        if text and read_date(text) is None:
            yield Fault(number, f"Column {name} is not a date. It must be written as 20230630.")
    opened, closed = (read_date(text) for _, text in dates)
    if opened and closed and closed < opened:
        yield Fault(number, "The organisation closes before it opens.")


def _organisation(line: Line, kind: str) -> Organisation:
    grouping = line.cell(2)
    region = WALES if grouping == WALES_IN_ODS else (grouping, REGIONS.get(grouping, ""))
    nation = "Wales" if grouping.startswith("W") else "England" if grouping else ""
    return Organisation(
        line.cell(0),
        proper_name(line.cell(1)),
        kind,
        nation,
        *region,
        opened_on=read_date(line.cell(10)),
        closed_on=read_date(line.cell(11)),
    )


def region_named(name: str) -> str:
    """The code of a region by its name in any letters (`SOUTH WEST`, `South West Commissioning Region`), empty where it is none."""
    plain = name.lower().removesuffix(" commissioning region")
    return next((code for code, region in REGIONS.items() if region.lower() == plain), "")


def proper_name(name: str) -> str:
    """`BARKING, HAVERING AND REDBRIDGE … NHS TRUST` as people write it; a name that is not in capitals stays as it is."""
    if name != name.upper():
        return name
    words = name.lower().split(" ")
    return " ".join(_proper_word(word, first=place == 0) for place, word in enumerate(words))


def _proper_word(word: str, *, first: bool) -> str:
    if word.upper().strip("(),") in _KEPT:
        return word.upper()
    if word in _SMALL and not first:
        return word
    return re.sub(r"(^|[-(/])([a-z])", lambda match: match[1] + match[2].upper(), word)


def _succession_faults(line: Line) -> Iterator[Fault]:
    for name, place in (("1, the predecessor,", 0), ("2, the successor,", 1)):
        if not ODS_CODE.fullmatch(line.cell(place)):
            yield Fault(line.number, f"Column {name} is not an ODS code: three to six capital letters and digits.")
    if line.cell(0) and line.cell(0) == line.cell(1):
        yield Fault(line.number, "An organisation cannot succeed itself.")
    if line.cell(2) not in REASONS:
        yield Fault(
            line.number, "Column 3, the reason, is none of R, F and O; the succession itself is read.", Severity.WARNING
        )
    if read_date(line.cell(3)) is None:
        yield Fault(line.number, "Column 4, the date, is not a date. It must be written as 20230701.")


def _succession(line: Line) -> Succession:
    effective = read_date(line.cell(3))
    assert effective is not None  # a line without it has a fault and is not made
    return Succession(line.cell(0), line.cell(1), REASONS.get(line.cell(2), ""), effective)
