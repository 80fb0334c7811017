"""Cases of some trusts, page by page and without what identifies anybody: the worklist by due date, all cases from the newest on.

Each page is found by the place after which it begins, so the hundredth costs what the first does. Every query asks trust by trust, in
the order of that trust's own index, and merges what it finds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from registry.cases.said import SAID
from registry.cases.transitions import CaseState
from registry.keys.opened import is_person
from registry.store.desk import OPEN_STATES
from schemas.codes import WithdrawReason

WITHDRAWN = "withdrawn"
"""In place of a state: cases that were withdrawn, which no other list has."""
MOST_COUNTED = 1000
"""More open cases than these are not counted one by one, but said to be many."""

_OPEN = "w.state in ({})".format(", ".join(f"'{each}'" for each in OPEN_STATES))
_TENANTS = "unnest(cast(:tenants as integer[])) t(tenant_id)"


class Whose(StrEnum):
    """Who is to do what is to be done."""

    EVERYBODY = "everybody"
    MINE = "mine"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Line:
    """One case in a list. `state` is None where it is withdrawn for any reason but that it is not HAT."""

    tenant_id: int
    case_id: UUID
    local_case_id: str
    state: CaseState | None
    assigned_to: UUID | None
    due_on: date | None
    vte_type: str | None
    main_specialty: str | None
    month: date | None
    diagnosed_on: date | None
    attribution: str

    def overdue(self, on: date) -> bool:
        return self.due_on is not None and self.due_on < on


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case stands in the worklist: by its due date, those without one last, then by its id."""

    due_on: date | None
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Tasks:
    """What is asked of the worklist. `me` is the person for whom `MINE` is meant."""

    whose: Whose = Whose.EVERYBODY
    state: CaseState | None = None
    overdue_on: date | None = None
    me: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases are asked for; what is None is not asked. `state` is one at the desk, so that a case which the worker has not taken in
    has none yet, or `WITHDRAWN`; only who asks for one case or one person finds withdrawn ones besides. `person` is the key of an NHS number.

    `tail` is the end of a case's id, by which the registry's own number names it.
    """

    local_case_id: str | None = None
    tail: str | None = None
    person: Sequence[bytes] | None = None
    month: date | None = None
    state: str | None = None
    specialty: str | None = None
    vte_type: str | None = None
    attribution: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases wait: `MOST_COUNTED` means that many or more."""

    everybody: int
    overdue: int
    mine: int
    nobody: int


# --- the worklist

_WORK_COLUMNS = "w.tenant_id, w.case_id, w.state, w.assigned_to, w.due_on"
_LINE = """
    select w.tenant_id, w.case_id, r.local_case_id, w.state, w.assigned_to, w.due_on, v.vte_type, v.main_specialty,
           v.index_month, v.diagnosis_date, r.attribution
"""


def worklist(
    connection: Connection, tenants: Collection[int], tasks: Tasks, *, after: Place | None = None, limit: int
) -> list[Line]:
    """What is to be done, the longest overdue first; at most `limit` cases, beginning after a place."""
    parameters: dict[str, object] = {"tenants": sorted(tenants), "limit": limit}
    asked = _asked(tasks, parameters)
    rows = connection.execute(text(_worklist(asked, _parts(after, parameters))), parameters)
    return [_line(row) for row in rows]


def _asked(tasks: Tasks, parameters: dict[str, object]) -> str:
    conditions = []
    if tasks.whose is Whose.NOBODY:
        conditions.append("w.assigned_to is null")
    if tasks.whose is Whose.MINE:
        conditions.append("w.assigned_to = :me")
        parameters["me"] = tasks.me
    if tasks.state is not None:
        conditions.append("w.state = :state")
        parameters["state"] = tasks.state.value
    if tasks.overdue_on is not None:
        conditions.append("w.due_on < :overdue_on")
        parameters["overdue_on"] = tasks.overdue_on
    return "".join(f" and {each}" for each in conditions)


def _parts(after: Place | None, parameters: dict[str, object]) -> Sequence[str]:
    """The conditions of the parts of the list that are still to come: what has a due date, then what has none."""
    dated, undated = "w.due_on is not null", "w.due_on is null"
    if after is None:
        return (dated, undated)
    parameters["case"] = after.case_id
    if after.due_on is None:
        return (f"{undated} and w.case_id > :case",)
    parameters["due"] = after.due_on
    return ("(w.due_on, w.case_id) > (:due, :case)", undated)


def _worklist(asked: str, parts: Sequence[str]) -> str:
    each_part = " union all ".join(
        f"""(select {_WORK_COLUMNS} from records.case_work w
              where w.tenant_id = t.tenant_id and {_OPEN} and {part}{asked}
              order by w.due_on, w.case_id limit :limit)"""
        for part in parts
    )
    return f"""
        {_LINE}
          from (select f.* from {_TENANTS} cross join lateral ({each_part}) f
                 order by f.due_on nulls last, f.case_id limit :limit) w
          join records.case_record r on r.tenant_id = w.tenant_id and r.id = w.case_id
          join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
         order by w.due_on nulls last, w.case_id
    """


