"""What is done with a case from its page: move it, give it to somebody, set its date, withdraw it and bring it back.

Each form names what its person saw. What has moved on meanwhile is told on the page, with what was typed still in its box.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import confirming, online, states, story
from registry.cases.desk import Desk
from registry.cases.online import Faulty, Stale
from registry.cases.states import CaseState
from registry.cases.story import Head, Story
from registry.cases.transitions import between
from registry.errors import BadRequest, Conflict, Forbidden, NotFound, RegistryError, Unavailable, Unprocessable
from registry.web.actor import require
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.cases import told
from registry.web.trust.cases.filling import CASE, Typed, filled
from registry.web.trust.cases.page import Extra, see, shown
from registry.web.trust.cases.saving import case_address, desk_of, store_of
from registry.web.uploads import secrets_of
from schemas.codes import WithdrawReason

router = APIRouter(prefix="/trust/cases")

Editing = Annotated[Actor, require(Right.EDIT_CASES)]

UNCONFIRMED = "The record does not say how the clot was confirmed. Change the case and enter that: it is confirmed with it. Nothing was changed."
MEANWHILE = "Somebody changed this case while you had it open. Nothing was changed. Look at it again, then decide."
OFFERED = tuple(each for each in WithdrawReason if each is not WithdrawReason.NOT_HAT)
"""Reasons for withdrawing a case from its page. That it was not HAT is a move, with words of its own."""


@router.post("/{case_id}/move")
def move(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Move the case from the state that was seen to another."""
    seen, to = _state(text(form, "seen")), text(form, "to")
    if not to:
        return _again(request, actor, form, case_id, [Fault("to", "Choose where the case is to go")])
    reason = " ".join(str(form.get("reason") or "").split())
    wanted = _Wanted(case_id, seen, _state(to), reason)
    return _done(request, actor, form, case_id, "moved", lambda: _move(request, actor, wanted, form))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A move as its form names it."""

    case_id: UUID
    seen: CaseState
    to: CaseState
    reason: str


def _move(request: Request, actor: Actor, wanted: _Wanted, form: FormData) -> None:
    """What is not HAT is withdrawn as such, and comes back with its record; every other move is made at the desk alone."""
    tenants, reason = actor.tenants(Right.EDIT_CASES), wanted.reason or None
    with store_of(request).readonly(tenants=tenants) as connection:
        head = story.head(connection, tenants, wanted.case_id)
        work = states.of(connection, head.trust.id, wanted.case_id)
        past = story.story(connection, head)
    if work.state is wanted.to and _made_before(past, actor, wanted):
        return
    if work.state is wanted.seen and _by_record(head, past, wanted):
        said = WithdrawReason.NOT_HAT.value if wanted.to is CaseState.NOT_HAT else ""
        _say(request, actor, head, said, form, reason)
        return
    with store_of(request).transaction(tenants=tenants) as connection:
        desk = desk_of(request, connection, head.trust.id, actor)
        states.move(desk, wanted.case_id, wanted.to, seen=wanted.seen, reason=reason)


def _made_before(past: Story, actor: Actor, wanted: _Wanted) -> bool:
    """Whether this is the same form a second time: the last move was this one, by the same person."""
    last = next((each for each in reversed(past.events) if each.what == "moved"), None)
    return last is not None and (last.actor, dict(last.detail)) == (
        actor.label,
        {"from": wanted.seen.value, "to": wanted.to.value},
    )


def _by_record(head: Head, past: Story, wanted: _Wanted) -> bool:
    """Whether the record is to say it: a move that may be made, to or from what is not HAT. What may not, the desk refuses in words."""
    if (wanted.seen, wanted.to) == (CaseState.SUSPECTED, CaseState.CONFIRMED):
        if not confirming.is_confirmed(past.standing(CASE).get("confirmation")):
            raise Conflict(UNCONFIRMED)
        return False
    allowed = between(wanted.seen, wanted.to) is not None and len(wanted.reason) <= states.LONGEST_REASON
    if not allowed or CaseState.NOT_HAT not in (wanted.seen, wanted.to):
        return False
    if not wanted.reason:
        raise Unprocessable("Say why.", errors=[("reason", "Enter the reason")])
    return wanted.to is CaseState.NOT_HAT or head.withdrawn


@router.post("/{case_id}/assign")
def assign(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Give the case to a person, or to nobody."""
    chosen = text(form, "person")
    try:
        person = None if chosen == "nobody" else UUID(chosen)
    except ValueError:
        return _again(request, actor, form, case_id, [Fault("person", "Choose who is to have the case")])

    def act() -> None:
        _at_desk(request, actor, case_id, lambda desk: states.assign(desk, case_id, person))

    return _done(request, actor, form, case_id, "assigned", act)


