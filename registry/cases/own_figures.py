"""A trust's own cases counted for itself: by site, specialty, group and ward, what its reviews found, and the cases behind a number.

What counts is what counting takes of the trust's own reports (`registry.publications.counting`): confirmed cases in scope that are not
withdrawn, attributed to it and found by no review not to be hospital-associated, in the month of admission of the index stay; one
person's index stay once. Unlike there they are counted as they stand now. What another trust reported for it is not among them:
`reported_elsewhere` counts that.

Each question is one query under the trust's own context, whatever the number of its cases.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from registry import identifiers
from registry.cases.periods import Period
from registry.cases.second_reading import unread
from registry.statistics.rates import Share, share_with_bounds
from registry.store.records import person_of
from registry.submissions.keys import TenantKeys
from schemas.record import RecordKind


class Dimension(StrEnum):
    """By what cases are told apart; the value is the column."""

    SITE = "index_site"
    SPECIALTY = "main_specialty"
    GROUP = "admission_group"
    WARD = "ward"


class Outcome(StrEnum):
    """Which of the cases counted."""

    ALL = "all"
    REVIEWED = "reviewed"
    NOT_REVIEWED = "not_reviewed"
    PREVENTABLE = "preventable"


# One report of each person's index stay stands for it: a complete review before none, then the earlier diagnosis, as in counting. It is
# asked for as `place < 2`: of an equality the database thinks that it leaves few rows, and sorts all of them once more to group them.
_OWN = f"""
    with own as (
        select r.id, r.local_case_id, v.index_month, v.index_admission_date, v.index_discharge_date, v.diagnosis_date,
               v.vte_type, v.index_site, v.main_specialty, v.admission_group, v.ward_ct,
               q.category, q.inadequacies, q.contributory_factors, q.doses_missed_avoidably,
               q.missed_dose_reasons,
               q.category is not null and q.preventability is not null as reviewed,
               q.category is not null and q.preventability is not null and q.category <> 'unclassifiable'
                   and q.preventability in ('preventable', 'preventable_psii') as preventable,
               {unread("r")} as unread,
               row_number() over (
                   partition by coalesce({person_of("r")}, uuid_send(r.id)), v.index_admission_date
                   order by (q.category is null or q.preventability is null), v.diagnosis_date, r.added_at, r.id
               ) as place
        from records.case_record r
        join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        left join (
            select a.tenant_id, a.local_case_id, b.category, b.preventability, b.inadequacies, b.contributory_factors,
                   b.doses_missed_avoidably, b.missed_dose_reasons
            from records.rca_record a
            join records.rca_version b on (b.tenant_id, b.record_id, b.version) = (a.tenant_id, a.id, a.version)
            where a.tenant_id = :tenant and a.withdrawn_at is null
        ) q on (q.tenant_id, q.local_case_id) = (r.tenant_id, r.local_case_id)
        where r.tenant_id = :tenant and r.attributed_id = :tenant and r.withdrawn_at is null
          and (r.attribution in ('own', 'accepted')
               or (r.attribution = 'proposed' and r.attribution_since < :silent_since))
          and v.tenant_id = :tenant and v.scope = 'in' and q.category is distinct from 'not_hat'
          and v.index_month >= :first and v.index_month < :end
    )
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose figures, of which months; `silent_since`: what was proposed before and not answered counts."""

    tenant_id: int
    first: date
    end: date
    silent_since: datetime

    def parameters(self) -> dict[str, Any]:
        return {"tenant": self.tenant_id, "first": self.first, "end": self.end, "silent_since": self.silent_since}


def asked(tenant_id: int, period: Period, *, at: datetime, silence_days: int) -> Asked:
    """The question as at a moment."""
    return Asked(tenant_id, period.first, period.end, at - timedelta(days=silence_days))


# --- how many, where


@dataclass(frozen=True, slots=True)
class Line:
    """One site, specialty, group or ward. `value` None: not recorded. `key` names it in an address without saying it."""

    value: str | None
    key: str
    cases: int
    reviewed: int
    preventable: int
    by_month: Mapping[date, int]

    def share(self, floor: float) -> Share:
        """The potentially preventable share of its reviewed cases, with bounds; only these where less than `floor` was reviewed."""
        return share_with_bounds(self.preventable, self.reviewed - self.preventable, self.cases - self.reviewed, floor)


NOT_RECORDED = "none"


def by(connection: Connection, question: Asked, dimension: Dimension) -> list[Line]:
    """The cases by site, specialty or group, the most frequent first. For wards `by_ward`: they have to be opened."""
    rows = connection.execute(
        text(
            f"""{_OWN} select {dimension.value} as value, index_month, count(*) as cases,
                count(*) filter (where reviewed) as reviewed, count(*) filter (where preventable) as preventable
            from own where place < 2 group by 1, 2"""
        ),
        question.parameters(),
    )
    counted: defaultdict[str | None, list[tuple[date, int, int, int]]] = defaultdict(list)
    for row in rows:
        counted[row.value].append((row.index_month, row.cases, row.reviewed, row.preventable))
    return _ordered(_line(value, value or NOT_RECORDED, found) for value, found in counted.items())


def by_ward(connection: Connection, question: Asked, keys: TenantKeys) -> list[Line]:
    """The same by ward, opened under the trust's own key: one name a ward, however it was spelt."""
    columns = "local_case_id, ward_ct, index_month, reviewed, preventable"
    query = text(f"{_OWN} select {columns} from own where place < 2")
    rows = connection.execute(query, question.parameters()).all()
    wards = opened_wards(rows, question.tenant_id, keys)
    spelt: defaultdict[str, Counter[str]] = defaultdict(Counter)
    counted: defaultdict[str, list[tuple[date, int, int, int]]] = defaultdict(list)
    for row, ward in zip(rows, wards, strict=True):
        folded = fold(ward)
        spelt[folded][" ".join((ward or "").split())] += 1
        counted[folded].append((row.index_month, 1, int(row.reviewed), int(row.preventable)))
    return _ordered(
        _line(min(spelt[folded].items(), key=_usual)[0] or None, ward_key(keys, folded), found)
        for folded, found in counted.items()
    )


