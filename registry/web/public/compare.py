"""Comparing trusts in public: a funnel, never a league table. Trusts stand in order of their names, beside the limits of their size.

Source: statistics.md 3 and 6.3. What is drawn are rounded counts of one final financial year. Who may not be compared (too few cases, no
final month, no complete return, not taking part) is listed apart with the reason, and so is whoever tells of too few ways of finding
cases: that a trust is "within the limits" would say something about it (statistics.md 3.3). Nobody is called an outlier here: that is decided on
exact counts, with the mix of patients, by the policy for outliers.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import NotFound
from registry.measures import ADMISSIONS, CASES, HAT_RATE
from registry.publications.whole import Whole
from registry.statistics.funnels import TRUSTS_FROM
from registry.statistics.public_funnels import Band, PublicFunnel, public_funnel
from registry.web import funnel_drawing, series
from registry.web.funnel_drawing import Funnel, Spot
from registry.web.public import records
from registry.web.public.frame import CSV, released_file, released_page
from registry.web.public.trusts import TrustRow, chosen_year, trust_rows

router = APIRouter()

PER = 1000
WHERE = (
    "below the 99.8% limit",
    "below the 95% limit",
    "within the limits",
    "above the 95% limit",
    "above the 99.8% limit",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One trust that is drawn: its row, its rate, and the limits of its size."""

    row: TrustRow
    size: int
    value: float
    band: Band

    @property
    def where(self) -> str:
        """Where the rounded figure lies; by chance alone 5 in 100 lie outside the 95% limits."""
        band = self.band
        passed = [self.value >= each for each in (band.lowest, band.low)] + [
            self.value > each for each in (band.high, band.highest)
        ]
        return WHERE[sum(passed)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A year of trusts: those drawn, those apart with the reason, and what the funnel is made of."""

    year: date
    final: bool
    compared: list[Compared]
    apart: list[tuple[TrustRow, str]]
    found: PublicFunnel | None
    asked_for: str = ""

    @property
    def centre(self) -> float:
        return PER * self.found.centre if self.found else 0.0

    @property
    def counted(self) -> Counter[str]:
        return Counter(each.where for each in self.compared)

    @property
    def sentence(self) -> str:
        """What the picture shows, in words."""
        number, outside = len(self.compared), len(self.compared) - self.counted["within the limits"]
        far = self.counted[WHERE[0]] + self.counted[WHERE[4]]
        return (
            f"In {series.year_words(self.year)} all trusts and health boards together had {self.centre:.2f} cases {HAT_RATE.unit}. "
            f"Of the {number} that can be compared {number - outside} lie within the 95% limits, {outside} outside, {far} of these outside the 99.8% limits; if they "
            f"differed by chance alone, about {0.05 * number:.0f} would lie outside the 95% limits."
        )

    @property
    def limits(self) -> str:
        """How the limits were made."""
        if self.found is None:
            return ""
        rounding = (
            "The limits are widened for the rounding of the counts, by the square root of (expected + 4) over expected."
        )
        spread = self.found.spread
        if spread:
            return (
                f"{rounding} They also hold the variety between trusts, since trusts differ by more than chance (φ = {spread.phi:.2f}, "
                f"τ² = {spread.tau2:.4f}, {spread.trusts} trusts)."
            )
        if self.found.found is None:
            return f"{rounding} With fewer than {TRUSTS_FROM} trusts no variety between them is added."
        return f"{rounding} Trusts differ no more than by chance, so nothing is added for variety between them."

    @property
    def _funnel(self) -> Funnel:
        found = self.found

        def band(size: float) -> Band | None:
            return _per(found.band(size)) if found else None

        spots = tuple(
            Spot(
                each.row.place.name,
                each.size,
                each.value,
                f"{each.row.place.name}: {each.value:.2f} {HAT_RATE.unit}, {each.where}",
                each.row.place.code == self.asked_for,
            )
            for each in self.compared
        )
        title = f"Funnel of trusts and health boards, {series.year_words(self.year)}"
        return Funnel(
            "funnel", title, self.sentence, HAT_RATE.title, "Admissions in the year", self.centre, spots, band
        )

    @property
    def wide(self) -> Markup:
        return funnel_drawing.drawing(self._funnel)

    @property
    def narrow(self) -> Markup:
        return funnel_drawing.drawing(self._funnel, narrow=True)


def _per(band: Band | None) -> Band | None:
    return None if band is None else Band(*(PER * each for each in (band.lowest, band.low, band.high, band.highest)))


def compare(whole: Whole, year: date, asked_for: str = "") -> Comparison:
    """The trusts of a year beside the limits of their size. A year that is not final has no funnel."""
    final = whole.final_years[year]
    rows = trust_rows(whole, year)
    if not final:
        return Comparison(year, final, [], [(row, row.absent) for row in rows if row.absent], None, asked_for)
    cells = [(row.counts.cell(CASES), row.counts.cell(ADMISSIONS)) for row in rows]
    found = public_funnel([top for top, _ in cells], [bottom for _, bottom in cells])
    compared, apart = [], []
    for row, (_, bottom) in zip(rows, cells, strict=True):
        value, size = row.figure.estimate.value, bottom.shown
        band = _per(found.band(size)) if found and size else None
        if row.absent or value is None or size is None or band is None:
            apart.append((row, row.absent or "fewer than one case is expected of so few admissions"))
        elif row.blind:
            apart.append((row, f"ascertainment {row.blind}"))
        else:
            compared.append(Compared(row, size, value, band))
    return Comparison(year, final, compared, apart, found, asked_for)


@router.get("/figures/compare")
@router.get("/cy/figures/compare")
def page(request: Request, year: str = "", trust: str = "") -> Response:
    """The funnel of one financial year; one trust may be marked."""

    def words(_: Connection, whole: Whole) -> Mapping[str, Any]:
        chosen = chosen_year(whole.final_years, year)
        made = compare(whole, chosen, trust) if chosen else None
        if trust and (made is None or not any(row.place.code == trust for row in trust_rows(whole, made.year))):
            raise NotFound
        return {
            "years": whole.final_years,
            "chosen": chosen,
            "made": made,
            "trusts": trust_rows(whole, chosen) if chosen else [],
            "asked_for": trust,
        }

    return released_page(request, "public/compare.html", words, year, trust, chosen=None)


COLUMNS = (
    "year", "code", "name", "cases", "admissions", "rate", "lowest_99_8", "low_95", "high_95", "highest_99_8", "where", "note",
    "case_finding_sources",
)  # fmt: skip


@router.get("/figures/compare.csv")
def as_csv(request: Request) -> Response:
    """The funnel of every final year as numbers, and who is apart and why."""

    def content(_: Connection, whole: Whole) -> bytes:
        years = [year for year, final in reversed(whole.final_years.items()) if final]
        return records.as_csv((record for year in years for record in _records(whole, year)), whole.release, COLUMNS)

    return released_file(request, CSV, content)


def _records(whole: Whole, year: date) -> list[dict[str, Any]]:
    made = compare(whole, year)
    code = f"{year.year}-{(year.year + 1) % 100:02d}"
    rows: list[tuple[Any, ...]] = []
    for each in made.compared:
        figure, band = each.row.figure, each.band
        limits = (records.digits(one) for one in (band.lowest, band.low, band.high, band.highest))
        rows.append(
            (code, each.row.place.code, each.row.place.name, figure.top.code, figure.bottom.code, records.digits(each.value), *limits,
             each.where, None, each.row.found_from)
        )  # fmt: skip
    for row, why in made.apart:
        rows.append(
            (code, row.place.code, row.place.name, row.figure.top.code, row.figure.bottom.code, *[None] * 6, why, row.found_from)
        )  # fmt: skip
    return [dict(zip(COLUMNS, row, strict=True)) for row in sorted(rows, key=lambda row: str(row[2]))]
