"""`/trust/cases/…`: one case. Where it stands and what may be done, what happened to the patient in order, what is recorded, how it came to
be recorded so, and who looked. What identifies is masked; to show it is an act of its own, noted, and holds for one answer.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Actor, Right
from registry.cases import second_reading, standing, states, story
from registry.cases.desk import Desk
from registry.cases.states import CaseState, Work, following
from registry.cases.story import Head, Person, Story
from registry.cases.timeline import timeline
from registry.errors import Conflict
from registry.settings import Settings
from registry.store import Store, audit
from registry.web.actor import require
from registry.web.fields import Fault
from registry.web.pages import count_numbers, render
from registry.web.trust.cases import told
from registry.web.trust.cases.filling import Typed
from registry.web.trust.cases.worklist import WORKERS
from registry.web.uploads import secrets_of
from schemas.days import LONDON
from schemas.record import RecordKind

router = APIRouter(prefix="/trust/cases")

Reading = Annotated[Actor, require(Right.READ_CASES)]
Fresh = Annotated[Actor, require(Right.READ_CASES, fresh=True)]
CASE, RCA = RecordKind.CASE, RecordKind.RCA

DONE = {
    "entered": "The case is in the register.",
    "changed": "The changes are in the register.",
    "moved": "The case was moved.",
    "assigned": "The case was given out as you said.",
    "due": "The due date was set.",
    "withdrawn": "The case is withdrawn. It stays here with its story, and counts no more.",
    "restored": "The case is back. It stands in the worklist again within a minute or two.",
}
GONE = "The key of this organisation was destroyed: what identifies cannot be opened by anybody."


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one page is made of, read in one transaction."""

    head: Head
    story: Story
    work: Work
    people: Mapping[UUID, Person]
    desk: Desk | None
    at: datetime

    @property
    def on(self) -> date:
        return self.at.astimezone(LONDON).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What one answer has besides: what was just done, what is wrong with a form on the page, what identifies if it was asked for."""

    done: str = ""
    faults: tuple[Fault, ...] = ()
    typed: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] | None = None
    status: int = 200


@router.get("/{case_id}")
def one(request: Request, actor: Reading, case_id: UUID, done: str = "") -> Response:
    """The case; that it was read is noted."""
    tenants = actor.tenants(Right.READ_CASES)
    with store_of(request).transaction(tenants=tenants) as connection:
        seen = see(request, connection, actor, case_id)
        note(connection, seen, actor, "case read")
    return shown(request, actor, seen, Extra(done=DONE.get(done, "")))


@router.post("/{case_id}/show")
def show(request: Request, actor: Fresh, _form: Typed, case_id: UUID) -> Response:
    """The case with what identifies, in this answer alone, after a fresh code. Raises Conflict where it can no longer be opened."""
    tenants = actor.tenants(Right.READ_CASES)
    with store_of(request).transaction(tenants=tenants) as connection:
        seen = see(request, connection, actor, case_id)
        if seen.desk is None:
            raise Conflict(GONE)
        opened = standing.opened(seen.head, seen.desk.keys)
        note(connection, seen, actor, "identifiers shown", {"fields": sorted(opened), "where": "case"})
    return shown(request, actor, seen, Extra(shown=opened))


def see(request: Request, connection: Connection, actor: Actor, case_id: UUID) -> Seen:
    """Everything about a case of the actor's organisations. Raises NotFound for any other."""
    at = datetime.now(UTC)
    head = story.head(connection, actor.tenants(Right.READ_CASES), case_id)
    keys = standing.keys_of(head, secrets_of(request.app.state))
    settings: Settings = request.app.state.settings
    on = at.astimezone(LONDON).date()
    count_numbers(request, connection, actor)
    work = states.of(connection, head.trust.id, case_id)
    return Seen(
        head=head,
        story=_blinded(connection, actor, head, work, story.story(connection, head)),
        work=work,
        people=story.people(connection, (head.trust.id,), on, WORKERS),
        desk=None if keys is None else Desk(connection, head.trust.id, keys, settings, actor, at),
        at=at,
    )


def _blinded(connection: Connection, actor: Actor, head: Head, work: Work, whole: Story) -> Story:
    """Without the review while a second reader is to judge it blind, but for whoever judged it first."""
    at_second = work.state is CaseState.SECOND_READING
    if at_second and second_reading.hides(connection, head.trust.id, head.case_id, actor):
        return replace(whole, versions=tuple(each for each in whole.versions if each.kind is CASE))
    return whole


def note(
    connection: Connection, seen: Seen, actor: Actor, action: str, detail: Mapping[str, Any] | None = None
) -> None:
    """That somebody looked, in the trust's audit log. Call it last."""
    audit.record(
        connection,
        tenant=seen.head.trust.id,
        actor=actor.label,
        role=actor.role,
        action=action,
        object_type="case",
        object_id=str(seen.head.case_id),
        detail=detail,
    )


def shown(request: Request, actor: Actor, seen: Seen, extra: Extra) -> Response:
    """The page."""
    head, case, review = seen.head, seen.story.standing(CASE), seen.story.standing(RCA)
    may_edit = head.trust.id in actor.tenants(Right.EDIT_CASES)
    keys = seen.desk.keys if seen.desk else None
    return render(
        request,
        "trust/cases/case.html",
        status=extra.status,
        case=told.case(head, seen.work, seen.people, seen.on),
        attribution=told.attribution(head),
        timeline=timeline(case, review),
        sections=told.sections(case, extra.shown),
        findings=told.findings(standing.findings(head, case, keys, request.app.state.settings, seen.on)),
        others=head.others,
        versions=told.versions(seen.story, seen.people),
        events=told.events(seen.story, seen.people, seen.desk),
        looked=told.looked(seen.story, seen.people),
        reviewed=bool(review),
        moves=_moves(seen, actor),
        people=[each for each in seen.people.values() if each.may_work],
        me=actor.id,
        may_edit=may_edit,
        may_restore=may_edit and head.withdraw_reason in told.RESTORABLE,
        identifiers_shown=extra.shown is not None,
        once=secrets.token_hex(16),
        done=extra.done,
        faults=extra.faults,
        typed=extra.typed,
    )


def _moves(seen: Seen, actor: Actor) -> list[told.Move]:
    """The moves that the actor may make; none where the case is withdrawn, but for one that was not HAT."""
    if seen.head.withdrawn and seen.work.state is not CaseState.NOT_HAT:
        return []
    tenant = seen.head.trust.id
    return told.moves(
        each for each in following(seen.work.state) if any(tenant in actor.tenants(right) for right in each.rights)
    )


def store_of(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
