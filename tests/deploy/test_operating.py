"""An installation as `deploy/README.md` says, without containers: made, started from the deployed settings, used through the proxy, and
then gone through the runbook, command by command."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from uuid import uuid4

import httpx2 as httpx
import psycopg
import pytest

from registry.embedded import Server
from registry.embedded.program import Account, account_for, program_for
from registry.register import organisations
from registry.settings import LOGINS, Settings, load
from registry.store import SYSTEM_TENANT, Store
from tests.deploy.cluster import Cluster, archived, cluster
from tests.deploy.parts import Part, of_compose, of_unit, short_port
from tests.deploy.proxy import NAME, certificate
from tests.deploy.runbook import DEPLOY, ROOT, Block, blocks, pages, run
from tests.journeys.browsing import program
from tests.make import cases, csv_bytes
from tests.registry.web.visitors import House
from tests.running import free_port, token, until

CODE = "RRV"
START_SECONDS = 400.0


def test_blocks_that_are_not_run_here_are_at_least_sound() -> None:
    found = [block for page in pages() for block in blocks(page)]
    assert len(found) > 15
    assert {block.facts.get("needs", "containers") for block in found} == {"containers", "systemd"}
    for block in found:
        assert subprocess.run(["/bin/sh", "-n"], input=block.text, text=True, check=False).returncode == 0, block.text
        for path in re.findall(r"\bdeploy/[\w./-]+\w", block.text):
            assert (ROOT / path).exists(), path


def test_alarms_and_pages_name_numbers_that_there_are() -> None:
    known = set()
    for path in (ROOT / "registry" / "operation").glob("*.py"):
        known |= set(re.findall(r'"(hat_[a-z_]+)"', path.read_text("utf-8")))
    for path in (DEPLOY / "prometheus" / "alerts.yaml", DEPLOY / "runbook" / "incident.md"):
        named = {each.removesuffix("_total") for each in re.findall(r"\bhat_[a-z_]+\b", path.read_text("utf-8"))}
        assert named <= known, named - known


@dataclass
class Operated:
    """An installation: its database, its parts, and what its operator has in the environment."""

    cluster: Cluster
    server: Server
    account: Account | None
    settings: Settings
    environment: dict[str, str]
    tls: SSLContext
    parts: dict[str, Part]

    @property
    def base_url(self) -> str:
        return self.environment["HAT_BASE_URL"]

    def run(self, page: str) -> str:
        """All blocks of a page that can be run here; gives what they print."""
        return "".join(self._run(block) for block in blocks(page) if block.here)

    def _run(self, block: Block) -> str:
        if "$MOMENT" in block.text:
            self.environment["MOMENT"] = _moment(self)
        return run(block, self.environment, self.account)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, verify=self.tls, timeout=60)


def _moment(here: Operated) -> str:
    with psycopg.connect(here.server.admin_url, autocommit=True) as admin:
        row = admin.execute("select clock_timestamp()::text, pg_sleep(0.05)").fetchone()
        assert row is not None
        admin.execute("create table passed (at timestamptz default now())")  # something after it, so that it is passed
    archived(here.server)
    return str(row[0])


@pytest.fixture
def operated() -> Iterator[Operated]:
    with cluster() as place, ExitStack() as over:
        server = place.start()
        over.callback(server.stop)
        account = account_for(place.folder / "postgres")
        made = Operated(
            place, server, account, load(), _environment(place, server, account), certificate(place.folder), {}
        )
        made.run("README.md")
        made.settings = load(
            data_dir=place.folder, database_url=server.address("hat"), secrets_dir=made.environment["HAT_SECRETS_DIR"]
        )
        _start(made, over)
        yield made


def _environment(place: Cluster, server: Server, account: Account | None) -> dict[str, str]:
    """What the pages take for granted: addresses, folders, logins."""
    root = place.folder.parent
    for name in ("restored", "standby", "evidence"):
        (root / name).mkdir()
        if account is not None:
            os.chown(root / name, account.uid, account.gid)
    binaries = program_for(place.folder / "postgres", place.folder / "postgres", account) / "bin"
    ports = {name: str(free_port()) for name in ("LISTEN", "REDIRECT", "WORKER", "RESTORED", "STANDBY")}
    webs = (short_port(), short_port())
    listen = f"127.0.0.1:{ports['LISTEN']}"
    return {
        "PATH": f"{Path(sys.executable).parent}:{binaries}:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "HAT_DATA_DIR": str(place.folder),
        "HAT_SECRETS_DIR": str(root / "all"),
        "HAT_DATABASE_URL": server.address("hat"),
        "HAT_BASE_URL": f"https://{NAME}:{ports['LISTEN']}",
        "ADMIN_URL": server.admin_url,
        "PARTS": str(root / "parts"),
        "NAME": NAME,
        "CERTIFICATES": str(place.folder),
        "WEBS": " ".join(f"127.0.0.1:{each}" for each in webs),
        "FILLED": str(place.folder / "nginx.conf"),
        "HAT_LISTEN": listen,
        "HAT_REDIRECT": f"127.0.0.1:{ports['REDIRECT']}",
        "HAT_RUN": str(place.folder),
        "BACKUPS": str(place.backups),
        "ARCHIVE": str(place.archive),
        "RESTORED": str(root / "restored" / "data"),
        "RESTORED_PORT": ports["RESTORED"],
        "STANDBY": str(root / "standby" / "data"),
        "STANDBY_PORT": ports["STANDBY"],
        "EVIDENCE": str(root / "evidence"),
        "LOGS": str(place.folder),
        "WEB_PORT": str(webs[0]),
        "WORKER_METRICS_PORT": ports["WORKER"],
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "PGUSER": "hat_backup",
        "PGPASSFILE": str(place.backups / "pgpass"),
    }


def _start(here: Operated, over: ExitStack) -> None:
    """Two webs, one as a unit and one as a container would be; the worker as a unit; nginx on what the page filled in."""
    given, folder = here.environment, here.cluster.folder
    _passwords(here)
    parts = Path(given["PARTS"])
    first, second = (each.rpartition(":")[2] for each in given["WEBS"].split())
    common = {name: given[name] for name in ("HAT_DATABASE_URL", "HAT_BASE_URL", "HAT_DATA_DIR")}
    disks = {"HAT_METRICS__CERTIFICATE": str(folder / "certificate.pem"), "HAT_METRICS__DISKS": "{}"}
    worker = {"HAT_METRICS__WORKER_PORT": given["WORKER_METRICS_PORT"], "HAT_SECRETS_DIR": str(parts / "worker")}
    contained = {"HAT_HOST": "127.0.0.1", "HAT_PORT": second, "HAT_METRICS__HOST": "127.0.0.1",
                 "HAT_METRICS__WEB_PORT": f"1{second}", "HAT_METRICS__FOLDER": str(folder / "counts"), "HAT_WEB_PROCESSES": "1"}  # fmt: skip
    here.parts = {
        "unit": of_unit("hat-web@.service", first, parts / "web", common | disks, folder),
        "container": of_compose("web", parts / "web", common | contained, folder),
        "worker": of_unit("hat-worker.service", "", parts / "worker", common | disks | worker, folder),
    }
    for part in here.parts.values():
        part.start()
        over.callback(part.end)
    nginx = program("nginx", "nginx-light")
    words = [nginx, "-c", given["FILLED"], "-e", str(folder / "nginx.log")]
    checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    proxy = subprocess.Popen([*words, "-g", "daemon off;"])
    over.callback(proxy.wait, 20)
    over.callback(proxy.terminate)
    for name in ("unit", "container"):
        _wait_for(here, name)
    until(lambda: _asked(f"http://127.0.0.1:{given['WORKER_METRICS_PORT']}/metrics") == 200, START_SECONDS, "no worker")


def _wait_for(here: Operated, name: str) -> None:
    """A generous time: on a busy machine a start takes minutes."""
    try:
        until(lambda: _ready(here, name), START_SECONDS, f"{name} is not ready")
    except AssertionError as error:
        error.add_note(here.parts[name].log.read_text("utf-8")[-2000:])
        raise


def _passwords(here: Operated) -> None:
    """The password file of whoever copies and mends the cluster."""
    path = Path(here.environment["PGPASSFILE"])
    backup = (Path(here.environment["PARTS"]) / "backup" / "hat_backup.password").read_text("ascii").strip()
    path.write_text(f"127.0.0.1:*:*:hat_backup:{backup}\n127.0.0.1:*:*:postgres:{here.server.password}\n", "ascii")
    path.chmod(0o600)
    if here.account is not None:
        os.chown(path, here.account.uid, here.account.gid)


def _ready(here: Operated, name: str) -> bool:
    part = here.parts[name]
    assert part.process is not None
    assert part.process.poll() is None, part.log.read_text("utf-8")[-2000:]
    return _asked(f"http://127.0.0.1:{part.port}/readyz") == 200


def _asked(address: str) -> int:
    try:
        return httpx.get(address, timeout=5).status_code
    except httpx.TransportError:
        return 0


# --- the story


@pytest.mark.slow
def test_an_installation_is_used_and_operated_as_the_pages_say(operated: Operated) -> None:
    """One story, since everything in it takes seconds to start."""
    _each_part_has_its_own_secrets_only(operated)
    secret = _secret(operated)
    operated.environment["REQUEST"] = _sent(operated, secret, new=5)
    _one_web_is_enough(operated, secret)
    assert "The database is at the newest migration." in operated.run("runbook/upgrade.md")
    said = operated.run("runbook/incident.md")
    assert '"route": "/api/submissions"' in said
    assert " 0 faults" in said
    operated.run("runbook/standby.md")
    assert "The registry goes on here" in operated.run("runbook/restore.md")
    _sent(operated, secret, new=0)


def _each_part_has_its_own_secrets_only(here: Operated) -> None:
    parts = Path(here.environment["PARTS"])
    held = {part.name: {each.name for each in part.iterdir()} for part in parts.iterdir()}
    assert held["migrator"] == {"hat_migrator.password", "context.key"}
    assert held["backup"] == {"hat_backup.password"}
    assert {each for each in held["web"] if each.endswith(".password")} == {
        "hat_app.password", "hat_reader.password", "hat_national.password"
    }  # fmt: skip
    assert "hat_jobs.password" in held["worker"]
    assert "hat_reader.password" not in held["worker"]
    assert {oct(each.stat().st_mode & 0o777) for part in parts.iterdir() for each in part.iterdir()} == {"0o400"}


def _secret(here: Operated) -> str:
    store = Store.from_settings(here.settings, roles=LOGINS)
    try:
        with store.readonly(tenants=[SYSTEM_TENANT]) as connection:
            ids = {each.code: each.id for each in organisations(connection)}
        return token(House(here.settings, store, ids), CODE)
    finally:
        store.dispose()


def _sent(here: Operated, secret: str, *, new: int) -> str:
    """The same five cases each time, through the proxy; gives the request's number."""
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"}
    with here.http() as http:
        address = "/api/submissions?kind=case&format=csv&opt_out_screened=true"
        answer = http.post(address, content=csv_bytes(cases(5)), headers=headers)
        assert answer.status_code == 201, answer.text
        assert (answer.json()["counts"]["new"], answer.json()["counts"]["unchanged"]) == (new, 5 - new)
        assert {http.get(path).status_code for path in ("/", "/figures")} == {200}
        assert {http.get(path).status_code for path in ("/metrics", "/healthz", "/readyz")} == {404}
    return answer.headers["x-request-id"]


def _one_web_is_enough(here: Operated, secret: str) -> None:
    """As while one is restarted: no caller notices."""
    part = here.parts["unit"]
    part.end()
    for _ in range(4):
        _sent(here, secret, new=0)
    part.start()
    _wait_for(here, "unit")
