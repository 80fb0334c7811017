"""What a trust does about what its reviews found: each action with the role that owns it, by when, and the evidence that it was done."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    exists,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Right
from registry.cases.desk import Desk, note, record, seal, unseal
from registry.cases.transitions import CaseState
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.store.audit import Change
from registry.store.desk import action, case_work, reading
from registry.store.records import RECORD
from schemas.codes import Inadequacy
from schemas.record import RecordKind

LONGEST = 2000
MEANWHILE = (
    "Somebody else has changed this action since you opened the page. Nothing of yours was stored, and it still stands here: "
    "look at what the action says now, then store yours if it is still needed."
)
MOST_SHOWN = 200
_TABLE = "action"
_CASE = RECORD[RecordKind.CASE]


class OwnerRole(StrEnum):
    """Who sees to an action: a role, never a name."""

    VTE_NURSE = "vte_nurse"
    THROMBOSIS_CONSULTANT = "thrombosis_consultant"
    CONSULTANT = "consultant"
    CLINICAL_DIRECTOR = "clinical_director"
    WARD_MANAGER = "ward_manager"
    MATRON = "matron"
    PHARMACIST = "pharmacist"
    EDUCATION = "education"
    INFORMATICS = "informatics"
    PATIENT_SAFETY = "patient_safety"
    COMMITTEE = "committee"

    @property
    def words(self) -> str:
        return _OWNERS[self]


_OWNERS = {
    OwnerRole.VTE_NURSE: "VTE nurse or midwife",
    OwnerRole.THROMBOSIS_CONSULTANT: "Consultant of the thrombosis team",
    OwnerRole.CONSULTANT: "Consultant of the specialty",
    OwnerRole.CLINICAL_DIRECTOR: "Clinical director",
    OwnerRole.WARD_MANAGER: "Ward manager",
    OwnerRole.MATRON: "Matron",
    OwnerRole.PHARMACIST: "Pharmacist",
    OwnerRole.EDUCATION: "Education lead",
    OwnerRole.INFORMATICS: "Informatics or electronic prescribing lead",
    OwnerRole.PATIENT_SAFETY: "Patient safety lead",
    OwnerRole.COMMITTEE: "Thrombosis committee",
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action. `themes` are the shortcomings it answers; `what` and `evidence` are None once they were erased."""

    id: UUID
    tenant_id: int
    case_id: UUID
    local_case_id: str
    what: str | None
    owner_role: str
    due_on: date | None
    done_on: date | None
    evidence: str | None
    themes: tuple[str, ...]
    made_at: datetime

    @property
    def owner(self) -> str:
        return _OWNERS.get(OwnerRole(self.owner_role), self.owner_role) if self.owner_role in set(OwnerRole) else ""

    @property
    def answers(self) -> str:
        """The themes in words."""
        return "; ".join(Inadequacy(each).words for each in self.themes if each in set(Inadequacy))

    @property
    def mark(self) -> str:
        """Another one as soon as the action says something else."""
        return sha256(repr(_said(self)).encode()).hexdigest()[:32]

    def overdue(self, on: date) -> bool:
        return self.done_on is None and self.due_on is not None and self.due_on < on


@dataclass(frozen=True, slots=True)
class Planned:
    """What a person fills in about an action."""

    what: str
    owner_role: str
    due_on: date | None
    themes: tuple[str, ...]


def add(desk: Desk, case_id: UUID, planned: Planned, *, once: UUID | None = None) -> UUID:
    """A new action of a case. `once` is its form's own number: sent twice, it is one action. Raises Unprocessable with every fault, Forbidden."""
    _check(desk, planned)
    made: UUID = once or desk.connection.execute(select(func.records.uuid7())).scalar_one()
    added = desk.connection.execute(
        insert_or(action)
        .values(
            tenant_id=desk.tenant_id,
            id=made,
            case_id=case_id,
            made_by=desk.by.label,
            made_at=desk.at,
            **_planned(desk, made, planned),
        )
        .on_conflict_do_nothing()
        .returning(action.c.id)
    ).scalar()
    if added is not None:
        _note(desk, case_id, "action added", made, Change(None, _said(planned)))
    return made


def change(desk: Desk, action_id: UUID, planned: Planned, *, seen: str | None = None) -> Action:
    """Say otherwise what is to be done; what it says already changes nothing. `seen` is the `mark` of the action that the person saw.

    Raises as `add`; NotFound; Conflict where it is done, or says something else by now.
    """
    _check(desk, planned)
    found = _open(desk, action_id)
    if _said(found) == _said(planned):
        return found
    if seen is not None and seen != found.mark:
        raise Conflict(MEANWHILE)
    _update(desk, action_id, _planned(desk, action_id, planned))
    _note(desk, found.case_id, "action changed", action_id, Change(_said(found), _said(planned)))
    return found


