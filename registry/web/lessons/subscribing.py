"""`/learning/subscribe` and a subscription's own page: asked for, confirmed from the address, changed, ended by one press. Without an account."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import ANYBODY
from registry.errors import Unprocessable
from registry.lessons import keys, subscriptions
from registry.lessons.lists import THEMES
from registry.store import SYSTEM_TENANT, Store, audit
from registry.web.actor import who
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text
from registry.web.pages import render
from registry.web.uploads import secrets_of

router = APIRouter()

Form = Annotated[FormData, Depends(submitted_form)]
DONE = ("confirm", "change")
SAID = {"confirm": "letters confirmed", "change": "letters changed"}
"""What the audit log says of each."""


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


def _page(
    request: Request, template: str, *, status: int = 200, translatable: bool = True, **words: object
) -> Response:
    """Never kept by a browser or a proxy: an address stands in a form, or a secret in the page's own."""
    who(request)
    response = render(request, template, status=status, translatable=translatable, **words)
    response.headers["Cache-Control"] = "no-store"
    return response


@router.get("/learning/subscribe")
@router.get("/cy/learning/subscribe")
def ask(request: Request) -> Response:
    """The form."""
    return _page(request, "lessons/subscribe.html", themes=THEMES, faults=[], values={}, asked=False)


@router.post("/learning/subscribe")
@router.post("/cy/learning/subscribe")
def subscribe(request: Request, form: Form) -> Response:
    """The same answer, whether the address was known or not."""
    themes = _themes(form)
    wrong: list[Fault] = []
    try:
        with _store(request).transaction(tenants=(SYSTEM_TENANT,)) as connection:
            own = keys.own_keys(connection, secrets_of(request.app.state))
            settings = request.app.state.settings
            subscriptions.ask(connection, own, settings, text(form, "email"), themes, at=datetime.now(UTC))
            _note(connection, "letters asked for", "new")
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
    values = {"email": text(form, "email"), "themes": themes} if wrong else {}
    status = 422 if wrong else 200
    return _page(
        request, "lessons/subscribe.html", themes=THEMES, faults=wrong, values=values, asked=not wrong, status=status
    )


def _note(connection: Connection, action: str, subscription: str) -> None:
    """In the registry's own audit log; nobody is named who has no account."""
    by = ANYBODY
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action=action, object_type="subscription",
        object_id=subscription,
    )  # fmt: skip


def _themes(form: FormData) -> list[str]:
    return [value for value in form.getlist("themes") if isinstance(value, str) and value]


@router.get("/learning/subscription/{ident}/{secret}")
@router.get("/cy/learning/subscription/{ident}/{secret}")
def one(request: Request, ident: UUID, secret: str, done: str = "") -> Response:
    """A subscription, for who has its link."""
    with _store(request).transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, secrets_of(request.app.state))
        held = subscriptions.find(connection, own, ident, secret)
    return _page(
        request,
        "lessons/subscription.html",
        it=held,
        secret=secret,
        themes=THEMES,
        done=done if done in DONE else "",
    )


@router.post("/learning/subscription/{ident}/{secret}")
@router.post("/cy/learning/subscription/{ident}/{secret}")
def change(request: Request, form: Form, ident: UUID, secret: str) -> Response:
    """Confirm, change, or end. A mail program that presses for its reader (RFC 8058) names no button: it ends."""
    then, at = text(form, "then"), datetime.now(UTC)
    with _store(request).transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, secrets_of(request.app.state))
        if then == "confirm":
            subscriptions.confirm(connection, own, ident, secret, at=at)
        elif then == "change":
            subscriptions.choose(connection, own, ident, secret, _themes(form))
        else:
            subscriptions.end(connection, own, ident, secret, at=at)
        _note(connection, SAID.get(then, "letters ended"), str(ident))
    if then in ("confirm", "change"):
        return RedirectResponse(f"{request.url.path}?done={then}", 303)
    return _page(request, "lessons/unsubscribed.html", translatable=False)