@router.post("/{case_id}/due")
def due(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Set by when what is to be done is due; empty boxes take the date away."""
    day, wrong = day_or_fault(form, "due", "Enter a date, or leave all of its boxes empty")
    if wrong:
        return _again(request, actor, form, case_id, wrong)

    def act() -> None:
        _at_desk(request, actor, case_id, lambda desk: states.set_due(desk, case_id, day))

    return _done(request, actor, form, case_id, "due", act)


@router.get("/{case_id}/withdraw")
def ask_withdraw(request: Request, actor: Editing, case_id: UUID) -> Response:
    """Why the case is to be withdrawn."""
    return _withdrawing(request, actor, case_id, [])


@router.post("/{case_id}/withdraw")
def withdraw(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Withdraw the case: it stays with its story and counts no more."""
    reason = text(form, "withdraw_reason")
    if reason not in [each.value for each in OFFERED]:
        return _withdrawing(request, actor, case_id, [Fault("withdraw_reason", "Choose why the case is withdrawn")])
    return _done(request, actor, form, case_id, "withdrawn", lambda: _change(request, actor, case_id, reason, form))


@router.post("/{case_id}/restore")
def restore(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Bring back a case that was withdrawn by mistake."""
    return _done(request, actor, form, case_id, "restored", lambda: _change(request, actor, case_id, "", form))


def _change(request: Request, actor: Actor, case_id: UUID, reason: str, form: FormData) -> None:
    tenants = actor.tenants(Right.EDIT_CASES)
    with store_of(request).readonly(tenants=tenants) as connection:
        head = story.head(connection, tenants, case_id)
    if not reason and head.withdrawn and head.withdraw_reason not in told.RESTORABLE:
        raise Conflict("This case cannot be brought back from here.")
    _say(request, actor, head, reason, form, None)


def _say(request: Request, actor: Actor, head: Head, withdrawn: str, form: FormData, reason: str | None) -> None:
    """Let the record say that it is withdrawn, or is not; its work ends or begins with that. Raises Conflict where it cannot."""
    given = filled(form, new=False)
    # Work that the worker has not taken in yet begins where it stood before.
    _at_desk(request, actor, head.case_id, lambda desk: states.begin(desk, head.case_id))
    done = online.save(
        store_of(request),
        head.trust.id,
        online.Form(
            kind=CASE,
            key=head.local_case_id,
            text={"withdraw_reason": withdrawn},
            base_version=given.base_version or head.version,
            once=given.once,
            # Nothing of the patient is in it that was not there: whoever sent that declared it.
            opt_out_screened=True,
            reason=reason,
        ),
        secrets=secrets_of(request.app.state),
        settings=request.app.state.settings,
        by=actor,
        at=datetime.now(UTC),
    )
    if isinstance(done, Faulty):
        raise Conflict(" ".join(f"{each.words} {each.mend}" for each in done.findings))
    if isinstance(done, Stale):
        raise Conflict(MEANWHILE)


def _at_desk(request: Request, actor: Actor, case_id: UUID, act: Callable[[Desk], object]) -> None:
    tenants = actor.tenants(Right.EDIT_CASES)
    with store_of(request).transaction(tenants=tenants) as connection:
        head = story.head(connection, tenants, case_id)
        act(desk_of(request, connection, head.trust.id, actor))


def _done(
    request: Request, actor: Actor, form: FormData, case_id: UUID, done: str, act: Callable[[], None]
) -> Response:
    """Do it, and on to the page; or the page with why it was not done."""
    try:
        act()
    except Unprocessable as refused:
        return _again(request, actor, form, case_id, faults((each.pointer, each.words) for each in refused.errors))
    except (BadRequest, Conflict, Forbidden, Unavailable) as refused:
        return _again(request, actor, form, case_id, [Fault("", refused.detail)], refused)
    return RedirectResponse(f"{case_address(case_id)}?done={done}", 303)


def _again(
    request: Request,
    actor: Actor,
    form: FormData,
    case_id: UUID,
    wrong: list[Fault],
    refused: RegistryError | None = None,
) -> Response:
    with store_of(request).readonly(tenants=actor.tenants(Right.READ_CASES)) as connection:
        seen = see(request, connection, actor, case_id)
    status = refused.status if refused else 422
    return shown(request, actor, seen, Extra(faults=tuple(wrong), typed=texts(form), status=status))


def _withdrawing(request: Request, actor: Actor, case_id: UUID, wrong: list[Fault]) -> Response:
    tenants = actor.tenants(Right.EDIT_CASES)
    with store_of(request).readonly(tenants=tenants) as connection:
        head = story.head(connection, tenants, case_id)
    return render(
        request,
        "trust/cases/withdraw.html",
        status=422 if wrong else 200,
        head=head,
        once=secrets.token_hex(16),
        reasons=[(each.value, each.words) for each in OFFERED],
        faults=wrong,
    )


def _state(value: str) -> CaseState:
    """Raises NotFound for what is no state."""
    try:
        return CaseState(value)
    except ValueError:
        raise NotFound from None
