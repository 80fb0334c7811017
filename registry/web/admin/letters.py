"""`/admin/letters`: letters that could not be delivered, by state and reason: how many and since when, never to whom or of what."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.notices import undelivered
from registry.notices.retention import READ_KEPT
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.pages import render
from registry.web.trust.present import said_time

router = APIRouter(prefix="/admin/letters")

Administrator = Annotated[Actor, require(Right.MANAGE_SETTINGS)]
Form = Annotated[FormData, Depends(submitted_form)]
STATES = {"waiting": "Waits for its first try", "put off": "Put off, and tried again", "given up": "Given up"}
DONE = {
    "again": "They are tried again within a minute.",
    "none": "Nothing was put off, so there was nothing to try again.",
}


@router.get("")
def index(request: Request, _actor: Administrator, done: str = "") -> Response:
    """What did not leave."""
    store: Store = request.app.state.store
    mail = request.app.state.settings.mail
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        found = undelivered.held(connection)
    return render(
        request,
        "admin/letters.html",
        rows=[
            {
                "it": each,
                "state": STATES[each.state],
                "oldest": said_time(each.oldest),
                "tried": said_time(each.tried) if each.tried else "",
            }
            for each in found
        ],
        put_off=sum(each.number for each in found if each.state == "put off"),
        given_up=sum(each.number for each in found if each.state == "given up"),
        server=mail.host is not None,
        tries=mail.tries,
        kept=READ_KEPT.days,
        done=DONE.get(done, ""),
    )


@router.post("/again")
def again(request: Request, actor: Administrator, form: Form) -> Response:  # noqa: ARG001 -- read for its token
    """Have what was put off tried at once."""
    store: Store = request.app.state.store
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        number = undelivered.try_again(connection, by=actor)
    return RedirectResponse(f"/admin/letters?done={'again' if number else 'none'}", 303)
