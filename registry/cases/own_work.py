"""What a trust has to do and has done: its open cases by state, what of it is overdue, and its actions, in numbers only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from registry.cases.periods import Period
from registry.cases.transitions import OPEN, CaseState


@dataclass(frozen=True, slots=True)
class StateWork:
    """How many cases are in an open state, and of how many what is to be done is overdue."""

    state: CaseState
    open: int
    overdue: int


_WORK = text(
    """
    select state, count(*)::int as open, (count(*) filter (where due_on < :on))::int as overdue
    from records.case_work where tenant_id = :tenant and state = any(:open) group by state
    """
)


def work(connection: Connection, tenant_id: int, *, on: date) -> list[StateWork]:
    """The open cases by state, in the order of the work; states without a case are left out."""
    rows = connection.execute(_WORK, {"tenant": tenant_id, "on": on, "open": [each.value for each in OPEN]})
    found = {row.state: StateWork(CaseState(row.state), row.open, row.overdue) for row in rows}
    return [found[each.value] for each in OPEN if each.value in found]


@dataclass(frozen=True, slots=True)
class ActionCounts:
    """Actions in numbers. `done` and `made` are of the period; `open` and `overdue` as they stand, with the shortcomings that the open
    ones answer and the roles that own them. One action may answer several."""

    open: int
    overdue: int
    done: int
    made: int
    themes: Mapping[str, int]
    owners: Mapping[str, int]


_ACTIONS = text(
    """
    with standing as (
        select done_on, due_on, made_at, themes, owner_role from records.action
        where tenant_id = :tenant and dropped_at is null
    ), undone as (select * from standing where done_on is null)
    select 'sum' as kind, 'open' as code, count(*)::int as number from undone
    union all select 'sum', 'overdue', count(*)::int from undone where due_on < :on
    union all select 'sum', 'done', count(*)::int from standing where done_on >= :first and done_on < :end
    union all select 'sum', 'made', count(*)::int from standing
        where (made_at at time zone 'Europe/London')::date >= :first and (made_at at time zone 'Europe/London')::date < :end
    union all select 'theme', code, count(*)::int from undone, unnest(themes) as code group by code
    union all select 'owner', owner_role, count(*)::int from undone group by owner_role
    """
)


def actions(connection: Connection, tenant_id: int, period: Period, *, on: date) -> ActionCounts:
    """A trust's actions in numbers, in one query."""
    asked = {"tenant": tenant_id, "on": on, "first": period.first, "end": period.end}
    found: dict[str, Counter[str]] = {"sum": Counter(), "theme": Counter(), "owner": Counter()}
    for row in connection.execute(_ACTIONS, asked):
        found[row.kind][row.code] = row.number
    sums = found["sum"]
    themes, owners = (dict(found[kind].most_common()) for kind in ("theme", "owner"))
    return ActionCounts(sums["open"], sums["overdue"], sums["done"], sums["made"], themes, owners)
