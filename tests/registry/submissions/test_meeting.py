"""What a file does to the records that its trust already has, on the real database."""

from datetime import UTC, date, datetime

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
from tests.make import cases, nhs_number, valid_case
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
