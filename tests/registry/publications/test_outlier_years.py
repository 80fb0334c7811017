"""Why a year has no cycle of outliers, and the demonstration's own cycle where its years allow one."""

from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from registry.access import OPERATOR, Role
from registry.accounts import people
from registry.demo import outlying
from registry.publications import outlier_cycles, outlier_years, outliers, reference_rates
from registry.publications.outlier_states import State
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.outliers import outlier_policy
from registry.store.tables import trust_month
from tests.registry.publications.make import make_person, make_trust
from tests.registry.publications.outlying import AT, LAST, YEAR, adopted, hold_nation, hold_year


def told(store: Store) -> dict[date, str]:
    with store.readonly(role="hat_national") as connection:
        return {one.year: one.why for one in outlier_years.waiting(connection)}


def demonstrators(store: Store) -> dict[str, UUID]:
    """The two of the demonstration who judge, by their user names."""
    roles = {outlying.ANALYST: Role.NATIONAL_ANALYST, outlying.LEAD: Role.NATIONAL_LEAD}
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        found = {name: people.create(connection, user_name=name, display_name=name, by=OPERATOR) for name in roles}
        for name, role in roles.items():
            people.grant(connection, found[name], role, None, by=OPERATOR)
    return found


def test_a_year_says_what_it_waits_for(store: Store, settings: Settings) -> None:
    assert told(store) == {}
    trust = make_trust(store, settings, "RA1", "Y56", date(2020, 1, 1))
    hold_nation(store, {trust: 90})
    analyst, lead = make_person(store, "One", Role.NATIONAL_ANALYST), make_person(store, "Lead", Role.NATIONAL_LEAD)
    found = told(store)
    assert found[LAST].startswith("only 0 of the 12 months of April 2022 to March 2023 are counted and final")
    assert found[YEAR] == (
        "the reference rates of April 2023 to March 2024 are not frozen; no outlier policy has been adopted"
    )
    adopted(store, lead)
    assert told(store)[YEAR] == "the reference rates of April 2023 to March 2024 are not frozen"
    with store.transaction(role="hat_national") as connection:
        reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    assert told(store)[YEAR] == ""
    with store.transaction(role="hat_jobs") as connection:
        last = trust_month.c.month == date(2025, 3, 1)
        connection.execute(update(trust_month).where(last).values(provisional=True))
    assert told(store)[YEAR].startswith("only 11 of the 12 months of April 2024 to March 2025 are counted and final")
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(update(trust_month).values(provisional=False))
    with store.transaction(role="hat_national") as connection:
        outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")
    assert YEAR not in told(store)


def test_the_demonstration_has_a_cycle_with_outliers_at_several_states(store: Store, settings: Settings) -> None:
    trusts = [make_trust(store, settings, f"RA{at}", "Y56", date(2020, 1, 1)) for at in range(6)]
    hold_nation(store, dict(zip(trusts, (90, 85, 12, 95, 41, 40), strict=True)))
    known = demonstrators(store)
    assert outlying.judge(store, known, AT) == 3
    assert outlying.judge(store, known, AT) == 3, "what is done is not done again"
    with store.readonly(role="hat_national") as connection:
        [cycle] = outliers.cycles(connection)
        states = [line.state for line in outliers.of_cycle(connection, cycle.id) if line.state]
        sources = list(connection.scalars(select(outlier_policy.c.source)))
    assert cycle.year == YEAR
    assert sorted(states) == sorted((State.NOTIFIED, State.NOT_CONFIRMED, State.DATA_CHECKED, State.DETECTED))
    assert sources == [outlying.SOURCE]


def test_a_short_demonstration_has_no_cycle_and_no_policy(store: Store, settings: Settings) -> None:
    trust = make_trust(store, settings, "RA1", "Y56", date(2020, 1, 1))
    with store.transaction(role="hat_jobs") as connection:
        hold_year(connection, trust, YEAR, 40)
    assert outlying.judge(store, demonstrators(store), AT) == 0
    with store.readonly(role="hat_national") as connection:
        assert outliers.cycles(connection) == []
        assert list(connection.scalars(select(outlier_policy.c.source))) == []
