"""Counting: from the records as they stand to exact counts for each organisation and month. One run replaces all counts.

Which case counts, where and for whom (counting.md 1 and 4):

* It belongs to the month and the organisation of admission of its index stay. In are confirmed cases in scope that are not
  withdrawn and that no review found not to be hospital-associated.
* One person's index stay is one case, a PE if any of its reports is one.
* An organisation's figure has what it reported itself or accepted, and what was attributed to it and not answered for longer
  than the rules allow. What is disputed or still waits for its answer is in no organisation's figure ("pending"); the
  nation counts it all the same, under the organisation it was attributed to.
* Of a pair across organisations the nation counts one: an agreed case before a pending one, a report of the organisation itself
  before another's, then the earlier diagnosis. The other stays in its own organisation's exact figure ("doubled") unless both
  are attributed to the same one.
* A month enters the rates, top and bottom, with admissions and a complete return, or a nil return while nothing is held. A case
  attributed into a nil month therefore takes the month out until the organisation returns it again. Cases of months that do not
  enter are in no rate; their number is told.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import Boolean, Connection, Date, Double, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.settings import CountingRules
from registry.statistics.completeness import completeness_by_delay, completeness_of, delay_triangle, is_provisional
from registry.store.tables import case_count, organisation, trust_month

# The same person's pairs, both ways round; a pair that a person found to be two events is none.
CASES = text(
    """
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    with held as (
        select r.tenant_id, r.id, r.nhs_key, r.attributed_id, r.added_at,
               v.index_month, v.index_admission_date, v.diagnosis_date, v.vte_type, v.admission_group, v.overnight,
               q.category, q.preventability,
               r.tenant_id = r.attributed_id as own,
               r.attribution in ('own', 'accepted')
                   or (r.attribution = 'proposed' and r.attribution_since < :silent_since) as agreed
        from records.case_record r
        join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        left join (
            select a.tenant_id, a.local_case_id, b.category, b.preventability
            from records.rca_record a
            join records.rca_version b on (b.tenant_id, b.record_id, b.version) = (a.tenant_id, a.id, a.version)
            where a.withdrawn_at is null
        ) q on (q.tenant_id, q.local_case_id) = (r.tenant_id, r.local_case_id)
        where r.withdrawn_at is null and v.scope = 'in' and q.category is distinct from 'not_hat'
    ), ranked as (
        select held.*,
               bool_or(vte_type in ('pe', 'pe_and_dvt')) over stay as pe,
               row_number() over (
                   stay order by agreed desc, own desc, (category is null or preventability is null),
                                 diagnosis_date, added_at, id
               ) as place
        from held
        window stay as (
            partition by attributed_id, coalesce(encode(nhs_key, 'hex'), id::text), index_admission_date
        )
    ), once as (
        select * from ranked where place = 1
    ), pairs as (
        select first_tenant_id, first_case_id, second_tenant_id, second_case_id
        from linkage.pair where state <> 'dismissed'
        union
        select second_tenant_id, second_case_id, first_tenant_id, first_case_id
        from linkage.pair where state <> 'dismissed'
    ), beaten as (
        select mine.tenant_id, mine.id, bool_or(other.attributed_id = mine.attributed_id) as same_place
        from once mine
        join pairs on (pairs.first_tenant_id, pairs.first_case_id) = (mine.tenant_id, mine.id)
        join once other on (other.tenant_id, other.id) = (pairs.second_tenant_id, pairs.second_case_id)
        where (not other.agreed, not other.own, other.diagnosis_date, other.added_at, other.id)
            < (not mine.agreed, not mine.own, mine.diagnosis_date, mine.added_at, mine.id)
        group by mine.tenant_id, mine.id
    ), standing as (
        select once.*,
               case when beaten.id is not null then 'doubled' when once.agreed then 'agreed' else 'pending' end as standing
        from once left join beaten using (tenant_id, id)
        where beaten.id is null or (once.agreed and not beaten.same_place)
    )
    select attributed_id, index_month, standing, split, its_category, count(*)
    from standing
    cross join lateral (
        values ('total', 'total'),
               ('vte_type', case when pe then 'pe' else 'dvt' end),
               ('admission_group', admission_group),
               ('stay', case when overnight then 'overnight' else 'not_overnight' end),
               ('preventability',
                case when category is null or preventability is null then 'not_investigated'
                     when category <> 'unclassifiable' and preventability in ('preventable', 'preventable_psii')
                         then 'preventable'
                     else 'not_preventable' end)
    ) as splits (split, its_category)
    group by attributed_id, index_month, standing, split, its_category
    """
)

# Shown apart: events of day cases (in scope, and in the rate of all admissions), and what the scope rule keeps out of the rate.
APART = text(
    """
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    select r.attributed_id, v.index_month, 'agreed', 'apart',
           case when v.scope = 'in' then 'day_case' else v.scope end, count(*)
    from records.case_record r
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    where r.withdrawn_at is null
      and (r.attribution in ('own', 'accepted')
           or (r.attribution = 'proposed' and r.attribution_since < :silent_since))
      and (v.scope in ('immobilisation', 'line_related', 'pregnancy_associated')
           or (v.scope = 'in' and v.index_stay = 'this' and v.patient_classification = 'day_case'))
    group by 1, 2, 5
    """
)

# One row for each organisation that takes part and each month from its first to its last that has ended.
TRUST_MONTHS = text(
    """
    insert into figures.trust_month (
        organisation_id, month, case_return, admissions, admissions_overnight, admissions_maternity,
        enters, provisional, completeness, counted_at
    )
    select o.id, m.month, a.case_return, a.admissions, a.overnight, a.maternity,
           coalesce(a.admissions > 0 and (a.case_return = 'complete' or (a.case_return = 'nil' and not exists (
               select from figures.case_count c
               where c.organisation_id = o.id and c.month = m.month and c.split = 'total' and c.standing <> 'pending'
           ))), false),
           m.provisional, m.completeness, :at
    from register.organisation o
    join unnest(:months, :provisional, :completeness) as m (month, provisional, completeness)
        on m.month >= date_trunc('month', o.live_from)
    left join (
        select r.tenant_id, r.month, v.case_return,
               medical_overnight + surgical_overnight + obstetric_overnight + critical_care_overnight
                   + orthopaedic_trauma_overnight as overnight,
               obstetric_day_case + obstetric_regular_attender + obstetric_no_night + obstetric_overnight as maternity,
               medical_day_case + medical_regular_attender + medical_no_night + medical_overnight
                   + surgical_day_case + surgical_regular_attender + surgical_no_night + surgical_overnight
                   + obstetric_day_case + obstetric_regular_attender + obstetric_no_night + obstetric_overnight
                   + critical_care_day_case + critical_care_regular_attender + critical_care_no_night
                   + critical_care_overnight + orthopaedic_trauma_day_case + orthopaedic_trauma_regular_attender
                   + orthopaedic_trauma_no_night + orthopaedic_trauma_overnight as admissions
        from records.activity_record r
        join records.activity_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        where r.withdrawn_at is null
    ) a on (a.tenant_id, a.month) = (o.id, m.month)
    where o.kind <> 'system' and not o.activity_only and (o.closed_on is null or m.month <= o.closed_on)
    """
).bindparams(
    bindparam("months", type_=ARRAY(Date)),
    bindparam("provisional", type_=ARRAY(Boolean)),
    bindparam("completeness", type_=ARRAY(Double)),
)

# Delays are learnt only from months in which the organisation already reported: what it loaded of the past tells nothing.
DELAYS = text(
    """
    with reports as (
        select r.attributed_id, v.index_month, date_trunc('month', r.added_at at time zone 'UTC')::date as reported
        from records.case_record r
        join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        where r.withdrawn_at is null and v.scope = 'in'
    ), began as (
        select attributed_id, min(reported) as month from reports group by attributed_id
    )
    select reports.index_month, reports.reported, count(*)
    from reports join began using (attributed_id)
    where reports.index_month >= began.month
    group by reports.index_month, reports.reported
    """
)


def count(connection: Connection, rules: CountingRules, at: datetime) -> dict[str, int]:
    """Count everything anew, as at `at`, in the caller's transaction under `hat_jobs`; what was there before is replaced.

    Gives what came of it in numbers. Months that had not ended are left out. Safe to run again: the same records and the same
    time give the same counts.
    """
    silent_since = at - timedelta(days=rules.attribution_silence_days)
    connection.execute(delete(case_count))
    connection.execute(delete(trust_month))
    connection.execute(CASES, {"silent_since": silent_since})
    connection.execute(APART, {"silent_since": silent_since})
    months = _months(connection, at.date())
    connection.execute(TRUST_MONTHS, _states(connection, months, at.date(), rules) | {"at": at})
    return _effect(connection)


def _months(connection: Connection, on: date) -> list[date]:
    """The months that have ended, from the first in which any organisation took part."""
    begin = connection.scalar(select(func.min(organisation.c.live_from)))
    ended: list[date] = []
    month = begin.replace(day=1) if begin else on.replace(day=1)
    while (following := next_month(month)) <= on:
        ended.append(month)
        month = following
    return ended


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _states(connection: Connection, months: list[date], on: date, rules: CountingRules) -> dict[str, list[object]]:
    """For each month whether it is provisional, and its estimated completeness.

    Where nothing tells how long reports take (all of them were loaded later), the completeness is not known and the days alone
    decide.
    """
    curve = completeness_by_delay(_triangle(connection, on))
    known = [completeness_of(month, on, curve) for month in months]
    provisional = [
        is_provisional(month, on, 1.0 if share is None else share, rules.provisional_days, rules.completeness_for_final)
        for month, share in zip(months, known, strict=True)
    ]
    return {"months": list(months), "provisional": list(provisional), "completeness": list(known)}


def _triangle(connection: Connection, on: date) -> tuple[tuple[int, ...], ...]:
    reports: dict[tuple[date, int], int] = {}
    for month, reported, number in connection.execute(DELAYS):
        reports[month, (reported.year - month.year) * 12 + reported.month - month.month] = number
    return delay_triangle(reports, sorted({month for month, _ in reports}), on)


EFFECT = text(
    """
    select
        (select count(*) from figures.trust_month) as trust_months,
        (select count(*) from figures.trust_month where enters) as entering,
        (select count(*) from figures.trust_month where enters and provisional) as provisional,
        coalesce(sum(c.count) filter (where c.standing <> 'doubled'), 0)::int as cases,
        coalesce(sum(c.count) filter (where c.standing = 'pending'), 0)::int as pending,
        coalesce(sum(c.count) filter (where c.standing = 'doubled'), 0)::int as doubled,
        coalesce(sum(c.count) filter (where c.standing <> 'doubled' and m.enters is not true), 0)::int as outside_rates,
        (select count(*) from figures.trust_month
         where case_return = 'nil' and not enters and admissions > 0) as nil_with_cases
    from figures.case_count c
    left join figures.trust_month m using (organisation_id, month)
    where c.split = 'total'
    """
)


def _effect(connection: Connection) -> dict[str, int]:
    row = connection.execute(EFFECT).mappings().one()
    return {name: int(number) for name, number in row.items()}
