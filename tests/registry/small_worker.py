"""A worker with a small timetable of its own, as a program: `python -m tests.registry.small_worker JOB`.

Each run of a job adds one line to `trial.worked`. `tick` is due five times a second, `once` once a night; `stuck` never ends in
the first process that works on it, and at once in any later one. It ends on SIGTERM.
"""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta
from threading import Event

from sqlalchemy import text

from registry.jobs import Every, Job, Nightly, open_means, work
from registry.settings import Secrets, Settings, load
from registry.store import Store


def _noted(store: Store, job: str, due: datetime) -> int:
    with store.transaction(role="hat_jobs") as connection:
        line = {"job": job, "due": due, "worker": os.getpid()}
        connection.execute(text("insert into trial.worked values (:job, :due, :worker)"), line)
        return int(connection.scalar(text("select count(*) from trial.worked where job = :job"), line))


def tick(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    return {"worked": _noted(store, "tick", at)}


def once(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    return {"worked": _noted(store, "once", at)}


def stuck(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    worked = _noted(store, "stuck", at)
    if worked == 1:
        Event().wait()
    return {"worked": worked}


JOBS = {
    "tick": Job("tick", "Ticks.", Every(timedelta(milliseconds=200)), tick),
    "once": Job("once", "Is due once.", Nightly(time(2)), once),
    "stuck": Job("stuck", "Sticks.", Nightly(time(2)), stuck),
}


def main() -> None:
    stop = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    means = replace(open_means(load()), stale=timedelta(seconds=1))
    work([JOBS[name] for name in sys.argv[1:]], means, stop, look=0.05)
    means.store.dispose()


if __name__ == "__main__":
    main()
