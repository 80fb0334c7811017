"""From the last release to this one: its rows come along, and its code goes on working while the new schema stands already.

A deployment migrates first and then restarts web and worker one by one, so old code meets the new schema for a while. New code never
meets the old schema: it is not started before the migration has ended (compose's `depends_on`, systemd's `Before`).
"""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psycopg
import pytest

from registry import database as making
from registry import embedded
from registry.access import OPERATOR, Role
from registry.accounts import tokens
from registry.embedded import Server
from registry.register import organisations
from registry.settings import LOGINS, Settings, load, role_url
from registry.store import SYSTEM_TENANT, Store
from tests.deploy.cluster import cluster, counts
from tests.deploy.last_release import CASES, CODE, restore, rows_sent, send
from tests.deploy.linting import revisions
from tests.make import csv_bytes
from tests.running import environment_of, free_port, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COLUMNS = """select table_schema || '.' || table_name || '.' || column_name, (data_type, is_nullable, column_default is null)::text
  from information_schema.columns where table_schema in ('register', 'records', 'linkage', 'figures', 'release', 'published')"""
GRANTS = """select table_schema || '.' || table_name || '.' || column_name || ' ' || grantee || ' ' || privilege_type
  from information_schema.column_privileges where grantee like 'hat\\_%' and grantee <> 'hat_owner'"""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The last release's database, migrated; what it held and how it was made before."""

    server: Server
    settings: Settings
    store: Store
    facts: Mapping[str, Any]
    columns: Mapping[str, str]
    grants: frozenset[str]
    secret: str


@pytest.fixture(scope="module")
def upgraded() -> Iterator[Upgraded]:
    with cluster() as place:
        server = embedded.start(place.folder / "postgres", durable=False)
        try:
            facts = restore(server, place.secrets)
            columns, grants = _columns(server), _grants(server)
            url = role_url(server.address("hat"), place.secrets, "hat_migrator")
            making.migrate(url, place.secrets)
            settings = load(data_dir=place.folder, database_url=server.address("hat"), port=free_port())
            store = Store.from_settings(settings, roles=LOGINS)
            yield Upgraded(server, settings, store, facts, columns, grants, _token(store))
            store.dispose()
        finally:
            server.stop()


def _asked(server: Server, statement: str) -> list[tuple[str, ...]]:
    with psycopg.connect(server.admin_url.rpartition("/")[0] + "/hat") as admin:
        return admin.execute(statement.encode()).fetchall()


def _columns(server: Server) -> dict[str, str]:
    return dict(_asked(server, COLUMNS))  # type: ignore[arg-type] # two columns of text


def _grants(server: Server) -> frozenset[str]:
    return frozenset(each for (each,) in _asked(server, GRANTS))


def _token(store: Store) -> str:
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        person = connection.exec_driver_sql("select id from register.person limit 1").scalar_one()
        ids = [each.id for each in organisations(connection) if each.code == CODE]
        return tokens.make(
            connection, name="again", role=Role.TRUST_UPLOADER, organisations=ids, by=OPERATOR, made_by=person
        )


# --- what is shown


def test_every_row_of_the_last_release_comes_along(upgraded: Upgraded) -> None:
    assert _asked(upgraded.server, "select version_num from sec.migration") == [(revisions()[-1],)]
    assert revisions().index(upgraded.facts["migration"]) < len(revisions()) - 1
    found = counts(upgraded.server)
    before = {table: number for table, number in upgraded.facts["counts"].items() if number}
    fewer = {table for table, number in before.items() if found.get(table, 0) < number}
    assert fewer == set()
    assert before["records.case_version"] == CASES


