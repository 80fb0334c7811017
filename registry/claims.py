"""Claims: who works on which due run of a job. The row is the claim, its heartbeat says that the claimer lives.

All clocks are the database's, so workers whose own clocks differ, or are set, neither double nor lose a run.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

from sqlalchemy import ColumnElement, Update, delete, exists, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from registry.store import Store
from registry.store.tables import job_run

log = logging.getLogger(__name__)

JOBS = "hat_jobs"
STALE = timedelta(seconds=60)
"""A claim without a heartbeat for this long is another's to take; beats come four times as often."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do one due run. `by` names the worker process, never a person."""

    job: str
    due: datetime
    by: str


def clock(store: Store) -> datetime:
    """The database's time."""
    with store.readonly(role=JOBS) as connection:
        return connection.execute(select(func.now())).scalar_one()


def claim(store: Store, job: str, due: datetime, by: str, stale: timedelta = STALE) -> Claim | None:
    """Take one due run, or take it over from a worker whose heartbeat stopped; None while it is another's, or done.

    A job of which an earlier run is still at work is not begun a second time.
    """
    with store.transaction(role=JOBS) as connection:
        mine = select(literal(job), literal(due), literal(by)).where(~_at_work(job, stale))
        first = insert(job_run).from_select(["job", "due", "claimed_by"], mine).on_conflict_do_nothing()
        if connection.execute(first.returning(job_run.c.job)).one_or_none() is not None:
            return Claim(job, due, by)
        over = update(job_run).where(job_run.c.job == job, job_run.c.due == due, job_run.c.finished_at.is_(None))
        stopped = over.where(job_run.c.heartbeat_at < func.now() - stale)
        taken = stopped.values(claimed_by=by, claimed_at=func.now(), heartbeat_at=func.now())
        return Claim(job, due, by) if connection.execute(taken).rowcount == 1 else None


def _at_work(job: str, stale: timedelta) -> ColumnElement[bool]:
    return exists().where(
        job_run.c.job == job, job_run.c.finished_at.is_(None), job_run.c.heartbeat_at >= func.now() - stale
    )


def beat(store: Store, held: Claim) -> bool:
    """Say that the run goes on; False if another has taken it over."""
    with store.transaction(role=JOBS) as connection:
        return connection.execute(_held(held).values(heartbeat_at=func.now())).rowcount == 1


def finish(store: Store, held: Claim, *, effect: Mapping[str, int] | None = None, fault: str | None = None) -> bool:
    """Record what a run did, or the kind of its fault; False, recording nothing, if another has taken it over."""
    with store.transaction(role=JOBS) as connection:
        done = _held(held).values(finished_at=func.now(), effect=None if effect is None else dict(effect), fault=fault)
        return connection.execute(done).rowcount == 1


def _held(held: Claim) -> Update:
    return update(job_run).where(
        job_run.c.job == held.job,
        job_run.c.due == held.due,
        job_run.c.claimed_by == held.by,
        job_run.c.finished_at.is_(None),
    )


@contextmanager
def beating(store: Store, held: Claim, stale: timedelta = STALE) -> Iterator[None]:
    """Beats from a thread, on a connection of its own, for as long as the block runs."""
    over = Event()

    def beats() -> None:
        while not over.wait(stale.total_seconds() / 4):
            try:
                if not beat(store, held):
                    log.warning("the run of %s due %s was taken over by another worker", held.job, held.due)
                    return
            except DBAPIError as error:
                log.warning("no heartbeat for %s: %s", held.job, type(error).__name__)

    thread = Thread(target=beats, name=f"heartbeat of {held.job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def forget(store: Store, before: datetime) -> int:
    """Delete the records of runs due before a time; gives how many."""
    with store.transaction(role=JOBS) as connection:
        return connection.execute(delete(job_run).where(job_run.c.due < before)).rowcount
