"""`/admin/moderators`: to which organisation each moderator belongs."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.errors import Unprocessable
from registry.lessons import homes
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, text
from registry.web.pages import render

router = APIRouter(prefix="/admin/moderators")

Administrator = Annotated[Actor, require(Right.MANAGE_PEOPLE)]
Form = Annotated[FormData, Depends(submitted_form)]


@router.get("")
def index(request: Request, _actor: Administrator, done: str = "") -> Response:
    """Everybody who moderates, and where they belong."""
    return _page(request, done=done == "recorded")


@router.post("")
def record(request: Request, actor: Administrator, form: Form) -> Response:
    """Record where a moderator belongs."""
    store: Store = request.app.state.store
    chosen, code = text(form, "person"), text(form, "code")
    try:
        person_id = UUID(chosen)
    except ValueError:
        return _page(request, [Fault("person", "Choose a moderator")], {"code": code})
    try:
        with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            homes.record(connection, person_id, code, by=actor, at=datetime.now(UTC))
    except Unprocessable as refused:
        wrong = [Fault(each.pointer, each.words) for each in refused.errors]
        return _page(request, wrong, {"code": code, "person": chosen})
    return RedirectResponse("/admin/moderators?done=recorded", 303)


def _page(
    request: Request, wrong: list[Fault] | None = None, values: dict[str, str] | None = None, *, done: bool = False
) -> Response:
    store: Store = request.app.state.store
    with store.readonly(tenants=[SYSTEM_TENANT]) as connection:
        found = homes.appointed(connection)
    return render(
        request,
        "lessons/moderators.html",
        status=422 if wrong else 200,
        found=found,
        people=[(str(each.person_id), f"{each.display_name} ({each.user_name})") for each in found],
        faults=wrong or [],
        values=values or {},
        done="It is recorded." if done else "",
    )
