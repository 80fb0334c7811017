"""`/team/outliers`: the worklist of outliers, the cycles, and one outlier with its snapshot and its steps.

National lead and analyst see it. The ratio, its limits and how cases are found stand there for both; exact counts only for who may read
aggregates. Who may take which step stands in `registry.publications.outlier_states`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.publications import (
    case_mix,
    outlier_answers,
    outlier_cycles,
    outlier_policy,
    outlier_years,
    outliers,
    reference_rates,
)
from registry.publications.outlier_policy import Adopted
from registry.publications.outlier_states import State
from registry.publications.outliers import HIGH_FIRST, LOW_FIRST, Cycle, Line
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.outliers import present
from registry.web.outliers.present import Row
from registry.web.pages import render
from registry.web.trust.present import said_time, today

router = APIRouter(prefix="/team/outliers")

ROLE = "hat_national"
Reading = Annotated[Actor, require(Right.READ_DRAFTS)]
Checking = Annotated[Actor, require(Right.CHECK_OUTLIERS)]
Counting = Annotated[Actor, require(Right.READ_AGGREGATES)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {
    "moved": "The step is recorded.",
    "computed": "The cycle is computed and frozen.",
}


@router.get("")
def index(request: Request, actor: Reading, done: str = "") -> Response:
    """What is to be done, overdue first; the cycles; the years that could be computed."""
    return _index(request, actor, DONE.get(done, ""))


def _index(request: Request, actor: Actor, done: str = "", wrong: str = "", status: int = 200) -> Response:
    with _store(request).transaction(role=ROLE) as connection:
        outlier_answers.take_in_answers(connection)
        adopted = {each.version: each for each in outlier_policy.versions(connection)}
        lines = outliers.open_lines(connection)
        cycles = outliers.cycles(connection)
        waiting = outlier_years.waiting(connection)
    rows = present.ordered(Row(line, adopted[line.policy_version], today()) for line in lines)
    return render(
        request,
        "outliers/index.html",
        status=status,
        rows=rows,
        cycles=[{"it": one, "words": present.year_words(one.year), "code": present.year_code(one.year), "when": said_time(one.computed_at)} for one in cycles],
        years=[(present.year_code(one.year), present.year_words(one.year)) for one in waiting if not one.why],
        waiting=[(present.year_words(one.year), one.why) for one in waiting if one.why],
        adopted=max(adopted.values(), key=lambda each: each.version, default=None),
        may={right.value: actor.may(right) for right in Right},
        done=done,
        wrong=wrong,
    )  # fmt: skip


@router.post("/cycles")
def compute(request: Request, actor: Checking, form: Form) -> Response:
    """Compute the cycle of a year, for good."""
    with _store(request).readonly(role=ROLE) as connection:
        years = case_mix.years(connection)
    code = text(form, "year")
    year = present.year_of(code, years) if code else None
    if year is None:
        raise NotFound
    try:
        with _store(request).transaction(role=ROLE) as connection:
            outlier_cycles.compute(
                connection, year, by=actor, at=datetime.now(UTC), code_version=version("hat-registry")
            )
    except Conflict as refused:
        return _index(request, actor, wrong=refused.detail, status=refused.status)
    return RedirectResponse("/team/outliers?done=computed", 303)


@router.get("/cycles/{code}")
def cycle(request: Request, actor: Counting, code: str) -> Response:
    """Every organisation of a cycle by name, exact, with its verdict; what the cycle was computed from."""
    with _store(request).readonly(role=ROLE) as connection:
        held = next((each for each in outliers.cycles(connection) if present.year_code(each.year) == code), None)
        if held is None:
            raise NotFound
        lines = outliers.of_cycle(connection, held.id)
        adopted = outlier_policy.numbered(connection, held.policy_version)
        frozen = reference_rates.reference_of(connection, held.reference_year)
        now = reference_rates.digest(case_mix.read(connection, held.year))
    judged = [line for line in lines if line.verdict != "cannot_assess"]
    return render(
        request,
        "outliers/cycle.html",
        cycle=held,
        words=present.year_words(held.year),
        reference=frozen,
        reference_words=present.year_words(held.reference_year),
        rows=[Row(line, adopted, today()) for line in lines],
        limits={line.id: present.limit_words(line.limits) for line in lines},
        how=present.spread_of(held.scale, held.phi, held.tau2, held.compared).words,
        multiplicity=present.multiplicity(len(judged)),
        not_with_each_other=present.NOT_WITH_EACH_OTHER,
        read_low=present.READ_LOW,
        computed=said_time(held.computed_at),
        moved=now != held.data_hash,
        may_name=actor.name,
    )


@router.get("/{ident}")
def one(request: Request, actor: Reading, ident: UUID, done: str = "") -> Response:
    """One outlier: what was detected, its snapshot, the steps, and what this person may do next."""
    return _one(request, actor, ident, done=DONE.get(done, ""))


@router.post("/{ident}/move")
def move(request: Request, actor: Reading, ident: UUID, form: Form) -> Response:
    """Take a step; who may is decided where the steps are."""
    to, seen = text(form, "to"), text(form, "seen")
    words = _written(form)
    if to not in list(State) or not (seen.isdecimal() and len(seen) < 6):
        raise NotFound
    try:
        with _store(request).transaction(role=ROLE) as connection:
            outliers.move(
                connection, ident, State(to), words, seen=int(seen), by=actor, at=datetime.now(UTC), on=today()
            )
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
        return _one(request, actor, ident, wrong=wrong, typed=texts(form) | {"evidence": words}, status=422)
    except (Conflict, Forbidden) as refused:
        return _one(
            request, actor, ident, wrong=[Fault("", refused.detail)], typed={"evidence": words}, status=refused.status
        )
    return RedirectResponse(f"/team/outliers/{ident}?done=moved", 303)


def _written(form: FormData) -> str:
    """The evidence with its lines, blanks at its ends removed."""
    given = form.get("evidence")
    return given.replace("\r\n", "\n").strip() if isinstance(given, str) else ""


def _one(
    request: Request,
    actor: Actor,
    ident: UUID,
    *,
    done: str = "",
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    with _store(request).transaction(role=ROLE) as connection:
        outlier_answers.take_in_answers(connection)
        line = outliers.one(connection, ident)
        taken = outliers.taken(connection, ident)
        adopted, held = _snapshot(connection, line)
        given = outlier_answers.answers(connection, line.organisation_id, ident)
    row = Row(line, adopted, today())
    ways = outliers.ways(line, actor, taken, row.due, today())
    exact = actor.may(Right.READ_AGGREGATES)
    return render(
        request,
        "outliers/one.html",
        status=status,
        row=row,
        cycle=held,
        words=present.year_words(line.year),
        code=present.year_code(line.year),
        reference_words=present.year_words(held.reference_year),
        limits=present.limit_words(line.limits, 3 if exact else 1),
        how=present.spread_of(held.scale, held.phi, held.tau2, held.compared).words,
        caution=LOW_FIRST if line.side == "low" else HIGH_FIRST,
        steps=[{"it": each, "when": said_time(each.at)} for each in taken],
        added=[{"it": each, "when": said_time(each.responded_at)} for each in given[1:]],
        ways=ways,
        exact=exact,
        computed=said_time(held.computed_at),
        done=done,
        faults=wrong or [],
        values=typed or {},
    )


def _snapshot(connection: Connection, line: Line) -> tuple[Adopted, Cycle]:
    adopted = outlier_policy.numbered(connection, line.policy_version)
    return adopted, next(each for each in outliers.cycles(connection) if each.year == line.year)


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
