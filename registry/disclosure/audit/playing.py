"""Parts of the grid played in processes of their own, as many as there are processors: no part depends on another.

What comes of it does not depend on how many play: each part goes to the same player whenever it is played, which remembers what it has
decided, and every decision is a function of the part alone. When the asking process ends, in whatever way, the pipe does, and the player
with it.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from registry.disclosure.audit.auditing import audit
from registry.disclosure.audit.releases import Insider, Release
from registry.disclosure.audit.report import Report

MOST = 4
WORTH_IT = 6
"""Fewer parts are played sooner than the players are there."""


@dataclass(frozen=True, slots=True)
class Part:
    """One block of the grid over all releases, what an insider knows of it, and how many seconds of processor time it may take."""

    releases: tuple[Release, ...]
    knows: Insider | None
    seconds: float

    def play(self) -> Report:
        return audit(self.releases, self.knows, seconds=self.seconds)


def processors() -> int:
    """How many players there may be: one for each processor that this process may use, at most four."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, MOST)


class Players:
    """The players, started when they are first needed. To be used in a `with` statement."""

    def __init__(self, count: int | None = None) -> None:
        self._count = processors() if count is None else count
        self._players: list[_Player] = []

    def __enter__(self) -> "Players":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._players:
            each.end()
        self._players = []

    def play(self, parts: Mapping[int, Part]) -> Iterator[tuple[int, Report]]:
        """Each part's report by its number, in the order in which they come. Raises OSError where a player ends before its work does."""
        if self._count < 2 or (len(parts) < WORTH_IT and not self._players):
            yield from ((number, part.play()) for number, part in parts.items())
            return
        if not self._players:
            self._players = [_Player() for _ in range(self._count)]
        waiting: list[list[tuple[int, Part]]] = [[] for _ in self._players]
        for number in sorted(parts, reverse=True):
            waiting[number % self._count].append((number, parts[number]))
        busy: dict[Connection, tuple[_Player, list[tuple[int, Part]], int]] = {}
        for player, mine in zip(self._players, waiting, strict=True):
            if mine:
                busy[player.answering] = (player, mine, player.ask(mine.pop()))
        while busy:
            for one in wait(list(busy)):
                assert isinstance(one, Connection)
                player, mine, number = busy.pop(one)
                report = player.answer()
                if mine:
                    busy[one] = (player, mine, player.ask(mine.pop()))
                yield number, report


class _Player:
    """A process that plays, and the two pipes to it."""

    def __init__(self) -> None:
        # Not `multiprocessing`, whose processes begin with all that this one did: here, the whole service.
        self._process = subprocess.Popen(  # noqa: S603 (this program itself)
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asking = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self.answering = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def end(self) -> None:
        self._asking.close()
        self.answering.close()
        self._process.kill()
        self._process.wait()

    def ask(self, numbered: tuple[int, Part]) -> int:
        number, part = numbered
        try:
            self._asking.send(part)
        except BrokenPipeError:
            raise OSError("a player of the audit ended") from None
        return number

    def answer(self) -> Report:
        try:
            content = self.answering.recv_bytes()
        except EOFError:
            raise OSError("a player of the audit ended") from None
        report = pickle.loads(content)  # noqa: S301 (from a process of our own, over a pipe of our own)
        if not isinstance(report, Report):
            raise OSError(f"a player of the audit could not play: {report}")
        return report


def serve() -> None:
    """In such a process: play parts as they are asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the asking process's to answer
    asking = Connection(os.dup(0), writable=False)
    answering = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # whatever might be printed is no answer
    try:
        while True:
            answering.send_bytes(_told(asking.recv()))
    except (EOFError, BrokenPipeError):
        return


def _told(part: Part) -> bytes:
    """A report as bytes; or the kind of what went wrong: words may hold a count."""
    told: Report | str
    try:
        told = part.play()
    except Exception as error:  # noqa: BLE001 (told to who asked, which ends the audit)
        told = type(error).__name__
    return pickle.dumps(told)
