"""Counting with a million cases held: everything anew, and what one new batch touched."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg

from registry import publications
from registry.settings import Secrets
from tests.bench.measure import Cluster, Figure, beside
from tests.registry.publications.hold import GROUPS, STAYS

CASES = 1_000_000
TRUSTS, MONTHS = 143, 60
REVIEWED, PAIRED = 0.85, 0.005
BATCH = 120
"""A trust's month, sent as a file."""
FIRST = date(2020, 4, 1)
AT = datetime(2026, 11, 20, tzinfo=UTC)
FULL_BAR, BATCH_BAR = 30.0, 0.05

_TRUSTS = """
    insert into register.organisation (code, name, kind, nation, region_code, region_name, live_from)
    select 'X' || lpad(n::text, 3, '0'), 'Trust ' || n, 'nhs_trust', 'England', 'Y5' || n %% 7, 'Region ' || n %% 7, %(first)s
    from generate_series(1, %(trusts)s) n returning id
"""
# Days, kinds and answers by the number of the case: every split has each of its categories. One in fifty is attributed elsewhere, one person
# in fifty is reported twice, all was recorded long before the count.
_MADE = """
    create temp table made as
    select n, gen_random_uuid() as id, (%(ids)s::int[])[1 + n %% {trusts}] as tenant_id,
           (%(ids)s::int[])[1 + (case when n %% 50 = 0 then n / 7 else n end) %% {trusts}] as attributed_id,
           sha256((n - case when n %% 50 = 1 then {trusts} * {months} else 0 end)::text::bytea) as person,
           (date '{first}' + make_interval(months => n / {trusts} %% {months}))::date as month, n %% 27 as day
    from generate_series({begin}, {begin} + {count} - 1) n
"""
_CASE_RECORDS = """
    insert into records.case_record (
        tenant_id, id, local_case_id, version, content_mac, added_at, nhs_key, attributed_id, attribution, attribution_since
    )
    select tenant_id, id, 'B' || n, 1, '', month + interval '40 days', person, attributed_id,
           case when attributed_id = tenant_id then 'own' when n %% 3 = 0 then 'proposed' else 'accepted' end,
           month + interval '40 days'
    from made
"""
_CASE_VERSIONS = """
    insert into records.case_version (
        tenant_id, record_id, version, submission_id, door, recorded_at, local_case_id, index_stay, index_month, index_admission_date,
        index_discharge_date, diagnosis_date, vte_type, admission_group, overnight, scope, patient_classification, died_within_90_days
    )
    select tenant_id, id, 1, %(submission)s, 'bench', {recorded}, 'B' || n, 'this', month, month + day, month + day + 4,
           month + day + n %% 80, case when n %% 3 = 0 then 'pe' else 'dvt' end,
           (array['medical', 'surgical', 'obstetric', 'critical_care', 'orthopaedic_trauma'])[1 + n %% 5], n %% 9 > 0, 'in',
           'ordinary', (array['yes', 'no', 'no', 'not_yet'])[1 + n %% 4]
    from made
"""
_REVIEW_RECORDS = """
    insert into records.rca_record (tenant_id, id, local_case_id, version, content_mac)
    select tenant_id, id, 'B' || n, 1, '' from made where n %% 100 < {reviewed}
"""
_REVIEW_VERSIONS = """
    insert into records.rca_version (
        tenant_id, record_id, version, submission_id, door, recorded_at, local_case_id, category, preventability, inadequacies,
        contributory_factors, judged_on, risk_assessed, assessed_within_14_hours, first_dose_within_14_hours, doses_missed_avoidably,
        information_on_admission, information_on_discharge, missed_dose_reasons
    )
    select tenant_id, id, 1, %(submission)s, 'bench', {recorded}, 'B' || n,
           (array['inadequate_prophylaxis', 'prophylaxis_failure', 'not_indicated', 'unclassifiable'])[1 + n %% 4],
           case when n %% 4 = 0 then 'preventable' else 'not_preventable' end,
           case when n %% 4 = 0 then array['missed_doses', 'documentation'] end, array['communication'], month + 100, 'complete',
           (array['yes', 'yes', 'no', 'not_recorded'])[1 + n / 4 %% 4], (array['yes', 'no', 'not_applicable'])[1 + n %% 3], n %% 5 %% 3,
           'yes', (array['yes', 'no'])[1 + n %% 2], case when n %% 5 %% 3 > 0 then array['refused', 'not_signed'] end
    from made where n %% 100 < {reviewed}
"""
_RETURNS = """
    with months as (
        select id as tenant_id, gen_random_uuid() as record_id, (date '{first}' + make_interval(months => n))::date as month
        from unnest(%(ids)s::int[]) id, generate_series(0, {months} - 1) n
    ), records as (
        insert into records.activity_record (tenant_id, id, month, version, content_mac) select tenant_id, record_id, month, 1, '' from months
    )
    insert into records.activity_version (
        tenant_id, record_id, version, submission_id, door, recorded_at, month, case_return, {columns}
    )
    select tenant_id, record_id, 1, %(submission)s, 'bench', month + interval '50 days', month, 'complete', {numbers} from months
"""
_PAIRS = """
    insert into linkage.pair (first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart)
    select least(a.tenant_id, b.tenant_id), case when a.tenant_id < b.tenant_id then a.id else b.id end, greatest(a.tenant_id, b.tenant_id),
           case when a.tenant_id < b.tenant_id then b.id else a.id end, 1
    from made a join made b on b.n = a.n + 1 where a.n %% {every} = 0 and a.tenant_id <> b.tenant_id
"""
SUBMISSION = "00000000-0000-0000-0000-000000000001"


