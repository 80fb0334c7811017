"""`/review`: the cases that wait for somebody with an account as a consultant: those alone that were sent to their own address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.access import Actor, Right
from registry.accounts import people
from registry.cases import one_time
from registry.cases.consultant import Link
from registry.cases.number import case_number
from registry.errors import Conflict, NotFound
from registry.submissions.senders import senders
from registry.web.actor import require
from registry.web.pages import render
from registry.web.trust.present import said_day, said_time
from registry.web.trust.review import answering
from registry.web.trust.review.answering import ASKED, GONE, Place
from registry.web.trust.review.editing import Form, long_answers, typed
from registry.web.trust.review.opening import Opened, desk_of, store_of

router = APIRouter(prefix="/review")

Reviewing = Annotated[Actor, require(Right.REVIEW_CASE)]


@dataclass(frozen=True, slots=True)
class Waits:
    """One case that waits: by the registry's number, whose it is, until when it may be answered."""

    number: str
    trust: str
    until: str
    href: str


@router.get("")
def index(request: Request, actor: Reviewing) -> Response:
    """The cases that wait for this person."""
    tenants = actor.tenants(Right.REVIEW_CASE)
    waiting: list[Waits] = []
    with store_of(request).readonly(tenants=tenants) as connection:
        address = _address(request, actor)
        names = {each.id: each.name for each in senders(connection, tenants)}
        for tenant in tenants:
            desk = desk_of(request, connection, actor, tenant)
            waiting += [
                Waits(
                    case_number(each.case_id),
                    names[tenant],
                    said_day(each.expires_at.date()),
                    f"/review/{each.case_id}",
                )
                for each in one_time.asked_of(desk, address)
            ]
    return render(request, "trust/review/waiting.html", waiting=waiting)


def _address(request: Request, actor: Actor) -> str:
    """The person's own address, as whoever manages accounts entered it; empty where there is none."""
    if actor.id is None:
        return ""
    with store_of(request).readonly() as connection:
        return people.person_by_id(connection, actor.id).email or ""


@contextmanager
def _opened(request: Request, actor: Actor, case_id: UUID) -> Iterator[tuple[Opened, Link]]:
    """A case that was sent to this person's address and is still open. Raises NotFound for any other."""
    tenants, address = actor.tenants(Right.REVIEW_CASE), _address(request, actor)
    with store_of(request).transaction(tenants=tenants) as connection:
        for tenant in tenants:
            desk = desk_of(request, connection, actor, tenant)
            link = next((each for each in one_time.asked_of(desk, address) if each.case_id == case_id), None)
            if link is not None:
                yield answering.open_case(request, connection, actor, link, tenant), link
                return
    raise NotFound


def _place(case_id: UUID) -> Place:
    return Place(f"/review/{case_id}", {})


@router.get("/{case_id}")
def one(request: Request, actor: Reviewing, case_id: UUID) -> Response:
    """One case and the questions."""
    with _opened(request, actor, case_id) as (held, _):
        answer = answering.page(request, held, answering.first_shown(held), _place(case_id))
        held.note_looked()
        return answer


@router.post("/{case_id}/draft")
def keep(request: Request, actor: Reviewing, case_id: UUID, form: Form) -> Response:
    """Keep what stands in the form now; a script sends it as one types."""
    with _opened(request, actor, case_id) as (held, _):
        at = answering.keep(held, typed(form, ASKED))
    return JSONResponse({"said": f"Kept at {said_time(at).rsplit(', ', 1)[-1]}. Not sent yet."})


@router.post("/{case_id}/send")
def send(request: Request, actor: Reviewing, case_id: UUID, form: Form) -> Response:
    """Send the answer, or keep it for later."""
    given = typed(form, ASKED)
    with _opened(request, actor, case_id) as (held, link):
        if not long_answers(given):
            answering.keep(held, given)
    if given.then == "later":
        return RedirectResponse("/review", 303)
    try:
        shown = answering.send(request, actor, held, link, given)
    except Conflict:
        texts = [given.text[name] for name in ("learning_point", "notable_practice") if given.text.get(name)]
        return render(request, "trust/review/too_late.html", status=409, words=GONE, texts=texts)
    if shown is not None:
        with _opened(request, actor, case_id) as (held, _):
            return answering.page(request, held, shown, _place(case_id))
    return render(request, "trust/review/answered.html")
