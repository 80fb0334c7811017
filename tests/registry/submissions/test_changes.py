"""Which records a file changes, in which fields, and what that does to the cases of each month."""

from datetime import date

import pytest

from registry.settings import Settings
from registry.store import Store
from registry.submissions import Receipt, Reference, changes
from registry.submissions.changes import Change, Effect
from schemas.record import RecordKind
from tests.make import cases, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.submissions.make import send
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house

SEPTEMBER, OCTOBER = date(2025, 9, 1), date(2025, 10, 1)


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    send(store, settings, made.ids["RRV"], cases(4))
    return made


def kept(full: House, receipt: Receipt) -> tuple[list[Change], list[Effect]]:
    reference = Reference(receipt.tenant_id, receipt.id)
    with full.store.readonly(tenants=(receipt.tenant_id,)) as connection:
        listed = changes.page(connection, reference, start=0, limit=50)
        assert changes.listed(connection, reference) == len(listed)
        return listed, changes.effects(connection, reference)


def corrected() -> list[dict[str, str]]:
    """One unchanged, one changed (an identifying field too), one moved to October, one withdrawn, one new."""
    rows = cases(4)
    rows[1] |= {"sex": "male", "birth_date": "1950-01-01"}
    october = {"admission_date": "2025-10-01", "discharge_date": "2025-10-09", "diagnosis_date": "2025-10-20"}
    rows[2] |= october | {"died_within_90_days": ""}
    rows[3] |= {"withdraw_reason": "duplicate"}
    return [*rows, valid_case(local_case_id="NEW", nhs_number=nhs_number(40))]


@pytest.mark.parametrize("rehearsal", [True, False])
def test_each_changed_record_is_listed_with_its_fields(full: House, rehearsal: bool) -> None:
    receipt = send(full.store, full.settings, full.ids["RRV"], corrected(), rehearsal=rehearsal)
    listed, months = kept(full, receipt)
    assert [(each.row, each.key, each.does) for each in listed] == [
        (3, "HAT-000001", "changed"),
        (4, "HAT-000002", "changed"),
        (5, "HAT-000003", "withdrawn"),
    ]
    assert set(listed[0].fields) == {"sex", "birth_date"}
    assert set(listed[1].fields) == {"admission_date", "discharge_date", "diagnosis_date", "died_within_90_days"}
    assert listed[2].fields == ["withdraw_reason"]
    # September had four: one left for October, one was withdrawn, one came.
    assert months == [Effect(OCTOBER, 0, 1, 0, 1), Effect(SEPTEMBER, 1, 1, 1, -1)]


def test_new_records_are_counted_and_not_listed(full: House) -> None:
    receipt = send(
        full.store,
        full.settings,
        full.ids["RH5"],
        [*cases(2), valid_case(local_case_id="S", nhs_number=nhs_number(9), vte_type="superficial", dvt_site="")],
    )
    assert kept(full, receipt) == ([], [Effect(SEPTEMBER, 3, 0, 0, 2)])


def test_a_case_of_another_organisation_is_not_in_the_months_own_figure(full: House) -> None:
    rows = [valid_case(local_case_id="T", nhs_number=nhs_number(9), attributed_organisation="RH5")]
    receipt = send(full.store, full.settings, full.ids["RRV"], rows)
    assert kept(full, receipt) == ([], [Effect(SEPTEMBER, 1, 0, 0, 0)])
    mine = send(full.store, full.settings, full.ids["RRV"], [rows[0] | {"attributed_organisation": ""}])
    assert kept(full, mine)[1] == [Effect(SEPTEMBER, 0, 1, 0, 1)]


def test_a_withdrawn_case_that_is_sent_again_counts_again(full: House) -> None:
    withdrawn = [cases(1)[0] | {"withdraw_reason": "duplicate"}]
    assert kept(full, send(full.store, full.settings, full.ids["RRV"], withdrawn))[1] == [
        Effect(SEPTEMBER, 0, 0, 1, -1)
    ]
    assert kept(full, send(full.store, full.settings, full.ids["RRV"], cases(1)))[1] == [Effect(SEPTEMBER, 0, 1, 0, 1)]


def test_what_is_refused_or_unchanged_changes_nothing(full: House) -> None:
    refused = send(
        full.store, full.settings, full.ids["RRV"], [*corrected(), valid_case(local_case_id="X", sex="none")]
    )
    assert (refused.state, kept(full, refused)) == ("refused", ([], []))
    again = send(full.store, full.settings, full.ids["RRV"], cases(4))
    assert (again.unchanged, kept(full, again)) == (4, ([], []))


def test_other_kinds_are_named_by_their_own_keys(full: House) -> None:
    trust = full.ids["RRV"]
    send(full.store, full.settings, trust, [valid_rca(local_case_id="HAT-000000")], kind=RecordKind.RCA)
    review = send(
        full.store, full.settings, trust, [valid_rca(local_case_id="HAT-000000", mechanical="")], kind=RecordKind.RCA
    )
    assert kept(full, review) == ([Change(2, "HAT-000000", "changed", ["mechanical"])], [])
    send(full.store, full.settings, trust, [valid_activity()], kind=RecordKind.ACTIVITY)
    month = send(full.store, full.settings, trust, [valid_activity(medical_overnight="7")], kind=RecordKind.ACTIVITY)
    assert kept(full, month) == ([Change(2, "2025-09", "changed", ["medical_overnight"])], [])
