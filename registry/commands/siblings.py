"""Further web processes beside the first, on the same port: Python runs in one processor at a time, so each has one of its own.

They belong to the first one's group of processes and end when it does, however it ends, since it holds the other end of their standard
input. One that dies is started again. What the first inherited (the port, the lock of `hat up`) they inherit too.
"""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn

from registry.processes import ATTACHED

BESIDE = "--beside"
"""The option of a web process that is one of the further ones."""
BACKLOG = 2048
POLL_SECONDS = 0.2
PAUSE_SECONDS = 2.0
END_SECONDS = 12.0


class Port(socket.socket):
    """The port on which several processes listen. Each takes one caller at a time, so that they share the callers between them."""

    def listen(self, _backlog: int = BACKLOG, /) -> None:
        """asyncio takes at once as many callers as it lets wait; what waits is for the others too."""
        super().listen(BACKLOG)


class Siblings(AbstractContextManager["Siblings"]):
    """`count` further web processes, from the block's beginning to its end."""

    def __init__(self, count: int, port: socket.socket) -> None:
        self._count = count
        self._port = port
        self._over = Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._watch = Thread(target=self._keep, name="siblings", daemon=True)

    def __enter__(self) -> Self:
        self._port.set_inheritable(True)
        self._processes = [self._start() for _ in range(self._count)]
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        self._watch.join()
        until = time.monotonic() + END_SECONDS
        for each in self._processes:
            _end(each, until)

    def dismiss(self) -> None:
        """Let them end what they have in hand, and go. Returns at once."""
        self._over.set()
        for each in self._processes:
            if each.stdin is not None:
                each.stdin.close()

    def _keep(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            for place, each in enumerate(self._processes):
                if each.poll() is not None and not self._over.wait(PAUSE_SECONDS):
                    self._processes[place] = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        options = ["serve", BESIDE, ATTACHED, "--listening", str(self._port.fileno())]
        return subprocess.Popen(  # noqa: S603 (our own program, our own arguments)
            [sys.executable, "-m", "registry", *options], stdin=subprocess.PIPE, close_fds=False
        )


def _end(process: "subprocess.Popen[bytes]", until: float) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server(uvicorn.Server):
    """A web process whose siblings begin to end when it does, and which outlives them."""

    def __init__(self, config: uvicorn.Config, siblings: Siblings) -> None:
        super().__init__(config)
        self._siblings = siblings

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        self._siblings.dismiss()
        await super().shutdown(None if sockets is None else list(sockets))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's last step, which ends the process by the same signal once more: a sibling would be left at the port for a
        moment, and whoever called in it would be cut off."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
