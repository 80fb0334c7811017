"""Counting only what was touched gives what counting everything gives, to the last row."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update

from registry.publications import counting, refreshing
from registry.settings import CountingRules, Settings
from registry.store import Store
from registry.store.figures import report_count, touched
from registry.store.records import RECORD, VERSION
from registry.store.tables import case_count, organisation, pair, trust_month
from schemas.record import RecordKind
from tests.registry.make import make_organisation
from tests.registry.publications.hold import (
    Case,
    Held,
    hold_activity,
    hold_case,
    hold_pair,
    hold_readings,
    hold_review,
    submit,
)

AT = datetime(2026, 11, 20, tzinfo=UTC)
RULES = CountingRules()
MONTHS = [date(2025, month, 1) for month in range(3, 8)]
CASE, VERSIONS = RECORD[RecordKind.CASE], VERSION[RecordKind.CASE]
FIGURES = (case_count, report_count, trust_month)

Figures = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def trusts(store: Store, settings: Settings) -> list[int]:
    return [make_organisation(store, settings, code=code, live_from=MONTHS[0]) for code in ("RA1", "RB1", "RC1", "RD1")]


def figures(connection: Connection) -> Figures:
    return {
        table.name: sorted(
            (tuple(row) for row in connection.execute(select(*(c for c in table.c if c.name != "counted_at")))),
            key=repr,
        )
        for table in FIGURES
    }


@pytest.fixture
def compared(store: Store) -> Callable[[datetime], dict[str, int]]:
    """Refresh, then count everything in a transaction that is taken back, and compare."""

    def run(at: datetime) -> dict[str, int]:
        with store.transaction(role="hat_jobs") as connection:
            effect = dict(refreshing.refresh(connection, RULES, at))
            refreshed = figures(connection)
        with store.transaction(role="hat_jobs") as connection:
            before = connection.begin_nested()
            counting.count(connection, RULES, at)
            counted = figures(connection)
            before.rollback()
        assert refreshed == counted
        return effect

    return run


class World:
    """Things that happen, drawn at random."""

    def __init__(self, store: Store, trusts: list[int], seed: int) -> None:
        self.store, self.trusts, self.chance = store, trusts, Random(seed)
        self.cases: list[Held] = []

    def happens(self) -> None:
        things = (
            self.report, self.report, self.review, self.correct, self.attribute, self.withdraw, self.pair, self.dismiss,
            self.read, self.read, self.return_month, self.close, self.forget_person,
        )  # fmt: skip
        for _ in range(self.chance.randrange(1, 5)):
            with self.store.transaction(role="hat_jobs") as connection:
                self.chance.choice(things)(connection)

    def report(self, connection: Connection) -> None:
        tenant, other = self.chance.sample(self.trusts, 2)
        foreign = self.chance.random() < 0.3
        case = Case(
            self.chance.choice(MONTHS),
            attributed=other if foreign else tenant,
            attribution=self.chance.choice(("proposed", "accepted", "disputed")) if foreign else "own",
            since=AT - timedelta(days=self.chance.randrange(25, 36)),
            person=self.chance.choice((b"1", b"2", b"3", None)),
            day=self.chance.choice((3, 4)),
            diagnosed=date(2025, 8, self.chance.randrange(1, 28)),
            said={
                "vte_type": self.chance.choice(("pe", "dvt")),
                "scope": self.chance.choice(("in", "in", "in", "line_related")),
                "patient_classification": self.chance.choice(("ordinary", "day_case")),
            },
        )
        self.cases.append(hold_case(connection, tenant, case))

    def review(self, connection: Connection) -> None:
        fresh = [each for each in self.cases if not self._reviewed(connection, each)]
        if fresh:
            said = self.chance.choice(
                (
                    {"category": "not_hat"},
                    {
                        "category": "prophylaxis_failure",
                        "preventability": "not_preventable",
                        "judged_on": date(2025, 9, 1),
                    },
                    {
                        "category": "inadequate_prophylaxis",
                        "inadequacies": ["wrong_dose"],
                        "preventability": "preventable",
                    },
                )
            )
            hold_review(connection, self.chance.choice(fresh), **said)

    @staticmethod
    def _reviewed(connection: Connection, held: Held) -> bool:
        rca = RECORD[RecordKind.RCA].c
        query = select(rca.id).where(rca.tenant_id == held.tenant, rca.local_case_id == held.local_case_id)
        return connection.execute(query).first() is not None

    def correct(self, connection: Connection) -> None:
        """A new version of a case in another month."""
        if not self.cases:
            return
        held, month = self.chance.choice(self.cases), self.chance.choice(MONTHS)
        mine = (VERSIONS.c.tenant_id == held.tenant, VERSIONS.c.record_id == held.id)
        last = (
            connection.execute(select(VERSIONS).where(*mine).order_by(VERSIONS.c.version.desc()).limit(1))
            .mappings()
            .one()
        )
        new = {
            **last,
            "version": last["version"] + 1,
            "index_month": month,
            "index_admission_date": month.replace(day=3),
        }
        new |= {"submission_id": submit(connection, held.tenant)}
        new.pop("recorded_at")
        connection.execute(insert(VERSIONS).values(**new))
        self._update(connection, held, version=new["version"])

    def _update(self, connection: Connection, held: Held, **values: Any) -> None:
        connection.execute(update(CASE).where(CASE.c.tenant_id == held.tenant, CASE.c.id == held.id).values(**values))

    def attribute(self, connection: Connection) -> None:
        if self.cases:
            held, to = self.chance.choice(self.cases), self.chance.choice(self.trusts)
            state = "own" if to == held.tenant else self.chance.choice(("accepted", "disputed", "proposed"))
            self._update(
                connection, held, attributed_id=to, attribution=state, attribution_since=AT - timedelta(days=20)
            )

    def withdraw(self, connection: Connection) -> None:
        if self.cases:
            self._update(connection, self.chance.choice(self.cases), withdrawn_at=self.chance.choice((AT, None)))

    def forget_person(self, connection: Connection) -> None:
        if self.cases:
            self._update(connection, self.chance.choice(self.cases), nhs_key=None)

    def pair(self, connection: Connection) -> None:
        if len(self.cases) > 1:
            first, second = self.chance.sample(self.cases, 2)
            known = select(pair.c.id).where(pair.c.first_case_id == first.id, pair.c.second_case_id == second.id)
            if connection.execute(known).first() is None:
                hold_pair(connection, first, second)

    def dismiss(self, connection: Connection) -> None:
        if self.chance.random() < 0.5:
            connection.execute(update(pair).values(state="dismissed"))
        else:
            connection.execute(text("delete from linkage.pair where id in (select id from linkage.pair limit 1)"))

    def read(self, _connection: Connection) -> None:
        """Both readers judge, the second blind, at their own desk."""
        if not self.cases:
            return
        held = self.chance.choice(self.cases)
        first, second = (self.chance.choice(("preventable", "not_preventable")) for _ in range(2))
        hold_readings(self.store, held, first, second, AT, blind=True)

    def return_month(self, connection: Connection) -> None:
        tenant, month = self.chance.choice(self.trusts), self.chance.choice(MONTHS)
        activity = RECORD[RecordKind.ACTIVITY].c
        if (
            connection.execute(select(activity.id).where(activity.tenant_id == tenant, activity.month == month)).first()
            is None
        ):
            hold_activity(connection, tenant, month, case_return=self.chance.choice(("complete", "nil", "partial")))

    def close(self, _connection: Connection) -> None:
        """A trust closes in mid-year, or does not after all. The register is another role's."""
        closed = self.chance.choice((date(2025, 5, 31), None))
        with self.store.transaction() as register:
            register.execute(
                update(organisation)
                .where(organisation.c.id == self.chance.choice(self.trusts))
                .values(closed_on=closed)
            )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_random_changes_counted_one_after_the_other_are_as_counted_at_once(
    store: Store, trusts: list[int], compared: Callable[[datetime], dict[str, int]], seed: int
) -> None:
    world = World(store, trusts, seed)
    for step in range(10):
        world.happens()
        compared(AT + timedelta(days=step / 2))