def counts(connection: Connection, tenants: Collection[int], me: UUID | None, on: date) -> Counts:
    """How much there is to do. Each number is counted up to `MOST_COUNTED`, so that it costs the same however many wait."""
    kinds = {
        "everybody": "",
        "overdue": "and w.due_on < :on",
        "mine": "and w.assigned_to = :me",
        "nobody": "and w.assigned_to is null",
    }
    numbers = ", ".join(f"({_count(more, ':most')}) as {name}" for name, more in kinds.items())
    row = connection.execute(
        text(f"select {numbers}"), {"tenants": sorted(tenants), "on": on, "me": me, "most": MOST_COUNTED}
    ).one()
    return Counts(row.everybody, row.overdue, row.mine, row.nobody)


def _count(more: str, most: str) -> str:
    return f"""
        select count(*) from (
            select from {_TENANTS} join records.case_work w on w.tenant_id = t.tenant_id
             where {_OPEN} {more} limit {most}) found
    """


OVERDUE = _count("and w.due_on < :on", ":most")
"""How many cases of `:tenants` are overdue on the day `:on`, counted up to `:most`."""


# --- all cases

_STANDS = f"(r.withdrawn_at is null or r.withdraw_reason = '{WithdrawReason.NOT_HAT}')"
"""What was withdrawn as not HAT has that for its state; it is not gone from the lists."""
_FILTERS: Mapping[str, str] = {
    "local_case_id": "r.local_case_id = :local_case_id",
    "tail": "right(replace(r.id::text, '-', ''), 15) = :tail",
    "person": is_person("r", ":person"),
    "month": "v.index_month = :month",
    "specialty": "v.main_specialty = :specialty",
    "vte_type": "v.vte_type = :vte_type",
    "attribution": "r.attribution = :attribution",
}


def cases(
    connection: Connection, tenants: Collection[int], wanted: Wanted, *, after: UUID | None = None, limit: int
) -> list[Line]:
    """Cases from the newest on, at most `limit` of them, beginning after one."""
    parameters: dict[str, object] = {"tenants": sorted(tenants), "limit": limit}
    named = wanted.local_case_id or wanted.tail or wanted.person
    conditions = ["true" if named else _standing(wanted.state, parameters)]
    for name, condition in _FILTERS.items():
        if (value := getattr(wanted, name)) is not None:
            conditions.append(condition)
            parameters[name] = value
    if after is not None:
        conditions.append("r.id < :after")
        parameters["after"] = after
    rows = connection.execute(text(_cases(" and ".join(conditions))), parameters)
    return [_line(row) for row in rows]


def _standing(state: str | None, parameters: dict[str, object]) -> str:
    if state == WITHDRAWN:
        return f"not {_STANDS}"
    if state is None:
        return _STANDS
    parameters["state"] = state
    return f"{_STANDS} and w.state = :state"


def _cases(conditions: str) -> str:
    """First the cases of a page; then, for those of them that the worker has not taken in, what their records say."""
    return f"""
        select f.tenant_id, f.case_id, f.local_case_id, f.assigned_to, f.due_on, f.vte_type, f.main_specialty, f.index_month,
               f.diagnosis_date, f.attribution, case when f.stands then coalesce(f.state, s.said, '{CaseState.CLOSED}') end as state
          from (select n.* from {_TENANTS} cross join lateral (
                    select r.tenant_id, r.id as case_id, r.local_case_id, {_STANDS} as stands, w.state, w.assigned_to, w.due_on,
                           v.vte_type, v.main_specialty, v.index_month, v.diagnosis_date, r.attribution
                      from records.case_record r
                      join records.case_version v
                        on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
                      left join records.case_work w on w.tenant_id = r.tenant_id and w.case_id = r.id
                     where r.tenant_id = t.tenant_id and {conditions}
                     order by r.id desc limit :limit) n
                 order by n.case_id desc limit :limit) f
          left join lateral ({SAID} where r.tenant_id = f.tenant_id and r.id = f.case_id and f.state is null) s on true
         order by f.case_id desc
    """


def _line(row: Row[Any]) -> Line:
    return Line(
        tenant_id=row.tenant_id,
        case_id=row.case_id,
        local_case_id=row.local_case_id,
        state=None if row.state is None else CaseState(row.state),
        assigned_to=row.assigned_to,
        due_on=row.due_on,
        vte_type=row.vte_type,
        main_specialty=row.main_specialty,
        month=row.index_month,
        diagnosed_on=row.diagnosis_date,
        attribution=row.attribution,
    )


# --- which trust's


def tenant_of(connection: Connection, tenants: Collection[int], case_ids: Collection[UUID]) -> dict[UUID, int]:
    """Whose each case is, of those that are these trusts'. A case of any other is as one that does not exist."""
    rows = connection.execute(
        text("select id, tenant_id from records.case_record where tenant_id = any(:tenants) and id = any(:ids)"),
        {"tenants": sorted(tenants), "ids": list(case_ids)},
    )
    return {row.id: row.tenant_id for row in rows}
