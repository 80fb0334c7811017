"""What each case counts as, in every split of the publication grid: worked out in the database, set by set, into temporary tables.

`held` are the cases that may count with what is known of each; `counted` those that do, once for each person and index stay, with their
standing. Which of two reports stands for a stay, and which of a pair across organisations counts, is said in
`registry.publications.counting`.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from registry.disclosure.grid import CATEGORIES, DAYS_AFTER, IN_STAY, REVIEW_DAYS, Split
from registry.store.records import person_of
from schemas.codes import OF_PROPHYLAXIS
from schemas.counting import WINDOW_DAYS

RISK_HOURS = 14
FACTS = {
    "of_prophylaxis": [each.value for each in OF_PROPHYLAXIS],
    "review_days": REVIEW_DAYS,
    "window_days": WINDOW_DAYS,
}

EVERY_CASE = """
    records.case_record r
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
"""
# The cases of some organisations and months: an organisation's own by the key of the record, others' reports by an index of their own.
CASES_LOOKED_AT = """
    (
        select * from records.case_record
        where tenant_id in (select organisation_id from looked where round = :round) and attributed_id = tenant_id
        union all
        select * from records.case_record
        where attributed_id in (select organisation_id from looked where round = :round) and attributed_id <> tenant_id
    ) r
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    join looked l on (l.organisation_id, l.month) = (r.attributed_id, v.index_month) and l.round = :round
"""

_AGREED = (
    """(r.attribution in ('own', 'accepted') or (r.attribution = 'proposed' and r.attribution_since < :silent_since))"""
)
_INVESTIGATED = "q.category is not null and q.preventability is not null"
_TIMES = "v.index_stay = 'this' and v.admitted_at is not null"


def _in_time(moment: str) -> str:
    return f"case when q.{moment} <= v.admitted_at + interval '{RISK_HOURS} hours' then 'yes' else 'no' end"


_AFTER = " ".join(
    f"when v.diagnosis_date - v.index_discharge_date <= {last} then 'days_{first}_{last}'" for first, last in DAYS_AFTER[:-1]
)  # fmt: skip

# An answer that was given stands; without one the times decide, and what else was said of the assessment or the dose.
_SPLITS: dict[Split, str] = {
    Split.ADMISSION_GROUP: "v.admission_group",
    Split.STAY: "case when v.overnight then 'overnight' else 'not_overnight' end",
    Split.OVERNIGHT_GROUP: "case when v.overnight then v.admission_group end",
    Split.PREVENTABILITY: f"""
        case when not ({_INVESTIGATED}) then 'not_investigated'
             when q.category <> 'unclassifiable' and q.preventability in ('preventable', 'preventable_psii') then 'preventable'
             else 'not_preventable' end""",
    Split.SETTING: f"""
        case when v.index_discharge_date is null
                  or (v.index_stay = 'this' and v.diagnosis_date <= v.index_discharge_date) then '{IN_STAY}'
             {_AFTER} else 'days_{DAYS_AFTER[-1][0]}_{DAYS_AFTER[-1][1]}' end""",
    Split.ADEQUACY: f"""
        case when not ({_INVESTIGATED}) then 'not_investigated'
             when q.category = 'inadequate_prophylaxis' and q.inadequacies && cast(:of_prophylaxis as text[]) then 'inadequate'
             else 'not_inadequate' end""",
    Split.REVIEW: f"""
        case when not ({_INVESTIGATED}) then null when q.judged_on is null then 'undated'
             when q.judged_on - v.diagnosis_date <= :review_days then 'in_time' else 'late' end""",
    Split.ASSESSED_IN_TIME: f"""
        case when q.assessed_within_14_hours in ('yes', 'no') then q.assessed_within_14_hours
             when q.risk_assessed = 'no' then 'no'
             when q.assessed_within_14_hours = 'not_applicable' then 'not_applicable'
             when q.assessed_at is not null and {_TIMES} then {_in_time("assessed_at")}
             when q.risk_assessed = 'exempt_cohort' then 'not_applicable'
             else 'not_recorded' end""",
    Split.FIRST_DOSE_IN_TIME: f"""
        case when q.first_dose_within_14_hours in ('yes', 'no', 'not_applicable') then q.first_dose_within_14_hours
             when q.first_dose_at is not null and {_TIMES} then {_in_time("first_dose_at")}
             when q.prophylaxis_indicated in ('no', 'contraindicated', 'already_treated', 'declined') then 'not_applicable'
             when q.prophylaxis_indicated = 'yes' and q.prophylaxis_given = 'no' then 'no'
             else 'not_recorded' end""",
    Split.MISSED_DOSES: """
        case when q.doses_missed_avoidably > 0 then 'some'
             when q.prophylaxis_prescribed = 'no' or q.prophylaxis_given = 'not_applicable' then 'not_applicable'
             when q.doses_missed_avoidably = 0 or q.prophylaxis_given = 'yes' then 'none'
             else 'not_recorded' end""",
    Split.INFORMATION_ADMISSION: """
        case when q.information_on_admission in ('yes', 'no') then q.information_on_admission else 'not_recorded' end""",
    Split.INFORMATION_DISCHARGE: """
        case when q.information_on_discharge in ('yes', 'no') then q.information_on_discharge else 'not_recorded' end""",
}
_ASKED = (
    "category", "preventability", "inadequacies", "judged_on", "risk_assessed", "assessed_within_14_hours", "assessed_at",
    "first_dose_within_14_hours", "first_dose_at", "prophylaxis_indicated", "prophylaxis_prescribed", "prophylaxis_given",
    "doses_missed_avoidably", "information_on_admission", "information_on_discharge", "contributory_factors",
    "missed_dose_reasons",
)  # fmt: skip

_HELD = f"""
    select r.tenant_id, r.id, coalesce({person_of("r")}, uuid_send(r.id)) as person, r.attributed_id, r.added_at,
           v.index_month, coalesce(v.index_admission_date, 'infinity') as began, v.diagnosis_date, v.vte_type in ('pe', 'pe_and_dvt') as pe,
           case when v.died_within_90_days = 'yes' or v.death_date - v.diagnosis_date between 0 and :window_days then 'died'
                when v.died_within_90_days = 'no' then 'survived' end as outcome,
           r.tenant_id = r.attributed_id as own, {_AGREED} as agreed, {_INVESTIGATED} as investigated,
           case when {_INVESTIGATED} then q.inadequacies end as inadequacies,
           case when {_INVESTIGATED} then q.contributory_factors end as contributory_factors,
           case when {_INVESTIGATED} then q.missed_dose_reasons end as missed_dose_reasons,
           {_INVESTIGATED} and q.practice as practice,
           {", ".join(f"{words} as {split}" for split, words in _SPLITS.items())}
    from {{source}}
    left join (
        select a.tenant_id, a.local_case_id, {", ".join(f"b.{name}" for name in _ASKED)},
               b.notable_practice_ct is not null as practice
        from records.rca_record a
        join records.rca_version b on (b.tenant_id, b.record_id, b.version) = (a.tenant_id, a.id, a.version)
        where a.withdrawn_at is null
    ) q on (q.tenant_id, q.local_case_id) = (r.tenant_id, r.local_case_id)
    where r.withdrawn_at is null and v.scope = 'in' and q.category is distinct from 'not_hat'
