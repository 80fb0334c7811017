"""Hours in small: many trusts sending on and on to the real service, with its memory and its answers looked at all the while.

Flat is what does not grow: the last third of the time beside the first, once everything has been used for a while.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event

import httpx2 as httpx
import psutil

from tests.bench import trusts
from tests.bench.measure import Cluster, Figure, beside
from tests.bench.trusts import ROWS, Sent, Trust
from tests.running import Program, Service

MINUTES = 20.0
SENDERS = 4
WARMING = 0.25
"""Of the time, before anything is measured: by then caches are filled and every connection has been used."""
LOOK_SECONDS = 2.0
FLAT_MEMORY = 1.10
FLAT_ANSWERS = 1.5
THINKING = 3.0
"""Seconds from one file of a trust to its next: some sixteen thousand cases a minute in all, more than the nation has in a year."""
NEXT = count(90)
"""Numbers of trusts that no other benchmark has."""


@dataclass
class Seen:
    """Resident megabytes of each part at each look, and all answers with the time they came."""

    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    answers: list[tuple[float, Sent]] = field(default_factory=list)

    def note(self, at: float, parts: dict[str, float]) -> None:
        for name, megabytes in parts.items():
            self.memory.setdefault(name, []).append((at, megabytes))


def soak(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """Twenty minutes of it."""
    yield from soaking(cluster, folder, MINUTES * 60)


def soaking(cluster: Cluster, folder: Path, seconds: float) -> Iterator[Figure]:
    """Growth of the memory of web and worker and of the 95th percentile of answers; fails for any answer but an acceptance."""
    with trusts.running(cluster, folder) as (house, started):
        senders = [trusts.trust(house, next(NEXT), 0) for _ in range(SENDERS)]
        seen = _send_on_and_on(started, senders, seconds)
    wrong = [sent for _, sent in seen.answers if (sent.status, sent.new) != (201, ROWS)]
    assert not wrong, wrong[:5]
    words = f"{seconds / 60:.0f} minutes of {SENDERS} trusts sending files of {ROWS} cases"
    for name, looks in seen.memory.items():
        early, late = _thirds(looks)
        yield beside(
            f"{words}: memory of {name}, last third",
            statistics.median(late),
            "its first third",
            statistics.median(early),
            FLAT_MEMORY,
            "MB",
        )
    early, late = _thirds([(at, sent.seconds) for at, sent in seen.answers])
    yield beside(
        f"{words}: 95th percentile of {len(seen.answers):,} answers, last third",
        trusts.percentile(late) * 1e3,
        "its first third",
        trusts.percentile(early) * 1e3,
        FLAT_ANSWERS,
        "ms",
    )


def _thirds(looks: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The figures of the first and of the last third of the time after warming."""
    first, last = looks[0][0], looks[-1][0]
    begin = first + (last - first) * WARMING
    third = (last - begin) / 3
    early = [figure for at, figure in looks if begin <= at < begin + third]
    return early, [figure for at, figure in looks if at >= last - third]


def _send_on_and_on(started: Service, senders: Sequence[Trust], seconds: float) -> Seen:
    seen, stop = Seen(), Event()
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(len(senders)) as programs:
        futures = [
            programs.submit(_send, started.address, number, each, stop, seen) for number, each in enumerate(senders)
        ]
        try:
            while time.monotonic() < end and not any(each.done() for each in futures):
                seen.note(time.monotonic(), resident(started))
                stop.wait(LOOK_SECONDS)
        finally:
            stop.set()
        for each in futures:
            each.result()
    return seen


def _send(address: str, number: int, sender: Trust, stop: Event, seen: Seen) -> None:
    """One trust's files without end, each with other cases."""
    headers = {"Authorization": f"Bearer {sender.token}", "Content-Type": "text/csv"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        for place in count():
            if stop.is_set():
                return
            sent = trusts.post(client, trusts.file(number * 10, place))
            seen.answers.append((time.monotonic(), sent))
            stop.wait(max(0.0, THINKING - sent.seconds))


def resident(started: Service) -> dict[str, float]:
    """Megabytes of the web processes together, and of the worker."""
    return {name: _resident(each) for name, each in (("web", started.web), ("worker", started.worker))}


def _resident(program: Program) -> float:
    first = psutil.Process(program.number)
    return sum(each.memory_info().rss for each in (first, *first.children(recursive=True))) / 1e6
