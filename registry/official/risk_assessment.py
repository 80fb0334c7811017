"""The quarterly national figures of VTE risk assessment, as NHS England publishes them: CSV, XLS or XLSX.

The CSV of the collection since April 2024 has these headings, taken from the program that writes it (nhs-england-patient-safety,
vte-risk-assessment): org_code, org_name, icb_name, region, operated_by, org_type, number_of_vte_assessed_admissions, total_admissions,
percentage_of_admitted_patients_risk_assessed_for_vte (a share, 0 to 1), operational_standard_met, date (the first of the month).
Older files and the workbooks use other words ("VTE Risk Assessed Admissions", "Percent of admitted patients risk-assessed for VTE"), so
headings are matched by tolerant aliases, wherever in the first 30 lines they stand, on every sheet that has them.

Lines of England, of a sector or of a region are not providers: they are left out, and England's is compared with the sum. A `*` or `-`
is a withheld number, `None` here. The percentage is recomputed from the two counts, and a difference is a warning.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from registry.official.files import Fault, Line, Severity, Sheet, UnreadableFileError, read_date, sheets
from registry.official.ods import REGIONS, proper_name, region_named
from registry.official.organisations import ODS_CODE

HEADINGS_WITHIN = 30
REQUIRED = ("code", "assessed", "admissions")
WORDS = {
    "code": "the provider's code",
    "assessed": "the number risk-assessed",
    "admissions": "the total admissions",
    "month": "the month",
    "percent": "the percentage",
}

# In order of preference: a date column says more than one called "period", which may hold the quarter.
ALIASES: dict[str, tuple[str, ...]] = {
    "month": ("date", "month", "monthofadmission", "periodmonth", "reportingmonth", "period", "reportingperiod"),
    "code": (
        "orgcode",
        "organisationcode",
        "providercode",
        "odscode",
        "providerodscode",
        "trustcode",
        "code",
        "provider",
    ),
    "name": ("orgname", "organisationname", "providername", "trustname", "name"),
    "region_code": ("regioncode", "regionodscode", "nhsenglandregioncode"),
    "region": ("region", "regionname", "nhsenglandregion", "nhsenglandregionname"),
    "type": ("orgtype", "organisationtype", "providertype", "sector"),
    "assessed": (
        "numberofvteassessedadmissions",
        "numberofvteriskassessedadmissions",
        "vteriskassessedadmissions",
        "numberriskassessed",
        "numberofadmissionsriskassessed",
        "numberofadmittedpatientsriskassessedforvte",
        "riskassessedadmissions",
        "riskassessed",
    ),
    "admissions": (
        "totaladmissions",
        "totalnumberofadmissions",
        "totalnumberofadmittedpatients",
        "totaladmittedpatients",
        "admissions",
    ),
    "percent": (
        "percentageofadmittedpatientsriskassessedforvte",
        "percentofadmittedpatientsriskassessedforvte",
        "percentageofadmissionsriskassessed",
        "percentageriskassessed",
        "percentriskassessed",
        "percentage",
        "percent",
    ),
}

WITHHELD = {"", "*", "-", "–", "—", "..", ":", "n/a", "na", "[c]", "[x]"}
_AGGREGATE = re.compile(
    r"(england|total|all providers|nhs( acute)?( care)? providers?|independent( sector)?( providers?)?|region.*)",
    re.IGNORECASE,
)
_REGION = re.compile(r"Y[0-9]{2}|E[0-9]{8}")
_MONTHS = ("%B %Y", "%b %Y", "%b-%y", "%B-%y", "%b-%Y", "%B-%Y", "%b %y", "%Y-%m")


@dataclass(frozen=True, slots=True)
class RiskAssessment:
    """One provider's month. `assessed` or `admissions` is `None` where the file withholds it; `independent` is `None` where it does not say."""

    line: int
    month: date
    code: str
    name: str
    region_code: str
    region: str
    independent: bool | None
    assessed: int | None
    admissions: int | None


class NotANumber:
    """A cell that holds something, but no whole number."""


