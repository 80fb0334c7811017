"""`/notices`: what a person is told, with the way from each notice to what it is about; and what of it comes by e-mail."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Kind, Right
from registry.accounts import people
from registry.errors import NotFound
from registry.notices import own, ways
from registry.notices.kinds import Way, tenants_of
from registry.store import Store
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.fields import text
from registry.web.pages import NUMBERS, Number, render
from registry.web.trust.present import said_time

router = APIRouter(prefix="/notices")

MOST_FIELDS = 40
DONE = {"read": "All notices were marked as read.", "chosen": "Your choice was saved."}

NUMBERS[router.prefix] = Number(own.UNREAD, "", own.given)


async def own_form(request: Request) -> FormData:
    """The form, which has a field for each kind of notice."""
    return await read_form(request, max_fields=MOST_FIELDS)


Somebody = Annotated[Actor, require(Right.OWN_ACCOUNT)]
Form = Annotated[FormData, Depends(own_form)]


@router.get("")
def index(request: Request, actor: Somebody, done: str = "") -> Response:
    """One's own notices, the unread first."""
    with _store(request).readonly(tenants=tenants_of(actor)) as connection:
        found = own.listed(connection, actor)
    return render(
        request,
        "notices/index.html",
        notices=found,
        several=len({each.organisation for each in found}) > 1,
        unread=own.unread(found),
        most=own.MOST,
        done=DONE.get(done, ""),
        said_time=said_time,
    )


@router.post("/read")
def read_all(request: Request, actor: Somebody, _form: Form) -> Response:
    """Mark all as read."""
    with _store(request).transaction(tenants=tenants_of(actor)) as connection:
        own.read_all(connection, actor, datetime.now(UTC))
    return RedirectResponse(f"{router.prefix}?done=read", 303)


@router.get("/preferences")
def ask_ways(request: Request, actor: Somebody, done: str = "") -> Response:
    """What comes by e-mail, and how often."""
    with _store(request).readonly() as connection:
        chosen = ways.chosen(connection, _person(actor))
        address = people.person_by_id(connection, _person(actor)).email
    rows = [(kind, chosen.get(kind.name, kind.way)) for kind in ways.kinds_for(actor)]
    return render(request, "notices/ways.html", rows=rows, ways=list(Way), address=address, done=DONE.get(done, ""))


@router.post("/preferences")
def save_ways(request: Request, actor: Somebody, form: Form) -> Response:
    """Keep what was chosen; what is no choice is left as it was."""
    known = {way.value: way for way in Way}
    given = {kind.name: text(form, kind.name) for kind in ways.kinds_for(actor)}
    with _store(request).transaction() as connection:
        ways.choose(connection, _person(actor), {kind: known[way] for kind, way in given.items() if way in known})
    return RedirectResponse(f"{router.prefix}/preferences?done=chosen", 303)


@router.post("/{notice_id}")
def open_one(request: Request, actor: Somebody, notice_id: UUID, _form: Form) -> Response:
    """Mark a notice as read and go where it leads."""
    with _store(request).transaction(tenants=tenants_of(actor)) as connection:
        link = own.opened(connection, actor, notice_id, datetime.now(UTC))
    return RedirectResponse(link, 303)


def _person(actor: Actor) -> UUID:
    """Raises NotFound for a program: it is told nothing."""
    if actor.id is None or actor.kind is not Kind.PERSON:
        raise NotFound
    return actor.id


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
