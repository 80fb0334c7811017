"""Numbers that need no protection, for each draft: of organisations and their returns, and what NHS England publishes itself.

A number of a quarter or of a financial year stands at its first month.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from sqlalchemy import Connection, select

from registry.disclosure.grid import GeographyKind, financial_year
from registry.publications.cells import TRUST_KINDS, Exact, Organisation, TrustMonth, by_region, final_region_years
from registry.store.tables import risk_assessment

ENGLAND = "England"
TARGET_PERCENT = 95
"""A provider has reached the target whose assessed admissions are at least so many of 100."""
REGION = GeographyKind.REGION.value


def organisations_counted(months: Iterable[TrustMonth], sources_needed: int) -> Iterator[Exact]:
    """How many trusts make up each month and year of a region and what they returned; how well each trust looks for cases."""
    trusts = [row for row in months if row.organisation.kind in TRUST_KINDS]
    for (region, month), rows in by_region(trusts).items():
        provisional = any(row.provisional for row in rows if row.enters)
        for quantity, value in _of_month(rows, sources_needed).items():
            yield Exact(REGION, region, month, quantity, value, provisional)
    for (region, year), rows in final_region_years(trusts).items():
        for quantity, value in _of_year(rows).items():
            yield Exact(REGION, region, year.start, quantity, value, False)
    yield from _case_finding(trusts)


def _of_month(rows: list[TrustMonth], sources_needed: int) -> dict[str, int]:
    returned = Counter(row.case_return for row in rows)
    timed = [row for row in rows if row.timeliness is not None]
    entering = [row for row in rows if row.enters]
    return {
        "trusts": len(entering),
        "trusts_taking_part": len(rows),
        "trusts_assessable": sum(assessable(row, sources_needed) for row in entering),
        "returns_due": len(rows),
        "returns_in": returned["complete"] + returned["nil"],
        "returns_partial": returned["partial"],
        "returns_timed": len(timed),
        "returns_late": sum(row.timeliness == "late" for row in timed),
    }


def assessable(row: TrustMonth, sources_needed: int) -> bool:
    """Whether it can be told how well this organisation finds its cases: enough sources, or candidates counted from coding."""
    return (row.case_finding_sources or 0) >= sources_needed or row.coded_candidates_returned


def _of_year(counted: list[TrustMonth]) -> dict[str, int]:
    """Of the months that enter. Nil returns are told of years only: of a month they could say which trust had no case."""
    return {
        "trusts_year": len({row.organisation.id for row in counted}),
        "year_returns_in": len(counted),
        "year_returns_nil": sum(row.case_return == "nil" for row in counted),
    }


def _case_finding(trusts: list[TrustMonth]) -> Iterator[Exact]:
    """By trust and financial year: how many sources of cases it uses, where it has said, and in how many months it counted coded ones."""
    grouped: defaultdict[tuple[str, date], list[TrustMonth]] = defaultdict(list)
    for row in trusts:
        grouped[row.organisation.code, financial_year(row.month).start].append(row)
    for (code, year), rows in grouped.items():
        known = [row.case_finding_sources for row in rows if row.case_finding_sources is not None]
        if known:
            yield Exact(GeographyKind.TRUST.value, code, year, "case_finding_sources", known[-1], False)
        coded = sum(row.coded_candidates_returned for row in rows)
        yield Exact(GeographyKind.TRUST.value, code, year, "months_coded", coded, False)


def risk_assessments(connection: Connection, organisations: Mapping[int, Organisation]) -> Iterator[Exact]:
    """England's official figures by region and for the nation: added up, and otherwise as NHS England publishes them; and for each quarter
    how many providers there were, and how many reached the target."""
    sums: defaultdict[tuple[str, str, date], Counter[str]] = defaultdict(Counter)
    quarters: defaultdict[tuple[str, str, date], dict[int, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0])
    )
    c = risk_assessment.c
    for row in connection.execute(select(c.organisation_id, c.region_code, c.month, c.assessed, c.admissions)):
        region = row.region_code or organisations[row.organisation_id].region_code
        for kind, place in [("nation", ENGLAND), *([(REGION, region)] if region else [])]:
            sums[kind, place, row.month].update(
                {
                    "risk_assessed": row.assessed,
                    "risk_assessment_admissions": row.admissions,
                    "risk_assessment_providers": 1,
                }
            )
            provider = quarters[kind, place, quarter_of(row.month)][row.organisation_id]
            provider[0] += row.assessed
            provider[1] += row.admissions
    for (kind, place, month), numbers in sums.items():
        for quantity, value in numbers.items():
            yield Exact(kind, place, month, quantity, value, False)
    for (kind, place, quarter), providers in quarters.items():
        shares = [(assessed, admitted) for assessed, admitted in providers.values() if admitted]
        yield Exact(kind, place, quarter, "quarter_providers", len(shares), False)
        reached = sum(at_target(assessed, admitted) for assessed, admitted in shares)
        yield Exact(kind, place, quarter, "quarter_providers_at_target", reached, False)


def quarter_of(month: date) -> date:
    """The first month of the quarter."""
    return date(month.year, month.month - (month.month - 1) % 3, 1)


def at_target(assessed: int, admitted: int) -> bool:
    """Whether at least 95% were assessed, in whole numbers: no rounding."""
    return assessed * 100 >= admitted * TARGET_PERCENT
