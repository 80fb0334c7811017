"""Rotating the master key: all data keys at once, or none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from registry import identifiers
from registry.access import OPERATOR
from registry.errors import Conflict
from registry.keys import data, make_data_key, master
from registry.keys.rotation import JOBS
from registry.settings import Secrets, SettingsError, make_key
from tests.conftest import Database
from tests.registry.cases.make import actions, chain_holds
from tests.registry.keys.make import Place, opened, place
from tests.registry.make import make_organisation


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Iterator[Place]:
    with place(database, tmp_path) as found:
        yield found


def rotate(here: Place, version: int = 2) -> int:
    make_key(here.folder, "master", version)
    with here.store.transaction(role=JOBS) as connection:
        return master.rotate(connection, here.secrets, version, OPERATOR).done


def wrapped_under(here: Place) -> set[int]:
    with here.admin() as admin:
        return {identifiers.key_version(row[0]) for row in admin.execute("select wrapped from register.data_key")}


def test_all_is_readable_with_the_new_file_alone(here: Place) -> None:
    before, running = opened(here), here.secrets
    assert rotate(here) == 4
    assert wrapped_under(here) == {2}
    assert opened(here) == before
    (here.folder / "master.key").unlink()
    assert opened(here) == before
    assert running.version("master", 2) == here.secrets.version("master", 2), "who runs already reads the new file"
    with here.admin() as admin:
        assert actions(admin, 0)[-1] == "master key rotated"
        states = admin.execute(
            "select version, state from register.key_version where kind = 'master' order by 1"
        ).fetchall()
    assert states == [(1, "over"), (2, "in use")]
    assert chain_holds(here.store, here.settings, 0)


def test_who_joins_afterwards_is_wrapped_by_the_key_in_use_whoever_adds_it(here: Place) -> None:
    running = here.secrets
    rotate(here)
    tenant = make_organisation(here.store, here.settings, code="RD4")
    with here.admin() as admin:
        admin.execute("delete from register.data_key where organisation_id = %s", [tenant])
    with here.store.transaction(tenants=(tenant,)) as connection:
        make_data_key(connection, running, tenant)
    assert wrapped_under(here) == {2}


def test_where_it_fails_nothing_is_changed(here: Place) -> None:
    before = opened(here)
    with here.admin() as admin:
        admin.execute("update register.data_key set wrapped = 'rubbish' where organisation_id = %s", [here.full])
        held = admin.execute("select wrapped from register.data_key order by organisation_id").fetchall()
        with pytest.raises((identifiers.IdentifierError, SettingsError)):
            rotate(here)
        assert admin.execute("select wrapped from register.data_key order by organisation_id").fetchall() == held
        assert admin.execute("select count(*) from register.key_rotation").fetchall() == [(0,)]
    assert before


def test_it_is_refused_while_another_rotation_is_under_way(here: Place) -> None:
    with here.store.transaction(role=JOBS) as connection:
        data.start(connection, here.secrets, here.one, OPERATOR)
    with pytest.raises(Conflict, match="under way"):
        rotate(here)
    assert wrapped_under(here) == {1}


def test_a_file_that_is_missing_is_named(here: Place) -> None:
    rotate(here)
    kept = here.secrets
    (here.folder / "master.2.key").unlink()
    with pytest.raises(SettingsError, match=r"master\.2\.key is missing"):
        opened(here)
    assert kept.version("master", 2)
    assert repr(Secrets.load(here.folder, ["master"])) == "Secrets(master=…)"
