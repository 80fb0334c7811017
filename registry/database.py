"""Making the database: its roles, their secrets, the database itself, and its migrations.

`create` needs an administrator once; `migrate` runs at each deployment as `hat_migrator`, which acts as the owner.
"""

import time
from pathlib import Path
from typing import LiteralString

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

import migrations
from registry.settings import BACKUP_LOGIN, LOGINS, Secrets, make_secrets, role_password, role_url
from registry.store import context
from registry.store.connections import DATABASE, engine

OLDEST = 17
PATCHED = {17: 6, 18: 0}  # CVE-2025-8713: planner statistics told sampled values of rows that a policy hides
OWNER = "hat_owner"
MIGRATION_LOCK = 0x4841_5401  # "HAT", 1
LOCK_NOT_AVAILABLE = "55P03"
ADVICE = "Take Postgres 17.6 or newer, or 18."


class DatabaseError(RuntimeError):
    """The database cannot be made or migrated; the words say why and what to do."""


# For each login: connections, statement timeout in seconds. hat_app receives uploads: a COPY counts as one statement for as
# long as the sender takes, so it has 120 s where pages alone would have 15. An upload streams inside one transaction, hence
# 60 s idle in it.
LIMITS: dict[str, tuple[int, int]] = {
    "hat_migrator": (4, 600),
    "hat_app": (42, 120),
    "hat_jobs": (10, 600),
    "hat_national": (10, 15),
    "hat_reader": (18, 15),
    "hat_auditor": (4, 15),
}
TEMPORARY = ("hat_app", "hat_jobs")  # staging tables; all others can shadow nothing, having no temporary schema


def create(admin_url: str, secrets_folder: Path, database: str = DATABASE) -> tuple[str, ...]:
    """Make what is missing of secrets, roles and database, and set all else to what stands here; gives the files written.

    Run again it changes nothing: passwords are kept. `admin_url` is a superuser's, or that of one who may create roles and
    databases. Raises DatabaseError for a Postgres that is too old, SettingsError for a secret that is open to others.
    """
    written = make_secrets(secrets_folder)
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as admin:
        _refuse_old(admin.info.server_version)
        _create_roles(admin, secrets_folder)
        _create_database(admin, database)
    with psycopg.connect(admin_url, dbname=database, autocommit=True, connect_timeout=10) as inside:
        inside.execute("revoke all on schema public from public")
    return written


def prepare(admin_url: str, secrets_folder: Path, database: str = DATABASE) -> None:
    """`create`, then `migrate`, with the keys in the secrets folder."""
    create(admin_url, secrets_folder, database)
    given = conninfo_to_dict(admin_url)
    host, port = given.get("host", "127.0.0.1"), given.get("port", 5432)
    migrate(role_url(f"postgresql://{host}:{port}/{database}", secrets_folder, "hat_migrator"), secrets_folder)


def migrate(
    url: str, secrets_folder: Path, *, tries: int = 10, pause: float = 1.0, lock_milliseconds: int = 2000
) -> None:
    """Bring the database to the newest migration and install the context key; `url` is `hat_migrator`'s.

    All of it is one transaction under an advisory lock, so two at once are one after the other and a fault leaves nothing
    behind. A lock that is not to be had is given up after `lock_milliseconds` so that nobody queues behind us, and tried
    again `tries` times, `pause` seconds apart. Raises DatabaseError when all have failed, or for a Postgres that is too old.
    """
    key = Secrets.load(secrets_folder, ["context"])["context"]
    for attempt in range(tries):
        if attempt:
            time.sleep(pause)
        if _migrated(url, key, lock_milliseconds):
            return
    raise DatabaseError(f"The tables are in use; {tries} tries to lock them failed. Try again in a quieter moment.")


def scrub(url: str) -> int:
    """Write every table anew that may have held something of a patient, so that what was erased is no longer in the files of the database,
    where it lay as unused bytes, nor in what the planner noted of their columns; gives how many tables. `url` is `hat_migrator`'s.

    Each table is locked while it is written. Raises DatabaseError where one was not to be had.
    """
    opened = engine(url, "hat_migrator", pooled=False).execution_options(isolation_level="AUTOCOMMIT")
    with opened.connect() as connection:
        connection.execute(text(f"set role {OWNER}"))
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("set lock_timeout = '60s'"))
        names = connection.scalars(text(_SCRUBBED)).all()
        try:
            for name in names:
                connection.execute(text(f"vacuum (full, analyze) {name}"))
            connection.execute(text("vacuum (full) pg_catalog.pg_statistic"))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            raise DatabaseError(
                "The tables are in use, so not all were written anew. Try again in a quieter moment."
            ) from None
    return len(names)


# As they stand, the registry's log of acts left out: it holds nothing of a patient, and everybody writes to it.
_SCRUBBED = """
    select c.oid::regclass::text from pg_class c
     where c.relkind = 'r' and c.relname <> 'audit'
       and (c.relnamespace in ('records'::regnamespace, 'linkage'::regnamespace)
            or c.oid in ('register.data_key'::regclass, 'register.second_factor'::regclass))
     order by c.oid
"""


