"""Tokens for programs: made, listed, revoked. A token is shown once, on the answer that made it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import TOKEN_ROLES, Actor, Right
from registry.accounts import tokens
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.admin.organisations import WRONG_DATE
from registry.web.admin.people import chosen_organisations
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render

router = APIRouter(prefix="/admin/tokens")

Administrator = Annotated[Actor, require(Right.MANAGE_TOKENS)]
Confirmed = Annotated[Actor, require(Right.MANAGE_TOKENS, fresh=True)]
Form = Annotated[FormData, Depends(submitted_form)]


@router.get("")
def index(request: Request, _actor: Administrator, done: str = "") -> Response:
    """All tokens, and the form for a new one."""
    return _page(request, done="The token was revoked." if done == "revoked" else None)


def _page(request: Request, wrong: list[Fault] | None = None, **words: object) -> Response:
    store: Store = request.app.state.store
    with store.readonly() as connection:
        found = tokens.tokens(connection)
    page = {"found": found, "roles": TOKEN_ROLES, "faults": wrong or [], "values": {}} | words
    return render(request, "admin/tokens.html", status=422 if wrong else 200, **page)


@router.post("")
def make(request: Request, actor: Confirmed, form: Form) -> Response:
    """Make a token and show it, this once."""
    store: Store = request.app.state.store
    role = next((one for one in TOKEN_ROLES if one.value == text(form, "role")), None)
    expires_on, wrong = day_or_fault(form, "expires_on", WRONG_DATE)
    secret = None
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        chosen, unknown = chosen_organisations(connection, form)
        particulars = tokens.faults(text(form, "name"), role, chosen)
        wrong += unknown or []
        wrong += faults(one for one in particulars if not (unknown and one[0] == "organisations"))
        if role and not wrong:
            secret = tokens.make(
                connection, name=text(form, "name"), role=role, organisations=chosen, expires_on=expires_on, by=actor
            )
    return _page(request, wrong, values=texts(form)) if secret is None else _page(request, secret=secret)


@router.post("/{token_id}/revoke")
def revoke(request: Request, actor: Confirmed, token_id: UUID, _form: Form) -> Response:
    """End a token at once."""
    store: Store = request.app.state.store
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        tokens.revoke(connection, token_id, by=actor)
    return RedirectResponse("/admin/tokens?done=revoked", 303)
