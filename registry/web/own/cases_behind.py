"""`/trust/figures/cases`: the cases behind a number, by the trust's own case numbers and dates, each with its page."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import own_figures
from registry.cases.own_figures import Dimension, Outcome, Wanted
from registry.errors import NotFound
from registry.store import Store, audit
from registry.web.actor import require
from registry.web.own.breakdown import BY, question_of
from registry.web.own.present import TITLES, code_words, period_of, value_words
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import said_day, today
from registry.web.uploads import keys_of
from schemas.codes import VteType

router = APIRouter()

PAGE = 50
MOST_PAGES = 10_000
OUTCOMES = {
    Outcome.ALL: "Cases",
    Outcome.REVIEWED: "Reviewed cases",
    Outcome.NOT_REVIEWED: "Cases without a complete review",
    Outcome.PREVENTABLE: "Potentially preventable cases",
}


@router.get("/cases")
def listed(
    request: Request,
    actor: Annotated[Actor, require(Right.READ_CASES)],
    organisation: str = "",
    period: str = "",
    by: str = "",
    key: str = "",
    outcome: str = "",
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
) -> Response:
    """The cases of one organisation and period, of one line and outcome where these are given, the latest admission first."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    chosen, wanted = period_of(period, today()), _wanted(by, key, outcome)
    ward = wanted.dimension is Dimension.WARD
    store: Store = request.app.state.store
    with store.transaction(tenants=(choice.chosen.id,)) as connection:
        question = question_of(request, choice, chosen)
        keys = keys_of(request.app.state, connection, choice.chosen.id) if ward else None
        found, total = own_figures.behind(connection, question, wanted, keys, skip=(page - 1) * PAGE, limit=PAGE)
        if ward:
            audit.record(
                connection, tenant=choice.chosen.id, actor=actor.label, role=actor.role, action="cases of a ward listed",
                object_type="figures", object_id="wards", detail={"cases": total},
            )  # fmt: skip
    asked = {"organisation": choice.chosen.code, "period": period, "by": by, "key": key, "outcome": outcome}
    query = urlencode({name: value for name, value in asked.items() if value})
    return render(
        request,
        "figures/cases.html",
        choice=choice,
        title=f"{OUTCOMES[wanted.outcome]}, {chosen.words}",
        about=_about(wanted),
        cases=[(each, _dates(each), code_words(VteType, each.vte_type)) for each in found],
        total=total,
        without_unread=wanted.outcome is Outcome.PREVENTABLE,
        first=(page - 1) * PAGE,
        earlier=f"/trust/figures/cases?{query}&page={page - 1}" if page > 1 else None,
        later=f"/trust/figures/cases?{query}&page={page + 1}" if page * PAGE < total else None,
        back=f"/trust/figures/breakdown?{urlencode({'organisation': choice.chosen.code, 'by': by or 'site', 'period': period})}",
        made_at=datetime.now(UTC),
    )


def _wanted(by: str, key: str, outcome: str) -> Wanted:
    """NotFound for what is no line or no outcome."""
    if (by and by not in BY) or (outcome and outcome not in set(Outcome)):
        raise NotFound
    return Wanted(BY.get(by), key or None, Outcome(outcome or Outcome.ALL))


def _about(wanted: Wanted) -> str:
    """The line of the table in words. A ward's name is not in its address, so it is not here either."""
    if wanted.dimension is None or wanted.key is None:
        return ""
    if wanted.dimension is Dimension.WARD and wanted.key != own_figures.NOT_RECORDED:
        return "One ward"
    return f"{TITLES[wanted.dimension]}: {value_words(wanted.dimension, wanted.key)}"


def _dates(each: own_figures.Behind) -> tuple[str, str, str]:
    left = said_day(each.discharged_on) if each.discharged_on else "still in"
    return said_day(each.admitted_on), left, said_day(each.diagnosed_on)