def _usual(spelling: tuple[str, int]) -> tuple[int, str]:
    """The most frequent spelling first, then by the alphabet, capitals before small letters."""
    return -spelling[1], spelling[0]


def opened_wards(rows: Iterable[Any], tenant_id: int, keys: TenantKeys) -> list[str | None]:
    """The wards of rows that have `local_case_id` and `ward_ct`."""
    held = list(rows)
    places = identifiers.cell_aads(tenant_id, RecordKind.CASE.value, [row.local_case_id for row in held], "ward")
    return identifiers.open_column(keys.opens, [row.ward_ct for row in held], places)


def fold(ward: str | None) -> str:
    """A ward's name without what people write differently: case and blanks."""
    return " ".join((ward or "").casefold().split())


def ward_key(keys: TenantKeys, folded: str) -> str:
    """What stands for a ward in an address: it can be recognised by the trust's own key and tells nothing."""
    if not folded:
        return NOT_RECORDED
    return identifiers.mac(keys.derived("ward in an address"), folded.encode()).hex()[:24]


def _line(value: str | None, key: str, found: Sequence[tuple[date, int, int, int]]) -> Line:
    months: Counter[date] = Counter()
    for month, number, _, _ in found:
        months[month] += number
    return Line(value, key, months.total(), sum(each[2] for each in found), sum(each[3] for each in found), months)


def _ordered(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda each: (each.value is None, -each.cases, each.value or ""))


