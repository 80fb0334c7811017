"""Exact counts by financial year and stratum, of stays of one night or more: what case mix and outliers are made of.

Filled by the worker in the transaction of a full count, after the months, from its temporary table `counted`: a case is where counting has it
for its organisation. Months that do not enter, and provisional ones, are in nothing. Admissions by age band, sex and group are those that
an organisation returned for the year; by group alone they are the sums of its months. Whose age or sex is not known is a stratum of its own
on both sides.
"""

from datetime import datetime

from sqlalchemy import Connection, delete, text

from registry.publications import reference_rates
from registry.store.outliers import stratum_count, trust_year

GROUPS = ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma")
SOURCES = ("imaging_list", "coding", "anticoagulant_clinic", "medical_examiner", "other_trusts")


def _year(month: str) -> str:
    """The first day of the financial year of a month."""
    return f"make_date(extract(year from {month} - interval '3 months')::integer, 4, 1)"


_CASES = f"""
    create temp table overnight_cases on commit drop as
    select c.attributed_id as organisation_id, {_year("c.index_month")} as year,
           case when v.age_at_admission < 40 then '16-39' when v.age_at_admission < 60 then '40-59'
                when v.age_at_admission < 75 then '60-74' when v.age_at_admission >= 75 then '75+' else 'unknown' end as age_band,
           case when v.sex in ('male', 'female') then v.sex else 'unknown' end as sex,
           v.admission_group, count(*)::integer as cases
    from counted c
    join figures.trust_month m on (m.organisation_id, m.month) = (c.attributed_id, c.index_month)
        and m.enters and not m.provisional
    join records.case_record r on (r.tenant_id, r.id) = (c.tenant_id, c.id)
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    where c.standing <> 'pending' and v.overnight
    group by 1, 2, 3, 4, 5
"""  # noqa: S608 (expressions of this module)

_STRATA = """
    create temp table returned_strata on commit drop as
    select r.tenant_id as organisation_id, make_date(left(v.year, 4)::integer, 4, 1) as year,
           v.age_band, v.sex, v.admission_group, sum(v.admissions)::integer as admissions
    from records.activity_strata_record r
    join records.activity_strata_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    join register.organisation o on o.id = r.tenant_id and o.live_from is not null
    where r.withdrawn_at is null and v.overnight = 'yes'
    group by 1, 2, 3, 4, 5
"""

_MONTHS = f"""
    create temp table returned_months on commit drop as
    select m.organisation_id, m.month, {_year("m.month")} as year, m.enters and not m.provisional as final, m.enters,
           v.coded_candidates, {", ".join(f"coalesce(v.{group}_overnight, 0) as {group}" for group in GROUPS)}
    from figures.trust_month m
    left join records.activity_record r on (r.tenant_id, r.month) = (m.organisation_id, m.month) and r.withdrawn_at is null
    left join records.activity_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
"""  # noqa: S608 (names of this module)

# By age, sex and group where strata were returned; by group always.
_BY_STRATUM = """
    insert into figures.stratum_count (organisation_id, year, age_band, sex, admission_group, cases, admissions)
    select organisation_id, year, age_band, sex, admission_group, coalesce(c.cases, 0),
           case when given.organisation_id is not null then coalesce(s.admissions, 0) end
    from overnight_cases c
    full join returned_strata s using (organisation_id, year, age_band, sex, admission_group)
    left join (select distinct organisation_id, year from returned_strata) given using (organisation_id, year)
"""
_BY_GROUP = f"""
    insert into figures.stratum_count (organisation_id, year, age_band, sex, admission_group, cases, admissions)
    select a.organisation_id, a.year, 'all', 'all', a.admission_group, coalesce(c.cases, 0), a.admissions
    from (
        {
    " union all ".join(
        f"select organisation_id, year, '{group}' as admission_group, sum({group})::integer as admissions "
        "from returned_months where final group by 1, 2"
        for group in GROUPS
    )
}
    ) a
    left join (
        select organisation_id, year, admission_group, sum(cases)::integer as cases from overnight_cases group by 1, 2, 3
    ) c using (organisation_id, year, admission_group)
"""  # noqa: S608 (names of this module)

_YEARS = f"""
    insert into figures.trust_year (
        organisation_id, year, months, cases, admissions, strata_admissions, sources, coded_months, coded_candidates, coded_cases, counted_at
    )
    select m.organisation_id, m.year, m.months, coalesce(c.cases, 0), m.admissions, s.admissions, p.sources,
           m.coded_months, m.coded_candidates, m.coded_cases, :at
    from (
        select m.organisation_id, m.year, count(*) filter (where m.final) as months,
               coalesce(sum({" + ".join(GROUPS)}) filter (where m.final), 0) as admissions,
               count(*) filter (where m.coded_candidates is not null) as coded_months,
               coalesce(sum(m.coded_candidates) filter (where m.enters), 0) as coded_candidates,
               coalesce(sum(k.cases) filter (where m.enters and m.coded_candidates is not null), 0) as coded_cases
        from returned_months m
        left join (
            select organisation_id, month, sum(count) as cases from figures.case_count
            where split = 'total' and standing <> 'pending' group by 1, 2
        ) k using (organisation_id, month)
        group by 1, 2
    ) m
    left join (select organisation_id, year, sum(cases) as cases from overnight_cases group by 1, 2) c using (organisation_id, year)
    left join (select organisation_id, year, sum(admissions) as admissions from returned_strata group by 1, 2) s
        using (organisation_id, year)
    left join (
        select r.tenant_id as organisation_id, make_date(left(v.year, 4)::integer, 4, 1) as year,
               {" + ".join(f"(v.{source} = 'yes')::integer" for source in SOURCES)} as sources
        from records.organisation_profile_record r
        join records.organisation_profile_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
        where r.withdrawn_at is null
    ) p using (organisation_id, year)
"""  # noqa: S608 (names of this module)


def fill(connection: Connection, at: datetime) -> dict[str, int]:
    """Count the years anew, as at `at`, and what is expected in them by the references that are frozen. What was there is replaced."""
    connection.execute(delete(stratum_count))
    connection.execute(delete(trust_year))
    for statement in (_CASES, _STRATA, _MONTHS, "analyze overnight_cases, returned_strata, returned_months"):
        connection.execute(text(statement))
    strata = connection.execute(text(_BY_STRATUM)).rowcount + connection.execute(text(_BY_GROUP)).rowcount
    years = connection.execute(text(_YEARS), {"at": at}).rowcount
    return {"years": years, "strata": strata, "expected": reference_rates.write_expected(connection)}
