"""The real service for tests: web and worker as processes of their own, on a real Postgres, their logs in files.

Each process leads a group of its own, so that it can be killed with all that it started; nothing else is ever signalled.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import httpx2 as httpx

from registry import processes
from registry.access import OPERATOR, Role
from registry.accounts import tokens
from registry.settings import Settings
from registry.store import SYSTEM_TENANT
from tests.registry.web.visitors import House

ROOT = Path(__file__).parents[1]
START_SECONDS = 180.0
STOP_SECONDS = 60.0
SEPARATELY_KILLED = -signal.SIGKILL


class Program:
    """One command of the service as a process; it may be started again after its end. Its log is added to."""

    def __init__(self, command: str, log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self._arguments = [sys.executable, "-m", "registry", command]
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def number(self) -> int:
        """Its process number."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        assert not self.alive
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._arguments,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """-9 for the whole group, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int | None:
        """Ask it to end; gives its exit status."""
        self._signal(signal.SIGTERM)
        return None if self._process is None else self._process.returncode

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)
            raise


@dataclass(frozen=True)
class Service:
    """Web and worker on one set of settings."""

    settings: Settings
    web: Program
    worker: Program

    @property
    def address(self) -> str:
        return self.settings.base_url

    def start(self) -> None:
        """Start whatever of it does not run; gives when pages are answered from the database."""
        for each in (self.web, self.worker):
            if not each.alive:
                each.start()
        until(self.answers, START_SECONDS, f"the service does not answer:\n{self.words()}")

    def answers(self) -> bool:
        assert self.web.alive, f"the web process ended:\n{self.words()}"
        try:
            return httpx.get(f"{self.address}/", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        for each in (self.web, self.worker):
            each.kill()

    def stop(self) -> None:
        for each in (self.web, self.worker):
            each.stop()

    def words(self) -> str:
        """The ends of both logs."""
        return "\n".join(each.log.read_text()[-2000:] for each in (self.web, self.worker) if each.log.exists())


@contextmanager
def service(settings: Settings, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Service]:
    """Web and worker, running, with `more` in their environment; ended with the block, killed if they do not end."""
    folder = settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**environment_of(settings), **more}
    made = Service(
        settings,
        Program("serve", folder / "web.log", environment),
        Program("work", folder / "worker.log", environment),
    )
    try:
        made.start()
        yield made
        made.stop()
    finally:
        made.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """What a process of the service is given: these settings and a path, nothing of the tests' own environment."""
    given = {
        "HAT_DATA_DIR": str(settings.data_dir),
        "HAT_SECRETS_DIR": str(settings.secrets_dir),
        "HAT_PORT": str(settings.port),
        "HAT_DEMO": str(settings.demo).lower(),
        "HAT_SMALL_ROWS": str(settings.small_rows),
        # The Postgres that tests share gives up durability; an embedded one of their own does not.
        "HAT_CRASH_SAFE": str(settings.database_url is None).lower(),
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
    }
    more = {
        "database_url",
        "public_database_url",
        "web_processes",
        "metrics",
        "traces",
        "provider",
    } & settings.model_fields_set
    return given | processes.environment(
        Settings.model_construct(more, **{name: getattr(settings, name) for name in more})
    )


def free_port() -> int:
    """A port of ours: below the range from which systems take ports for outgoing connections."""
    for port in random.SystemRandom().sample(range(15432, 30000), 50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port was found")


def until(reached: Callable[[], bool], seconds: float, words: str, pause: float = 0.05) -> None:
    """Wait for something that another process brings about."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, words
        time.sleep(pause)


def token(house: House, *codes: str, role: Role = Role.TRUST_UPLOADER) -> str:
    """A program's token for some organisations."""
    name = f"somebody-{uuid4().hex[:8]}"
    person = house.person(name)
    ids = [house.ids[code] for code in codes]
    with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return tokens.make(connection, name=name, role=role, organisations=ids, by=OPERATOR, made_by=person)
