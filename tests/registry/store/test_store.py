"""The store: what a transaction promises, under the real roles."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError

from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store, copy_in
from registry.store.tables import match_map, organisation
from tests.conftest import Database
from tests.registry.make import make_organisation

MAP = {"kind": "case", "version": 1, "headings": {}, "codes": {}, "confirmed_by": "ann"}


@pytest.fixture
def tenant(store: Store, settings: Settings) -> int:
    return make_organisation(store, settings)


def _count(store: Store, tenant: int) -> int | None:
    with store.readonly(tenants=(tenant,)) as connection:
        return connection.scalar(select(func.count()).select_from(match_map))


def test_the_block_is_the_transaction(store: Store, tenant: int) -> None:
    with store.transaction(tenants=(tenant,)) as connection:
        connection.execute(insert(match_map).values(tenant_id=tenant, **MAP))
        assert _count(store, tenant) == 0
    assert _count(store, tenant) == 1


def test_an_exception_leaves_nothing(store: Store, tenant: int) -> None:
    def fail() -> None:
        with store.transaction(tenants=(tenant,)) as connection:
            connection.execute(insert(match_map).values(tenant_id=tenant, **MAP))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert _count(store, tenant) == 0


def test_reading_only_refuses_to_write_and_the_next_transaction_writes_again(store: Store, tenant: int) -> None:
    with pytest.raises(InternalError, match="read-only"), store.readonly(tenants=(tenant,)) as connection:
        connection.execute(insert(match_map).values(tenant_id=tenant, **MAP))
    with store.transaction(tenants=(tenant,)) as connection:
        connection.execute(insert(match_map).values(tenant_id=tenant, **MAP))
    assert _count(store, tenant) == 1


def test_reading_only_sees_one_moment(store: Store, tenant: int) -> None:
    counted = select(func.count()).select_from(match_map)
    with store.readonly(tenants=(tenant,)) as connection:
        assert connection.scalar(counted) == 0
        with store.transaction(tenants=(tenant,)) as other:
            other.execute(insert(match_map).values(tenant_id=tenant, **MAP))
        assert connection.scalar(counted) == 0


def test_each_role_signs_in_as_itself_with_its_limits(store: Store) -> None:
    def shown(role: str) -> tuple[str, str, str]:
        with store.transaction(role=role) as connection:
            row = connection.execute(
                text("select current_user, current_setting('statement_timeout'), current_setting('search_path')")
            ).one()
            return row[0], row[1], row[2]

    assert shown("hat_app") == ("hat_app", "2min", "pg_catalog, pg_temp")
    assert shown("hat_jobs") == ("hat_jobs", "10min", "pg_catalog, pg_temp")
    assert shown("hat_national") == ("hat_national", "15s", "pg_catalog, pg_temp")
    assert shown("hat_reader") == ("hat_reader", "15s", "pg_catalog, pg_temp")
    assert shown("hat_auditor") == ("hat_auditor", "15s", "pg_catalog, pg_temp")


def test_a_process_has_the_roles_that_it_was_given(settings: Settings) -> None:
    store = Store.from_settings(settings, roles=("hat_reader",))
    with pytest.raises(ValueError, match="not given the role hat_app"), store.transaction():
        pass
    with store.readonly(role="hat_reader") as connection:
        assert connection.scalar(text("select count(*) from published.release")) == 0
    store.dispose()


def test_tenants_are_for_the_one_role_that_they_bind(store: Store) -> None:
    with pytest.raises(ValueError, match="bind hat_app only"), store.transaction(tenants=(1,), role="hat_jobs"):
        pass


def test_without_the_context_key_no_tenant_can_be_entered(database: Database) -> None:
    store = Store({"hat_app": database.url("hat_app")})
    with pytest.raises(ValueError, match="no context key"), store.transaction(tenants=(1,)):
        pass
    with store.transaction() as connection:
        assert connection.scalar(select(func.count()).select_from(match_map)) == 0
    store.dispose()


def test_copy_goes_into_the_transaction(store: Store) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"1,a\n2,"
        yield b"b\n"

    with store.transaction() as connection:
        connection.execute(text("create temporary table staged (n integer, word text) on commit drop"))
        assert copy_in(connection, "copy pg_temp.staged from stdin (format csv)", blocks()) == 2
        assert connection.execute(text("select n, word from pg_temp.staged order by n")).all() == [(1, "a"), (2, "b")]
    with store.transaction() as connection:
        assert connection.scalar(text("select to_regclass('pg_temp.staged')")) is None


def test_a_cut_connection_costs_the_next_transaction_nothing(store: Store, admin: psycopg.Connection) -> None:
    with store.transaction() as connection:
        pid = connection.scalar(text("select pg_backend_pid()"))
    admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with store.transaction() as connection:
        assert connection.scalar(text("select pg_backend_pid()")) != pid


def test_a_connection_cut_within_a_transaction_rolls_it_back(
    store: Store, tenant: int, admin: psycopg.Connection
) -> None:
    def write_and_be_cut() -> None:
        with store.transaction(tenants=(tenant,)) as connection:
            connection.execute(insert(match_map).values(tenant_id=tenant, **MAP))
            admin.execute("select pg_terminate_backend(%s, 5000)", [connection.scalar(text("select pg_backend_pid()"))])
            connection.execute(select(match_map))

    with pytest.raises(OperationalError):
        write_and_be_cut()
    assert _count(store, tenant) == 0


def test_errors_do_not_show_parameters(store: Store) -> None:
    with pytest.raises(DBAPIError) as caught, store.transaction() as connection:
        connection.execute(text("select cast(:value as integer) / 0"), {"value": 9434765919})
    assert "[SQL parameters hidden" in str(caught.value)


def test_the_system_tenant_is_there_and_ids_start_after_it(store: Store, tenant: int) -> None:
    with store.readonly() as connection:
        known = connection.execute(select(organisation.c.id, organisation.c.kind).order_by(organisation.c.id)).all()
    assert known == [(SYSTEM_TENANT, "system"), (tenant, "nhs_trust")]
    assert tenant > SYSTEM_TENANT
