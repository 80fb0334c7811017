"""`/team/evaluation`: a programme evaluated on exact counts, of a nation, a region or one organisation. For the nation's analysts."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.errors import NotFound
from registry.publications import aggregates, evaluation_series
from registry.publications.cells import TRUST_KINDS, TrustMonth
from registry.statistics.evaluation import evaluate
from registry.store import Store
from registry.web.actor import require
from registry.web.evaluation import asking, rows
from registry.web.evaluation.asking import Declared
from registry.web.evaluation.present import Shown
from registry.web.fields import Fault
from registry.web.pages import render

router = APIRouter(prefix="/team/evaluation")

ROLE = "hat_national"
Counting = Annotated[Actor, require(Right.READ_AGGREGATES)]
RATES = (("all", "All admissions"), ("overnight", "Stays of one night or more"))
TRUSTS = (("all", "All that returned in a month"), ("same", "The same throughout"))
NOUNS = {"all": "admissions", "overnight": "overnight admissions"}
BOTH = "both"


@router.get("")
def page(request: Request, _actor: Counting, declared: Declared, place: str = BOTH, trusts: str = "all") -> Response:
    """Choose place, rate, change and phase-in; read the evaluation."""
    values = {"place": place, "trusts": trusts, **declared}
    choice, months, shown, faults = _found(request, values)
    return render(
        request,
        "evaluation/inside.html",
        status=422 if faults else 200,
        places=choice,
        months=months,
        shown=shown,
        values=values,
        faults=faults,
        rates=RATES,
        same=TRUSTS,
        phases=asking.PHASES,
        seasons=asking.HARMONICS,
        kinds=asking.CHANGES,
        query=urlencode(values),
    )


@router.get("/months.csv")
def as_csv(request: Request, _actor: Counting, declared: Declared, place: str = BOTH, trusts: str = "all") -> Response:
    """The same as a file."""
    values = {"place": place, "trusts": trusts, **declared}
    _, _, shown, _ = _found(request, values)
    if shown is None:
        raise NotFound
    return rows.as_file(shown, "evaluation-exact.csv")


Places = list[tuple[str, list[tuple[str, str]]]]


def _found(request: Request, values: dict[str, str]) -> tuple[Places, list[tuple[str, str]], Shown | None, list[Fault]]:
    if values["rate"] not in NOUNS:
        raise NotFound
    store: Store = request.app.state.store
    with store.readonly(role=ROLE) as connection:
        held = aggregates.read(connection)
    choice, names = _places(held)
    if held and values["place"] not in names:
        raise NotFound
    inside = [row for row in held if _within(row, values["place"])]
    observed = evaluation_series.of_months(
        inside, overnight=values["rate"] == "overnight", nation=not values["place"].startswith("o-"),
        same=values["trusts"] == "same",
    )  # fmt: skip
    plan, faults = asking.plan(values, asking.halfway(observed))
    if plan is not None:
        values["change"] = f"{plan.change:%Y-%m}"
    months = [(f"{one.month:%Y-%m}", f"{one.month:%B %Y}") for one in observed]
    if plan is None or not observed:
        return choice, months, None, faults if observed else []
    title = f"HAT per 1,000 {NOUNS[values['rate']]}, {names[values['place']]}"
    return choice, months, Shown("inside", title, "cases", NOUNS[values["rate"]], evaluate(observed, plan)), []


def _within(row: TrustMonth, place: str) -> bool:
    who = row.organisation
    if place == f"o-{who.code}":
        return True
    return who.kind in TRUST_KINDS and place in (BOTH, f"n-{who.nation}", f"r-{who.region_code}")


def _places(held: list[TrustMonth]) -> tuple[Places, Mapping[str, str]]:
    """What may be chosen, by kind; and the names of all of it."""
    known = {row.organisation.id: row.organisation for row in held}.values()
    trusts = [one for one in known if one.kind in TRUST_KINDS]
    nations = [(BOTH, "England and Wales"), *((f"n-{name}", name) for name in sorted({one.nation for one in trusts}))]
    regions = sorted(
        {(f"r-{one.region_code}", one.region_name or one.region_code or "") for one in trusts if one.region_code}
    )
    single = sorted(((f"o-{one.code}", one.name) for one in known), key=lambda each: each[1])
    choice = [("Nations", nations), ("Regions", sorted(regions, key=lambda each: each[1])), ("Organisations", single)]
    return choice, {code: name for _, found in choice for code, name in found}
