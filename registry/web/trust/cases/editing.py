"""`/trust/cases/…/edit`: a case that is held, in its form. What identifies is masked there too, and shown only when it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import online, story
from registry.cases.desk import Desk, record
from registry.cases.online import Held, Saved
from registry.cases.story import Head
from registry.errors import Conflict
from registry.submissions.senders import Sender, senders
from registry.web.actor import confirm_first, require
from registry.web.trust.cases import filling, saving
from registry.web.trust.cases.entry import draft_page
from registry.web.trust.cases.filling import CASE, IDENTIFYING, Filled, Sheet, Typed, filled
from registry.web.trust.cases.saving import case_address, desk_of, store_of
from registry.web.trust.present import said_time

router = APIRouter(prefix="/trust/cases")

Editing = Annotated[Actor, require(Right.EDIT_CASES)]
WITHDRAWN = "This case is withdrawn. Bring it back first, then change it."


@dataclass(frozen=True, slots=True)
class Opened:
    """A case at the desk of whoever edits it."""

    head: Head
    desk: Desk
    sender: Sender
    held: Held

    @property
    def sheet(self) -> Sheet:
        """The form with what stands."""
        return Sheet(
            sender=self.sender,
            answers=self.held.text,
            base_version=self.held.version,
            case_id=str(self.head.case_id),
            key=self.head.local_case_id,
            held=frozenset(self.held.text),
        )

    def note_shown(self, where: str) -> None:
        """Note that what identifies was shown. Call it last."""
        shown = [name for name in IDENTIFYING if name in self.held.text]
        record(self.desk, self.head.case_id, "identifiers shown", {"fields": shown, "where": where})


def opened(request: Request, connection: Connection, actor: Actor, case_id: UUID) -> Opened:
    """Raises NotFound for a case of others, Conflict for one that is withdrawn."""
    head = story.head(connection, actor.tenants(Right.EDIT_CASES), case_id)
    if head.withdrawn:
        raise Conflict(WITHDRAWN)
    desk = desk_of(request, connection, head.trust.id, actor)
    (sender,) = senders(connection, (head.trust.id,))
    return Opened(head, desk, sender, online.current(desk, CASE, head.local_case_id))


@router.get("/{case_id}/edit")
def ask(request: Request, actor: Editing, case_id: UUID, draft: str = "") -> Response:
    """The form as the case stands; where there is a draft of this person's, first the choice to go on with it."""
    with store_of(request).transaction(tenants=actor.tenants(Right.EDIT_CASES)) as connection:
        case = opened(request, connection, actor, case_id)
        kept = saving.found_draft(case.desk, case.head.local_case_id)
        shows = kept is not None and any(name in kept.text for name in IDENTIFYING)
        if shows and draft == "open":
            confirm_first(request, actor)
            case.note_shown("draft")
    if kept is None:
        return filling.page(request, case.sheet)
    if draft != "open":
        address, title = case_address(case_id), f"Change case {case.head.local_case_id}"
        return draft_page(request, kept, title, f"{address}/edit?draft=open", f"{address}/discard", shows=shows)
    sheet = replace(
        case.sheet,
        answers={**case.held.text, **kept.text},
        base_version=kept.base_version,
        revealed=shows,
        said=f"This is your draft of {said_time(kept.saved_at)}.",
    )
    return filling.page(request, sheet)


@router.post("/{case_id}/edit")
def save(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Store the case as a new version; or keep a draft, or show what identifies, if that is what was pressed."""
    given = filled(form, new=False)
    with store_of(request).transaction(tenants=actor.tenants(Right.EDIT_CASES)) as connection:
        case = opened(request, connection, actor, case_id)
        sheet = _sheet(case, given)
        if given.wants == "reveal" and actor.fresh:
            case.note_shown("form")
    if given.wants == "reveal" and not actor.fresh:
        # What was typed waits as a draft meanwhile.
        saving.keep_draft(request, actor, case.sender.id, case.head.local_case_id, given)
        confirm_first(request, actor, f"{case_address(case_id)}/edit?draft=open")
    if given.wants == "reveal":
        return filling.page(request, _revealed(case, sheet))
    if given.wants == "draft":
        said = saving.keep_draft(request, actor, case.sender.id, case.head.local_case_id, given)
        return filling.page(request, replace(sheet, said=said))
    done = saving.save(request, actor, sheet, given)
    if isinstance(done, Saved):
        return RedirectResponse(f"{case_address(case_id)}?done=changed", 303)
    return _refused(request, actor, done)


def _refused(request: Request, actor: Actor, sheet: Sheet) -> Response:
    """The form again. Where another version stands by now and what identifies is in the form, that is shown once more, and noted."""
    if sheet.differing and sheet.revealed:
        with store_of(request).transaction(tenants=actor.tenants(Right.EDIT_CASES)) as connection:
            opened(request, connection, actor, UUID(sheet.case_id)).note_shown("form")
    return filling.page(request, sheet, status=409 if sheet.differing else 422)


@router.post("/{case_id}/draft")
def draft(request: Request, actor: Editing, form: Typed, case_id: UUID) -> Response:
    """Keep what is typed, for the script of the page."""
    sender_id, key = _whose(request, actor, case_id)
    return JSONResponse({"said": saving.keep_draft(request, actor, sender_id, key, filled(form, new=False))})


@router.post("/{case_id}/discard")
def discard(request: Request, actor: Editing, _form: Typed, case_id: UUID) -> Response:
    """Throw the draft away and begin again."""
    sender_id, key = _whose(request, actor, case_id)
    saving.drop_draft(request, actor, sender_id, key)
    return RedirectResponse(f"{case_address(case_id)}/edit", 303)


def _whose(request: Request, actor: Actor, case_id: UUID) -> tuple[int, str]:
    tenants = actor.tenants(Right.EDIT_CASES)
    with store_of(request).readonly(tenants=tenants) as connection:
        head = story.head(connection, tenants, case_id)
    return head.trust.id, head.local_case_id


def _sheet(case: Opened, given: Filled) -> Sheet:
    """The form as it was typed, on the version with which it was opened."""
    answers: Mapping[str, str] = {**case.held.text, **given.answers}
    return replace(
        case.sheet,
        answers=answers,
        base_version=given.base_version,
        revealed=given.revealed,
        screened=given.screened,
    )


def _revealed(case: Opened, sheet: Sheet) -> Sheet:
    shown = {name: case.held.text.get(name, "") for name in IDENTIFYING}
    return replace(sheet, answers={**sheet.answers, **shown}, revealed=True)
