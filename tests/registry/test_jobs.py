"""The timetable by the calendar, claims in a real database, and workers as processes that race, stop and are killed."""

import signal
import subprocess
import sys
import time as clocks
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from registry import claims
from registry.jobs import (
    TIMETABLE,
    Constantly,
    Every,
    Job,
    Means,
    Nightly,
    attempt,
    job_named,
    run_due,
    work,
    worker_name,
)
from registry.settings import KEYS, Secrets, Settings
from registry.store import Store
from schemas.days import LONDON

AT = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
NIGHT = Nightly(time(2, 30))
DUE = datetime(2026, 3, 3, 2, 30, tzinfo=UTC)
NOW = timedelta(0)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
CLOCKS = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@pytest.fixture
def means(store: Store, settings: Settings) -> Means:
    return Means(store, Secrets.load(settings.secrets_dir, KEYS), settings, worker_name())


def _other(means: Means, stale: timedelta = claims.STALE) -> Means:
    return Means(means.store, means.secrets, means.settings, worker_name(), stale)


class Counted:
    """A job that counts its runs, and fails when told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.dues: list[datetime] = []
        self.fault = fault

    def __call__(self, store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
        self.dues.append(at)
        if self.fault is not None:
            raise self.fault
        return {"runs": len(self.dues)}

    def job(self, when: Every | Nightly | Constantly = NIGHT) -> Job:
        return Job("counted", "Counts.", when, self)


def _runs(admin: psycopg.Connection) -> list[tuple[Any, ...]]:
    return admin.execute("select job, due, finished_at is not null, effect, fault from register.job_run").fetchall()


# --- the calendar


@given(CLOCKS, st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_a_nightly_job_is_due_once_on_each_date(clock: time, day: date) -> None:
    dues = [Nightly(clock).on(day + timedelta(days=each)) for each in range(3)]
    assert all(timedelta(hours=22) < later - sooner < timedelta(hours=26) for sooner, later in pairwise(dues))


@given(CLOCKS, MOMENTS)
def test_the_latest_due_time_is_the_last_that_is_not_after(clock: time, at: datetime) -> None:
    night = Nightly(clock)
    due = night.latest(at)
    assert due <= at < night.on(due.astimezone(LONDON).date() + timedelta(days=1))


@pytest.mark.parametrize(
    ("clock", "day", "utc"),
    [
        (time(2, 30), date(2026, 1, 15), "2026-01-15T02:30"),
        (time(2, 30), date(2026, 7, 15), "2026-07-15T01:30"),
        (time(1, 30), date(2026, 3, 29), "2026-03-29T01:30"),  # the hour that is left out
        (time(1, 30), date(2026, 10, 25), "2026-10-25T00:30"),  # the first of the two
    ],
)
def test_nights_follow_the_clocks_of_london(clock: time, day: date, utc: str) -> None:
    assert Nightly(clock).on(day) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("clock", [time(0, 30), time(1, 0), time(1, 30), time(2, 0), time(2, 30)])
def test_the_nights_the_clocks_change_have_one_run(day: date, clock: time) -> None:
    midnight, end = (datetime.combine(day + timedelta(days=each), time(0), LONDON).astimezone(UTC) for each in (-1, 2))
    minutes = (end - midnight) // timedelta(minutes=1)
    seen = [Nightly(clock).latest(midnight + timedelta(minutes=minute)) for minute in range(minutes)]
    dues = sorted(set(seen))
    assert [due.astimezone(LONDON).date() for due in dues] == [day + timedelta(days=each) for each in range(-2, 2)]
    assert seen == sorted(seen)


@given(st.integers(1, 90_000).map(lambda seconds: timedelta(seconds=seconds)), MOMENTS)
def test_a_period_has_one_due_time_at_any_moment(period: timedelta, at: datetime) -> None:
    due = Every(period).latest(at)
    assert timedelta(0) <= at - due < period
    assert Every(period).latest(due) == due
    assert Every(period).latest(due - timedelta(microseconds=1)) == due - period


def test_the_timetable_names_each_job_once() -> None:
    assert len({job.name for job in TIMETABLE}) == len(TIMETABLE)
    assert job_named("submissions") is TIMETABLE[0]
    assert job_named("absent") is None


# --- claims


def test_a_due_run_is_done_once_and_its_effect_recorded(means: Means, admin: psycopg.Connection) -> None:
    counted = Counted()
    first = run_due([counted.job()], means, AT)
    again = run_due([counted.job()], _other(means), AT + timedelta(hours=1))
    assert [(each.due, each.effect) for each in first] == [(DUE, {"runs": 1})]
    assert again == []
    assert _runs(admin) == [("counted", DUE, True, {"runs": 1}, None)]


def test_of_nights_that_were_missed_the_latest_is_made_up_for(means: Means) -> None:
    counted = Counted()
    run_due([counted.job()], means, AT)
    run_due([counted.job()], means, AT + timedelta(days=5))
    assert counted.dues == [DUE, DUE + timedelta(days=5)]


def test_a_clock_set_back_repeats_nothing(means: Means) -> None:
    counted = Counted()
    job = counted.job(Every(timedelta(minutes=5)))
    for minutes in (0, 5, 3, 0, 7):
        run_due([job], means, AT + timedelta(minutes=minutes))
    assert counted.dues == [AT, AT + timedelta(minutes=5)]


def test_a_run_with_a_living_heartbeat_is_left_alone(means: Means) -> None:
    counted = Counted()
    held = claims.claim(means.store, "counted", DUE, means.name)
    assert held is not None
    assert run_due([counted.job()], _other(means), AT) == []
    assert run_due([counted.job()], _other(means), AT + timedelta(days=1)) == []
    assert counted.dues == []


def test_a_run_whose_heartbeat_stopped_is_taken_over_by_one(means: Means, admin: psycopg.Connection) -> None:
    held = claims.claim(means.store, "counted", DUE, means.name)
    assert held is not None
    admin.execute("update register.job_run set heartbeat_at = now() - interval '61 seconds'")
    counted = Counted()
    assert len(run_due([counted.job()], _other(means), AT)) == 1
    assert run_due([counted.job()], _other(means), AT) == []
    assert not claims.beat(means.store, held)
    assert not claims.finish(means.store, held, fault="TooLate")
    assert _runs(admin) == [("counted", DUE, True, {"runs": 1}, None)]


def test_a_later_run_begins_although_an_earlier_one_was_never_ended(means: Means, admin: psycopg.Connection) -> None:
    claims.claim(means.store, "counted", DUE, means.name)
    admin.execute("update register.job_run set heartbeat_at = now() - interval '61 seconds'")
    counted = Counted()
    run_due([counted.job()], _other(means), AT + timedelta(days=1))
    assert counted.dues == [DUE + timedelta(days=1)]


def test_of_many_claimers_at_once_one_wins(means: Means) -> None:
    won: list[claims.Claim] = []

    def contend() -> None:
        held = claims.claim(means.store, "counted", DUE, worker_name())
        if held is not None:
            won.append(held)

    contenders = [Thread(target=contend) for _ in range(4)]
    for each in contenders:
        each.start()
    for each in contenders:
        each.join()
    assert len(won) == 1


def test_a_fault_is_recorded_by_its_kind_and_the_next_job_runs(
    means: Means, admin: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    failing, counted = Counted(ValueError("canary 9434765919")), Counted()
    jobs = [Job("failing", "Fails.", NIGHT, failing), counted.job()]
    assert [outcome.fault for outcome in run_due(jobs, means, AT)] == ["ValueError", None]
    assert sorted(run[0:1] + run[3:5] for run in _runs(admin)) == [
        ("counted", {"runs": 1}, None),
        ("failing", None, "ValueError"),
    ]
    assert "ValueError at " in caplog.text
    assert "canary" not in caplog.text


def test_a_run_whose_connection_was_cut_is_left_to_be_taken_over(means: Means, admin: psycopg.Connection) -> None:
    def cut(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
        with store.transaction(role="hat_jobs") as connection:
            pid = connection.scalar(text("select pg_backend_pid()"))
            admin.execute("select pg_terminate_backend(%s)", [pid])
            connection.execute(text("select 1"))
        return {}

    outcome = attempt(Job("counted", "Is cut off.", NIGHT, cut), DUE, means)
    assert outcome is not None
    assert (outcome.effect, outcome.fault) == (None, None)
    assert _runs(admin) == [("counted", DUE, False, None, None)]


def test_the_heartbeat_goes_on_while_a_job_runs(means: Means, admin: psycopg.Connection) -> None:
    began: list[datetime] = []

    def long(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
        query = "select heartbeat_at from register.job_run"
        began.append(_one(admin, query))
        _until(lambda: _one(admin, query) > began[0])
        return {"beats": 1}

    quick = _other(means, timedelta(milliseconds=200))
    outcome = attempt(Job("long", "Takes long.", NIGHT, long), DUE, quick)
    assert outcome is not None
    assert outcome.effect == {"beats": 1}


def test_runs_of_long_ago_are_forgotten(means: Means, admin: psycopg.Connection) -> None:
    job = job_named("runs")
    assert job is not None
    claims.claim(means.store, "counted", AT - timedelta(days=91), means.name)
    claims.claim(means.store, "other", AT - timedelta(days=89), means.name)
    assert job.run(means.store, means.secrets, means.settings, AT) == {"forgotten": 1}
    assert [run[0] for run in _runs(admin)] == ["other"]


# --- the loop and its processes


def _one(admin: psycopg.Connection, query: str) -> Any:
    row = admin.execute(query.encode()).fetchone()
    return row[0] if row else None


def _until(condition: Callable[[], object]) -> None:
    until = clocks.monotonic() + 20
    while not condition():
        assert clocks.monotonic() < until
        clocks.sleep(0.02)


def test_the_loop_looks_at_once_does_constant_work_beside_it_and_stops(means: Means) -> None:
    constant, nightly, stop = Counted(), Counted(), Event()
    timetable = [Job("constant", "Works.", Constantly(timedelta(milliseconds=20)), constant), nightly.job()]
    ended: list[bool] = []
    loop = Thread(target=lambda: ended.append(work(timetable, means, stop)))
    loop.start()
    _until(lambda: len(constant.dues) > 2 and nightly.dues)
    stop.set()
    loop.join()
    assert ended == [True]
    assert len(nightly.dues) == 1


def test_the_loop_outlives_a_database_that_is_away(means: Means, admin: psycopg.Connection) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'hat_jobs'"
    constant, stop = Counted(), Event()
    timetable = [Job("constant", "Works.", Constantly(timedelta(milliseconds=20)), constant)]
    loop = Thread(target=work, args=(timetable, means, stop))
    loop.start()
    for _ in range(3):
        constant.dues.clear()
        admin.execute(cut)
        _until(lambda: len(constant.dues) > 1)
    stop.set()
    loop.join()


@contextmanager
def _workers(settings: Settings, count: int, *jobs: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """So many worker processes; whatever still runs at the end is ended."""
    environment = {
        "HAT_DATA_DIR": str(settings.data_dir),
        "HAT_SECRETS_DIR": str(settings.secrets_dir),
        "HAT_DATABASE_URL": str(settings.database_url),
    }
    command = [sys.executable, "-m", "tests.registry.small_worker", *jobs]
    running = [subprocess.Popen(command, env=environment) for _ in range(count)]
    try:
        yield running
    finally:
        for each in running:
            each.kill()
            each.wait()


@pytest.fixture
def worked(admin: psycopg.Connection) -> psycopg.Connection:
    """The table into which the small worker's jobs write."""
    admin.execute("create schema trial")
    admin.execute("create table trial.worked (job text, due timestamptz, worker integer)")
    admin.execute("grant usage on schema trial to hat_jobs")
    admin.execute("grant select, insert on trial.worked to hat_jobs")
    return admin


