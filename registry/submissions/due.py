"""What an organisation still owes: for which months no return has come, and how many of its cases have no review."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from schemas.counting import CaseScope

MONTHS = 6
"""So many closed months are looked at."""


@dataclass(frozen=True, slots=True)
class Month:
    """One closed month of one organisation. `case_return` None: no return came. `cases`: those in scope that it sent."""

    month: date
    case_return: str | None
    cases: int


@dataclass(frozen=True, slots=True)
class Due:
    """`months` from the newest; empty before an organisation takes part. `unreviewed`: cases in scope without a review."""

    months: tuple[Month, ...]
    unreviewed: int


_MONTHS = text(
    """
    select o.id as tenant, m.month::date as month, v.case_return,
           (select count(*) from records.case_record c
              join records.case_version x on x.tenant_id = c.tenant_id and x.record_id = c.id and x.version = c.version
             where c.tenant_id = o.id and c.withdrawn_at is null and x.scope = :in_scope
               and x.index_month = m.month::date) as cases
      from register.organisation o
     cross join generate_series(cast(:first as timestamp), cast(:last as timestamp), interval '1 month') as m(month)
      left join records.activity_record r on r.tenant_id = o.id and r.month = m.month::date
      left join records.activity_version v on v.tenant_id = o.id and v.record_id = r.id and v.version = r.version
     where o.id = any(:tenants) and o.live_from <= m.month and (o.closed_on is null or o.closed_on >= m.month)
     order by o.id, m.month desc
    """
)
_UNREVIEWED = text(
    """
    select c.tenant_id as tenant, count(*) as cases
      from records.case_record c
      join records.case_version x on x.tenant_id = c.tenant_id and x.record_id = c.id and x.version = c.version
     where c.tenant_id = any(:tenants) and c.withdrawn_at is null and x.scope = :in_scope
       and not exists (select from records.rca_record r
                        where r.tenant_id = c.tenant_id and r.local_case_id = c.local_case_id and r.withdrawn_at is null)
     group by c.tenant_id
    """
)


def due(connection: Connection, tenants: Collection[int], *, on: date) -> dict[int, Due]:
    """What each organisation owes on a day, for the closed months before it."""
    asked = {"tenants": list(tenants), "in_scope": CaseScope.IN.value}
    span = {"first": _months_before(on, MONTHS), "last": _months_before(on, 1)}
    months: dict[int, list[Month]] = {tenant: [] for tenant in tenants}
    for row in connection.execute(_MONTHS, asked | span):
        months[row.tenant].append(Month(row.month, row.case_return, row.cases))
    unreviewed = {row.tenant: row.cases for row in connection.execute(_UNREVIEWED, asked)}
    return {tenant: Due(tuple(months[tenant]), unreviewed.get(tenant, 0)) for tenant in tenants}


def _months_before(on: date, months: int) -> date:
    """The first day of the month that many months before."""
    years, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(years, month + 1, 1)
