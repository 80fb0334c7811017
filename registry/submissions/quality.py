"""How complete an organisation's cases and reviews are, by month of admission, and how many warnings its files had, by month of receipt.

An item counts as asked where it applies, and as answered where something was given: "not recorded" is an answer. Free text, which
nobody has to write, is not asked; of what may be given in two ways (an NHS number or the reason why there is none) either answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text

from registry.store.records import column_of
from registry.submissions.due import months_before
from schemas.counting import CaseScope
from schemas.dictionary import field, fields, key
from schemas.record import RecordKind
from schemas.values import TextType

MONTHS = 24

# Fields of which one answers for the other.
EITHER = {"nhs_number": "nhs_number_reason", "discharge_date": "still_in"}
# When an item of the core applies, where it does not always: SQL over the version that holds it.
APPLIES = {
    "dvt_site": "{0}.vte_type in ('dvt', 'pe_and_dvt')",
    "inadequacies": "{0}.category = 'inadequate_prophylaxis'",
    "contributory_factors": "{0}.category = 'inadequate_prophylaxis'",
    "candour_told_on": "{0}.candour_threshold_met = 'yes'",
    "first_dose_within_14_hours": "{0}.prophylaxis_given in ('yes', 'partly')",
    "doses_missed_avoidably": "{0}.prophylaxis_prescribed = 'yes'",
}
# The operation decides, which is not of the core.
NOT_ASKED = frozenset({"extended", "attributed_organisation", "actions"})


@dataclass(frozen=True, slots=True)
class Month:
    """One month. Items are counted over its cases, and over the reviews of those cases that have one and belong to the hospital."""

    month: date
    cases: int
    case_items: int
    case_answers: int
    reviews: int
    review_items: int
    review_answers: int
    complete: int
    rows: int
    warnings: int

    @property
    def case_share(self) -> float | None:
        return _share(self.case_answers, self.case_items)

    @property
    def review_share(self) -> float | None:
        return _share(self.review_answers, self.review_items)

    @property
    def complete_share(self) -> float | None:
        """Of the cases, those with a complete review."""
        return _share(self.complete, self.cases)

    @property
    def warnings_per_100(self) -> float | None:
        """Warnings for each hundred rows of the files that came in this month."""
        return _share(100 * self.warnings, self.rows)


def _share(top: int, bottom: int) -> float | None:
    return top / bottom if bottom else None


def by_month(connection: Connection, tenant: int, *, on: date) -> list[Month]:
    """The months before a day and its own, the oldest first, from the first of them in which there is anything."""
    span = {"first": months_before(on, MONTHS - 1), "last": months_before(on, 0)}
    asked = {"tenant": tenant, "in_scope": CaseScope.IN.value}
    months = [Month(*row) for row in connection.execute(_QUALITY, asked | span)]
    first = next((place for place, each in enumerate(months) if each.cases or each.rows), len(months))
    return months[first:]


def asked_items(kind: RecordKind) -> tuple[str, ...]:
    """The items of the core that are looked at."""
    seconds = set(EITHER.values())
    return tuple(
        each.name
        for each in fields(kind)
        if each.core
        and each.name not in (*key(kind), *seconds, *NOT_ASKED)
        and not (isinstance(each.holds, TextType) and each.item.identifying)
    )


def _applies(alias: str, name: str) -> str:
    return f"({APPLIES[name].format(alias)})" if name in APPLIES else "true"


def _given(kind: RecordKind, alias: str, name: str) -> str:
    names = [name, EITHER[name]] if name in EITHER else [name]
    return " or ".join(f"{alias}.{column_of(field(kind, each))} is not null" for each in names)


def _items(kind: RecordKind, alias: str) -> str:
    """The SQL of how many items of a version apply."""
    return " + ".join(f"coalesce(({_applies(alias, name)})::integer, 0)" for name in asked_items(kind))


def _answers(kind: RecordKind, alias: str) -> str:
    """The SQL of how many of them are answered."""
    return " + ".join(_answered(kind, alias)) or "0"


def _answered(kind: RecordKind, alias: str) -> Iterator[str]:
    for name in asked_items(kind):
        yield f"coalesce(({_applies(alias, name)} and ({_given(kind, alias, name)}))::integer, 0)"


_CASE, _RCA = RecordKind.CASE, RecordKind.RCA
_REVIEWED = "y.record_id is not null and y.category is distinct from 'not_hat'"
_QUALITY = text(
    f"""
    with held as (
        select x.index_month as month, count(*) as cases,
               sum({_items(_CASE, "x")}) as case_items, sum({_answers(_CASE, "x")}) as case_answers,
               count(*) filter (where {_REVIEWED}) as reviews,
               coalesce(sum({_items(_RCA, "y")}) filter (where {_REVIEWED}), 0) as review_items,
               coalesce(sum({_answers(_RCA, "y")}) filter (where {_REVIEWED}), 0) as review_answers,
               count(*) filter (where y.category = 'not_hat'
                                   or (y.category is not null and y.preventability is not null)) as complete
          from records.case_record c
          join records.case_version x on x.tenant_id = c.tenant_id and x.record_id = c.id and x.version = c.version
          left join records.rca_record r
            on r.tenant_id = c.tenant_id and r.local_case_id = c.local_case_id and r.withdrawn_at is null
          left join records.rca_version y on y.tenant_id = r.tenant_id and y.record_id = r.id and y.version = r.version
         where c.tenant_id = :tenant and c.withdrawn_at is null and x.scope = :in_scope
           and x.index_month between :first and :last
         group by x.index_month
    ), sent as (
        select date_trunc('month', received_at at time zone 'Europe/London')::date as month,
               sum(rows) as rows, sum(warnings) as warnings
          from records.submission
         where tenant_id = :tenant and not rehearsal and kind in ('case', 'rca') and format <> 'form' and rows > 0
           and received_at >= cast(:first as date) - 1
         group by 1
    )
    select m.month::date, coalesce(cases, 0), coalesce(case_items, 0), coalesce(case_answers, 0), coalesce(reviews, 0),
           coalesce(review_items, 0), coalesce(review_answers, 0), coalesce(complete, 0), coalesce(rows, 0), coalesce(warnings, 0)
      from generate_series(cast(:first as timestamp), cast(:last as timestamp), interval '1 month') as m(month)
      left join held on held.month = m.month::date
      left join sent on sent.month = m.month::date
     order by m.month
    """
)
