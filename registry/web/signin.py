"""Signing in and out, setting a password by a single-use link, and one's own sessions."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.accounts import links, passwords, people, sessions
from registry.store import SYSTEM_TENANT, Store
from registry.web import pages
from registry.web.actor import limits, require, who
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.forgery import cookie_name, is_https, session_cookie
from registry.web.pages import render

router = APIRouter()

Form = Annotated[FormData, Depends(submitted_form)]
REFUSED = Fault("user_name", "The user name and the password do not go together, or the account is closed")


@router.get("/sign-in")
def ask(request: Request, next: str = "", done: str = "") -> Response:  # noqa: A002 -- the parameter's name is public
    """The form; `next` is where to go on, if it is an address of ours."""
    return render(request, "signin/ask.html", next=ours(next), faults=(), user_name="", password_set=done == "password")


@router.post("/sign-in")
def sign_in(request: Request, form: Form) -> Response:
    """A new session, under a new id; whatever session the browser had ends. The same answer for an unknown name."""
    store: Store = request.app.state.store
    user_name = text(form, "user_name")
    with store.readonly() as connection:
        account = sessions.account(connection, user_name)
    right = passwords.matches(account.password_hash if account else None, typed(form, "password"))
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = sessions.begin(connection, account) if right and account else None
        if secret is None:
            sessions.refused(connection, account)
        elif old := session_cookie(request):
            sessions.replace(connection, old)
    if secret is None:
        return _refused(request, user_name, ours(text(form, "next")))
    response = RedirectResponse(ours(text(form, "next")) or landing(request, secret), 303)
    _keep(request, response, secret)
    return response


def _refused(request: Request, user_name: str, going_to: str) -> Response:
    return render(
        request,
        "signin/ask.html",
        status=401,
        next=going_to,
        faults=(REFUSED,),
        user_name=user_name,
        password_set=False,
    )


def landing(request: Request, secret: str) -> str:
    """The first page that is linked for this person and not for everybody; else the start page."""
    store: Store = request.app.state.store
    with store.transaction() as connection:
        actor = sessions.actor(connection, secret, limits(request.app.state.settings))
    return next((href for _, href, right in pages.NAVIGATION if actor and right and actor.may(right)), "/")


@router.post("/sign-out")
def sign_out(request: Request, _form: Form) -> Response:
    """End the session, if there is one, and forget the cookie."""
    store: Store = request.app.state.store
    actor = who(request)
    if actor.session is not None:
        with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            sessions.end(connection, actor.session.hex(), by=actor)
    response = RedirectResponse("/sign-in", 303)
    base_url = request.app.state.settings.base_url
    response.delete_cookie(cookie_name(base_url), path="/", secure=is_https(base_url), httponly=True, samesite="lax")
    return response


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
    return render(request, "signin/account.html", sessions=living, held=held)


@router.post("/account/sessions/{handle}/end")
def end_session(
    request: Request, handle: str, actor: Annotated[Actor, require(Right.OWN_ACCOUNT)], _form: Form
) -> Response:
    """End one of one's own sessions."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        sessions.end(connection, handle, by=actor)
    return RedirectResponse("/account", 303)


def ours(address: str) -> str:
    """The address, if it is a path of this service; else empty. A browser reads `//` and `/\\` as another host."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) and "\\" not in address else ""


def typed(form: FormData, name: str) -> str:
    """A password exactly as it was typed."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _keep(request: Request, response: Response, secret: str) -> None:
    base_url = request.app.state.settings.base_url
    response.set_cookie(
        cookie_name(base_url), secret, path="/", secure=is_https(base_url), httponly=True, samesite="lax"
    )
