"""The exact counts laid out on the publication grid: which cells there are, what each counts, and which are blank and why.

Pure. A cell of a region counts what its trusts' months that enter hold, with what is attributed to them and still pending; a cell of
a trust counts its own figure. A cell of a financial year counts the months that enter, and is there once the year is over and all its
months are final: a year that grew month by month would tell each month a second time. A month or year in which an organisation takes no part is a blank, never a nought.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from registry.disclosure.grid import (
    GROUPS,
    Cell,
    Count,
    Geography,
    GeographyKind,
    Period,
    PeriodKind,
    Split,
    cells,
    financial_year,
    independent_sector,
    months_of,
)
from registry.disclosure.grid import month as month_of
from registry.disclosure.protected import State

TRUST_KINDS = ("nhs_trust", "local_health_board")
INDEPENDENT = "independent"
TOTAL = "total"

Key = tuple[str, str]  # split and category; the total is (total, total)


class NoRegionError(ValueError):
    """A trust takes part that the register has under no region; its words name it."""


@dataclass(frozen=True, slots=True)
class Organisation:
    id: int
    code: str
    name: str
    kind: str
    nation: str
    region_code: str | None
    region_name: str | None
    live_from: date | None
    closed_on: date | None
    activity_only: bool = False
    icb_code: str | None = None
    icb_name: str | None = None

    @property
    def is_trust(self) -> bool:
        """A trust or board that may take part; not one that only the official risk-assessment file names."""
        return self.kind in TRUST_KINDS and not self.activity_only


@dataclass(frozen=True, slots=True)
class TrustMonth:
    """One organisation's month: whether it enters the rates, whether it may still change, and its admissions.

    `own` counts the organisation's figure by split and category, `nation` what the nation counts under it; `pending` cases are in
    the nation's only. `timeliness` is `in_time` or `late`, or None where that cannot be said.
    """

    organisation: Organisation
    month: date
    enters: bool
    provisional: bool
    admissions: int
    overnight: int
    own: Mapping[Key, int] = field(default_factory=dict)
    nation: Mapping[Key, int] = field(default_factory=dict)
    pending: int = 0
    by_group: Mapping[str, int] = field(default_factory=dict)
    overnight_by_group: Mapping[str, int] = field(default_factory=dict)
    case_return: str | None = None
    timeliness: str | None = None
    case_finding_sources: int | None = None
    coded_candidates_returned: bool = False
    counted_at: datetime | None = field(default=None, compare=False)

    @property
    def final(self) -> bool:
        return self.enters and not self.provisional


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell with its exact count; `count` is `None` for a blank."""

    cell: Cell
    count: int | None
    state: State
    provisional: bool


@dataclass(frozen=True, slots=True)
class Exact:
    """A number that needs no protection."""

    kind: str
    geography: str
    month: date
    quantity: str
    value: int
    provisional: bool


def entries(months: Iterable[TrustMonth], organisations: Iterable[Organisation], providers_needed: int) -> list[Entry]:
    """Every cell of the grid for these months, in no particular order."""
    rows = list(months)
    known = list(organisations)
    trusts = [row for row in rows if row.organisation.kind in TRUST_KINDS]
    independents = [row for row in rows if row.organisation.kind == INDEPENDENT]
    return [
        *_trust_months(trusts),
        *_trust_years(trusts),
        *_not_yet_live(trusts, [each for each in known if each.is_trust]),
        *_region_months(trusts),
        *_region_years(trusts),
        *_independent_years(independents, providers_needed, _not_over(rows)),
    ]


def _trust(organisation: Organisation) -> Geography:
    return Geography(GeographyKind.TRUST, organisation.code)


def _trust_months(rows: list[TrustMonth]) -> Iterator[Entry]:
    for row in rows:
        place, period = _trust(row.organisation), month_of(row.month)
        if row.enters:
            yield from _counted(place, period, [row], row.provisional, nation=False)
        else:
            yield from _blank(place, period, State.NO_RETURN, row.provisional)


def _trust_years(rows: list[TrustMonth]) -> Iterator[Entry]:
    """Years that are over and of which no month may change: one that grew would tell each month that became final a second time.

    So would a year of one month: that is withheld.
    """
    open_years = _open_years(rows)
    grouped: defaultdict[tuple[Organisation, Period], list[TrustMonth]] = defaultdict(list)
    for row in rows:
        grouped[row.organisation, financial_year(row.month)].append(row)
    for (organisation, year), inside in grouped.items():
        counted = [row for row in inside if row.enters]
        if year in open_years:
            continue
        if len(counted) > 1:
            yield from _counted(_trust(organisation), year, counted, False, nation=False)
        else:
            yield from _blank(_trust(organisation), year, State.SUPPRESSED if counted else State.NO_RETURN, False)


def _open_years(rows: list[TrustMonth]) -> set[Period]:
    """The financial years that may still change: those with a provisional month, and those that are not over."""
    return {financial_year(row.month) for row in rows if row.provisional} | _not_over(rows)


def _not_over(rows: list[TrustMonth]) -> set[Period]:
    """The financial year of the last month, unless that is its end."""
    last = max((row.month for row in rows), default=None)
    return {financial_year(last)} if last is not None and last.month != 3 else set()