def test_the_first_refresh_counts_everything_and_a_quiet_one_nothing(
    store: Store, trusts: list[int], compared: Callable[[datetime], dict[str, int]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        hold_case(connection, trusts[0], Case(MONTHS[0]))
    assert compared(AT)["cases"] == 1
    _age(store)
    assert compared(AT) == {"touched": 0, "months": 0}


def _age(store: Store) -> None:
    """What is held was recorded long ago."""
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(
            text("update register.job_mark set seen_to = seen_to + interval '1 hour' where job = 'figures'")
        )


def test_silence_that_runs_out_is_noticed(
    store: Store, trusts: list[int], compared: Callable[[datetime], dict[str, int]]
) -> None:
    with store.transaction(role="hat_jobs") as connection:
        case = Case(MONTHS[0], attributed=trusts[1], attribution="proposed", since=AT - timedelta(days=29))
        hold_case(connection, trusts[0], case)
    compared(AT)
    _age(store)
    assert compared(AT + timedelta(hours=12)) == {"touched": 0, "months": 0}
    assert compared(AT + timedelta(days=2)) == {"touched": 1, "months": 1}


def test_what_was_touched_is_forgotten_once_it_is_counted(store: Store, trusts: list[int]) -> None:
    with store.transaction(role="hat_jobs") as connection:
        held = hold_case(connection, trusts[0], Case(MONTHS[0]))
        refreshing.refresh(connection, RULES, AT)
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(update(CASE).where(CASE.c.id == held.id).values(withdrawn_at=AT))
        assert connection.execute(select(touched)).all() != []
        refreshing.refresh(connection, RULES, AT)
        assert connection.execute(select(touched)).all() == []
        assert connection.execute(select(case_count)).all() == []


WAITING = text("select count(*) from pg_locks where locktype = 'advisory' and not granted")


def test_a_count_waits_for_another_longer_than_for_a_row(store: Store) -> None:
    def second() -> str:
        with store.transaction(role="hat_jobs") as connection:
            connection.execute(text("set lock_timeout = '1ms'"))
            counting.take_turn(connection)
            return str(connection.scalar(text("show lock_timeout")))

    with ThreadPoolExecutor(1) as pool, store.readonly(role="hat_national") as watch:
        with store.transaction(role="hat_jobs") as first:
            counting.take_turn(first)
            waits = pool.submit(second)
            while not watch.scalar(WAITING):
                watch.execute(text("select pg_sleep(0.02)"))
            watch.execute(text("select pg_sleep(0.05)"))  # many times what a row would be waited for
            assert not waits.done()
        assert waits.result() == "2s"
