"""Where a case stands and who has it: read, begun, moved, assigned. Each act leaves an event with the case and a line in the audit log.

A case that came by file has a row once the worker took it in; before that, its state is worked out from its records, and any act here
makes the row. An act is compared with the state that its person saw: what has moved on meanwhile is a Conflict, never overwritten.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Date, Row, cast, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Right, holders
from registry.cases import drawing
from registry.cases.desk import Desk, note, record
from registry.cases.said import SAID
from registry.cases.transitions import OPEN, TRANSITIONS, CaseState, Transition, between, diagram, due, following
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.store.audit import Change
from registry.store.desk import case_work
from registry.store.tables import membership, person, succession
from schemas.days import LONDON

__all__ = [
    "OPEN",
    "TRANSITIONS",
    "CaseState",
    "SecondReading",
    "Transition",
    "Work",
    "assign",
    "assignees",
    "begin",
    "diagram",
    "due",
    "follow",
    "following",
    "judged",
    "move",
    "of",
    "set_due",
    "why_second_reading",
]

LONGEST_REASON = 2000
CONSULTANT_SILENT = "consultant_silent"
"""`complete_as`: the consultant did not reply."""


class SecondReading(StrEnum):
    """Why a case is read a second time."""

    RANDOM = "random"
    DEATH = "death"
    DISPUTE = "dispute"

    @property
    def words(self) -> str:
        return {"random": "drawn at random", "death": "the patient died", "dispute": "its attribution is disputed"}[
            self
        ]


@dataclass(frozen=True, slots=True)
class Work:
    """Where a case stands. `taken_in`: it has a row; else this was worked out from its records. `drawn`: for a second reading."""

    case_id: UUID
    state: CaseState
    since: datetime | None
    assigned_to: UUID | None
    due_on: date | None
    complete_as: str | None
    drawn: bool
    taken_in: bool

    def overdue(self, on: date) -> bool:
        return self.due_on is not None and self.due_on < on and self.state in OPEN


_OF = text(
    f"""
    select s.case_id, s.said, w.said as said_before, w.state, w.since, w.assigned_to, w.due_on, w.complete_as, coalesce(w.drawn, false) as drawn,
           s.died, s.attribution,
           exists (select from records.reading d
                    where d.tenant_id = s.tenant_id and d.case_id = s.case_id and d.place = 'agreed') as agreed
      from ({SAID} where r.tenant_id = :tenant and r.id = :case) s
      left join records.case_work w on w.tenant_id = s.tenant_id and w.case_id = s.case_id
    """
)


def of(connection: Connection, tenant_id: int, case_id: UUID) -> Work:
    """Where a case of a trust stands. Raises NotFound where the trust has no such case."""
    return _work(_row(connection, tenant_id, case_id))


def _row(connection: Connection, tenant_id: int, case_id: UUID) -> Row[Any]:
    row = connection.execute(_OF, {"tenant": tenant_id, "case": case_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def _work(row: Row[Any]) -> Work:
    state = CaseState(row.state or row.said or CaseState.CLOSED)
    return Work(
        row.case_id, state, row.since, row.assigned_to, row.due_on, row.complete_as, row.drawn, row.state is not None
    )


def begin(desk: Desk, case_id: UUID) -> Work:
    """The work on a case, with a row from now on. Raises NotFound; Forbidden without the right to edit."""
    _allowed(desk, (Right.EDIT_CASES, Right.REVIEW_CASE))
    row = _row(desk.connection, desk.tenant_id, case_id)
    if row.state is None:
        _take_in(desk, row)
        row = _row(desk.connection, desk.tenant_id, case_id)
    return _work(row)


def _take_in(desk: Desk, row: Row[Any]) -> None:
    state = CaseState(row.said or CaseState.CLOSED)
    share = desk.settings.counting.second_reading_share
    desk.connection.execute(
        insert_or(case_work)
        .values(
            tenant_id=desk.tenant_id,
            case_id=row.case_id,
            state=state.value,
            said=row.said,
            since=desk.at,
            due_on=due(state, desk.on, desk.settings),
            drawn=drawing.is_drawn(desk.keys.root, row.case_id, share),
        )
        .on_conflict_do_nothing()
    )


def move(
    desk: Desk,
    case_id: UUID,
    to: CaseState,
    *,
    seen: CaseState | None = None,
    reason: str | None = None,
    complete_as: str | None = None,
) -> Work:
    """Move a case. `seen` is the state that the person saw.

    Raises Conflict where it stands elsewhere by now, where there is no such move, or where it wants a judgement first; Unprocessable
    without a reason that is asked for; Forbidden without the right.
    """
    return _move(desk, _locked(desk, case_id), to, seen, reason, complete_as)


def judged(
    desk: Desk,
    case_id: UUID,
    *,
    seen: CaseState | None = None,
    reason: str | None = None,
    complete_as: str | None = None,
) -> Work:
    """The review is complete: on to the second reader where the case is to be read twice and was not, else complete. Raises as `move`."""
    row = _locked(desk, case_id)
    waits = _why(row) is not None and not row.agreed and row.state != CaseState.SECOND_READING
    to = CaseState.SECOND_READING if waits else CaseState.COMPLETE
    return _move(desk, row, to, seen, reason, complete_as)


def why_second_reading(connection: Connection, tenant_id: int, case_id: UUID) -> SecondReading | None:
    """Why a case is read twice; None: once is enough. Deaths and disputes are always."""
    return _why(_row(connection, tenant_id, case_id))


def _why(row: Row[Any]) -> SecondReading | None:
    if row.attribution == "disputed":
        return SecondReading.DISPUTE
    if row.died:
        return SecondReading.DEATH
    return SecondReading.RANDOM if row.drawn else None


def _locked(desk: Desk, case_id: UUID) -> Row[Any]:
    """The case with its work locked, so that of two who move it at once the second sees what the first did."""
    begin(desk, case_id)
    locked = select(case_work.c.case_id).where(case_work.c.tenant_id == desk.tenant_id, case_work.c.case_id == case_id)
    desk.connection.execute(locked.with_for_update())
    return _row(desk.connection, desk.tenant_id, case_id)


def _move(
    desk: Desk, row: Row[Any], to: CaseState, seen: CaseState | None, reason: str | None, complete_as: str | None
) -> Work:
    state = CaseState(row.state)
    if seen is not None and state is not seen:
        raise Conflict(
            f"This case is {state.words} by now; it was {seen.words} when you opened the page. Nothing was changed. "
            "Look at it again, then decide."
        )
    step = between(state, to)
    if step is None or not step.rights:
        raise Conflict(f"A case that is {state.words} cannot be moved to “{to.words}”. Nothing was changed.")
    _allowed(desk, step.rights)
    words = _reason(step, reason)
    _ready(desk, row, step)
    return _moved(desk, row, step, words, CONSULTANT_SILENT if step.needs_silence else complete_as)


def _allowed(desk: Desk, rights: tuple[Right, ...]) -> None:
    if not any(desk.tenant_id in desk.by.tenants(right) for right in rights):
        raise Forbidden


def _reason(step: Transition, reason: str | None) -> str | None:
    words = (reason or "").strip()
    if step.needs_reason and not words:
        raise Unprocessable("Say why.", errors=[("reason", "Enter the reason")])
    if len(words) > LONGEST_REASON:
        raise Unprocessable(
            "The reason is too long.", errors=[("reason", f"Enter at most {LONGEST_REASON} characters")]
        )
    return words or None


def _ready(desk: Desk, row: Row[Any], step: Transition) -> None:
    """Raises Conflict where a judgement is still missing or may still come, or where the records say otherwise."""
    last = due(CaseState.WITH_CONSULTANT, row.since.astimezone(LONDON).date(), desk.settings)
    if step.needs_silence and last is not None and desk.on < last:
        raise Conflict(
            f"The consultant has until {last:%-d %B %Y} to answer. To complete the review without the answer, take the case back first."
        )
    if step.to is CaseState.NOT_HAT and row.said != CaseState.NOT_HAT:
        # What counts is what the records say: the desk must not say otherwise.
        raise Conflict(
            "Withdraw the record as not HAT, or record that as the finding of its review. Nothing was changed."
        )
    if step.start is CaseState.NOT_HAT and row.said in (None, CaseState.NOT_HAT):
        raise Conflict("The record, or its review, still says that this is no HAT. Nothing was changed.")
    if step.needs_review and row.said != CaseState.COMPLETE:
        raise Conflict("Record the finding and the preventability first. Nothing was changed.")
    if step.needs_agreement and not row.agreed:
        raise Conflict("The two readers have not agreed on a judgement yet. Nothing was changed.")
    why = _why(row)
    if step.to is CaseState.COMPLETE and why is not None and not row.agreed:
        raise Conflict(f"This case is read a second time: {why.words}. Hand it to the second reader.")


def _moved(desk: Desk, found: Row[Any], step: Transition, words: str | None, complete_as: str | None) -> Work:
    """A second reader is to be somebody else, so the case goes there without the one who had it."""
    values = {
        "state": step.to.value,
        "since": desk.at,
        "due_on": due(step.to, desk.on, desk.settings),
        "complete_as": complete_as if step.to in (CaseState.COMPLETE, CaseState.SECOND_READING) else None,
    }
    if step.to is CaseState.SECOND_READING:
        values["assigned_to"] = None
    elif step.start is CaseState.SECOND_READING and step.to is CaseState.COMPLETE:
        values["complete_as"] = found.complete_as
    _update(desk, found.case_id, values)
    detail = {"from": step.start.value, "to": step.to.value}
    note(desk, found.case_id, "moved", detail, words)
    change = Change({name: getattr(found, name) for name in values}, values)
    record(desk, found.case_id, "case moved", detail, change)
    return of(desk.connection, desk.tenant_id, found.case_id)


def follow(desk: Desk, case_id: UUID, reason: str | None = None) -> Work:
    """Let the work end where a form has withdrawn the record (closed, or not HAT), and begin anew where one has brought it back."""
    row = _locked(desk, case_id)
    state = CaseState(row.state)
    to, what = _followed(row)
    values = {"state": to.value, "since": desk.at, "due_on": due(to, desk.on, desk.settings), "complete_as": None}
    _update(desk, case_id, {"said": row.said} | (values if to is not state else {}))
    if to is not state:
        detail = {"from": state.value, "to": to.value}
        note(desk, case_id, what, detail, reason)
        record(desk, case_id, f"case {what}", detail)
    return of(desk.connection, desk.tenant_id, case_id)


def _followed(row: Row[Any]) -> tuple[CaseState, str]:
    """Where a withdrawal, or the end of one, puts a case, and what that is called."""
    if row.said is None:
        return CaseState.CLOSED, "withdrawn"
    if row.said == CaseState.NOT_HAT:
        return CaseState.NOT_HAT, "moved"
    gone = row.state in (CaseState.CLOSED, CaseState.NOT_HAT) and row.said_before in (None, CaseState.NOT_HAT)
    return CaseState(row.said if gone else row.state), "begun again"


def _update(desk: Desk, case_id: UUID, values: dict[str, Any]) -> None:
    desk.connection.execute(
        update(case_work)
        .where(case_work.c.tenant_id == desk.tenant_id, case_work.c.case_id == case_id)
        .values(**values)
    )


def assign(desk: Desk, case_id: UUID, person_id: UUID | None) -> Work:
    """Give a case to somebody who may edit cases here, or to nobody. Raises Conflict for anybody else."""
    _allowed(desk, (Right.EDIT_CASES,))
    before = begin(desk, case_id).assigned_to
    if person_id is not None and person_id not in assignees(desk.connection, desk.tenant_id, desk.on):
        raise Conflict("This person cannot work on cases here. Choose somebody else.")
    _update(desk, case_id, {"assigned_to": person_id})
    detail = {"to": None if person_id is None else str(person_id)}
    note(desk, case_id, "assigned", detail)
    record(desk, case_id, "case assigned", detail, Change(before, person_id))
    return of(desk.connection, desk.tenant_id, case_id)


def assignees(connection: Connection, tenant_id: int, on: date) -> dict[UUID, str]:
    """Who may work on a trust's cases on a day, by name: its own people, and those of the organisation it was merged into."""
    chain = select(literal(tenant_id).label("id")).cte("chain", recursive=True)
    further = select(succession.c.successor_id).join(chain, succession.c.predecessor_id == chain.c.id)
    heirs = chain.union(further.where(succession.c.effective_on <= cast(literal(on), Date)))
    roles = [role.value for role in holders(Right.EDIT_CASES)]
    rows = connection.execute(
        select(person.c.id, person.c.display_name)
        .where(
            person.c.disabled_at.is_(None),
            person.c.id.in_(
                select(membership.c.person_id).where(
                    membership.c.organisation_id.in_(select(heirs.c.id)),
                    membership.c.role.in_(roles),
                    membership.c.ended_at.is_(None),
                )
            ),
        )
        .order_by(func.lower(person.c.display_name))
    )
    return {row.id: row.display_name for row in rows}


def set_due(desk: Desk, case_id: UUID, on: date | None) -> Work:
    """Set by when what is to be done with a case is due. Raises Conflict where nothing is to be done with it."""
    _allowed(desk, (Right.EDIT_CASES,))
    row = _locked(desk, case_id)
    state = CaseState(row.state)
    if state not in OPEN:
        raise Conflict(f"A case that is {state.words} has no due date.")
    _update(desk, case_id, {"due_on": on})
    detail = {"on": None if on is None else on.isoformat()}
    note(desk, case_id, "due", detail)
    record(desk, case_id, "case due date set", detail, Change(row.due_on, on))
    return of(desk.connection, desk.tenant_id, case_id)