def finish(desk: Desk, action_id: UUID, done_on: date | None, evidence: str) -> Action:
    """The action is done, and by what that shows. Raises Unprocessable, NotFound, Conflict, Forbidden."""
    _may_edit(desk)
    found = _open(desk, action_id)
    wrong = []
    if done_on is None or done_on > desk.on:
        wrong.append(("done_on", "Enter the day on which it was done, not later than today"))
    if not evidence.strip():
        wrong.append(("evidence", "Enter what shows that it was done"))
    elif len(evidence) > LONGEST:
        wrong.append(("evidence", f"Enter at most {LONGEST:,} characters"))
    if wrong:
        raise Unprocessable(errors=wrong)
    sealed = seal(desk, _TABLE, action_id, "evidence", evidence.strip())
    _update(desk, action_id, {"done_on": done_on, "evidence_ct": sealed})
    done = Change(_said(found), [*_said(found), done_on, evidence.strip()])
    _note(desk, found.case_id, "action done", action_id, done)
    return found


def drop(desk: Desk, action_id: UUID) -> Action:
    """The action is not to be done after all. Raises as `change`."""
    _may_edit(desk)
    found = _open(desk, action_id)
    _update(desk, action_id, {"dropped_at": desk.at})
    _note(desk, found.case_id, "action dropped", action_id, Change(_said(found), None))
    return found


def _check(desk: Desk, planned: Planned) -> None:
    _may_edit(desk)
    wrong = []
    if not planned.what.strip():
        wrong.append(("what", "Enter what is to be done"))
    elif len(planned.what) > LONGEST:
        wrong.append(("what", f"Enter at most {LONGEST:,} characters"))
    if planned.owner_role not in set(OwnerRole):
        wrong.append(("owner_role", "Choose the role that sees to it"))
    if planned.due_on is None:
        wrong.append(("due_on", "Enter the day by which it is to be done"))
    if not set(planned.themes) <= set(Inadequacy):
        wrong.append(("themes", "Choose from the list what it answers"))
    if wrong:
        raise Unprocessable(errors=wrong)


def _may_edit(desk: Desk) -> None:
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden


def _planned(desk: Desk, action_id: UUID, planned: Planned) -> dict[str, Any]:
    return {
        "what_ct": seal(desk, _TABLE, action_id, "what", planned.what.strip()),
        "owner_role": planned.owner_role,
        "due_on": planned.due_on,
        "themes": sorted(set(planned.themes)),
    }


def _open(desk: Desk, action_id: UUID) -> Action:
    """An action that is to be done, locked: of two who change it at once the second sees what the first did."""
    this = (action.c.tenant_id == desk.tenant_id, action.c.id == action_id)
    desk.connection.execute(select(action.c.id).where(*this).with_for_update())
    found = find(desk, action_id)
    if found.done_on is not None:
        raise Conflict("This action is done already. Nothing was changed.")
    return found


def _update(desk: Desk, action_id: UUID, values: dict[str, Any]) -> None:
    desk.connection.execute(
        update(action).where(action.c.tenant_id == desk.tenant_id, action.c.id == action_id).values(**values)
    )


def _said(of: Action | Planned) -> list[object]:
    return [(of.what or "").strip(), of.owner_role, of.due_on, sorted(set(of.themes))]


def _note(desk: Desk, case_id: UUID, what: str, action_id: UUID, change: Change) -> None:
    detail = {"action": str(action_id)}
    note(desk, case_id, what, detail)
    record(desk, case_id, what, detail, change)


# --- read back


def find(desk: Desk, action_id: UUID) -> Action:
    """One action that stands. Raises NotFound."""
    row = desk.connection.execute(_chosen([desk.tenant_id]).where(action.c.id == action_id)).one_or_none()
    if row is None:
        raise NotFound
    return _action(desk, row)


def of_case(desk: Desk, case_id: UUID) -> list[Action]:
    """The actions of a case, the open ones first, by due date."""
    return _read(desk, _chosen([desk.tenant_id]).where(action.c.case_id == case_id))


