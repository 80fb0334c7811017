"""`/trust/worklist`: the open cases of a person's organisations, the longest overdue first; and giving them to somebody."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from registry.access import Actor, Right, holders
from registry.cases import listing, states, story
from registry.cases.desk import open_desk
from registry.cases.listing import MOST_COUNTED, Counts, Place, Tasks, Whose
from registry.cases.states import OPEN, CaseState
from registry.errors import Conflict, NotFound
from registry.store import Store
from registry.submissions.senders import senders
from registry.web.actor import require
from registry.web.bodies import read_form
from registry.web.fields import Fault, text
from registry.web.pages import NUMBERS, Number, count_numbers, render
from registry.web.trust.cases.present import row, tag_of
from registry.web.trust.present import today
from registry.web.uploads import secrets_of

router = APIRouter(prefix="/trust/worklist")

PAGE = 25
MOST_FIELDS = PAGE + 10
WORKERS = tuple(role.value for role in holders(Right.EDIT_CASES))
OVERDUE = "overdue"
DONE = {"assigned": "The cases have been given out as you said."}


async def assign_form(request: Request) -> FormData:
    """The form, which has a box for each case of a page."""
    return await read_form(request, max_fields=MOST_FIELDS)


Reading = Annotated[Actor, require(Right.READ_CASES)]
Editing = Annotated[Actor, require(Right.EDIT_CASES)]
Form = Annotated[FormData, Depends(assign_form)]


NUMBERS["/trust/worklist"] = Number(listing.OVERDUE, "overdue")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the worklist is asked for, as it stands in the address."""

    whose: str = ""
    state: str = ""
    organisation: str = ""

    @property
    def given(self) -> dict[str, str]:
        pairs = (("whose", self.whose), ("state", self.state), ("organisation", self.organisation))
        return {name: value for name, value in pairs if value}

    def address(self, **more: str) -> str:
        query = urlencode(self.given | more)
        return f"/trust/worklist?{query}" if query else "/trust/worklist"


@router.get("")
def index(
    request: Request,
    actor: Reading,
    whose: str = "",
    state: str = "",
    organisation: str = "",
    after: str = "",
    done: str = "",
) -> Response:
    """What is to be done, page by page."""
    return _page(request, actor, Asked(whose, state, organisation), after, DONE.get(done, ""))


@router.post("/assign")
def assign(request: Request, actor: Editing, form: Form) -> Response:
    """Give the ticked cases to a person, or to nobody."""
    asked = Asked(text(form, "whose"), text(form, "state"), text(form, "organisation"))
    ticked, faults = _ticked(form)
    person, unknown = _chosen_person(form)
    faults += unknown
    if not faults:
        try:
            _assign(request, actor, ticked, person)
        except Conflict as refused:
            faults = [Fault("person", refused.detail)]
    if faults:
        given = Given(frozenset(ticked), text(form, "person"), tuple(faults))
        return _page(request, actor, asked, text(form, "after"), given=given)
    return RedirectResponse(asked.address(done="assigned"), 303)


def _assign(request: Request, actor: Actor, ticked: list[UUID], person: UUID | None) -> None:
    """All of them or none. Raises NotFound where one is not theirs, Conflict where the person cannot work on one."""
    tenants = actor.tenants(Right.EDIT_CASES)
    at = datetime.now(UTC)
    with _store(request).transaction(tenants=tenants) as connection:
        theirs = listing.tenant_of(connection, tenants, ticked)
        if len(theirs) < len(ticked):
            raise NotFound
        for tenant in sorted(set(theirs.values())):
            desk = open_desk(
                connection, secrets_of(request.app.state), request.app.state.settings, tenant, by=actor, at=at
            )
            for case_id in sorted(each for each in ticked if theirs[each] == tenant):
                states.assign(desk, case_id, person)


def _ticked(form: FormData) -> tuple[list[UUID], list[Fault]]:
    try:
        found = sorted({UUID(value) for value in form.getlist("case") if isinstance(value, str)})
    except ValueError:
        raise NotFound from None
    return found, [] if found else [Fault("work", "Tick the cases that you want to give out")]


