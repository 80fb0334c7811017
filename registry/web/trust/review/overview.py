"""`/trust/cases/{id}/review`: where a review stands, what it has, what comes next; and how it begins and ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry import submissions
from registry.access import Actor, Right
from registry.cases import actions, consultant, second_reading, states
from registry.cases.actions import OwnerRole
from registry.cases.consultant import Link
from registry.cases.review import Page, response_words, responses, title
from registry.cases.second_reading import Place
from registry.cases.states import CONSULTANT_SILENT, CaseState, SecondReading
from registry.errors import Conflict
from registry.submissions import Reference
from registry.web.fields import Fault, text
from registry.web.lessons.beside import offers
from registry.web.pages import render
from registry.web.trust.present import said_day, said_time
from registry.web.trust.review.editing import Editing, Form, Reading, Shown, Typed, saved_or_shown
from registry.web.trust.review.ending import end, state_seen
from registry.web.trust.review.opening import Opened, address, opened
from registry.web.trust.review.present import case_rows, due_words, fact_rows, judgement_rows, said, stages, tag_of
from schemas.codes import DiedWithin90Days, Inadequacy, ResponseType
from schemas.days import LONDON
from schemas.dictionary import fields
from schemas.finding import Finding
from schemas.record import RecordKind

router = APIRouter()

ANSWERS = frozenset(each.name for each in fields(RecordKind.RCA)) - {"local_case_id", "withdraw_reason", "actions"}
DONE = {
    "draft": "Your answers are kept as your draft. Nothing of them is stored yet.",
    "begun": "The review has begun.",
    "taken": "The case is with your team again. The consultant's link no longer opens.",
    "read": "Your judgement is stored. Now both are shown, so that you can agree.",
    "action": "The actions are stored.",
}


@dataclass(frozen=True, slots=True)
class Consulted:
    """A link to a consultant as the page shows it."""

    link: Link
    words: str
    made: str
    until: str
    open: bool


@router.get("")
def one(request: Request, actor: Reading, case_id: UUID, done: str = "", stored: UUID | None = None) -> Response:
    """The review of a case."""
    with opened(request, actor, Right.READ_CASES, case_id) as held:
        findings = [] if stored is None else _warnings(held, stored)
        answer = overview(request, held, said_above=DONE.get(done, ""), findings=findings, stored=stored is not None)
        held.note_looked()
        return answer


def _warnings(held: Opened, stored: UUID) -> list[Finding]:
    """What the check asked about when the answers were stored."""
    return submissions.findings(held.connection, Reference(held.case.tenant_id, stored))


def overview(
    request: Request,
    held: Opened,
    *,
    said_above: str = "",
    findings: list[Finding] | None = None,
    stored: bool = False,
    wrong: list[Fault] | None = None,
    values: Mapping[str, str] | None = None,
) -> Response:
    """The page. `wrong` and `values` are those of whichever of its small forms was refused."""
    case, work, review = held.case, held.work, held.review.text
    may_edit = case.tenant_id in held.desk.by.tenants(Right.EDIT_CASES)
    shown = {} if held.hidden else review
    found = [] if held.hidden else actions.of_case(held.desk, case.case_id)
    at_consultant = work.state in (CaseState.RCA_OPEN, CaseState.WITH_CONSULTANT)
    return render(
        request,
        "trust/review/overview.html",
        status=422 if wrong else 200,
        held=held,
        case=case,
        work=work,
        tag=tag_of(work),
        due=due_words(work),
        overdue=work.overdue(held.desk.on),
        title=title(case.nation),
        response=response_words(review.get("response_type", ""), case.nation),
        screened=review.get("response_type") == ResponseType.SCREENING.value,
        responses=responses(case.nation),
        pages=Page,
        stages=stages(shown),
        rows=case_rows(case),
        facts=fact_rows(case, shown),
        sections=said(shown, ANSWERS, case.nation),
        consulted=_consulted(held) if may_edit and at_consultant else [],
        silent=work.complete_as == CONSULTANT_SILENT,
        silent_from=_silent_from(held),
        second=_second(held),
        actions=found,
        offers=offers(held, found) if may_edit else [],
        owners=[(each.value, each.words) for each in OwnerRole],
        themes=[(each.value, each.words) for each in Inadequacy],
        ticked=review.get("inadequacies", "").split("|"),
        today=held.desk.on,
        may_edit=may_edit,
        said_above=said_above,
        findings=findings or [],
        stored=stored,
        faults=wrong or [],
        values=values or {},
        once=uuid4().hex,
    )


def _consulted(held: Opened) -> list[Consulted]:
    at = held.desk.at
    return [
        Consulted(each, each.words(at), said_time(each.made_at), said_time(each.expires_at), each.open_at(at))
        for each in consultant.links(held.desk, held.case.case_id)
    ]


def _silent_from(held: Opened) -> str:
    """From which day the team may complete without the consultant; empty where it may already, or nobody was asked."""
    work = held.work
    if work.state is not CaseState.WITH_CONSULTANT or work.since is None:
        return ""
    last = states.due(CaseState.WITH_CONSULTANT, work.since.astimezone(LONDON).date(), held.desk.settings)
    return said_day(last) if last is not None and held.desk.on < last else ""


@dataclass(frozen=True, slots=True)
class Second:
    """The second reading as the page shows it to whoever looks."""

    why: str
    mine: bool
    read: bool
    blind: bool
    rows: list[tuple[str, list[str]]]
    heads: list[str]


def _second(held: Opened) -> Second | None:
    """None where the case is not, and was not, read twice."""
    case, waiting = held.case, held.waiting
    ended = held.work.state in (CaseState.COMPLETE, CaseState.CLOSED, CaseState.NOT_HAT)
    if waiting is None and not ended:
        return None
    rows: list[tuple[str, list[str]]] = []
    heads: list[str] = []
    if not held.hidden and (ended or (waiting is not None and waiting.read)):
        found = second_reading.readings(held.connection, case.tenant_id, case.case_id)
        if Place.SECOND in found:
            order = [each for each in Place if each in found]
            rows = judgement_rows((found[each].judgement for each in order), case.nation)
            heads = [HEADS[each] for each in order]
    if waiting is None:
        return Second("", mine=False, read=True, blind=True, rows=rows, heads=heads) if rows else None
    why = why_twice(held)
    by = held.desk.by
    return Second(
        why.words if why else "it was handed on",
        by.label in waiting.first,
        waiting.read,
        waiting.blind(by),
        rows,
        heads,
    )


def why_twice(held: Opened) -> SecondReading | None:
    """Why the case is read twice, from what is open already; as `states.why_second_reading` says."""
    if held.case.attribution == "disputed":
        return SecondReading.DISPUTE
    if held.case.values["died_within_90_days"] == DiedWithin90Days.YES.value:
        return SecondReading.DEATH
    return SecondReading.RANDOM if held.work.drawn else None


HEADS = {Place.FIRST: "First reader", Place.SECOND: "Second reader", Place.AGREED: "Agreed"}


# --- beginning


@router.post("/begin")
def begin(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """Choose the learning response: the page of a screening review, or the first stage of a full one."""
    chosen = text(form, "response_type")
    if chosen == ResponseType.SCREENING.value:
        return RedirectResponse(f"{address(case_id)}/screening", 303)
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        held.must_be_open()
        if chosen not in {each.value for each in responses(held.case.nation)}:
            return overview(request, held, wrong=[Fault("response_type", "Choose how this case is reviewed")])
    given = Typed({"response_type": chosen}, held.review.version, text(form, "once")[:64] or uuid4().hex, "")
    result = saved_or_shown(request, actor, held, None, given, {})
    if isinstance(result, Shown):
        raise Conflict("Somebody else has begun this review meanwhile. Look at it again, then decide.")
    _open(request, actor, case_id, state_seen(text(form, "seen")))
    return RedirectResponse(f"{address(case_id)}/care", 303)


def _open(request: Request, actor: Actor, case_id: UUID, seen: CaseState) -> None:
    with opened(request, actor, Right.EDIT_CASES, case_id) as held:
        if held.work.state is CaseState.CONFIRMED:
            states.move(held.desk, case_id, CaseState.RCA_OPEN, seen=seen)


# --- ending


@router.post("/complete")
def complete(request: Request, actor: Editing, case_id: UUID, form: Form) -> Response:
    """End the review as it is stored."""
    end(request, actor, case_id, seen=state_seen(text(form, "seen")))
    return RedirectResponse(address(case_id), 303)
