"""A standby that follows the database by streaming: it answers the public pages, also while the database is away, and can take over."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest
from prometheus_client import generate_latest
from starlette.testclient import TestClient

from registry import database as making
from registry import embedded
from registry.access import OPERATOR
from registry.app import create_app
from registry.embedded import Server
from registry.embedded.program import account_for, program_for
from registry.operation.exposed import of_worker
from registry.operation.standby import standby
from registry.settings import Settings, load
from registry.store import Store
from registry.timeline import adopt, is_adopted
from tests.conftest import Database
from tests.deploy.cluster import Cluster, cluster
from tests.registry.web.released import Published, month, publish, trust
from tests.running import until

pytestmark = pytest.mark.slow

ROLES = ("hat_app", "hat_reader", "hat_national", "hat_jobs")
PAGES = ("/", "/figures", "/figures/trusts/RA1")


@dataclass(frozen=True, slots=True)
class Pair:
    """A database and its standby, and a registry whose public pages the standby answers."""

    cluster: Cluster
    primary: Server
    standby: Server
    settings: Settings
    store: Store
    http: TestClient


@pytest.fixture
def pair() -> Iterator[Pair]:
    with cluster() as place:
        primary = place.start()
        making.prepare(primary.admin_url, place.secrets)
        standby = _standby(place, primary)
        settings = load(
            data_dir=place.folder, database_url=primary.address("hat"), public_database_url=standby.address("hat")
        )
        store = Store.from_settings(settings, roles=ROLES)
        try:
            http = TestClient(create_app(settings, store), base_url=settings.base_url, follow_redirects=False)
            yield Pair(place, primary, standby, settings, store, http)
        finally:
            store.dispose()
            for server in (standby, primary):
                server.stop()


def _standby(place: Cluster, primary: Server) -> Server:
    """Made by the script that operators run, on the password file that it goes on reading."""
    folder = place.folder.parent / "standby" / "postgres"
    folder.mkdir(parents=True, mode=0o711)
    folder.parent.chmod(0o755)
    found = (place.folder / "postgres" / "data").stat()
    shutil.chown(folder, found.st_uid, found.st_gid)
    place.run("standby.sh", str(folder / "data"), server=primary)
    shutil.copy2(place.folder / "postgres" / "superuser.password", folder / "superuser.password")
    return embedded.start(folder, settings={"wal_retrieve_retry_interval": "200ms"})


def _released(pair: Pair) -> None:
    members = [trust("RA1", "Y58"), trust("RB1", "Y56")]
    months = [month(each, date(2026, 8, 1), 36) for each in members]
    inside = pair.primary.admin_url.rpartition("/")[0] + "/hat"
    publish(Database("hat", pair.primary.address("hat"), inside, pair.cluster.secrets), Published(months, members))


def _statuses(pair: Pair) -> list[int]:
    return [pair.http.get(path).status_code for path in PAGES]


def _checks(pair: Pair) -> dict[str, object]:
    answer = pair.http.get("/readyz").json()
    return {**answer["checks"], "follows": answer.get("standby", {}).get("follows")}


def _numbers(pair: Pair) -> str:
    return generate_latest(of_worker(standby(pair.store))).decode()


def test_public_pages_are_answered_while_the_database_is_away(pair: Pair) -> None:
    """One story, since each server costs seconds."""
    _what_is_released_comes_over(pair)
    _nothing_can_be_written_there(pair)
    pair.primary.stop()
    _pages_go_on(pair)
    again = embedded.start(pair.primary.folder)
    assert again.port == pair.primary.port
    until(lambda: _checks(pair)["follows"] is True, 60, "the standby does not follow again")
    assert pair.http.get("/readyz").status_code == 200
    again.stop()
    _it_can_take_over(pair)


def _what_is_released_comes_over(pair: Pair) -> None:
    _released(pair)
    until(lambda: _statuses(pair) == [200, 200, 200], 60, "the release does not come over")
    assert _checks(pair) == {"service": True, "public": True, "adopted": True, "follows": True}
    assert "hat_standby_follows 1.0" in _numbers(pair)
    assert "hat_standby_behind_seconds" in _numbers(pair)


def _nothing_can_be_written_there(pair: Pair) -> None:
    with pair.store.readonly(role="hat_reader") as connection:
        assert connection.exec_driver_sql("select pg_is_in_recovery()").scalar_one()
    with pair.store.readonly() as connection:
        assert not connection.exec_driver_sql("select pg_is_in_recovery()").scalar_one()


def _pages_go_on(pair: Pair) -> None:
    until(lambda: _checks(pair)["follows"] is False, 60, "the standby does not notice")
    assert _statuses(pair) == [200, 200, 200]
    assert pair.http.get("/readyz").status_code == 503
    assert _checks(pair) == {"service": False, "public": True, "adopted": False, "follows": False}
    assert "hat_standby_follows 0.0" in _numbers(pair)
    assert "hat_public_database_up 1.0" in _numbers(pair)


def _it_can_take_over(pair: Pair) -> None:
    """On a timeline of its own, which somebody has to adopt before anything starts on it."""
    _promote(pair)
    chosen = pair.settings.model_copy(update={"database_url": pair.standby.address("hat"), "public_database_url": None})
    store = Store.from_settings(chosen, roles=ROLES)
    try:
        with store.transaction(role="hat_jobs") as connection:
            assert not is_adopted(connection)
            adopt(connection, OPERATOR)
        with store.readonly() as connection:
            assert is_adopted(connection)
    finally:
        store.dispose()


def _promote(pair: Pair) -> None:
    folder = pair.standby.folder
    account = account_for(folder)
    program = program_for(folder, folder, account)
    subprocess.run(
        [program / "bin" / "pg_ctl", "promote", "--wait", "--pgdata", folder / "data"],
        user=account.uid if account else None, group=account.gid if account else None, cwd="/", check=True,
        capture_output=True,
    )  # fmt: skip
    with psycopg.connect(pair.standby.admin_url) as admin:
        assert admin.execute("select pg_is_in_recovery()").fetchone() == (False,)
