"""What came by file becomes work at the desk, by the worker, in a few set-wise statements: new cases are taken in where their records
leave them, and what a later file says moves a case on.

A case follows its records only where these say something else than when they were last looked at, and only forward: what people decided
at the desk stands. What came from a form moves nothing by itself, for its page does; only a withdrawal always ends the work (closed, or
not HAT), and a record that comes back begins it anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, text

from registry.cases import drawing
from registry.cases.said import SAID, WORKED_ON
from registry.cases.transitions import CaseState, days_to_do
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store import Store, audit
from registry.submissions.keys import open_keys
from registry.submissions.request import Door
from schemas.days import LONDON

JOB = "work"
OVERLAP = timedelta(minutes=10)
"""What is recorded has the time at which its transaction began, and is seen when that ends. One that took longer than this is found by
`take_in_overlooked`."""

_MARK = text("select seen_to from register.job_mark where job = :job")
_SET_MARK = text(
    """
    insert into register.job_mark (job, seen_to)
    select :job, max(recorded_at)
      from (select max(recorded_at) as recorded_at from records.case_version where recorded_at > :since
            union all
            select max(recorded_at) from records.rca_version where recorded_at > :since) newest
    having max(recorded_at) is not null
        on conflict (job) do update set seen_to = excluded.seen_to where excluded.seen_to > job_mark.seen_to
    """
)

# Cases of which anything was recorded: they or their reviews.
_TOUCHED = text(
    """
    create temp table touched on commit drop as
    select tenant_id, record_id as case_id from records.case_version where recorded_at > :since
    union
    select r.tenant_id, c.id
      from records.rca_version v
      join records.rca_record r on r.tenant_id = v.tenant_id and r.id = v.record_id
      join records.case_record c on c.tenant_id = r.tenant_id and c.local_case_id = r.local_case_id
     where v.recorded_at > :since
    """
)

_STANDING = text(
    f"""
    create temp table standing on commit drop as
    select s.tenant_id, s.case_id, s.scope, s.said, s.door, s.died or s.attribution = 'disputed' as twice,
           coalesce(s.judged_on >= :history, false) as recent,
           w.case_id is not null as known, w.state, w.said as said_before, coalesce(w.drawn, false) as drawn
      from touched t
      join ({SAID}) s on s.tenant_id = t.tenant_id and s.case_id = t.case_id
      left join records.case_work w on w.tenant_id = t.tenant_id and w.case_id = t.case_id
     where w.case_id is null or w.said is distinct from s.said
    """
)

_NEW = text(
    """
    select tenant_id, case_id from standing where not known and said is not null and scope = any(:scopes) order by tenant_id
    """
)
_DRAWN = text("insert into drawn select :tenant, case_id from unnest(cast(:cases as uuid[])) as u(case_id)")

# A review that came complete goes to the second reader where the case is to be read twice, unless it was judged long ago.
_COMPLETE = "case when recent and (twice or drawn) then 'second_reading' else 'complete' end"

_TAKE_IN = text(
    f"""
    with begun as (
        select s.tenant_id, s.case_id, s.said, d.case_id is not null as drawn, recent, twice
          from standing s left join drawn d on d.tenant_id = s.tenant_id and d.case_id = s.case_id
         where not known and said is not null and scope = any(:scopes)
    ), placed as (
        select *, case when said = 'complete' then {_COMPLETE} else said end as state from begun
    )
    insert into records.case_work (tenant_id, case_id, state, said, since, due_on, drawn)
    select tenant_id, case_id, state, said, :at, cast(:on as date) + cast(cast(:days as jsonb)->>state as integer), drawn
      from placed
        on conflict do nothing
    returning tenant_id
    """
)

_AFTER = {
    CaseState.CONFIRMED: (CaseState.SUSPECTED,),
    CaseState.SUSPECTED: (CaseState.CONFIRMED,),
    CaseState.RCA_OPEN: (CaseState.SUSPECTED, CaseState.CONFIRMED),
    CaseState.COMPLETE: (CaseState.SUSPECTED, CaseState.CONFIRMED, CaseState.RCA_OPEN, CaseState.WITH_CONSULTANT),
}
"""For each thing that a file may say now, the states out of which it moves a case."""

_FORWARD = " or ".join(
    f"(said = '{said}' and state in ({', '.join(repr(each.value) for each in states)}))"
    for said, states in _AFTER.items()
)

_MOVE = text(
    f"""
    with seen as (
        select *, case when said is null then nullif('closed', state)
                       when said = 'not_hat' then nullif('not_hat', state)
                       when state in ('closed', 'not_hat') and coalesce(said_before, 'not_hat') = 'not_hat' then said
                       when door <> '{Door.FORM}' and ({_FORWARD}) then said end as follows
          from standing where known
    ), placed as (
        select *, case when follows = 'complete' then {_COMPLETE} else follows end as next from seen
    ), moved as (
        update records.case_work w
           set said = p.said,
               state = coalesce(p.next, w.state),
               since = case when p.next is null then w.since else :at end,
               complete_as = case when p.next is null then w.complete_as end,
               due_on = case when p.next is null then w.due_on
                             else cast(:on as date) + cast(cast(:days as jsonb)->>p.next as integer) end
          from placed p
         where w.tenant_id = p.tenant_id and w.case_id = p.case_id and w.state = p.state
        returning w.tenant_id, w.case_id, p.state as start, p.next,
                  case when p.said is null then 'withdrawn'
                       when p.state in ('closed', 'not_hat') and p.said <> 'not_hat' then 'begun again' else 'moved' end as what
    ), told as (
        insert into records.case_event (tenant_id, case_id, at, actor, what, detail)
        select tenant_id, case_id, :at, 'worker', what, jsonb_build_object('from', start, 'to', next, 'by', 'file')
          from moved where next is not null
        returning tenant_id
    )
    select tenant_id from told
    """
)


def take_in_work(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Take in what was recorded since the last look. Gives how many cases were taken in and how many moved; again: none."""
    with store.transaction(role="hat_jobs") as connection:
        mark = connection.scalar(_MARK, {"job": JOB})
        since = "-infinity" if mark is None else mark - OVERLAP
        return _take_in(connection, secrets, settings, at, since)


