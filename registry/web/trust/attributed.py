"""`/trust/attributed`: the cases that others reported for a person's organisations, and the answer to each; and what became of those
that its own organisations reported for others. What identifies is masked; to show it is an act of its own, noted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import attributed, paired
from registry.cases.answers import Answer, Pairing, Reason
from registry.cases.attributed import Attributed, Contact, Given, Reported
from registry.cases.desk import Desk, open_desk, record
from registry.cases.paired import Pair
from registry.errors import Conflict, NotFound, Unprocessable
from registry.settings import Settings
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import NUMBERS, Number, render
from registry.web.trust.present import said_day, said_time, today
from registry.web.uploads import secrets_of
from schemas.codes import VteType

router = APIRouter(prefix="/trust/attributed")

Reading = Annotated[Actor, require(Right.READ_CASES)]
Fresh = Annotated[Actor, require(Right.READ_CASES, fresh=True)]
Editing = Annotated[Actor, require(Right.EDIT_CASES)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {"answered": "Your answer is recorded. The other organisation sees it within a few minutes."}
PAIR_STATES = {
    "offered": ("Is it one event?", "blue"),
    "linked": ("One event, linked", "green"),
    "dismissed": ("Two events", "grey"),
    "unlinked": ("Unlinked: two events", "grey"),
    "ended": ("No pair any more", "grey"),
}
FIELDS = {
    "nhs_number": "NHS number",
    "birth_date": "date of birth",
    "vte_type": "what was found",
    "diagnosis_date": "diagnosis date",
    "admission_date": "admission of the index stay",
    "discharge_date": "discharge of the index stay",
}
STATES = {
    "proposed": ("Not answered", "blue"),
    "accepted": ("Accepted", "green"),
    "disputed": ("Disputed", "yellow"),
    "shared": ("Shared", "green"),
    "decided": ("Decided by the registry office", "grey"),
}
SILENT = ("Not answered in time", "red")
UNTOLD = ("Not told", "grey")


NUMBERS["/trust/attributed"] = Number(f"({attributed.WAITING}) + ({paired.WAITING})", "to answer")


@router.get("")
def index(request: Request, actor: Reading) -> Response:
    """What others reported for these organisations, and what these reported for others."""
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).readonly(tenants=tenants) as connection:
        held = attributed.listing(connection, tenants)
        untold = attributed.untold(connection, tenants)
        pairs = paired.listing(connection, tenants)
        reported = attributed.reported(connection, tenants, secrets_of(request.app.state))
    at, days = datetime.now(UTC), _days(request)
    return render(
        request,
        "trust/attributed/index.html",
        rows=[_line(each, at, days) for each in held],
        untold=untold,
        reported=[_answered(each, at, days) for each in reported],
        pairs=[_pair_line(each) for each in pairs],
        several=len(tenants) > 1,
        most=attributed.MOST,
        days=days,
    )


@router.get("/{ident}")
def one(request: Request, actor: Reading, ident: UUID, done: str = "") -> Response:
    """One case with the form for its answer; that it was read is noted."""
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).transaction(tenants=tenants) as connection:
        held = attributed.one(connection, tenants, ident)
        desk = _desk(request, connection, held, actor)
        seen = _seen(desk, held)
        record(desk, ident, "attributed case read")
    return _page(request, actor, held, seen, done=DONE.get(done, ""))


@router.post("/{ident}/show")
def show(request: Request, actor: Fresh, _form: Form, ident: UUID) -> Response:
    """The case with what identifies, in this answer alone, after a fresh code."""
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).transaction(tenants=tenants) as connection:
        held = attributed.one(connection, tenants, ident)
        desk = _desk(request, connection, held, actor)
        opened, seen = attributed.identifying(desk, ident), _seen(desk, held)
        record(desk, ident, "identifiers shown", {"fields": sorted(opened), "where": "attributed case"})
    return _page(request, actor, held, seen, shown=opened)


@router.post("/{ident}/answer")
def answer(request: Request, actor: Editing, form: Form, ident: UUID) -> Response:
    """Accept, dispute or share. What cannot be done is told on the page, with what was entered still in it."""
    tenants = actor.tenants(Right.EDIT_CASES)
    given = _given(form)
    try:
        with _store(request).transaction(tenants=tenants) as connection:
            held = attributed.one(connection, tenants, ident)
            if given is None:
                raise Unprocessable(errors=[("answer", "Choose an answer")])
            attributed.answer(_desk(request, connection, held, actor), ident, given, seen=text(form, "seen"))
    except Unprocessable as refused:
        return _again(request, actor, form, ident, faults((each.pointer, each.words) for each in refused.errors), 422)
    except Conflict as refused:
        return _again(request, actor, form, ident, [Fault("", refused.detail)], refused.status)
    return RedirectResponse(f"/trust/attributed/{ident}?done=answered", 303)


# --- pairs


@router.get("/pairs/{ident}")
def pair(request: Request, actor: Reading, ident: UUID, done: str = "") -> Response:
    """One pair, as each organisation of this person has it; that it was read is noted with the case."""
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).transaction(tenants=tenants) as connection:
        held = [paired.one(connection, each, ident) for each in paired.whose(connection, tenants, ident)]
        for each in held:
            record(_desk_of(request, connection, each.tenant_id, actor), each.case_id, "pair read")
    return _pair_page(request, actor, held, done=DONE.get(done, ""))


@router.post("/pairs/{ident}/answer")
def answer_pair(request: Request, actor: Editing, form: Form, ident: UUID) -> Response:
    """Link, keep apart, or unlink."""
    tenants = actor.tenants(Right.EDIT_CASES)
    chosen, named = text(form, "answer"), text(form, "organisation")
    with _store(request).readonly(tenants=tenants) as connection:
        ours = paired.whose(connection, tenants, ident)
    tenant = int(named) if named.isdecimal() and len(named) < 10 else ours[0]
    if tenant not in ours:
        raise NotFound
    if chosen not in list(Pairing):
        return _pair_again(request, actor, ident, Fault("answer", "Choose what it is"), 422)
    try:
        with _store(request).transaction(tenants=tenants) as connection:
            desk = _desk_of(request, connection, tenant, actor)
            paired.answer(desk, ident, Pairing(chosen), seen=text(form, "seen"))
    except Conflict as refused:
        return _pair_again(request, actor, ident, Fault("", refused.detail), refused.status)
    return RedirectResponse(f"/trust/attributed/pairs/{ident}?done=answered", 303)


def _pair_again(request: Request, actor: Actor, ident: UUID, wrong: Fault, status: int) -> Response:
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).readonly(tenants=tenants) as connection:
        held = [paired.one(connection, each, ident) for each in paired.whose(connection, tenants, ident)]
    return _pair_page(request, actor, held, wrong=[wrong], status=status)


def _pair_page(
    request: Request,
    actor: Actor,
    held: list[Pair],
    *,
    done: str = "",
    wrong: list[Fault] | None = None,
    status: int = 200,
) -> Response:
    may = actor.tenants(Right.EDIT_CASES)
    return render(
        request,
        "trust/attributed/pair.html",
        status=status,
        halves=[
            _pair_line(each)
            | {
                "seen": each.seen,
                "tenant": each.tenant_id,
                "choices": [(said.value, said.words) for said in each.choices] if each.tenant_id in may else [],
            }
            for each in held
        ],
        faults=wrong or [],
        done=done,
    )


def _pair_line(held: Pair) -> dict[str, object]:
    words, colour = PAIR_STATES[held.state]
    return {
        "id": held.id,
        "case": held.local_case_id,
        "case_href": f"/trust/cases/{held.case_id}",
        "other": held.other,
        "diagnosed": said_day(held.diagnosis_date) if held.diagnosis_date else "No date",
        "days": held.days_apart,
        "agreeing": [FIELDS[each] for each in held.agreeing],
        "differing": [FIELDS[each] for each in held.differing],
        "words": words,
        "colour": colour,
        "answer": held.answer.words if held.answer else "",
        "waits": held.answer is None and held.state == "offered",
        "decided": said_time(held.decided_at),
    }


def _given(form: FormData) -> Given | None:
    """The answer that was chosen; None where none was."""
    chosen = text(form, "answer")
    if chosen not in list(Answer):
        return None
    reason, counts = text(form, "reason"), text(form, "counts_for")
    return Given(
        Answer(chosen),
        Reason(reason) if reason in list(Reason) else None,
        text(form, "words"),
        int(counts) if counts.isdecimal() and len(counts) < 10 else None,
    )


def _again(request: Request, actor: Actor, form: FormData, ident: UUID, wrong: list[Fault], status: int) -> Response:
    tenants = actor.tenants(Right.READ_CASES)
    with _store(request).readonly(tenants=tenants) as connection:
        held = attributed.one(connection, tenants, ident)
        seen = _seen(_desk(request, connection, held, actor), held)
    return _page(request, actor, held, seen, wrong=wrong, status=status, typed=texts(form))


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands beside a case on its page: what was written with its answer, and whom of the reporter's to ask."""

    words: str
    contacts: list[Contact]


