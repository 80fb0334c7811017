"""Counting again only what was touched since the last count: the months and organisations of records that changed.

What was recorded is found by the time of its version, looking back a little further than the last count, for what is recorded bears the
time at which its transaction began. What changes without a version (attribution, withdrawal, identifiers, pairs, second readings)
notes itself (`figures.touched`), and so does nobody's silence: a proposal that was not answered in time is looked for. A month is counted
with the months of all pairs of its cases, since one of a pair may beat the other.

The result is the same as counting everything; the nightly count makes sure of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from registry.publications import case_facts, counting
from registry.settings import CountingRules, DeskRules
from registry.store.tables import trust_month

OVERLAP = timedelta(minutes=10)
"""A transaction that took longer than this is found by the nightly count."""
COUNTED_ROUNDS = 2
"""The months that were touched, and those of their cases' pairs, are counted anew; the pairs of these are looked at only."""

_NOTED = (
    text("create temp table changed (tenant_id integer, case_id uuid, organisation_id integer) on commit drop"),
    text(
        """
        with noted as (delete from figures.touched returning reporter_id, case_id, local_case_id, organisation_id)
        insert into changed
        select n.reporter_id, coalesce(n.case_id, c.id), n.organisation_id
        from noted n
        left join records.case_record c on (c.tenant_id, c.local_case_id) = (n.reporter_id, n.local_case_id)
        """
    ),
    text("insert into changed select tenant_id, record_id from records.case_version where recorded_at > :since"),
    text(
        """
        insert into changed
        select c.tenant_id, c.id
        from records.rca_version v
        join records.rca_record r on (r.tenant_id, r.id) = (v.tenant_id, v.record_id)
        join records.case_record c on (c.tenant_id, c.local_case_id) = (r.tenant_id, r.local_case_id)
        where v.recorded_at > :since
        """
    ),
    text(
        """
        insert into changed
        select tenant_id, id from records.case_record
        where attribution = 'proposed' and attribution_since >= :silent_from and attribution_since < :silent_to
        """
    ),
)

# Where each changed case counts now and where any of its versions did; and for whom it counted before.
_PLACES = text(
    """
    create temp table looked on commit drop as
    select distinct o.organisation_id, v.index_month as month, 0 as round
    from (select distinct tenant_id, case_id from changed where case_id is not null) c
    join records.case_record r on (r.tenant_id, r.id) = (c.tenant_id, c.case_id)
    join records.case_version v on (v.tenant_id, v.record_id) = (r.tenant_id, r.id)
    cross join lateral (
        select r.attributed_id as organisation_id
        union
        select x.organisation_id from changed x
        where (x.tenant_id, x.case_id) = (c.tenant_id, c.case_id) and x.organisation_id is not null
    ) o
    """
)

# The months of the other cases of pairs, of the cases that are held so far.
_PARTNERS = text(
    """
    insert into looked
    select distinct r.attributed_id, v.index_month, :round
    from (
        select second_tenant_id as tenant_id, second_case_id as id
        from linkage.pair join held on (held.tenant_id, held.id) = (first_tenant_id, first_case_id)
        union
        select first_tenant_id, first_case_id
        from linkage.pair join held on (held.tenant_id, held.id) = (second_tenant_id, second_case_id)
    ) p
    join records.case_record r on (r.tenant_id, r.id) = (p.tenant_id, p.id)
    join records.case_version v on (v.tenant_id, v.record_id, v.version) = (r.tenant_id, r.id, r.version)
    where not exists (select from looked l where (l.organisation_id, l.month) = (r.attributed_id, v.index_month))
    """
)
_WITHIN = f"(attributed_id, index_month) in (select organisation_id, month from looked where round < {COUNTED_ROUNDS})"  # noqa: S608 (a number)
_FORGET = tuple(
    text(
        f"delete from figures.{table} t using looked l where (t.organisation_id, t.month) = (l.organisation_id, l.month) "  # noqa: S608 (ours)
        f"and l.round < {COUNTED_ROUNDS}"
    )
    for table in ("case_count", "report_count")
)


def refresh(
    connection: Connection, rules: CountingRules, at: datetime, desk: DeskRules | None = None
) -> Mapping[str, int]:
    """Count what was touched, as at `at`, in the caller's transaction under `hat_jobs`; everything where nothing was ever counted.

    Gives how many cases had been touched and how many months of organisations were counted anew.
    """
    counting.take_turn(connection)
    since = counting.mark(connection)
    if since is None:
        return counting.count(connection, rules, at, desk)
    last: datetime | None = connection.scalar(select(func.max(trust_month.c.counted_at)))
    counting.set_mark(connection)
    connection.execute(text(counting.MEMORY))
    changed = _changed(connection, since - OVERLAP, rules, last or at, at)
    connection.execute(_PLACES)
    connection.execute(text("analyze looked"))
    _count(connection, {"silent_since": counting.silent_since(rules, at)})
    counting.count_months(connection, rules, at, desk)
    counted = select(func.count()).select_from(text("looked")).where(text(f"round < {COUNTED_ROUNDS}"))
    return {"touched": changed, "months": connection.scalar(counted) or 0}


def _changed(connection: Connection, since: datetime, rules: CountingRules, last: datetime, at: datetime) -> int:
    silent = sorted(counting.silent_since(rules, moment) for moment in (last, at))
    given = {"since": since, "silent_from": silent[0], "silent_to": silent[1]}
    for statement in _NOTED:
        connection.execute(statement, given)
    # For `_PLACES`, which asks it once a case: of a large load it would read all of it each time.
    connection.execute(text("create index on changed (tenant_id, case_id) where organisation_id is not null"))
    connection.execute(text("analyze changed"))
    return connection.scalar(text("select count(distinct (tenant_id, case_id)) from changed")) or 0


def _count(connection: Connection, silent: Mapping[str, datetime]) -> None:
    """The touched months and those of pairs anew. The months of the pairs of these are held beside them, and not counted."""
    source = case_facts.CASES_LOOKED_AT
    case_facts.hold(connection, source, {**silent, "round": 0})
    for place in range(1, COUNTED_ROUNDS + 1):
        connection.execute(text("analyze held"))
        connection.execute(_PARTNERS, {"round": place})
        connection.execute(text("analyze looked"))
        case_facts.hold(connection, source, {**silent, "round": place}, more=True)
    for statement in _FORGET:
        connection.execute(statement)
    case_facts.tally(connection, _WITHIN)
    for place in range(COUNTED_ROUNDS):
        connection.execute(text(case_facts.APART.format(source=source)), {**silent, "round": place})
