"""Who is asking: from the session's cookie or the bearer token to the actor, and the right that a handler asks for.

A handler says what it asks for in plain sight: `actor: Annotated[Actor, require(Right.SUBMIT)]`, before anything that reads the
request's body. The database is asked in a transaction of its own that has ended when the handler begins.

Nobody learns from an answer what exists: without the right it is as for an address that leads nowhere (404); a stranger is sent
to sign in, or answered 401 under /api, at every address below those that are not public, whether there is something or not.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, FastAPI
from fastapi.routing import iter_route_contexts
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from registry.access import ANYBODY, PUBLIC, ROUTES, Actor, Kind, Right, route_name
from registry.access import Scope as AccessScope
from registry.accounts import clients, sessions, tokens
from registry.accounts.sessions import Limits
from registry.errors import Forbidden, NotFound, Unauthorised
from registry.settings import Settings
from registry.store import Store
from registry.web.forgery import SAFE_METHODS, check_form_token, origin_of, session_cookie
from registry.web.problems import is_machine

SIGN_IN = "/sign-in"
BEARER = "bearer "
CLIENTS = "/fhir/"
"""Below this alone the access tokens of machine clients are known."""


AGAIN = "/second-factor/again"
"""Where somebody proves anew who they are."""
CONFIRM_FIRST = "Confirm with a code that it is you, on the page /second-factor/again, and ask again."
FILES = (".csv", ".xlsx")


class SignInNeededError(Exception):
    """A page was asked for by somebody who is not signed in, or no longer."""


class ConfirmFirstError(Exception):
    """Something dangerous was asked for by somebody who proved more than a password too long ago. `back` is where to go on then."""

    def __init__(self, back: str) -> None:
        self.back = back
        super().__init__(back)


def limits(settings: Settings) -> Limits:
    """How long sessions hold."""
    return Limits(
        timedelta(minutes=settings.session_idle_minutes),
        timedelta(hours=settings.session_hours),
        timedelta(minutes=settings.step_up_minutes),
    )


def who(request: Request) -> Actor:
    """Whoever asks; `ANYBODY` for a stranger. Raises Unauthorised for a bearer token that is not valid (any more).

    Under the addresses for programs a token goes before a cookie, and a cookie's unsafe requests need the form token in their header;
    pages take the cookie alone. A machine client's access token is known below /fhir only.
    """
    found: Actor | None = getattr(request.state, "actor", None)
    if found is None:
        found = _of_program(request) if is_machine(request.url.path) else _of_session(request)
        request.state.actor = found
    return found


def _of_program(request: Request) -> Actor:
    given = request.headers.get("authorization")
    if given is None:
        found = _of_session(request)
        if found.kind is Kind.PERSON and request.method not in SAFE_METHODS:
            check_form_token(request, None)
        return found
    if not given.lower().startswith(BEARER):
        raise Unauthorised
    secret = given[len(BEARER) :].strip()
    with _store(request).readonly() as connection:
        program = tokens.actor(connection, secret)
        if program is None and request.scope["path"].startswith(CLIENTS):
            program = clients.actor(connection, secret)
    if program is None:
        raise Unauthorised
    return program


def _of_session(request: Request) -> Actor:
    secret = session_cookie(request)
    if not secret:
        return ANYBODY
    with _store(request).transaction() as connection:
        return sessions.actor(connection, secret, limits(request.app.state.settings)) or ANYBODY


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


@dataclass(frozen=True, slots=True)
class Asked:
    """The dependency behind `require`; `right` is compared with the table of routes by a test."""

    right: Right
    fresh: bool = False

    def __call__(self, request: Request) -> Actor:
        actor = who(request)
        if actor.kind is Kind.PUBLIC:
            raise stranger(request)
        if not actor.may(self.right):
            raise NotFound
        if self.fresh:
            confirm_first(request, actor)
        return actor


def require(right: Right, *, fresh: bool = False) -> Any:
    """The actor, if the right is held; else the request ends here, with nothing told. `fresh`: as `confirm_first` asks."""
    return Depends(Asked(right, fresh))


def confirm_first(request: Request, actor: Actor, back: str = "") -> None:
    """Go on only if this person proved more than a password within the last minutes; else that is asked for, then `back` is opened.

    By default what is gone back to is the page that was asked for, or, where a form or a file was, the page it was on. Programs, whose
    tokens are made for this, go on.
    """
    if actor.kind is not Kind.PERSON or actor.fresh:
        return
    if is_machine(request.url.path):
        raise Forbidden(CONFIRM_FIRST)
    asked = request.method in ("GET", "HEAD") and not request.url.path.endswith(FILES)
    raise ConfirmFirstError(back or (_with_query(request) if asked else _page_before(request)))


def _with_query(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _page_before(request: Request) -> str:
    """The page of ours that a form or link was on, as the browser says; the start page where it does not."""
    parts = urlsplit(request.headers.get("referer", ""))
    if f"{parts.scheme}://{parts.netloc}".lower() != origin_of(request.app.state.settings.base_url):
        return "/"
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


def needs_scope(actor: Actor, scope: AccessScope) -> None:
    """Refuse (403) a machine client whose access token lacks the scope. People and API tokens have none to lack."""
    if not actor.allows(scope):
        raise Forbidden(f"The access token lacks the scope {scope.value}. Ask the token endpoint for one that has it.")


def stranger(request: Request) -> Exception:
    """What to raise for somebody who is not signed in."""
    return Unauthorised() if is_machine(request.url.path) else SignInNeededError()


def permitted(actor: Actor, right: Right, tenant: int) -> int:
    """The organisation, if the actor holds the right over it. Raises NotFound: it may not exist, or not be theirs."""
    if tenant not in actor.tenants(right):
        raise NotFound
    return tenant


# --- addresses that lead nowhere


def install(app: FastAPI) -> None:
    """Take over what is absent, and send strangers to sign in. Call it when all routes are there."""
    areas = protected_areas(app)

    async def absent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app.router.not_found(scope, receive, send)
            return
        request = Request(scope, receive)
        actor = await run_in_threadpool(who, request)
        if actor.kind is Kind.PUBLIC and _area(request.url.path) in areas:
            raise stranger(request)
        raise NotFound

    app.router.redirect_slashes = False
    app.router.default = absent
    app.add_exception_handler(SignInNeededError, to_sign_in)
    app.add_exception_handler(ConfirmFirstError, _to_confirm)


def protected_areas(app: FastAPI) -> Collection[str]:
    """The first parts of all addresses behind which something is not public."""
    found = set()
    for route in iter_route_contexts(app.routes):
        if route.endpoint is not None and ROUTES.get(name_of(route.endpoint), PUBLIC) is not PUBLIC:
            found.add(_area(route.path or ""))
    return frozenset(found)


def name_of(endpoint: Any) -> str:
    """A handler's name in the table of routes."""
    return route_name(endpoint.__module__, endpoint.__name__)


def _area(path: str) -> str:
    return path.strip("/").split("/", 1)[0]


async def to_sign_in(request: Request, _error: Exception) -> Response:
    """303, so that a form that was sent is not sent again; only what was read is come back to."""
    back = quote(request.url.path) if request.method in ("GET", "HEAD") else ""
    return RedirectResponse(f"{SIGN_IN}?next={back}" if back else SIGN_IN, 303)


async def _to_confirm(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ConfirmFirstError)
    return RedirectResponse(f"{AGAIN}?next={quote(error.back, safe='/')}", 303)
