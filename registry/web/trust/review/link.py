"""`/answer/{trust}/{link}`: one case, opened by a one-time link and its code, without an account.

The address is for everybody, and for everybody who does not hold a link that is open there is nothing: no trust, case or link is told
apart from one that never was. The code begins a session of this link alone, in a cookie that goes to no other address.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import identifiers, register
from registry.access import ANYBODY
from registry.cases import consultant, one_time
from registry.cases.consultant import Link
from registry.cases.desk import Desk
from registry.errors import Conflict, Forbidden, NotFound
from registry.web.fields import Fault, text
from registry.web.pages import render
from registry.web.trust.present import said_time
from registry.web.trust.review import answering
from registry.web.trust.review.answering import ASKED, GONE, Place
from registry.web.trust.review.editing import Form, Typed, long_answers, typed
from registry.web.trust.review.opening import desk_of, store_of

router = APIRouter(prefix="/answer")

COOKIE = "hat-answer"
TOKEN = "answer_token"  # noqa: S105 -- the name of a field


@dataclass(frozen=True, slots=True)
class Held:
    """A link that somebody holds: `session` is the cookie's secret, empty where the code has not been entered here."""

    tenant_id: int
    secret: str
    link: Link
    session: str


@contextmanager
def _desk(request: Request, trust: str, secret: str) -> Iterator[tuple[Desk, Held]]:
    """The desk of whoever holds a link. Raises NotFound for a trust or a link that never was."""
    with store_of(request).readonly() as connection:
        found = register.organisation_by_code(connection, trust)
    if found is None:
        raise NotFound
    with store_of(request).transaction(tenants=(found.id,)) as connection:
        desk = desk_of(request, connection, ANYBODY, found.id)
        link = one_time.find(desk, secret)
        if link is None:
            raise NotFound
        own = replace(desk, by=one_time.actor(found.id, link.id))
        session = request.cookies.get(COOKIE, "")
        inside = session and one_time.in_session(own, secret, session)
        yield own, Held(found.id, secret, link, session if inside else "")


def _must_be_open(desk: Desk, held: Held) -> None:
    if held.link.dead or not held.link.open_at(desk.at):
        raise NotFound


@router.get("/{trust}/{secret}")
def ask(request: Request, trust: str, secret: str) -> Response:
    """The question for the code; the case, once it was entered here."""
    with _desk(request, trust, secret) as (desk, held):
        _must_be_open(desk, held)
        if not held.session:
            return _code_page(request, [])
        case = answering.open_case(request, desk.connection, desk.by, held.link, held.tenant_id)
        answer = answering.page(request, case, answering.first_shown(case), _place(request, held))
        case.note_looked()
        return answer


def _place(request: Request, held: Held) -> Place:
    return Place(request.url.path.removesuffix("/send").removesuffix("/code"), {TOKEN: _token(held.session)})


def _token(session: str) -> str:
    """What the forms of a session carry: nobody who cannot read its pages knows it."""
    return identifiers.digest(f"answer form {session}".encode()).hex()


def _code_page(request: Request, wrong: list[Fault]) -> Response:
    answer = render(
        request,
        "trust/review/enter_code.html",
        status=422 if wrong else 200,
        action=f"{request.url.path.removesuffix('/code')}/code",
        digits=consultant.CODE_DIGITS,
        faults=wrong,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.post("/{trust}/{secret}/code")
def enter(request: Request, trust: str, secret: str, form: Form) -> Response:
    """Enter the code. Each wrong one counts; after five the link is as one that never was."""
    with _desk(request, trust, secret) as (desk, _):
        session = one_time.enter(desk, secret, text(form, "code"))
    if session is None:
        words = "This is not the code, or it was used already. Ask the thrombosis team for a new one."
        return _code_page(request, [Fault("code", words)])
    path = request.url.path.removesuffix("/code")
    answer = RedirectResponse(path, 303)
    settings = request.app.state.settings
    answer.set_cookie(
        COOKIE,
        session,
        max_age=settings.session_hours * 3600,
        path=path,
        secure=settings.secure,
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/{trust}/{secret}/draft")
def keep(request: Request, trust: str, secret: str, form: Form) -> Response:
    """Keep what stands in the form now; a script sends it as one types."""
    given = typed(form, ASKED)
    with _desk(request, trust, secret) as (desk, held):
        _must_be_in(held, form)
        case = answering.open_case(request, desk.connection, desk.by, held.link, held.tenant_id)
        at = answering.keep(case, given)
    return JSONResponse({"said": f"Kept at {said_time(at).rsplit(', ', 1)[-1]}. Not sent yet."})


def _must_be_in(held: Held, form: FormData) -> None:
    """Raises NotFound without a session, Forbidden for a form from elsewhere."""
    if not held.session:
        raise NotFound
    if not identifiers.same(text(form, TOKEN).encode(), _token(held.session).encode()):
        raise Forbidden("The form is no longer valid. Open the page again and send it once more.")


@router.post("/{trust}/{secret}/send")
def send(request: Request, trust: str, secret: str, form: Form) -> Response:
    """Send the answer; the link is used up then. With the other button: keep it for later."""
    given = typed(form, ASKED)
    with _desk(request, trust, secret) as (desk, held):
        _must_be_in(held, form)
        case = answering.open_case(request, desk.connection, desk.by, held.link, held.tenant_id)
        if held.link.open_at(desk.at) and not long_answers(given):
            answering.keep(case, given)
    if given.then == "later":
        return RedirectResponse(_place(request, held).action, 303)
    try:
        shown = answering.send(request, case.desk.by, case, held.link, given)
    except Conflict:
        return _gone(request, given)
    if shown is not None:
        with _desk(request, trust, secret) as (again, _):
            case = answering.open_case(request, again.connection, again.by, held.link, held.tenant_id)
            return answering.page(request, case, shown, _place(request, held))
    return _sent(request, held)


def _gone(request: Request, given: Typed) -> Response:
    """Too late: what was written is given back to whoever wrote it, to be copied."""
    texts = [value for name, value in given.text.items() if name in ("learning_point", "notable_practice") and value]
    return render(request, "trust/review/too_late.html", status=409, words=GONE, texts=texts)


def _sent(request: Request, held: Held) -> Response:
    answer = render(request, "trust/review/answered.html")
    answer.delete_cookie(COOKIE, path=_place(request, held).action)
    return answer
