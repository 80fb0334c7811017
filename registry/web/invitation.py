"""`/invitation/…`: what an invited person sees. The same page whoever opens it, and whether the address has an account or not."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Kind
from registry.accounts import invitations, passwords, sessions
from registry.errors import Conflict
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import stranger, who
from registry.web.bodies import submitted_form
from registry.web.fields import Fault
from registry.web.forgery import keep_session
from registry.web.pages import render
from registry.web.signin import typed

router = APIRouter(prefix="/invitation")

Form = Annotated[FormData, Depends(submitted_form)]


@router.get("/{link}")
def ask(request: Request, link: str) -> Response:
    """Who invites, to what; looking at it does not use the link up."""
    return _page(request, link, who(request), [])


def _page(request: Request, link: str, actor: Actor, wrong: list[Fault]) -> Response:
    with _store(request).readonly() as connection:
        found = invitations.find(connection, link)
    words = {"found": found, "link": link, "known": actor if actor.kind is Kind.PERSON else None, "faults": wrong}
    return render(request, "invitation/ask.html", status=422 if wrong else 200, **words)


@router.post("/{link}/join")
def join(request: Request, link: str, form: Form) -> Response:
    """Accept with a new account, whose password is chosen here."""
    with _store(request).readonly() as connection:
        found = invitations.find(connection, link)
    password, again = typed(form, "password"), typed(form, "again")
    wrong = [Fault("password", words) for words in passwords.faults(password, (found.address, found.name))]
    if again != password:
        wrong.append(Fault("again", "The two passwords are not the same"))
    if wrong:
        return _page(request, link, who(request), wrong)
    hashed = passwords.hashed(password)
    try:
        with _store(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
            invitations.join(connection, link, hashed)
    except Conflict as taken:
        return _page(request, link, who(request), [Fault("password", taken.detail)])
    return RedirectResponse("/sign-in?done=password", 303)


@router.post("/{link}/accept")
def accept(request: Request, link: str, _form: Form) -> Response:
    """Accept as the person who is signed in."""
    actor = who(request)
    if actor.kind is not Kind.PERSON:
        raise stranger(request)
    with _store(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        invitations.accept(connection, link, by=actor)
        # Other sessions end with the new roles; this one goes on under a new id.
        secret = sessions.carry_over(connection, actor)
    keep_session(request, secret)
    return RedirectResponse("/account", 303)


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
