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

What a case counts as in each split is in `registry.publications.case_facts`; counting again only what was touched is `refreshing`.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import Boolean, Connection, Date, Double, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from registry.disclosure.grid import GROUPS
from registry.publications import case_facts
from registry.settings import CountingRules, DeskRules
from registry.statistics.completeness import completeness_by_delay, completeness_of, delay_triangle, is_provisional
from registry.store.desk import job_mark
from registry.store.figures import report_count, touched
from registry.store.tables import case_count, organisation, trust_month

FIGURES_LOCK = 0x4841_5403
"""One count or refresh at a time."""
MARK = "figures"
"""Under this name the time stands up to which what was recorded is counted."""
STAYS = ("day_case", "regular_attender", "no_night", "overnight")
MEMORY = "set local work_mem = '192MB'"


def _sum(groups: Iterable[str], stays: Iterable[str] = STAYS) -> str:
    return " + ".join(f"v.{group}_{stay}" for group in groups for stay in stays)


_SOURCES = " + ".join(
    f"(v.{name} = 'yes')::int"
    for name in ("imaging_list", "coding", "anticoagulant_clinic", "medical_examiner", "other_trusts")
)

# One row for each organisation that takes part and each month from its first to its last that has ended. A return is timed by the day on
# which the first complete or nil one came; not before the organisation sent any, for what it sent of the past could not be in time.
TRUST_MONTHS = text(
    f"""
    insert into figures.trust_month as t (
        organisation_id, month, case_return, admissions, admissions_overnight, admissions_maternity,
        admissions_by_group, overnight_by_group, timeliness, case_finding_sources, coded_candidates_returned,
        enters, provisional, completeness, counted_at
    )
    select o.id, m.month, a.case_return, a.admissions, a.overnight, a.maternity, a.by_group, a.overnight_by_group,
           case when a.came is null or m.due_on < s.began then null when a.came <= m.due_on then 'in_time' else 'late' end,
           p.sources, coalesce(a.coded, false),
           coalesce(a.admissions > 0 and (a.case_return = 'complete' or (a.case_return = 'nil' and not exists (
               select from figures.case_count c
               where c.organisation_id = o.id and c.month = m.month and c.split = 'total' and c.standing <> 'pending'
           ))), false),
           m.provisional, m.completeness, :at
    from register.organisation o
    join (
        select month, provisional, completeness, cast(month + interval '1 month' as date) + :return_due_days as due_on,
               to_char(month - interval '3 months', 'YYYY-') || to_char(month + interval '9 months', 'YY') as financial_year
        from unnest(:months, :provisional, :completeness) as u (month, provisional, completeness)
    ) m on m.month >= date_trunc('month', o.live_from)
    left join (
        select tenant_id, cast(min(recorded_at) at time zone 'Europe/London' as date) as began
        from records.activity_version group by tenant_id
    ) s on s.tenant_id = o.id
    left join (
        select r.tenant_id, r.year, {_SOURCES} as sources
        from records.organisation_profile_record r
        join records.organisation_profile_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        where r.withdrawn_at is null
    ) p on (p.tenant_id, p.year) = (o.id, m.financial_year)
    left join (
        select r.tenant_id, r.month, v.case_return, v.coded_candidates is not null as coded, {_sum(GROUPS)} as admissions, {_sum(GROUPS, ["overnight"])} as overnight,
               {_sum(["obstetric"])} as maternity, array[{", ".join(_sum([group]) for group in GROUPS)}] as by_group,
               array[{", ".join(_sum([group], ["overnight"]) for group in GROUPS)}] as overnight_by_group,
               case when v.case_return in ('complete', 'nil') then (
                   select cast(min(f.recorded_at) at time zone 'Europe/London' as date) from records.activity_version f
                   where f.tenant_id = r.tenant_id and f.record_id = r.id and f.case_return in ('complete', 'nil')
               ) end as came
        from records.activity_record r
        join records.activity_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        where r.withdrawn_at is null
    ) a on (a.tenant_id, a.month) = (o.id, m.month)
    where o.kind <> 'system' and not o.activity_only and (o.closed_on is null or m.month <= o.closed_on)
    on conflict (organisation_id, month) do update set
        case_return = excluded.case_return, admissions = excluded.admissions,
        admissions_overnight = excluded.admissions_overnight, admissions_maternity = excluded.admissions_maternity,
        admissions_by_group = excluded.admissions_by_group, overnight_by_group = excluded.overnight_by_group,
        timeliness = excluded.timeliness, case_finding_sources = excluded.case_finding_sources,
        coded_candidates_returned = excluded.coded_candidates_returned, enters = excluded.enters, provisional = excluded.provisional,
        completeness = excluded.completeness, counted_at = excluded.counted_at
    """  # noqa: S608 (names of columns)
).bindparams(
    bindparam("months", type_=ARRAY(Date)),
    bindparam("provisional", type_=ARRAY(Boolean)),
    bindparam("completeness", type_=ARRAY(Double)),
)

