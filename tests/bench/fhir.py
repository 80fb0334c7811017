"""The FHIR door: cases read and checked beside orjson alone, stored through $submit-cases, and one at a time by four clients."""

import random
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import orjson

from ingest.check import Context
from ingest.fhir.parsing import parse
from ingest.fhir.reading import check_units, read_unit
from schemas.codelist import Nation
from tests.bench.measure import Cluster, Figure, beside
from tests.bench.rows import case_row
from tests.fhir_units import bundle
from tests.make import valid_rca
from tests.registry.web.visitors import House
from tests.registry.web.visitors import house as fill
from tests.running import free_port, service, token

AT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)
CASES = 10_000
SINGLES = 400
WARMING = 120
CLIENTS = 4
OURS = "RRV"
ANSWERED = {name: value for name, value in valid_rca().items() if name != "local_case_id"}


def units(count: int, start: int = 0, *, reviewed: bool = True) -> Iterator[bytes]:
    """Bundles of different cases as NDJSON lines: four resources with every question of the case answered, and the review if wanted."""
    chance = random.Random(start)
    for place in range(start, start + count):
        row = case_row(chance, place)
        review = {**ANSWERED, "local_case_id": row["local_case_id"]} if reviewed else None
        yield orjson.dumps(bundle(row, review, organisation=OURS))


def reading(_: Cluster, __: Path) -> Iterator[Figure]:
    """CPU of parsing, the guard, the models, the checks: chunks of 1,000 units."""
    lines = list(units(4_000))
    context = Context(nation=Nation.ENGLAND, sender=OURS, on=AT.date(), synthetic=True)
    alone = statistics.median(_cpu(lambda: _parse(lines)) for _ in range(3))
    ours = statistics.median(_cpu(lambda: _read(lines, context)) for _ in range(3))
    yield beside(
        "read and check a FHIR case of five resources",
        ours / len(lines) * 1e6,
        "orjson alone on the same bytes",
        alone / len(lines) * 1e6,
        bar=60,
        unit="µs a case",
    )


def _cpu(work: object) -> float:
    assert callable(work)
    started = time.process_time()
    work()
    return time.process_time() - started


def _parse(lines: list[bytes]) -> None:
    for line in lines:
        orjson.loads(line)


def _read(lines: list[bytes], context: Context) -> None:
    for first in range(0, len(lines), 1_000):
        chunk = [
            read_unit(parse(line)[0], ordinal) for ordinal, line in enumerate(lines[first : first + 1_000], first + 1)
        ]
        assert not check_units(chunk, context).faulty


def submitting(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """Wall time from the request to the finished job, on the real service: web and worker as processes, two cores."""
    lines = list(units(CASES, start=4_000_000))
    alone = _cpu(lambda: _parse(lines))
    with _running(cluster, folder) as client:
        _wait(
            client, _submit(client, b"\n".join(units(1_000, start=5_000_000)))
        )  # the worker's first work imports much
        started = time.monotonic()
        job = _submit(client, b"\n".join(lines))
        done = _wait(client, job)
        spent = time.monotonic() - started
        assert done["extension"]["units"]["accepted"] == CASES, done
    yield beside(
        f"{CASES:,} FHIR cases stored through $submit-cases",
        spent / CASES * 1e3,
        "the bar of 500 a second",
        2.0,
        bar=1.0,
        unit="ms a case",
    )
    yield beside(
        f"{CASES:,} FHIR cases stored through $submit-cases",
        spent / CASES * 1e3,
        "orjson alone on the same bytes",
        alone / CASES * 1e3,
        bar=60,
        unit="ms a case",
    )


def transactions(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """The slowest twentieth of single transactions from four clients at once."""
    lines = list(units(WARMING + SINGLES, start=6_000_000, reviewed=False))
    with _running(cluster, folder) as client, ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda line: _post(client, line), lines[:WARMING]))  # every process's first work imports much
        spent = sorted(clients.map(lambda line: _post(client, line), lines[WARMING:]))
    yield beside(
        f"a single transaction, {CLIENTS} clients, 95th percentile",
        spent[int(len(spent) * 0.95)] * 1e3,
        "the bar of 50 ms",
        50.0,
        bar=1.0,
        unit="ms",
    )


@contextmanager
def _running(cluster: Cluster, folder: Path) -> Iterator[httpx.Client]:
    """The service on this cluster, and a program of one trust that talks to it."""
    port = free_port()
    here = cluster.settings.model_copy(
        update={"port": port, "base_url": f"http://127.0.0.1:{port}", "data_dir": folder / uuid4().hex}
    )
    full: House = fill(here, cluster.store)
    headers = {"Authorization": f"Bearer {token(full, OURS)}"}
    with service(here) as running, httpx.Client(base_url=running.address, headers=headers, timeout=600) as client:
        yield client


def _submit(client: httpx.Client, content: bytes) -> str:
    headers = {"Content-Type": "application/fhir+ndjson", "Submission-Id": str(uuid4()), "Prefer": "respond-async"}
    answer = client.post("/fhir/r4/$submit-cases?opt_out_screened=true", content=content, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"]


def _wait(client: httpx.Client, job: str) -> dict[str, Any]:
    while (answer := client.get(job)).status_code == 202:
        time.sleep(0.2)
    assert answer.status_code == 200, answer.text
    manifest: dict[str, Any] = answer.json()
    return manifest


def _post(client: httpx.Client, content: bytes) -> float:
    started = time.monotonic()
    headers = {"Content-Type": "application/fhir+json"}
    answer = client.post("/fhir/r4?opt_out_screened=true", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - started
