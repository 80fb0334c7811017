"""Lines on which nothing more is said, and lines on which nothing is taken: what was asked whole is answered, the rest is cut off."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from registry.commands import timely
from tests.running import free_port, until

WHOLE = b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = WHOLE.replace(b"small", b"large")
HALF = b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nuser_name="
SIZES = {"/small": 10, "/large": 50_000_000}


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads a body to its end, and answers as many bytes as the address says."""
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * SIZES[scope["path"]]})


@pytest.fixture
def port() -> Iterator[int]:
    config = uvicorn.Config(answering, port=free_port(), http=timely.Timely, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, 60, "uvicorn does not start")
        yield config.port
    finally:
        server.should_exit = True
        thread.join()


def said(port: int, request: bytes) -> bytes:
    """What is answered to these bytes and the end of what is said."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(request)
        line.shutdown(socket.SHUT_WR)
        return _to_the_end(line)


def _to_the_end(line: socket.socket) -> bytes:
    answer = bytearray()
    while block := line.recv(65536):
        answer += block
    return bytes(answer)


def test_whoever_says_that_nothing_more_comes_is_answered(port: int) -> None:
    assert said(port, WHOLE).startswith(b"HTTP/1.1 200")
    assert said(port, WHOLE * 3).count(b"HTTP/1.1 200") == 3
    assert said(port, HALF) == b""
    assert said(port, b"") == b""


def test_whoever_takes_nothing_of_an_answer_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timely, "ANSWER_SECONDS", 2.0)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as silent:
        silent.sendall(LARGE)
        until(lambda: _is_cut_off(silent), 60, "it goes on listening to whoever takes nothing")
    assert said(port, WHOLE).startswith(b"HTTP/1.1 200")


def _is_cut_off(line: socket.socket) -> bool:
    try:
        line.send(b" ")
    except ConnectionError:
        return True
    return False
