"""Machine clients: registered with the document of their public keys, listed, given other keys, disabled. No secret passes through here."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import PROGRAM_ROLES, Actor, Right, Role, Scope
from registry.accounts import clients, keys
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.admin.people import chosen_organisations
from registry.web.bodies import submitted_form
from registry.web.fhir.token import token_url
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import render

router = APIRouter(prefix="/admin/clients")

Administrator = Annotated[Actor, require(Right.MANAGE_TOKENS)]
Confirmed = Annotated[Actor, require(Right.MANAGE_TOKENS, fresh=True)]
Form = Annotated[FormData, Depends(submitted_form)]
ROLES = [(role.value, role.words) for role in PROGRAM_ROLES]
SCOPES = [(scope.value, scope.words) for scope in Scope]
FIRST = {"role": Role.TRUST_UPLOADER.value, "scopes": [scope.value for scope in Scope]}
"""What the empty form has chosen."""
DONE = {
    "registered": "The client was registered. Give its id and the token address to its supplier.",
    "keys": "The keys were replaced.",
    "disabled": "The client was disabled. Its access has ended.",
}


@router.get("")
def index(request: Request, _actor: Administrator) -> Response:
    """All clients, and the form for a new one."""
    return _all(request, [], FIRST)


def _all(request: Request, wrong: list[Fault], values: object) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = clients.clients(connection)
    page = {"found": found, "roles": ROLES, "scopes": SCOPES, "faults": wrong, "values": values}
    return render(request, "admin/clients.html", status=422 if wrong else 200, **page)


@router.post("")
def register(request: Request, actor: Confirmed, form: Form) -> Response:
    """Register a client."""
    store: Store = request.app.state.store
    name, document = text(form, "name"), _document(form)
    role = next((one for one in PROGRAM_ROLES if one.value == text(form, "role")), None)
    scopes = [one for one in form.getlist("scopes") if isinstance(one, str)]
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        chosen, wrong = chosen_organisations(connection, form)
        particulars = clients.faults(name, role, chosen, scopes)
        wrong = faults(one for one in particulars if not (wrong and one[0] == "organisations")) + wrong
        wrong += _key_faults(document)
        if role and not wrong:
            made = clients.register(
                connection, name=name, role=role, organisations=chosen, scopes=scopes, jwks=document, by=actor
            )
            address = f"/admin/clients/{made}?done=registered"
    return _all(request, wrong, _again(form, scopes)) if wrong else RedirectResponse(address, 303)


def _document(form: FormData) -> str:
    value = form.get("jwks")
    return value if isinstance(value, str) else ""


def _key_faults(document: str) -> list[Fault]:
    return [Fault("jwks", words) for words in keys.read(document).faults]


def _again(form: FormData, scopes: list[str]) -> dict[str, object]:
    """What was filled in. A document that does not stand is not shown again: it may hold a private key."""
    document = "" if _key_faults(_document(form)) else _document(form)
    return texts(form) | {"scopes": scopes, "jwks": document}


@router.get("/{client_id}")
def one(request: Request, _actor: Administrator, client_id: UUID, done: str = "") -> Response:
    """One client."""
    return _page(request, client_id, done=DONE.get(done))


def _page(request: Request, client_id: UUID, wrong: list[Fault] | None = None, done: str | None = None) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        known = clients.client_by_id(connection, client_id)
    page = {"known": known, "token_url": token_url(request.app.state.settings), "faults": wrong or [], "values": {}}
    return render(request, "admin/client.html", status=422 if wrong else 200, done=done, **page)


@router.post("/{client_id}/keys")
def replace_keys(request: Request, actor: Confirmed, client_id: UUID, form: Form) -> Response:
    """Put another document of keys in the place of the one held."""
    store: Store = request.app.state.store
    document = _document(form)
    if wrong := _key_faults(document):
        return _page(request, client_id, wrong)
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        clients.replace_keys(connection, client_id, document, by=actor)
    return RedirectResponse(f"/admin/clients/{client_id}?done=keys", 303)


@router.post("/{client_id}/disable")
def disable(request: Request, actor: Confirmed, client_id: UUID, _form: Form) -> Response:
    """Shut a client out at once."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        clients.disable(connection, client_id, by=actor)
    return RedirectResponse(f"/admin/clients/{client_id}?done=disabled", 303)
