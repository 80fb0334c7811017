"""`/trust/consultant-addresses`: the domains to which links for consultants may go, kept by the trust's lead."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import domains
from registry.errors import NotFound, Unprocessable
from registry.submissions.senders import Sender, senders
from registry.web.actor import require
from registry.web.bodies import submitted_form
from registry.web.fields import Fault, faults, text
from registry.web.pages import render
from registry.web.trust.review.opening import desk_of, store_of

router = APIRouter(prefix="/trust/consultant-addresses")

Leading = Annotated[Actor, require(Right.SIGN_OFF_RETURN)]
Form = Annotated[FormData, Depends(submitted_form)]


@router.get("")
def index(request: Request, actor: Leading) -> Response:
    """The domains of every organisation that the person leads."""
    return _page(request, actor, [], "", "")


def _page(request: Request, actor: Actor, wrong: list[Fault], at: str, typed: str) -> Response:
    tenants = actor.tenants(Right.SIGN_OFF_RETURN)
    with store_of(request).readonly(tenants=tenants) as connection:
        ours = senders(connection, tenants)
        held = [(each, domains.allowed(connection, each.id)) for each in ours]
    return render(
        request,
        "trust/review/domains.html",
        status=422 if wrong else 200,
        held=held,
        several=len(ours) > 1,
        faults=wrong,
        at=at,
        typed=typed,
    )


@router.post("/add")
def add(request: Request, actor: Leading, form: Form) -> Response:
    """Let links go to addresses of a domain."""
    sender, typed = _sender(request, actor, form), text(form, "domain")
    try:
        with store_of(request).transaction(tenants=(sender.id,)) as connection:
            domains.allow(desk_of(request, connection, actor, sender.id), typed)
    except Unprocessable as refused:
        wrong = faults((f"{each.pointer}-{sender.code}", each.words) for each in refused.errors)
        return _page(request, actor, wrong, sender.code, typed)
    return RedirectResponse(router.prefix, 303)


@router.post("/end")
def end(request: Request, actor: Leading, form: Form) -> Response:
    """Let no more links go there."""
    sender = _sender(request, actor, form)
    with store_of(request).transaction(tenants=(sender.id,)) as connection:
        domains.disallow(desk_of(request, connection, actor, sender.id), text(form, "domain"))
    return RedirectResponse(router.prefix, 303)


def _sender(request: Request, actor: Actor, form: FormData) -> Sender:
    tenants = actor.tenants(Right.SIGN_OFF_RETURN)
    with store_of(request).readonly() as connection:
        ours = senders(connection, tenants)
    found = next((each for each in ours if each.code == text(form, "organisation")), None)
    if found is None:
        raise NotFound
    return found
