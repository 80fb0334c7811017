"""`/trust/figures/evaluation`: a programme of a trust's own, evaluated on its own exact figures."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import NotFound
from registry.publications import aggregates, evaluation_series
from registry.statistics.evaluation import evaluate
from registry.store import Store
from registry.web.actor import require
from registry.web.evaluation import asking, rows
from registry.web.evaluation.asking import Declared
from registry.web.evaluation.present import Shown
from registry.web.fields import Fault
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose

router = APIRouter(prefix="/trust/figures/evaluation")

Reading = Annotated[Actor, require(Right.READ_CASES)]
RATES = (("all", "All admissions"), ("overnight", "Stays of one night or more"))
NOUNS = {"all": "admissions", "overnight": "overnight admissions"}


@router.get("")
def page(request: Request, actor: Reading, declared: Declared, organisation: str = "") -> Response:
    """Choose rate, change and phase-in; read the evaluation."""
    choice, months, shown, faults = _found(request, actor, organisation, declared)
    return render(
        request,
        "evaluation/own.html",
        status=422 if faults else 200,
        choice=choice,
        months=months,
        shown=shown,
        values=declared,
        faults=faults,
        rates=RATES,
        phases=asking.PHASES,
        seasons=asking.HARMONICS,
        kinds=asking.CHANGES,
        query=urlencode(declared | {"organisation": choice.chosen.code}),
    )


@router.get("/months.csv")
def as_csv(request: Request, actor: Reading, declared: Declared, organisation: str = "") -> Response:
    """The same as a file."""
    choice, _, shown, _ = _found(request, actor, organisation, declared)
    if shown is None:
        raise NotFound
    return rows.as_file(shown, f"{choice.chosen.code}-evaluation.csv")


def _found(
    request: Request, actor: Actor, organisation: str, values: dict[str, str]
) -> tuple[Choice, list[tuple[str, str]], Shown | None, list[Fault]]:
    choice = choose(request, actor, Right.READ_CASES, organisation)
    if values["rate"] not in NOUNS:
        raise NotFound
    store: Store = request.app.state.store
    with store.readonly(tenants=(choice.chosen.id,)) as connection:
        held = [row for row in aggregates.read(connection) if row.organisation.id == choice.chosen.id]
    observed = evaluation_series.of_months(held, overnight=values["rate"] == "overnight")
    months = [(f"{one.month:%Y-%m}", f"{one.month:%B %Y}") for one in observed]
    plan, faults = asking.plan(values, asking.halfway(observed))
    if plan is not None:
        values["change"] = f"{plan.change:%Y-%m}"
    if plan is None or not observed:
        return choice, months, None, faults if observed else []
    title = f"HAT per 1,000 {NOUNS[values['rate']]}, {choice.chosen.name}"
    return choice, months, Shown("own", title, "cases", NOUNS[values["rate"]], evaluate(observed, plan)), []