def _chosen_person(form: FormData) -> tuple[UUID | None, list[Fault]]:
    chosen = text(form, "person")
    try:
        return (None if chosen == "nobody" else UUID(chosen)), []
    except ValueError:
        return None, [Fault("person", "Choose who is to have the cases")]


@dataclass(frozen=True, slots=True)
class Given:
    """What was ticked and chosen in a form that was not taken, and why it was not."""

    ticked: frozenset[UUID] = frozenset()
    person: str = ""
    faults: tuple[Fault, ...] = ()


NOTHING_GIVEN = Given()


def _page(
    request: Request, actor: Actor, asked: Asked, after: str, done: str = "", given: Given = NOTHING_GIVEN
) -> Response:
    tenants, on = actor.tenants(Right.READ_CASES), today()
    tasks, place = _tasks(asked, actor, on), _place(after)
    with _store(request).readonly(tenants=tenants) as connection:
        ours = {each.id: each for each in senders(connection, tenants)}
        among = _among(asked, {each.code: each.id for each in ours.values()}) or tenants
        found = listing.worklist(connection, among, tasks, after=place, limit=PAGE + 1)
        counted = listing.counts(connection, among, actor.id, on)
        people = story.people(connection, tenants, on, WORKERS)
        count_numbers(request, connection, actor)
    editable = set(actor.tenants(Right.EDIT_CASES))
    last = found[PAGE - 1] if len(found) > PAGE else None
    return render(
        request,
        "trust/cases/worklist.html",
        status=422 if given.faults else 200,
        rows=[row(each, people, ours, on) for each in found[:PAGE]],
        older=asked.address(after=_written(last.due_on, last.case_id)) if last else "",
        first=place is None,
        after=after,
        counts=_tabs(asked, counted),
        asked=asked,
        states=[(each.value, tag_of(each)[0]) for each in OPEN],
        organisations=[(each.code, each.name) for each in ours.values()],
        people=[each for each in people.values() if each.may_work],
        me=actor.id,
        may_edit=bool(editable),
        done=done,
        given=given,
        faults=given.faults,
    )


@dataclass(frozen=True, slots=True)
class Tab:
    """One part of the worklist with how much is in it."""

    words: str
    href: str
    count: str
    chosen: bool


def _tabs(asked: Asked, counted: Counts) -> list[Tab]:
    parts = (
        ("", "Everybody’s", counted.everybody),
        (OVERDUE, "Overdue", counted.overdue),
        (Whose.MINE.value, "Given to me", counted.mine),
        (Whose.NOBODY.value, "Nobody’s", counted.nobody),
    )
    return [
        Tab(
            words,
            replace(asked, whose=whose).address(),
            f"{count:,}{'+' if count >= MOST_COUNTED else ''}",
            chosen=asked.whose == whose,
        )
        for whose, words, count in parts
    ]


def _tasks(asked: Asked, actor: Actor, on: date) -> Tasks:
    """Raises NotFound for what is no choice of the page."""
    try:
        whose = Whose(asked.whose) if asked.whose not in ("", OVERDUE) else Whose.EVERYBODY
        state = CaseState(asked.state) if asked.state else None
    except ValueError:
        raise NotFound from None
    if state is not None and state not in OPEN:
        raise NotFound
    return Tasks(whose, state, on if asked.whose == OVERDUE else None, actor.id)


def _among(asked: Asked, codes: dict[str, int]) -> tuple[int, ...]:
    if not asked.organisation:
        return ()
    if asked.organisation not in codes:
        raise NotFound
    return (codes[asked.organisation],)


def _written(due_on: date | None, case_id: UUID) -> str:
    return f"{due_on or '-'}_{case_id}"


def _place(after: str) -> Place | None:
    if not after:
        return None
    day, _, ident = after.partition("_")
    try:
        return Place(None if day == "-" else date.fromisoformat(day), UUID(ident))
    except ValueError:
        raise NotFound from None


def _store(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
