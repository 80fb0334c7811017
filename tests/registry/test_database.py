"""Making and migrating the database, on the real server."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import text

from registry import database as making
from registry import embedded
from registry.database import LIMITS, DatabaseError
from registry.embedded import Server
from registry.settings import BACKUP_LOGIN, LOGINS, Settings, SettingsError, load, make_secrets
from registry.store import SYSTEM_TENANT, Store
from registry.store.connections import POOLS, SMALL_POOL, address, engine
from tests.conftest import Database

EMPTY = "hat_empty"


@pytest.fixture
def empty(server: Server, secrets_folder: Path, template: str) -> Iterator[Database]:
    """Roles and a database without a table."""
    making.create(server.admin_url, secrets_folder, EMPTY)
    url = server.admin_url.rpartition("/")[0] + f"/{EMPTY}"
    yield Database(EMPTY, server.address(EMPTY), url, secrets_folder)
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(EMPTY)))


def _one(database: Database, statement: str) -> object:
    with psycopg.connect(database.admin_url) as admin:
        row = admin.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


# --- create


def test_secrets_are_one_closed_file_for_each_role_and_key(secrets_folder: Path, template: str) -> None:
    assert {path.name for path in secrets_folder.iterdir()} == {
        *(f"{role}.password" for role in (*LOGINS, BACKUP_LOGIN)),
        *(f"{name}.key" for name in ("context", "match", "master", "audit", "offset", "signing")),
    }
    assert {path.stat().st_mode & 0o777 for path in secrets_folder.iterdir()} == {0o400}


def test_creating_again_changes_nothing(server: Server, empty: Database) -> None:
    kept = {path.name: path.read_text() for path in empty.secrets.iterdir()}
    assert making.create(server.admin_url, empty.secrets, EMPTY) == ()
    assert {path.name: path.read_text() for path in empty.secrets.iterdir()} == kept
    for role in LOGINS:
        psycopg.connect(empty.url(role)).close()


def test_what_was_changed_by_hand_is_set_right_again(server: Server, empty: Database) -> None:
    with psycopg.connect(empty.admin_url, autocommit=True) as admin:
        admin.execute("alter role hat_reader password 'guessed' connection limit -1")
        admin.execute("alter role hat_owner login")
        admin.execute("alter role hat_app set search_path = pg_temp, public")
        admin.execute(sql.SQL("grant all on database {} to public").format(sql.Identifier(EMPTY)))
        admin.execute("grant all on schema public to public")
    making.create(server.admin_url, empty.secrets, EMPTY)
    psycopg.connect(empty.url("hat_reader")).close()
    assert _one(empty, "select rolcanlogin from pg_roles where rolname = 'hat_owner'") is False
    assert _one(empty, "select rolconnlimit from pg_roles where rolname = 'hat_reader'") == LIMITS["hat_reader"][0]
    assert _one(empty, "select has_schema_privilege('hat_reader', 'public', 'create, usage')") is False
    assert _one(empty, "select has_database_privilege('hat_reader', current_database(), 'temporary')") is False
    with psycopg.connect(empty.url("hat_app")) as connection:
        assert connection.execute("show search_path").fetchone() == ("pg_catalog, pg_temp",)


def test_passwords_are_kept_by_the_server_as_scram_only(empty: Database) -> None:
    found = _one(
        empty,
        "select array_agg(distinct left(rolpassword, 14)) from pg_authid where rolname like 'hat\\_%' and rolcanlogin",
    )
    assert found == ["SCRAM-SHA-256$"]


def test_every_role_has_limits_and_its_pool_keeps_below_them(server: Server, empty: Database) -> None:
    assert set(LIMITS) == set(LOGINS)
    assert sum(connections for connections, _ in LIMITS.values()) < int(str(_one(empty, "show max_connections"))) - 5
    for role, (connections, _) in LIMITS.items():
        assert 2 * sum(POOLS.get(role, SMALL_POOL)) <= connections
    with psycopg.connect(empty.url("hat_app")) as connection:
        names = ("lock_timeout", "idle_in_transaction_session_timeout", "TimeZone")
        shown = [connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone() for name in names]
    assert shown == [("2s",), ("1min",), ("UTC",)]


@pytest.mark.parametrize("version", [150018, 160010])
def test_an_older_postgres_is_refused_in_words(version: int) -> None:
    with pytest.raises(DatabaseError, match=f"This is Postgres {version // 10000}; the registry needs 17 or newer"):
        making._refuse_old(version)


# --- migrate


def test_migrating_twice_is_migrating_once(empty: Database) -> None:
    for _ in range(2):
        making.migrate(empty.url("hat_migrator"), empty.secrets)
    assert _one(empty, "select count(*) from sec.migration") == 1
    assert _one(empty, "select count(*) from sec.context_key") == 1


def test_two_at_once_come_one_after_the_other(empty: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(making.migrate, empty.url("hat_migrator"), empty.secrets) for _ in range(2)]
    assert [run.result() for run in runs] == [None, None]
    assert _one(empty, "select count(*) from register.organisation") == 1


def test_a_lock_that_is_not_to_be_had_is_given_up_in_words(empty: Database) -> None:
    with psycopg.connect(empty.admin_url) as other:
        other.execute("select pg_advisory_xact_lock(%s)", [making.MIGRATION_LOCK])
        with pytest.raises(DatabaseError, match="2 tries to lock them failed"):
            making.migrate(empty.url("hat_migrator"), empty.secrets, tries=2, pause=0, lock_milliseconds=20)
    assert _one(empty, "select to_regclass('register.organisation') is null") is True
    making.migrate(empty.url("hat_migrator"), empty.secrets, tries=1)


def test_a_fault_on_the_way_leaves_nothing_behind(empty: Database) -> None:
    with psycopg.connect(empty.admin_url, autocommit=True) as admin:
        admin.execute("create schema published")
    with pytest.raises(Exception, match="published"):
        making.migrate(empty.url("hat_migrator"), empty.secrets)
    assert _one(empty, "select count(*) from pg_namespace where nspname in ('register', 'records', 'sec')") == 0


def test_another_context_key_replaces_the_first(database: Database, store: Store, tmp_path: Path) -> None:
    make_secrets(tmp_path / "other")
    seen = text("select count(*) from records.match_map")
    fill = text(
        "insert into records.match_map (tenant_id, kind, version, headings, codes, confirmed_by) "
        "values (0, 'case', 1, '{}', '{}', 'ann')"
    )
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        connection.execute(fill)
    making.migrate(database.url("hat_migrator"), tmp_path / "other")
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        assert connection.scalar(seen) == 0
    making.migrate(database.url("hat_migrator"), database.secrets)
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        assert connection.scalar(seen) == 1


def test_only_the_migrator_migrates(empty: Database) -> None:
    with pytest.raises(Exception, match="permission denied to set role"):
        making.migrate(empty.url("hat_app"), empty.secrets)


# --- the server


def test_a_server_that_may_lose_what_it_acknowledged_is_told_of(database: Database) -> None:
    opened = engine(database.url("hat_app"), "hat_app", pooled=False)
    with opened.connect() as connection:
        connection.execute(text("set synchronous_commit = off"))
        faults = making.check_server(connection)
    assert [fault.partition(" ")[0] for fault in faults] == ["fsync", "full_page_writes", "synchronous_commit"]


def test_a_safe_server_restarted_or_killed_and_an_administrator_who_is_no_superuser(tmp_path: Path) -> None:
    """One server of its own for all three, since making it takes the time."""
    root = Path(tempfile.mkdtemp(prefix="hat-test-"))
    running = embedded.start(root / "postgres")
    try:
        with psycopg.connect(running.admin_url, autocommit=True) as admin:
            admin.execute("create role operator login createrole createdb password 'of a test only'")
        settings = load(data_dir=tmp_path, database_url=running.address("hat"))
        for _ in range(2):
            making.prepare(running.url("operator", "of a test only", "postgres"), settings.secrets_dir)
        operator = running.url("operator", "of a test only", "hat")
        with psycopg.connect(operator) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute("select * from register.person; set role hat_app")
        running = _survives(running, Store.from_settings(settings))
    finally:
        running.stop()
        shutil.rmtree(root)


def _survives(running: Server, store: Store) -> Server:
    """The same store works at once after a stop, and after a kill, of its server."""
    with store.readonly() as connection:
        assert making.check_server(connection) == []
    running.stop()
    running = embedded.start(running.folder)
    with store.readonly() as connection:
        assert connection.scalar(text("select 1")) == 1
    os.kill(running.pid, signal.SIGKILL)
    running.stop()  # nothing is left to stop, but somebody has to take note of its end
    running = embedded.start(running.folder)
    with store.readonly() as connection:
        assert connection.scalar(text("select 1")) == 1
    store.dispose()
    return running


# --- where it is


def test_the_address_is_the_outside_one_or_the_embedded_ones(settings: Settings, tmp_path: Path) -> None:
    assert address(settings) == settings.database_url
    own = load(data_dir=tmp_path)
    with pytest.raises(SettingsError, match="hat up"):
        address(own)
    own.postgres_dir.mkdir(parents=True)
    (own.postgres_dir / "port").write_text("15433\n")
    assert address(own) == "postgresql://127.0.0.1:15433/hat"
