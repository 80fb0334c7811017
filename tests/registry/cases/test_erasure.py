"""Erasure: after a term the identifiers, at a patient's wish all that identifies; what is counted stays."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from registry import cases, submissions
from registry.settings import Settings
from registry.store import Store
from registry.store.records import VERSION
from registry.submissions import State
from schemas.record import RecordKind
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.make import csv_bytes, nhs_number, valid_case, valid_rca
from tests.registry.cases.make import actions, chain_holds, contents
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, receive, send

# Diagnosed on 20 September 2025; identifiers are kept for eight years of 365.25 days.
LAST_DAY = datetime(2025, 9, 20, 12, tzinfo=UTC) + timedelta(days=2922)
OTHER = {"local_case_id": "HAT-0002", "nhs_number": nhs_number(2), "ward": "Elm ward"}
WISHES = ("opt_out", "objection")


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RK9")


def retire(store: Store, settings: Settings, at: datetime) -> int:
    """How many cases lost their identifiers by term."""
    return cases.retire(store, keys(settings), settings, at)["cases"]


def erase(store: Store, settings: Settings) -> tuple[int, int]:
    """How many cases and reviews lost all that identifies at their patients' wish."""
    erased = cases.erase_wished(store, keys(settings), settings, AT)
    return erased["cases"], erased["reviews"]


def sealed(admin: psycopg.Connection, tenant: int, kind: RecordKind, local_case_id: str = "HAT-0001") -> set[bytes]:
    """Everything sealed that the versions of a record hold."""
    columns = [column.name for column in VERSION[kind].columns if column.name.endswith("_ct")]
    rows = admin.execute(
        f"select {', '.join('v.' + name for name in columns)} from records.{kind}_version v "
        f"join records.{kind}_record r on r.tenant_id = v.tenant_id and r.id = v.record_id where r.tenant_id = %s and r.local_case_id = %s",
        [tenant, local_case_id],
    )
    return {bytes(cell) for row in rows for cell in row if cell is not None}


def one_column(admin: psycopg.Connection, query: str) -> set[bytes]:
    return {bytes(row[0]) for row in admin.execute(query) if row[0] is not None}


def in_dump(dump: bytes, found: Iterable[bytes]) -> list[bool]:
    """Of each of these whether a dump holds it, as bytes or as their hexadecimal form."""
    return [each in dump or each.hex().encode() in dump for each in found]


def test_after_their_term_the_identifiers_go_from_all_versions_and_age_and_intervals_stay(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, [valid_case(ward="Elm ward")])
    send(store, settings, tenant, [valid_case(ward="Elm ward", birth_date="1950-01-02")])
    assert retire(store, settings, LAST_DAY) == 0
    assert retire(store, settings, LAST_DAY + timedelta(days=1)) == 1
    rows = admin.execute(
        "select nhs_number_ct, birth_date_ct, age_at_admission, "
        "diagnosis_date - index_admission_date, ward_ct is not null from records.case_version order by version"
    ).fetchall()
    assert rows == [(None, None, 74, 19, True), (None, None, 75, 19, True)]
    assert admin.execute("select nhs_key, withdrawn_at from records.case_record").fetchall() == [(None, None)]
    before = contents(admin)
    assert retire(store, settings, LAST_DAY + timedelta(days=1)) == 0
    assert contents(admin) == before
    assert actions(admin, tenant)[-1] == "identifiers erased after their term"
    assert chain_holds(store, settings, tenant)


def test_the_term_runs_from_the_last_date_of_diagnosis(store: Store, settings: Settings, tenant: int) -> None:
    send(store, settings, tenant, [valid_case()])
    send(store, settings, tenant, [valid_case(diagnosis_date="2025-09-22")])
    assert retire(store, settings, LAST_DAY + timedelta(days=2)) == 0
    assert retire(store, settings, LAST_DAY + timedelta(days=3)) == 1


def test_the_term_holds_for_a_case_withdrawn_without_its_dates(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, [valid_case()])
    send(store, settings, tenant, b"local_case_id,withdraw_reason\r\nHAT-0001,not_hat\r\n")
    assert retire(store, settings, LAST_DAY) == 0
    assert retire(store, settings, LAST_DAY + timedelta(days=1)) == 1
    assert sealed(admin, tenant, RecordKind.CASE) == set()


