"""A case before the consultant, from the team's side: ask by a link, pass the code on, make a new one, take the case back."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Right
from registry.cases import consultant, domains
from registry.errors import NotFound, Unprocessable
from registry.web.fields import faults, text
from registry.web.pages import render
from registry.web.trust.review.editing import Editing, Form
from registry.web.trust.review.ending import state_seen
from registry.web.trust.review.opening import Opened, address, opened, store_of
from registry.web.trust.review.overview import overview

router = APIRouter(prefix="/consultant")


@router.post("")
def ask(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Send the link; the page shows the code, this once."""
    to = text(form, "address")
    try:
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            held.must_be_open()
            asked = consultant.ask(held.desk, case_id, to, seen=state_seen(text(form, "seen")))
            return _code_page(request, held, asked.code, to)
    except Unprocessable as refused:
        wrong = faults((each.pointer, each.words) for each in refused.errors)
    with store_of(request).readonly(tenants=(held.case.tenant_id,)) as connection:
        none = not domains.allowed(connection, held.case.tenant_id)
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        return overview(request, held, wrong=wrong, values={"address": to, "no_domain": "yes" if none else ""})


@router.post("/code")
def new_code(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Another code for a link that is still open; the page shows it, this once."""
    try:
        link_id = UUID(text(form, "link"))
    except ValueError:
        raise NotFound from None
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        code = consultant.new_code(held.desk, case_id, link_id)
        return _code_page(request, held, code, "")


def _code_page(request: Request, held: Opened, code: str, to: str) -> Response:
    half = len(code) // 2
    answer = render(
        request,
        "trust/review/code.html",
        held=held,
        case=held.case,
        code=f"{code[:half]} {code[half:]}",
        to=to,
        days=held.desk.settings.counting.one_time_link_days,
        reply_days=held.desk.settings.counting.consultant_reply_days,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/take-back")
def take_back(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """The case is the team's again."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        consultant.take_back(held.desk, case_id, seen=state_seen(text(form, "seen")))
    return RedirectResponse(f"{address(case_id)}?done=taken", 303)
