"""`/trust/figures/themes`: what a trust's own reviews found, counted; the days between its potentially preventable cases; its actions."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import own_figures, own_work
from registry.cases.actions import OwnerRole
from registry.cases.own_figures import Asked, Outcome
from registry.store import Store
from registry.web.actor import require
from registry.web.control import Control
from registry.web.control_drawing import Drawn
from registry.web.own.breakdown import href, question_of
from registry.web.own.control import gaps_chart
from registry.web.own.present import choices, counted, period_of, share_words
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import today
from schemas.codes import ContributoryFactor, HatCategory, Inadequacy, MissedDoseReason

router = APIRouter()

GAPS = 61
"""So many of the latest potentially preventable cases are on the chart of the days between them: sixty gaps."""
GAP_YEARS = 10


@router.get("/themes")
def page(
    request: Request, actor: Annotated[Actor, require(Right.READ_CASES)], organisation: str = "", period: str = ""
) -> Response:
    """The themes of one organisation and period."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    on = today()
    chosen = period_of(period, on)
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        question = question_of(request, choice, chosen)
        found = own_figures.themes(connection, question)
        days = own_figures.preventable_days(connection, lately(question, on), limit=GAPS)
        actions = own_work.actions(connection, choice.chosen.id, chosen, on=on)
        work = own_work.work(connection, choice.chosen.id, on=on)
    return render(
        request,
        "figures/themes.html",
        choice=choice,
        period=chosen,
        periods=choices(chosen, on),
        found=found,
        share=share_words(found.share(request.app.state.settings.counting.investigated_share_floor)),
        tables=tables(found),
        drawn=Drawn(gaps(days, on)),
        actions=actions,
        themes=counted(actions.themes, Inadequacy, actions.open),
        owners=owner_words(actions.owners),
        work=work,
        preventable_href=href(choice, chosen, outcome=Outcome.PREVENTABLE),
        waiting_href=href(choice, chosen, outcome=Outcome.NOT_REVIEWED),
    )


def lately(question: Asked, on: date) -> Asked:
    """The same trust over the last years, whatever the period of the page."""
    return Asked(question.tenant_id, date(on.year - GAP_YEARS, on.month, 1), date.max, question.silent_since)


def gaps(days: list[date], on: date) -> Control:
    """The chart of the days between potentially preventable cases."""
    title = "Days between potentially preventable cases"
    return gaps_chart("preventable-gaps", title, "potentially preventable cases", days, on)


def tables(found: own_figures.Themes) -> list[tuple[str, list[tuple[str, int, str]]]]:
    """What the reviews found, as tables: title and lines of words, number and share of the reviewed cases."""
    return [
        ("What the reviews found about prophylaxis", counted(found.categories, HatCategory, found.reviewed)),
        ("What fell short", counted(found.inadequacies, Inadequacy, found.reviewed)),
        ("What contributed", counted(found.contributory_factors, ContributoryFactor, found.reviewed)),
        ("Why doses were missed", counted(found.missed_dose_reasons, MissedDoseReason, found.reviewed)),
    ]


def owner_words(owners: Mapping[str, int]) -> list[tuple[str, int]]:
    """The roles that own open actions, in words."""
    return [(OwnerRole(role).words if role in set(OwnerRole) else role, number) for role, number in owners.items()]
