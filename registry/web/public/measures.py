"""A measure in public: sentence, chart, table, definition, and its figures as files."""

import json
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.protected import BLANKS, LOW, LOW_SUM
from registry.errors import NotFound
from registry.measures import CASES, HAT_RATE, MEASURES, Measure
from registry.publications import published
from registry.publications.published import Release
from registry.web import series
from registry.web.charts import rows as chart_rows
from registry.web.public.frame import download, page, reading, required
from registry.web.public.shown import Shown, shown
from registry.web.series import Line

router = APIRouter()


@router.get("/figures/{ident}.csv")
def as_csv(request: Request, ident: str) -> Response:
    """Every area and month of a measure."""
    _, records = _records(request, ident)
    return download(request, series.as_csv(records), "text/csv; charset=utf-8")


@router.get("/figures/{ident}.json")
def as_json(request: Request, ident: str) -> Response:
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
def one(request: Request, ident: str, area: str = "") -> Response:
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


def _records(request: Request, ident: str) -> tuple[Release, list[dict[str, Any]]]:
    asked = _measure(ident)
    with reading(request) as (connection, release):
        current = required(release)
        choice = series.areas(asked, published.places(connection, current, "region"))
        gathered = published.region_months(connection, current, asked)
    return current, [
        series.record(asked, area, line) for area in choice for line in series.monthly(asked, area, gathered)
    ]