"""  # noqa: S608 (expressions of this module)

# Most stays have one report: only where there are several the one that stands is looked for, and what any of them says.
_STANDING = """
    create temp table standing on commit drop as
    with several as (
        select attributed_id, person, began from held group by 1, 2, 3 having count(*) > 1
    )
    select tenant_id, id, bool_or(pe) over stay as any_pe,
           bool_or(outcome = 'died') over stay as any_died, bool_or(outcome = 'survived') over stay as any_survived,
           row_number() over (
               stay order by agreed desc, own desc, not investigated, diagnosis_date, added_at, id
           ) as place
    from held join several using (attributed_id, person, began)
    window stay as (partition by attributed_id, person, began)
"""

# The same person's pairs, both ways round; a pair that a person found to be two events is none.
_COUNTED = f"""
    create temp table counted on commit drop as
    with pairs as (
        select first_tenant_id, first_case_id, second_tenant_id, second_case_id
        from linkage.pair where state <> 'dismissed'
        union
        select second_tenant_id, second_case_id, first_tenant_id, first_case_id
        from linkage.pair where state <> 'dismissed'
    ), paired as (
        select held.* from held left join standing s using (tenant_id, id)
        where coalesce(s.place, 1) = 1 and (tenant_id, id) in (select first_tenant_id, first_case_id from pairs)
    ), beaten as (
        select mine.tenant_id, mine.id, bool_or(other.attributed_id = mine.attributed_id) as same_place
        from paired mine
        join pairs on (pairs.first_tenant_id, pairs.first_case_id) = (mine.tenant_id, mine.id)
        join paired other on (other.tenant_id, other.id) = (pairs.second_tenant_id, pairs.second_case_id)
        where (not other.agreed, not other.own, other.diagnosis_date, other.added_at, other.id)
            < (not mine.agreed, not mine.own, mine.diagnosis_date, mine.added_at, mine.id)
        group by mine.tenant_id, mine.id
    )
    select tenant_id, id, attributed_id, index_month,
           case when b.same_place is not null then 'doubled' when agreed then 'agreed' else 'pending' end as standing,
           case when coalesce(s.any_pe, pe) then 'pe' else 'dvt' end as {Split.VTE_TYPE},
           case when not coalesce(s.any_pe, pe) then null when coalesce(s.any_died, outcome = 'died') then 'died'
                when coalesce(s.any_survived, outcome = 'survived') then 'survived'
                else 'not_known' end as {Split.PE_OUTCOME},
           {", ".join(split for split in _SPLITS)}, inadequacies, contributory_factors, missed_dose_reasons, practice
    from held
    left join standing s using (tenant_id, id)
    left join beaten b using (tenant_id, id)
    where coalesce(s.place, 1) = 1 and (b.same_place is null or (agreed and not b.same_place)) {{within}}