def test_a_correction_after_the_term_is_taken_and_its_identifiers_go_the_next_night(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    late = LAST_DAY + timedelta(days=1)
    send(store, settings, tenant, [valid_case()])
    retire(store, settings, late)
    receipt = send(store, settings, tenant, [valid_case(sex="male")])
    assert receipt.changed_fields == {"birth_date": 1, "nhs_number": 1, "sex": 1}, "of what was erased nothing is known"
    assert retire(store, settings, late) == 1
    assert sealed(admin, tenant, RecordKind.CASE) == set()


def test_the_same_file_again_does_not_bring_identifiers_back(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, [valid_case()])
    retire(store, settings, LAST_DAY + timedelta(days=1))
    assert send(store, settings, tenant, [valid_case()]).unchanged == 1
    assert sealed(admin, tenant, RecordKind.CASE) == set()


@pytest.mark.parametrize("wish", WISHES)
def test_at_a_patients_wish_all_that_identifies_goes_at_once(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, database: Database, wish: str
) -> None:
    elsewhere = make_organisation(store, settings, code="RJ1")
    send(store, settings, elsewhere, [valid_case()])
    send(store, settings, tenant, [valid_case(ward="Oak ward"), valid_case(**OTHER)], rehearsal=True)
    send(store, settings, tenant, [valid_case(ward="Oak ward"), valid_case(**OTHER)])
    send(store, settings, tenant, [valid_case(ward="Ash ward"), valid_case(**OTHER)])
    reviews = [valid_rca(learning_point="Second dose given late."), valid_rca(local_case_id="HAT-0002", dose="40 mg")]
    send(store, settings, tenant, reviews, kind=RecordKind.RCA)
    mine = sealed(admin, tenant, RecordKind.CASE) | sealed(admin, tenant, RecordKind.RCA)
    ours = f"where tenant_id = {tenant}"
    mine |= one_column(admin, f"select sealed from records.payload {ours}")
    mine |= one_column(admin, f"select file_name_ct from records.submission {ours}")
    other = sealed(admin, tenant, RecordKind.CASE, "HAT-0002") | sealed(admin, tenant, RecordKind.RCA, "HAT-0002")
    theirs = sealed(admin, elsewhere, RecordKind.CASE)
    theirs |= one_column(admin, f"select sealed from records.payload where tenant_id = {elsewhere}")
    mine -= theirs
    assert all(in_dump(dump_everything(database), mine | other | theirs))

    send(store, settings, tenant, f"local_case_id,withdraw_reason\r\nHAT-0001,{wish}\r\n".encode())
    assert erase(store, settings) == (1, 1)
    dump = dump_everything(database)
    assert not any(in_dump(dump, mine))
    assert all(in_dump(dump, other | theirs))
    assert sealed(admin, tenant, RecordKind.CASE) | sealed(admin, tenant, RecordKind.RCA) == set()
    found_again = f"select nhs_key from records.case_record {ours} and local_case_id = 'HAT-0001'"
    assert one_column(admin, found_again) == set()
    kept = "select age_at_admission, diagnosis_date - index_admission_date from records.case_version v join "
    kept += (
        "records.case_record r on r.id = v.record_id and r.tenant_id = v.tenant_id where r.local_case_id = 'HAT-0001'"
    )
    assert set(admin.execute(f"{kept} and v.tenant_id = {tenant} and v.version < 3").fetchall()) == {(74, 19)}
    assert set(actions(admin, tenant)[-2:]) == {
        "identifiers and free text erased at the patient's wish",
        "free text erased at the patient's wish",
    }

    before = contents(admin)
    assert erase(store, settings) == (0, 0)
    assert contents(admin) == before
    assert chain_holds(store, settings, tenant, elsewhere)


@pytest.mark.parametrize("wish", WISHES)
def test_a_review_withdrawn_at_the_patients_wish_loses_its_text(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, wish: str
) -> None:
    send(store, settings, tenant, [valid_case()])
    text = {"learning_point": "Second dose given late.", "notable_practice": "A good handover."}
    send(store, settings, tenant, [valid_rca(**text)], kind=RecordKind.RCA)
    send(store, settings, tenant, [valid_rca(**text, withdraw_reason=wish)], kind=RecordKind.RCA)
    assert erase(store, settings) == (0, 1)
    assert sealed(admin, tenant, RecordKind.RCA) == set()
    assert sealed(admin, tenant, RecordKind.CASE) != set(), "the case stands and was not withdrawn"
    assert erase(store, settings) == (0, 0)


@pytest.mark.parametrize("reason", ["entered_in_error", "duplicate", "not_hat"])
def test_another_reason_erases_nothing(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, reason: str
) -> None:
    send(store, settings, tenant, [valid_case()])
    send(store, settings, tenant, [valid_case(withdraw_reason=reason)])
    before = contents(admin)
    assert erase(store, settings) == (0, 0)
    assert contents(admin) == before


def test_what_still_waits_keeps_its_bytes(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    path = submissions.spool(settings) / "waiting"
    path.write_bytes(csv_bytes([valid_case(**OTHER)]))
    send(store, settings, tenant, [valid_case()])
    receive(store, settings, tenant, path)
    path.unlink()
    send(store, settings, tenant, [valid_case(withdraw_reason="objection")])
    assert erase(store, settings) == (1, 0)
    assert submissions.work_waiting(store, keys(settings), settings, AT) == {State.ACCEPTED.value: 1}
