"""What a file does to the records that its trust already has, on the real database."""

from datetime import UTC, date, datetime

import orjson
import polars as pl
import psycopg
import pytest

from ingest.check import ROW, Context, check_frame
from registry.settings import Settings
from registry.store import Store
from registry.submissions import staging
from registry.submissions.keys import TenantKeys
from schemas.codelist import Nation
from schemas.record import RecordKind
from tests.make import cases, nhs_number, valid_case, valid_rca
from tests.registry.make import make_organisation
from tests.registry.submissions.make import send

KEYS = TenantKeys(
    data=bytes(range(32)), version=1, opens={1: bytes(range(32))}, root=bytes(range(1, 33)), content=bytes(range(2, 34)),
    match={"nhs_key": bytes(range(3, 35))},
)  # fmt: skip


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RK9")


def test_changes_of_sealed_fields_are_told_by_name_in_every_part_of_a_file(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """More rows than are opened at once: a ward in each second one, another person in one, a ward left out in one."""
    rows = [row | {"ward": "Elm ward", "incidental": "no"} for row in cases(4_100)]
    send(store, settings, tenant, rows)
    for row in rows[::2]:
        row["ward"] = "Oak ward"
    rows[1] |= {"nhs_number": nhs_number(899_999), "incidental": "yes"}
    rows[4_099]["ward"] = ""
    receipt = send(store, settings, tenant, rows)
    assert (receipt.changed, receipt.unchanged) == (2_052, 2_048)
    assert receipt.changed_fields == {"ward": 2_051, "nhs_number": 1, "incidental": 1}
    changed = admin.execute(
        "select v.changed from records.case_version v where v.version = 2 and v.local_case_id = any(%s) order by v.local_case_id",
        [["HAT-000001", "HAT-000002", "HAT-004099"]],
    ).fetchall()
    assert changed == [(["nhs_number", "incidental"],), (["ward"],), (["ward"],)]


def test_a_person_corrected_in_a_case_is_found_by_the_new_number(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    send(store, settings, tenant, [valid_case(nhs_number=nhs_number(1))])
    before = admin.execute("select nhs_key from records.case_record").fetchone()
    send(store, settings, tenant, [valid_case(nhs_number=nhs_number(2))])
    after = admin.execute("select nhs_key from records.case_record").fetchone()
    send(store, settings, tenant, [valid_case(nhs_number=nhs_number(1))])
    assert before != after
    assert admin.execute("select nhs_key from records.case_record").fetchone() == before


def test_absent_counts_the_standing_records_that_a_file_does_not_name(
    store: Store, settings: Settings, tenant: int
) -> None:
    def absent(rows: list[dict[str, str]] | bytes, *, rehearsal: bool = False) -> int | None:
        return send(store, settings, tenant, rows, rehearsal=rehearsal).absent

    all_four = cases(4)
    withdrawal = b"local_case_id,withdraw_reason\r\nHAT-000001,entered_in_error\r\nNEVER,duplicate\r\n"
    assert absent(all_four) == 0
    assert absent(all_four[:1], rehearsal=True) == 3
    assert absent(withdrawal, rehearsal=True) == 3
    assert absent(withdrawal) == 3
    assert absent(withdrawal) == 3  # both are withdrawn already: neither stands, neither is absent
    assert absent(all_four[:1]) == 2
    assert absent(all_four[:2]) == 2  # the second stands again
    assert absent(all_four[:1]) == 3
    other = make_organisation(store, settings, code="RJ1")
    assert send(store, settings, other, all_four[:1]).absent == 0


def test_dates_and_moments_come_through_the_staging_as_they_are(store: Store, tenant: int) -> None:
    context = Context(nation=Nation.ENGLAND, sender="RK9", on=date(2026, 1, 20))
    typed = check_frame(
        pl.DataFrame({ROW: [2, 3, 4, 5], "local_case_id": list("ABCD")}), RecordKind.CASE, context
    ).typed
    days = [date(1900, 1, 1), date(1969, 12, 31), date(2100, 12, 31), None]
    moments = [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2100, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
        None,
    ]
    frame = typed.with_columns(
        pl.Series("admission_date", days, pl.Date), pl.Series("admitted_at", moments, pl.Datetime("us", "UTC"))
    )
    with store.transaction(tenants=(tenant,)) as connection:
        staging.create(connection, RecordKind.CASE)
        staging.fill(connection, RecordKind.CASE, iter([staging.block(frame, RecordKind.CASE, tenant, KEYS)]))
        query = "select admission_date, admitted_at from staged order by local_case_id"
        rows = connection.exec_driver_sql(query).all()
    assert [tuple(row) for row in rows] == list(zip(days, moments, strict=True))


# Taken before reviews were asked why doses were missed.
DIGEST = "\\xb8d4c933af2fa30925f2c112b9d65e2e82ceb4aef2fa69689a7c14525705db7b"


def test_what_is_asked_later_leaves_the_digest_of_what_was_stored_before() -> None:
    """One row without it, one with: whichever way the rows are staged."""
    rows = [{ROW: 2} | valid_rca(), {ROW: 3} | valid_rca(missed_dose_reasons="refused|not_signed")]
    context = Context(nation=Nation.ENGLAND, sender="RK9", on=date(2026, 1, 20))
    typed = check_frame(pl.DataFrame(rows), RecordKind.RCA, context).typed
    digests = [each[staging.CONTENT_MAC] for each in orjson.loads(staging.document(typed, RecordKind.RCA, 1, KEYS))]
    assert digests[0] == DIGEST != digests[1]
    lines = staging.block(typed, RecordKind.RCA, 1, KEYS).decode().splitlines()
    assert [each.rsplit(",", 2)[1] for each in lines] == digests


def test_a_review_that_stays_silent_on_missed_doses_is_the_same_as_before(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    """A file of before the question, one with an empty column, one with an answer."""
    send(store, settings, tenant, [valid_case()])
    send(store, settings, tenant, [valid_rca()], kind=RecordKind.RCA)
    silent = send(store, settings, tenant, [valid_rca(missed_dose_reasons="")], kind=RecordKind.RCA)
    answered = send(store, settings, tenant, [valid_rca(missed_dose_reasons="Refused|not_signed")], kind=RecordKind.RCA)
    assert (silent.unchanged, answered.changed, answered.changed_fields) == (1, 1, {"missed_dose_reasons": 1})
    held = admin.execute("select missed_dose_reasons from records.rca_version order by version").fetchall()
    assert held == [(None,), (["not_signed", "refused"],)]
