"""Nothing that was acknowledged is ever lost: the service and Postgres are killed, without warning, in the middle of uploads.

Senders go on sending under their own keys all the while, as trusts' programs do. At the end every acknowledged file is there
once, with its whole outcome, and every other whole or not at all. All of it runs on a durable Postgres of its own; only
processes that were started here are killed, each by its own number.
"""

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg
import pytest

from registry import database as making
from registry import embedded
from registry.embedded import Server
from registry.embedded.making import SUPERUSER
from registry.settings import Settings, load
from registry.store import Store
from registry.store.connections import DATABASE
from tests.attack.sending import Batch, Numbers, Sender, Sort, acknowledged, all_batches
from tests.attack.whole import Held
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house
from tests.running import Service, free_port, service, token, until

pytestmark = pytest.mark.slow

SEED = 20261122
KILLS = 9
FEWEST = 10
"""A run that acknowledges fewer files has shown nothing."""
TRUSTS = ("RRV", "RH5", "7A4")
SENDERS_A_TRUST = 2
ROLES = ("hat_app", "hat_jobs", "hat_auditor")


@dataclass
class Machine:
    """One machine with everything on it."""

    settings: Settings
    server: Server
    service: Service
    house: House

    def kill_postgres(self) -> None:
        """Kill the postmaster; its children end by themselves when they notice."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.stop()  # it is dead; this takes its exit status

    def restart_postgres(self) -> None:
        port = self.server.port
        self.server = embedded.start(self.settings.postgres_dir)
        assert self.server.port == port, "another program took the port meanwhile"

    @contextmanager
    def looked_into(self) -> Iterator[Held]:
        url = self.server.url(SUPERUSER, self.server.password, DATABASE)
        with psycopg.connect(url, autocommit=True) as admin, closing_store(self.settings) as store:
            yield Held(admin, store, self.settings)


@contextmanager
def closing_store(settings: Settings) -> Iterator[Store]:
    store = Store.from_settings(settings, roles=ROLES)
    try:
        yield store
    finally:
        store.dispose()


@pytest.fixture
def machine() -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp(prefix="hat-lost-"))
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
        shutil.rmtree(root)


def test_what_was_acknowledged_survives_every_kill(machine: Machine) -> None:
    with closing(psycopg.connect(machine.server.admin_url)) as admin:
        durable = [
            admin.execute(f"show {name}").fetchone() for name in ("fsync", "full_page_writes", "synchronous_commit")
        ]
    assert durable == [("on",)] * 3
    senders = _senders(machine)
    _send_and_kill(machine, senders)
    batches = list(all_batches(senders))
    told = [batch for batch in batches if batch.acknowledged]
    assert len(told) >= FEWEST
    assert any(batch.tries > 1 for batch in told), "no kill hit a file on its way"
    assert any(batch.sort is Sort.LARGE for batch in told), "nothing was left to the worker"
    with machine.looked_into() as held:
        until(lambda: _nothing_waits(held), 120, f"submissions still wait:\n{machine.service.words()}")
        for batch in batches:
            held.check(batch)
        held.check_nothing_else()
        held.check_chains([machine.house.ids[code] for code in TRUSTS])
        assert held.check(_send_one(machine, senders[0]))


def _senders(machine: Machine) -> list[Sender]:
    codes = [code for code in TRUSTS for _ in range(SENDERS_A_TRUST)]
    address = machine.service.address
    return [
        Sender(number, machine.house.ids[code], token(machine.house, code), address)
        for number, code in enumerate(codes)
    ]


def _send_and_kill(machine: Machine, senders: list[Sender]) -> None:
    """All senders at once, and the kills, each at a moment of chance after somebody was acknowledged again."""
    chance, stop = random.Random(SEED), Event()
    with ThreadPoolExecutor(len(senders)) as pool:
        futures = [pool.submit(sender.run, stop) for sender in senders]
        try:
            for number in range(KILLS):
                _wait_for_more(senders, futures)
                stop.wait(chance.uniform(0, 1.2))
                _kill(machine, ("service", "postgres", "both")[number % 3])
        finally:
            stop.set()
    for each in futures:
        each.result()


def _wait_for_more(senders: list[Sender], futures: list[Future[None]]) -> None:
    before = acknowledged(senders)

    def more() -> bool:
        for each in futures:
            if each.done():
                each.result()
        return acknowledged(senders) > before + 2

    until(more, 60, "nothing is acknowledged any more")


def _kill(machine: Machine, what: str) -> None:
    if what in ("service", "both"):
        machine.service.kill()
    if what in ("postgres", "both"):
        machine.kill_postgres()
        machine.restart_postgres()
    machine.service.start()


def _nothing_waits(held: Held) -> bool:
    row = held.admin.execute("select count(*) from records.submission where state = 'received'").fetchone()
    return row == (0,)


def _send_one(machine: Machine, like: Sender) -> Batch:
    """One more file, after all that: the registry goes on."""
    sender = Sender(90, like.tenant, like.token, like.address)
    batch = Numbers(8).batch(like.tenant, Sort.GOOD)
    assert sender.deliver(batch)
    return batch


def test_a_large_file_whose_worker_is_killed_is_taken_again_and_stored_once(machine: Machine) -> None:
    code = TRUSTS[0]
    sender = Sender(1, machine.house.ids[code], token(machine.house, code), machine.service.address)
    batch = Numbers(1).batch(sender.tenant, Sort.LARGE, 20_000)
    with machine.looked_into() as held:
        machine.service.worker.stop()
        assert sender.deliver(batch)
        assert batch.given[0][0] == 202
        machine.service.worker.start()
        until(lambda: _in_hand(held), 60, "no worker takes it")
        machine.service.worker.kill()
        assert held.admin.execute("select state from records.submission").fetchall() == [("received",)]
        assert held.admin.execute("select count(*) from records.case_version").fetchone() == (0,)
        assert sender.deliver(batch), "the same key has to give the same receipt while it waits"
        machine.service.start()
        until(lambda: _nothing_waits(held), 60, f"it is not taken again:\n{machine.service.words()}")
        until(lambda: sender.deliver(batch), 10, "the receipt is not given")
        assert held.check(batch)
        held.check_nothing_else()


def _in_hand(held: Held) -> bool:
    """Whether a worker has begun on the rows: it then holds the lock by which a trust's files wait for each other."""
    words = (
        "select count(*) from pg_locks where locktype = 'advisory' and granted "
        "and classid::bigint = hashtext('submission')::bigint & 4294967295"
    )
    return held.admin.execute(words.encode()).fetchone() != (0,)