def _not_yet_live(rows: list[TrustMonth], organisations: list[Organisation]) -> Iterator[Entry]:
    """Blanks before the first month of each trust that takes part, as far back as any does; for one that does not, every year.

    What was counted stays counted, also where the first month was put later since.
    """
    months = sorted({row.month for row in rows})
    years = sorted({financial_year(month) for month in months} - _open_years(rows))
    held = {(row.organisation.id, row.month) for row in rows}
    for organisation in organisations:
        counted = {financial_year(month) for month in months if (organisation.id, month) in held}
        if organisation.live_from is None:
            state, first = State.NOT_PARTICIPATING, organisation.closed_on or date.max
        else:
            state, first = State.NOT_LIVE, organisation.live_from.replace(day=1)
            for each in (month for month in months if month < first and (organisation.id, month) not in held):
                yield from _blank(_trust(organisation), month_of(each), state, False)
        for year in (year for year in years if year < financial_year(first) and year not in counted):
            yield from _blank(_trust(organisation), year, state, False)


def by_region(rows: Iterable[TrustMonth]) -> dict[tuple[str, date], list[TrustMonth]]:
    """Raises `NoRegionError` for a trust without a region: the nation's figures are sums of regions and would lose it."""
    grouped: defaultdict[tuple[str, date], list[TrustMonth]] = defaultdict(list)
    for row in rows:
        if not row.organisation.region_code:
            raise NoRegionError(f"{row.organisation.name} takes part but has no region in the register")
        grouped[row.organisation.region_code, row.month].append(row)
    return dict(grouped)


def _region_months(rows: list[TrustMonth]) -> Iterator[Entry]:
    for (region, month), inside in by_region(rows).items():
        place, counted = Geography(GeographyKind.REGION, region), [row for row in inside if row.enters]
        provisional = any(row.provisional for row in inside)
        if counted:
            yield from _counted(place, month_of(month), counted, provisional, nation=True)
        else:
            yield from _blank(place, month_of(month), State.NO_RETURN, provisional)


def final_region_years(rows: Iterable[TrustMonth]) -> dict[tuple[str, Period], list[TrustMonth]]:
    """The months that enter, of each region and financial year that is over and of which no month may still change.

    Only where more than one month was counted: a year of one would be that month drawn a second time.
    """
    known = list(rows)
    open_years = _open_years(known)
    grouped: defaultdict[tuple[str, Period], list[TrustMonth]] = defaultdict(list)
    for (region, month), inside in by_region(known).items():
        grouped[region, financial_year(month)] += [row for row in inside if row.enters]
    return {
        (region, year): counted
        for (region, year), counted in grouped.items()
        if year not in open_years and len({row.month for row in counted}) > 1
    }


def _region_years(rows: list[TrustMonth]) -> Iterator[Entry]:
    for (region, year), counted in final_region_years(rows).items():
        yield from _counted(Geography(GeographyKind.REGION, region), year, counted, False, nation=True)


def _independent_years(rows: list[TrustMonth], providers_needed: int, not_over: set[Period]) -> Iterator[Entry]:
    open_years = {financial_year(row.month) for row in rows if row.provisional} | not_over
    grouped: defaultdict[tuple[str, Period], list[TrustMonth]] = defaultdict(list)
    for row in rows:
        if row.enters and financial_year(row.month) not in open_years:
            grouped[row.organisation.nation, financial_year(row.month)].append(row)
    for (nation, year), counted in grouped.items():
        providers = len({row.organisation.id for row in counted})
        place = independent_sector(nation, providers)
        if place is not None and providers >= providers_needed:
            yield from _counted(place, year, counted, False, nation=False)


def _counted(
    place: Geography, period: Period, rows: list[TrustMonth], provisional: bool, *, nation: bool
) -> Iterator[Entry]:
    """All cells of one place and period: cases by every split the grid has there, then admissions."""
    cases: defaultdict[Key, int] = defaultdict(int)
    for row in rows:
        for key, number in (row.nation if nation else row.own).items():
            cases[key] += number
    admissions = admissions_of(rows)
    for count, numbers in ((Count.HAT_CASES, cases), (Count.ADMISSIONS, admissions)):
        for cell in cells(count, place, period):
            key = (cell.split.value, cell.category or TOTAL) if cell.split else (TOTAL, TOTAL)
            yield Entry(cell, numbers[key], State.COUNTED, provisional)


def admissions_of(rows: list[TrustMonth]) -> dict[Key, int]:
    """Admissions in every split the grid has of them."""
    total, overnight = sum(row.admissions for row in rows), sum(row.overnight for row in rows)
    return {
        (TOTAL, TOTAL): total,
        (Split.STAY.value, "overnight"): overnight,
        (Split.STAY.value, "not_overnight"): total - overnight,
        **{(Split.ADMISSION_GROUP.value, group): sum(row.by_group.get(group, 0) for row in rows) for group in GROUPS},
        **{
            (Split.OVERNIGHT_GROUP.value, group): sum(row.overnight_by_group.get(group, 0) for row in rows)
            for group in GROUPS
        },
    }


def _blank(place: Geography, period: Period, state: State, provisional: bool) -> Iterator[Entry]:
    """A blank stands in the totals only; where the total is blank, every part of it is."""
    for count in Count:
        yield Entry(Cell(count, place, period), None, state, provisional)


def year_months(year: date) -> tuple[date, ...]:
    """The first days of the twelve months of the financial year that begins on `year`."""
    return tuple(each.start for each in months_of(Period(PeriodKind.FINANCIAL_YEAR, year)))
