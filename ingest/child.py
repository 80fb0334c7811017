"""A process beside this one, which is asked over pipes of its own and answers in turn.

When the asking process ends, in whatever way, the pipes do, and the other process with it. Not `multiprocessing`, whose processes begin
with all that this one did: here, the whole service.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Answer = TypeVar("Answer")


class Child(Generic[Answer]):
    """Runs `serve()` of a module, which is to call `answer_with`. `given` comes before whatever is asked; each answer is one of `kind`."""

    def __init__(self, module: str, kind: type[Answer], given: object = None) -> None:
        self._module, self._kind = module, kind
        self._process = subprocess.Popen(  # noqa: S603 (this program itself)
            [sys.executable, "-c", f"from {module} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asking = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self.answering = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        """To wait for together with those of others."""
        self._process.stdin.close()
        self._process.stdout.close()
        self.ask(given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Whatever it is at."""
        self._asking.close()
        self.answering.close()
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, asked: object) -> None:
        """Raises OSError where the process has ended."""
        try:
            self._asking.send(asked)
        except BrokenPipeError:
            raise self._ended() from None

    def answer(self) -> Answer:
        """What came of what was asked first. Raises OSError where the process ended, or could not."""
        try:
            content = self.answering.recv_bytes()
        except EOFError:
            raise self._ended() from None
        told = pickle.loads(content)  # noqa: S301 (from a process of our own, over a pipe of our own)
        if not isinstance(told, self._kind):
            raise OSError(f"a process of {self._module} could not: {told}")
        return told

    def _ended(self) -> OSError:
        return OSError(f"a process of {self._module} ended")


def answer_with(work: Callable[[Any, Any], object]) -> None:
    """In such a process: answer with `work(given, asked)` until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the asking process's to answer
    asking = Connection(os.dup(0), writable=False)
    answering = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # whatever might be printed is no answer
    try:
        given = asking.recv()
        while True:
            answering.send_bytes(_told(work, given, asking.recv()))
    except (EOFError, BrokenPipeError):
        return


def _told(work: Callable[[Any, Any], object], given: object, asked: object) -> bytes:
    """The answer as bytes; or the kind of what went wrong: words may hold a value."""
    told: object
    try:
        told = work(given, asked)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told where it can be dealt with)
        told = type(error).__name__
    return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
