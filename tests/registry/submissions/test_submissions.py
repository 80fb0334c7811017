"""A submission from receipt to outcome, on the real database."""

from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from registry import submissions
from registry.errors import Conflict
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Door, Mode, State
from schemas.record import RecordKind
from tests.make import cases, csv_bytes, valid, valid_activity, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import receive, send


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RK9")


def count(admin: psycopg.Connection, sql: str) -> int:
    row = admin.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_good_rows_are_stored_once_with_a_receipt_that_adds_up(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    receipt = send(store, settings, tenant, cases(30))
    assert (receipt.state, receipt.rows, receipt.new, receipt.refused) == ("accepted", 30, 30, 0)
    assert count(admin, "select count(*) from records.case_record") == 30
    assert count(admin, "select count(*) from records.case_version where changed is null") == 30


def test_a_file_sent_again_changes_nothing(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, cases(5))
    again = send(store, settings, tenant, cases(5))
    assert (again.new, again.changed, again.unchanged) == (0, 0, 5)
    assert count(admin, "select count(*) from records.case_version") == 5


def test_a_changed_row_makes_a_version_that_names_what_changed(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    rows = cases(3)
    send(store, settings, tenant, rows)
    rows[1] |= {"sex": "male", "birth_date": "1950-01-01"}
    receipt = send(store, settings, tenant, rows)
    assert (receipt.changed, receipt.unchanged, receipt.changed_fields) == (1, 2, {"birth_date": 1, "sex": 1})
    row = admin.execute("select version, changed, door from records.case_version where version = 2").fetchone()
    assert row == (2, ["birth_date", "sex"], "api")
    blank = rows[1] | {"died_within_90_days": ""}
    assert send(store, settings, tenant, [blank]).changed_fields == {"died_within_90_days": 1}


def test_all_or_nothing_stores_nothing_of_a_faulty_file(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    rows = [*cases(3), valid_case(local_case_id="X", sex="what")]
    receipt = send(store, settings, tenant, rows)
    assert (receipt.state, receipt.rows, receipt.new, receipt.refused) == ("refused", 4, 0, 4)
    assert count(admin, "select count(*) from records.case_record") == 0
    with store.readonly(tenants=(tenant,)) as connection:
        reference = submissions.find(connection, [tenant], receipt.id)
        listed = submissions.findings(connection, reference)
        assert [(each.rule, each.row, each.field) for each in listed if each.severity == "error"] == [(33, 5, "sex")]
        assert submissions.faulty_rows(connection, reference) == [5]


def test_good_rows_may_be_accepted_beside_faulty_ones(store: Store, settings: Settings, tenant: int) -> None:
    rows = [*cases(3), valid_case(local_case_id="X", sex="what")]
    receipt = send(store, settings, tenant, rows, mode=Mode.ACCEPT_GOOD_ROWS)
    assert (receipt.state, receipt.rows, receipt.new, receipt.refused) == ("partly_accepted", 4, 3, 1)


def test_a_rehearsal_tells_the_difference_and_stores_nothing(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, cases(4))
    rows = cases(3)
    rows[0] |= {"sex": "male"}
    receipt = send(store, settings, tenant, [*rows, valid_case(local_case_id="NEW", nhs_number="")], rehearsal=True)
    assert receipt.state == "rehearsed"
    rows = [*rows, valid_case(local_case_id="NEW", nhs_number="", nhs_number_reason="overseas")]
    receipt = send(store, settings, tenant, rows, rehearsal=True)
    assert (receipt.new, receipt.changed, receipt.unchanged, receipt.absent) == (1, 1, 2, 1)
    assert receipt.changed_fields == {"sex": 1}
    assert count(admin, "select count(*) from records.case_version") == 4


def test_the_same_key_is_the_same_request(store: Store, settings: Settings, tenant: int, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(2)))
    first = receive(store, settings, tenant, path, key="k")
    assert receive(store, settings, tenant, path, key="k") == first
    with pytest.raises(Conflict):
        receive(store, settings, tenant, path, kind=RecordKind.RCA, key="k")
    with pytest.raises(Conflict):
        receive(store, settings, tenant, path, mode=Mode.ACCEPT_GOOD_ROWS, key="k")
    path.write_bytes(csv_bytes(cases(3)))
    with pytest.raises(Conflict):
        receive(store, settings, tenant, path, key="k")
    other = make_organisation(store, settings, code="RJ1")
    assert receive(store, settings, other, path, key="k") != first


def test_withdrawal_by_file_and_its_return(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, cases(2))
    list_of_one = b"local_case_id,withdraw_reason\r\nHAT-000001,entered_in_error\r\n"
    receipt = send(store, settings, tenant, list_of_one)
    assert (receipt.state, receipt.withdrawn, receipt.absent) == ("accepted", 1, 1)
    assert count(admin, "select count(*) from records.case_record where withdrawn_at is not null") == 1
    again = send(store, settings, tenant, cases(2))
    assert (again.changed, again.unchanged) == (1, 1)
    assert count(admin, "select count(*) from records.case_record where withdrawn_at is not null") == 0


def test_a_review_needs_its_case(store: Store, settings: Settings, tenant: int) -> None:
    review = valid_rca(local_case_id="HAT-000000")
    refused = send(store, settings, tenant, [review], kind=RecordKind.RCA)
    assert (refused.state, refused.errors) == ("refused", 1)
    send(store, settings, tenant, cases(1))
    assert send(store, settings, tenant, [review], kind=RecordKind.RCA).state == "accepted"


def test_a_nil_month_cannot_hold_cases(store: Store, settings: Settings, tenant: int) -> None:
    send(store, settings, tenant, cases(1))
    nil = valid_activity(case_return="nil")
    assert send(store, settings, tenant, [nil], kind=RecordKind.ACTIVITY).errors == 1
    other = valid_activity(case_return="nil", month="2025-08")
    assert send(store, settings, tenant, [other], kind=RecordKind.ACTIVITY).state == "accepted"


def test_every_kind_is_stored(store: Store, settings: Settings, tenant: int) -> None:
    wales = make_organisation(store, settings, code="7A4", nation="Wales", kind="local_health_board")
    for kind in RecordKind:
        holder = wales if kind is RecordKind.WALES_QUARTER else tenant
        rows = [valid(kind)]
        if kind is RecordKind.RCA:
            rows[0]["local_case_id"] = "HAT-0001"
        receipt = send(store, settings, holder, rows, kind=kind)
        assert (receipt.state, receipt.new) == ("accepted", 1), kind
        assert send(store, settings, holder, rows, kind=kind).unchanged == 1, kind


def test_an_attributed_case_is_proposed_to_the_other_trust(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    other = make_organisation(store, settings, code="RJ1")
    send(store, settings, tenant, [valid_case(attributed_organisation="RJ1")])
    row = admin.execute("select attributed_id, attribution from records.case_record").fetchone()
    assert row == (other, "proposed")
    send(store, settings, tenant, [valid_case()])
    row = admin.execute("select attributed_id, attribution from records.case_record").fetchone()
    assert row == (tenant, "own")


def test_what_a_file_would_undo_is_told(store: Store, settings: Settings, tenant: int) -> None:
    send(store, settings, tenant, cases(1))
    send(store, settings, tenant, [cases(1)[0] | {"sex": "male"}], door=Door.FORM)
    receipt = send(store, settings, tenant, cases(1), rehearsal=True)
    with store.readonly(tenants=(tenant,)) as connection:
        listed = submissions.findings(connection, submissions.find(connection, [tenant], receipt.id))
    assert 308 in [each.rule for each in listed]


def test_months_before_taking_part_are_kept_with_a_warning(store: Store, settings: Settings) -> None:
    late = make_organisation(store, settings, code="RTH", live_from=date(2025, 12, 1))
    receipt = send(store, settings, late, cases(1))
    with store.readonly(tenants=(late,)) as connection:
        listed = submissions.findings(connection, submissions.find(connection, [late], receipt.id))
    assert receipt.state == "accepted"
    assert 307 in [each.rule for each in listed]


def test_a_waiting_submission_is_worked_on_from_its_stored_bytes(
    store: Store, settings: Settings, tenant: int, tmp_path: Path
) -> None:
    from tests.registry.submissions.make import AT, keys

    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(50)))
    reference = receive(store, settings, tenant, path)
    path.unlink()
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {State.ACCEPTED.value: 1}
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {}
    with store.readonly(tenants=(tenant,)) as connection:
        assert submissions.get(connection, reference).new == 50


def test_what_cannot_be_worked_on_ends_as_failed_and_holds_nobody_up(
    store: Store, settings: Settings, tenant: int, tmp_path: Path, admin: psycopg.Connection
) -> None:
    from tests.registry.submissions.make import AT, keys

    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(2)))
    broken = receive(store, settings, tenant, path)
    admin.execute("update records.payload set sealed = overlay(sealed placing '\\x00' from 20)")
    following = receive(store, settings, tenant, path, at=AT + timedelta(minutes=1))
    ends = [submissions.work_waiting(store, keys(settings), settings, AT + timedelta(hours=1)) for _ in range(12)]
    assert [end for end in ends if end] == [{"failed": 1, "accepted": 1}]
    with store.readonly(tenants=(tenant,)) as connection:
        assert submissions.get(connection, broken).state == "failed"
        assert submissions.get(connection, following).new == 2
    assert admin.execute("select count(*) from records.audit where action = 'submission failed'").fetchone() == (1,)


NO_ROOM = """
    create function records.no_room() returns trigger language plpgsql as
    $$ begin raise exception using errcode = 'disk_full'; end $$;
    create trigger no_room before insert on records.case_version execute function records.no_room()
"""


def test_a_full_disk_is_no_try_of_a_file(
    store: Store, settings: Settings, tenant: int, tmp_path: Path, admin: psycopg.Connection
) -> None:
    from tests.registry.submissions.make import AT, keys

    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(2)))
    receive(store, settings, tenant, path)
    admin.execute(NO_ROOM)
    for _ in range(12):
        assert submissions.work_waiting(store, keys(settings), settings, AT) == {}
    admin.execute("drop function records.no_room() cascade")
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {State.ACCEPTED.value: 1}
