"""Fixtures of every test that needs a real Postgres: one server a test process, one database a test.

The server gives up durability for speed. The roles are made once with it; a template is migrated once; each test gets a
copy of the template (some 20 ms) that is dropped after it.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings as property_settings
from psycopg import sql

from registry import database as making
from registry import embedded
from registry.embedded import Server
from registry.embedded.making import SUPERUSER
from registry.settings import LOGINS, Settings, load, role_url
from registry.store import Store

# A busy machine may stop an example for longer than hypothesis allows one by default; what it finds does not depend on the time.
property_settings.register_profile("hat", deadline=None)
property_settings.load_profile("hat")

TEMPLATE = "hat_template"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Database:
    """One migrated, empty database. `admin_url` is the superuser's in it, for looking past all rights."""

    name: str
    address: str
    admin_url: str
    secrets: Path

    def url(self, role: str) -> str:
        """The libpq address of one of the registry's roles in it."""
        return role_url(self.address, self.secrets, role)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A Postgres of this test process's own."""
    root = Path(tempfile.mkdtemp(prefix="hat-test-"))
    running = embedded.start(root / "postgres", durable=False)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def secrets_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys and passwords that go with `server`."""
    return tmp_path_factory.mktemp("hat") / "secrets"


@pytest.fixture(scope="session")
def template(server: Server, secrets_folder: Path) -> str:
    """The name of a migrated database to copy; nobody connects to it."""
    making.prepare(server.admin_url, secrets_folder, TEMPLATE)
    return TEMPLATE


@contextmanager
def copy_of(server: Server, secrets_folder: Path, template: str) -> Iterator[Database]:
    """A database of its own, gone at the end."""
    name = f"hat_test_{next(_numbers)}"
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        making.permit(admin, name)
    url = server.url(SUPERUSER, server.password, name)
    secrets = _names(secrets_folder)
    try:
        yield Database(name, server.address(name), url, secrets_folder)
        assert _names(secrets_folder) == secrets, (
            "all tests share this folder: one that needs more copies it, see `with_secret`"
        )
    finally:
        with psycopg.connect(server.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def database(server: Server, secrets_folder: Path, template: str) -> Iterator[Database]:
    """A migrated, empty database for this test alone."""
    with copy_of(server, secrets_folder, template) as made:
        yield made


@pytest.fixture
def settings(database: Database, tmp_path: Path) -> Settings:
    """Settings of a service on `database`, with a data folder of its own."""
    return load(data_dir=tmp_path / "data", secrets_dir=database.secrets, database_url=database.address)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A store on `database` with every role (a real process is given fewer)."""
    opened = Store.from_settings(settings, roles=LOGINS)
    try:
        yield opened
    finally:
        opened.dispose()


@pytest.fixture
def admin(database: Database) -> Iterator[psycopg.Connection]:
    """The superuser in `database`, each statement committed at once: sees past row-level security."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        yield connection