def reported_elsewhere(connection: Connection, question: Asked) -> int:
    """How many cases that other trusts reported, and that this one was told of, are in its figure: accepted, or not answered in time."""
    found: int = connection.execute(
        text(
            """
            select count(*) from records.attributed_case
            where tenant_id = :tenant and ended_at is null
              and date_trunc('month', admission_date) >= :first and date_trunc('month', admission_date) < :end
              and (coalesce(decided_for, counts_for) = :tenant
                   or (decided_for is null and counts_for is null
                       and (answer = 'accepted' or (answer is null and told_at < :silent_since))))
            """
        ),
        question.parameters(),
    ).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Nightly:
    """A trust's figure as it was counted last: its own cases, and those attributed to it that still wait for an answer or are disputed."""

    cases: int
    pending: int
    counted_at: datetime | None


def nightly(connection: Connection, question: Asked) -> Nightly:
    """The same period in the figures that were counted last."""
    row = connection.execute(
        text(
            """
            select coalesce(sum(count) filter (where standing <> 'pending'), 0)::int as cases,
                   coalesce(sum(count) filter (where standing = 'pending'), 0)::int as pending,
                   (select max(counted_at) from figures.trust_month where organisation_id = :tenant) as counted_at
            from figures.case_count
            where organisation_id = :tenant and split = 'total' and month >= :first and month < :end
            """
        ),
        question.parameters(),
    ).one()
    return Nightly(row.cases, row.pending, row.counted_at)


# --- the cases behind a number


