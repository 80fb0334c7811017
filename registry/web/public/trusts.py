"""Trusts and health boards in public: a list by name for each year, never a ranking, and a page for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.grid import GeographyKind
from registry.errors import NotFound
from registry.measures import HAT_RATE, Counts, Figure, Shown
from registry.publications import published
from registry.publications.ascertainment import CANNOT
from registry.publications.published import Place, Release
from registry.publications.whole import Whole
from registry.statistics.estimate import Reason
from registry.web import series
from registry.web.charts import rows as chart_rows
from registry.web.control_drawing import Drawn
from registry.web.public import controlling, records
from registry.web.public.frame import CSV, released_file, released_page
from registry.web.public.shown import Picture
from registry.web.public.splits import splits
from registry.web.series import Area, Line

router = APIRouter()

NOT_YET = "no final month in this year"


@dataclass(frozen=True, slots=True)
class TrustRow:
    """One trust in one financial year, protected."""

    place: Place
    region: str
    counts: Counts
    months: int
    pending: bool
    """There are returns, but none of them is final."""
    found_from: str

    @property
    def figure(self) -> Figure:
        return HAT_RATE.figure(self.counts)

    @property
    def status(self) -> str:
        return "provisional" if self.counts.provisional or self.pending else "final"

    @property
    def absent(self) -> str:
        """Why there is no rate, in words; empty where there is one."""
        if self.pending:
            return NOT_YET
        if self.figure.estimate.value is not None:
            return ""
        return series.absence(Line(date.min, "", self.figure, self.counts))

    @property
    def blind(self) -> str:
        """Why it cannot be said how well its cases are looked for; empty where it can."""
        return self.found_from if self.found_from.startswith(CANNOT) else ""


@router.get("/figures/trusts")
@router.get("/cy/figures/trusts")
def listed(request: Request, year: str = "") -> Response:
    """Every trust in one financial year, by name: no ranking."""

    def words(_: Connection, whole: Whole) -> Mapping[str, Any]:
        chosen = chosen_year(whole.final_years, year)
        return {
            "years": whole.final_years,
            "chosen": chosen,
            "rows": trust_rows(whole, chosen) if chosen else [],
            "sector": _sector(whole, chosen) if chosen else [],
        }

    return released_page(request, "public/trusts.html", words, year, years={}, chosen=None)


def _sector(whole: Whole, year: date) -> list[tuple[str, Figure]]:
    """The independent sector of each nation that has one in this year."""
    return [
        (nation, HAT_RATE.figure(found[year])) for (_, nation), found in sorted(whole.sector.items()) if year in found
    ]


TRUST_COLUMNS = (
    "code", "name", "region", "nation", "year", "status", "months", "cases", "admissions", "rate", "lower_95", "upper_95", "note",
    "case_finding_sources",
)  # fmt: skip


@router.get("/figures/trusts.csv")
def as_csv(request: Request) -> Response:
    """Every trust and financial year that is released."""

    def content(_: Connection, whole: Whole) -> bytes:
        rows = [_trust_record(row, year) for year in reversed(whole.final_years) for row in trust_rows(whole, year)]
        return records.as_csv(rows, whole.release, TRUST_COLUMNS)

    return released_file(request, CSV, content)


@router.get("/figures/trusts/{code}.csv")
def one_as_csv(request: Request, code: str) -> Response:
    """The months, quarters and financial years of one trust."""
    return released_file(request, CSV, lambda connection, whole: _periods_of(connection, whole, _place(whole, code)))


def _periods_of(connection: Connection, whole: Whole, place: Place) -> bytes:
    months = _lines(published.trust_months(connection, whole.release, place.code), series.month_words)
    years = _lines(published.trust_years(connection, whole.release, place.code), series.year_words)
    area = Area(place.code.lower(), place.name, (), (place.nation,))
    kinds = ((Shown.MONTH, months), (Shown.QUARTER, series.quarterly(HAT_RATE, months)), (Shown.FINANCIAL_YEAR, years))
    rows = (
        records.record(HAT_RATE, area, line) | {"period": records.period_code(kind, line.start)}
        for kind, lines in kinds
        for line in lines
    )
    return records.as_csv(rows, whole.release)


def _place(whole: Whole, code: str) -> Place:
    found = whole.place("trust", code)
    if found is None:
        raise NotFound
    return found


@router.get("/figures/trusts/{code}")
@router.get("/cy/figures/trusts/{code}")
def one(request: Request, code: str) -> Response:
    """One trust: its quarters and months, and its financial years with their splits. A month alone is too small for a rate."""

    def words(connection: Connection, whole: Whole) -> Mapping[str, Any]:
        return _trust_words(connection, whole.release, whole, _place(whole, code))

    return released_page(request, "public/trust.html", words, before=False)


def _trust_words(connection: Connection, release: Release, whole: Whole, place: Place) -> dict[str, Any]:
    area = Area(place.code.lower(), place.name, (("trust", place.code),), (place.nation,))
    months = _lines(published.trust_months(connection, release, place.code), series.month_words)
    years = _lines(published.trust_years(connection, release, place.code), series.year_words)
    quarters = series.quarterly(HAT_RATE, months)
    found = Picture(HAT_RATE, area, quarters, years, clusters=3)
    by_month = chart_rows(series.chart(HAT_RATE, area, months))[::-1]
    return {
        "place": place,
        "region": whole.place("region", place.region or ""),
        "successor": whole.place("trust", whole.successors.get(place.code, "")),
        "joined": _joined(whole, place),
        "shown": found,
        "months": by_month,
        "control_chart": _control(area, months, quarters, _joined(whole, place)),
        "splits": splits(years),
        "held": held_words(connection, release, GeographyKind.TRUST, place.code),
        "sources": [(series.year_words(line.start), found_from(whole, place.code, line.start)) for line in years[::-1]],
    }


def held_words(connection: Connection, release: Release, kind: GeographyKind, code: str) -> list[tuple[str, int]]:
    """The financial years of which an earlier release is repeated, each with the number of that."""
    held = published.held_years(connection, release, kind, code)
    return [(series.year_words(year), number) for year, number in held.items()]


def _joined(whole: Whole, place: Place) -> dict[date, str]:
    """When which trust was merged into this one: the day after it closed."""
    before = [whole.place("trust", code) for code, into in whole.successors.items() if into == place.code]
    return {
        one.closed_on + timedelta(days=1): f"{one.name} was merged into it"
        for one in before
        if one is not None and one.closed_on is not None
    }


def _control(area: Area, months: list[Line], quarters: list[Line], joined: Mapping[date, str]) -> Drawn | None:
    """By month where every final month may be shown, else by quarter: to leave out the low ones would lift the mean."""
    if not any(line.figure.estimate.value is not None for line in quarters):
        return None
    low = any(line.figure.estimate.reason is Reason.FEW_EVENTS for line in months if not line.provisional)
    lines, cells, period = (quarters, 3, "quarter") if low else (months, 1, "month")
    return Drawn(controlling.chart(HAT_RATE, area.ident, lines, cells=cells, joined=joined, period=period))


def _lines(found: Mapping[date, Counts], words: Any) -> list[Line]:
    return [Line(start, words(start), HAT_RATE.figure(counts), counts) for start, counts in sorted(found.items())]


def found_from(whole: Whole, code: str, year: date) -> str:
    """How many sources of cases a trust uses, or why its ascertainment cannot be assessed."""
    told = whole.trust_numbers.get((code, year), {})
    sources, coded = told.get("case_finding_sources"), told.get("months_coded", 0)
    needed = int(whole.release.rules.get("ascertainment_sources_needed", 2))
    if sources is None and not coded:
        return f"{CANNOT}: not told"
    if (sources or 0) < needed and not coded:
        return f"{CANNOT}: {sources} of 5 sources"
    also = "; coded candidates counted" if coded else ""
    return (
        f"{sources if sources is not None else 'not told'} of 5 sources{also}"
        if sources is not None
        else "coded candidates counted"
    )


def chosen_year(choice: Mapping[date, bool], year: str) -> date | None:
    """The year asked for; else the latest that is final, or the latest; None where nothing is released.

    Raises NotFound for a year that is not there.
    """
    if not year:
        return next((one for one, final in choice.items() if final), next(iter(choice), None))
    found = next((one for one in choice if str(one.year) == year), None)
    if found is None:
        raise NotFound
    return found


def trust_rows(whole: Whole, year: date) -> list[TrustRow]:
    """Every trust that takes or took part in a year, by name."""
    regions = {one.code: one.name for one in whole.of_kind("region")}
    counts, months = whole.trust_years.get(year, {}), whole.final_months.get(year, {})
    return [
        TrustRow(
            place,
            regions.get(place.region or "", ""),
            counts.get(place.code, Counts()),
            months.get(place.code, 0),
            place.code not in counts,
            found_from(whole, place.code, year),
        )
        for place in whole.of_kind("trust")
        if place.closed_on is None or place.closed_on > year or place.code in counts
    ]


def _trust_record(row: TrustRow, year: date) -> dict[str, Any]:
    figure, estimate = row.figure, row.figure.estimate
    cells = (
        row.place.code, row.place.name, row.region, row.place.nation, f"{year.year}-{(year.year + 1) % 100:02d}", row.status,
        row.months, figure.top.code, figure.bottom.code, records.digits(estimate.value), records.digits(estimate.lower),
        records.digits(estimate.upper), NOT_YET if row.pending else estimate.reason.value if estimate.reason else None,
        row.found_from,
    )  # fmt: skip
    return dict(zip(TRUST_COLUMNS, cells, strict=True))
