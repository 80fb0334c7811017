"""A trust's own figures, exact: a control chart, months, financial and calendar years, each rate with its limits, beside the nation's.

Never public. They are read under the trust's own context, so the database shows no other's; the nation's come as they were released.
"""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases.periods import Period, Span
from registry.measures import HAT_RATE, HAT_RATE_OVERNIGHT, Measure
from registry.publications import aggregates
from registry.publications.cells import TrustMonth
from registry.statistics.estimate import Estimate
from registry.store import Store
from registry.web import series
from registry.web.actor import require
from registry.web.control_drawing import Drawn
from registry.web.own import breakdown, cases_behind, download, evidence, measures, nation, pack, papers, themes
from registry.web.own.breakdown import href
from registry.web.own.nation import Nation
from registry.web.own.present import control_chart
from registry.web.pages import render
from registry.web.public import READER
from registry.web.trust.choosing import Choice, choose

router = APIRouter(prefix="/trust/figures")

APART = {
    "day_case": "After a day case (in the rate of all admissions)",
    "immobilisation": "Lower-limb immobilisation without an admission",
    "line_related": "Line-related, of the arm or neck",
    "pregnancy_associated": "Pregnancy-associated, without an admission before",
}
RATES: dict[str, Measure] = {"all": HAT_RATE, "overnight": HAT_RATE_OVERNIGHT}


@router.get("")
def own(
    request: Request,
    actor: Annotated[Actor, require(Right.READ_CASES)],
    organisation: str = "",
    rate: str = "all",
) -> Response:
    """The exact figures of one of the person's organisations, chosen by its code; the first where none is."""
    choice = choose(request, actor, Right.READ_CASES, organisation)
    measure = RATES.get(rate, HAT_RATE)
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        rows = [row for row in aggregates.read(connection) if row.organisation.id == choice.chosen.id]
    with store.readonly(role=READER) as connection:
        nations = nation.beside(connection, measure, choice.chosen.nation)
    return render(
        request,
        "figures/own.html",
        choice=choice,
        counted_at=aggregates.last_counted(rows),
        rate=rate if rate in RATES else "all",
        drawn=Drawn(control_chart(rows, overnight=measure is HAT_RATE_OVERNIGHT)) if rows else None,
        nations=nations,
        beside=_beside(rows, nations, overnight=measure is HAT_RATE_OVERNIGHT),
        tables=_tables(rows, choice) if rows else [],
        apart=_apart(rows),
    )


def _beside(
    rows: list[TrustMonth], nations: Nation | None, *, overnight: bool
) -> list[tuple[str, Estimate, str, str, str]]:
    """The financial years of the trust, the latest first, each with its rate's interval and the nation's rate and interval."""
    if nations is None:
        return []
    found = []
    for one in reversed(aggregates.financial_years(rows)):
        line = nations.years.get(one.start)
        estimate = line.figure.estimate if line else None
        value = "–" if estimate is None or estimate.value is None else f"{estimate.value:.2f}"
        interval = (
            ""
            if estimate is None or estimate.lower is None or estimate.upper is None
            else f"{estimate.lower:.2f} to {estimate.upper:.2f}"
        )
        exact = one.overnight_rate if overnight else one.rate
        found.append((series.year_words(one.start), exact, value, interval, f"{one.months} of {one.of}"))
    return found


def _tables(rows: list[TrustMonth], choice: Choice) -> list[dict[str, Any]]:
    """The three tables, the latest period first, each number of cases with the address of its list."""
    kinds = (
        ("financial", "By financial year", aggregates.financial_years(rows), series.year_words, Span.FINANCIAL_YEAR),
        (
            "calendar",
            "By calendar year",
            aggregates.calendar_years(rows),
            lambda start: f"{start.year}",
            Span.CALENDAR_YEAR,
        ),
        ("months", "By month", aggregates.months(rows), series.month_words, Span.MONTH),
    )
    return [
        {
            "ident": ident,
            "title": title,
            "lines": [(words(one.start), one, href(choice, Period(one.start, span))) for one in reversed(found)],
        }
        for ident, title, found, words, span in kinds
    ]


def _apart(rows: list[TrustMonth]) -> list[tuple[str, int]]:
    """What is held and shown apart, over all months."""
    counted = [(words, sum(row.own.get(("apart", name), 0) for row in rows)) for name, words in APART.items()]
    return [(words, number) for words, number in counted if number]


for each in (breakdown, cases_behind, measures, themes, download, papers, pack, evidence):
    router.include_router(each.router)