def test_what_was_sealed_and_chained_before_is_opened_and_holds(upgraded: Upgraded) -> None:
    """The same file again is recognised row by row, which needs the keys; and the audit chains go on."""
    outcome = send(upgraded.settings, upgraded.store, upgraded.secret, "case", rows_sent()["case"])
    assert (outcome["state"], outcome["counts"]["unchanged"]) == ("accepted", CASES)
    reviews = send(upgraded.settings, upgraded.store, upgraded.secret, "rca", rows_sent()["rca"])
    assert (reviews["state"], reviews["counts"]["unchanged"]) == ("accepted", CASES // 2)
    verified = _hat(ROOT, upgraded.settings, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "0 faults" in verified.stdout


def test_nothing_is_taken_away_that_old_code_uses(upgraded: Upgraded) -> None:
    """Expand first: every column and right is still there, none is needed that old code does not fill."""
    now = _columns(upgraded.server)
    assert {name: now.get(name) for name in upgraded.columns} == dict(upgraded.columns)
    tables = {name.rpartition(".")[0] for name in upgraded.columns}
    added = {name: words for name, words in now.items() if name not in upgraded.columns}
    needed = {name for name, words in added.items() if name.rpartition(".")[0] in tables and words.endswith(",NO,t)")}
    assert needed == set()
    assert upgraded.grants - _grants(upgraded.server) == set()


def test_old_code_works_on_the_new_schema(upgraded: Upgraded, tmp_path: Path, record_property: Any) -> None:
    """The code as it was before the newest migration, from the repository's history. A clone without history holds none: then it is
    said so in the report, and the test above stands alone."""
    old = _old_code(tmp_path)
    record_property("old code", str(old and old[1]))
    if old is None:
        return
    environment = environment_of(upgraded.settings) | {"PYTHONPATH": str(old[0]), "HAT_WEB_PROCESSES": "1"}
    log = tmp_path / "old.log"
    with log.open("wb") as into:
        web = subprocess.Popen(
            [sys.executable, "-m", "registry", "serve"], cwd=old[0], env=environment, stdout=into, stderr=into
        )
    try:
        until(lambda: _answers(upgraded.settings, web), 180, f"old code does not start: {log.read_text()[-1000:]}")
        _works(upgraded)
    finally:
        web.terminate()
        web.wait(30)
    done = _hat(old[0], upgraded.settings, "run", "refresh")
    assert done.returncode == 0, done.stdout + done.stderr


def _old_code(folder: Path) -> tuple[Path, str] | None:
    newest = max((ROOT / "migrations" / "versions").glob("0*.py")).relative_to(ROOT)
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest)).decode().strip()
    before = _git("rev-parse", "--verify", "--quiet", f"{added}^").decode().strip() if added else ""
    if not before:
        return None
    target = folder / "old"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", before))) as packed:
        packed.extractall(target, filter="data")
    return target, before


def _git(*words: str) -> bytes:
    """Nothing where there is no history."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False).stdout


def _answers(settings: Settings, web: "subprocess.Popen[bytes]") -> bool:
    assert web.poll() is None
    try:
        return httpx.get(f"{settings.base_url}/", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _works(upgraded: Upgraded) -> None:
    headers = {"Authorization": f"Bearer {upgraded.secret}"}
    with httpx.Client(base_url=upgraded.settings.base_url, headers=headers, timeout=60) as http:
        for kind, rows in rows_sent().items():
            changed = [row | ({"sender_reference": "x"} if "sender_reference" in row else {}) for row in rows]
            answer = http.post(
                f"/api/submissions?kind={kind}&format=csv&opt_out_screened=true",
                content=csv_bytes(changed),
                headers={"Idempotency-Key": f"old-{kind}", "Content-Type": "text/csv"},
            )
            assert (answer.status_code, answer.json()["state"]) == (201, "accepted"), answer.text
        for path in ("/", "/figures", "/figures/trusts", "/api/submissions", "/readyz"):
            assert http.get(path).status_code == 200, path


def _hat(code: Path, settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **environment_of(settings), "PYTHONPATH": str(code)}
    command = [sys.executable, "-m", "registry", *words]
    return subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True, timeout=180, check=False)
