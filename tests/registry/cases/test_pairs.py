"""Pairs across trusts: found by the worker, once, and dropped when they no longer hold."""

from collections.abc import Mapping

import psycopg
import pytest

from registry import cases
from registry.settings import Settings
from registry.store import Store
from tests.make import nhs_number, valid_case
from tests.registry.cases.make import chain_holds, contents
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, send

# The valid case is diagnosed on 20 September 2025.
DAY_14, DAY_15 = "2025-10-04", "2025-10-05"


@pytest.fixture
def first(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RK9")


@pytest.fixture
def second(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RJ1")


def find(store: Store, settings: Settings) -> Mapping[str, int]:
    return cases.find_pairs(store, keys(settings), settings, AT)


def pairs(admin: psycopg.Connection) -> list[tuple[int, int, int, str]]:
    return admin.execute("select first_tenant_id, second_tenant_id, days_apart, state from linkage.pair").fetchall()


def test_a_person_with_two_trusts_is_found_once(
    store: Store, settings: Settings, first: int, second: int, admin: psycopg.Connection
) -> None:
    send(store, settings, second, [valid_case(vte_type="pe", dvt_site="", confirmation="ctpa")])
    send(store, settings, first, [valid_case(diagnosis_date="2025-09-23")])
    assert pairs(admin) == [], "nobody looks for pairs while a sender waits"
    assert find(store, settings) == {"found": 1, "dropped": 0}
    assert pairs(admin) == [(first, second, 3, "found")]
    before = contents(admin)
    assert find(store, settings) == {"found": 0, "dropped": 0}
    assert contents(admin) == before
    assert chain_holds(store, settings, first, second)


@pytest.mark.parametrize(("diagnosed", "found"), [(DAY_14, 1), (DAY_15, 0), ("2025-09-20", 1)])
def test_diagnoses_lie_at_most_fourteen_days_apart(
    store: Store, settings: Settings, first: int, second: int, diagnosed: str, found: int
) -> None:
    send(store, settings, first, [valid_case()])
    send(store, settings, second, [valid_case(diagnosis_date=diagnosed)])
    assert find(store, settings)["found"] == found


def test_two_cases_of_one_trust_and_two_people_are_no_pair(
    store: Store, settings: Settings, first: int, second: int
) -> None:
    send(store, settings, first, [valid_case(), valid_case(local_case_id="HAT-0002")])
    send(store, settings, second, [valid_case(nhs_number=nhs_number(2))])
    nameless = {"nhs_number": "", "nhs_number_reason": "not_known"}
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case(local_case_id="N", **nameless)])
    assert find(store, settings)["found"] == 0


def test_three_trusts_make_three_pairs(store: Store, settings: Settings, first: int, second: int) -> None:
    third = make_organisation(store, settings, code="RTH")
    for tenant in (first, second, third):
        send(store, settings, tenant, [valid_case()])
    assert find(store, settings) == {"found": 3, "dropped": 0}


@pytest.mark.parametrize(
    "correction",
    [
        {"withdraw_reason": "duplicate"},
        {"diagnosis_date": DAY_15},
        {"nhs_number": nhs_number(2)},
        {"nhs_number": "", "nhs_number_reason": "not_known"},
    ],
    ids=["withdrawn", "date corrected", "number corrected", "number taken out"],
)
def test_a_pair_falls_away_with_what_it_rested_on_and_comes_back_with_it(
    store: Store, settings: Settings, first: int, second: int, admin: psycopg.Connection, correction: dict[str, str]
) -> None:
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case()])
    find(store, settings)
    send(store, settings, second, [valid_case(**correction)])
    assert find(store, settings) == {"found": 0, "dropped": 1}
    assert pairs(admin) == []
    assert find(store, settings) == {"found": 0, "dropped": 0}
    send(store, settings, second, [valid_case()])
    assert find(store, settings) == {"found": 1, "dropped": 0}


def test_a_list_of_withdrawals_takes_its_pairs_with_it(
    store: Store, settings: Settings, first: int, second: int
) -> None:
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case()])
    find(store, settings)
    send(store, settings, first, b"local_case_id,withdraw_reason\r\nHAT-0001,objection\r\n")
    assert find(store, settings) == {"found": 0, "dropped": 1}


def test_a_date_corrected_within_the_days_corrects_the_pair(
    store: Store, settings: Settings, first: int, second: int, admin: psycopg.Connection
) -> None:
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case()])
    find(store, settings)
    send(store, settings, second, [valid_case(diagnosis_date=DAY_14)])
    assert find(store, settings) == {"found": 0, "dropped": 0}
    assert pairs(admin) == [(first, second, 14, "found")]


def test_a_pair_that_somebody_worked_on_stays(
    store: Store, settings: Settings, first: int, second: int, admin: psycopg.Connection
) -> None:
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case()])
    find(store, settings)
    admin.execute("update linkage.pair set state = 'dismissed'")
    assert find(store, settings) == {"found": 0, "dropped": 0}
    send(store, settings, second, [valid_case(diagnosis_date=DAY_15)])
    assert find(store, settings) == {"found": 0, "dropped": 0}
    assert [state for *_, state in pairs(admin)] == ["dismissed"]


def test_a_pair_whose_identifiers_had_their_time_stays(
    store: Store, settings: Settings, first: int, second: int, admin: psycopg.Connection
) -> None:
    for tenant in (first, second):
        send(store, settings, tenant, [valid_case()])
    find(store, settings)
    later = AT.replace(year=2034)
    assert cases.retire(store, keys(settings), settings, later)["cases"] == 2
    assert find(store, settings) == {"found": 0, "dropped": 0}
    assert len(pairs(admin)) == 1
