"""The chain of the audit log: what it shows, and to whom it is open."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.exc import ProgrammingError

from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.audit import ChainFault, Change, Detail, chain_key, entries, fingerprint, head, record, verify
from tests.conftest import Database
from tests.registry.make import make_organisation


@pytest.fixture
def key(database: Database) -> bytes:
    return Secrets.load(database.secrets, ["audit"])["audit"]


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings)


def _record(
    store: Store, tenant: int, number: int, role: str = "hat_app", detail: dict[str, Detail] | None = None
) -> None:
    with store.transaction(tenants=(tenant,) if role == "hat_app" else (), role=role) as connection:
        record(
            connection,
            tenant=tenant,
            actor="ann",
            role="lead",
            action="submission.received",
            object_type="submission",
            object_id=str(number),
            detail={"rows": number, "parts": [1, None, True], "kind": "Fälle"} if detail is None else detail,
        )


@pytest.fixture
def chain(store: Store, tenant: int) -> int:
    for number in range(1, 6):
        _record(store, tenant, number)
    return tenant


def _faults(store: Store, tenant: int, key: bytes) -> list[ChainFault]:
    with store.readonly(role="hat_auditor") as connection:
        return verify(connection, tenant, key)


def test_an_untouched_chain_is_sound(store: Store, chain: int, key: bytes) -> None:
    assert _faults(store, chain, key) == []
    with store.readonly(tenants=(chain,)) as connection:
        assert head(connection, chain).sequence == 5
        assert verify(connection, chain, key) == []


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'bob'",
        "role = 'x'",
        "action = 'x'",
        "object_type = 'x'",
        "object_id = 'x'",
        "detail = '{}'",
        "at = at + interval '1 microsecond'",
        "tenant_id = 0",
    ],
)
def test_a_changed_entry_is_found(store: Store, chain: int, key: bytes, admin: psycopg.Connection, change: str) -> None:
    admin.execute(f"update records.audit set {change} where tenant_id = %s and sequence = 3".encode(), [chain])
    assert [fault.sequence for fault in _faults(store, chain, key)] in ([3], [4, 4])


def test_a_removed_entry_is_found(store: Store, chain: int, key: bytes, admin: psycopg.Connection) -> None:
    admin.execute("delete from records.audit where tenant_id = %s and sequence = 2", [chain])
    assert ChainFault(3, "entries before this one are missing") in _faults(store, chain, key)


def test_a_cut_end_shows_against_the_anchor_only(
    store: Store, chain: int, key: bytes, admin: psycopg.Connection
) -> None:
    with store.readonly(tenants=(chain,)) as connection:
        anchor = head(connection, chain)
    admin.execute("delete from records.audit where tenant_id = %s and sequence = 5", [chain])
    with store.readonly(tenants=(chain,)) as connection:
        assert verify(connection, chain, key) == []
        assert [fault.sequence for fault in verify(connection, chain, key, anchor)] == [5]
    _record(store, chain, 99)
    with store.readonly(tenants=(chain,)) as connection:
        assert [fault.sequence for fault in verify(connection, chain, key, anchor)] == [5]


def test_an_anchor_that_still_stands_is_no_fault(store: Store, chain: int, key: bytes) -> None:
    with store.readonly(tenants=(chain,)) as connection:
        anchor = head(connection, chain)
    _record(store, chain, 6)
    with store.readonly(tenants=(chain,)) as connection:
        assert verify(connection, chain, key, anchor) == []


def test_another_key_proves_nothing(store: Store, chain: int) -> None:
    assert len(_faults(store, chain, b"k" * 32)) == 5


def test_many_at_once_make_one_chain(store: Store, tenant: int, key: bytes) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: _record(store, tenant, number), range(40)))
    with store.readonly(tenants=(tenant,)) as connection:
        assert head(connection, tenant).sequence == 40
        assert verify(connection, tenant, key) == []


def test_it_stands_or_falls_with_its_transaction(store: Store, tenant: int) -> None:
    def fail() -> None:
        with store.transaction(tenants=(tenant,)) as connection:
            record(connection, tenant=tenant, actor="a", role="r", action="x", object_type="o", object_id="1")
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        fail()
    with store.readonly(tenants=(tenant,)) as connection:
        assert head(connection, tenant).sequence == 0


def test_two_entries_in_one_transaction_follow_each_other(store: Store, tenant: int, key: bytes) -> None:
    with store.transaction(tenants=(tenant,)) as connection:
        for number in ("1", "2"):
            record(connection, tenant=tenant, actor="a", role="r", action="x", object_type="o", object_id=number)
    with store.readonly(tenants=(tenant,)) as connection:
        assert head(connection, tenant).sequence == 2
        assert verify(connection, tenant, key) == []


def test_no_entry_in_the_chain_of_a_tenant_that_is_not_ours(store: Store, tenant: int) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        store.transaction(tenants=(tenant,)) as connection,
    ):
        record(connection, tenant=SYSTEM_TENANT, actor="a", role="r", action="x", object_type="o", object_id="1")


def test_the_worker_and_the_national_desk_write_too(store: Store, tenant: int, key: bytes) -> None:
    _record(store, tenant, 1, role="hat_jobs")
    _record(store, SYSTEM_TENANT, 1, role="hat_national")
    _record(store, SYSTEM_TENANT, 2)
    assert _faults(store, tenant, key) == []
    assert _faults(store, SYSTEM_TENANT, key) == []
    with store.readonly(role="hat_auditor") as connection:
        assert head(connection, SYSTEM_TENANT).sequence == 2


def test_floats_are_refused(store: Store, tenant: int) -> None:
    with pytest.raises(TypeError, match="no floats"):
        _record(store, tenant, 1, detail={"shares": [0.5]})  # type: ignore[list-item]  # what the type forbids, tried


def test_without_the_key_nothing_that_is_audited_can_be_done(database: Database) -> None:
    store = Store({"hat_jobs": database.url("hat_jobs")})
    with pytest.raises(ValueError, match="no audit key"), store.transaction(role="hat_jobs") as connection:
        record(connection, tenant=SYSTEM_TENANT, actor="a", role="r", action="x", object_type="o", object_id="1")
    store.dispose()


def test_a_change_is_told_by_keyed_digests_of_what_was_and_what_is(
    store: Store, tenant: int, key: bytes, settings: Settings
) -> None:
    other = make_organisation(store, settings, code="RH5")
    values = ({"ward": "Ash", "since": 3}, {"since": 3, "ward": "Ash"}, {"ward": "Ash", "since": 4}, None)
    with store.transaction(tenants=(tenant, other)) as connection:
        for of, old, new in ((tenant, 3, 0), (tenant, 0, 1), (tenant, 1, 2), (other, 0, 3)):
            record(
                connection, tenant=of, actor="ann", role="lead", action="changed", object_type="ward", object_id="1",
                detail={"version": 2}, change=Change(values[old], values[new]),
            )  # fmt: skip
        (made, same, changed), (elsewhere,) = (
            [row["detail"] for row in entries(connection, of)] for of in (tenant, other)
        )
    assert made["old"] is None
    assert elsewhere["new"] is None
    assert made["version"] == 2
    assert same["old"] == same["new"] == made["new"] == changed["old"], "the order of names is no difference"
    assert changed["new"] != changed["old"]
    assert elsewhere["old"] != made["new"], "nor are two organisations compared"
    assert made["new"] == fingerprint(key, tenant, values[0]) != fingerprint(chain_key(key, tenant), tenant, values[0])
    assert "Ash" not in str([made, same, changed, elsewhere])
    assert _faults(store, tenant, key) == []
