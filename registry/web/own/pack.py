"""`/trust/figures/pack`: the committee pack of a month or a quarter, at one press, to look at and as PDF."""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import own_figures, own_work
from registry.cases.own_figures import Themes
from registry.cases.own_work import ActionCounts, StateWork
from registry.cases.periods import Period
from registry.measures import HAT_RATE
from registry.publications import aggregates
from registry.publications.cells import TrustMonth
from registry.store import Store
from registry.submissions import due
from registry.web import print_out, series
from registry.web.actor import require
from registry.web.control_drawing import Drawn
from registry.web.own import pack_words
from registry.web.own.breakdown import question_of
from registry.web.own.nation import Nation, beside
from registry.web.own.papers import last_quarter
from registry.web.own.present import control_chart, counted, period_of
from registry.web.own.themes import owner_words, tables
from registry.web.public import READER
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_day, said_time, today
from schemas.codes import Inadequacy

router = APIRouter()

Reading = Annotated[Actor, require(Right.READ_CASES)]
TEMPLATE = "print/pack.html"
RETURNS_LOOKED_AT = 24


@router.get("/pack")
def page(request: Request, actor: Reading, organisation: str = "", period: str = "") -> Response:
    """The pack of one period, by default the last quarter that has ended, to look at and to print."""
    choice, chosen, words = _pack(request, actor, organisation, period)
    query = f"organisation={choice.chosen.code}"
    return print_out.page(
        TEMPLATE,
        back_href=f"/trust/figures/papers?{query}",
        pdf_href=f"/trust/figures/pack.pdf?{query}&period={chosen.code}",
        **words,
    )


@router.get("/pack.pdf")
def as_pdf(request: Request, actor: Reading, organisation: str = "", period: str = "") -> Response:
    """The same as a PDF."""
    choice, chosen, words = _pack(request, actor, organisation, period)
    return print_out.pdf_page(TEMPLATE, f"{choice.chosen.code}-committee-pack-{chosen.code}", **words)


def _pack(request: Request, actor: Actor, organisation: str, code: str) -> tuple[Choice, Period, dict[str, Any]]:
    choice = choose(request, actor, Right.READ_CASES, organisation)
    on = today()
    chosen = period_of(code, on) if code else last_quarter(on)
    tenant, store, settings = choice.chosen.id, _store(request), request.app.state.settings
    with store.readonly(tenants=(tenant,)) as connection:
        rows = [row for row in aggregates.read(connection) if row.organisation.id == tenant]
        found = own_figures.themes(connection, question_of(request, choice, chosen))
        actions = own_work.actions(connection, tenant, chosen, on=on)
        work = own_work.work(connection, tenant, on=on)
        months = due.calendar(connection, (tenant,), on=on, months=RETURNS_LOOKED_AT)[tenant]
    with store.readonly(role=READER) as connection:
        nation = beside(connection, HAT_RATE, choice.chosen.nation)
    late = due.overdue(months, on=on, days=settings.desk.return_due_days)
    words = {
        "demonstration": request.app.state.settings.demo,
        "organisation": choice.chosen.name,
        "code": choice.chosen.code,
        "period": chosen,
        "made_on": said_day(on),
        "counted_at": said_time(aggregates.last_counted(rows)),
        **_figures(rows, chosen, nation),
        **_work(found, actions, work, late, chosen, settings.counting.investigated_share_floor),
    }
    return choice, chosen, words


def _figures(rows: list[TrustMonth], period: Period, nation: Nation | None) -> dict[str, Any]:
    months = aggregates.months(rows)
    now, earlier = (pack_words.summed(months, each) for each in (period, period.before))
    upto = [row for row in rows if row.month < period.end]
    return {
        "rate": pack_words.of_rate(now, earlier, _nation(nation)),
        "drawn": Drawn(control_chart(upto, overnight=False)) if upto else None,
    }


def _nation(nation: Nation | None) -> str:
    """The nation's latest final year, as released."""
    if nation is None:
        return ""
    valued = [line for line in nation.years.values() if line.figure.estimate.value is not None]
    if not valued:
        return ""
    last = max(valued, key=lambda line: line.start)
    return (
        f"In {nation.name} it was {last.figure.estimate.value:.2f} per 1,000 admissions in {series.year_words(last.start)} "
        f"(national release {nation.release.number}, from rounded counts)."
    )


def _work(
    found: Themes, actions: ActionCounts, work: list[StateWork], late: list[due.Month], period: Period, floor: float
) -> dict[str, Any]:
    return {
        "reviews": pack_words.of_reviews(found, floor),
        "tables": [(title, lines) for title, lines in tables(found) if lines],
        "reviewed": found.reviewed,
        "actions": pack_words.of_actions(actions, period),
        "themes": counted(actions.themes, Inadequacy, actions.open),
        "owners": owner_words(actions.owners),
        "overdue": pack_words.of_overdue(work, late, found.cases - found.reviewed, period),
    }


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
