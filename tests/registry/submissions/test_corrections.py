"""Bulk and online live together: what was entered or corrected online stands against a later file, until the sender's own system says the
same, or the sender says that the file is to stand."""

from collections.abc import Mapping
from typing import Any

import psycopg
import pytest

from registry import submissions
from registry.errors import Conflict
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Door, Mode, Receipt
from registry.submissions.keys import open_keys
from registry.submissions.opened import Opened, opened
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import keys, send

CASE, RCA = RecordKind.CASE, RecordKind.RCA


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings)


class Trust:
    """One trust that sends files and saves forms."""

    def __init__(self, store: Store, settings: Settings, tenant: int) -> None:
        self.store, self.settings, self.tenant = store, settings, tenant

    def send(self, *rows: Mapping[str, str], kind: RecordKind = CASE, **how: Any) -> Receipt:
        return send(self.store, self.settings, self.tenant, rows, kind=kind, **how)

    def form(self, row: Mapping[str, str], kind: RecordKind = CASE) -> None:
        assert self.send(row, kind=kind, door=Door.FORM).state == "accepted"

    def held(self, key: str = "HAT-0001", kind: RecordKind = CASE) -> Opened:
        with self.store.readonly(tenants=(self.tenant,)) as connection:
            opened_keys = open_keys(connection, keys(self.settings), self.tenant)
            return opened(connection, opened_keys, self.tenant, kind, [key])[key]

    def told(self, receipt: Receipt, *rules: int) -> list[tuple[int | None, str | None, int]]:
        with self.store.readonly(tenants=(self.tenant,)) as connection:
            listed = submissions.findings(connection, submissions.find(connection, [self.tenant], receipt.id))
        return [(each.row, each.field, each.rule) for each in listed if each.rule in (rules or (308, 320))]


@pytest.fixture
def trust(store: Store, settings: Settings, tenant: int) -> Trust:
    return Trust(store, settings, tenant)


def test_a_field_corrected_online_stands_and_the_rest_of_the_file_counts(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(sex="male", ward="Ward 7"))
    assert trust.held().corrected == {"sex", "ward"}
    receipt = trust.send(valid_case(main_specialty="320", ward="Ward 9"))
    assert (receipt.state, receipt.changed, receipt.changed_fields) == ("accepted", 1, {"main_specialty": 1})
    assert trust.told(receipt) == [(2, "sex", 308), (2, "ward", 308)]
    text = trust.held().text
    assert (text["sex"], text["ward"], text["main_specialty"]) == ("male", "Ward 7", "320")
    assert trust.held().corrected == {"sex", "ward"}


def test_a_rehearsal_lists_each_clash_and_changes_nothing(trust: Trust, admin: psycopg.Connection) -> None:
    rows = [valid_case(local_case_id=f"C-{n}", nhs_number=nhs_number(n)) for n in range(5)]
    trust.send(*rows)
    for each in rows[1:3]:
        trust.form(each | {"sex": "male"})
    receipt = trust.send(*rows, rehearsal=True)
    assert trust.told(receipt) == [(3, "sex", 308), (4, "sex", 308)]
    assert (receipt.unchanged, receipt.changed, receipt.changed_fields) == (5, 0, {})
    assert {trust.held(f"C-{n}").text["sex"] for n in (1, 2)} == {"male"}


def test_what_was_entered_online_stands_and_what_was_left_blank_is_taken(trust: Trust) -> None:
    trust.form(valid_case(ward=""))
    assert "local_case_id" not in trust.held().corrected
    assert {"nhs_number", "birth_date", "sex", "admission_date"} <= trust.held().corrected
    receipt = trust.send(valid_case(ward="Ward 9", sex="male", discharge_date="08/09/2025"))
    assert receipt.changed_fields == {"ward": 1}
    assert trust.told(receipt) == [(2, "sex", 308), (2, "discharge_date", 308)]


def test_a_blank_says_nothing_against_it(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(ward="Ward 7"))
    without = {name: value for name, value in valid_case().items() if name != "ward"}
    for row in (valid_case(), without):
        receipt = trust.send(row)
        assert (receipt.unchanged, trust.told(receipt)) == (1, [])
    assert trust.held().text["ward"] == "Ward 7"


def test_what_was_cleared_online_stays_clear(trust: Trust) -> None:
    trust.send(valid_case(ward="Ward 7"))
    trust.form(valid_case())
    receipt = trust.send(valid_case(ward="Ward 7"))
    assert (receipt.unchanged, trust.told(receipt)) == (1, [(2, "ward", 308)])
    assert "ward" not in trust.held().text


def test_once_the_sender_s_own_system_says_the_same_its_next_word_counts(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(discharge_date="2025-09-10", sex="male"))
    receipt = trust.send(valid_case(discharge_date="10/09/2025"), rehearsal=True)
    assert trust.held().corrected == {"discharge_date", "sex"}
    receipt = trust.send(valid_case(discharge_date="10/09/2025"))  # the same day, written in another way
    assert trust.told(receipt) == [(2, "sex", 308)]
    assert trust.held().corrected == {"sex"}
    receipt = trust.send(valid_case(discharge_date="2025-09-11"))
    assert receipt.changed_fields == {"discharge_date": 1}
    trust.send(valid_case(discharge_date="2025-09-11", sex="male"))
    assert trust.held().corrected == frozenset()


