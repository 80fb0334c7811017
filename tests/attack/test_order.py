"""Files of one trust settle in the order in which they came: a correction is never undone by an earlier file that had to wait."""

from datetime import timedelta
from uuid import uuid4

import psycopg

from registry import submissions
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Reference
from schemas.record import RecordKind
from tests.make import csv_bytes, valid_case
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, receive, send

FIRST, MENDED = "2025-09-08", "2025-09-09"
STANDS = "select v.discharge_date::text from records.case_version v join records.case_record r on r.id = v.record_id and r.version = v.version"


def _wait(
    store: Store, settings: Settings, tenant: int, discharged: str, kind: RecordKind = RecordKind.CASE
) -> Reference:
    """A file that was received and waits for the worker, as a large one does."""
    path = submissions.spool(settings) / uuid4().hex
    path.write_bytes(csv_bytes([valid_case(discharge_date=discharged)]))
    return receive(store, settings, tenant, path, kind, at=AT)


def test_a_correction_is_not_undone_by_the_earlier_file(
    store: Store, settings: Settings, admin: psycopg.Connection
) -> None:
    tenant = make_organisation(store, settings)
    _wait(store, settings, tenant, FIRST)
    send(store, settings, tenant, [valid_case(discharge_date=MENDED)], at=AT + timedelta(minutes=1))
    for minutes in (2, 3):
        submissions.work_waiting(store, keys(settings), settings, AT + timedelta(minutes=minutes))
    assert admin.execute(STANDS.encode()).fetchall() == [(MENDED,)]
    assert admin.execute("select state from records.submission").fetchall() == [("accepted",)] * 2


def test_another_trust_and_another_kind_wait_for_nobody(store: Store, settings: Settings) -> None:
    first, other = make_organisation(store, settings), make_organisation(store, settings, code="RRV")
    _wait(store, settings, first, FIRST, RecordKind.RCA)
    for tenant in (other, first):
        assert send(store, settings, tenant, [valid_case()], at=AT + timedelta(minutes=1)).state == "accepted"


def test_a_rehearsal_waits_for_nobody(store: Store, settings: Settings) -> None:
    tenant = make_organisation(store, settings)
    _wait(store, settings, tenant, FIRST)
    shown = send(store, settings, tenant, [valid_case()], rehearsal=True, at=AT + timedelta(minutes=1))
    assert shown.state == "rehearsed"
