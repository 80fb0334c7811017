"""Cutting off callers who keep a line open and say nothing on it: the server below has no deadline for what is being sent to it, nor for
what is not fetched.

A head has to be complete in ten seconds; a body may take as long as it needs while it comes at the pace of a poor line, and so may an
answer. So a few hundred idle callers take no place of anybody, with a proxy in front or without. What cannot be read as a request is
refused in the shape of all refusals; whoever sent a whole one and then says that nothing more comes still gets its answer.
"""

import asyncio
import fcntl
import json
import struct
import termios
from http import HTTPStatus
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from registry.errors import for_status
from registry.web.edge import HEADERS
from registry.web.problems import MEDIA_TYPE

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0
"""A body may stand still this long …"""
BODY_RATE = 2_000
"""… and comes at so many bytes a second at least in all the time after it."""
ANSWER_SECONDS = 60.0
"""Of an answer something has to be taken this often."""
LOOK_SECONDS = 1.0


class Timely(H11Protocol):
    """HTTP/1.1 with deadlines for what is received. Nothing is counted against a caller while we are the ones who do not read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._head: float | None = self.loop.time()
        self._body: float | None = None
        self._received = 0
        self._unsent, self._taken = 0, self.loop.time()
        self._looking = self.loop.call_later(LOOK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE and self._head is None:
            self._head = self.loop.time()
        super().data_received(data)
        self._count(len(data))

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for either; the server's own closes the line
        """Whether the line stays open for an answer: nothing more will be said on it, and what was said may be a whole request."""
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- the server's own words
        """Refuse what is no request."""
        self._cut_off(_UNREADABLE)

    def _count(self, received: int) -> None:
        state = self.conn.their_state
        if state is not h11.IDLE:
            self._head = None
        if state is not h11.SEND_BODY:
            self._body = None
        elif self._body is None:
            self._body, self._received = self.loop.time(), received
        else:
            self._received += received

    def _look(self) -> None:
        if self.flow.read_paused and self._body is not None:
            self._body += LOOK_SECONDS
        if self._is_stuck(self.loop.time()):
            self.transport.abort()
        elif self._is_late(self.loop.time()):
            self._cut_off(_TOO_SLOW)
        else:
            self._looking = self.loop.call_later(LOOK_SECONDS, self._look)

    def _is_late(self, now: float) -> bool:
        if self._head is not None:
            return now - self._head > HEAD_SECONDS
        if self._body is not None:
            return self._received < BODY_RATE * (now - self._body - BODY_SECONDS)
        return False

    def _is_stuck(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        if unsent:
            unsent += _held_by_system(self.transport)
        if unsent != self._unsent or not unsent:
            self._unsent, self._taken = unsent, now
        return now - self._taken > ANSWER_SECONDS

    def _cut_off(self, refusal: bytes) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
            self.transport.write(refusal)
        self.transport.close()


def _held_by_system(transport: asyncio.Transport) -> int:
    """Bytes that were written and that the other side has not taken: a slow reader's number changes, a silent one's stands."""
    answer = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
    return int(struct.unpack("i", answer)[0])


def _refusal(status: HTTPStatus) -> bytes:
    body = json.dumps(for_status(status).body()).encode()
    headers = HEADERS | {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


_TOO_SLOW, _UNREADABLE = _refusal(HTTPStatus.REQUEST_TIMEOUT), _refusal(HTTPStatus.BAD_REQUEST)