"""  # noqa: S608 (names of the grid)

COUNTED_SPLITS = (Split.VTE_TYPE, Split.PE_OUTCOME, *_SPLITS)
_PARTS = [(split, category) for split in COUNTED_SPLITS for category in CATEGORIES[split]]

# One pass over the cases, each category a count of its own; then a row for each that has any.
_TALLY = f"""
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    select organisation_id, month, standing, split, category, number
    from (
        select attributed_id as organisation_id, index_month as month, standing, count(*) as every,
               {", ".join(f"count(*) filter (where {split} = '{category}') as n{place}" for place, (split, category) in enumerate(_PARTS))}
        from counted group by attributed_id, index_month, standing
    ) tallied
    cross join lateral (
        values ('total', 'total', every), {", ".join(f"('{split}', '{category}', n{place})" for place, (split, category) in enumerate(_PARTS))}
    ) as parts (split, category, number)
    where number > 0
"""  # noqa: S608 (names of the grid)

# Of the investigated; a case may be in several.
_THEMES = f"""
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    select attributed_id, index_month, standing, split, theme, count(*)
    from counted
    cross join lateral (
        select '{Split.INADEQUACY}' as split, theme from unnest(inadequacies) as theme
        union
        select '{Split.CONTRIBUTORY_FACTOR}', theme from unnest(contributory_factors) as theme
        union
        select '{Split.MISSED_DOSE_REASON}', theme from unnest(missed_dose_reasons) as theme
        union all
        select '{Split.PRACTICE}', '{CATEGORIES[Split.PRACTICE][0]}' where practice
    ) themes
    group by 1, 2, 3, 4, 5
"""  # noqa: S608 (names of the grid)

# The latest judgement of each reader, where the second judged without having been shown the first.
_READ_TWICE = f"""
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    select attributed_id, index_month, standing, '{Split.SECOND_READING}',
           case when first and second then 'both_preventable' when first then 'first_only' when second then 'second_only'
                else 'neither_preventable' end, count(*)
    from counted
    join lateral (
        select f.preventability in ('preventable', 'preventable_psii') as first,
               s.preventability in ('preventable', 'preventable_psii') as second
        from (select * from records.reading d where d.tenant_id = counted.tenant_id and d.case_id = counted.id
                 and d.place = 'second' order by d.id desc limit 1) s,
             (select * from records.reading d where d.tenant_id = counted.tenant_id and d.case_id = counted.id
                 and d.place = 'first' order by d.id desc limit 1) f
        where f.preventability is not null and s.preventability is not null
          and exists (select from records.case_event e where e.tenant_id = s.tenant_id and e.case_id = s.case_id
                         and e.what = 'read a second time' and e.at = s.at and e.detail @> '{{"blind": true}}')
    ) readings on true
    where (counted.tenant_id, counted.id) in (select tenant_id, case_id from records.reading where place = 'second')
    group by 1, 2, 3, 5
"""  # noqa: S608 (names of the grid)

# Shown apart: events of day cases (in scope, and in the rate of all admissions), and what the scope rule keeps out of the rate.
APART = f"""
    insert into figures.case_count (organisation_id, month, standing, split, category, count)
    select r.attributed_id, v.index_month, 'agreed', 'apart',
           case when v.scope = 'in' then 'day_case' else v.scope end, count(*)
    from {{source}}
    where r.withdrawn_at is null and {_AGREED}
      and (v.scope in ('immobilisation', 'line_related', 'pregnancy_associated')
           or (v.scope = 'in' and v.index_stay = 'this' and v.patient_classification = 'day_case'))
    group by 1, 2, 5
"""  # noqa: S608 (expressions of this module)

# Delays are learnt of what counts, by the month in which it was first reported.
REPORTS = """
    insert into figures.report_count (organisation_id, month, reported, count)
    select attributed_id, index_month, date_trunc('month', added_at at time zone 'UTC')::date, count(*)
    from held where {within} group by 1, 2, 3
"""


def hold(connection: Connection, source: str, given: Mapping[str, object], *, more: bool = False) -> None:
    """The cases of a source that may count, as the temporary table `held`; `more` of them beside those that are there."""
    begin = "insert into held" if more else "create temp table held on commit drop as"
    connection.execute(text(f"{begin} {_HELD.format(source=source)}"), {**given, **FACTS})


def tally(connection: Connection, within: str = "true") -> None:
    """Count what is held, where `within` holds of `attributed_id` and `index_month`: every split, second readings and reports."""
    connection.execute(text("analyze held"))
    connection.execute(text(_STANDING))
    connection.execute(text("analyze standing"))
    connection.execute(text(_COUNTED.format(within=f"and {within}")))
    connection.execute(text("analyze counted"))
    connection.execute(text(_TALLY))
    connection.execute(text(_THEMES))
    connection.execute(text(_READ_TWICE))
    connection.execute(text(REPORTS.format(within=within)))
