"""Clocks that step: nothing runs twice or not at all, nothing is settled in another order, nobody stays signed in longer.

Order and terms come from the database; where a process's own clock has a say, it is an argument and is set back and forth here.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

import registry.accounts
from registry import claims, submissions
from registry.jobs import Every, Job, Means, Nightly, run_due, worker_name
from registry.settings import KEYS, Secrets, Settings
from registry.store import Store
from registry.submissions.receiving import moment
from schemas.days import LONDON
from tests.make import csv_bytes, valid_case
from tests.registry.make import make_organisation
from tests.registry.submissions.make import AT, keys, receive, send

FIRST, MENDED = "2025-09-08", "2025-09-09"
STANDS = "select v.discharge_date::text from records.case_version v join records.case_record r on r.id = v.record_id and r.version = v.version"
STEP = timedelta(minutes=30)
NIGHTS = {"spring": date(2026, 3, 29), "autumn": date(2026, 10, 25)}
CLOCKS = (time(0, 30), time(1, 0), time(1, 30), time(2, 30))


class Worked:
    """What ran, and for which due times."""

    def __init__(self) -> None:
        self.runs: Counter[tuple[str, datetime]] = Counter()

    def job(self, name: str, when: Every | Nightly) -> Job:
        def run(_store: Store, _secrets: Secrets, _settings: Settings, at: datetime) -> Mapping[str, int]:
            self.runs[name, at] += 1
            return {"runs": 1}

        return Job(name, "Counts.", when, run)


def _looks(day: date) -> Iterator[datetime]:
    """When a worker looks at the timetable, by its own clock: three days around a night, in which the clock is set back by forty
    minutes and then put forward again."""
    at = datetime.combine(day - timedelta(days=1), time(0), LONDON).astimezone(UTC)
    end = at + timedelta(days=3)
    while at < end:
        yield at
        at += STEP
    back = datetime.combine(day, time(0, 40), LONDON).astimezone(UTC)
    for minutes in (0, 10, 20, 30, 40, 50, 30, 10, 70, 200):
        yield back + timedelta(minutes=minutes)


@pytest.mark.slow
@pytest.mark.parametrize("night", NIGHTS)
def test_the_nights_the_clocks_change_two_workers_do_each_run_once(
    store: Store, settings: Settings, night: str
) -> None:
    day, worked = NIGHTS[night], Worked()
    jobs = [worked.job(f"at {clock}", Nightly(clock)) for clock in CLOCKS]
    jobs.append(worked.job("hourly", Every(timedelta(hours=1))))
    secrets = Secrets.load(settings.secrets_dir, KEYS)
    workers = [Means(store, secrets, settings, worker_name()) for _ in range(2)]
    for at in sorted(_looks(day)):
        for each in workers:
            run_due(jobs, each, at)
    for at in _looks(day):  # and all over again, by a clock that jumps
        run_due(jobs, workers[0], at)
    assert set(worked.runs.values()) == {1}
    for clock in CLOCKS:
        due = {at for name, at in worked.runs if name == f"at {clock}"}
        assert {Nightly(clock).on(day + timedelta(days=off)) for off in (-1, 0, 1)} <= due
    hours = sorted(at for name, at in worked.runs if name == "hourly")
    assert hours == [hours[0] + timedelta(hours=number) for number in range(72)]


def test_a_correction_that_comes_after_the_clock_was_set_back_is_not_undone(
    store: Store, settings: Settings, admin: psycopg.Connection
) -> None:
    tenant = make_organisation(store, settings)
    path = submissions.spool(settings) / uuid4().hex
    path.write_bytes(csv_bytes([valid_case(discharge_date=FIRST)]))
    receive(store, settings, tenant, path, at=AT)
    with store.transaction(tenants=(tenant,)) as connection:
        then = moment(connection, tenant, AT - timedelta(hours=1))
        assert moment(connection, tenant, AT + timedelta(hours=1)) == AT + timedelta(hours=1)
    assert then == AT + timedelta(microseconds=1)
    send(store, settings, tenant, [valid_case(discharge_date=MENDED)], at=then)
    for minutes in (2, 3):
        submissions.work_waiting(store, keys(settings), settings, AT + timedelta(minutes=minutes))
    assert admin.execute(STANDS.encode()).fetchall() == [(MENDED,)]


def test_no_clock_but_the_database_s_says_who_is_signed_in() -> None:
    """Sessions, links, tokens and pauses begin and end by `now()` in SQL: no module of accounts reads a clock of its own."""
    read = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time|time\.monotonic)\b")
    modules = sorted(Path(registry.accounts.__path__[0]).glob("*.py"))
    assert len(modules) > 10
    assert [each.name for each in [*modules, Path(claims.__file__)] if read.search(each.read_text("utf-8"))] == []