def _seen(desk: Desk, held: Attributed) -> Seen:
    return Seen(attributed.words_of(desk, held.id), attributed.contacts(desk.connection, held, today()))


def _page(
    request: Request,
    actor: Actor,
    held: Attributed,
    seen: Seen,
    *,
    done: str = "",
    shown: Mapping[str, str] | None = None,
    wrong: list[Fault] | None = None,
    status: int = 200,
    typed: Mapping[str, str] | None = None,
) -> Response:
    at, days = datetime.now(UTC), _days(request)
    standing = {
        "answer": held.answer or "",
        "reason": held.reason or "",
        "words": seen.words,
        "counts_for": str(held.counts_for or ""),
    }
    return render(
        request,
        "trust/attributed/one.html",
        status=status,
        case=held,
        line=_line(held, at, days),
        words=seen.words,
        contacts=seen.contacts,
        done=done,
        shown=shown,
        faults=wrong or [],
        values=typed or standing,
        answers=[(each.value, each.words) for each in Answer],
        reasons=[(each.value, each.words) for each in Reason],
        named={held.ours.id: held.ours.name, held.reporter.id: held.reporter.name},
        longest=attributed.LONGEST_WORDS,
        may_answer=held.open and held.ours.id in actor.tenants(Right.EDIT_CASES),
    )


