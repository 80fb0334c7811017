"""Keys are rotated while trusts send: by the commands of the runbook, killed half way and gone on with, by hand and by the worker."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from registry.identifiers import IdentifierError
from registry.keys.sealed import SEALED
from registry.settings import Secrets
from registry.submissions import open_keys
from tests.attack.machine import TRUSTS, Machine, nothing_waits, sending, whole_machine
from tests.attack.sending import all_batches
from tests.running import ROOT, environment_of, until

pytestmark = pytest.mark.slow

PAGE = ROOT / "deploy" / "runbook" / "keys.md"
SECONDS = 600
SENDERS = ("RRV", "RH5")
_UNDER_WAY = "select kind, stage from register.key_rotation where finished_at is null"
_LOCKED = {
    "data": "select from records.case_version where tenant_id = %s limit 1 for update",
    "match": "select from records.case_record where tenant_id = %s and nhs_key is not null limit 1 for update",
    "master": "select from register.data_key where organisation_id = %s for update",
}
_STAGE = {"data": "moving", "match": "filling"}


@pytest.fixture
def machine() -> Iterator[Machine]:
    with whole_machine() as made:
        yield made


def test_keys_are_rotated_while_everybody_sends_and_then_as_the_runbook_says(machine: Machine, tmp_path: Path) -> None:
    senders = [machine.sender(code, number) for number, code in enumerate(SENDERS)]
    with sending(senders) as at_work:
        at_work.wait_for_more(2, SECONDS)
        for kind in ("data", "match", "master"):
            with _in_hand(machine, kind):
                _begun_and_killed(machine, kind)
                at_work.wait_for_more(1, SECONDS)
            if kind == "data":
                until(lambda: _under_way(machine) is None, SECONDS, "the worker does not go on with it")
            else:
                _ended(machine, kind)
            at_work.wait_for_more(1, SECONDS)
    batches = list(all_batches(senders))
    assert sum(batch.acknowledged for batch in batches) > len(batches) / 2
    with machine.looked_into() as held:
        until(lambda: nothing_waits(held), SECONDS, f"submissions still wait:\n{machine.service.words()}")
        for batch in batches:
            held.check(batch)
        held.check_nothing_else()
    assert _sealed_under(machine) == {2}
    assert sorted(_matched_under(machine)) == [False, True], "one column or the other holds them all"

    said = _runbook(machine, tmp_path / "parts")
    assert (
        "1 data keys were destroyed; 2 files of the master key have forgotten RH5" in said
        or "have forgotten RH5" in said
    )
    with machine.looked_into() as held:
        for batch in batches:
            if batch.tenant != machine.house.ids["RH5"]:
                held.check(batch)
        held.check_chains([0, *machine.tenants])
    _opens_for_all_but(machine, "RH5")


@contextmanager
def _in_hand(machine: Machine, kind: str) -> Iterator[None]:
    """Somebody has a row in hand that the rotation cannot end without."""
    with psycopg.connect(machine.admin_url) as admin:
        assert admin.execute(_LOCKED[kind].encode(), [machine.house.ids["RH5"]]).fetchall()
        yield
        admin.rollback()


def _begun_and_killed(machine: Machine, kind: str) -> None:
    rotating = _started(machine, "keys", "rotate", kind)
    if kind == "master":
        until(lambda: _waits_for_a_row(machine) or rotating.poll() is not None, SECONDS, "it waits for no row")
    else:
        until(lambda: _under_way(machine) == (kind, _STAGE[kind]), SECONDS, "it moves nothing")
        assert rotating.poll() is None
    rotating.send_signal(signal.SIGKILL)
    rotating.communicate(timeout=SECONDS)
    assert (_under_way(machine) is None) == (kind == "master"), "of the master key all or nothing is done"


def _ended(machine: Machine, kind: str) -> None:
    """By the same command; the worker may have it in hand just then, and may have ended it."""

    def ended() -> bool:
        if kind == "match" and _under_way(machine) is None:
            return True
        done = _started(machine, "keys", "rotate", kind)
        said, _ = done.communicate(timeout=SECONDS)
        return done.returncode == 0 or "Somebody goes on" not in said

    until(ended, SECONDS, "it does not end")
    assert _under_way(machine) is None


def _started(machine: Machine, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "registry", *words], cwd=ROOT, env=environment_of(machine.settings), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def _under_way(machine: Machine) -> tuple[str, str] | None:
    with psycopg.connect(machine.admin_url) as admin:
        row = admin.execute(_UNDER_WAY).fetchone()
    return None if row is None else (row[0], row[1])


def _waits_for_a_row(machine: Machine) -> bool:
    with psycopg.connect(machine.admin_url) as admin:
        waiting = (
            "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%data_key%')"
        )
        return admin.execute(waiting.encode()).fetchall() == [(True,)]


def _sealed_under(machine: Machine) -> set[int]:
    found: set[int] = set()
    with psycopg.connect(machine.admin_url) as admin:
        for each in SEALED:
            for name in each.cells:
                query = f"select distinct get_byte({name}, 0) from {each.table.fullname} where {name} is not null"
                found |= {row[0] for row in admin.execute(query.encode())}
    return found


def _matched_under(machine: Machine) -> tuple[bool, bool]:
    """Whether either column of match keys holds any."""
    query = "select bool_or(nhs_key is not null), bool_or(nhs_key_2 is not null) from records.case_record"
    with psycopg.connect(machine.admin_url) as admin:
        [(first, second)] = admin.execute(query).fetchall()
    return first, second


def _runbook(machine: Machine, parts: Path) -> str:
    """Every block of the page, as it stands."""
    environment = environment_of(machine.settings) | {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PARTS": str(parts),
    }
    said = ""
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        done = subprocess.run(
            ["/bin/sh", "-eu", "-c", block], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=2 * SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        said += done.stdout
    return said


def _opens_for_all_but(machine: Machine, code: str) -> None:
    secrets = Secrets.load(machine.settings.secrets_dir, ["master", "match"])
    for each, tenant in machine.house.ids.items():
        if each in TRUSTS:
            with machine.house.store.readonly(tenants=(tenant,)) as connection:
                if each == code:
                    with pytest.raises(IdentifierError):
                        open_keys(connection, secrets, tenant)
                else:
                    assert open_keys(connection, secrets, tenant).version > 2
