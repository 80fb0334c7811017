"""`/team/outliers/policy`: thresholds and timetable by nation, in versions. A national lead adopts; before that nothing is computed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, Unprocessable
from registry.publications import outlier_policy
from registry.publications.outlier_policy import METRIC, NATIONS, PROPOSAL, STEPS, Policy
from registry.publications.outlier_states import State
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.fields import Fault, text, texts
from registry.web.pages import render
from registry.web.trust.present import said_time

router = APIRouter(prefix="/team/outliers/policy")

ROLE = "hat_national"
MOST_FIELDS = 60
THRESHOLDS = (
    ("expected_from", "Expected cases, at least", "Never below 5"),
    ("months_from", "Months of the year in the rate, at least", "The coverage of the denominator, of 12"),
    ("sources_from", "Sources of cases, at least", "Unless coded candidates are counted every month"),
    (
        "coded_share_from",
        "Cases reported for each coded candidate, at least",
        "From 0 to 1, where candidates are counted",
    ),
)


async def policy_form(request: Request) -> FormData:
    """The form, with three fields for each stage of each nation."""
    return await read_form(request, max_fields=MOST_FIELDS)


Reading = Annotated[Actor, require(Right.READ_DRAFTS)]
Deciding = Annotated[Actor, require(Right.DECIDE_OUTLIERS)]
Form = Annotated[FormData, Depends(policy_form)]


@router.get("")
def ask(request: Request, actor: Reading, done: str = "") -> Response:
    """What stands, or the proposal to begin with; every version."""
    return _page(request, actor, done="The policy is adopted." if done else "")


@router.post("")
def adopt(request: Request, actor: Deciding, form: Form) -> Response:
    """Adopt what is typed as the next version."""
    values = texts(form)
    seen = values.get("seen", "")
    try:
        with _store(request).transaction(role=ROLE) as connection:
            found = outlier_policy.read(_content(values))
            outlier_policy.adopt(
                connection, found, text(form, "source"), by=actor, at=datetime.now(UTC),
                seen=int(seen) if seen.isdecimal() and len(seen) < 6 else -1,
            )  # fmt: skip
    except Unprocessable as refused:
        wrong = [_fault(each.pointer, each.words) for each in refused.errors]
        return _page(request, actor, values=values, wrong=wrong, status=422)
    except Conflict as refused:
        return _page(request, actor, values=values, wrong=[Fault("", refused.detail)], status=refused.status)
    return RedirectResponse("/team/outliers/policy?done=adopted", 303)


def _fault(pointer: str, words: str) -> Fault:
    """A fault at its field: `nations-England-2-days` is the field of the days of the third stage of England."""
    parts = pointer.split("-")
    if len(parts) > 3 and parts[0] == "nations" and parts[2].isdecimal():
        name = f"{parts[1]}-{STEPS[int(parts[2])]}-{parts[3]}"
        return Fault(name, f"{parts[1]}, {State(STEPS[int(parts[2])]).words.lower()}: {words.lower()}")
    named = {name: said for name, said, _ in THRESHOLDS}
    return Fault(pointer, f"{named[pointer]}: {words.lower()}" if pointer in named else words)


def _content(values: Mapping[str, str]) -> dict[str, Any]:
    """What is typed as the plain JSON of a policy."""
    thresholds: dict[str, Any] = {name: values.get(name, "") for name, _, _ in THRESHOLDS}
    return thresholds | {"nations": {nation: [_stage(values, nation, state) for state in STEPS] for nation in NATIONS}}


def _stage(values: Mapping[str, str], nation: str, state: str) -> dict[str, Any]:
    name = f"{nation}-{state}"
    told = [each.strip() for each in values.get(f"{name}-tell", "").split(";")]
    return {
        "state": state,
        "days": values.get(f"{name}-days", ""),
        "working": values.get(f"{name}-working") == "yes",
        "tell": [each for each in told if each],
    }


def _typed(policy: Policy) -> dict[str, str]:
    """A policy as the fields of the form."""
    values = {name: f"{getattr(policy, name):g}" for name, _, _ in THRESHOLDS}
    for nation, stages in policy.nations.items():
        for stage in stages:
            name = f"{nation}-{stage.state}"
            values |= {f"{name}-days": f"{stage.days}", f"{name}-tell": "; ".join(stage.tell)}
            values |= {f"{name}-working": "yes"} if stage.working else {}
    return values


def _page(
    request: Request,
    actor: Actor,
    *,
    values: Mapping[str, str] | None = None,
    wrong: list[Fault] | None = None,
    done: str = "",
    status: int = 200,
) -> Response:
    with _store(request).readonly(role=ROLE) as connection:
        versions = outlier_policy.versions(connection)
    current = next(iter(versions), None)
    return render(
        request,
        "outliers/policy.html",
        status=status,
        metric=METRIC,
        current=current,
        versions=[{"it": each, "when": said_time(each.made_at)} for each in versions],
        values=values or _typed(current.policy if current else PROPOSAL),
        thresholds=THRESHOLDS,
        nations=NATIONS,
        stages=[(state, State(state).words) for state in STEPS],
        seen=current.version if current else 0,
        may_adopt=actor.may(Right.DECIDE_OUTLIERS),
        faults=wrong or [],
        done=done,
    )


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
