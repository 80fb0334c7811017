"""The exact counts read back, by organisation and month: for a draft under `hat_national`, for an organisation's own pages under `hat_app`."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select

from registry.disclosure.grid import GROUPS
from registry.publications.cells import TOTAL, Key, Organisation, TrustMonth
from registry.store.tables import case_count, organisation, trust_month

Counted = defaultdict[tuple[int, date], dict[Key, int]]


def read_organisations(connection: Connection) -> dict[int, Organisation]:
    """The organisations of the register by their own ids, without the registry itself."""
    columns = [organisation.c[name] for name in Organisation.__slots__]
    query = select(*columns).where(organisation.c.kind != "system")
    return {row.id: Organisation(**row._mapping) for row in connection.execute(query)}


def read_months(connection: Connection, organisations: Mapping[int, Organisation]) -> list[TrustMonth]:
    """The exact counts of every organisation's months that this role may see."""
    own: Counted = defaultdict(lambda: defaultdict(int))
    nation: Counted = defaultdict(lambda: defaultdict(int))
    pending: defaultdict[tuple[int, date], int] = defaultdict(int)
    c = case_count.c
    for place, month, standing, split, category, number in connection.execute(
        select(c.organisation_id, c.month, c.standing, c.split, c.category, c.count)
    ):
        for counts, left_out in ((own, "pending"), (nation, "doubled")):
            if standing != left_out:
                counts[place, month][split, category] += number
        if standing == "pending" and split == TOTAL:
            pending[place, month] += number
    return [
        TrustMonth(
            organisation=organisations[row.organisation_id],
            month=row.month,
            enters=row.enters,
            provisional=row.provisional,
            admissions=row.admissions or 0,
            overnight=row.admissions_overnight or 0,
            own=own[row.organisation_id, row.month],
            nation=nation[row.organisation_id, row.month],
            pending=pending[row.organisation_id, row.month],
            by_group=_by_group(row.admissions_by_group),
            overnight_by_group=_by_group(row.overnight_by_group),
            case_return=row.case_return,
            timeliness=row.timeliness,
            case_finding_sources=row.case_finding_sources,
            coded_candidates_returned=row.coded_candidates_returned,
            counted_at=row.counted_at,
        )
        for row in connection.execute(select(trust_month))
    ]


def _by_group(numbers: list[int] | None) -> dict[str, int]:
    return dict(zip(GROUPS, numbers or [0] * len(GROUPS), strict=True))