def of_trust(desk: Desk, *, done: bool, limit: int = MOST_SHOWN) -> list[Action]:
    """A trust's open actions by due date, or those done, the last first; at most `limit`. Without those that a second reader is not to see."""
    query = _chosen([desk.tenant_id]).where(_shown(desk))
    if done:
        query = query.where(action.c.done_on.is_not(None)).order_by(None)
        query = query.order_by(action.c.done_on.desc(), action.c.id)
    else:
        query = query.where(action.c.done_on.is_(None))
    return _read(desk, query.limit(limit))


def done_about(desk: Desk, themes: Collection[str], *, besides: UUID, limit: int = 5) -> list[Action]:
    """What the trust has done about any of these shortcomings in other cases, the last first."""
    if not themes:
        return []
    query = _chosen([desk.tenant_id]).where(
        action.c.themes.overlap(list(themes)),
        action.c.done_on.is_not(None),
        action.c.case_id != besides,
        _shown(desk),
    )
    return _read(desk, query.order_by(None).order_by(action.c.done_on.desc(), action.c.id).limit(limit))


def _chosen(tenants: list[int]) -> Select[Any]:
    return (
        select(action, _CASE.c.local_case_id)
        .join(_CASE, (_CASE.c.tenant_id == action.c.tenant_id) & (_CASE.c.id == action.c.case_id))
        .where(action.c.tenant_id.in_(tenants), action.c.dropped_at.is_(None))
        .order_by(action.c.done_on.is_not(None), action.c.due_on, action.c.id)
    )


def _shown(desk: Desk) -> ColumnElement[bool]:
    """Not of a case that waits for its second reader, who is to judge blind; the first reader sees those too."""
    second = reading.alias("second")
    read = _of_work(second).where(second.c.place == "second", second.c.at >= case_work.c.since)
    own = _of_work(reading).where(reading.c.place == "first", reading.c.reader == desk.by.label)
    waits = exists().where(
        case_work.c.tenant_id == action.c.tenant_id,
        case_work.c.case_id == action.c.case_id,
        case_work.c.state == CaseState.SECOND_READING.value,
        ~read.exists(),
        ~own.exists(),
    )
    return ~waits


def _of_work(of: FromClause) -> Select[Any]:
    """Readings of the case that is looked at."""
    same = (of.c.tenant_id == case_work.c.tenant_id) & (of.c.case_id == case_work.c.case_id)
    return select(literal(1)).select_from(of).where(same).correlate(case_work)


def _read(desk: Desk, query: Select[Any]) -> list[Action]:
    return [_action(desk, row) for row in desk.connection.execute(query)]


def _action(desk: Desk, row: Row[Any]) -> Action:
    return Action(
        id=row.id,
        tenant_id=row.tenant_id,
        case_id=row.case_id,
        local_case_id=row.local_case_id,
        what=unseal(desk, _TABLE, row.id, "what", row.what_ct),
        owner_role=row.owner_role,
        due_on=row.due_on,
        done_on=row.done_on,
        evidence=unseal(desk, _TABLE, row.id, "evidence", row.evidence_ct),
        themes=tuple(row.themes),
        made_at=row.made_at,
    )


# --- reminders, by the worker


@dataclass(frozen=True, slots=True)
class Owed:
    """A trust's actions that are due and of which nobody was reminded yet: how many, and which."""

    tenant_id: int
    actions: tuple[UUID, ...]


_OWED = text(
    """
    select tenant_id, array_agg(id order by due_on, id) as actions from records.action
     where done_on is null and dropped_at is null and due_on <= :on and (reminded_on is null or reminded_on < due_on)
     group by tenant_id order by tenant_id
    """
)
_REMINDED = text(
    """
    with told as (
      update records.action set reminded_on = :on
       where tenant_id = :tenant and id = any(:actions) returning tenant_id, case_id, id
    )
    insert into records.case_event (tenant_id, case_id, at, actor, what, detail)
    select tenant_id, case_id, :at, 'worker', 'reminded', jsonb_build_object('action', cast(id as text)) from told
    """
)


def due_actions(connection: Connection, on: date) -> list[Owed]:
    """The actions that are due by a day and of which nobody was reminded since they became due, trust by trust. For the worker."""
    return [Owed(row.tenant_id, tuple(row.actions)) for row in connection.execute(_OWED, {"on": on})]


def reminded(connection: Connection, owed: Iterable[Owed], on: date, at: datetime) -> int:
    """Note that somebody was reminded of them, with their cases too. Gives of how many. For the worker."""
    told = 0
    for each in owed:
        given = {"tenant": each.tenant_id, "actions": list(each.actions), "on": on, "at": at}
        told += connection.execute(_REMINDED, given).rowcount
    return told
