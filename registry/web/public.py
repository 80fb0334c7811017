"""The pages that anybody may see. Figures come through the public database role, which can read what is released and nothing else.

Each page works without scripts. Downloads stand at stable addresses and carry an ETag of their content.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.protected import BLANKS, LOW, LOW_SUM
from registry.errors import NotFound
from registry.measures import CASES, HAT_RATE, MEASURES, PREVENTABLE_SHARE, Counts, Figure, Measure
from registry.publications import published
from registry.publications.cells import year_months
from registry.publications.published import Place, Release
from registry.settings import CountingRules
from registry.store import Store
from registry.web import series
from registry.web.actor import who
from registry.web.charts import Chart, columns, notes
from registry.web.charts import rows as chart_rows
from registry.web.drawing import drawing
from registry.web.pages import render
from registry.web.series import Area, Line

router = APIRouter()

READER = "hat_reader"
FRESH = "public, max-age=300"


@contextmanager
def reading(request: Request) -> Iterator[tuple[Connection, Release | None]]:
    """What is released, as the public role sees it."""
    store: Store = request.app.state.store
    with store.readonly(role=READER) as connection:
        yield connection, published.latest(connection)


def page(request: Request, template: str, **words: Any) -> Response:
    """A public page: kept for five minutes by whoever is not signed in."""
    who(request)
    response = render(request, template, **words)
    response.headers.setdefault("Cache-Control", FRESH)
    return response


@dataclass(frozen=True, slots=True)
class Shown:
    """One measure in one area, ready for a page."""

    measure: Measure
    area: Area
    chart: Chart
    lines: list[Line]
    years: list[Line]

    @property
    def summary(self) -> str:
        return series.summary(self.chart, self.lines)

    @property
    def wide(self) -> Markup:
        return drawing(self.chart)

    @property
    def narrow(self) -> Markup:
        return drawing(self.chart, narrow=True)

    @property
    def columns(self) -> tuple[str, ...]:
        return columns(self.chart)

    @property
    def rows(self) -> tuple[Any, ...]:
        return chart_rows(self.chart)

    @property
    def year_rows(self) -> tuple[Any, ...]:
        return chart_rows(series.chart(self.measure, self.area, self.years))

    @property
    def notes(self) -> tuple[str, ...]:
        return notes(self.chart)

    @property
    def bounded(self) -> list[Line]:
        """The lines that have bounds."""
        return [line for line in self.lines if line.figure.least is not None]

    @property
    def provisional(self) -> bool:
        return any(line.provisional for line in self.lines)


def shown(connection: Connection, release: Release, measure: Measure, area: str) -> tuple[Shown, tuple[Area, ...]]:
    """A measure in the area that is asked for (the first, where none is). Raises NotFound for one that it is not published for."""
    choice = series.areas(measure, published.places(connection, release, "region"))
    chosen = next((one for one in choice if one.ident == area or not area), None)
    if chosen is None:
        raise NotFound
    gathered = published.region_months(connection, release, measure)
    lines = series.monthly(measure, chosen, gathered)
    drawn = series.chart(measure, chosen, lines)
    return Shown(measure, chosen, drawn, lines, series.yearly(measure, lines)), choice


@router.get("/")
def start(request: Request) -> Response:
    """What this is, and the latest figures in sentences."""
    with reading(request) as (connection, release):
        found = [shown(connection, release, measure, "")[0] for measure in MEASURES.values()] if release else []
    return page(request, "public/start.html", release=release, found=found)


@router.get("/figures")
def index(request: Request) -> Response:
    """All measures, each with its latest figure."""
    with reading(request) as (connection, release):
        found = [shown(connection, release, measure, "")[0] for measure in MEASURES.values()] if release else []
    return page(request, "public/figures.html", release=release, found=found, measures=MEASURES.values())


# --- trusts (before the measures: an address of theirs would fit both)


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
def trusts(request: Request, year: str = "") -> Response:
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
def trusts_csv(request: Request) -> Response:
    """Every trust and financial year that is released."""
    with reading(request) as (connection, release):
        current = _required(release)
        records = [
            _trust_record(row, year)
            for year in reversed(published.years(connection, current))
            for row in _trust_rows(connection, current, year)
        ]
    return download(request, series.as_csv(records, TRUST_COLUMNS), "text/csv; charset=utf-8")


@router.get("/figures/trusts/{code}")
def trust(request: Request, code: str) -> Response:
    """One trust: its quarters and months, and its financial years with their splits. A month alone is too small for a rate."""
    with reading(request) as (connection, release):
        current = _required(release)
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


# --- measures


@router.get("/figures/{ident}.csv")
def measure_csv(request: Request, ident: str) -> Response:
    """Every area and month of a measure."""
    _, records = _records(request, ident)
    return download(request, series.as_csv(records), "text/csv; charset=utf-8")


@router.get("/figures/{ident}.json")
def measure_json(request: Request, ident: str) -> Response:
    """The same with the definition and the head of the release."""
    release, records = _records(request, ident)
    content = {
        "definition": series.definition(_measure(ident)),
        "release": series.release_words(release),
        "codes": {wording.code: wording.words for wording in (LOW, LOW_SUM, *BLANKS.values())},
        "figures": records,
    }
    return download(request, json.dumps(content, ensure_ascii=False, indent=1).encode(), "application/json")


@router.get("/figures/{ident}")
def measure(request: Request, ident: str, area: str = "") -> Response:
    """One measure in one area: sentence, chart, table, definition."""
    asked = _measure(ident)
    with reading(request) as (connection, release):
        if release is None:
            return page(request, "public/measure.html", release=None, measure=asked)
        found, choice = shown(connection, release, asked, area)
        constant = _same_trusts(connection, release, found) if asked is HAT_RATE else None
    return page(
        request, "public/measure.html", release=release, measure=asked, shown=found, areas=choice, constant=constant
    )  # fmt: skip


def _same_trusts(connection: Connection, release: Release, found: Shown) -> dict[str, Any] | None:
    """The same series for the trusts that are in it at every final month; None where that is no other series."""
    final = [line.start for line in found.lines if not line.provisional and line.counts.cell(CASES).rounded is not None]
    if not final or any(kind != "region" for kind, _ in found.area.places) or len(found.area.places) == 1:
        return None
    number, summed = published.same_trusts(connection, release, final, found.area.nations)
    lines = [
        Line(month, series.month_words(month), HAT_RATE.figure(counts), counts) for month, counts in summed.items()
    ]
    return {
        "trusts": number,
        "rows": chart_rows(series.chart(HAT_RATE, found.area, lines)),
        "years": series.yearly(HAT_RATE, lines),
    }


def _measure(ident: str) -> Measure:
    if ident not in MEASURES:
        raise NotFound
    return MEASURES[ident]


def _required(release: Release | None) -> Release:
    if release is None:
        raise NotFound
    return release


def _records(request: Request, ident: str) -> tuple[Release, list[dict[str, Any]]]:
    asked = _measure(ident)
    with reading(request) as (connection, release):
        current = _required(release)
        choice = series.areas(asked, published.places(connection, current, "region"))
        gathered = published.region_months(connection, current, asked)
    return current, [
        series.record(asked, area, line) for area in choice for line in series.monthly(asked, area, gathered)
    ]


def download(request: Request, content: bytes, media_type: str) -> Response:
    """A file with an ETag of its content; 304 for whoever has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": FRESH}
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in given or "*" in given:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


# --- words


@router.get("/about/data")
def about_data(request: Request) -> Response:
    """Definitions, rounding, what the codes mean, revision."""
    with reading(request) as (_, release):
        rules = _rules(request, release)
    codes = [(wording.code, wording.words) for wording in (LOW, LOW_SUM, *BLANKS.values())]
    return page(
        request, "public/about_data.html", release=release, measures=MEASURES.values(), rules=rules, codes=codes
    )


def _rules(request: Request, release: Release | None) -> CountingRules:
    """The numbers by which the latest release was made; before the first, those that are set."""
    if release is None:
        current: CountingRules = request.app.state.settings.counting
        return current
    recorded = {name: value for name, value in release.rules.items() if name in CountingRules.model_fields}
    return CountingRules.model_validate(recorded)


@router.get("/about/patients")
def about_patients(request: Request) -> Response:
    """What is held about patients, why, for how long, and how to object."""
    rules = request.app.state.settings.counting
    return page(request, "public/about_patients.html", rules=rules)


@router.get("/accessibility")
def accessibility(request: Request) -> Response:
    """How far the pages can be used by everybody, and what to do where they cannot."""
    return page(request, "public/accessibility.html")