@pytest.mark.slow
def test_two_workers_do_each_due_run_exactly_once(settings: Settings, worked: psycopg.Connection) -> None:
    with _workers(settings, 2, "tick", "once") as workers:
        _until(lambda: _one(worked, "select count(*) from trial.worked where job = 'tick'") >= 15)
        _until(lambda: _one(worked, "select count(distinct worker) from trial.worked") == 2)
        for each in workers:
            each.terminate()
        assert [each.wait(20) for each in workers] == [0, 0]
    assert _one(worked, "select count(*) - count(distinct (job, due)) from trial.worked") == 0
    assert _one(worked, "select count(*) from trial.worked where job = 'once'") == 1
    assert _one(worked, "select count(*) from register.job_run where finished_at is null or fault is not null") == 0


@pytest.mark.slow
def test_a_killed_workers_run_is_taken_over_once(settings: Settings, worked: psycopg.Connection) -> None:
    with _workers(settings, 2, "stuck") as workers:
        _until(lambda: _one(worked, "select count(*) from trial.worked") == 1)
        stuck = _one(worked, "select worker from trial.worked")
        killed = next(each for each in workers if each.pid == stuck)
        killed.send_signal(signal.SIGKILL)
        _until(lambda: _one(worked, "select count(*) from register.job_run where finished_at is not null") == 1)
    assert _one(worked, "select count(*) from trial.worked") == 2
    assert _one(worked, "select effect ->> 'worked' from register.job_run") == "2"
