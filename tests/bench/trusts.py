"""Many trusts at the door at once, on the real service: fifty of them, each sending four files of two hundred cases one after the other."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import httpx2 as httpx
import psutil
import psycopg

from tests.bench.measure import Cluster, Figure, beside
from tests.bench.rows import case_row
from tests.make import csv_bytes
from tests.registry.make import make_organisation
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House
from tests.running import Service, free_port, service, token

TRUSTS = 50
BATCHES = 4
ROWS = 200
SENT_FROM = "RJ1"
"""The hospital that the cases of `case_row` came from by transfer."""
FLOOR = 10_000.0
"""Rows a second that are read, checked, sealed, stored and acknowledged, of all trusts together."""
BAR = 2_000.0
"""Milliseconds within which nineteen of twenty files are answered."""

STANDING = """
    select r.tenant_id, r.local_case_id, s.idempotency_key
      from records.case_record r
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
      join records.submission s on s.tenant_id = v.tenant_id and s.id = v.submission_id
     where r.tenant_id = any(%s)
"""


@dataclass(frozen=True)
class File:
    """One file of a trust: its key, its bytes, and the local ids that have to stand afterwards."""

    key: str
    content: bytes = field(repr=False)
    names: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class Trust:
    """One trust's program and what it sends."""

    tenant: int
    token: str = field(repr=False)
    files: tuple[File, ...] = field(repr=False)


@dataclass(frozen=True)
class Sent:
    """What one file's sender saw."""

    status: int
    seconds: float
    new: int


def at_once(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """All trusts at once, once the service has seen a file of each; then what stands is compared with what was sent."""
    with running(cluster, folder) as (house, started):
        trusts = [trust(house, number, BATCHES + 1) for number in range(TRUSTS)]
        send_all(started, trusts, [each.files[:1] for each in trusts])
        began: list[tuple[float, float]] = []
        files = [each.files[1:] for each in trusts]
        answers = send_all(started, trusts, files, lambda: began.append((_cpu(cluster), time.monotonic())))
        [(cpu_before, ready)] = began
        spent, cpu = time.monotonic() - ready, _cpu(cluster) - cpu_before
        wrong = [each for each in answers if (each.status, each.new) != (201, ROWS)]
        assert not wrong, wrong[:5]
        not_mixed(cluster, trusts)
    rows = TRUSTS * BATCHES * ROWS
    slowest = percentile([each.seconds for each in answers])
    name = f"{TRUSTS} trusts at once, {BATCHES} files of {ROWS} cases each"
    yield beside(f"{name}: µs a row, of the clock", spent / rows * 1e6, f"{FLOOR:,.0f} rows a second", 1e6 / FLOOR, 1.0)
    yield beside(f"{name}: 95th percentile", slowest * 1e3, "the bar of 2 s", BAR, 1.0, "ms")
    yield beside(f"{name}: CPU of all, senders included", cpu / rows * 1e6, "two processors", 2e6 / FLOOR, 1.0)


def percentile(seconds: Sequence[float], share: float = 0.95) -> float:
    return sorted(seconds)[int(len(seconds) * share)]


@contextmanager
def running(cluster: Cluster, folder: Path) -> Iterator[tuple[House, Service]]:
    """The service with its web processes and its worker, without any trust yet."""
    port = free_port()
    here = cluster.settings.model_copy(
        update={"port": port, "base_url": f"http://127.0.0.1:{port}", "data_dir": folder / uuid4().hex}
    )
    house = House(here, cluster.store, {})
    screened(house)
    _known(cluster, SENT_FROM)
    with service(here) as started:
        yield house, started


def _known(cluster: Cluster, code: str) -> None:
    """Let an organisation be in the register, as it is in a real one: else every row would raise a warning."""
    with psycopg.connect(cluster.admin) as admin:
        there = admin.execute("select 1 from register.organisation where code = %s", [code]).fetchone()
    if there is None:
        make_organisation(cluster.store, cluster.settings, code=code)


def trust(house: House, number: int, files: int) -> Trust:
    """A trust of its own, with its program's token, and so many files that no other trust sends."""
    code = f"W{number:02d}"
    tenant = make_organisation(house.store, house.settings, code=code)
    known = House(house.settings, house.store, {code: tenant})
    return Trust(tenant, token(known, code), tuple(file(number, place) for place in range(files)))


def file(number: int, place: int, rows: int = ROWS) -> File:
    """A file of cases with every column filled; number and place say which."""
    first = (number * 1000 + place) * rows
    chance = random.Random(first)
    cases = [case_row(chance, each) for each in range(first, first + rows)]
    return File(f"{number}-{place}", csv_bytes(cases), frozenset(each["local_case_id"] for each in cases))


def send_all(
    started: Service,
    trusts: Sequence[Trust],
    files: Sequence[Sequence[File]],
    ready: Callable[[], None] = lambda: None,
) -> list[Sent]:
    """Each trust's files one after the other, all trusts beginning at the same moment: when all are `ready`, which is told."""
    together = Barrier(len(trusts), ready)
    with ThreadPoolExecutor(len(trusts)) as programs:
        found = programs.map(
            lambda one: _send(started.address, one[0], one[1], together), zip(trusts, files, strict=True)
        )
        return [sent for each in found for sent in each]


def _send(address: str, sender: Trust, files: Sequence[File], together: Barrier) -> list[Sent]:
    headers = {"Authorization": f"Bearer {sender.token}", "Content-Type": "text/csv"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        together.wait()
        return [post(client, each) for each in files]


def post(client: httpx.Client, sent: File) -> Sent:
    began = time.monotonic()
    answer = client.post(
        "/api/submissions",
        params={"kind": "case", "opt_out_screened": "true"},
        content=sent.content,
        headers={"Idempotency-Key": sent.key},
    )
    spent = time.monotonic() - began
    counts = answer.json().get("counts") or {}
    return Sent(answer.status_code, spent, counts.get("new", 0))


def not_mixed(cluster: Cluster, trusts: Sequence[Trust]) -> None:
    """Fails unless every trust holds the cases of its own files, each once and under the file that brought it, and no other."""
    wanted = {(one.tenant, name, sent.key) for one in trusts for sent in one.files for name in sent.names}
    with psycopg.connect(cluster.admin) as admin:
        held = admin.execute(STANDING, [[each.tenant for each in trusts]]).fetchall()
    assert len(held) == len(wanted)
    assert set(held) == wanted


def _cpu(cluster: Cluster) -> float:
    """CPU seconds of Postgres, of this process, and of all that it started."""
    spent = cluster.cpu() + time.process_time()
    for child in psutil.Process().children(recursive=True):
        if child.pid != cluster.server.pid and "postgres" not in child.name():
            own = child.cpu_times()
            spent += own.user + own.system
    return spent
