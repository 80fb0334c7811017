"""Bodies of 300 MB, made on the fly: as a stream of no length, as one whose length is said, as a form; at routes that take files and at
pages. Each is refused, none is held in memory, and nothing of it is left on the disk.
"""

import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.web.forgery import cookie_name
from tests.registry.web.programs import screened
from tests.registry.web.visitors import house, whole_session
from tests.running import free_port, service, token, until

pytestmark = pytest.mark.slow

MB = 1_000_000
SIZE = 300 * MB
GROWTH = 50 * MB
BLOCK = b"x" * (MB - 2) + b"\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\nContent-Type: text/csv\r\n\r\n'
FORM = "multipart/form-data; boundary=b"
FILES = "/api/submissions?kind=case&opt_out_screened=true"


@dataclass(frozen=True)
class Body:
    """One body at one address; whether its length is said before."""

    path: str
    media: str
    declared: bool
    begins: bytes = b""
    size: int = SIZE

    def head(self, host: str, headers: Mapping[str, str]) -> bytes:
        length = f"Content-Length: {self.size}" if self.declared else "Transfer-Encoding: chunked"
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {self.media}\r\n{length}\r\n{more}\r\n".encode()

    def pieces(self) -> Iterator[bytes]:
        for piece in (self.begins, *([BLOCK] * (self.size // len(BLOCK)))):
            if piece:
                yield piece if self.declared else b"%x\r\n%b\r\n" % (len(piece), piece)
        if not self.declared:
            yield b"0\r\n\r\n"


BODIES = tuple(
    Body(path, media, declared, begins)
    for path, media, begins in (
        (FILES, "text/csv", b""),
        (FILES, FORM, PART),
        ("/trust/upload", FORM, PART),
        ("/fhir/r4", "application/fhir+json", b'{"resourceType": "'),
        ("/fhir/r4/$submit-cases", "application/fhir+ndjson", b"{"),
        ("/sign-in", "application/x-www-form-urlencoded", b"user_name="),
        ("/nowhere", "text/plain", b""),
    )
    for declared in (False, True)
    if declared or not path.endswith("$submit-cases")  # spooled by what the first of these is
)


class Memory:
    """What the web process and its children hold, at most, from now on."""

    def __init__(self, number: int) -> None:
        self._process = psutil.Process(number)
        self.first = self.most = self._now()

    def look(self) -> None:
        self.most = max(self.most, self._now())

    def _now(self) -> int:
        held = [self._process, *self._process.children(recursive=True)]
        return sum(each.memory_info().rss for each in held)

    def left_open(self) -> list[str]:
        """Files that it still has and nobody else sees."""
        folder = Path(f"/proc/{self._process.pid}/fd")
        names = [str(each.readlink()) for each in folder.iterdir() if each.is_symlink()]
        return [each for each in names if each.endswith("(deleted)") and "/dev/" not in each and "memfd" not in each]


def answered(address: str, body: Body, headers: Mapping[str, str], memory: Memory) -> bytes:
    """The first line of what is answered; empty where the connection was closed on a sender that had not done."""
    parts = urlsplit(address)
    with (
        socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60) as line,
        suppress(ConnectionError),
    ):
        line.sendall(body.head(parts.netloc, headers))
        for piece in body.pieces():
            if select.select([line], [], [], 0)[0]:
                break
            line.sendall(piece)
            memory.look()
        return line.recv(65536).partition(b"\r\n")[0]
    return b""


def refusals(body: Body) -> tuple[bytes, ...]:
    """A field that is too long may be found before the whole is; what leads nowhere is not read."""
    return (b"413",) if body.declared or body.path not in ("/sign-in", "/nowhere") else (b"413", b"400", b"404")


def test_no_body_without_end_is_taken(settings: Settings, store: Store) -> None:
    here = settings.model_copy(update={"port": (port := free_port()), "base_url": f"http://127.0.0.1:{port}"})
    full = house(here, store)
    screened(full)
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"))
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = whole_session(connection, nurse)
    program = {
        "Authorization": f"Bearer {token(full, 'RRV')}",
        "Idempotency-Key": "endless",
        "Submission-Id": str(uuid4()),
        "Opt-Out-Screened": "true",
    }
    person = {"Cookie": f"{cookie_name(here.base_url)}={secret}", "Sec-Fetch-Site": "same-origin"}

    def sender(body: Body) -> Mapping[str, str]:
        return program if body.path.startswith(("/api", "/fhir")) else person

    with service(here) as running:
        for body in BODIES:  # whatever a first body brings in is there before memory is measured
            answered(here.base_url, replace(body, size=2 * MB), sender(body), Memory(running.web.number))
        memory, told = Memory(running.web.number), {}
        for body in BODIES:
            told[body] = answered(here.base_url, body, sender(body), memory)
        assert [(body, answer) for body, answer in told.items() if answer and answer[9:12] not in refusals(body)] == []
        assert sum(b" 413 " in answer for answer in told.values()) >= len(BODIES) / 2, told
        assert memory.most - memory.first < GROWTH, (memory.first, memory.most)
        assert running.answers()
        until(lambda: not memory.left_open(), 30, f"kept open: {memory.left_open()}")
        assert list((here.data_dir / "spool").iterdir()) == []
