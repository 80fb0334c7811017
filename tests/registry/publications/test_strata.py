"""Counts by year and stratum, against cases counted by hand; case mix and the reference made of them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select

from registry.access import Actor, Role
from registry.errors import Conflict, Forbidden
from registry.publications import case_mix, reference_rates
from registry.publications.case_mix import BY_GROUP, FULL
from registry.settings import Settings
from registry.statistics.estimate import Reason
from registry.store import Store
from registry.store.outliers import reference, stratum_count, trust_year
from schemas.record import RecordKind
from tests.registry.publications.hold import Case, _hold, hold_activity, hold_case
from tests.registry.publications.make import count, make_person, make_trust

LAST, YEAR = date(2023, 4, 1), date(2024, 4, 1)
AT = datetime(2026, 11, 20, tzinfo=UTC)
ROLES = "hat_jobs"


def months(year: date) -> list[date]:
    return [date(year.year + (place + 3) // 12, (place + 3) % 12 + 1, 1) for place in range(12)]


def hold_year(connection: Connection, tenant: int, year: date, **more: Any) -> None:
    for month in months(year):
        hold_activity(connection, tenant, month, **more)


def hold_strata(connection: Connection, tenant: int, year: str, strata: dict[tuple[str, str, str], int]) -> None:
    for (band, sex, group), admissions in strata.items():
        identity = {"year": year, "age_band": band, "sex": sex, "admission_group": group, "overnight": "yes"}
        _hold(connection, RecordKind.ACTIVITY_STRATA, tenant, identity, identity | {"admissions": admissions})


def hold_profile(connection: Connection, tenant: int, year: str, sources: int) -> None:
    names = ("imaging_list", "coding", "anticoagulant_clinic", "medical_examiner", "other_trusts")
    said = {name: "yes" if place < sources else "no" for place, name in enumerate(names)}
    _hold(connection, RecordKind.ORGANISATION_PROFILE, tenant, {"year": year}, {"year": year} | said)


@pytest.fixture
def trusts(store: Store, settings: Settings) -> tuple[int, int]:
    return (
        make_trust(store, settings, "RA1", "Y58", LAST),
        make_trust(store, settings, "RB1", "Y56", LAST),
    )


@pytest.fixture
def analyst(store: Store) -> Actor:
    return make_person(store, "An Analyst", Role.NATIONAL_ANALYST)


@pytest.fixture
def counted(store: Store, settings: Settings, trusts: tuple[int, int]) -> tuple[int, int]:
    """Two trusts with two years of 400 overnight admissions a month; cases of known age and sex; the first returned strata of both years."""
    first, second = trusts
    with store.transaction(role=ROLES) as connection:
        for year in (LAST, YEAR):
            hold_year(connection, first, year)
            hold_year(connection, second, year)
        for named in ("2023-24", "2024-25"):
            strata = {
                ("75+", "female", "medical"): 2400,
                ("16-39", "male", "medical"): 2300,
                ("unknown", "unknown", "medical"): 100,
            }
            hold_strata(connection, first, named, strata)
            hold_profile(connection, first, named, 3)
        for year, number in ((LAST, 24), (YEAR, 12)):
            for place in range(number):
                old = place % 2 == 0
                said = {"age_at_admission": 80 if old else 39, "sex": "female" if old else "male"}
                hold_case(connection, first, Case(months(year)[place % 12], said=said))
            for place in range(6):
                hold_case(connection, second, Case(months(year)[place], said={"age_at_admission": 60, "sex": "male"}))
        hold_case(connection, first, Case(YEAR, said={"age_at_admission": None, "sex": "not_recorded"}))
        hold_case(connection, first, Case(YEAR, said={"age_at_admission": 50, "sex": "male", "overnight": False}))
        hold_case(connection, first, Case(YEAR, attributed=second, attribution="disputed"))
    count(store, settings, AT)
    return first, second


def test_cases_and_admissions_by_stratum(store: Store, counted: tuple[int, int]) -> None:
    first, second = counted
    with store.readonly(role="hat_national") as connection:
        c = stratum_count.c
        rows = connection.execute(
            select(c.organisation_id, c.age_band, c.sex, c.admission_group, c.cases, c.admissions).where(c.year == YEAR)
        )
        found = {(row[0], *row[1:4]): (row.cases, row.admissions) for row in rows}
    assert found[first, "75+", "female", "medical"] == (6, 2400)
    assert found[first, "16-39", "male", "medical"] == (6, 2300)
    assert found[first, "unknown", "unknown", "medical"] == (1, 100)
    assert found[first, "all", "all", "medical"] == (13, 4800)
    assert found[first, "all", "all", "surgical"] == (0, 0)
    assert found[second, "60-74", "male", "medical"] == (6, None)
    assert found[second, "all", "all", "medical"] == (6, 4800)
    assert (first, "40-59", "male", "medical") not in found


def test_a_year_says_what_it_is_made_of(store: Store, counted: tuple[int, int]) -> None:
    with store.readonly(role="hat_national") as connection:
        first, second = case_mix.read(connection, YEAR)
    assert (first.months, first.cases, first.admissions, first.strata_admissions, first.sources) == (
        12,
        13,
        4800,
        4800,
        3,
    )
    assert first.strata_why == ""
    assert (second.cases, second.sources, second.strata_why) == (6, None, "no admissions by age and sex were returned")


def test_the_reference_is_frozen_once_and_never_moves(
    store: Store, settings: Settings, counted: tuple[int, int], analyst: Actor
) -> None:
    first, _ = counted
    with store.transaction(role="hat_national") as connection:
        frozen = reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    assert (frozen.cases, frozen.admissions, frozen.trusts, frozen.trusts_with_strata) == (30, 9600, 2, 1)
    assert frozen.rates["75+", "female", "medical"] == (12, 2400)
    assert frozen.rates["all", "all", "medical"] == (30, 9600)
    with store.transaction(role=ROLES) as connection:
        hold_case(connection, first, Case(LAST, said={"age_at_admission": 80, "sex": "female"}))
    count(store, settings, AT)
    with store.transaction(role="hat_national") as connection:
        again = reference_rates.reference_of(connection, LAST)
        assert again == frozen
        with pytest.raises(Conflict, match="frozen already"):
            reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
        mixes = [case_mix.standardised(one, frozen.rates) for one in case_mix.read(connection, YEAR)]
    full, group = mixes
    # 2400 * 12/2400 + 2300 * 12/2300 + 100 * 0/100
    assert (full.basis, full.observed) == (FULL, 13)
    assert full.expected == pytest.approx(24)
    # 4800 * 30/9600
    assert (group.basis, group.why) == (BY_GROUP, "no admissions by age and sex were returned")
    assert group.expected == pytest.approx(15)
    assert full.ratio().value == pytest.approx(13 / 24)


def test_a_trust_reads_what_is_expected_of_itself(
    store: Store, settings: Settings, counted: tuple[int, int], analyst: Actor
) -> None:
    with store.transaction(role="hat_national") as connection:
        reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    count(store, settings, AT)
    with store.readonly(tenants=(counted[0],)) as connection:
        rows = connection.execute(select(trust_year).where(trust_year.c.year == YEAR)).all()
        assert [(row.organisation_id, row.expected, row.basis, row.reference_year) for row in rows] == [
            (counted[0], 24.0, FULL, LAST)
        ]
        assert connection.execute(select(stratum_count.c.organisation_id).distinct()).scalars().all() == [counted[0]]
    with store.readonly(role="hat_national") as connection:
        assert connection.scalar(select(reference.c.frozen_by_name)) == "An Analyst"


def test_a_year_that_may_still_change_is_not_frozen(store: Store, counted: tuple[int, int], analyst: Actor) -> None:
    lead = Actor(analyst.kind, analyst.id, analyst.name, frozenset({Role.NATIONAL_LEAD}))
    with store.transaction(role="hat_national") as connection:
        with pytest.raises(Conflict, match="may still change"):
            reference_rates.freeze(connection, date(2026, 4, 1), by=analyst, at=AT, code_version="test")
        with pytest.raises(Forbidden):
            reference_rates.freeze(connection, LAST, by=lead, at=AT, code_version="test")


def test_strata_that_do_not_fit_the_months_are_not_used(
    store: Store, settings: Settings, trusts: tuple[int, int]
) -> None:
    with store.transaction(role=ROLES) as connection:
        hold_year(connection, trusts[0], YEAR)
        hold_strata(connection, trusts[0], "2024-25", {("75+", "female", "medical"): 4000})
        hold_activity(connection, trusts[1], YEAR)
        hold_strata(connection, trusts[1], "2024-25", {("75+", "female", "medical"): 400})
    count(store, settings, AT)
    with store.readonly(role="hat_national") as connection:
        first, second = case_mix.read(connection, YEAR)
    assert first.strata_why == "the strata add up to 4,000 overnight admissions, the months to 4,800"
    assert second.strata_why == "only 1 of 12 months are final, and strata are of the whole year"


def test_a_stratum_that_the_reference_does_not_have_is_refused_and_said(store: Store, counted: tuple[int, int]) -> None:
    with store.readonly(role="hat_national") as connection:
        first, second = case_mix.read(connection, YEAR)
    none = case_mix.standardised(first, {})
    assert (none.expected, none.basis) == (None, None)
    assert none.why == "the reference has nobody in the stratum medical"
    assert none.ratio().reason is Reason.BLANK
    only_group = case_mix.standardised(first, {("all", "all", "medical"): (30, 9600)})
    assert only_group.basis == BY_GROUP
    assert only_group.expected == pytest.approx(15)
    assert "nobody in the stratum" in only_group.why
    assert not case_mix.standardised(second, {("all", "all", "medical"): (1, 9600)}).plotted


def test_direct_rates_of_areas(store: Store, counted: tuple[int, int]) -> None:
    with store.readonly(role="hat_national") as connection:
        counted_last, counted_year = case_mix.read(connection, LAST), case_mix.read(connection, YEAR)
    found = {one.area: one for one in case_mix.direct(counted_year, reference_rates.summed(counted_last))}
    assert list(found) == ["England and Wales", "England", "London", "South West"]
    south = found["South West"]
    assert (south.trusts, south.of, south.cases) == (1, 1, 13)
    assert south.rate.value == pytest.approx(1000 * 13 / 4800)  # its own population is the standard
    assert found["London"].rate.reason is Reason.BLANK
