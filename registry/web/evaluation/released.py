"""`/evaluation`: a programme evaluated on what is public, the rounded counts of a nation or a region, and what rounding does to it."""

from collections.abc import Mapping
from datetime import date
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Kind
from registry.errors import NotFound
from registry.measures import (
    ADMISSIONS,
    CASES,
    HAT_RATE,
    HAT_RATE_OVERNIGHT,
    OVERNIGHT_ADMISSIONS,
    OVERNIGHT_CASES,
    CellKey,
    Counts,
    Measure,
    together,
)
from registry.publications import evaluation_series, published
from registry.publications.published import Release
from registry.statistics.evaluation import Observed, evaluate
from registry.store import Store
from registry.web import series
from registry.web.actor import who
from registry.web.evaluation import asking, rows
from registry.web.evaluation.asking import Declared
from registry.web.evaluation.present import Shown
from registry.web.fields import Fault
from registry.web.pages import render
from registry.web.series import Area

router = APIRouter()

READER = "hat_reader"
FRESH = "public, max-age=300"
MEASURES: dict[str, tuple[Measure, CellKey, CellKey]] = {
    "all": (HAT_RATE, CASES, ADMISSIONS),
    "overnight": (HAT_RATE_OVERNIGHT, OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS),
}
RATES = (("all", "All admissions"), ("overnight", "Stays of one night or more"))
TRUSTS = (("all", "All that returned in a month"), ("same", "The same throughout"))
NOUNS = {"all": "admissions", "overnight": "overnight admissions"}
SAME_ONLY = "The same trusts throughout are known for the nations and all admissions only: other counts of trusts are not published by month."


@router.get("/evaluation")
@router.get("/cy/evaluation")
def page(request: Request, declared: Declared, area: str = "", trusts: str = "all") -> Response:
    """Choose area, rate, change and phase-in; read the evaluation."""
    actor = who(request)
    values = {"area": area, "trusts": trusts, **declared}
    found, faults = _found(request, values)
    response = render(
        request,
        "evaluation/released.html",
        status=422 if faults else 200,
        translatable=True,
        **found,
        values=values,
        faults=faults,
        rates=RATES,
        same=TRUSTS,
        phases=asking.PHASES,
        seasons=asking.HARMONICS,
        kinds=asking.CHANGES,
        query=urlencode(values),
    )
    if actor.kind is Kind.PUBLIC:
        response.headers["Cache-Control"] = FRESH
    return response


@router.get("/evaluation/months.csv")
def as_csv(request: Request, declared: Declared, area: str = "", trusts: str = "all") -> Response:
    """The same as a file."""
    who(request)
    values = {"area": area, "trusts": trusts, **declared}
    shown = _found(request, values)[0]["shown"]
    if not isinstance(shown, Shown):
        raise NotFound
    return rows.as_file(shown, "evaluation.csv")


def _found(request: Request, values: dict[str, str]) -> tuple[dict[str, object], list[Fault]]:
    """What the page shows: release, areas, months to choose from, the evaluation; and the faults in what was asked."""
    store: Store = request.app.state.store
    nothing: dict[str, object] = {"release": None, "areas": [], "months": [], "shown": None, "note": ""}
    if values["rate"] not in MEASURES:
        raise NotFound
    with store.readonly(role=READER) as connection:
        release = published.latest(connection)
        if release is None:
            return nothing, []
        measure, _, _ = MEASURES[values["rate"]]
        areas = series.areas(measure, published.places(connection, release, "region"))
        chosen = next((one for one in areas if one.ident == values["area"] or not values["area"]), None)
        if chosen is None:
            raise NotFound
        observed, note = _observed(connection, release, chosen, values)
    values["area"] = chosen.ident
    plan, faults = asking.plan(values, asking.halfway(observed))
    if plan is not None:
        values["change"] = f"{plan.change:%Y-%m}"
    title = f"{measure.title}, {chosen.name}"
    shown = (
        Shown("released", title, "cases", NOUNS[values["rate"]], evaluate(observed, plan))
        if plan and observed
        else None
    )
    found: dict[str, object] = {
        "release": release,
        "areas": [(one.ident, one.name) for one in areas],
        "months": [(f"{one.month:%Y-%m}", f"{one.month:%B %Y}") for one in observed],
        "shown": shown,
        "note": note,
    }
    return found, faults if observed else []


def _observed(
    connection: Connection, release: Release, area: Area, values: Mapping[str, str]
) -> tuple[list[Observed], str]:
    measure, top, bottom = MEASURES[values["rate"]]
    gathered = published.region_months(connection, release, measure)
    summed = _together([gathered[key] for key in area.places if key in gathered])
    if values["trusts"] != "same":
        return evaluation_series.of_cells(summed, top, bottom), ""
    if values["rate"] != "all" or (len(area.places) == 1 and area.name not in measure.nations):
        return evaluation_series.of_cells(summed, top, bottom), SAME_ONLY
    final = [
        month for month, counts in summed.items() if not counts.provisional and counts.cell(top).rounded is not None
    ]
    _, same = published.same_trusts(connection, release, final, area.nations)
    return evaluation_series.of_cells(same, top, bottom), ""


def _together(parts: list[Mapping[date, Counts]]) -> dict[date, Counts]:
    months = sorted({month for part in parts for month in part})
    return {month: together(part[month] for part in parts if month in part) for month in months}
