"""Releases for the tests of what anybody reads: the real grid, rounding and numbers, put straight into the protected store.

The way to a release (prepared, audited, approved) has tests of its own; here only what is published matters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import create_engine, insert, update

from registry.disclosure.rounding import offset, rounded
from registry.publications import cells, telling
from registry.publications.cells import Exact, Organisation, TrustMonth
from registry.settings import CountingRules
from registry.store.tables import cell, denominator, place, released
from tests.conftest import Database

KEY = bytes(range(32))
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
REGIONS = {"Y62": "North West", "Y63": "North East and Yorkshire", "W92000004": "Wales", "Y60": "Midlands",
           "Y61": "East of England", "Y58": "South West", "Y59": "South East", "Y56": "London"}  # fmt: skip
_numbers = count(1)
_ids = count(1)


def trust(code: str, region: str = "Y56", *, name: str = "", closed_on: date | None = None, board: str | None = None) -> Organisation:  # fmt: skip
    nation = "Wales" if region.startswith("W") else "England"
    kind = "local_health_board" if nation == "Wales" else "nhs_trust"
    return Organisation(
        next(_ids), code, name or f"Trust {code}", kind, nation, region, REGIONS[region], date(2020, 1, 1), closed_on,
        icb_code=board, icb_name=f"Board {board}" if board else None,
    )  # fmt: skip


def month(organisation: Organisation, start: date, cases: int, admissions: int = 8_000, *, provisional: bool = False, case_return: str | None = "complete", sources: int | None = 3) -> TrustMonth:  # fmt: skip
    """One organisation's month with so many cases: two thirds overnight, a third preventable, a tenth not investigated."""
    overnight, preventable, unseen = cases * 2 // 3, cases // 3, cases // 10
    counts = {
        ("total", "total"): cases,
        ("vte_type", "pe"): cases // 2,
        ("vte_type", "dvt"): cases - cases // 2,
        ("admission_group", "medical"): cases,
        ("stay", "overnight"): overnight,
        ("stay", "not_overnight"): cases - overnight,
        ("preventability", "preventable"): preventable,
        ("preventability", "not_investigated"): unseen,
        ("preventability", "not_preventable"): cases - preventable - unseen,
        ("adequacy", "inadequate"): preventable,
        ("adequacy", "not_investigated"): unseen,
        ("adequacy", "not_inadequate"): cases - preventable - unseen,
    }
    return TrustMonth(
        organisation, start, case_return in ("complete", "nil"), provisional, admissions, admissions * 3 // 8, counts, counts,
        case_return=case_return, case_finding_sources=sources,
    )  # fmt: skip


