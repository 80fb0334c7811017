"""The drill: the whole demonstration is backed up while it runs, goes on, is destroyed, and is there again as at a moment before that."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from registry import embedded
from registry.demo.marking import begin
from registry.embedded import Server
from registry.identifiers import IdentifierError
from registry.settings import Secrets, load
from registry.store import SYSTEM_TENANT, Store, audit
from registry.submissions.keys import open_keys
from registry.timeline import NOT_ADOPTED
from tests.deploy.cluster import Cluster, archived, cluster, counts, heads
from tests.running import free_port

pytestmark = pytest.mark.slow

MONTHS = 24
AUDITED = "a thing that happened"


@dataclass(frozen=True, slots=True)
class Drill:
    """What stood at the moment to which is restored, and the server that came of it. `lost` stood only afterwards."""

    cluster: Cluster
    restored: Server
    counts: dict[str, int]
    heads: list[tuple[int, int, bytes]]
    lost: dict[str, int]


@pytest.fixture(scope="module")
def drill() -> Iterator[Drill]:
    with cluster() as place:
        server = _demonstration(place)
        backup = place.run("take.sh", str(place.backups), server=server)
        _go_on(place, server)
        moment, held, links = _now(server), counts(server), heads(server)
        _go_on(place, server)
        lost = counts(server)
        _destroy(server)
        archived(server)
        server.stop()
        restored = _restored(place, backup, moment)
        try:
            yield Drill(place, restored, held, links, lost)
        finally:
            restored.stop()


def _demonstration(place: Cluster) -> Server:
    """`hat demo`, as the README says, on a Postgres that archives from its first second."""
    begin(load(data_dir=place.folder), MONTHS, datetime.now(UTC).date())
    server = place.start()
    port = str(free_port())
    with subprocess.Popen(
        [sys.executable, "-m", "registry", "demo"],
        env={**os.environ, "HAT_DATA_DIR": str(place.folder), "HAT_PORT": port, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        said = ""
        for line in demo.stdout:
            said += line
            if "Ctrl-C stops everything" in line:
                demo.send_signal(signal.SIGINT)
        assert demo.wait() in (0, 128 + signal.SIGINT), said
    server.stop()
    return place.start()


def _go_on(place: Cluster, server: Server) -> None:
    """The registry writes a little more, as it does all day."""
    store = _store(place, server)
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        audit.record(
            connection,
            tenant=SYSTEM_TENANT,
            actor="drill",
            role="operator",
            action=AUDITED,
            object_type="drill",
            object_id="1",
        )
    store.dispose()


def _store(place: Cluster, server: Server) -> Store:
    settings = load(data_dir=place.folder, database_url=server.address("hat"))
    return Store.from_settings(settings, roles=("hat_app", "hat_jobs"))


def _now(server: Server) -> str:
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        row = admin.execute("select clock_timestamp()::text, pg_sleep(0.05)").fetchone()
        assert row is not None
        return str(row[0])


def _destroy(server: Server) -> None:
    """What an operator's slip or an intruder does."""
    with psycopg.connect(server.admin_url.rpartition("/")[0] + "/hat", autocommit=True) as admin:
        admin.execute("drop schema records cascade")
        admin.execute("delete from published.cell")


def _restored(place: Cluster, backup: str, moment: str) -> Server:
    again = place.folder.parent / "again"
    folder = again / "postgres"
    folder.mkdir(parents=True, mode=0o711)
    again.chmod(0o755)
    shutil.chown(folder, *_owner(place.folder / "postgres" / "data"))
    place.run("restore.sh", backup, str(place.archive), str(folder / "data"), moment)
    shutil.copy2(place.folder / "postgres" / "superuser.password", folder / "superuser.password")
    server = embedded.start(folder)
    _recovered(server)
    return server


def _recovered(server: Server) -> None:
    """A server answers readers before it has read the archive to its end: wait for that, as the runbook does."""
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        while admin.execute("select pg_is_in_recovery()").fetchone() == (True,):
            admin.execute("select pg_sleep(0.05)")


def _owner(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_uid, found.st_gid


# --- what is shown


def test_every_table_holds_what_it_held_at_that_moment(drill: Drill) -> None:
    assert counts(drill.restored) == drill.counts
    assert drill.counts["records.case_record"] > 5_000
    assert drill.counts["published.cell"] > 10_000
    assert drill.lost != drill.counts


def test_the_audit_chains_end_where_they_ended_and_hold(drill: Drill) -> None:
    assert heads(drill.restored) == drill.heads
    assert len(drill.heads) > 140
    done = _hat(drill, "audit", "verify")
    assert done.returncode == 0, done.stdout
    assert f"of {len(drill.heads)} chains, 0 faults" in done.stdout


def test_no_page_of_it_is_broken(drill: Drill) -> None:
    with psycopg.connect(drill.restored.admin_url.rpartition("/")[0] + "/hat", autocommit=True) as admin:
        assert admin.execute("select sum(checksum_failures) from pg_stat_database").fetchall() == [(0,)]
        admin.execute("create extension amcheck")
        admin.execute(
            "select bt_index_check(c.oid, true) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relkind = 'i' and n.nspname !~ '^pg_'"
        )


def test_the_database_and_the_keys_are_both_needed(drill: Drill) -> None:
    store = _store(drill.cluster, drill.restored)
    secrets = Secrets.load(drill.cluster.secrets, ["master", "match"])
    with store.readonly(role="hat_jobs") as connection:
        open_keys(connection, secrets, 3)
        other = Secrets({"master": bytes(range(32)), "match": secrets["match"]})
        with pytest.raises(IdentifierError):
            open_keys(connection, other, 3)
    store.dispose()


def test_nothing_starts_on_it_until_somebody_adopts_it(drill: Drill) -> None:
    refused = _hat(drill, "serve")
    assert refused.returncode != 0
    assert NOT_ADOPTED in refused.stdout + refused.stderr
    adopted = _hat(drill, "database", "adopt")
    assert adopted.returncode == 0, adopted.stderr
    assert "The registry goes on here" in adopted.stdout
    assert "Nothing was changed" in _hat(drill, "database", "adopt").stdout
    job = _hat(drill, "run", "runs")
    assert job.returncode == 0, job.stdout + job.stderr
    with psycopg.connect(drill.restored.admin_url.rpartition("/")[0] + "/hat") as admin:
        assert admin.execute("select count(*) from register.session where ended_at is null").fetchall() == [(0,)]
        with pytest.raises(errors.InsufficientPrivilege):
            admin.execute("set role hat_app; insert into register.timeline (number) values (99)")


def _hat(drill: Drill, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "registry", *words],
        env=_environment(drill),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _environment(drill: Drill) -> dict[str, str]:
    return {
        **os.environ,
        "HAT_DATA_DIR": str(drill.cluster.folder),
        "HAT_DATABASE_URL": drill.restored.address("hat"),
        "HAT_PORT": str(free_port()),
        "HAT_WEB_PROCESSES": "1",
    }
