"""How long submitted bytes and file names are kept; what stays of a submission."""

from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from registry import submissions
from registry.identifiers import IdentifierError
from registry.settings import Settings
from registry.store import Store
from registry.submissions import Mode, Receipt
from tests.make import cases, csv_bytes, valid_case
from tests.registry.cases.make import chain_holds, contents
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, receive, send

FAULTY = [valid_case(sex="what")]
MOMENT = timedelta(seconds=1)


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings, code="RK9")


def retire(store: Store, settings: Settings, at: datetime) -> int:
    return submissions.retire(store, keys(settings), settings, at)["payloads"]


def held(admin: psycopg.Connection) -> tuple[int, int]:
    """How many submissions have their bytes, and how many their file's name."""
    row = admin.execute(
        "select (select count(distinct submission_id) from records.payload), "
        "(select count(*) from records.submission where file_name_ct is not null)"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def again(store: Store, tenant: int, receipt: Receipt) -> Receipt:
    with store.readonly(tenants=(tenant,)) as connection:
        return submissions.get(connection, submissions.find(connection, [tenant], receipt.id))


def test_stored_files_are_kept_for_thirty_days_and_refused_ones_for_seven(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    stored = send(store, settings, tenant, cases(2))
    partly = send(store, settings, tenant, [*cases(3), *FAULTY], mode=Mode.ACCEPT_GOOD_ROWS)
    refused = send(store, settings, tenant, FAULTY)
    assert (stored.state, partly.state, refused.state) == ("accepted", "partly_accepted", "refused")
    assert retire(store, settings, AT + timedelta(days=7)) == 0
    assert retire(store, settings, AT + timedelta(days=7) + MOMENT) == 1
    assert held(admin) == (2, 2)
    assert again(store, tenant, refused).payload_deleted_at == AT + timedelta(days=7) + MOMENT
    assert again(store, tenant, stored).payload_deleted_at is None
    assert retire(store, settings, AT + timedelta(days=30)) == 0
    assert retire(store, settings, AT + timedelta(days=30) + MOMENT) == 2
    assert held(admin) == (0, 0)
    assert chain_holds(store, settings, tenant)


def test_digest_counts_and_findings_stay(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection
) -> None:
    refused = send(store, settings, tenant, FAULTY)
    with store.readonly(tenants=(tenant,)) as connection:
        reference = submissions.find(connection, [tenant], refused.id)
        before = submissions.findings(connection, reference), submissions.tallies(connection, reference)
    retire(store, settings, AT + timedelta(days=8))
    after = again(store, tenant, refused)
    assert (after.digest, after.rows, after.refused, after.errors) == (refused.digest, 1, 1, 1)
    with store.readonly(tenants=(tenant,)) as connection:
        assert (submissions.findings(connection, reference), submissions.tallies(connection, reference)) == before
        opened = submissions.open_keys(connection, keys(settings), tenant)
        with pytest.raises(IdentifierError):
            list(submissions.stored_bytes(connection, reference, opened))


def test_the_same_key_and_bytes_are_the_same_receipt_also_without_its_bytes(
    store: Store, settings: Settings, tenant: int
) -> None:
    first = send(store, settings, tenant, cases(1), key="k")
    retire(store, settings, AT + timedelta(days=31))
    assert send(store, settings, tenant, cases(1), key="k", at=AT + timedelta(days=32)).id == first.id


def test_twice_changes_nothing_more_and_what_waits_is_kept(
    store: Store, settings: Settings, tenant: int, admin: psycopg.Connection, tmp_path: Path
) -> None:
    send(store, settings, tenant, cases(2))
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(cases(3)))
    receive(store, settings, tenant, path)
    late = AT + timedelta(days=400)
    assert retire(store, settings, late) == 1
    before = contents(admin)
    assert retire(store, settings, late) == 0
    assert contents(admin) == before
    assert held(admin) == (1, 1)
