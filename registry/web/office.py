"""`/office`: the registry office decides disputes and pairs on organisations, dates and reasons. Every look is audited; a decision asks for
the password again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import office
from registry.cases.answers import Pairing
from registry.cases.office import Dates, Dispute, Pair
from registry.errors import Conflict, Unprocessable
from registry.store import Store
from registry.web import step_up
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.present import said_day, said_time
from schemas.codes import VteType

router = APIRouter(prefix="/office")

ROLE = "hat_national"
Deciding = Annotated[Actor, require(Right.RESOLVE_PAIRS)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {"decided": "The decision is recorded. The two organisations see it within a few minutes."}
SAID = {
    None: "Nothing yet",
    Pairing.LINK: "One event",
    Pairing.DISMISS: "Two events",
    Pairing.UNLINK: "Two events after all",
}
PAIR_STATES = {"found": "Open", "offered": "Open", "linked": "One event", "dismissed": "Two events"}


@router.get("")
def index(request: Request, actor: Deciding, done: str = "") -> Response:
    """What is to be decided."""
    with _store(request).transaction(role=ROLE) as connection:
        disputes, pairs = office.open_disputes(connection, actor), office.open_pairs(connection, actor)
        shown = {"disputes": len(disputes), "pairs": len(pairs)}
        office.note(connection, actor, "disputes and pairs listed", "dispute", "several", shown)
    return render(
        request,
        "office/index.html",
        disputes=[{"it": each, "opened": said_day(each.opened_at), **_dates(each.dates)} for each in disputes],
        pairs=[{"it": each, "halves": [_dates(half.dates) for half in each.halves]} for each in pairs],
        most=office.MOST,
        done=DONE.get(done, ""),
    )


@router.get("/disputes/{ident}")
def dispute(request: Request, actor: Deciding, ident: UUID) -> Response:
    """One dispute; the look is audited."""
    return _dispute(request, actor, ident)


@router.post("/disputes/{ident}/decide")
def decide_dispute(request: Request, actor: Deciding, form: Form, ident: UUID) -> Response:
    """Decide for which of the two the case counts."""
    chosen = text(form, "decided_for")
    decided_for = int(chosen) if chosen.isdecimal() and len(chosen) < 10 else None
    wrong = step_up.confirmed(request, actor, form)
    if wrong is not None:
        return _dispute(request, actor, ident, [wrong], texts(form))
    try:
        with _store(request).transaction(role=ROLE) as connection:
            office.decide_dispute(
                connection, ident, decided_for, seen=text(form, "seen"), by=actor, at=datetime.now(UTC)
            )
    except Unprocessable as refused:
        return _dispute(
            request, actor, ident, faults((each.pointer, each.words) for each in refused.errors), texts(form)
        )
    except Conflict as refused:
        return _dispute(request, actor, ident, [Fault("", refused.detail)], texts(form), refused.status)
    return RedirectResponse("/office?done=decided", 303)


@router.get("/pairs/{ident}")
def pair(request: Request, actor: Deciding, ident: UUID) -> Response:
    """One pair; the look is audited."""
    return _pair(request, actor, ident)


@router.post("/pairs/{ident}/decide")
def decide_pair(request: Request, actor: Deciding, form: Form, ident: UUID) -> Response:
    """Decide whether the two reports are one event."""
    chosen = text(form, "answer")
    wrong = step_up.confirmed(request, actor, form)
    if wrong is not None:
        return _pair(request, actor, ident, [wrong], texts(form))
    try:
        with _store(request).transaction(role=ROLE) as connection:
            given = Pairing(chosen) if chosen in list(Pairing) else Pairing.UNLINK
            office.decide_pair(connection, ident, given, seen=text(form, "seen"), by=actor, at=datetime.now(UTC))
    except Unprocessable as refused:
        return _pair(request, actor, ident, faults((each.pointer, each.words) for each in refused.errors), texts(form))
    except Conflict as refused:
        return _pair(request, actor, ident, [Fault("", refused.detail)], texts(form), refused.status)
    return RedirectResponse("/office?done=decided", 303)


def _dispute(
    request: Request,
    actor: Actor,
    ident: UUID,
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 422,
) -> Response:
    with _store(request).transaction(role=ROLE) as connection:
        held: Dispute = office.dispute(connection, actor, ident)
        office.note(connection, actor, "dispute looked at", "dispute", ident)
    names = {held.reporter.id: held.reporter.name, held.attributed.id: held.attributed.name}
    return render(
        request,
        "office/dispute.html",
        status=status if wrong else 200,
        it=held,
        shown=_dates(held.dates),
        opened=said_time(held.opened_at),
        decided=said_time(held.decided_at),
        decided_for=names.get(held.decided_for or 0, ""),
        faults=wrong or [],
        values=typed or {},
    )


def _pair(
    request: Request,
    actor: Actor,
    ident: UUID,
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 422,
) -> Response:
    with _store(request).transaction(role=ROLE) as connection:
        held: Pair = office.pair(connection, actor, ident)
        office.note(connection, actor, "pair looked at", "pair", ident)
    return render(
        request,
        "office/pair.html",
        status=status if wrong else 200,
        it=held,
        state=PAIR_STATES[held.state],
        halves=[
            {"organisation": each.organisation.name, "attributed": each.attributed, "said": SAID[each.answer]}
            | _dates(each.dates)
            for each in held.halves
        ],
        faults=wrong or [],
        values=typed or {},
    )


def _dates(held: Dates) -> dict[str, str]:
    """Dates, age and intervals in words."""
    days = {"admitted": held.admission_date, "discharged": held.discharge_date, "diagnosed": held.diagnosis_date}
    intervals = {"after_admission": held.after_admission, "after_discharge": held.after_discharge}
    return {
        "age": "Not known" if held.age is None else f"{held.age} years",
        "vte": VteType(held.vte_type).words if held.vte_type else "Not known",
        **{name: said_day(day) if day else "Not known" for name, day in days.items()},
        **{name: "–" if found is None else f"{found} days" for name, found in intervals.items()},
    }


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
