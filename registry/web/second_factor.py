"""`/second-factor`: the second half of signing in, setting up an authenticator app, proving it anew, and recovery codes.

With a password alone nothing but these pages opens; they find the half of a session that the password began.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Kind, Right
from registry.accounts import second_factor, sessions
from registry.accounts.actors import actor_of_person
from registry.accounts.people import person_by_id
from registry.accounts.sessions import Half, How
from registry.errors import Conflict
from registry.store import SYSTEM_TENANT
from registry.web import proving, step_up
from registry.web.actor import AGAIN, SIGN_IN, confirm_first, require, stranger, who
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.forgery import keep_session, session_cookie
from registry.web.landing import landing, ours
from registry.web.pages import render
from registry.web.proving import store_of
from registry.web.signin import provider_name

router = APIRouter()

Form = Annotated[FormData, Depends(submitted_form)]
Signed = Annotated[Actor, require(Right.OWN_ACCOUNT)]
PAGE = "/second-factor"
SET_UP = f"{PAGE}/set-up"
NOT_YET = Fault("code", "This is not the code that your app shows now for the secret on this page. Enter the next one")


# --- signing in


@router.get(PAGE)
def ask(request: Request, next: str = "") -> Response:  # noqa: A002 -- the parameter's name is public
    """The form for the code."""
    begun = _half(request)
    if begun is None:
        return RedirectResponse(SIGN_IN, 303)
    if not begun.has_factor:
        return RedirectResponse(_on(SET_UP, ours(next)), 303)
    return _ask(request, ours(next))


def _ask(request: Request, going_to: str, faults: Sequence[Fault] = ()) -> Response:
    status = 401 if faults else 200
    words = {"next": going_to, "faults": faults, "action": PAGE, "again": False, "own": True}
    return render(request, "signin/code.html", status=status, **words)


@router.post(PAGE)
def give(request: Request, form: Form) -> Response:
    """The whole session, under a new id, for a right code or recovery code."""
    begun, going_to = _half(request), ours(text(form, "next"))
    if begun is None or not begun.has_factor:
        return RedirectResponse(SIGN_IN, 303)
    if not text(form, step_up.FIELD):
        return _ask(request, going_to, (step_up.MISSING,))
    secret = proving.finish(request, begun, text(form, step_up.FIELD))
    if secret is None:
        return _ask(request, going_to, (step_up.WRONG,))
    keep_session(request, secret)
    return RedirectResponse(going_to or landing(request, secret), 303)


def _half(request: Request) -> Half | None:
    secret = session_cookie(request)
    if not secret:
        return None
    with store_of(request).readonly() as connection:
        return sessions.half(connection, secret)


def _on(address: str, going_to: str) -> str:
    return f"{address}?next={quote(going_to, safe='/')}" if going_to else address


# --- set up


class _Enrolling:
    """Whoever sets up an app: somebody with half a session and none yet, or somebody signed in who takes another."""

    def __init__(self, request: Request) -> None:
        self.half = _half(request)
        actor = who(request)
        if self.half is not None and not self.half.has_factor:
            self.digest, self.person_id = self.half.digest, self.half.person_id
        elif actor.kind is Kind.PERSON and actor.session is not None and actor.id is not None:
            confirm_first(request, actor, SET_UP)
            self.half, self.digest, self.person_id = None, actor.session, actor.id
        else:
            raise stranger(request)

    @property
    def anew(self) -> bool:
        return self.half is None


@router.get(SET_UP)
def ask_set_up(request: Request, next: str = "") -> Response:  # noqa: A002 -- as above
    """The secret as a picture and as text, and the form for the first code of it."""
    return _set_up_page(request, _Enrolling(request), ours(next))


def _set_up_page(request: Request, one: _Enrolling, going_to: str, faults: Sequence[Fault] = ()) -> Response:
    with store_of(request).transaction() as connection:
        secret = second_factor.offered(proving.registry_keys(request, connection), one.digest)
        user_name = person_by_id(connection, one.person_id).user_name
    return render(
        request,
        "signin/set_up.html",
        status=422 if faults else 200,
        faults=faults,
        next=going_to,
        picture=_picture(second_factor.address(secret, user_name)),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        user_name=user_name,
        service=second_factor.SERVICE,
        anew=one.anew,
        reset_at=one.half.reset_at if one.half else None,
    )


def _picture(address: str) -> Markup:
    """The QR code, drawn here: no other host hears of the secret, and no picture of it has an address."""
    code = segno.make_qr(address, error="m")
    drawn = code.svg_inline(scale=5, border=4, light="#ffffff", dark="#000000", svgclass=None, lineclass=None)
    return Markup(drawn.replace("<svg ", '<svg role="img" aria-label="QR code of the secret" ', 1))  # noqa: S704 -- segno's own drawing


@router.post(SET_UP)
def set_up(request: Request, form: Form) -> Response:
    """Keep the secret that the page showed, once a code of it was entered; shows the recovery codes, this once."""
    one, going_to = _Enrolling(request), ours(text(form, "next"))
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = second_factor.offered(proving.registry_keys(request, connection), one.digest)
        step = second_factor.step_of(secret, second_factor.normal(text(form, step_up.FIELD)), datetime.now(UTC))
        if step is not None:
            session, codes = _kept(request, connection, one, secret, step)
            request.state.actor = actor_of_person(connection, one.person_id)
    if step is None:
        return _set_up_page(request, one, going_to, (NOT_YET,))
    keep_session(request, session)
    return _codes_page(request, codes, going_to or ("/account" if one.anew else landing(request, session)))


def _kept(
    request: Request, connection: Connection, one: _Enrolling, secret: str, step: int
) -> tuple[str, tuple[str, ...]]:
    """The new session and the recovery codes. Raises Conflict where somebody else was first, or the half session is over."""
    keys = proving.registry_keys(request, connection)
    by = actor_of_person(connection, one.person_id)
    codes = second_factor.set_up(connection, keys, one.person_id, secret, step, anew=one.anew, by=by)
    if one.half is None:
        return sessions.renew(connection, who(request), How.CODE), codes
    session = sessions.finish(connection, one.half, How.CODE)
    if session is None:
        raise Conflict("It took too long, or the account was closed meanwhile. Sign in again.")
    return session, codes


def _codes_page(request: Request, codes: Sequence[str], going_to: str) -> Response:
    return render(request, "signin/codes.html", codes=codes, next=going_to)


# --- proven anew


@router.get(AGAIN)
def ask_again(request: Request, actor: Signed, next: str = "") -> Response:  # noqa: A002 -- as above
    """The form for a code, for somebody who is signed in and goes on to something dangerous."""
    if actor.fresh:
        return RedirectResponse(ours(next) or "/account", 303)
    return _again(request, actor, ours(next))


def _again(request: Request, actor: Actor, going_to: str, faults: Sequence[Fault] = ()) -> Response:
    with store_of(request).readonly() as connection:
        own = actor.id is not None and second_factor.standing(connection, actor.id) is not None
    status = 422 if faults else 200
    words = {
        "next": going_to,
        "faults": faults,
        "action": AGAIN,
        "again": True,
        "own": own,
        "provider": provider_name(request),
    }
    return render(request, "signin/code.html", status=status, **words)


@router.post(AGAIN)
def give_again(request: Request, actor: Signed, form: Form) -> Response:
    """The session under a new id, for a right code."""
    wrong = step_up.prove(request, actor, text(form, step_up.FIELD))
    going_to = ours(text(form, "next"))
    return _again(request, actor, going_to, (wrong,)) if wrong else RedirectResponse(going_to or "/account", 303)


@router.post("/account/recovery-codes")
def new_codes(
    request: Request, actor: Annotated[Actor, require(Right.OWN_ACCOUNT, fresh=True)], _form: Form
) -> Response:
    """New recovery codes, shown this once; the old ones are over."""
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        codes = second_factor.renew_recovery_codes(connection, by=actor)
    return _codes_page(request, codes, "/account")
