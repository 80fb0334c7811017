"""`/trust/figures/exemplar`: the sheet of evidence from a trust's monthly audits, with the limits of each share, to look at and as PDF."""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases.own_audit import AuditMonth, Shared, Sheet, audit_months, sheet, sheets
from registry.cases.periods import Period, Span
from registry.errors import NotFound
from registry.store import Store
from registry.web import print_out
from registry.web.actor import require
from registry.web.own.present import joined, period_of
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.present import said_day, today

router = APIRouter()

Reading = Annotated[Actor, require(Right.READ_CASES)]
TEMPLATE = "print/exemplar.html"


@router.get("/exemplar")
def page(request: Request, actor: Reading, organisation: str = "", period: str = "") -> Response:
    """The sheet of one year, to look at and to print."""
    choice, chosen, words = _sheet(request, actor, organisation, period)
    query = f"organisation={choice.chosen.code}"
    return print_out.page(
        TEMPLATE,
        back_href=f"/trust/figures/papers?{query}",
        pdf_href=f"/trust/figures/exemplar.pdf?{query}&period={chosen.code}",
        **words,
    )


@router.get("/exemplar.pdf")
def as_pdf(request: Request, actor: Reading, organisation: str = "", period: str = "") -> Response:
    """The same as a PDF."""
    choice, chosen, words = _sheet(request, actor, organisation, period)
    return print_out.pdf_page(TEMPLATE, f"{choice.chosen.code}-exemplar-{chosen.code}", **words)


def _sheet(request: Request, actor: Actor, organisation: str, code: str) -> tuple[Choice, Period, dict[str, Any]]:
    choice = choose(request, actor, Right.READ_CASES, organisation)
    chosen = period_of(code, today())
    if chosen.span not in (Span.FINANCIAL_YEAR, Span.CALENDAR_YEAR):
        raise NotFound
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        months = audit_months(connection, choice.chosen.id)
    found = sheet(months, chosen)
    return (
        choice,
        chosen,
        {
            "demonstration": request.app.state.settings.demo,
            "organisation": choice.chosen.name,
            "code": choice.chosen.code,
            "period": chosen,
            "made_on": said_day(today()),
            "sentences": sentences(found),
            "months": [_month(each) for each in months if chosen.holds(each.month)],
            "years": [
                ("By financial year", [_year(each) for each in sheets(months, Span.FINANCIAL_YEAR)]),
                ("By calendar year", [_year(each) for each in sheets(months, Span.CALENDAR_YEAR)]),
            ],
        },
    )


def sentences(found: Sheet) -> list[str]:
    """What the year's audits say, each share with its limits and how many months it is of."""
    if not found.months:
        return [f"No audit was returned for {found.period.words}."]
    of = len(found.period.months)
    said = [f"In {found.period.words}, {found.audited:,} patients were audited, in {found.months} of {of} months."]
    said += [_sentence(each, of) for each in found.shares if each.whole]
    unsaid = [each.what.words.removeprefix("had ") for each in found.shares if not each.whole]
    if unsaid:
        said.append(f"Nothing was returned about {joined(unsaid)}.")
    return said


def _sentence(each: Shared, of: int) -> str:
    estimate = each.estimate
    assert estimate.value is not None
    assert estimate.lower is not None
    assert estimate.upper is not None
    return (
        f"{each.part:,} of {each.whole:,} ({estimate.value:.1%}; 95% limits {estimate.lower:.1%} to {estimate.upper:.1%}) "
        f"{each.what.words}, counted in {each.months} of {of} months."
    )


def _cells(shares: tuple[Shared, ...]) -> list[tuple[str, str]]:
    """Each share as counts and as percentage with limits."""
    found = []
    for each in shares:
        estimate = each.estimate
        if estimate.value is None or estimate.lower is None or estimate.upper is None:
            found.append(("–", ""))
        else:
            limits = f"{estimate.value:.1%} ({estimate.lower:.1%} to {estimate.upper:.1%})"
            found.append((f"{each.part:,} of {each.whole:,}", limits))
    return found


def _month(each: AuditMonth) -> tuple[str, str, list[tuple[str, str]]]:
    alone = sheet([each], Period(each.month, Span.MONTH))
    return f"{each.month:%B %Y}", "–" if each.audited is None else f"{each.audited:,}", _cells(alone.shares)


def _year(each: Sheet) -> tuple[str, str, str, list[tuple[str, str]]]:
    return each.period.words, f"{each.months} of {len(each.period.months)}", f"{each.audited:,}", _cells(each.shares)
