"""One machine with everything on it, for tests that break it: a durable Postgres, the service on it, and programs that send all the while.

Only processes that were started here are ended, each by its own number.
"""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psutil
import psycopg

from registry import database as making
from registry import embedded
from registry.embedded import Server
from registry.embedded.making import SUPERUSER
from registry.settings import Settings, load
from registry.store import Store
from registry.store.connections import DATABASE
from tests.attack.sending import Sender, acknowledged
from tests.attack.whole import Held
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house
from tests.running import Service, free_port, service, token, until

TRUSTS = ("RRV", "RH5", "7A4")
ROLES = ("hat_app", "hat_jobs", "hat_auditor")
SERVED = ("hat_app", "hat_jobs")


@dataclass
class Machine:
    """One machine with everything on it."""

    settings: Settings
    server: Server
    service: Service
    house: House

    @property
    def tenants(self) -> list[int]:
        return [self.house.ids[code] for code in TRUSTS]

    @property
    def admin_url(self) -> str:
        """The superuser's address of the registry's database."""
        return self.server.url(SUPERUSER, self.server.password, DATABASE)

    def kill_postgres(self) -> None:
        """Kill the postmaster; its children end by themselves when they notice."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()  # it is dead; this takes its exit status

    def start_postgres(self) -> None:
        port = self.server.port
        self.server = embedded.start(self.settings.postgres_dir)
        assert self.server.port == port, "another program took the port meanwhile"

    def restart_postgres(self) -> None:
        """As `pg_ctl restart -m fast`: sessions are cut off where they stand."""
        self.server.stop()
        self.start_postgres()

    def kill_backend(self, chance: random.Random) -> None:
        """Kill a process of Postgres that serves the web or the worker, and wait until Postgres, which then ends all others, is back."""
        served = [each for each in psutil.Process(self.server.pid).children() if _serves(each)]
        assert served, "nobody is served"
        killed = chance.choice(served)
        killed.kill()
        until(lambda: not killed.is_running(), 60, "the killed process stays")
        until(self.answers, 120, "Postgres does not come back")

    def answers(self) -> bool:
        """Whether Postgres takes sessions again."""
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @contextmanager
    def looked_into(self) -> Iterator[Held]:
        with psycopg.connect(self.admin_url, autocommit=True) as admin, closing_store(self.settings) as store:
            yield Held(admin, store, self.settings)

    def sender(self, code: str, number: int = 1) -> Sender:
        """A program of a trust."""
        return Sender(number, self.house.ids[code], token(self.house, code), self.service.address)


def _serves(process: psutil.Process) -> bool:
    try:
        words = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False
    return any(f" {role} " in words for role in SERVED)


@contextmanager
def closing_store(settings: Settings) -> Iterator[Store]:
    store = Store.from_settings(settings, roles=ROLES)
    try:
        yield store
    finally:
        store.dispose()


@contextmanager
def whole_machine() -> Iterator[Machine]:
    """A machine of its own, gone at the end."""
    root = Path(tempfile.mkdtemp(prefix="hat-lost-"))
    try:
        with machine_in(root) as made:
            yield made
    finally:
        shutil.rmtree(root)


@contextmanager
def machine_in(root: Path) -> Iterator[Machine]:
    """A machine with its data in this folder; its processes are ended with the block."""
    server = embedded.start(root / "postgres")
    running = None
    try:
        settings = load(data_dir=root, port=free_port(), demo=True)
        making.prepare(server.admin_url, settings.secrets_dir)
        with closing_store(settings) as store, service(settings) as started:
            full = house(settings, store)
            screened(full)
            running = Machine(settings, server, started, full)
            yield running
    finally:
        (running.server if running else server).stop()


@contextmanager
def sending(senders: list[Sender]) -> Iterator["Sending"]:
    """All of them at work as long as the block lasts; fails afterwards if one of them met an answer that no sound service gives."""
    stop = Event()
    with ThreadPoolExecutor(len(senders)) as pool:
        futures = [pool.submit(sender.run, stop) for sender in senders]
        try:
            yield Sending(senders, futures, stop)
        finally:
            stop.set()
    for each in futures:
        each.result()


@dataclass(frozen=True)
class Sending:
    """Programs at work."""

    senders: list[Sender]
    futures: list[Future[None]]
    stop: Event

    def pause(self, seconds: float) -> None:
        """Let them work on for a moment."""
        self.stop.wait(seconds)

    def wait_for_more(self, more: int, seconds: float = 240) -> float:
        """Until so many more files were acknowledged; gives the seconds that it took."""
        began, before = time.monotonic(), acknowledged(self.senders)

        def reached() -> bool:
            for each in self.futures:
                if each.done():
                    each.result()
            return acknowledged(self.senders) >= before + more

        until(reached, seconds, "nothing is acknowledged any more", pause=0.01)
        return time.monotonic() - began


def nothing_waits(held: Held) -> bool:
    row = held.admin.execute("select count(*) from records.submission where state = 'received'").fetchone()
    return row == (0,)


def shown(url: str, *names: str) -> list[str]:
    """Settings of the server."""
    with closing(psycopg.connect(url)) as admin:
        found = (admin.execute(f"show {name}".encode()).fetchone() for name in names)
        return [str(row[0]) for row in found if row is not None]