def months_from(first: date, number: int) -> list[date]:
    return [
        date(first.year + (first.month - 1 + place) // 12, (first.month - 1 + place) % 12 + 1, 1)
        for place in range(number)
    ]


@dataclass
class Published:
    """What is put in: months, all organisations, further numbers, who was merged into whom."""

    months: list[TrustMonth]
    organisations: list[Organisation]
    numbers: list[Exact] = field(default_factory=list)
    successors: Mapping[str, str] = field(default_factory=dict)


def publish(database: Database, given: Published) -> UUID:
    """Make it the latest release; gives its id."""
    made, rules = uuid4(), CountingRules()
    engine = create_engine(database.admin_url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.begin() as connection:
            connection.execute(update(released).values(latest=False))
            head = {
                "id": made, "number": next(_numbers), "title": "Figures", "as_at": AT, "released_at": AT, "definition": "1",
                "grid_version": 1, "rules": rules.recorded() | {"opt_out_in_force": {}}, "prepared_by_name": "An Analyst",
                "released_by_name": "A Lead and B Lead", "latest": True,
            }  # fmt: skip
            connection.execute(insert(released).values(**head))
            rows = {
                cell: _cells(made, given),
                denominator: _numbers_of(made, given, rules),
                place: _places(made, given),
            }
            for table, values in rows.items():
                if values:
                    connection.execute(insert(table), values)
    finally:
        engine.dispose()
    return made


def _cells(made: UUID, given: Published) -> list[dict[str, object]]:
    found = cells.entries(given.months, given.organisations, 3)
    return [
        {
            "release_id": made, "cell_id": each.cell.id, "quantity": each.cell.count, "geography_kind": each.cell.geography.kind,
            "geography": each.cell.geography.code, "period_kind": each.cell.period.kind, "period": each.cell.period.start,
            "split": each.cell.split or "total", "category": each.cell.category or "total",
            "value": None if each.count is None else rounded(each.count, offset(KEY, each.cell.id)),
            "state": each.state, "provisional": each.provisional,
        }
        for each in found
    ]  # fmt: skip


def _numbers_of(made: UUID, given: Published, rules: CountingRules) -> list[dict[str, object]]:
    told = [*telling.organisations_counted(given.months, rules.ascertainment_sources_needed), *given.numbers]
    return [
        {
            "release_id": made, "geography_kind": each.kind, "geography": each.geography, "month": each.month,
            "quantity": each.quantity, "value": each.value, "provisional": each.provisional,
        }
        for each in told
    ]  # fmt: skip


def _places(made: UUID, given: Published) -> list[dict[str, object]]:
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for each in given.organisations:
        if not each.is_trust:
            continue
        blank: dict[str, object] = {"release_id": made, "nation": each.nation, "region": None, "closed_on": None,
                                    "successor": None, "icb": None, "icb_name": None}  # fmt: skip
        region, name = each.region_code or "", each.region_name or ""
        rows["nation", each.nation] = blank | {
            "geography_kind": "nation",
            "geography": each.nation,
            "name": each.nation,
        }
        rows["region", region] = blank | {"geography_kind": "region", "geography": region, "name": name}
        rows["trust", each.code] = blank | {
            "geography_kind": "trust", "geography": each.code, "name": each.name, "region": region,
            "closed_on": each.closed_on, "successor": given.successors.get(each.code), "icb": each.icb_code,
            "icb_name": each.icb_name,
        }  # fmt: skip
    return list(rows.values())


def official(starts: Iterable[date], regions: Iterable[str]) -> list[Exact]:
    """England's risk assessments by month: nine in ten of 100,000 in each region."""
    found: list[Exact] = []
    for start in starts:
        places = [("region", code) for code in regions if code.startswith("Y")]
        for kind, code, times in [*((*one, 1) for one in places), ("nation", "England", len(places))]:
            values = {"risk_assessed": 90_000 * times, "risk_assessment_admissions": 100_000 * times, "risk_assessment_providers": 20 * times}  # fmt: skip
            found += [Exact(kind, code, start, quantity, value, False) for quantity, value in values.items()]
    return found


def nation(
    trusts: int = 24, number: int = 36, *, mean: float = 24.0, last: date = date(2026, 9, 1), open_still: int = 5
) -> Published:
    """A synthetic nation: trusts over all regions with Poisson cases, the last months provisional; RM1 was merged into RM2."""
    chance = np.random.default_rng(11)
    first = months_from(last, 1 - number)[0] if number < 1 else _before(last, number - 1)
    starts = months_from(first, number)
    codes = list(REGIONS)
    everybody = [trust(f"R{place:02d}", codes[place % len(codes)], name=f"Hospital {place:02d} NHS Trust", board=f"Q{place % 5}") for place in range(trusts)]  # fmt: skip
    gone, heir = trust("RM1", "Y58", name="Old Hospital NHS Trust", closed_on=starts[number // 2]), trust("RM2", "Y58", name="New Hospital NHS Trust")  # fmt: skip
    rows = []
    for which, each in enumerate([*everybody, gone, heir]):
        size = mean * (0.3 + 1.7 * (which % 7) / 6)
        for where, start in enumerate(starts):
            if each is gone and start >= starts[number // 2]:
                continue
            grown = size * (1.8 if each is heir and where >= number // 2 else 1.0)
            kind = "partial" if (which + where) % 29 == 0 else "complete"
            rows.append(
                month(each, start, int(chance.poisson(grown)), int(grown * 400), provisional=where >= number - open_still,
                      case_return=kind, sources=1 + which % 5 if which % 6 else None)
            )  # fmt: skip
    return Published(rows, [*everybody, gone, heir], official(starts, codes), {"RM1": "RM2"})


def _before(last: date, number: int) -> date:
    index = last.year * 12 + last.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)
