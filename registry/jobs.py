"""The timetable, and the loop that keeps it. `hat work` runs the loop in a process of its own; there may be several.

A claimed job runs once for each due time, whichever worker takes it; if no worker was there, once for the latest due time that was
missed. A run that stops is taken over, so every job is safe to run twice. A constant job has no claims: it takes its work by row locks.
"""

import logging
import os
import secrets as randomness
import socket
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Event, Thread
from time import monotonic

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from registry import cases, claims, notices, publications, submissions, timeline, trail
from registry.accounts import forgetting
from registry.claims import STALE
from registry.keys import rotation
from registry.lessons import quarterly
from registry.operation import traces
from registry.operation.runs import Tally
from registry.operation.traces import Traces
from registry.publications import drafting
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.web.open_data import job as open_data
from schemas.days import LONDON

log = logging.getLogger(__name__)

ROLES = ("hat_app", "hat_jobs", "hat_national")
KEYS = ("match", "master", "offset", "signing", "audit")
LOOK_SECONDS = 60.0
GRACE_SECONDS = 10.0
STEP_SECONDS = 1.0
"""How often it is asked whether this machine's clock was put back or forth, and by how much it must have been."""
RUNS_KEPT = timedelta(days=90)

Run = Callable[[Store, Secrets, Settings, datetime], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Constantly:
    """At any time, in every worker, with a pause between runs."""

    pause: timedelta

    def latest(self, at: datetime) -> datetime:
        return at

    def on(self, day: date) -> datetime:
        return Nightly(time(12)).on(day)


@dataclass(frozen=True, slots=True)
class Every:
    """At the whole multiples of a period, counted from midnight UTC, 1 January 1970."""

    period: timedelta

    def latest(self, at: datetime) -> datetime:
        """The last due time that is not after `at`."""
        return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % self.period

    def on(self, day: date) -> datetime:
        return self.latest(Nightly(time(12)).on(day))


@dataclass(frozen=True, slots=True)
class Nightly:
    """Once on each date of the London calendar, at a time on its clocks.

    Of an hour that comes twice it is the first; a time that a spring night leaves out falls as long after midnight as it would have.
    """

    clock: time

    def latest(self, at: datetime) -> datetime:
        """The last due time that is not after `at`."""
        today = at.astimezone(LONDON).date()
        due = self.on(today)
        return due if due <= at else self.on(today - timedelta(days=1))

    def on(self, day: date) -> datetime:
        """The due time of a date."""
        return datetime.combine(day, self.clock, LONDON).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Monthly:
    """Once in each month of the London calendar, on a day that every month has, at a time on its clocks."""

    day: int
    clock: time

    def latest(self, at: datetime) -> datetime:
        """The last due time that is not after `at`."""
        first = at.astimezone(LONDON).date().replace(day=1)
        due = self.on(first.replace(day=self.day))
        return due if due <= at else self.on((first - timedelta(days=1)).replace(day=self.day))

    def on(self, day: date) -> datetime:
        return Nightly(self.clock).on(day)


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the timetable. `words` says what it does; `run` gives its effect in numbers and is safe to run twice."""

    name: str
    words: str
    when: Constantly | Every | Nightly | Monthly
    run: Run = field(repr=False)


@dataclass(frozen=True, slots=True)
class Means:
    """What a worker works with. `name` tells one worker process from another; `stale` is how long a silent claim holds."""

    store: Store
    secrets: Secrets
    settings: Settings
    name: str
    stale: timedelta = STALE
    tally: Tally = field(default_factory=Tally)
    traces: Traces = traces.NONE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run: its effect, or the kind of its fault; neither where it has to be taken up again."""

    job: str
    due: datetime
    effect: Mapping[str, int] | None = None
    fault: str | None = None


def forget_runs(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:  # noqa: ARG001 (a job's signature)
    """Forget the runs of long ago."""
    return {"forgotten": claims.forget(store, at - RUNS_KEPT)}


TIMETABLE: tuple[Job, ...] = (
    Job("submissions", "Check the submissions that wait.", Constantly(timedelta(seconds=2)), submissions.work_waiting),
    Job("work", "Take in what came by file as work at the desk.", Every(timedelta(minutes=1)), cases.take_in_work),
    Job("pairs", "Find the same event at two trusts.", Every(timedelta(minutes=5)), cases.find_pairs),
    Job(
        "attribution",
        "Tell trusts of cases reported for them and carry answers back.",
        Every(timedelta(minutes=5)),
        cases.between_trusts,
    ),
    Job("notices", "Tell people what waits for them.", Every(timedelta(minutes=1)), notices.tell),
    Job("letters", "Send the letters that wait.", Constantly(timedelta(seconds=10)), notices.send_waiting),
    Job("digest", "Write each person the letter of the day.", Nightly(time(7)), notices.digest),
    Job("wishes", "Erase what patients wish to be erased.", Every(timedelta(minutes=5)), cases.erase_wished),
    Job("refresh", "Count what was touched since the last count.", Every(timedelta(minutes=5)), publications.refresh),
    Job("figures", "Count all figures anew.", Nightly(time(2, 30)), publications.count),
    Job(
        "releases",
        "Audit the figures that wait and release what is due.",
        Constantly(timedelta(seconds=5)),
        open_data.work,
    ),
    Job("release_draft", "Prepare the month's draft of a release.", Monthly(5, time(5)), drafting.draft_of_the_month),
    Job("overlooked", "Look at all cases for work that was overlooked.", Nightly(time(2)), cases.take_in_overlooked),
    Job("drafts", "Delete drafts that are over.", Nightly(time(2, 45)), cases.forget_drafts),
    Job("payloads", "Delete submitted bytes whose time is over.", Nightly(time(3)), submissions.retire),
    Job("identifiers", "Erase identifiers whose time is over.", Nightly(time(3, 30)), cases.retire),
    Job("told", "Forget notices and letters whose time is over.", Nightly(time(4, 15)), notices.forget),
    Job(
        "learning",
        "Draft the learning summary of the last quarter, and tell who asked to be told.",
        Nightly(time(5)),
        quarterly.run,
    ),
    Job(
        "access",
        "Forget access tokens, assertions and wrong tries whose time is over.",
        Nightly(time(4)),
        forgetting.forget,
    ),
    Job("keys", "Go on with a rotation of keys that was begun.", Constantly(timedelta(seconds=30)), rotation.go_on),
    Job(
        "anchors", "Note outside the database where the audit trail ends.", Every(timedelta(hours=1)), trail.note_heads
    ),
    Job("trail", "Check the whole audit trail.", Nightly(time(5, 30)), trail.verify_all),
    Job("runs", "Forget the runs of more than 90 days ago.", Nightly(time(4, 30)), forget_runs),
)


def open_means(settings: Settings) -> Means:
    """A worker's store and keys. Raises SettingsError where one is missing."""
    store = Store.from_settings(settings, roles=ROLES)
    keys = Secrets.load(settings.secrets_dir, KEYS)
    return Means(store, keys, settings, worker_name(), traces=traces.begin(settings.traces, "worker"))


def worker_name() -> str:
    """Host, process and a random part, since process numbers are used again."""
    return f"{socket.gethostname()}:{os.getpid()}:{randomness.token_hex(4)}"


def job_named(name: str, timetable: Sequence[Job] = TIMETABLE) -> Job | None:
    return next((job for job in timetable if job.name == name), None)


# --- one look at the timetable


def run_due(timetable: Sequence[Job], means: Means, at: datetime) -> list[Outcome]:
    """Do the runs that are due at a time and that nobody else has taken; gives what came of them."""
    claimed = [job for job in timetable if not isinstance(job.when, Constantly)]
    outcomes = (attempt(job, job.when.latest(at), means) for job in claimed)
    return [outcome for outcome in outcomes if outcome is not None]


def attempt(job: Job, due: datetime, means: Means, *, at: datetime | None = None) -> Outcome | None:
    """Do one run and record what came of it; None if it is another's or done already. It works as at its due time, or as at `at`."""
    held = claims.claim(means.store, job.name, due, means.name, means.stale)
    if held is None:
        return None
    with claims.beating(means.store, held, means.stale):
        outcome = _run(job, at or due, means)
    if outcome.effect is not None or outcome.fault is not None:
        claims.finish(means.store, held, effect=outcome.effect, fault=outcome.fault)
    log.info("%s due %s: %s", job.name, due.isoformat(), outcome.effect or outcome.fault or "to be taken up again")
    return outcome


def _run(job: Job, at: datetime, means: Means) -> Outcome:
    with means.traces.span(f"job {job.name}") as describe:
        outcome = _outcome(job, at, means)
        ended = "lost" if outcome.effect is None and outcome.fault is None else outcome.fault or "good"
        describe(f"job {job.name}", {"hat.outcome": ended})
    means.tally.add(job.name, good=outcome.effect is not None)
    return outcome


def _outcome(job: Job, at: datetime, means: Means) -> Outcome:
    """A run whose connection was lost has no outcome: its claim goes stale and is taken over once the database is back."""
    try:
        return Outcome(job.name, at, effect=dict(job.run(means.store, means.secrets, means.settings, at)))
    except DBAPIError as error:
        lost = error.connection_invalidated
        _tell(job, error)
        return Outcome(job.name, at, fault=None if lost else type(error).__name__)
    except Exception as error:  # noqa: BLE001 (whatever a job meets: the worker goes on, the run is recorded as failed)
        _tell(job, error)
        return Outcome(job.name, at, fault=type(error).__name__)


def _tell(job: Job, error: Exception) -> None:
    """The kind of a fault and where it arose; its words may hold a value."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    log.error("%s failed: %s at %s:%s", job.name, type(error).__name__, last.filename, last.lineno)


# --- the loop


def work(timetable: Sequence[Job], means: Means, stop: Event, *, look: float = LOOK_SECONDS) -> bool:
    """Keep the timetable until `stop`, looking at it every `look` seconds; gives whether all runs had ended within the grace."""
    logging.getLogger("apscheduler").setLevel(
        logging.ERROR
    )  # it tells of every run that begins while the last one goes on
    constant = [(job, job.when.pause) for job in timetable if isinstance(job.when, Constantly)]
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(1), "constant": ThreadPoolExecutor(max(1, len(constant)))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    first = datetime.now(UTC)
    scheduler.add_job(_look, "interval", (timetable, means), seconds=look, next_run_time=first)
    for job, pause in constant:
        seconds = pause.total_seconds()
        scheduler.add_job(_once, "interval", (job, means), executor="constant", seconds=seconds, next_run_time=first)
    scheduler.start()
    _wait(stop, scheduler)
    scheduler.pause()  # else it goes on handing runs to executors that shut down
    ending = Thread(target=scheduler.shutdown, daemon=True)
    ending.start()
    ending.join(GRACE_SECONDS)
    return not ending.is_alive()


def _wait(stop: Event, scheduler: BackgroundScheduler) -> None:
    """Until `stop`. The scheduler reckons by this machine's clock: where that was put back it would do nothing until the clock has come
    to where it was, and where it was put forth it would go through all that was left out; so it begins anew, now."""
    ahead = _ahead()
    while not stop.wait(STEP_SECONDS):
        before, ahead = ahead, _ahead()
        if abs(ahead - before) >= STEP_SECONDS:
            log.warning("this machine's clock was put by %.0f seconds", ahead - before)
            for each in scheduler.get_jobs():
                each.modify(next_run_time=datetime.now(UTC))


def _ahead() -> float:
    """The clock that may be put, less the one that nobody can put."""
    return datetime.now(UTC).timestamp() - monotonic()


def _look(timetable: Sequence[Job], means: Means) -> None:
    def look() -> None:
        if _is_ours(means):
            run_due(timetable, means, claims.clock(means.store))
        else:
            log.error(timeline.NOT_ADOPTED)

    _while_reachable(look)


def _once(job: Job, means: Means) -> None:
    _while_reachable(lambda: _is_ours(means) and _run(job, claims.clock(means.store), means))


def _is_ours(means: Means) -> bool:
    """Whether this is the registry's database, and no copy of it that was restored and that nobody adopted: there nothing is done."""
    with means.store.readonly(role=claims.JOBS) as connection:
        return timeline.is_adopted(connection)


def _while_reachable(step: Callable[[], object]) -> None:
    """A step that may find the database away: it is tried again at its next time."""
    try:
        step()
    except DBAPIError as error:
        log.warning("the database could not be reached: %s", type(error).__name__)
