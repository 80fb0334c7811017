"""Every route that changes something, called once with a success and once more just so: what it leaves in the audit log is what the table
says, to the entry, the thing, the trust, the person, the roles and the session."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.attack.hearing import HEARD
from tests.attack.trail import TRAIL

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LONGEST = 25 * 60  # seconds; it takes some two minutes where nothing else is at work


def walk() -> list[str]:
    """The tests whose requests come to every route between them."""
    lines = Path(__file__).with_name("walk.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Mapping[str, object]]:
    """What was heard on the walk, in a process of its own: what is heard by is put between every client and the application."""
    heard = tmp_path_factory.mktemp("heard") / "heard.jsonl"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.attack.hearing", "-p", "no:cacheprovider", *walk()]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        command, cwd=ROOT, env=own | {HEARD: str(heard)}, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    return [json.loads(line) for line in heard.read_text("utf-8").splitlines()]


def test_each_success_leaves_the_entries_that_are_right_and_no_other(told: list[Mapping[str, object]]) -> None:
    assert not [(each["test"], each["faults"]) for each in told if "again" not in each and each["faults"]]


def test_no_route_is_forgotten(told: list[Mapping[str, object]]) -> None:
    """A new route fails here until a test that calls it with success is on the walk."""
    assert set(TRAIL) - {each["route"] for each in told if each.get("changed")} == set()


def test_what_is_sent_again_leaves_nothing_or_what_was_right_the_first_time(told: list[Mapping[str, object]]) -> None:
    again = [each for each in told if "again" in each]
    changing = {each["route"] for each in told if each.get("entries")}
    assert changing <= {each["route"] for each in again}
    assert not [(each["test"], each["faults"]) for each in again if each["faults"]]
