"""A line that breaks while a file comes in, at each tenth of it; and one file sent a hundred times at once."""

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

from registry import submissions
from registry.settings import Settings
from registry.store import Store
from tests.attack.door import Door, State, open_door
from tests.attack.sending import Batch, Numbers, Sender, Sort
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house
from tests.running import token, until

OURS = "RRV"
TENTHS = range(1, 10)
CLIENTS, TIMES = 10, 10
BOUNDARY = "a-line-of-the-form"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close at once, with a reset."""


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def door(full: House) -> Iterator[Door]:
    with open_door(full, token(full, OURS)) as opened:
        yield opened


@pytest.fixture
def batch(full: House) -> Batch:
    """Large enough not to be taken in one gulp, small enough to be answered at once."""
    return Numbers(1).batch(full.ids[OURS], Sort.GOOD, rows=1_500)


def test_a_line_cut_at_any_tenth_keeps_nothing(
    door: Door, batch: Batch, settings: Settings, admin: psycopg.Connection
) -> None:
    before = State.of(admin)
    for (head, body), tenth, reset in product(_requests(door, batch), TENTHS, (False, True)):
        _send_part(door, head + body[: len(body) * tenth // 10], reset=reset)
    spool = submissions.spool(settings)
    until(lambda: list(spool.iterdir()) == [], 60, "something of a file that did not come stays on disk")
    assert before.same(State.of(admin)) == []
    sender = Sender(1, batch.tenant, door.token, door.address)
    assert sender.deliver(batch)
    assert batch.given[0][0] == 201
    until(lambda: list(spool.iterdir()) == [], 60, "something of a file stays on disk")


def _requests(door: Door, batch: Batch) -> Iterator[tuple[bytes, bytes]]:
    """Head and body of the same file: raw, in a form, and in chunks without a length."""
    form = (
        f"--{BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="file"; filename="cases.csv"\r\nContent-Type: text/csv\r\n\r\n'
    ).encode() + batch.content
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(batch.content), batch.content)
    yield _head(door, batch, "text/csv", f"Content-Length: {len(batch.content)}"), batch.content
    yield _head(door, batch, f"multipart/form-data; boundary={BOUNDARY}", f"Content-Length: {len(form) + 50}"), form
    yield _head(door, batch, "text/csv", "Transfer-Encoding: chunked"), chunks


def _head(door: Door, batch: Batch, media: str, length: str) -> bytes:
    query = urlencode({"kind": "case", "mode": batch.sort.mode, "opt_out_screened": "true"})
    lines = (
        f"POST /api/submissions?{query} HTTP/1.1",
        f"Host: {urlsplit(door.address).netloc}",
        f"Authorization: Bearer {door.token}",
        f"Idempotency-Key: {batch.key}",
        f"Content-Type: {media}",
        length,
    )
    return "\r\n".join([*lines, "", ""]).encode()


def _send_part(door: Door, request: bytes, *, reset: bool) -> None:
    parts = urlsplit(door.address)
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as line:
        line.sendall(request)
        if reset:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_a_file_sent_a_hundred_times_is_one(door: Door, full: House, admin: psycopg.Connection) -> None:
    """By ten programs at once, ten times each: one receipt, in all answers."""
    batch = Numbers(2).batch(full.ids[OURS], Sort.PARTLY)
    senders = [Sender(number, batch.tenant, door.token, door.address) for number in range(CLIENTS)]
    copies = [Batch(batch.tenant, batch.key, batch.sort, batch.content, batch.rows, batch.stored) for _ in senders]
    with ThreadPoolExecutor(CLIENTS) as programs:
        list(programs.map(_send_often, senders, copies))
    answers = [answer for each in copies for answer in each.given]
    assert len(answers) == CLIENTS * TIMES
    assert len({receipt for _, receipt in answers}) == 1
    assert Counter(status for status, _ in answers)[201] <= 1
    assert {status for status, _ in answers} <= {200, 201, 202}
    for table, count in (("submission", 1), ("case_version", len(batch.stored)), ("case_record", len(batch.stored))):
        assert admin.execute(f"select count(*) from records.{table}".encode()).fetchone() == (count,)
    noted = admin.execute("select action from records.audit where object_type = 'submission' order by sequence")
    assert noted.fetchall() == [("submission received",), (f"submission {batch.sort.state}",)]


def _send_often(sender: Sender, batch: Batch) -> None:
    for _ in range(TIMES):
        until(lambda: sender.deliver(batch), 60, "it is not answered")
