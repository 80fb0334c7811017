"""`/trust/cases/new`: one case by form, its draft kept as it is typed."""

from typing import Annotated

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases.drafts import Draft
from registry.cases.online import Saved
from registry.errors import NotFound
from registry.submissions.senders import Sender, only_sender, senders
from registry.web.actor import require
from registry.web.fields import text
from registry.web.pages import render
from registry.web.trust.cases import filling, saving
from registry.web.trust.cases.filling import Filled, Sheet, Typed, filled
from registry.web.trust.cases.saving import case_address, desk_of, store_of
from registry.web.trust.present import said_time

router = APIRouter(prefix="/trust/cases/new")

Editing = Annotated[Actor, require(Right.EDIT_CASES)]
NEW = ""
"""The key under which the draft of a case without a number is kept."""


@router.get("")
def ask(request: Request, actor: Editing, organisation: str = "", draft: str = "") -> Response:
    """The empty form; where there is a draft of this person's, first the choice to go on with it."""
    ours = _senders(request, actor)
    sender = _chosen(ours, organisation)
    if sender is None:
        return render(request, "trust/cases/whose.html", senders=ours)
    kept = _draft(request, actor, sender)
    if kept is None:
        return filling.page(request, Sheet(sender=sender, answers={}))
    if draft != "open":
        address = f"/trust/cases/new?organisation={sender.code}&draft=open"
        return draft_page(request, kept, "Enter a case", address, "/trust/cases/new/discard", sender.code)
    said = f"This is your draft of {said_time(kept.saved_at)}."
    return filling.page(request, Sheet(sender=sender, answers=kept.text, said=said))


def draft_page(
    request: Request, kept: Draft, title: str, address: str, discard: str, organisation: str = "", shows: bool = False
) -> Response:
    """The choice between a draft and beginning again. `shows`: the draft has what identifies in it."""
    return render(
        request,
        "trust/cases/draft.html",
        heading=title,
        saved=said_time(kept.saved_at),
        address=address,
        discard=discard,
        organisation=organisation,
        shows=shows,
    )


@router.post("")
def save(request: Request, actor: Editing, form: Typed) -> Response:
    """Store the case; or keep it as a draft, if that is what was pressed."""
    sender, given = _sender(request, actor, text(form, "organisation")), filled(form, new=True)
    sheet = _sheet(sender, given)
    if given.wants == "draft":
        said = saving.keep_draft(request, actor, sender.id, NEW, given)
        return filling.page(request, _said(sheet, said))
    done = saving.save(request, actor, sheet, given)
    if isinstance(done, Saved):
        return RedirectResponse(f"{case_address(done.case_id)}?done=entered", 303)
    return filling.page(request, done, status=422)


@router.post("/draft")
def draft(request: Request, actor: Editing, form: Typed) -> Response:
    """Keep what is typed, for the script of the page."""
    sender = _sender(request, actor, text(form, "organisation"))
    return JSONResponse({"said": saving.keep_draft(request, actor, sender.id, NEW, filled(form, new=True))})


@router.post("/discard")
def discard(request: Request, actor: Editing, form: Typed) -> Response:
    """Throw the draft away and begin again."""
    sender = _sender(request, actor, text(form, "organisation"))
    saving.drop_draft(request, actor, sender.id, NEW)
    return RedirectResponse(f"/trust/cases/new?organisation={sender.code}", 303)


def _sheet(sender: Sender, given: Filled) -> Sheet:
    return Sheet(sender=sender, answers=given.answers, screened=given.screened)


def _said(sheet: Sheet, said: str) -> Sheet:
    return Sheet(sender=sheet.sender, answers=sheet.answers, screened=sheet.screened, said=said)


def _draft(request: Request, actor: Actor, sender: Sender) -> Draft | None:
    with store_of(request).readonly(tenants=(sender.id,)) as connection:
        return saving.found_draft(desk_of(request, connection, sender.id, actor), NEW)


def _senders(request: Request, actor: Actor) -> tuple[Sender, ...]:
    with store_of(request).readonly() as connection:
        return senders(connection, actor.tenants(Right.EDIT_CASES))


def _chosen(ours: tuple[Sender, ...], code: str) -> Sender | None:
    """The organisation that is named, or the only one there is; None where it has to be asked. Raises NotFound for another's."""
    if not code:
        return only_sender(ours)
    found = next((each for each in ours if each.code == code), None)
    if found is None:
        raise NotFound
    return found


def _sender(request: Request, actor: Actor, code: str) -> Sender:
    found = _chosen(_senders(request, actor), code)
    if found is None:
        raise NotFound
    return found