Number = int | NotANumber | None


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet whose headings were found: the place of each field, and the month in its name if it has one."""

    sheet: str
    lines: Sequence[Line]
    places: dict[str, int]
    month: date | None

    def cell(self, line: Line, field: str) -> str:
        return line.cell(self.places.get(field, -1))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line gave: a provider's month, or England's total, or nothing; and its faults."""

    row: RiskAssessment | None
    england: tuple[date, int] | None
    faults: tuple[Fault, ...]


def read_risk_assessments(data: bytes) -> tuple[tuple[RiskAssessment, ...], tuple[Fault, ...]]:
    """The months of all providers in the file, and every fault. A month of a provider that is there twice is refused the second time."""
    try:
        found = sheets(data)
    except UnreadableFileError as broken:
        return (), (Fault(None, str(broken)),)
    tables = [table for sheet in found if (table := _table(sheet)) is not None]
    if not tables:
        return (), (_no_headings(found),)
    faults: list[Fault] = []
    rows: dict[tuple[str, date], RiskAssessment] = {}
    totals: dict[date, int] = {}
    for table in tables:
        for line in table.lines:
            reading = _read(table, line)
            faults += reading.faults
            totals |= dict([reading.england] if reading.england else [])
            if reading.row is not None:
                faults += _keep(reading.row, rows, table.sheet)
    return tuple(rows.values()), (*faults, *_totals(rows, totals))


def _table(sheet: Sheet) -> Table | None:
    """The table of a sheet, or `None` where its first lines hold no headings with code, number assessed and admissions."""
    for place, line in enumerate(sheet.lines[:HEADINGS_WITHIN]):
        places = _places(line)
        if all(field in places for field in REQUIRED):
            return Table(sheet.name, sheet.lines[place + 1 :], places, read_month(sheet.name))
    return None


def _places(line: Line) -> dict[str, int]:
    headings = {
        re.sub(r"[^a-z0-9]", "", cell.lower().replace("%", "percent")): place
        for place, cell in reversed(list(enumerate(line.cells)))
    }
    return {
        field: headings[alias] for field, names in ALIASES.items() for alias in reversed(names) if alias in headings
    }


def _no_headings(found: tuple[Sheet, ...]) -> Fault:
    heads = [_places(line) for sheet in found for line in sheet.lines[:HEADINGS_WITHIN]]
    nearest: dict[str, int] = max(heads, key=len, default={})
    missing = [WORDS[field] for field in REQUIRED if field not in nearest]
    return Fault(
        None,
        f"No line of headings was found: there is no column for {', '.join(missing)}. Is it the provider-level file?",
    )


def _keep(row: RiskAssessment, rows: dict[tuple[str, date], RiskAssessment], sheet: str) -> list[Fault]:
    first = rows.setdefault((row.code, row.month), row)
    same = (first.assessed, first.admissions) == (row.assessed, row.admissions)
    if first is row or (sheet and same):  # a workbook may show the same month on two sheets
        return []
    return [
        Fault(row.line, f"This provider's month stands already on line {first.line}. Keep one of the two.", sheet=sheet)
    ]


def _read(table: Table, line: Line) -> Reading:
    month = read_month(table.cell(line, "month")) or (table.month if not table.cell(line, "month") else None)
    counts = {field: read_number(table.cell(line, field)) for field in ("assessed", "admissions")}
    if _is_aggregate(table, line):
        total = counts["admissions"]
        england = (month, total) if month and isinstance(total, int) and _is_england(table, line) else None
        return Reading(None, england, ())
    faults = tuple(_faults(table, line, month, counts))
    if month is None or any(fault.severity is Severity.ERROR for fault in faults):
        return Reading(None, None, faults)
    return Reading(_row(table, line, month, counts), None, faults)


def _is_england(table: Table, line: Line) -> bool:
    return any(table.cell(line, field).lower() in ("england", "total", "england total") for field in ("code", "name"))


def _is_aggregate(table: Table, line: Line) -> bool:
    """A line of England, a sector or a region: it has no provider's code."""
    code, name = table.cell(line, "code"), table.cell(line, "name")
    if not any(table.cell(line, field) for field in ("assessed", "admissions")):
        return not ODS_CODE.fullmatch(code.upper())  # a footnote below the table
    if _REGION.fullmatch(code) or _AGGREGATE.fullmatch(code):
        return True
    region = table.cell(line, "region")
    return code in WITHHELD and bool(_AGGREGATE.fullmatch(name) or (region and name.lower() in ("", region.lower())))


