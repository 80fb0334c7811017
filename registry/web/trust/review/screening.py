"""A screening review: one page, which completes a case in which there is nothing to find."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Right
from registry.cases.review import SCREENING, Page, screened, to_find
from registry.cases.states import CaseState
from registry.errors import Conflict
from registry.web.fields import Fault
from registry.web.trust.review.editing import (
    Editing,
    Form,
    Shown,
    Typed,
    first_shown,
    form_page,
    keep_draft,
    long_answers,
    saved_or_shown,
    typed,
)
from registry.web.trust.review.ending import end
from registry.web.trust.review.opening import Opened, address, opened
from schemas.dictionary import field
from schemas.record import RecordKind

router = APIRouter()

FROM = (CaseState.CONFIRMED, CaseState.RCA_OPEN)


@router.get("/screening")
def ask(request: Request, actor: Editing, case_id: UUID) -> Response:
    """The page."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        _must_fit(held, kept=False)
        answer = _page(request, held, first_shown(held, Page.SCREENING))
        held.note_looked()
        return answer


@router.post("/screening")
def save(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Store the review and complete the case; or say why one page is not enough."""
    given = typed(form, SCREENING)
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        if not long_answers(given):
            keep_draft(held, Page.SCREENING, given)
    _must_fit(held, kept=True)
    shown = _not_enough(given)
    if shown is None:
        more = {name: value for name, value in screened(given.text).items() if name not in SCREENING}
        result = saved_or_shown(request, actor, held, Page.SCREENING, given, more)
        if not isinstance(result, Shown):
            end(request, actor, case_id, seen=held.work.state)
            return RedirectResponse(f"{address(case_id)}?stored={result.saved.reference.id}", 303)
        shown = result
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        return _page(request, held, shown)


def _must_fit(held: Opened, *, kept: bool) -> None:
    """Raises Conflict where the case is not where a screening review completes it."""
    held.must_be_open(kept=kept)
    if held.work.state not in FROM:
        raise Conflict(
            f"This case is {held.work.state.words}: a screening review is for cases that nobody has taken up yet."
        )


def _not_enough(given: Typed) -> Shown | None:
    if faults := long_answers(given):
        return Shown(given.text, given.base_version, faults=tuple(faults), status=422)
    found = to_find(given.text)
    if not found:
        return None
    faults = [Fault(name, f"{field(RecordKind.RCA, name).item.question}: {words}") for name, words in found]
    return Shown(
        given.text,
        given.base_version,
        faults=tuple(faults),
        said="One page is not enough for this case. Mend an answer if it is wrong; else choose a full review, which begins with these answers.",
        status=422,
    )


def _page(request: Request, held: Opened, shown: Shown) -> Response:
    return form_page(
        request, held, Page.SCREENING, shown, template="trust/review/screening.html", action=f"{held.href}/screening"
    )
