"""Nothing that was acknowledged is ever lost: the service and Postgres are killed, without warning, in the middle of uploads.

Senders go on sending under their own keys all the while, as trusts' programs do. At the end every acknowledged file is there
once, with its whole outcome, and every other whole or not at all. Where Postgres alone fell nobody starts the service again: it goes
on by itself, and the time from Postgres' return to the next acknowledgement is told.
"""

import random
import statistics
import sys
from collections.abc import Iterator

import pytest

from tests.attack.machine import TRUSTS, Machine, nothing_waits, sending, shown, whole_machine
from tests.attack.sending import Batch, Numbers, Sender, Sort, all_batches
from tests.attack.whole import Held
from tests.running import until

pytestmark = pytest.mark.slow

SEED = 20261122
FALLS = ("service", "backend", "postgres", "both", "restart")
ROUNDS = 2
FEWEST = 10
"""A run that acknowledges fewer files has shown nothing."""
SENDERS = (TRUSTS[0], TRUSTS[0], TRUSTS[1], TRUSTS[2])
STANDS = "select state, (select count(*) from records.case_version) from records.submission"
BACK_SECONDS = 2.0
"""From Postgres' return to the next acknowledgement, as a rule."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with whole_machine() as made:
        yield made


def test_what_was_acknowledged_survives_every_kill(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(machine.server.admin_url, "fsync", "full_page_writes", "synchronous_commit") == ["on"] * 3
    senders = [machine.sender(code, number) for number, code in enumerate(SENDERS)]
    waited = _send_and_kill(machine, senders)
    with capsys.disabled():
        sys.stdout.write(
            f"\nnext acknowledgement after Postgres was back: {', '.join(f'{each:.2f}' for each in waited)} s\n"
        )
    assert statistics.median(waited) <= BACK_SECONDS
    batches = list(all_batches(senders))
    told = [batch for batch in batches if batch.acknowledged]
    assert len(told) >= FEWEST
    assert any(batch.tries > 1 for batch in told), "no kill hit a file on its way"
    assert any(batch.sort is Sort.LARGE for batch in told), "nothing was left to the worker"
    with machine.looked_into() as held:
        until(lambda: nothing_waits(held), 400, f"submissions still wait:\n{machine.service.words()}")
        for batch in batches:
            held.check(batch)
        held.check_nothing_else()
        held.check_chains(machine.tenants)
        assert held.check(_send_one(machine, senders[0]))


def _send_and_kill(machine: Machine, senders: list[Sender]) -> list[float]:
    """All senders at once, and the falls, each at a moment of chance after somebody was acknowledged again.

    Gives how long it took until the next acknowledgement wherever Postgres alone fell.
    """
    chance = random.Random(SEED)
    waited = []
    with sending(senders) as at_work:
        for fall in FALLS * ROUNDS:
            at_work.wait_for_more(3)
            at_work.pause(chance.uniform(0, 1.2))
            _fall(machine, fall, chance)
            if fall in ("backend", "postgres", "restart"):
                waited.append(at_work.wait_for_more(1))
    return waited


def _fall(machine: Machine, what: str, chance: random.Random) -> None:
    """Let something of the machine fall; it is up again when this returns, but the service may not have noticed yet."""
    if what in ("service", "both"):
        machine.service.kill()
    if what in ("postgres", "both"):
        machine.kill_postgres()
        machine.start_postgres()
    if what == "backend":
        machine.kill_backend(chance)
    if what == "restart":
        machine.restart_postgres()
    if what in ("service", "both"):
        machine.service.start()
    else:
        assert machine.service.web.alive, machine.service.words()
        assert machine.service.worker.alive, machine.service.words()


def _send_one(machine: Machine, like: Sender) -> Batch:
    """One more file, after all that: the registry goes on."""
    sender = Sender(90, like.tenant, like.token, like.address)
    batch = Numbers(8).batch(like.tenant, Sort.GOOD)
    assert sender.deliver(batch)
    return batch


@pytest.mark.parametrize("fall", ["worker", "restart", "postgres"])
def test_a_large_file_in_hand_is_taken_again_and_stored_once(machine: Machine, fall: str) -> None:
    sender = machine.sender(TRUSTS[0])
    batch = Numbers(1).batch(sender.tenant, Sort.LARGE, 20_000)
    machine.service.worker.stop()
    assert sender.deliver(batch)
    assert batch.given[0][0] == 202
    machine.service.worker.start()
    with machine.looked_into() as held:
        until(lambda: _in_hand(held), 120, "no worker takes it")
    _take_away(machine, fall)
    with machine.looked_into() as held:
        assert held.admin.execute(STANDS).fetchone() in (("received", 0), ("accepted", batch.rows))
        until(lambda: sender.deliver(batch), 60, "the same key has to give the same receipt while it waits")
        machine.service.start()
        until(lambda: nothing_waits(held), 400, f"it is not taken again:\n{machine.service.words()}")
        until(lambda: sender.deliver(batch), 60, "the receipt is not given")
        assert held.check(batch)
        held.check_nothing_else()


def _take_away(machine: Machine, what: str) -> None:
    """Take from the worker what it works with, or its life; what it has done of a file is rolled back."""
    if what == "worker":
        machine.service.worker.kill()
    elif what == "restart":
        machine.restart_postgres()
    else:
        machine.kill_postgres()
        machine.start_postgres()


def _in_hand(held: Held) -> bool:
    """Whether a worker has begun on the rows: it then holds the lock by which a trust's files wait for each other."""
    words = (
        "select count(*) from pg_locks where locktype = 'advisory' and granted "
        "and classid::bigint = hashtext('submission')::bigint & 4294967295"
    )
    return held.admin.execute(words.encode()).fetchone() != (0,)
