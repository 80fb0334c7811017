"""A disk that runs full beneath the registry, in a mount namespace of its own: `python -m tests.attack.full_disk data|wal|spool FOLDER`.

Started by `unshare --mount --propagation private`, so that the small disks are seen by what it starts and go with it. It ends with 0
where every promise was kept. The disks are made small when all is in place: what stands there is copied to them.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx

from registry import embedded
from registry.embedded import EmbeddedPostgresError
from tests.attack.machine import TRUSTS, Machine, machine_in, nothing_waits
from tests.attack.sending import Batch, Numbers, Sender, Sort, post
from tests.running import until

FEWEST = 10
REFUSED = (503, 507)
ROOM = 24_000_000
"""Bytes that are left on the small disk."""
REFUSALS = 5
"""So many in a row say that the disk is full."""
SECONDS = 300


def main() -> None:
    disk, root = sys.argv[1], Path(sys.argv[2])
    with machine_in(root) as machine:
        DISKS[disk](machine)
    sys.stdout.write("kept\n")


def data(machine: Machine) -> None:
    """The tables' disk is full: files are refused and Postgres stays; with room again all goes on by itself."""
    with _stopped(machine) as folder:
        _elsewhere(folder / "data" / "pg_wal", folder / "wal")
        small = _small(folder / "data", ROOM)
    server = machine.server.pid
    batches = _until_refused(machine)
    assert machine.server.alive()
    _mount("-o", f"remount,size={small + 400_000_000}", str(folder / "data"))
    assert machine.server.pid == server
    _goes_on(machine, batches)


def wal(machine: Machine) -> None:
    """The log's disk is full: Postgres stops at once. With room it starts again, and all that was acknowledged is there."""
    with _stopped(machine) as folder:
        _elsewhere(folder / "data" / "pg_wal", folder / "wal")
        small = _small(folder / "wal", ROOM)
    batches = _until_refused(machine)
    until(lambda: not machine.server.alive(), SECONDS, "Postgres goes on although its log has no room")
    try:
        embedded.start(machine.settings.postgres_dir, patience=20)
    except EmbeddedPostgresError:
        pass  # as long as there is no room
    else:
        raise AssertionError("Postgres starts without room for its log")
    _mount("-o", f"remount,size={small + 400_000_000}", str(folder / "wal"))
    machine.start_postgres()
    _goes_on(machine, batches)


def spool(machine: Machine) -> None:
    """The disk of files on their way is full: what does not fit is refused, nothing of it stays, and what fits is taken."""
    folder = machine.settings.data_dir / "spool"
    folder.mkdir(mode=0o700, exist_ok=True)
    _mount("-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(folder))
    sender, numbers = machine.sender(TRUSTS[0]), Numbers(1)
    fits = numbers.batch(sender.tenant, Sort.GOOD)
    large = numbers.batch(sender.tenant, Sort.LARGE, 12_000)
    assert len(large.content) > 2 * 2**20
    with sender.client() as client:
        for send in (_raw, _in_a_form):
            _is_honest(send(client, large))
            assert list(folder.iterdir()) == []
        with machine.looked_into() as held:
            assert not held.check(large)
    assert sender.deliver(fits)
    assert list(folder.iterdir()) == []
    _mount("-o", "remount,size=64m", str(folder))
    assert sender.deliver(large)
    _kept(machine, [fits, large])


DISKS: dict[str, Callable[[Machine], None]] = {"data": data, "wal": wal, "spool": spool}


# --- sending until nothing more is taken


def _until_refused(machine: Machine) -> list[Batch]:
    """Files of all trusts one after the other, until several in a row are refused; each refusal has the one shape."""
    senders = [machine.sender(code, number) for number, code in enumerate(TRUSTS)]
    batches: list[Batch] = []
    refused, end = 0, time.monotonic() + SECONDS
    while refused < REFUSALS:
        assert time.monotonic() < end, "the disk does not run full"
        sender = senders[len(batches) % len(senders)]
        batch = NUMBERS[sender.number].batch(sender.tenant, Sort.GOOD, rows=1_500 if len(batches) > FEWEST else 0)
        batches.append(batch)
        with sender.client() as client:
            answer = _raw(client, batch)
        if answer.status_code in REFUSED:
            _is_honest(answer)
            refused += 1
        else:
            batch.note(answer)
            refused = 0
    assert sum(each.acknowledged for each in batches) >= FEWEST
    return batches


NUMBERS = {number: Numbers(number) for number in range(len(TRUSTS))}


def _raw(client: httpx.Client, batch: Batch) -> httpx.Response:
    return post(client, batch)


def _in_a_form(client: httpx.Client, batch: Batch) -> httpx.Response:
    return client.post(
        "/api/submissions",
        params={"kind": "case", "mode": batch.sort.mode, "opt_out_screened": "true"},
        files={"file": ("cases.csv", batch.content, "text/csv")},
        headers={"Idempotency-Key": f"form-{uuid4().hex}"},
    )


def _is_honest(answer: httpx.Response) -> None:
    """A refusal in the one shape, which says that nothing was changed or that it may be tried again."""
    assert answer.status_code in REFUSED, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] in ("/problems/no-room", "/problems/unavailable")
    assert body["status"] == answer.status_code
    assert set(body) <= {"type", "title", "status", "detail", "request_id"}


# --- afterwards


def _goes_on(machine: Machine, batches: list[Batch]) -> None:
    """The same service, which nobody started again, takes what it had refused; then everything is looked at."""
    by_tenant = {machine.house.ids[code]: machine.sender(code, number) for number, code in enumerate(TRUSTS)}
    for batch in batches:
        sender: Sender = by_tenant[batch.tenant]
        until(partial(sender.deliver, batch), 60, "what was refused is not taken")
    assert machine.service.web.alive
    assert machine.service.worker.alive
    _kept(machine, batches)


def _kept(machine: Machine, batches: list[Batch]) -> None:
    with machine.looked_into() as held:
        until(lambda: nothing_waits(held), 400, f"submissions still wait:\n{machine.service.words()}")
        assert all(held.check(batch) for batch in batches)
        held.check_nothing_else()
        held.check_chains(machine.tenants)
    folder = machine.settings.data_dir / "spool"
    assert list(folder.iterdir()) == []


# --- small disks


@contextmanager
def _stopped(machine: Machine) -> Iterator[Path]:
    """Postgres' folder while it is stopped; it is started again with the block."""
    machine.server.stop()
    yield machine.settings.postgres_dir
    machine.server = embedded.start(machine.settings.postgres_dir, settings=LITTLE_LOG)
    until(machine.service.answers, 120, "the service does not answer")


LITTLE_LOG = {"max_wal_size": "64MB", "min_wal_size": "32MB", "wal_recycle": "off"}


def _elsewhere(folder: Path, to: Path) -> None:
    """Move a folder and leave a link in its place, as initdb --waldir does. Relative: Postgres need not reach what lies above."""
    shutil.move(folder, to)
    folder.symlink_to(os.path.relpath(to, folder.parent))


def _small(folder: Path, room: int) -> int:
    """Put a folder on a disk of its own with so much room besides what it holds; gives the disk's size in bytes."""
    aside = folder.with_name(f"{folder.name}.aside")
    status = folder.stat()
    folder.rename(aside)
    folder.mkdir()
    used = int(subprocess.run(["du", "-sB1", aside], capture_output=True, text=True, check=True).stdout.split()[0])
    size = used + room
    options = f"size={size},mode=0700,uid={status.st_uid},gid={status.st_gid}"
    _mount("-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
    shutil.rmtree(aside)
    return size


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True)


if __name__ == "__main__":
    main()