# --- words


def _line(held: Attributed, at: datetime, days: int) -> dict[str, object]:
    """A case as its row and its page show it."""
    until = held.since + timedelta(days=days)
    silent = held.answer is None and until < at
    words, colour = SILENT if silent else STATES["decided" if held.decided_at else held.answer or "proposed"]
    return {
        "id": held.id,
        "ours": held.ours.name,
        "reporter": held.reporter.name,
        "vte": VteType(held.vte_type).words if held.vte_type else "",
        "diagnosed": said_day(held.diagnosis_date) if held.diagnosis_date else "",
        "admitted": said_day(held.admission_date) if held.admission_date else "",
        "discharged": said_day(held.discharge_date) if held.discharge_date else "",
        "told": said_time(held.told_at),
        "until": said_day(until),
        "silent": silent,
        "words": words,
        "colour": colour,
        "answered": said_time(held.answered_at),
        "decided": said_time(held.decided_at),
        "changed": said_time(held.changed_at) if held.changed_since else "",
    }


def _answered(held: Reported, at: datetime, days: int) -> dict[str, object]:
    """A case that was reported for another organisation, as its row shows it."""
    silent = held.state == "proposed" and held.since + timedelta(days=days) < at
    untold = held.state == "proposed" and held.told_at is None
    words, colour = SILENT if silent else UNTOLD if untold else STATES[held.state]
    return {
        "href": f"/trust/cases/{held.case_id}",
        "case": held.local_case_id,
        "ours": held.ours.name,
        "attributed": held.attributed.name,
        "words": words,
        "colour": colour,
        "told": said_time(held.told_at),
        "answered": said_time(held.decided_at or held.answered_at),
        "reason": held.reason.words if held.reason else "",
        "written": held.words,
        "counts_for": held.counts_for,
        "silent": silent,
        "untold": untold,
    }


def _days(request: Request) -> int:
    settings: Settings = request.app.state.settings
    return settings.counting.attribution_silence_days


def _desk(request: Request, connection: Connection, held: Attributed, actor: Actor) -> Desk:
    return _desk_of(request, connection, held.ours.id, actor)


def _desk_of(request: Request, connection: Connection, tenant: int, actor: Actor) -> Desk:
    state = request.app.state
    return open_desk(connection, secrets_of(state), state.settings, tenant, by=actor, at=datetime.now(UTC))


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
