"""What an organisation owes and has sent, by month of admission: its return, its cases, their reviews, the sign-off; and what is overdue."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, text

from schemas.codes import CaseReturn
from schemas.counting import CaseScope
from schemas.dictionary import financial_year
from schemas.record import RecordKind

MONTHS = 6
"""So many closed months are looked at on the first page."""


class Standing(StrEnum):
    """How the return of a month stands."""

    COMPLETE = "complete"
    NIL = "nil"
    PARTIAL = "partial"
    MISSING = "missing"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One closed month of one organisation. `case_return` None: no return came. `cases`: those in scope that it sent; `reviewed` of
    them have a complete review (category and preventability recorded, or found not to be hospital-associated)."""

    month: date
    case_return: str | None
    sent_at: datetime | None
    cases: int
    reviewed: int
    signed_at: datetime | None

    def due_on(self, days: int) -> date:
        """By when its return is due, so many days after its end."""
        return next_month(self.month) + timedelta(days=days)

    def standing(self, on: date, days: int) -> Standing:
        """A month without a return is missing until it is overdue."""
        if self.case_return is not None:
            return Standing(CaseReturn(self.case_return).value)
        return Standing.OVERDUE if on > self.due_on(days) else Standing.MISSING


@dataclass(frozen=True, slots=True)
class Due:
    """`months` from the newest; empty before an organisation takes part. `unreviewed`: cases in scope without a review."""

    months: tuple[Month, ...]
    unreviewed: int


@dataclass(frozen=True, slots=True)
class Yearly:
    """How many rows of a yearly or quarterly kind are held for one period: `2025-26`, or the first day of a quarter."""

    kind: RecordKind
    period: str
    rows: int


# A month belongs to an organisation from its first month to the one in which it closed.
_MONTHS = text(
    """
    with held as (
        select c.tenant_id, x.index_month as month, count(*) as cases,
               count(*) filter (where q.category = 'not_hat'
                                   or (q.category is not null and q.preventability is not null)) as reviewed
          from records.case_record c
          join records.case_version x on x.tenant_id = c.tenant_id and x.record_id = c.id and x.version = c.version
          left join (
               select a.tenant_id, a.local_case_id, b.category, b.preventability
                 from records.rca_record a
                 join records.rca_version b on b.tenant_id = a.tenant_id and b.record_id = a.id and b.version = a.version
                where a.tenant_id = any(:tenants) and a.withdrawn_at is null
          ) q on q.tenant_id = c.tenant_id and q.local_case_id = c.local_case_id
         where c.tenant_id = any(:tenants) and c.withdrawn_at is null and x.scope = :in_scope
           and x.index_month between :first and :last
         group by 1, 2
    )
    select o.id as tenant, m.month::date as month, v.case_return, v.recorded_at,
           coalesce(held.cases, 0) as cases, coalesce(held.reviewed, 0) as reviewed, s.signed_at
      from register.organisation o
     cross join generate_series(cast(:first as timestamp), cast(:last as timestamp), interval '1 month') as m(month)
      left join records.activity_record r on r.tenant_id = o.id and r.month = m.month::date
      left join records.activity_version v on v.tenant_id = o.id and v.record_id = r.id and v.version = r.version
      left join records.sign_off s on s.tenant_id = o.id and s.month = m.month::date and s.unlocked_at is null
      left join held on held.tenant_id = o.id and held.month = m.month::date
     where o.id = any(:tenants) and date_trunc('month', o.live_from) <= m.month
       and (o.closed_on is null or o.closed_on >= m.month)
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
_YEARLY = text(
    """
    select 'organisation_profile' as kind, year as period, count(*) as rows
      from records.organisation_profile_record where tenant_id = :tenant group by year
    union all
    select 'activity_strata', year, count(*) from records.activity_strata_record where tenant_id = :tenant group by year
    union all
    select 'wales_quarter', quarter::text, count(*) from records.wales_quarter_record where tenant_id = :tenant group by quarter
    """
)


def due(connection: Connection, tenants: Collection[int], *, on: date) -> dict[int, Due]:
    """What each organisation owes on a day, for the closed months before it."""
    months = calendar(connection, tenants, on=on, months=MONTHS)
    asked = {"tenants": list(tenants), "in_scope": CaseScope.IN.value}
    unreviewed = {row.tenant: row.cases for row in connection.execute(_UNREVIEWED, asked)}
    return {tenant: Due(tuple(months[tenant]), unreviewed.get(tenant, 0)) for tenant in tenants}


def calendar(connection: Connection, tenants: Collection[int], *, on: date, months: int) -> dict[int, list[Month]]:
    """The closed months of each organisation, so many before a day, the newest first; only those in which it takes part."""
    asked = {"tenants": list(tenants), "in_scope": CaseScope.IN.value}
    span = {"first": months_before(on, months), "last": months_before(on, 1)}
    found: dict[int, list[Month]] = {tenant: [] for tenant in tenants}
    for row in connection.execute(_MONTHS, asked | span):
        month = Month(
            month=row.month,
            case_return=row.case_return,
            sent_at=row.recorded_at,
            cases=row.cases,
            reviewed=row.reviewed,
            signed_at=row.signed_at,
        )
        found[row.tenant].append(month)
    return found


def overdue(months: Collection[Month], *, on: date, days: int) -> list[Month]:
    """The months whose return is overdue on a day, the one that is longest overdue first."""
    late = [each for each in months if each.standing(on, days) is Standing.OVERDUE]
    return sorted(late, key=lambda each: each.month)


def yearly(connection: Connection, tenant: int) -> list[Yearly]:
    """What an organisation has sent of the kinds that are not monthly."""
    return [
        Yearly(RecordKind(row.kind), row.period, row.rows) for row in connection.execute(_YEARLY, {"tenant": tenant})
    ]


def years_before(on: date, years: int) -> tuple[str, ...]:
    """The financial year of a day and those before it, so many in all, the newest first."""
    return tuple(financial_year(date(on.year - place, on.month, 1)) for place in range(years))


def quarters_before(on: date, quarters: int) -> tuple[date, ...]:
    """The first days of the quarters that had ended on a day, so many, the newest first."""
    begun = date(on.year, on.month - (on.month - 1) % 3, 1)
    return tuple(months_before(begun, 3 * (place + 1)) for place in range(quarters))


def months_before(on: date, months: int) -> date:
    """The first day of the month that many months before."""
    years, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(years, month + 1, 1)


def next_month(month: date) -> date:
    """The first day after a month."""
    return months_before(month, -1)
