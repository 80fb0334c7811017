"""`/trust/figures/papers`: what can be made for paper at one press, the committee pack and the sheet of evidence for an Exemplar Centre."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases.periods import Period, Span, containing, months_on
from registry.web.actor import require
from registry.web.own.present import YEARS
from registry.web.pages import render
from registry.web.trust.choosing import choose
from registry.web.trust.present import today

router = APIRouter()

QUARTERS, MONTHS = 12, 24


@router.get("/papers")
def page(request: Request, actor: Annotated[Actor, require(Right.READ_CASES)], organisation: str = "") -> Response:
    """Which paper, of which period."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    on = today()
    year = containing(on, Span.FINANCIAL_YEAR)
    years = [Period(months_on(year.first, -12 * place), Span.FINANCIAL_YEAR) for place in range(YEARS)]
    return render(
        request,
        "figures/papers.html",
        choice=choice,
        pack=last_quarter(on),
        packs=[
            (
                "Quarter",
                [Period(months_on(last_quarter(on).first, -3 * place), Span.QUARTER) for place in range(QUARTERS)],
            ),
            ("Month", [Period(months_on(on.replace(day=1), -1 - place), Span.MONTH) for place in range(MONTHS)]),
        ],
        year=year,
        years=[("Financial year", years)],
    )


def last_quarter(on: date) -> Period:
    """The last quarter that has ended."""
    return containing(months_on(on.replace(day=1), -3), Span.QUARTER)