def check_server(connection: Connection) -> list[str]:
    """What is wrong with the server behind a connection, in words; empty where all is well."""
    version = int(_shown(connection, "server_version_num"))
    faults = [] if version // 10000 >= OLDEST else [f"This Postgres is too old. {ADVICE}"]
    if version % 10000 < PATCHED.get(version // 10000, 0):
        faults.append(f"This Postgres lacks patches against leaks through row-level security. {ADVICE}")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if _shown(connection, name) == "off":
            faults.append(f"{name} is off: what was acknowledged may be lost in a crash. Turn it on.")
    if _shown(connection, "data_checksums") == "off":
        faults.append("data_checksums is off: a disk that loses bits is not noticed. Run pg_checksums --enable.")
    if _shown(connection, "server_encoding") != "UTF8":
        faults.append("The database is not encoded in UTF8. Create it again with that encoding.")
    return faults


def require_safe(connection: Connection) -> None:
    """Raises DatabaseError, which says what is wrong, for a server that may lose what was acknowledged. Seen by the connection's role."""
    if faults := check_server(connection):
        raise DatabaseError("\n".join(faults))


# --- roles


def _refuse_old(version: int) -> None:
    if version // 10000 < OLDEST:
        raise DatabaseError(f"This is Postgres {version // 10000}; the registry needs {OLDEST} or newer. {ADVICE}")


def _create_roles(admin: psycopg.Connection, folder: Path) -> None:
    with admin.transaction():
        admin.execute("select pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        known = {name for (name,) in admin.execute("select rolname from pg_roles where rolname like 'hat\\_%'")}
        for role in (OWNER, *LOGINS, BACKUP_LOGIN):
            if role not in known:
                admin.execute(_with("create role {}", role))
        admin.execute(_with("alter role {} nologin", OWNER))
        for role in LOGINS:
            _set_login(admin, role, role_password(folder, role))
        _set_backup(admin, role_password(folder, BACKUP_LOGIN))
        admin.execute("grant hat_owner to hat_migrator with inherit false, set true")
        if not _is_superuser(admin):
            admin.execute("grant hat_owner to current_user with inherit true, set true")


def _set_login(admin: psycopg.Connection, role: str, password: str) -> None:
    """The password goes to the server as a SCRAM verifier only, so that no log there can hold it."""
    connections, seconds = LIMITS[role]
    options = sql.SQL("alter role {} login noinherit connection limit {} password {}")
    verifier = _verifier(admin, role, password)
    admin.execute(options.format(sql.Identifier(role), sql.Literal(connections), sql.Literal(verifier)))
    settings = {
        "statement_timeout": f"{seconds}s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "60s",
        "timezone": "UTC",
    }
    for name, value in settings.items():
        admin.execute(_with("alter role {} set {} = ", role, name) + sql.Literal(value))
    # Last and named, for otherwise Postgres looks for tables among the temporary ones first.
    admin.execute(_with("alter role {} set search_path = pg_catalog, pg_temp", role))


def _set_backup(admin: psycopg.Connection, password: str) -> None:
    """Base backups and standbys: it may connect to no database, only copy them all.

    An administrator who may not replicate cannot give that right; where Postgres is somebody's service, its own backups stand in.
    """
    may = admin.execute("select rolsuper or rolreplication from pg_roles where rolname = current_user").fetchone()
    if may != (True,):
        return
    options = sql.SQL("alter role {} login replication noinherit connection limit 8 password {}")
    verifier = _verifier(admin, BACKUP_LOGIN, password)
    admin.execute(options.format(sql.Identifier(BACKUP_LOGIN), sql.Literal(verifier)))


def _verifier(admin: psycopg.Connection, role: str, password: str) -> str:
    return admin.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()


def _is_superuser(admin: psycopg.Connection) -> bool:
    return admin.info.parameter_status("is_superuser") == "on"


def _create_database(admin: psycopg.Connection, database: str) -> None:
    found = admin.execute("select 1 from pg_database where datname = %s", [database]).fetchone()
    if found is None:
        admin.execute(_with("create database {} owner {} encoding 'UTF8' template template0", database, OWNER))
    permit(admin, database)


def permit(admin: psycopg.Connection, database: str) -> None:
    """Who may connect to a database and who may make temporary tables in it (a copy of a database lacks this)."""
    admin.execute(_with("alter database {} owner to {}", database, OWNER))
    admin.execute(_with("revoke all on database {} from public", database))
    for role in LOGINS:
        admin.execute(_with("grant connect on database {} to {}", database, role))
    for role in TEMPORARY:
        admin.execute(_with("grant temporary on database {} to {}", database, role))


def _with(words: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(words).format(*(sql.Identifier(name) for name in names))


# --- migrations


def _migrated(url: str, key: bytes, lock_milliseconds: int) -> bool:
    """One try; False when a lock was not to be had."""
    opened = engine(url, "hat_migrator", pooled=False)
    try:
        with opened.begin() as connection:
            _refuse_old(int(_shown(connection, "server_version_num")))
            connection.execute(
                text("select set_config('lock_timeout', :value, true)"), {"value": f"{lock_milliseconds}ms"}
            )
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.execute(text(f"set local role {OWNER}"))
            _upgrade(connection)
            _install_context_key(connection, key)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            return False
        raise
    return True


def _upgrade(connection: Connection) -> None:
    connection.execute(text("create schema if not exists sec"))
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    command.upgrade(config, "head")


def _install_context_key(connection: Connection, key: bytes) -> None:
    inner, outer = context.padded(key)
    connection.execute(
        text(
            "insert into sec.context_key (inner_pad, outer_pad) values (:inner, :outer) "
            "on conflict (id) do update set inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad"
        ),
        {"inner": inner, "outer": outer},
    )


def _shown(connection: Connection, name: str) -> str:
    return str(connection.scalar(text("select current_setting(:name)"), {"name": name}))
