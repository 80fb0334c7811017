"""The register's own layout of organisations: `registry/reference/organisations.csv`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from registry.official.files import Fault, Line, Severity, UnreadableFileError, read_date, sheets

KINDS = ("nhs_trust", "local_health_board", "independent_provider")
NATIONS = ("England", "Wales")
COLUMNS = (
    "code",
    "name",
    "kind",
    "nation",
    "region_code",
    "region_name",
    "icb_code",
    "icb_name",
    "town",
    "latitude",
    "longitude",
    "closed_on",
    "successor",
)
REQUIRED = ("code", "name", "kind", "nation", "region_code", "region_name")

# A trust or board has three characters; providers and codes issued since October 2020 up to six.
ODS_CODE = re.compile(r"[A-Z0-9]{3,6}")


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation as an official file describes it. Empty text and `None` mean: the file does not say."""

    code: str
    name: str
    kind: str
    nation: str
    region_code: str
    region_name: str
    icb_code: str = ""
    icb_name: str = ""
    town: str = ""
    latitude: float | None = None
    longitude: float | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    successor: str | None = None


def read_organisations(data: bytes) -> tuple[tuple[Organisation, ...], tuple[Fault, ...]]:
    """The organisations of a file in the register's own layout, and every fault of it."""
    try:
        lines = [line for sheet in sheets(data) for line in sheet.lines]
    except UnreadableFileError as broken:
        return (), (Fault(None, str(broken)),)
    if not lines:
        return (), (Fault(None, "The file is empty."),)
    places = {heading.lower(): place for place, heading in enumerate(lines[0].cells)}
    missing = [name for name in COLUMNS if name not in places]
    if missing:
        return (), tuple(
            Fault(lines[0].number, f"The column “{name}” is missing from the headings.") for name in missing
        )
    return _rows(lines[1:], places)


def _rows(lines: list[Line], places: dict[str, int]) -> tuple[tuple[Organisation, ...], tuple[Fault, ...]]:
    read: dict[str, Organisation] = {}
    faults: list[Fault] = []
    numbers: dict[str, int] = {}
    for line in lines:
        cells = {name: line.cell(places[name]) for name in COLUMNS}
        found = list(_faults(line.number, cells, numbers))
        numbers.setdefault(cells["code"], line.number)
        faults += found
        if not found:
            read[cells["code"]] = _organisation(cells)
    faults += _unknown_successors(read, numbers)
    return tuple(read.values()), tuple(sorted(faults, key=lambda fault: fault.line or 0))


def _faults(line: int, cells: dict[str, str], numbers: dict[str, int]) -> Iterator[Fault]:
    yield from (Fault(line, f"“{name}” is empty.") for name in REQUIRED if not cells[name])
    if cells["code"] and not ODS_CODE.fullmatch(cells["code"]):
        yield Fault(line, "“code” is not an ODS code: three to six capital letters and digits.")
    if cells["code"] in numbers:
        yield Fault(line, f"This code stands already on line {numbers[cells['code']]}. Keep one of the two.")
    for name, allowed in (("kind", KINDS), ("nation", NATIONS)):
        if cells[name] and cells[name] not in allowed:
            yield Fault(line, f"“{name}” must be one of: {', '.join(allowed)}.")
    for name, furthest in (("latitude", 90), ("longitude", 180)):
        if cells[name] and not _is_degree(cells[name], furthest):
            yield Fault(line, f"“{name}” must be a number of degrees between -{furthest} and {furthest}.")
    if cells["closed_on"] and read_date(cells["closed_on"]) is None:
        yield Fault(line, "“closed_on” is not a date. Write it as 2023-06-30.")
    if cells["successor"] and not cells["closed_on"]:
        yield Fault(line, "There is a successor but no closing date.")
    if cells["successor"] and cells["successor"] == cells["code"]:
        yield Fault(line, "An organisation cannot succeed itself.")


def _is_degree(text: str, furthest: int) -> bool:
    return re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]+)?", text) is not None and abs(float(text)) <= furthest


def _organisation(cells: dict[str, str]) -> Organisation:
    return Organisation(
        code=cells["code"],
        name=cells["name"],
        kind=cells["kind"],
        nation=cells["nation"],
        region_code=cells["region_code"],
        region_name=cells["region_name"],
        icb_code=cells["icb_code"],
        icb_name=cells["icb_name"],
        town=cells["town"],
        latitude=float(cells["latitude"]) if cells["latitude"] else None,
        longitude=float(cells["longitude"]) if cells["longitude"] else None,
        closed_on=read_date(cells["closed_on"]),
        successor=cells["successor"] or None,
    )


def _unknown_successors(read: dict[str, Organisation], numbers: dict[str, int]) -> Iterator[Fault]:
    for code, organisation in read.items():
        if organisation.successor and organisation.successor not in numbers:
            words = "The successor is not in this file. It must be in the register already, or the line waits."
            yield Fault(numbers[code], words, Severity.WARNING)