# Delays are learnt only from months in which the organisation already reported: what it loaded of the past tells nothing.
DELAYS = text(
    """
    with began as (select organisation_id, min(reported) as month from figures.report_count group by organisation_id)
    select r.month, r.reported, sum(r.count)::int
    from figures.report_count r join began using (organisation_id)
    where r.month >= began.month
    group by r.month, r.reported
    """
)


def count(connection: Connection, rules: CountingRules, at: datetime, desk: DeskRules | None = None) -> dict[str, int]:
    """Count everything anew, as at `at`, in the caller's transaction under `hat_jobs`; what was there before is replaced.

    Gives what came of it in numbers. Months that had not ended are left out. Safe to run again: the same records and the same
    time give the same counts. `desk` says when returns are due.
    """
    take_turn(connection)
    connection.execute(text(MEMORY))
    set_mark(connection)
    for table in (touched, case_count, report_count, trust_month):
        connection.execute(delete(table))
    silent = {"silent_since": silent_since(rules, at)}
    case_facts.hold(connection, case_facts.EVERY_CASE, silent)
    case_facts.tally(connection)
    connection.execute(text(case_facts.APART.format(source=case_facts.EVERY_CASE)), silent)
    count_months(connection, rules, at, desk)
    return _effect(connection)


def take_turn(connection: Connection) -> None:
    """One count at a time: wait for another as long as a statement may take, not only as long as for a row."""
    connection.execute(text("set local lock_timeout = 0"))
    connection.execute(select(func.pg_advisory_xact_lock(FIGURES_LOCK)))
    connection.execute(text("set local lock_timeout = default"))


def silent_since(rules: CountingRules, at: datetime) -> datetime:
    """What was proposed before and has not been answered counts."""
    return at - timedelta(days=rules.attribution_silence_days)


def set_mark(connection: Connection) -> None:
    """From now on what is recorded later is not counted yet."""
    connection.execute(
        text(
            "insert into register.job_mark (job, seen_to) values (:job, now()) "
            "on conflict (job) do update set seen_to = excluded.seen_to"
        ),
        {"job": MARK},
    )


def mark(connection: Connection) -> datetime | None:
    """Up to when what was recorded is counted; None before the first count."""
    found: datetime | None = connection.scalar(select(job_mark.c.seen_to).where(job_mark.c.job == MARK))
    return found


def count_months(connection: Connection, rules: CountingRules, at: datetime, desk: DeskRules | None = None) -> None:
    """The state and the admissions of every month, by the counts as they stand."""
    months = _months(connection, at.date())
    states = _states(connection, months, at.date(), rules)
    given = {"at": at, "return_due_days": (desk or DeskRules()).return_due_days}
    connection.execute(TRUST_MONTHS, states | given)
    # Months that an organisation no longer takes part in: the register has changed.
    connection.execute(delete(trust_month).where(trust_month.c.counted_at != at))


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
