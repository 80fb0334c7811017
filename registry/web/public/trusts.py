"""Trusts and health boards in public: a list by name for each year, never a ranking, and a page for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import NotFound
from registry.measures import CASES, HAT_RATE, PREVENTABLE_SHARE, Counts, Figure
from registry.publications import published
from registry.publications.cells import year_months
from registry.publications.published import Place, Release
from registry.web import series
from registry.web.charts import rows as chart_rows
from registry.web.public.frame import download, page, reading, required
from registry.web.public.shown import Shown
from registry.web.series import Area, Line

router = APIRouter()


@dataclass(frozen=True, slots=True)
class TrustRow:
    """One trust in one financial year, protected."""

    place: Place
    region: str
    counts: Counts
    months: int
    pending: bool
    """There are returns, but none of them is final."""

    @property
    def figure(self) -> Figure:
        return HAT_RATE.figure(self.counts)

    @property
    def status(self) -> str:
        return "provisional" if self.counts.provisional or self.pending else "final"


@router.get("/figures/trusts")
def listed(request: Request, year: str = "") -> Response:
    """Every trust in one financial year, by name: no ranking."""
    with reading(request) as (connection, release):
        choice = published.years(connection, release) if release else {}
        chosen = _chosen_year(choice, year)
        rows = _trust_rows(connection, release, chosen) if release and chosen else []
        sector = _sector(connection, release, chosen) if release and chosen else []
    return page(request, "public/trusts.html", release=release, years=choice, chosen=chosen, rows=rows, sector=sector)


def _sector(connection: Connection, release: Release, year: date) -> list[tuple[str, Figure]]:
    """The independent sector of each nation that has one in this year."""
    found = published.independent_years(connection, release)
    return [(nation, HAT_RATE.figure(years[year])) for (_, nation), years in sorted(found.items()) if year in years]


NOT_YET = "no final month yet"
TRUST_COLUMNS = (
    "code", "name", "region", "nation", "year", "status", "months", "cases", "admissions", "rate", "lower_95", "upper_95", "note",
)  # fmt: skip


@router.get("/figures/trusts.csv")
def as_csv(request: Request) -> Response:
    """Every trust and financial year that is released."""
    with reading(request) as (connection, release):
        current = required(release)
        records = [
            _trust_record(row, year)
            for year in reversed(published.years(connection, current))
            for row in _trust_rows(connection, current, year)
        ]
    return download(request, series.as_csv(records, TRUST_COLUMNS), "text/csv; charset=utf-8")


@router.get("/figures/trusts/{code}")
def one(request: Request, code: str) -> Response:
    """One trust: its quarters and months, and its financial years with their splits. A month alone is too small for a rate."""
    with reading(request) as (connection, release):
        current = required(release)
        place = next((one for one in published.places(connection, current, "trust") if one.code == code), None)
        if place is None:
            raise NotFound
        area = Area(place.code.lower(), place.name, (("trust", place.code),), (place.nation,))
        months = _lines(published.trust_months(connection, current, code), series.month_words)
        years = _lines(published.trust_years(connection, current, code), series.year_words)
    quarters = series.quarterly(HAT_RATE, months)
    found = Shown(HAT_RATE, area, series.chart(HAT_RATE, area, quarters), quarters, years)
    by_month = chart_rows(series.chart(HAT_RATE, area, months))
    return page(
        request, "public/trust.html", release=current, place=place, shown=found, months=by_month, splits=_splits(years)
    )


def _lines(found: Mapping[date, Counts], words: Any) -> list[Line]:
    return [Line(start, words(start), HAT_RATE.figure(counts), counts) for start, counts in sorted(found.items())]


SPLIT_WORDS = (
    ("What was found", "vte_type", (("pe", "Pulmonary embolism"), ("dvt", "Deep vein thrombosis only"))),
    (
        "Group of the admission",
        "admission_group",
        (
            ("medical", "Medical"),
            ("surgical", "Surgical"),
            ("obstetric", "Obstetric"),
            ("critical_care", "Critical care"),
            ("orthopaedic_trauma", "Trauma and orthopaedic"),
        ),
    ),
    (
        "Judgement on preventability",
        "preventability",
        (
            ("preventable", "Potentially preventable"),
            ("not_preventable", "Not preventable"),
            ("not_investigated", "Not investigated"),
        ),
    ),
)


def _splits(years: list[Line]) -> list[dict[str, Any]]:
    """For each year with cases the splits as words, and the share that was preventable."""
    found = []
    for line in reversed(years):
        cells = {
            (key.split, key.category): count.words
            for key, count in line.counts.cells.items()
            if key.quantity == CASES.quantity
        }
        tables = [
            (title, [(words, cells[split, category]) for category, words in categories if (split, category) in cells])
            for title, split, categories in SPLIT_WORDS
        ]
        if any(rows for _, rows in tables):
            share = Line(line.start, line.label, PREVENTABLE_SHARE.figure(line.counts), line.counts)
            found.append({"line": line, "tables": tables, "share": share})
    return found


def _chosen_year(choice: Mapping[date, bool], year: str) -> date | None:
    """The year asked for; else the latest that is final, or the latest; None where nothing is released.

    Raises NotFound for a year that is not there.
    """
    if not year:
        return next((one for one, final in choice.items() if final), next(iter(choice), None))
    found = next((one for one in choice if str(one.year) == year), None)
    if found is None:
        raise NotFound
    return found


def _trust_rows(connection: Connection, release: Release, year: date) -> list[TrustRow]:
    regions = {one.code: one.name for one in published.places(connection, release, "region")}
    counts = published.all_trusts(connection, release, year)
    months = published.final_months(connection, release, year_months(year))
    return [
        TrustRow(
            place,
            regions.get(place.region or "", ""),
            counts.get(place.code, Counts()),
            months.get(place.code, 0),
            place.code not in counts,
        )
        for place in published.places(connection, release, "trust")
        if place.closed_on is None or place.closed_on > year or place.code in counts
    ]


def _trust_record(row: TrustRow, year: date) -> dict[str, Any]:
    figure, estimate = row.figure, row.figure.estimate
    cells = (
        row.place.code, row.place.name, row.region, row.place.nation, f"{year.year}-{(year.year + 1) % 100:02d}", row.status,
        row.months, figure.top.code, figure.bottom.code, series.digits(estimate.value), series.digits(estimate.lower),
        series.digits(estimate.upper), NOT_YET if row.pending else estimate.reason.value if estimate.reason else None,
    )  # fmt: skip
    return dict(zip(TRUST_COLUMNS, cells, strict=True))