def _faults(table: Table, line: Line, month: date | None, counts: dict[str, Number]) -> Iterator[Fault]:
    def fault(words: str, severity: Severity = Severity.ERROR) -> Fault:
        return Fault(line.number, words, severity, table.sheet)

    if not ODS_CODE.fullmatch(table.cell(line, "code").upper()):
        yield fault("The provider's code is empty or not an ODS code.")
    if month is None:
        yield fault("The month is not the first day of a month, such as 2024-07-01 or 01/07/2024.")
    for field, value in counts.items():
        if isinstance(value, NotANumber):
            yield fault(f"{WORDS[field].capitalize()} is not a whole number.")
        elif value is None:
            yield fault(
                f"{WORDS[field].capitalize()} is withheld or empty: it is kept as not published.", Severity.WARNING
            )
    assessed, admissions = counts["assessed"], counts["admissions"]
    if isinstance(assessed, int) and isinstance(admissions, int):
        yield from (
            fault(words, Severity.WARNING) for words in _comparisons(assessed, admissions, table.cell(line, "percent"))
        )


def _comparisons(assessed: int, admissions: int, printed: str) -> Iterator[str]:
    if assessed > admissions:
        yield "More were risk-assessed than were admitted. The figures are kept as published."
    if printed and printed.lower() not in WITHHELD and not percent_agrees(printed, assessed, admissions):
        yield "The printed percentage is not what the two counts give. The counts are kept."


def _row(table: Table, line: Line, month: date, counts: dict[str, Number]) -> RiskAssessment:
    kind = table.cell(line, "type").lower()
    region = table.cell(line, "region_code") or region_named(table.cell(line, "region"))
    known = {field: value if isinstance(value, int) else None for field, value in counts.items()}
    return RiskAssessment(
        line.number,
        month,
        table.cell(line, "code").upper(),
        proper_name(table.cell(line, "name")),
        region,
        REGIONS.get(region, table.cell(line, "region")),
        "independent" in kind if kind else None,
        known["assessed"],
        known["admissions"],
    )


def _totals(rows: dict[tuple[str, date], RiskAssessment], totals: dict[date, int]) -> Iterator[Fault]:
    """England's own line against the sum of the providers, where none of them is withheld."""
    for month, printed in totals.items():
        counts = [row.admissions for (_, when), row in rows.items() if when == month]
        if None not in counts and sum(count or 0 for count in counts) != printed:
            yield Fault(
                None, f"For {month:%B %Y} the providers do not add up to the line of England.", Severity.WARNING
            )


def read_number(text: str) -> Number:
    """A count with or without thousands separators; `None` where it is withheld or empty."""
    if text.lower() in WITHHELD:
        return None
    match = re.fullmatch(r"([0-9]{1,3}(?:[, ][0-9]{3})+|[0-9]{1,9})(?:\.0+)?", text)
    return int(re.sub(r"[, ]", "", match[1])) if match else NotANumber()


def read_month(text: str) -> date | None:
    """A month, as its first day or in words (`July 2024`, `Jul-24`); `None` for anything else, also another day of a month."""
    day = read_date(text)
    if day is not None:
        return day if day.day == 1 else None
    for pattern in _MONTHS:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a month without clock or zone
        except ValueError:
            continue
    return None


def percent_agrees(printed: str, assessed: int, admissions: int) -> bool:
    """Whether a printed percentage (`89.3%`, `89.3` or the share `0.8931`) is the one of the two counts, to its own last digit."""
    match = re.fullmatch(r"([0-9]{1,3}(?:\.([0-9]+))?) ?(%?)", printed)
    if match is None or admissions == 0:
        return False
    share, half = assessed / admissions, 0.5 * 10.0 ** -min(len(match[2] or ""), 6) + 1e-9
    as_percent = abs(float(match[1]) - 100 * share) <= half
    return as_percent or (not match[3] and abs(float(match[1]) - share) <= half and bool(match[2] or share in (0, 1)))
