"""The database as the last release leaves it, with rows of every kind, kept as a dump: what the next release has to take along.

`python -m tests.deploy.last_release` writes it anew, at each release, from the code that is released. Its keys are made from their names,
so that what is sealed in it can be opened again; they are good for nothing else.
"""

import gzip
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from starlette.testclient import TestClient

from registry import database as making
from registry import embedded, publications
from registry.app import create_app
from registry.embedded import Server
from registry.embedded.program import account_for, program_for
from registry.settings import LOGINS, Secrets, Settings, load
from registry.store import Store
from tests.conftest import Database
from tests.deploy.cluster import counts
from tests.make import cases, csv_bytes, valid
from tests.registry.web.released import Published, month, publish, trust
from tests.registry.web.visitors import house
from tests.running import token

FOLDER = Path(__file__).parent / "released"
DUMP, FACTS = FOLDER / "last.sql.gz", FOLDER / "last.json"
CODE = "RRV"
KEYS = ("context", "match", "master", "audit", "offset", "signing")
CASES = 30


def keys(folder: Path) -> None:
    """The keys of the dump."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in KEYS:
        path = folder / f"{name}.key"
        path.write_text(hashlib.sha256(f"the last release: {name}".encode()).hexdigest(), "ascii")
        path.chmod(0o400)


def make() -> None:
    """Write the dump and what is known of it, from the code that runs."""
    with tempfile.TemporaryDirectory(prefix="hat-release-") as root:
        folder = Path(root)
        folder.chmod(0o755)
        keys(folder / "secrets")
        server = embedded.start(folder / "postgres", durable=False)
        try:
            making.prepare(server.admin_url, folder / "secrets")
            settings = load(data_dir=folder, database_url=server.address("hat"))
            facts = _fill(settings, server)
            FOLDER.mkdir(exist_ok=True)
            DUMP.write_bytes(gzip.compress(run(server, "pg_dump", "--dbname", _inside(server)), mtime=0))
            FACTS.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        finally:
            server.stop()


def _fill(settings: Settings, server: Server) -> Mapping[str, object]:
    store = Store.from_settings(settings, roles=LOGINS)
    try:
        secret = token(house(settings, store), CODE)
        for kind, rows in rows_sent().items():
            send(settings, store, secret, kind, rows)
        held = Secrets.load(settings.secrets_dir, ["match", "master", "offset", "signing", "audit"])
        publications.count(store, held, settings, datetime(2026, 2, 1, tzinfo=UTC))
    finally:
        store.dispose()
    _release(settings, server)
    return {"migration": _newest(server), "counts": counts(server)}


def rows_sent() -> dict[str, list[dict[str, str]]]:
    """What the trust sent, by kind."""
    numbered = [each["local_case_id"] for each in cases(CASES)]
    reviews = [valid("rca", local_case_id=number) for number in numbered[: CASES // 2]]
    return {"case": cases(CASES), "rca": reviews, "activity": [valid("activity")]}


def send(settings: Settings, store: Store, secret: str, kind: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    """One file, at the door for programs; gives the outcome."""
    app = create_app(settings, store)
    with TestClient(app, base_url=settings.base_url, headers={"Authorization": f"Bearer {secret}"}) as http:
        answer = http.post(
            f"/api/submissions?kind={kind}&format=csv&opt_out_screened=true",
            content=csv_bytes(rows),
            headers={"Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"},
        )
    assert answer.status_code in (200, 201), answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


def _release(settings: Settings, server: Server) -> None:
    members = [trust("RRV", "Y56"), trust("RH5", "Y58")]
    months = [month(each, date(2025, number, 1), 36) for each in members for number in range(1, 13)]
    address = str(settings.database_url)
    publish(Database("hat", address, _inside(server), settings.secrets_dir), Published(months, members))


def _newest(server: Server) -> str:
    with psycopg.connect(_inside(server)) as admin:
        row = admin.execute("select version_num from sec.migration").fetchone()
    assert row is not None
    return str(row[0])


def restore(server: Server, secrets: Path) -> Mapping[str, Any]:
    """Make the registry of the last release on a server of its own: roles, keys, rows; gives what is known of it."""
    keys(secrets)
    making.create(server.admin_url, secrets)
    run(
        server,
        "psql",
        "--quiet",
        "--set",
        "ON_ERROR_STOP=1",
        "--dbname",
        _inside(server),
        given=gzip.decompress(DUMP.read_bytes()),
    )
    facts: dict[str, Any] = json.loads(FACTS.read_text("utf-8"))
    return facts


def run(server: Server, name: str, *words: str, given: bytes = b"") -> bytes:
    """One of the programs that come with Postgres."""
    account = account_for(server.folder)
    program = program_for(server.folder, server.folder, account) / "bin" / name
    done = subprocess.run([program, *words], input=given, capture_output=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _inside(server: Server) -> str:
    return server.admin_url.rpartition("/")[0] + "/hat"


if __name__ == "__main__":
    make()