def test_the_sender_may_say_that_the_file_stands(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(sex="male", ward="Ward 7"))
    rehearsed = trust.send(valid_case(), overwrite=True, rehearsal=True)
    assert trust.told(rehearsed) == [(2, "sex", 320), (2, "ward", 320)]
    assert trust.held().text["sex"] == "male"
    receipt = trust.send(valid_case(), overwrite=True)
    assert (receipt.changed_fields, trust.told(receipt)) == ({"sex": 1, "ward": 1}, [(2, "sex", 320), (2, "ward", 320)])
    assert trust.held().corrected == frozenset()
    assert trust.told(trust.send(valid_case(sex="male"))) == []


def test_a_row_that_is_refused_leaves_the_corrections_as_they_were(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(sex="male"))
    faulty = valid_case(sex="female", admission_group="nonsense")
    receipt = trust.send(
        faulty, valid_case(local_case_id="B", nhs_number=nhs_number(9)), overwrite=True, mode=Mode.ACCEPT_GOOD_ROWS
    )
    assert (receipt.state, receipt.refused) == ("partly_accepted", 1)
    assert trust.held().corrected == {"sex"}


def test_an_unreadable_cell_of_a_corrected_field_is_no_fault(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(discharge_date="2025-09-10"))
    receipt = trust.send(valid_case(discharge_date="09.09.25"))
    assert (receipt.state, receipt.unchanged, trust.told(receipt)) == ("accepted", 1, [(2, "discharge_date", 308)])


def test_what_stands_and_what_the_file_says_are_checked_together(trust: Trust) -> None:
    """A discharge that was corrected, and an admission of the file after it."""
    trust.send(valid_case())
    trust.form(valid_case(discharge_date="2025-09-05"))
    receipt = trust.send(valid_case(admission_date="2025-09-07"))
    assert receipt.state == "refused"
    assert receipt.errors == 1


def test_a_withdrawal_online_stands_and_one_by_file_keeps_what_was_corrected(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(sex="male"))
    receipt = trust.send(valid_case(withdraw_reason="duplicate"))
    assert (receipt.withdrawn, trust.held().text["sex"]) == (1, "male")
    trust.form(valid_case(sex="male", withdraw_reason=""))
    assert not trust.held().withdrawn
    receipt = trust.send(valid_case(withdraw_reason="duplicate"))
    assert (receipt.withdrawn, trust.told(receipt)) == (0, [(2, "sex", 308), (2, "withdraw_reason", 308)])
    trust.form(valid_case(sex="male", withdraw_reason="not_hat"))
    receipt = trust.send(valid_case())
    assert (receipt.unchanged, trust.held().withdrawn, trust.told(receipt, 317)) == (1, True, [])


def test_what_was_withdrawn_at_a_patient_s_wish_is_refused_as_before(trust: Trust) -> None:
    trust.send(valid_case())
    trust.form(valid_case(withdraw_reason="opt_out"))
    receipt = trust.send(valid_case())
    assert receipt.state == "refused"
    assert trust.told(receipt, 319) == [(2, "local_case_id", 319)]


def test_a_review_is_kept_as_a_case_is(trust: Trust) -> None:
    trust.send(valid_case())
    trust.send(valid_rca(), kind=RCA)
    trust.form(valid_rca(learning_point="Weigh patients", inadequacies="missed_doses|wrong_dose"), kind=RCA)
    receipt = trust.send(valid_rca(learning_point="Other words", doses_missed_avoidably="3"), kind=RCA)
    assert receipt.changed_fields == {"doses_missed_avoidably": 1}
    assert trust.told(receipt) == [(2, "inadequacies", 308), (2, "learning_point", 308)]
    text = trust.held(kind=RCA).text
    assert (text["learning_point"], text["inadequacies"]) == ("Weigh patients", "missed_doses|wrong_dose")
    receipt = trust.send(valid_rca(learning_point="Weigh patients", inadequacies="Wrong_dose|missed_doses"), kind=RCA)
    assert trust.held(kind=RCA).corrected == frozenset()


def test_another_trust_s_corrections_are_its_own(trust: Trust, store: Store, settings: Settings) -> None:
    other = Trust(store, settings, make_organisation(store, settings, code="RAJ"))
    for each in (trust, other):
        each.send(valid_case())
    other.form(valid_case(sex="male"))
    receipt = trust.send(valid_case(sex="indeterminate"))
    assert (receipt.changed, trust.told(receipt)) == (1, [])
    assert trust.held().corrected == frozenset()
    assert other.held().corrected == {"sex"}


def test_forms_correct_forms(trust: Trust) -> None:
    trust.form(valid_case())
    trust.form(valid_case(sex="male"))
    assert trust.held().text["sex"] == "male"
    assert "sex" in trust.held().corrected


def test_the_same_key_with_another_word_about_corrections_is_another_request(trust: Trust) -> None:
    trust.send(valid_case(), key="once")
    with pytest.raises(Conflict):
        trust.send(valid_case(), key="once", overwrite=True)
