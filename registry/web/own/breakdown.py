"""`/trust/figures/breakdown`: a trust's cases by site, specialty, group or ward, with the months of the year.

Wards identify, so they are opened for this one page and the opening is noted; an address names a ward by a keyed digest.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import own_figures
from registry.cases.own_figures import Asked, Dimension, Line, Outcome
from registry.cases.periods import Period, Span
from registry.store import Store, audit
from registry.web.actor import require
from registry.web.own.present import TITLES, choices, period_of, share_words, value_words
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_time, today
from registry.web.uploads import keys_of

router = APIRouter()

Reading = Annotated[Actor, require(Right.READ_CASES)]
BY = {
    "site": Dimension.SITE,
    "specialty": Dimension.SPECIALTY,
    "group": Dimension.GROUP,
    "ward": Dimension.WARD,
}


@router.get("/breakdown")
def page(request: Request, actor: Reading, organisation: str = "", by: str = "", period: str = "") -> Response:
    """The counts of one organisation and period, each with the cases behind it."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    chosen, name = period_of(period, today()), by if by in BY else "site"
    store: Store = request.app.state.store
    with store.transaction(tenants=(choice.chosen.id,)) as connection:
        question = question_of(request, choice, chosen)
        nightly = own_figures.nightly(connection, question)
        elsewhere = own_figures.reported_elsewhere(connection, question)
        lines = _lines(request, connection, question, BY[name], actor)
    floor = request.app.state.settings.counting.investigated_share_floor
    return render(
        request,
        "figures/breakdown.html",
        choice=choice,
        period=chosen,
        periods=choices(chosen, today()),
        by=name,
        dimensions=[(each, TITLES[dimension]) for each, dimension in BY.items()],
        title=TITLES[BY[name]],
        lines=[_shown(each, choice, chosen, name, floor) for each in lines],
        sums=_sums(lines, choice, chosen),
        months=_months(choice, chosen, name),
        nightly=nightly,
        counted_at=said_time(nightly.counted_at),
        elsewhere=elsewhere,
    )


def question_of(request: Request, choice: Choice, period: Period) -> Asked:
    """What is asked of the store about the chosen organisation and period, now."""
    silence = request.app.state.settings.counting.attribution_silence_days
    return own_figures.asked(choice.chosen.id, period, at=datetime.now(UTC), silence_days=silence)


def _lines(request: Request, connection: Connection, question: Asked, dimension: Dimension, by: Actor) -> list[Line]:
    if dimension is not Dimension.WARD:
        return own_figures.by(connection, question, dimension)
    keys = keys_of(request.app.state, connection, question.tenant_id)
    lines = own_figures.by_ward(connection, question, keys)
    audit.record(
        connection,
        tenant=question.tenant_id,
        actor=by.label,
        role=by.role,
        action="wards counted",
        object_type="figures",
        object_id="wards",
        detail={"wards": len(lines), "cases": sum(each.cases for each in lines)},
    )
    return lines


def href(choice: Choice, period: Period, **more: str) -> str:
    """The address of the list of cases behind a number."""
    given = {"organisation": choice.chosen.code, "period": period.code} | more
    return f"/trust/figures/cases?{urlencode(given)}"


def _shown(line: Line, choice: Choice, period: Period, name: str, floor: float) -> dict[str, Any]:
    """One line with the addresses of its cases."""
    of_line = {"by": name, "key": line.key}
    return {
        "words": value_words(BY[name], line.value),
        "line": line,
        "share": share_words(line.share(floor)),
        "href": href(choice, period, **of_line),
        "reviewed_href": href(choice, period, **of_line, outcome=Outcome.REVIEWED),
        "preventable_href": href(choice, period, **of_line, outcome=Outcome.PREVENTABLE),
        "months": [
            (line.by_month.get(month, 0), href(choice, Period(month, Span.MONTH), **of_line))
            for month in _columns(period)
        ],
    }


def _columns(period: Period) -> tuple[Any, ...]:
    """The months of a table: of a single month none, for the total says it."""
    return period.months if period.span is not Span.MONTH else ()


def _months(choice: Choice, period: Period, name: str) -> list[tuple[str, str]]:
    """The heads of the months, each with the address of the same page for that month."""
    return [
        (
            f"{month:%b %Y}",
            "/trust/figures/breakdown?"
            + urlencode({"organisation": choice.chosen.code, "by": name, "period": Period(month, Span.MONTH).code}),
        )
        for month in _columns(period)
    ]


def _sums(lines: list[Line], choice: Choice, period: Period) -> dict[str, Any]:
    return {
        "cases": sum(each.cases for each in lines),
        "reviewed": sum(each.reviewed for each in lines),
        "preventable": sum(each.preventable for each in lines),
        "href": href(choice, period),
        "months": [sum(each.by_month.get(month, 0) for each in lines) for month in _columns(period)],
    }
