"""Actions of a review, and all of a trust's: `/trust/actions`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right
from registry.cases import actions, online
from registry.cases.actions import Action, OwnerRole, Planned
from registry.cases.online import Stale
from registry.errors import Conflict, NotFound, Unprocessable
from registry.submissions.senders import senders
from registry.web.fields import Fault, day_or_fault, faults, text, texts
from registry.web.pages import render
from registry.web.trust.review.editing import Editing, Form, Reading
from registry.web.trust.review.opening import RCA, Opened, address, desk_of, opened, store_of
from registry.web.trust.review.overview import overview
from registry.web.uploads import secrets_of
from schemas.codes import Inadequacy

router = APIRouter()
listing = APIRouter(prefix="/trust/actions")

OWNERS = [(each.value, each.words) for each in OwnerRole]
THEMES = [(each.value, each.words) for each in Inadequacy]


def planned_of(form: FormData) -> tuple[Planned, list[Fault]]:
    """An action as a form has it, and what is wrong with its date."""
    due_on, wrong = day_or_fault(form, "due_on", "Enter a date, such as 27/03/2026")
    themes = tuple(value for value in form.getlist("themes") if isinstance(value, str) and value)
    what = form.get("what")
    return Planned(what if isinstance(what, str) else "", text(form, "owner_role"), due_on, themes), wrong


def _wrong(refused: Unprocessable, dates: list[Fault]) -> list[Fault]:
    """Each field once: what is no date is said as that, not as missing too."""
    named = {each.field for each in dates}
    return [*dates, *(each for each in faults((f.pointer, f.words) for f in refused.errors) if each.field not in named)]


@router.post("/actions")
def add(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """A new action of this case."""
    planned, dates = planned_of(form)
    try:
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            _may_see(held)
            actions.add(held.desk, case_id, planned, once=_once(form))
    except Unprocessable as refused:
        wrong = _wrong(refused, dates)
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            return overview(request, held, wrong=wrong, values=_typed(form))
    _count(request, actor, case_id)
    return RedirectResponse(f"{address(case_id)}?done=action#actions", 303)


def _once(form: FormData) -> UUID | None:
    """The form's own number; None where it was tampered with."""
    try:
        return UUID(text(form, "once"))
    except ValueError:
        return None


def _typed(form: FormData) -> dict[str, str]:
    what = form.get("what")
    themes = "|".join(value for value in form.getlist("themes") if isinstance(value, str))
    return {**texts(form), "themes": themes, "what": what if isinstance(what, str) else ""}


def _may_see(held: Opened) -> None:
    """While a second reader is to judge blind, the actions are as absent as the judgement that led to them."""
    if held.hidden:
        raise NotFound


def _count(request: Request, actor: Actor, case_id: UUID) -> None:
    """The review says how many actions there are, unless a file said so. A colleague's change meanwhile is waited for once."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        number = str(len(actions.of_case(held.desk, case_id)))
    version, said = held.review.version, held.review.text.get("actions")
    by_file = said is not None and "actions" not in held.review.corrected
    if not version or by_file or said == number:
        return
    for _ in range(2):
        form = online.Form(
            kind=RCA,
            key=held.case.local_case_id,
            text={"actions": number},
            base_version=version,
            once=uuid4().hex,
            opt_out_screened=True,
        )
        state = request.app.state
        result = online.save(
            store_of(request),
            held.case.tenant_id,
            form,
            secrets=secrets_of(state),
            settings=state.settings,
            by=actor,
            at=datetime.now(UTC),
        )
        if not isinstance(result, Stale):
            return
        version = result.held.version


@router.get("/actions/{action_id}")
def one(request: Request, actor: Editing, case_id: UUID, action_id: UUID) -> Response:
    """One action, to be changed or done."""
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        return _page(request, held, _of(held, action_id), {}, [])


def _of(held: Opened, action_id: UUID) -> Action:
    _may_see(held)
    found = actions.find(held.desk, action_id)
    if found.case_id != held.case.case_id:
        raise NotFound
    return found


def _page(
    request: Request, held: Opened, found: Action, values: dict[str, str], wrong: list[Fault], *, status: int = 422
) -> Response:
    return render(
        request,
        "trust/review/action.html",
        status=status if wrong else 200,
        case=held.case,
        href=held.href,
        action=found,
        owners=OWNERS,
        themes=THEMES,
        ticked=values["themes"].split("|") if values.get("what") else list(found.themes),
        values=values,
        moved=status == Conflict.status,
        today=held.desk.on,
        faults=wrong,
    )


@router.post("/actions/{action_id}")
def change(request: Request, actor: Editing, case_id: UUID, action_id: UUID, form: Form) -> Response:
    """Change the action, say that it is done, or drop it, by the button that was pressed."""
    planned, dates = planned_of(form)
    done_on, done_wrong = day_or_fault(form, "done_on", "Enter a date, such as 27/03/2026")
    evidence = form.get("evidence")
    pressed = text(form, "then")
    try:
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            _of(held, action_id)
            match pressed:
                case "change":
                    actions.change(held.desk, action_id, planned, seen=text(form, "seen"))
                case "done":
                    actions.finish(held.desk, action_id, done_on, evidence if isinstance(evidence, str) else "")
                case "drop":
                    actions.drop(held.desk, action_id)
                case _:
                    raise NotFound
    except Unprocessable as refused:
        wrong = _wrong(refused, done_wrong if pressed == "done" else dates)
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            return _page(request, held, _of(held, action_id), _typed(form), wrong)
    except Conflict as refused:
        with opened(request, actor, Right.EDIT_CASES, case_id) as held:
            wrong = [Fault("", refused.detail)]
            return _page(request, held, _of(held, action_id), _typed(form), wrong, status=refused.status)
    if pressed == "drop":
        _count(request, actor, case_id)
    return RedirectResponse(f"{address(case_id)}?done=action#actions", 303)


# --- all of a trust's


@dataclass(frozen=True, slots=True)
class Line:
    """An action in the list of all."""

    action: Action
    organisation: str
    overdue: bool
    href: str


@listing.get("")
def index(request: Request, actor: Reading, done: str = "", organisation: str = "") -> Response:
    """The open actions of a person's organisations, or of one of them, by due date; or those done, the last first."""
    tenants = actor.tenants(Right.READ_CASES)
    on: date
    lines: list[Line] = []
    with store_of(request).readonly(tenants=tenants) as connection:
        ours = senders(connection, tenants)
        names = {each.id: each.name for each in ours if organisation in ("", each.code)}
        if not names:
            raise NotFound
        for tenant in names:
            desk = desk_of(request, connection, actor, tenant)
            on = desk.on
            lines += [
                Line(each, names[tenant], each.overdue(on), address(each.case_id))
                for each in actions.of_trust(desk, done=bool(done))
            ]
    return render(
        request,
        "trust/review/actions.html",
        lines=sorted(lines, key=lambda each: _order(each.action), reverse=bool(done)),
        done=bool(done),
        several=len(names) > 1,
        organisation=organisation,
        overdue=sum(each.overdue for each in lines),
    )


def _order(each: Action) -> tuple[date, UUID]:
    return (each.done_on or each.due_on or date.max, each.id)
