"""Years of trusts put straight into the tables as counting leaves them, and the people who judge them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import Connection, insert

from registry.access import Actor, Kind, Role
from registry.publications import outlier_cycles, outlier_policy, reference_rates
from registry.publications.outlier_policy import PROPOSAL
from registry.store import Store
from registry.store.outliers import stratum_count, trust_year
from registry.store.tables import trust_month

LAST, YEAR = date(2023, 4, 1), date(2024, 4, 1)
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SOURCE = "HQIP outlier guidance, January 2024, read on 3 November 2026"
ADMISSIONS = 20_000
"""Overnight, of each trust and year."""


def months(year: date) -> list[date]:
    return [date(year.year + (place + 3) // 12, (place + 3) % 12 + 1, 1) for place in range(12)]


def hold_year(
    connection: Connection, organisation: int, year: date, cases: int, *, final: int = 12, sources: int | None = 3,
    coded: tuple[int, int, int] = (0, 0, 0), admissions: int = ADMISSIONS,
) -> None:  # fmt: skip
    """One year of one organisation, all of it medical; `coded`: months, candidates, cases."""
    for place, month in enumerate(months(year)):
        connection.execute(
            insert(trust_month).values(
                organisation_id=organisation, month=month, case_return="complete" if place < final else None, admissions=4000,
                admissions_overnight=admissions // 12, admissions_maternity=0, enters=place < final, provisional=False, counted_at=AT,
            )
        )  # fmt: skip
    connection.execute(
        insert(trust_year).values(
            organisation_id=organisation, year=year, months=final, cases=cases, admissions=admissions, sources=sources,
            coded_months=coded[0], coded_candidates=coded[1], coded_cases=coded[2], counted_at=AT,
        )
    )  # fmt: skip
    connection.execute(
        insert(stratum_count).values(
            organisation_id=organisation, year=year, age_band="all", sex="all", admission_group="medical", cases=cases,
            admissions=admissions,
        )
    )  # fmt: skip


def hold_nation(store: Store, cases: Mapping[int, int], last: int = 40) -> None:
    """Both years of many trusts: `last` cases each in the reference, and so many in the year."""
    with store.transaction(role="hat_jobs") as connection:
        for organisation, number in cases.items():
            hold_year(connection, organisation, LAST, last)
            hold_year(connection, organisation, YEAR, number)


def adopted(store: Store, lead: Actor) -> None:
    with store.transaction(role="hat_national") as connection:
        outlier_policy.adopt(connection, PROPOSAL, SOURCE, by=lead, at=AT, seen=0)


def computed(store: Store, analyst: Actor, lead: Actor) -> UUID:
    """The cycle of the year, with policy and reference."""
    adopted(store, lead)
    with store.transaction(role="hat_national") as connection:
        reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    with store.transaction(role="hat_national") as connection:
        return outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")


def trust_lead(person: Actor, organisation: int) -> Actor:
    """The same person as the lead of a trust."""
    roles = frozenset({Role.TRUST_LEAD})
    return Actor(Kind.PERSON, person.id, person.name, roles, {organisation: roles})
