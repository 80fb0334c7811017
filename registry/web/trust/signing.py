"""`/trust/sign-off`: the trust lead signs months off; anybody who sends for the trust may ask, with a reason, to have one unlocked."""

from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, NotFound, Unprocessable
from registry.store import Store
from registry.submissions import signing
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.pages import render
from registry.web.trust.choosing import Choice, choose
from registry.web.trust.paste import month_of
from registry.web.trust.present import RETURNS, said_time, today
from registry.web.uploads import keys_of

router = APIRouter(prefix="/trust/sign-off")

Reading = Annotated[Actor, require(Right.READ_SUBMISSIONS)]
Sending = Annotated[Actor, require(Right.SUBMIT)]
Leading = Annotated[Actor, require(Right.SIGN_OFF_RETURN)]
Form = Annotated[FormData, Depends(submitted_form)]
MONTHS = 24


@router.get("")
def index(request: Request, actor: Reading, organisation: str = "") -> Response:
    """The closed months with what is declared of them."""
    return _page(request, actor, choose(request, actor, Right.READ_SUBMISSIONS, organisation))


@router.post("/sign")
def sign(request: Request, actor: Leading, form: Form) -> Response:
    """Sign one month off, as it stood on the page."""

    def work(connection: Connection, choice: Choice, month: date) -> None:
        seen = text(form, "version")
        version = int(seen) if seen.isdecimal() and len(seen) < 9 else -1
        signing.sign(connection, choice.chosen.id, month, seen=version, by=actor, on=today())

    return _done(request, actor, form, Right.SIGN_OFF_RETURN, work)


@router.post("/ask")
def ask_unlock(request: Request, actor: Sending, form: Form) -> Response:
    """Ask the trust lead to unlock a month."""

    def work(connection: Connection, choice: Choice, month: date) -> None:
        keys = keys_of(request.app.state, connection, choice.chosen.id)
        signing.ask(connection, choice.chosen.id, month, text(form, "reason"), keys, by=actor)

    return _done(request, actor, form, Right.SUBMIT, work)


@router.post("/unlock")
def unlock(request: Request, actor: Leading, form: Form) -> Response:
    """Unlock a month."""

    def work(connection: Connection, choice: Choice, month: date) -> None:
        keys = keys_of(request.app.state, connection, choice.chosen.id)
        signing.unlock(connection, choice.chosen.id, month, text(form, "reason"), keys, by=actor)

    return _done(request, actor, form, Right.SIGN_OFF_RETURN, work)


def _done(
    request: Request, actor: Actor, form: FormData, right: Right, work: Callable[[Connection, Choice, date], None]
) -> Response:
    """Do it and come back to the page; what cannot be done is told there, and what was typed stays."""
    choice = choose(request, actor, right, text(form, "organisation"))
    month = month_of(text(form, "month"))
    if month is None:
        raise NotFound
    try:
        with _store(request).transaction(tenants=(choice.chosen.id,)) as connection:
            work(connection, choice, month)
    except Unprocessable as refused:
        faults = [Fault(f"reason-{month:%Y-%m}", each.words) for each in refused.errors]
        return _page(request, actor, choice, faults, refused.status, {f"{month:%Y-%m}": text(form, "reason")})
    except Conflict as refused:
        return _page(request, actor, choice, [Fault("", f"{month:%B %Y}: {refused.detail}")], refused.status)
    return RedirectResponse(f"/trust/sign-off?organisation={choice.chosen.code}", 303)


def _page(
    request: Request,
    actor: Actor,
    choice: Choice,
    faults: list[Fault] | None = None,
    status: int = 200,
    reasons: dict[str, str] | None = None,
) -> Response:
    tenant = choice.chosen.id
    with _store(request).readonly(tenants=(tenant,)) as connection:
        keys = keys_of(request.app.state, connection, tenant)
        lines = signing.lines(connection, tenant, keys, on=today(), months=MONTHS)
    return render(
        request,
        "trust/signing.html",
        status=status,
        choice=choice,
        lines=lines,
        returns=RETURNS,
        said_time=said_time,
        may_sign=tenant in actor.tenants(Right.SIGN_OFF_RETURN),
        may_ask=tenant in actor.tenants(Right.SUBMIT),
        faults=faults or [],
        reasons=reasons or {},
    )


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
