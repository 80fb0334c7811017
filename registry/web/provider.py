"""`/sign-in/provider`: signing in, or proving it anew, by the word of the configured provider. Without one these addresses lead nowhere.

Both are links, not forms: the policy of our pages lets forms go nowhere else, and what comes back is believed only from the browser
that has the flow's own cookie.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Kind, Right
from registry.accounts import guessing, identities, new_secret, sessions
from registry.accounts.identities import Flow
from registry.accounts.people import person_by_id
from registry.accounts.provider import Fault, Identity, Provider, UnbelievedError, of
from registry.accounts.sessions import How
from registry.errors import Forbidden, NotFound, Unauthorised, Unavailable
from registry.identifiers import same
from registry.settings import Settings, provider_secret
from registry.store import SYSTEM_TENANT
from registry.web import proving
from registry.web.actor import SIGN_IN, require, who
from registry.web.bodies import submitted_form
from registry.web.fields import text
from registry.web.forgery import is_https, keep_session, session_cookie
from registry.web.landing import landing, ours
from registry.web.proving import store_of

router = APIRouter()

PAGE = f"{SIGN_IN}/provider"
BACK = f"{PAGE}/back"
WEAK = "You signed in there with less than is asked here. Sign in again, with your smartcard or another strong way."
UNKNOWN = (
    "You are signed in there, but no account here is linked to you. Ask the administrator of the registry to link it."
)
NOT_BELIEVED = "What came back could not be believed. Begin again from the page Sign in."

Managing = Annotated[Actor, require(Right.MANAGE_PEOPLE, fresh=True)]
Form = Annotated[FormData, Depends(submitted_form)]
Letters = Annotated[str, Query(max_length=4096)]


def provider_of(request: Request) -> Provider:
    """The configured provider, once a process. Raises NotFound where there is none."""
    settings: Settings = request.app.state.settings
    if settings.provider.issuer is None:
        raise NotFound
    held: Provider | None = getattr(request.app.state, "provider", None)
    if held is None:
        held = request.app.state.provider = Provider(settings.provider, provider_secret(settings.secrets_dir))
    return held


@router.get(PAGE)
def leave(request: Request, next: str = "", again: bool = False) -> Response:  # noqa: A002 -- the parameter's name is public
    """On to the provider, under a new secret of this browser's."""
    provider, actor = provider_of(request), who(request)
    if again and actor.kind is not Kind.PERSON:
        return RedirectResponse(SIGN_IN, 303)
    proving.take(request)
    secret = new_secret()
    try:
        address = provider.address(secret, _back(request), datetime.now(UTC), again=again)
    except UnbelievedError:
        raise Unavailable(f"{provider.rules.name} cannot be reached just now. Sign in with your password, or try again.") from None  # fmt: skip
    with store_of(request).transaction() as connection:
        identities.begin(connection, secret, ours(next), actor.session if again else None)
    response = RedirectResponse(address, 303)
    _cookie(request, response, secret)
    return response


@router.get(BACK)
def come_back(request: Request, code: Letters = "", state: Letters = "", iss: Letters = "") -> Response:
    """Whom the provider sends back: signed in, if an account is linked and all is believed."""
    provider = provider_of(request)
    secret = request.cookies.get(_cookie_name(request), "")
    flow = _flow(request, secret, state)
    if flow is None or not code or iss not in ("", provider.issuer):
        raise _refused(request, Fault.CODE)
    try:
        found = provider.identity(secret, code, _back(request), datetime.now(UTC), again=flow.session is not None)
    except UnbelievedError as error:
        raise _refused(request, error.fault) from None
    session = _let_in(request, flow, found)
    keep_session(request, session)
    response = RedirectResponse(flow.next or landing(request, session), 303)
    _cookie(request, response, "")
    return response


def _flow(request: Request, secret: str, state: str) -> Flow | None:
    """What this browser had begun, used up; None where the state is not its own."""
    if not secret or not same(state.encode(), of(secret, "state").encode()):
        return None
    with store_of(request).transaction() as connection:
        return identities.use(connection, secret)


def _let_in(request: Request, flow: Flow, found: Identity) -> str:
    """The secret of the session. Raises Forbidden where no account is linked, or it is closed or another's."""
    actor = who(request)
    tried = proving.take(request)
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        person_id = identities.person_of(connection, found)
        session = None
        if person_id is not None and flow.session is None:
            session = sessions.enter(connection, person_id, How.PROVIDER)
            if session and (old := session_cookie(request)):
                sessions.replace(connection, old)
        elif person_id is not None and (actor.id, actor.session) == (person_id, flow.session):
            session = sessions.renew(connection, actor, How.PROVIDER)
        if session is None:
            identities.refused(connection, "no account", person_id)
        else:
            # This try, and the one with which it began.
            guessing.give_back(connection, tried)
            guessing.give_back(connection, tried)
    if session is None:
        raise Forbidden(UNKNOWN)
    return session


def _refused(request: Request, fault: Fault) -> Exception:
    """What to raise for an answer that is not believed, noted by the rule that it broke."""
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        identities.refused(connection, fault)
    if fault is Fault.AWAY:
        return Unavailable()
    return Forbidden(WEAK) if fault is Fault.STRENGTH else Unauthorised(NOT_BELIEVED)


def _back(request: Request) -> str:
    return f"{request.app.state.settings.base_url}{BACK}"


def _cookie_name(request: Request) -> str:
    return "__Host-hat-flow" if is_https(request.app.state.settings.base_url) else "hat-flow"


def _cookie(request: Request, response: Response, secret: str) -> None:
    secure = is_https(request.app.state.settings.base_url)
    age = int(identities.HOLDS.total_seconds()) if secret else 0
    response.set_cookie(
        _cookie_name(request), secret, max_age=age, path="/", secure=secure, httponly=True, samesite="lax"
    )


# --- linked by an administrator


@router.post("/admin/people/{person_id}/identities")
def link(request: Request, actor: Managing, person_id: UUID, form: Form) -> Response:
    """Link somebody's number at the provider to an account."""
    provider = provider_of(request)
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        known = person_by_id(connection, person_id)
        identities.link(connection, Identity(provider.issuer, text(form, "subject")), known.id, by=actor)
    return RedirectResponse(f"/admin/people/{known.id}?done=linked", 303)


@router.post("/admin/people/{person_id}/identities/{identity_id}/end")
def unlink(request: Request, actor: Managing, person_id: UUID, identity_id: UUID, _form: Form) -> Response:
    """End that."""
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        identities.unlink(connection, person_id, identity_id, by=actor)
    return RedirectResponse(f"/admin/people/{person_id}?done=unlinked", 303)
