"""Cutting off callers who keep a line open and say nothing on it: the server below has no deadline for what is being sent to it.

A head has to be complete in ten seconds; a body may take as long as it needs while it comes at the pace of a poor line. So a few
hundred idle callers take no place of anybody, with a proxy in front or without.
"""

import asyncio
import json
from http import HTTPStatus
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from registry.errors import for_status
from registry.web.problems import MEDIA_TYPE

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0
"""A body may stand still this long …"""
BODY_RATE = 2_000
"""… and comes at so many bytes a second at least in all the time after it."""
LOOK_SECONDS = 1.0


class Timely(H11Protocol):
    """HTTP/1.1 with deadlines for what is received. Nothing is counted against a caller while we are the ones who do not read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(asyncio.Transport, transport))
        self._head: float | None = self.loop.time()
        self._body: float | None = None
        self._received = 0
        self._looking = self.loop.call_later(LOOK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE and self._head is None:
            self._head = self.loop.time()
        super().data_received(data)
        self._count(len(data))

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
        if self._is_late(self.loop.time()):
            self._cut_off()
        else:
            self._looking = self.loop.call_later(LOOK_SECONDS, self._look)

    def _is_late(self, now: float) -> bool:
        if self._head is not None:
            return now - self._head > HEAD_SECONDS
        if self._body is not None:
            return self._received < BODY_RATE * (now - self._body - BODY_SECONDS)
        return False

    def _cut_off(self) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.transport.is_closing():
            self.transport.write(_REFUSAL)
        self.transport.close()


def _refusal() -> bytes:
    found = for_status(HTTPStatus.REQUEST_TIMEOUT)
    body = json.dumps(found.body()).encode()
    head = f"HTTP/1.1 408 Request Timeout\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


_REFUSAL = _refusal()
