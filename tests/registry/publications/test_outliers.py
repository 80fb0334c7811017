"""Outliers: who is judged and who cannot be, what is frozen, which steps are open to whom, two at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import ProgrammingError

from registry.access import Actor, Kind, Role
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.publications import case_mix, outlier_answers, outlier_cycles, outlier_policy, outliers, reference_rates
from registry.publications.outlier_cycles import Spread, implied, judge, limits, spread
from registry.publications.outlier_policy import PROPOSAL, working_days_on
from registry.publications.outlier_states import STEPS, State
from registry.settings import Settings
from registry.statistics.funnels import Scale, ratio_limit
from registry.store import Store
from registry.store.tables import audit
from tests.registry.publications.make import make_person, make_trust
from tests.registry.publications.outlying import (
    AT,
    LAST,
    SOURCE,
    YEAR,
    adopted,
    computed,
    hold_nation,
    hold_year,
    trust_lead,
)

WORDS = "Returns, sources and counts were looked through; they stand."
ON = date(2026, 11, 20)


@pytest.fixture
def analyst(store: Store) -> Actor:
    return make_person(store, "An Analyst", Role.NATIONAL_ANALYST)


@pytest.fixture
def lead(store: Store) -> Actor:
    return make_person(store, "A Lead", Role.NATIONAL_LEAD)


@pytest.fixture
def nation(store: Store, settings: Settings) -> list[int]:
    """Twelve trusts. Ten had what is expected (40), one many more, one many fewer."""
    ids = [make_trust(store, settings, f"RA{place:X}", "Y58" if place % 2 else "Y56", LAST) for place in range(12)]
    hold_nation(store, dict(zip(ids, [40, 42, 38, 41, 39, 40, 37, 43, 44, 36, 90, 8], strict=True)))
    return ids


@contextmanager
def national(store: Store) -> Iterator[Connection]:
    with store.transaction(role="hat_national") as connection:
        yield connection


def lines(store: Store, cycle: UUID) -> dict[int, outliers.Line]:
    with national(store) as connection:
        return {one.organisation_id: one for one in outliers.of_cycle(connection, cycle)}


# --- judging


def test_both_sides_are_flagged_and_everything_is_frozen(
    store: Store, nation: list[int], analyst: Actor, lead: Actor
) -> None:
    cycle = computed(store, analyst, lead)
    found = lines(store, cycle)
    assert [found[each].verdict for each in nation[:10]] == ["within"] * 10
    assert (found[nation[10]].verdict, found[nation[10]].side, found[nation[10]].state) == (
        "alarm",
        "high",
        State.DETECTED,
    )
    assert (found[nation[11]].verdict, found[nation[11]].side) == ("alarm", "low")
    assert all(each.expected == pytest.approx(40) for each in found.values())
    with national(store) as connection:
        [held] = outliers.cycles(connection)
        counted = case_mix.read(connection, YEAR)
        assert (held.data_hash, held.reference_year, held.code_version) == (
            reference_rates.digest(counted),
            LAST,
            "test",
        )
        frozen = reference_rates.reference_of(connection, LAST)
        assert frozen is not None
        assert held.reference_hash == frozen.data_hash
        assert held.policy_version == 1
        assert held.compared == 12
        [first] = outliers.taken(connection, found[nation[10]].id)
        assert (first.state, first.actor_name, first.number) == (State.DETECTED, "An Analyst", 1)


def test_a_cycle_is_computed_once_and_only_on_final_years(
    store: Store, nation: list[int], analyst: Actor, lead: Actor
) -> None:
    with national(store) as connection, pytest.raises(Conflict, match="No outlier policy"):
        outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")
    adopted(store, lead)
    with national(store) as connection, pytest.raises(Conflict, match="not frozen"):
        outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")
    with national(store) as connection:
        reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    with national(store) as connection:
        with pytest.raises(Forbidden):
            outlier_cycles.compute(connection, YEAR, by=lead, at=AT, code_version="test")
        outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")
        with pytest.raises(Conflict, match="has been computed"):
            outlier_cycles.compute(connection, YEAR, by=analyst, at=AT, code_version="test")
    with store.transaction(role="hat_jobs") as connection:
        hold_year(connection, nation[0], date(2025, 4, 1), 40)
        connection.exec_driver_sql("update figures.trust_month set provisional = true where month = '2026-03-01'")
    with national(store) as connection:
        reference_rates.freeze(connection, YEAR, by=analyst, at=AT, code_version="test")
        with pytest.raises(Conflict, match="may still change"):
            outlier_cycles.compute(connection, date(2025, 4, 1), by=analyst, at=AT, code_version="test")


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"cases": 60, "final": 9}, "9 of 12 months are in the rate; 12 are needed"),
        ({"cases": 60, "admissions": 2000}, "fewer than 5 cases are expected"),
        ({"cases": 60, "sources": None}, "ascertainment cannot be assessed: no source of cases is named"),
        ({"cases": 60, "sources": 1}, "ascertainment cannot be assessed: one source of cases is named"),
        ({"cases": 60, "sources": 1, "coded": (7, 20, 9)}, "coded candidates in 7 of 12 months"),
        ({"cases": 10, "coded": (12, 50, 10)}, "0.20 cases reported for each coded candidate; 0.5 are needed"),
    ],
)
def test_who_cannot_be_assessed_is_never_within_range(
    store: Store, settings: Settings, analyst: Actor, lead: Actor, held: dict[str, object], reason: str
) -> None:
    ids = [make_trust(store, settings, code, "Y58", LAST) for code in ("RA1", "RB1")]
    with store.transaction(role="hat_jobs") as connection:
        for each in ids:
            hold_year(connection, each, LAST, 40)
        hold_year(connection, ids[0], YEAR, **held)  # type: ignore[arg-type] # named by the cases above
        hold_year(connection, ids[1], YEAR, 40, sources=0, coded=(12, 50, 45))
    found = lines(store, computed(store, analyst, lead))
    assert found[ids[0]].verdict == "cannot_assess"
    assert reason in str(found[ids[0]].reason)
    assert found[ids[0]].state is None
    assert found[ids[1]].verdict == "within"


def test_exact_limits_below_ten_trusts_and_additive_ones_where_they_differ() -> None:
    alone = spread([])
    assert "fewer than 10" in alone.words
    assert limits(25, alone).alert_high == ratio_limit(25, 0.975)
    wide = limits(25, Spread(30, Scale.LOG_TRUNCATED, 5.7, 0.1075349509))
    assert wide.alert_high > limits(25, alone).alert_high
    assert wide.alarm_low < limits(25, alone).alarm_low


def test_trusts_that_differ_widen_the_limits_and_no_case_asks_for_the_root(store: Store, settings: Settings) -> None:
    ids = [make_trust(store, settings, f"RA{place:X}", "Y58", LAST) for place in range(14)]
    hold_nation(store, dict(zip(ids, [10, 20, 80, 90, 40, 30, 60, 100, 15, 40, 50, 70, 0, 25], strict=True)))
    with national(store) as connection:
        years = case_mix.read(connection, YEAR)
        rates = reference_rates.summed(case_mix.read(connection, LAST))
    judged, how = judge([case_mix.standardised(one, rates) for one in years], PROPOSAL)
    assert how.scale is Scale.ROOT_WINSORISED
    assert how.tau2 is not None
    assert "additive overdispersion of 14 trusts" in how.words
    assert sum(one.verdict == "alarm" for one in judged) < 6


def test_what_a_published_verdict_implies() -> None:
    """Ten expected: exact limits; 18 is the first count beyond the upper alert limit (P(X >= 18) = 0.014)."""
    by = limits(10, Spread(2))
    high = implied(1, YEAR, 10, by, "alert", "high")
    assert (high.least, high.most) == (17, 20)
    assert implied(1, YEAR, 10, by, "alarm", "high").least == 21
    assert implied(1, YEAR, 10, by, "within", None).most == 16
    low = implied(1, YEAR, 10, by, "alert", "low")
    within = implied(1, YEAR, 10, by, "within", None)
    assert low.most == within.least - 1
    for count in range(40):
        ratio = count / 10
        side = "low" if ratio < by.alert_low else "high" if ratio > by.alert_high else None
        beyond = ratio < by.alarm_low or ratio > by.alarm_high
        verdict = "within" if side is None else "alarm" if beyond else "alert"
        found = implied(1, YEAR, 10, by, verdict, side)
        assert found.least <= count <= (found.most if found.most is not None else count)
    with pytest.raises(ValueError, match="published"):
        implied(1, YEAR, 10, by, "cannot_assess", None)


# --- the policy


def test_nothing_is_in_force_before_a_lead_adopts_it(store: Store, analyst: Actor, lead: Actor) -> None:
    with national(store) as connection:
        assert outlier_policy.current(connection) is None
        with pytest.raises(Forbidden):
            outlier_policy.adopt(connection, PROPOSAL, SOURCE, by=analyst, at=AT, seen=0)
        with pytest.raises(Unprocessable):
            outlier_policy.adopt(connection, PROPOSAL, "somewhere", by=lead, at=AT, seen=0)
        assert outlier_policy.adopt(connection, PROPOSAL, SOURCE, by=lead, at=AT, seen=0) == 1
        with pytest.raises(Conflict):
            outlier_policy.adopt(connection, PROPOSAL, SOURCE, by=lead, at=AT, seen=0)
        found = outlier_policy.current(connection)
    assert found is not None
    assert (found.version, found.policy, found.source) == (1, PROPOSAL, SOURCE)


def test_a_policy_holds_both_nations_and_every_stage() -> None:
    good = PROPOSAL.model_dump(mode="json")
    assert outlier_policy.read(good) == PROPOSAL
    for spoilt in (
        good | {"nations": {"England": good["nations"]["England"]}},
        good | {"nations": {"England": good["nations"]["England"][:3], "Wales": good["nations"]["Wales"]}},
        good | {"expected_from": 2},
        good | {"invented": 1},
    ):
        with pytest.raises(Unprocessable):
            outlier_policy.read(spoilt)


def test_due_days_count_as_the_policy_says() -> None:
    friday = date(2026, 11, 20)
    assert working_days_on(friday, 1) == date(2026, 11, 23)
    assert working_days_on(friday, 10) == date(2026, 12, 4)
    assert working_days_on(date(2026, 11, 21), 0) == date(2026, 11, 23)
    assert PROPOSAL.due("England", "confirmed", friday) == friday + timedelta(days=90)
    assert PROPOSAL.stage("Wales", "confirmed").tell == ("the Welsh Government",)


# --- steps


@pytest.fixture
def detected(store: Store, nation: list[int], analyst: Actor, lead: Actor) -> tuple[UUID, int]:
    """A detected outlier and its trust."""
    found = lines(store, computed(store, analyst, lead))[nation[10]]
    return found.id, nation[10]


def step(store: Store, ident: UUID, to: State, by: Actor, seen: int, words: str = WORDS, on: date = ON) -> None:
    with national(store) as connection:
        outliers.move(connection, ident, to, words, seen=seen, by=by, at=AT, on=on)


def state(store: Store, ident: UUID) -> tuple[State | None, int]:
    with national(store) as connection:
        held = outliers.one(connection, ident)
    return held.state, held.steps


def test_the_whole_way_with_every_actor(store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor) -> None:
    ident, trust = detected
    theirs = trust_lead(make_person(store, "Their Lead", Role.TRUST_LEAD), trust)
    with store.transaction(tenants=(trust,)) as connection:
        assert outlier_answers.notices(connection, trust) == []
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    with store.transaction(tenants=(trust,)) as connection:
        assert outlier_answers.notices(connection, trust) == []
    step(store, ident, State.NOTIFIED, lead, 2, "Your figure is high; please look at it and answer.")
    with store.transaction(tenants=(trust,)) as connection:
        [notice] = outlier_answers.notices(connection, trust)
        assert (notice.observed, notice.verdict, notice.side) == (90, "alarm", "high")
        assert notice.expected == pytest.approx(40)
        assert notice.words.startswith("Your figure is high")
        assert notice.respond_by == date(2026, 12, 25)
        outlier_answers.answer(
            connection,
            trust,
            ident,
            "We began to read every scan in May 2024.",
            data_right=True,
            seen=0,
            by=theirs,
            at=AT,
        )
    with national(store) as connection:
        assert outlier_answers.take_in_answers(connection) == 1
        assert outlier_answers.take_in_answers(connection) == 0
    assert state(store, ident) == (State.RESPONSE, 4)
    step(store, ident, State.CONFIRMED, lead, 4, "More scans do not explain twice the expected number.")
    with store.transaction(tenants=(trust,)) as connection:
        assert outlier_answers.notice(connection, trust, ident).outcome == "confirmed"
        with pytest.raises(Conflict, match="decided"):
            outlier_answers.answer(connection, trust, ident, WORDS, data_right=True, seen=1, by=theirs, at=AT)
    step(store, ident, State.PUBLISHED, lead, 5, "In the annual report of 2026, page 12; CQC told.")
    with national(store) as connection:
        done = outliers.taken(connection, ident)
        assert [each.actor_name for each in done] == [
            "An Analyst",
            "An Analyst",
            "A Lead",
            "Their Lead",
            "A Lead",
            "A Lead",
        ]
        assert "The data are right. We began" in done[3].evidence
        assert not outliers.one(connection, ident).state.open  # type: ignore[union-attr] # it has a state
    with store.readonly(role="hat_auditor") as connection:
        actions = list(connection.scalars(select(audit.c.action).where(audit.c.object_id == str(ident))))
    assert sorted(actions) == [
        "outlier answered", "outlier confirmed", "outlier data_checked", "outlier provider_notified", "outlier published",
    ]  # fmt: skip


def test_only_the_way_of_the_table_is_open(
    store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor
) -> None:
    ident, _ = detected
    for to in set(State) - {State.DATA_CHECKED}:
        for by in (analyst, lead):
            with pytest.raises(Forbidden):
                step(store, ident, to, by, 1)
    with pytest.raises(Forbidden):
        step(store, ident, State.DATA_CHECKED, lead, 1)
    program = Actor(Kind.TOKEN, analyst.id, "A program", frozenset({Role.NATIONAL_ANALYST}))
    with pytest.raises(Forbidden):
        step(store, ident, State.DATA_CHECKED, program, 1)
    with pytest.raises(Unprocessable):
        step(store, ident, State.DATA_CHECKED, analyst, 1, "short")
    assert state(store, ident) == (State.DETECTED, 1)


def test_who_checked_the_data_does_not_decide(
    store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor
) -> None:
    ident, _ = detected
    both = Actor(Kind.PERSON, analyst.id, analyst.name, frozenset({Role.NATIONAL_ANALYST, Role.NATIONAL_LEAD}))
    step(store, ident, State.DATA_CHECKED, both, 1)
    with pytest.raises(Forbidden):
        step(store, ident, State.NOT_CONFIRMED, both, 2)
    step(store, ident, State.NOT_CONFIRMED, lead, 2, "April was returned twice by a fault of ours.")
    assert state(store, ident) == (State.NOT_CONFIRMED, 3)


def test_silence_is_recorded_only_once_the_time_is_over(
    store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor
) -> None:
    ident, _ = detected
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    step(store, ident, State.NOTIFIED, lead, 2)
    with pytest.raises(Forbidden):
        step(store, ident, State.RESPONSE, lead, 3, on=date(2026, 12, 25))
    step(store, ident, State.RESPONSE, lead, 3, on=date(2026, 12, 26))
    assert state(store, ident) == (State.RESPONSE, 4)


def test_the_same_step_again_is_no_second_one(
    store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor
) -> None:
    ident, _ = detected
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    assert state(store, ident) == (State.DATA_CHECKED, 2)
    with pytest.raises(Conflict):
        step(store, ident, State.DATA_CHECKED, analyst, 1, "Other words of the same length or so.")


def test_two_steps_at_once_are_one(store: Store, detected: tuple[UUID, int], analyst: Actor, lead: Actor) -> None:
    ident, _ = detected
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    together = Barrier(2)

    def try_one(to: State) -> str:
        with national(store) as connection:
            together.wait(10)
            try:
                outliers.move(connection, ident, to, WORDS, seen=2, by=lead, at=AT, on=ON)
            except Conflict:
                return "refused"
        return to.value

    with ThreadPoolExecutor(2) as pool:
        found = sorted(pool.map(try_one, (State.NOTIFIED, State.NOT_CONFIRMED)))
    assert found.count("refused") == 1
    assert state(store, ident)[1] == 3


def test_another_trust_and_other_roles_see_and_answer_nothing(
    store: Store, detected: tuple[UUID, int], nation: list[int], analyst: Actor, lead: Actor
) -> None:
    ident, trust = detected
    step(store, ident, State.DATA_CHECKED, analyst, 1)
    step(store, ident, State.NOTIFIED, lead, 2)
    stranger = trust_lead(make_person(store, "Another", Role.TRUST_LEAD), nation[0])
    with store.transaction(tenants=(nation[0],)) as connection:
        assert outlier_answers.notices(connection, nation[0]) == []
        with pytest.raises(NotFound):
            outlier_answers.answer(connection, nation[0], ident, WORDS, data_right=True, seen=0, by=stranger, at=AT)
        with pytest.raises(Forbidden):
            outlier_answers.answer(connection, trust, ident, WORDS, data_right=True, seen=0, by=stranger, at=AT)
    nurse_roles = frozenset({Role.VTE_NURSE})
    nurse = Actor(Kind.PERSON, stranger.id, "Nurse", nurse_roles, {trust: nurse_roles})
    with store.transaction(tenants=(trust,)) as connection, pytest.raises(Forbidden):
        outlier_answers.answer(connection, trust, ident, WORDS, data_right=True, seen=0, by=nurse, at=AT)


def test_the_snapshot_cannot_be_changed(store: Store, detected: tuple[UUID, int]) -> None:
    for statement in (
        "update figures.outlier_cycle set data_hash = ''",
        "update figures.outlier set observed = 1",
        "update figures.outlier_step set evidence = ''",
        "delete from figures.outlier",
        "update figures.reference_rate set cases = 0",
        "update figures.outlier_notice set words = ''",
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), national(store) as connection:
            connection.exec_driver_sql(statement)


def test_every_state_has_its_ways_and_words() -> None:
    assert set(STEPS) == set(State)
    assert all(one.words for one in State)
    assert [each for each in State if not STEPS[each]] == [State.NOT_CONFIRMED, State.PUBLISHED]
