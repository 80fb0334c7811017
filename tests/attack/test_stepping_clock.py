"""The clock of web and worker is really put back and forth while they run, and nobody starts them again: files are taken and worked on, each
once and in the order in which they were sent.

libfaketime puts it, under processes as they are deployed; only what counts time that has passed cannot be put, as on any machine.
"""

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from registry.settings import Settings
from registry.store import Store
from tests.attack.sending import Numbers, Sender, Sort
from tests.attack.whole import Held
from tests.registry.web.programs import screened
from tests.registry.web.visitors import house
from tests.running import Service, free_port, service, token, until

pytestmark = pytest.mark.slow

OURS = "RRV"
STEPS = ("+0", "-3600", "+7200", "-5400")
"""Against the true time, in seconds."""
MISSING = "not run: apt-get install libfaketime"
WAITING = "select count(*) from records.submission where state = 'received'"
ORDER = "select idempotency_key from records.submission order by received_at"


def library() -> Path:
    found = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return found


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str], None]:
    """Puts the clock of whatever was started in `environment`."""

    def to(step: str) -> None:
        made = tmp_path / "made"
        made.write_text(step)
        made.replace(tmp_path / "clock")

    to("+0")
    return to


def environment(folder: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def test_work_goes_on_when_the_clock_is_put_back_and_forth(
    settings: Settings, store: Store, admin: psycopg.Connection, tmp_path: Path, put: Callable[[str], None]
) -> None:
    here = settings.model_copy(update={"port": (port := free_port()), "base_url": f"http://127.0.0.1:{port}"})
    full = house(here, store)
    screened(full)
    numbers, held, sent = Numbers(1), Held(admin, store, here), []
    with service(here, environment(tmp_path)) as running:
        sender = Sender(1, full.ids[OURS], token(full, OURS), running.address)
        for step in STEPS:
            put(step)
            for sort in (Sort.GOOD, Sort.LARGE):  # the large one is the worker's
                batch = numbers.batch(sender.tenant, sort)
                until(lambda: sender.deliver(batch), 60, running.words())  # noqa: B023 -- waited for here
                sent.append(batch)
            _wait_for_work(admin, running, step)
    for batch in sent:
        assert held.check(batch)
    held.check_nothing_else()
    held.check_chains([sender.tenant])
    assert [key for (key,) in admin.execute(ORDER)] == [batch.key for batch in sent]


def _wait_for_work(admin: psycopg.Connection, running: Service, step: str) -> None:
    until(
        lambda: admin.execute(WAITING).fetchone() == (0,),
        120,
        f"nothing is worked on after {step}:\n{running.words()}",
    )
