"""Signing in and out, setting a password by a single-use link, and one's own sessions."""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.accounts import guessing, links, passwords, people, second_factor, sessions
from registry.store import SYSTEM_TENANT, Store
from registry.web import proving
from registry.web.actor import limits, require, who
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.forgery import keep_session, session_cookie
from registry.web.landing import ours
from registry.web.pages import render

router = APIRouter()

Form = Annotated[FormData, Depends(submitted_form)]
REFUSED = Fault("user_name", "The user name and the password do not go together, or the account is closed")


@router.get("/sign-in")
def ask(request: Request, next: str = "", done: str = "") -> Response:  # noqa: A002 -- the parameter's name is public
    """The form; `next` is where to go on, if it is an address of ours."""
    words: dict[str, Any] = {"faults": (), "user_name": "", "password_set": done == "password"}
    return render(request, "signin/ask.html", next=ours(next), provider=provider_name(request), **words)


@router.post("/sign-in")
def sign_in(request: Request, form: Form) -> Response:
    """The first half of a session, under a new id; whatever session the browser had ends. The same answer for an unknown name."""
    store: Store = request.app.state.store
    user_name, going_to = text(form, "user_name"), ours(text(form, "next"))
    if missing := _missing(user_name, typed(form, "password")):
        return _refused(request, user_name, going_to, missing, 422)
    tried = proving.take(request, name=user_name.lower())
    with store.readonly() as connection:
        account = sessions.account(connection, user_name)
    right = passwords.matches(account.password_hash if account else None, typed(form, "password"))
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = sessions.begin(connection, account) if right and account else None
        if secret is None:
            sessions.refused(connection, account)
        else:
            guessing.give_back(connection, tried)
            if old := session_cookie(request):
                sessions.replace(connection, old)
    if secret is None:
        return _refused(request, user_name, going_to)
    keep_session(request, secret)
    return RedirectResponse(f"/second-factor?next={quote(going_to, safe='/')}" if going_to else "/second-factor", 303)


def _missing(user_name: str, password: str) -> list[Fault]:
    """What was left empty. It is no try: nothing was guessed."""
    empty = [Fault("user_name", "Enter your user name")] if not user_name else []
    return [*empty, Fault("password", "Enter your password")] if not password else empty


def _refused(
    request: Request, user_name: str, going_to: str, faults: Sequence[Fault] = (REFUSED,), status: int = 401
) -> Response:
    return render(
        request,
        "signin/ask.html",
        status=status,
        next=going_to,
        faults=faults,
        user_name=user_name,
        password_set=False,
        provider=provider_name(request),
    )


@router.post("/sign-out")
def sign_out(request: Request, _form: Form) -> Response:
    """End the session, if there is one, and forget the cookie."""
    store: Store = request.app.state.store
    actor = who(request)
    if actor.session is not None:
        with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            sessions.end(connection, actor.session.hex(), by=actor)
    elif half := session_cookie(request):
        with store.transaction() as connection:
            sessions.replace(connection, half)
    keep_session(request, "")
    return RedirectResponse("/sign-in", 303)


@router.get("/set-password/{link}")
def ask_password(request: Request, link: str) -> Response:
    """The form behind a link; looking at it does not use the link up."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        person = links.holder(connection, link)
    return render(request, "signin/set_password.html", link=link, user_name=person.user_name, faults=())


@router.post("/set-password/{link}")
def set_password(request: Request, link: str, form: Form) -> Response:
    """Set the password, once; then one signs in with it."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        person = links.holder(connection, link)
    password, again = typed(form, "password"), typed(form, "again")
    faults = [Fault("password", words) for words in passwords.faults(password, (person.user_name, person.display_name))]
    if again != password:
        faults.append(Fault("again", "The two passwords are not the same"))
    if faults:
        page = {"link": link, "user_name": person.user_name, "faults": faults}
        return render(request, "signin/set_password.html", status=422, **page)
    hashed = passwords.hashed(password)
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        links.use(connection, link, hashed)
    return RedirectResponse("/sign-in?done=password", 303)


@router.get("/account")
def own_sessions(request: Request, actor: Annotated[Actor, require(Right.OWN_ACCOUNT)]) -> Response:
    """Where this person is signed in, and what this person may do for whom."""
    store: Store = request.app.state.store
    with store.readonly() as connection:
        living = sessions.own(connection, actor, limits(request.app.state.settings))
        held = people.person_by_id(connection, actor.id).memberships if actor.id else ()
        factor = second_factor.standing(connection, actor.id) if actor.id else None
    return render(request, "signin/account.html", sessions=living, held=held, factor=factor)


@router.post("/account/sessions/end-others")
def end_other_sessions(request: Request, actor: Annotated[Actor, require(Right.OWN_ACCOUNT)], _form: Form) -> Response:
    """End all of one's own sessions but this one."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        sessions.end_others(connection, by=actor)
    return RedirectResponse("/account", 303)


@router.post("/account/sessions/{handle}/end")
def end_session(
    request: Request, handle: str, actor: Annotated[Actor, require(Right.OWN_ACCOUNT)], _form: Form
) -> Response:
    """End one of one's own sessions."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        sessions.end(connection, handle, by=actor)
    return RedirectResponse("/account", 303)


def provider_name(request: Request) -> str:
    """What the configured provider is called; empty where there is none."""
    rules = request.app.state.settings.provider
    return rules.name if rules.issuer else ""


def typed(form: FormData, name: str) -> str:
    """A password exactly as it was typed."""
    value = form.get(name)
    return value if isinstance(value, str) else ""