@dataclass(frozen=True, slots=True)
class Behind:
    """One case behind a number: the trust's own number of it, and its dates.

    `unread`: it waits for its second reader, so its own judgement is not told here.
    """

    id: UUID
    local_case_id: str
    admitted_on: date
    discharged_on: date | None
    diagnosed_on: date
    vte_type: str
    reviewed: bool
    preventable: bool
    unread: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the cases: one line of a table, one outcome; what is None is not asked."""

    dimension: Dimension | None = None
    key: str | None = None
    outcome: Outcome = Outcome.ALL


_OUTCOMES = {
    Outcome.ALL: "true",
    Outcome.REVIEWED: "reviewed",
    Outcome.NOT_REVIEWED: "not reviewed",
    Outcome.PREVENTABLE: "preventable and not unread",  # the second reader is blind to the first judgement, in lists too
}


def behind(
    connection: Connection, question: Asked, wanted: Wanted, keys: TenantKeys | None, *, skip: int, limit: int
) -> tuple[list[Behind], int]:
    """The cases behind a number, the latest admission first, so many after others; and how many there are in all.

    `keys` are needed for a ward: ValueError without.
    """
    if wanted.dimension is Dimension.WARD and wanted.key is not None:
        if keys is None:
            raise ValueError("wards are opened with the trust's keys")
        return _behind_ward(connection, question, wanted, keys, skip, limit)
    conditions, given = [_OUTCOMES[wanted.outcome]], question.parameters()
    if wanted.dimension is not None and wanted.key is not None:
        unsaid = wanted.key == NOT_RECORDED
        conditions.append(f"{wanted.dimension.value} is null" if unsaid else f"{wanted.dimension.value} = :value")
        given |= {} if unsaid else {"value": wanted.key}
    query = f"""{_OWN} select *, count(*) over () as total from own where place < 2 and {" and ".join(conditions)}
        order by index_admission_date desc, local_case_id offset :skip limit :limit"""
    rows = connection.execute(text(query), given | {"skip": skip, "limit": limit}).all()
    return [_behind(row) for row in rows], rows[0].total if rows else 0


def _behind_ward(
    connection: Connection, question: Asked, wanted: Wanted, keys: TenantKeys, skip: int, limit: int
) -> tuple[list[Behind], int]:
    query = f"""{_OWN} select * from own where place < 2 and {_OUTCOMES[wanted.outcome]}
        order by index_admission_date desc, local_case_id"""
    rows = connection.execute(text(query), question.parameters()).all()
    wards = opened_wards(rows, question.tenant_id, keys)
    meant: dict[str, bool] = {}
    for folded in {fold(ward) for ward in wards}:
        meant[folded] = ward_key(keys, folded) == wanted.key
    found = [row for row, ward in zip(rows, wards, strict=True) if meant[fold(ward)]]
    return [_behind(row) for row in found[skip : skip + limit]], len(found)


def _behind(row: Any) -> Behind:
    return Behind(
        row.id,
        row.local_case_id,
        row.index_admission_date,
        row.index_discharge_date,
        row.diagnosis_date,
        row.vte_type,
        row.reviewed,
        row.preventable and not row.unread,
        row.unread,
    )


# --- what reviews found


@dataclass(frozen=True, slots=True)
class Themes:
    """Of so many cases so many were reviewed; how often each theme was found, by code, the most frequent first."""

    cases: int
    reviewed: int
    preventable: int
    categories: Mapping[str, int]
    inadequacies: Mapping[str, int]
    contributory_factors: Mapping[str, int]
    missed_dose_reasons: Mapping[str, int]
    cases_with_missed_doses: int
    missed_doses: int

    def share(self, floor: float) -> Share:
        """The potentially preventable share of reviewed cases, with bounds; only these where less than `floor` was reviewed."""
        return share_with_bounds(self.preventable, self.reviewed - self.preventable, self.cases - self.reviewed, floor)


def themes(connection: Connection, question: Asked) -> Themes:
    """What the complete reviews of the period's cases found. Cases that are alike in it are first counted together, in one pass."""
    rows = connection.execute(
        text(
            f"""{_OWN}, alike as materialized (
                select reviewed, preventable, category, inadequacies, contributory_factors, missed_dose_reasons,
                       doses_missed_avoidably as missed, count(*) as number
                from own where place < 2 group by 1, 2, 3, 4, 5, 6, 7
            ), done as (select * from alike where reviewed)
            select 'sum' as kind, 'cases' as code, coalesce(sum(number), 0)::int as number from alike
            union all select 'sum', 'reviewed', coalesce(sum(number), 0)::int from done
            union all select 'sum', 'preventable', coalesce(sum(number), 0)::int from done where preventable
            union all select 'sum', 'with_missed', coalesce(sum(number), 0)::int from done where missed > 0
            union all select 'sum', 'missed', coalesce(sum(missed * number), 0)::int from done
            union all select 'category', category, sum(number)::int from done group by category
            union all select 'inadequacy', code, sum(number)::int from done, unnest(inadequacies) as code group by code
            union all select 'factor', code, sum(number)::int from done, unnest(contributory_factors) as code group by code
            union all select 'reason', code, sum(number)::int from done, unnest(missed_dose_reasons) as code group by code
            """
        ),
        question.parameters(),
    )
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row.kind][row.code] = row.number
    sums = found["sum"]
    return Themes(
        cases=sums["cases"],
        reviewed=sums["reviewed"],
        preventable=sums["preventable"],
        categories=_most(found["category"]),
        inadequacies=_most(found["inadequacy"]),
        contributory_factors=_most(found["factor"]),
        missed_dose_reasons=_most(found["reason"]),
        cases_with_missed_doses=sums["with_missed"],
        missed_doses=sums["missed"],
    )


def _most(counted: Counter[str]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def preventable_days(connection: Connection, question: Asked, *, limit: int) -> list[date]:
    """The days of diagnosis of the latest potentially preventable cases, in order of time; at most `limit`."""
    rows = connection.execute(
        text(f"{_OWN} select diagnosis_date from own where place < 2 and preventable order by 1 desc limit :limit"),
        question.parameters() | {"limit": limit},
    )
    return sorted(rows.scalars())


def days_after_discharge(connection: Connection, question: Asked) -> list[int]:
    """Whole days from discharge to diagnosis of each case that was found after it, in no order."""
    rows = connection.execute(
        text(
            f"""{_OWN} select diagnosis_date - index_discharge_date from own
            where place < 2 and diagnosis_date > index_discharge_date"""
        ),
        question.parameters(),
    )
    return list(rows.scalars())
