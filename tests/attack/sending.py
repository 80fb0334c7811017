"""Senders that do not give up: batches through the real door under their own keys, sent again until they are answered."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from uuid import UUID

import httpx2 as httpx

from tests.make import csv_bytes, nhs_number, valid_case

ROWS = 40
LARGE_ROWS = 2_300
"""More than what is answered at once: the worker's."""
BAD_ROWS = 3
PAUSE = 0.15  # seconds between two tries
TRIES = 200
BUSY = (429, 502, 503, 504)


class Sort(StrEnum):
    """What a batch is, and so what has to become of it."""

    GOOD = "good"
    PARTLY = "partly"  # good rows of it are to be accepted
    FAULTY = "faulty"  # all or nothing: nothing of it
    LARGE = "large"

    @property
    def mode(self) -> str:
        return "accept-good-rows" if self is Sort.PARTLY else "all-or-nothing"

    @property
    def state(self) -> str:
        return {Sort.PARTLY: "partly_accepted", Sort.FAULTY: "refused"}.get(self, "accepted")


@dataclass(slots=True)
class Batch:
    """One file of one trust, what must become of it, and what was answered."""

    tenant: int
    key: str
    sort: Sort
    content: bytes = field(repr=False)
    rows: int
    stored: frozenset[str] = field(repr=False)
    """The local ids of the rows that have to stand."""
    tries: int = 0
    given: list[tuple[int, UUID]] = field(default_factory=list)
    """Status and receipt of each answer that acknowledged it."""

    @property
    def acknowledged(self) -> bool:
        return bool(self.given)

    def note(self, answer: httpx.Response) -> None:
        """That this answer acknowledges it."""
        self.given.append((answer.status_code, _receipt(answer)))


class Numbers:
    """Places of NHS numbers and of local ids that no two batches share; one for each sender."""

    def __init__(self, sender: int) -> None:
        self._next = sender * 100_000
        self._sender = sender

    def batch(self, tenant: int, sort: Sort, rows: int = 0) -> Batch:
        rows = rows or (LARGE_ROWS if sort is Sort.LARGE else ROWS)
        first = self._next
        self._next += rows
        names = [f"S{self._sender}-{place:06d}" for place in range(first, first + rows)]
        cases = [
            valid_case(local_case_id=name, nhs_number=nhs_number(place)) for place, name in enumerate(names, first)
        ]
        bad = BAD_ROWS if sort in (Sort.PARTLY, Sort.FAULTY) else 0
        for each in cases[:bad]:
            each["sex"] = "perhaps"
        stored = frozenset() if sort is Sort.FAULTY else frozenset(names[bad:])
        return Batch(tenant, f"sender-{self._sender}-{first}", sort, csv_bytes(cases), rows, stored)


@dataclass
class Sender:
    """One program of one trust, sending batch after batch until told to stop; sometimes it gives a batch up."""

    number: int
    tenant: int
    token: str = field(repr=False)
    address: str
    sent: list[Batch] = field(default_factory=list)

    def run(self, stop: Event) -> None:
        """Raises AssertionError for an answer that no sound service gives."""
        chance, numbers = random.Random(self.number), Numbers(self.number)
        with self.client() as client:
            while not stop.is_set():
                batch = numbers.batch(self.tenant, _sort(chance))
                self.sent.append(batch)
                patience = 1 if chance.random() < 0.15 else TRIES
                for _ in range(patience):
                    if self._try(client, batch):
                        break
                    time.sleep(PAUSE)

    def deliver(self, batch: Batch) -> bool:
        """Send one batch once; gives whether it was acknowledged."""
        with self.client() as client:
            return self._try(client, batch)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=30, headers={"Authorization": f"Bearer {self.token}"})

    def _try(self, client: httpx.Client, batch: Batch) -> bool:
        batch.tries += 1
        try:
            answer = post(client, batch)
        except httpx.TransportError:
            return False
        if answer.status_code in BUSY:
            return False
        batch.note(answer)
        return True


def _sort(chance: random.Random) -> Sort:
    return chance.choices(list(Sort), weights=[5, 2, 1, 1])[0]


def post(client: httpx.Client, batch: Batch) -> httpx.Response:
    return client.post(
        "/api/submissions",
        params={"kind": "case", "mode": batch.sort.mode, "opt_out_screened": "true"},
        content=batch.content,
        headers={"Content-Type": "text/csv", "Idempotency-Key": batch.key},
    )


def _receipt(answer: httpx.Response) -> UUID:
    """The receipt's id in an answer that acknowledges: 200, 201, 202, or 422 with the receipt of what was refused."""
    body = answer.json()
    if answer.status_code == 422:
        assert "submission" in body, body
        return UUID(body["submission"]["id"])
    assert answer.status_code in (200, 201, 202), (answer.status_code, body)
    return UUID(body["id"])


def acknowledged(senders: list[Sender]) -> int:
    return sum(batch.acknowledged for batch in all_batches(senders))


def all_batches(senders: list[Sender]) -> Iterator[Batch]:
    return (batch for sender in senders for batch in list(sender.sent))