def take_in_overlooked(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """The same, of all cases: what took longer to record than the overlap of two looks."""
    with store.transaction(role="hat_jobs") as connection:
        return _take_in(connection, secrets, settings, at, "-infinity")


def _take_in(
    connection: Connection, secrets: Secrets, settings: Settings, at: datetime, since: datetime | str
) -> dict[str, int]:
    on = at.astimezone(LONDON).date()
    history = on - timedelta(days=settings.desk.second_reading_history_days)
    connection.execute(_TOUCHED, {"since": since})
    connection.execute(text("analyze touched"))
    connection.execute(_STANDING, {"history": history})
    _draw(connection, secrets, settings)
    asked: dict[str, Any] = {"at": at, "on": on, "days": _days(settings)}
    taken = connection.execute(_TAKE_IN, asked | _scopes()).scalars().all()
    moved = connection.execute(_MOVE, asked).scalars().all()
    connection.execute(_SET_MARK, {"job": JOB, "since": since})
    _note(connection, taken, "cases taken into work")
    _note(connection, moved, "cases moved by what a file says")
    return {"taken_in": len(taken), "moved": len(moved)}


def _days(settings: Settings) -> str:
    days = {state.value: days_to_do(state, settings) for state in CaseState}
    return "{" + ", ".join(f'"{state}": {count}' for state, count in days.items() if count is not None) + "}"


def _scopes() -> dict[str, list[str]]:
    return {"scopes": [each.value for each in WORKED_ON]}


def _draw(connection: Connection, secrets: Secrets, settings: Settings) -> None:
    """The temporary table of those new cases that are drawn for a second reading."""
    connection.execute(text("create temp table drawn (tenant_id integer, case_id uuid) on commit drop"))
    new = connection.execute(_NEW, _scopes()).all()
    for tenant, rows in groupby(new, key=lambda row: row.tenant_id):
        try:
            root = open_keys(connection, secrets, tenant).root
        except IdentifierError:
            continue  # its key was destroyed: nothing of it will be read again
        cases = [row.case_id for row in rows]
        drawn = drawing.are_drawn(root, cases, settings.counting.second_reading_share)
        chosen = [case for case, is_drawn in zip(cases, drawn, strict=True) if is_drawn]
        connection.execute(_DRAWN, {"tenant": tenant, "cases": chosen})


def _note(connection: Connection, tenants: Sequence[int], action: str) -> None:
    """One entry in the log of each trust concerned."""
    for tenant, cases in groupby(sorted(tenants)):
        audit.record(
            connection,
            tenant=tenant,
            actor="worker",
            role="service",
            action=action,
            object_type="case",
            object_id="several",
            detail={"cases": len(list(cases))},
        )
