"""What a worker's runs came to since it started: of constant jobs nothing stands in the database."""

import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock


@dataclass(frozen=True, slots=True)
class Tally:
    """Counted by job and whether it ended well; and when each last did, in seconds since 1970. Safe between threads."""

    ended: Counter[tuple[str, bool]] = field(default_factory=Counter)
    last: dict[str, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, job: str, *, good: bool) -> None:
        with self.lock:
            self.ended[job, good] += 1
            if good:
                self.last[job] = time.time()

    def read(self) -> tuple[dict[tuple[str, bool], int], dict[str, float]]:
        with self.lock:
            return dict(self.ended), dict(self.last)
