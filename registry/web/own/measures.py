"""`/trust/figures/measures`: every national measure of one organisation, exact, for one period."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import own_figures
from registry.cases.periods import Period
from registry.measures import THEMES, Figure, Measure
from registry.publications import aggregates, own
from registry.statistics.estimate import Estimate
from registry.statistics.timing import Times, times
from registry.store import Store
from registry.web.actor import require
from registry.web.own.breakdown import question_of
from registry.web.own.present import choices, period_of
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import said_time, today

router = APIRouter()


@router.get("/measures")
def page(
    request: Request, actor: Annotated[Actor, require(Right.READ_CASES)], organisation: str = "", period: str = ""
) -> Response:
    """The measures as a list, by theme, with what they are made of."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    chosen = period_of(period, today())
    settings, store = request.app.state.settings, _store(request)
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        found = own.own_figures(_months(connection, chosen), settings.counting.investigated_share_floor)
        counted_at = aggregates.counted_at(connection)
        waited = times(own_figures.days_after_discharge(connection, question_of(request, choice, chosen)))
    return render(
        request,
        "figures/measures.html",
        choice=choice,
        period=chosen,
        periods=choices(chosen, today()),
        found=found,
        themes=[(theme, [_shown(*each) for each in found.figures if each[0].theme == theme]) for theme in THEMES],
        counted_at=said_time(counted_at),
        waited=_waited(waited),
    )


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _months(connection: Connection, period: Period) -> list[Any]:
    wanted: frozenset[date] = frozenset(period.months)
    return [row for row in aggregates.read(connection) if row.month in wanted]


def _shown(measure: Measure, figure: Figure) -> dict[str, Any]:
    """One line: the value with its limits or the reason for none, both sides, and what stands beside it."""
    return {
        "measure": measure,
        "figure": figure,
        "value": _value(measure, figure.estimate.value) or _reason(figure),
        "limits": _limits(measure, figure),
    }


def _value(measure: Measure, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.{measure.decimals}%}" if measure.percent else f"{value:.{measure.decimals}f}"


def _reason(figure: Figure) -> str:
    return figure.estimate.reason.value if figure.estimate.reason else "not available"


def _limits(measure: Measure, figure: Figure) -> str:
    """95% limits; where too few are investigated, the bounds."""
    estimate: Estimate = figure.estimate
    if estimate.lower is not None:
        return f"{_value(measure, estimate.lower)} to {_value(measure, estimate.upper)}"
    if estimate.value is None and figure.least is not None:
        return f"between {_value(measure, figure.least)} and {_value(measure, figure.most)}"
    return "–"


def _waited(found: Times) -> str:
    """The exact quartiles of the days after discharge in a sentence; nothing where no case was found after discharge."""
    if found.median.value is None:
        return ""
    median = f"{found.median.value:g} days"
    if found.median.lower is not None and found.median.upper is not None:
        median += f" (95% limits {found.median.lower:g} to {found.median.upper:g})"
    quarters = f"a quarter within {found.lower_quartile:g}, three quarters within {found.upper_quartile:g}"
    cases = "the only case was" if found.number == 1 else f"half of {found.number:,} cases were"
    return f"Of those that your organisation reported itself, {cases} found within {median} of discharge; {quarters}."
