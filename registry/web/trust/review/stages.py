"""The two stages of a full review: what care was given, by the thrombosis team; what was found, by the consultant or the team."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import actions
from registry.cases.review import QUESTIONS, Page
from registry.errors import NotFound
from registry.web.lessons.beside import published_about
from registry.web.pages import environment
from registry.web.trust.present import said_time
from registry.web.trust.review.editing import (
    Editing,
    Form,
    Shown,
    Stored,
    first_shown,
    form_page,
    keep_draft,
    long_answers,
    store,
    typed,
)
from registry.web.trust.review.ending import end
from registry.web.trust.review.opening import Opened, address, opened
from schemas.codes import Inadequacy

router = APIRouter()

TEMPLATE = "trust/review/form.html"


@router.get("/care")
def ask_care(request: Request, actor: Editing, case_id: UUID) -> Response:
    """Stage one as it stands."""
    return _ask(request, actor, case_id, Page.CARE)


@router.post("/care")
def save_care(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Store stage one."""
    return _save(request, actor, case_id, Page.CARE, form)


@router.get("/findings")
def ask_findings(request: Request, actor: Editing, case_id: UUID) -> Response:
    """Stage two as it stands."""
    return _ask(request, actor, case_id, Page.FINDINGS)


@router.post("/findings")
def save_findings(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Store stage two, and with it the case may be complete."""
    return _save(request, actor, case_id, Page.FINDINGS, form)


def _ask(request: Request, actor: Actor, case_id: UUID, page: Page) -> Response:
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        held.must_be_open()
        if not held.review.text.get("response_type"):
            return RedirectResponse(held.href, 303)
        answer = _page(request, held, page, first_shown(held, page))
        if page is Page.FINDINGS:
            held.note_looked()
        return answer


def _page(request: Request, held: Opened, page: Page, shown: Shown) -> Response:
    return form_page(request, held, page, shown, template=TEMPLATE, action=f"{held.href}/{page}")


def _save(request: Request, actor: Actor, case_id: UUID, page: Page, form: Form) -> Response:
    given = typed(form, QUESTIONS[page])
    if given.then == "later":
        return _later(request, actor, case_id, page, form)
    result = store(request, actor, case_id, page, given)
    if isinstance(result, Shown):
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            return _page(request, held, page, result)
    return _onward(request, actor, case_id, page, given.then, result)


def _later(request: Request, actor: Actor, case_id: UUID, page: Page, form: Form) -> Response:
    """Keep the answers as a draft, store nothing."""
    given = typed(form, QUESTIONS[page])
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        if faults := long_answers(given):
            return _page(request, held, page, Shown(given.text, given.base_version, faults=tuple(faults), status=422))
        keep_draft(held, page, given)
    return RedirectResponse(f"{address(case_id)}?done=draft", 303)


def _onward(request: Request, actor: Actor, case_id: UUID, page: Page, then: str, stored: Stored) -> Response:
    reference = stored.saved.reference.id
    if page is Page.CARE and then == "next":
        return RedirectResponse(f"{address(case_id)}/findings", 303)
    if page is Page.FINDINGS and then == "complete":
        end(request, actor, case_id, seen=stored.held.work.state)
    return RedirectResponse(f"{address(case_id)}?stored={reference}", 303)


# --- while somebody types


@router.post("/draft/{page}")
def keep(request: Request, actor: Editing, case_id: UUID, page: str, form: Form) -> Response:
    """Keep what stands in a form now as the person's draft; a script sends it as one types."""
    name = _page_of(page)
    given = typed(form, QUESTIONS[name])
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        at = keep_draft(held, name, given)
    return JSONResponse({"said": f"Kept as a draft at {said_time(at).rsplit(', ', 1)[-1]}."})


@router.get("/beside")
def beside(request: Request, actor: Editing, case_id: UUID, themes: str = "") -> Response:
    """What the trust has done about some shortcomings, as a piece of the page."""
    ticked = [each for each in themes.split("|") if each in set(Inadequacy)]
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        found = actions.done_about(held.desk, ticked, besides=case_id)
    words = {"lessons": found, "published": published_about(request, ticked), "at": datetime.now(UTC)}
    html = environment().get_template("trust/review/lessons.html").render(words)
    return HTMLResponse(html, headers={"Cache-Control": "no-store"})


def _page_of(name: str) -> Page:
    try:
        return Page(name)
    except ValueError:
        raise NotFound from None