def refreshing(cluster: Cluster, _folder: Path) -> Iterator[Figure]:
    """The nightly count with a million cases, and the refresh after one trust has sent one month."""
    with psycopg.connect(cluster.admin, autocommit=True) as admin:
        ids = [row[0] for row in admin.execute(_TRUSTS, {"first": FIRST, "trusts": TRUSTS})]
        _returns(admin, ids)
        _cases(admin, ids, 1, CASES, "month + interval '40 days'")
        admin.execute("vacuum analyze")
        yardstick = cluster.spent(lambda: admin.execute(_PLAIN))
        secrets = Secrets.load(cluster.settings.secrets_dir, [])
        full = cluster.spent(lambda: publications.count(cluster.store, secrets, cluster.settings, AT))
        yield beside(
            f"count everything anew, {CASES:,} cases with reviews",
            full,
            "the bar of 30 s of one processor",
            FULL_BAR,
            bar=1.0,
            unit="s CPU",
        )
        yield beside("the same", full, "a plain join of the same rows", yardstick, bar=12.0, unit="s CPU")
        again = []
        for place in range(3):
            _cases(admin, ids[place : place + 1], CASES + 1 + place * BATCH, BATCH, "now()", together=MONTHS - 6)
            again.append(cluster.spent(lambda: publications.refresh(cluster.store, secrets, cluster.settings, AT)))
        yield beside(
            f"count what a batch of {BATCH} cases touched",
            max(again),
            "the full count",
            full,
            bar=BATCH_BAR,
            unit="s CPU",
        )


_PLAIN = """
    select count(*), count(q.version)
    from records.case_record r
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    left join (records.rca_record a join records.rca_version q on (q.tenant_id, q.record_id, q.version) = (a.tenant_id, a.id, a.version))
        on (a.tenant_id, a.local_case_id) = (r.tenant_id, r.local_case_id)
"""


def _returns(admin: psycopg.Connection, ids: list[int]) -> None:
    """Each return is two tables' row; the admissions are the same everywhere."""
    names = [f"{group}_{stay}" for group in GROUPS for stay in STAYS]
    words = _RETURNS.format(
        first=FIRST,
        months=MONTHS,
        columns=", ".join(names),
        numbers=", ".join(str(100 + place) for place in range(len(names))),
    )
    admin.execute(words.encode(), {"ids": ids, "submission": SUBMISSION})


def _cases(
    admin: psycopg.Connection, ids: list[int], begin: int, count: int, recorded: str, together: int | None = None
) -> None:
    """So many cases with their reviews, over all months, or in one."""
    given = {"ids": ids, "submission": SUBMISSION}
    first = FIRST if together is None else date(FIRST.year + together // 12, FIRST.month, 1)
    shape = {
        "trusts": len(ids), "months": MONTHS if together is None else 1, "first": first, "begin": begin, "count": count,
        "recorded": recorded, "reviewed": int(REVIEWED * 100), "every": int(2 / PAIRED / 2),
    }  # fmt: skip
    admin.execute("drop table if exists made")
    for words in (_MADE, "analyze made", _CASE_RECORDS, _CASE_VERSIONS, _REVIEW_RECORDS, _REVIEW_VERSIONS, _PAIRS):
        admin.execute(words.format(**shape).encode(), given)
