"""`/trust/calendar`: what was sent of each month and year, and what is overdue first."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.store import Store
from registry.submissions.due import Month, Yearly, calendar, overdue, quarters_before, yearly, years_before
from registry.web.actor import require
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import STANDINGS, kind_words, said_day, said_time, today
from schemas.codelist import Nation
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/calendar")

Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
MONTHS = 24
YEARS = 3
QUARTERS = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One month as the page shows it."""

    month: date
    words: str
    colour: str
    due: str
    sent: str
    cases: int
    reviewed: int
    signed: str


@dataclass(frozen=True, slots=True)
class Period:
    """One year or quarter of a kind that is not monthly."""

    kind: str
    period: str
    rows: int
    needed: bool


@router.get("")
def index(request: Request, actor: Reading, organisation: str = "") -> Response:
    """The last two years of one organisation."""
    choice = choose(request, actor, Right.READ_SUBMISSIONS, organisation)
    tenant, on = choice.chosen.id, today()
    days = request.app.state.settings.desk.return_due_days
    store: Store = request.app.state.store
    with store.readonly(tenants=(tenant,)) as connection:
        months = calendar(connection, (tenant,), on=on, months=MONTHS)[tenant]
        sent = yearly(connection, tenant)
    return render(
        request,
        "trust/calendar.html",
        choice=choice,
        overdue=[_line(each, on, days) for each in overdue(months, on=on, days=days)],
        months=[_line(each, on, days) for each in months],
        periods=_periods(sent, on, choice.chosen.nation),
        days=days,
        may_send=actor.may(Right.SUBMIT),
    )


def _line(each: Month, on: date, days: int) -> Line:
    words, colour = STANDINGS[each.standing(on, days)]
    return Line(
        month=each.month,
        words=words,
        colour=colour,
        due=said_day(each.due_on(days)),
        sent=said_time(each.sent_at),
        cases=each.cases,
        reviewed=each.reviewed,
        signed=said_time(each.signed_at),
    )


def _periods(sent: list[Yearly], on: date, nation: Nation) -> list[Period]:
    """The kinds that are not monthly: the profile of every year is asked for, the rest is welcome."""
    held = {(each.kind, each.period): each.rows for each in sent}
    wanted = [
        (kind, year, year, kind is RecordKind.ORGANISATION_PROFILE)
        for kind in (RecordKind.ORGANISATION_PROFILE, RecordKind.ACTIVITY_STRATA)
        for year in years_before(on, YEARS)
    ]
    if nation is Nation.WALES:
        wanted += [
            (RecordKind.WALES_QUARTER, each.isoformat(), f"from {each:%B %Y}", True)
            for each in quarters_before(on, QUARTERS)
        ]
    return [
        Period(kind_words(kind), words, held.get((kind, period), 0), needed) for kind, period, words, needed in wanted
    ]
