"""`/moderation`: texts that wait for two moderators, without the name of the organisation that offers them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Conflict, Unprocessable
from registry.lessons import keys, moderating
from registry.lessons.lists import STAGES, factor_words, theme_words, year_words
from registry.lessons.moderating import REASONS, Moderator
from registry.lessons.screen import words_of
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.keys import open_keys
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.present import said_day
from registry.web.uploads import secrets_of

router = APIRouter(prefix="/moderation")

Moderating = Annotated[Actor, require(Right.MODERATE_LESSONS)]
Form = Annotated[FormData, Depends(submitted_form)]
DONE = {
    "read_once": "You approved it. Another moderator reads it now.",
    "approved": "You approved it as the second. A national lead may publish it now.",
    "returned": "It is sent back to the organisation that offered it.",
}
HOMELESS = "It is not recorded to which organisation you belong, so it is not known for whom you may read. Ask an administrator to record it."


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held


def _moderator(connection: Connection, actor: Actor) -> Moderator:
    found = moderating.moderator(connection, actor)
    if found is None:
        raise Conflict(HOMELESS)
    return found


@router.get("")
def index(request: Request, actor: Moderating, done: str = "") -> Response:
    """What waits."""
    with _store(request).readonly(tenants=(SYSTEM_TENANT,)) as connection:
        by = moderating.moderator(connection, actor)
        found = moderating.waiting(connection, by) if by else []
    return render(
        request,
        "lessons/moderation.html",
        homeless=by is None,
        found=[{"it": each, "theme": theme_words(each.theme), "since": said_day(each.since)} for each in found],
        done=DONE.get(done, ""),
    )


@router.get("/{ident}")
def one(request: Request, actor: Moderating, ident: UUID) -> Response:
    """One text; the look is audited."""
    return _page(request, actor, ident)


def _page(
    request: Request,
    actor: Actor,
    ident: UUID,
    wrong: list[Fault] | None = None,
    typed: Mapping[str, str] | None = None,
    status: int = 422,
) -> Response:
    with _store(request).transaction(tenants=(SYSTEM_TENANT,)) as connection:
        own = keys.own_keys(connection, secrets_of(request.app.state))
        held = moderating.read(connection, own, _moderator(connection, actor), ident)
    return render(
        request,
        "lessons/moderate.html",
        status=status if wrong else 200,
        it=held,
        theme=theme_words(held.theme),
        stage=dict(STAGES).get(held.stage, held.stage),
        factor=factor_words(held.factor),
        year=year_words(held.year),
        confirmed=[
            f"Characters {each['start'] + 1} to {each['end']}: {words_of(each['sort'])}" for each in held.confirmed
        ],
        reasons=tuple(REASONS.items()),
        faults=wrong or [],
        values=typed or {},
    )


@router.post("/{ident}/approve")
def approve(request: Request, actor: Moderating, form: Form, ident: UUID) -> Response:
    """Approve what was read."""
    with _store(request).readonly(tenants=(SYSTEM_TENANT,)) as connection:
        by, tenant = _moderator(connection, actor), moderating.from_tenant(connection, ident)
    try:
        with _store(request).transaction(tenants=(SYSTEM_TENANT, tenant)) as connection:
            reached = moderating.approve(connection, by, ident, seen=_edition(form), at=datetime.now(UTC))
    except Conflict as refused:
        return _page(request, actor, ident, [Fault("", refused.detail)], status=refused.status)
    return RedirectResponse(f"/moderation?done={reached}", 303)


@router.post("/{ident}/return")
def send_back(request: Request, actor: Moderating, form: Form, ident: UUID) -> Response:
    """Send it back with a reason."""
    typed = form.get("note")
    note = typed if isinstance(typed, str) else ""
    with _store(request).readonly(tenants=(SYSTEM_TENANT,)) as connection:
        by, tenant = _moderator(connection, actor), moderating.from_tenant(connection, ident)
    try:
        with _store(request).transaction(tenants=(SYSTEM_TENANT, tenant)) as connection:
            trust = open_keys(connection, secrets_of(request.app.state), tenant)
            at, seen = datetime.now(UTC), _edition(form)
            moderating.send_back(connection, trust, by, ident, text(form, "reason"), note, seen=seen, at=at)
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
        return _page(request, actor, ident, wrong, {**texts(form), "note": note})
    except Conflict as refused:
        return _page(request, actor, ident, [Fault("", refused.detail)], {**texts(form), "note": note}, refused.status)
    return RedirectResponse("/moderation?done=returned", 303)


def _edition(form: FormData) -> int:
    seen = text(form, "seen")
    return int(seen) if seen.isdecimal() and len(seen) < 6 else 0
