"""A measure in public: sentence, chart, table, definition, and its figures as files."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.disclosure.protected import BLANKS, LOW, LOW_SUM
from registry.errors import NotFound
from registry.measures import CASES, HAT_RATE, MEASURES, Measure
from registry.publications import published
from registry.publications.published import Release, Series
from registry.publications.whole import Whole
from registry.web import series
from registry.web.public import records
from registry.web.public.frame import CSV, JSON, released_file, released_page
from registry.web.public.shown import Picture, areas, in_area, of_area
from registry.web.series import Line

router = APIRouter()


@router.get("/figures/{ident}.csv")
def as_csv(request: Request, ident: str) -> Response:
    """Every area and period of a measure."""
    asked = named(ident)
    return released_file(request, CSV, lambda _, whole: records.as_csv(_records(whole, asked), whole.release))


@router.get("/figures/{ident}.json")
def as_json(request: Request, ident: str) -> Response:
    """The same with the definition and the head of the release."""
    asked = named(ident)

    def content(_: Connection, whole: Whole) -> bytes:
        made = {
            "definition": records.definition(asked),
            "release": records.release_head(whole.release),
            "codes": {wording.code: wording.words for wording in (LOW, LOW_SUM, *BLANKS.values())},
            "figures": _records(whole, asked),
        }
        return json.dumps(made, ensure_ascii=False, indent=1).encode()

    return released_file(request, JSON, content)


@router.get("/figures/{ident}")
@router.get("/cy/figures/{ident}")
def one(request: Request, ident: str, area: str = "") -> Response:
    """One measure in one area: sentence, chart, control chart, table, definition."""
    asked = named(ident)

    def words(connection: Connection, whole: Whole) -> Mapping[str, Any]:
        found = in_area(whole, asked, area)
        constant = _same_trusts(connection, whole.release, found) if asked is HAT_RATE else None
        return {"shown": found, "areas": areas(whole, asked), "constant": constant}

    return released_page(request, "public/measure.html", words, area, measure=asked)


SPANS = (0, 24, 12)
"""Of how many last final months the same trusts are looked for: of all, else of fewer, where no trust is in all."""


def _same_trusts(connection: Connection, release: Release, found: Picture) -> dict[str, Any] | None:
    """The same series for the trusts that are in it at every final month; None where that is no other series."""
    final = [line.start for line in found.lines if not line.provisional and line.counts.cell(CASES).rounded is not None]
    if not final or any(kind != "region" for kind, _ in found.area.places) or len(found.area.places) == 1:
        return None
    number, months = 0, final
    summed: Series = {}
    for span in SPANS:
        months = final[-span:]
        number, summed = published.same_trusts(connection, release, months, found.area.nations)
        if number:
            break
    lines = [
        Line(month, series.month_words(month), HAT_RATE.figure(counts), counts) for month, counts in summed.items()
    ]
    drawn = Picture(
        HAT_RATE,
        replace(found.area, ident=f"same-{found.area.ident}"),
        lines,
        series.yearly(HAT_RATE, lines),
        clusters=number,
    )
    return {"trusts": number, "months": len(months), "rows": drawn.rows, "shown": drawn}


def named(ident: str) -> Measure:
    """The measure of this name. Raises NotFound."""
    if ident not in MEASURES:
        raise NotFound
    return MEASURES[ident]


def _records(whole: Whole, asked: Measure) -> list[dict[str, Any]]:
    return [
        records.record(asked, area, line) for area in areas(whole, asked) for line in of_area(whole, asked, area).lines
    ]
