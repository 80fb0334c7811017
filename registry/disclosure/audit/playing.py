"""Parts of the grid played in processes of their own, as many as there are processors: no part depends on another.

What comes of it does not depend on how many play: each part goes to the same player whenever it is played, which remembers what it has
decided, and every decision is a function of the part alone.
"""

import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from ingest.child import Child, answer_with
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
        self._players: list[Child[Report]] = []

    def __enter__(self) -> "Players":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Whatever they are at. New ones are started where there is more to play."""
        for each in self._players:
            each.end()
        self._players = []

    def play(self, parts: Mapping[int, Part]) -> Generator[tuple[int, Report]]:
        """Each part's report by its number, in the order in which they come. Raises OSError where a player ends before its work does.

        Closed before its end, it ends the players: nobody would ask for what they are at.
        """
        if self._count < 2 or (len(parts) < WORTH_IT and not self._players):
            yield from ((number, part.play()) for number, part in parts.items())
            return
        if not self._players:
            self._players = [Child(__name__, Report) for _ in range(self._count)]
        waiting: list[list[tuple[int, Part]]] = [[] for _ in self._players]
        for number in sorted(parts, reverse=True):
            waiting[number % self._count].append((number, parts[number]))
        busy: dict[Connection, tuple[Child[Report], list[tuple[int, Part]], int]] = {}
        for player, mine in zip(self._players, waiting, strict=True):
            if mine:
                busy[player.answering] = (player, mine, _next(player, mine))
        try:
            while busy:
                for one in wait(list(busy)):
                    assert isinstance(one, Connection)
                    player, mine, number = busy.pop(one)
                    report = player.answer()
                    if mine:
                        busy[one] = (player, mine, _next(player, mine))
                    yield number, report
        finally:
            if busy:
                self.end()


def _next(player: Child[Report], mine: list[tuple[int, Part]]) -> int:
    """Ask for the next part; gives its number."""
    number, part = mine.pop()
    player.ask(part)
    return number


def serve() -> None:
    """In such a process: play parts as they are asked for, until nobody asks any more."""
    answer_with(lambda _given, part: part.play())
