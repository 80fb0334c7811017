"""Two hundred callers who send half a head or half a body, or let it drip: others are answered, and every one of them is cut off."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2 as httpx
import pytest

from registry.commands.timely import BODY_SECONDS, HEAD_SECONDS
from registry.settings import Settings
from tests.running import Service, free_port, service

pytestmark = pytest.mark.slow

EACH = 50
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: "
BODY = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nuser_name="


@contextmanager
def callers(address: str) -> Iterator[dict[str, list[socket.socket]]]:
    """Lines by what was begun on them and whether more is to drip."""
    parts = urlsplit(address)
    opened: dict[str, list[socket.socket]] = {}
    for name, begun in (("head", HEAD), ("body", BODY), ("dripping head", HEAD), ("dripping body", BODY)):
        opened[name] = [socket.create_connection((str(parts.hostname), parts.port or 80)) for _ in range(EACH)]
        for each in opened[name]:
            each.sendall(begun)
            each.setblocking(False)
    try:
        yield opened
    finally:
        for each in [line for lines in opened.values() for line in lines]:
            each.close()


def is_cut_off(line: socket.socket) -> bool:
    try:
        return line.recv(65536) is not None  # a refusal, or the end
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def drip(lines: list[socket.socket]) -> None:
    for each in lines:
        try:
            each.send(b"a")
        except OSError:
            continue  # cut off already


def test_others_are_answered_and_the_slow_are_cut_off(settings: Settings) -> None:
    here = settings.model_copy(update={"port": (port := free_port()), "base_url": f"http://127.0.0.1:{port}"})
    with (
        service(here) as running,
        callers(running.address) as lines,
        httpx.Client(base_url=running.address) as kept,
    ):
        assert kept.post("/sign-in", content=b"x" * 200_000, headers={"Content-Type": "text/plain"}).status_code < 500
        _others_are_answered(running)
        left = {name: list(each) for name, each in lines.items()}
        until = time.monotonic() + max(HEAD_SECONDS, BODY_SECONDS) + 15
        while any(left.values()) and time.monotonic() < until:
            for name in ("dripping head", "dripping body"):
                drip(left[name])
            _others_are_answered(running)
            left = {name: [line for line in each if not is_cut_off(line)] for name, each in left.items()}
        assert {name: len(each) for name, each in left.items()} == dict.fromkeys(lines, 0)
        assert kept.get("/").status_code == 200, "whoever says nothing between two requests is no slow caller"


def _others_are_answered(running: Service) -> None:
    began = time.monotonic()
    assert httpx.get(f"{running.address}/", timeout=5).status_code == 200
    assert time.monotonic() - began < 5
