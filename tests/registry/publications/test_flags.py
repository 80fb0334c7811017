"""What the gate knows beside the cells: published outlier flags, and which months were revised."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select

from registry.publications import auditing, flags, judging
from registry.publications.judging import Matter
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.outliers import outlier, outlier_cycle, reference
from registry.store.tables import publication
from tests.registry.publications.hold import Case, hold_activity, hold_case
from tests.registry.publications.make import AT, Team, approve, ask, count, make_team, make_trust, prepare
from tests.registry.publications.outlying import adopted

APRIL = date(2024, 4, 1)
YEAR = [date(2024 + (month < 4), month, 1) for month in (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)]
pytestmark = pytest.mark.slow

TOTAL = "grid-1/hat_cases/trust/RA1/financial_year/2024-25/total"


@pytest.fixture
def team(store: Store) -> Team:
    return make_team(store)


@pytest.fixture
def keys(settings: Settings) -> Secrets:
    return Secrets.load(settings.secrets_dir, ["offset", "signing"])


@pytest.fixture
def trust(store: Store, settings: Settings) -> int:
    """One of two trusts of a region, 40 cases each in each month of a year that is final."""
    trusts = [make_trust(store, settings, code, "Y58", APRIL) for code in ("RA1", "RB1")]
    with store.transaction(role="hat_jobs") as connection:
        for each in trusts:
            for month in YEAR:
                hold_activity(connection, each, month)
                for _ in range(40):
                    hold_case(connection, each, Case(month))
    return trusts[0]


def publish_flag(
    store: Store,
    team: Team,
    trust: int,
    *,
    alert: float,
    alarm: float,
    expected: float = 400.0,
    state: str = "published",
) -> None:
    """An alert of the year that is recorded as published: beyond `alert` times the expected count, and not beyond `alarm` times it."""
    adopted(store, team.lead)
    cycle = uuid4()
    by = {"code_version": "test", "data_hash": ""}
    with store.transaction(role="hat_national") as connection:
        counted = {"trusts": 2, "trusts_with_strata": 0, "cases": 800, "admissions": 9000}
        frozen = {"frozen_by": "x", "frozen_by_name": "x", "frozen_at": AT}
        connection.execute(insert(reference).values(year=date(2023, 4, 1), **counted, **frozen, **by))
        connection.execute(
            insert(outlier_cycle).values(
                id=cycle, year=APRIL, metric="x", policy_version=1, reference_year=date(2023, 4, 1), reference_hash="",
                compared=0, computed_by="x", computed_by_name="x", computed_at=AT + timedelta(hours=1), **by,
            )
        )  # fmt: skip
        connection.execute(
            insert(outlier).values(
                cycle_id=cycle, organisation_id=trust, months=12, observed=480, expected=expected, alarm_low=0.1, alert_low=0.2,
                alert_high=alert, alarm_high=alarm, ascertainment="", verdict="alert", side="high", state=state,
            )
        )  # fmt: skip


def audited(store: Store, settings: Settings, team: Team, keys: Secrets, day: int) -> UUID:
    at = AT + timedelta(days=day)
    count(store, settings, at)
    made = prepare(store, settings, team, at)
    ask(store, team, made, at)
    auditing.work(store, keys, settings, at, judge=judging.attacker())
    return made


def state_of(store: Store, made: UUID) -> str:
    with store.readonly(role="hat_national") as connection:
        return str(connection.scalar(select(publication.c.state).where(publication.c.id == made)))


def released(store: Store, settings: Settings, team: Team, keys: Secrets) -> None:
    made = audited(store, settings, team, keys, 0)
    for by in (team.lead, team.second):
        approve(store, by, made)
    assert state_of(store, made) == "released"


def read(store: Store, made: UUID) -> Matter:
    with store.readonly(role="hat_national") as connection:
        return judging.read(connection, made)


def test_a_flag_that_tells_too_much_stands_against_every_draft(
    store: Store, settings: Settings, team: Team, keys: Secrets, trust: int
) -> None:
    """An alert beyond 1.19 and an alarm beyond 1.2 of 400 expected: 477 to 480 cases."""
    released(store, settings, team, keys)
    publish_flag(store, team, trust, alert=1.19, alarm=1.2)
    made = audited(store, settings, team, keys, 1)
    assert state_of(store, made) == "refused"
    with store.readonly(role="hat_national") as connection:
        report = auditing.latest_run(connection, made).report.decode()
    assert f"{TOTAL}/flag" in report


@pytest.mark.parametrize(("alert", "alarm", "safe"), [(1.19, 1.2, False), (1.1, 1.5, True)])
def test_a_flag_is_judged_before_it_is_published(
    store: Store, settings: Settings, team: Team, keys: Secrets, trust: int, alert: float, alarm: float, safe: bool
) -> None:
    publish_flag(store, team, trust, alert=alert, alarm=alarm, state="confirmed")
    with store.readonly(role="hat_national") as connection:
        ident = connection.execute(select(outlier.c.id)).scalar_one()
        assert judging.may_be_flagged(connection, ident)  # nothing is public
    released(store, settings, team, keys)
    with store.readonly(role="hat_national") as connection:
        assert flags.published(connection) == []
        assert judging.may_be_flagged(connection, ident) is safe


def test_a_flag_that_leaves_enough_stands_against_none(
    store: Store, settings: Settings, team: Team, keys: Secrets, trust: int
) -> None:
    """The flag is told with the release that was public when it was computed."""
    released(store, settings, team, keys)
    publish_flag(store, team, trust, alert=1.1, alarm=1.5)
    made = audited(store, settings, team, keys, 1)
    assert state_of(store, made) == "audited"
    first, second = read(store, made).releases
    assert [(one.least, one.most, one.part) for one in first.told] == [(441, 600, True)]
    assert second.told == ()


def test_of_a_year_that_no_release_has_a_flag_tells_of_no_cell(
    store: Store, settings: Settings, team: Team, keys: Secrets, trust: int
) -> None:
    publish_flag(store, team, trust, alert=1.1, alarm=1.5)
    with store.readonly(role="hat_national") as connection:
        (flag,) = flags.published(connection)
    assert (flag.code, flag.tells.least, flag.tells.most) == ("RA1", 441, 600)
    matter = read(store, audited(store, settings, team, keys, 0))
    bare = tuple(one for one in matter.releases[0].cells if one.cell.id != TOTAL)
    (without,) = flags.told([replace(matter.releases[0], cells=bare, told=())], [AT], [flag])
    assert without.told == ()


def test_the_attacker_knows_which_months_were_revised(
    store: Store, settings: Settings, team: Team, keys: Secrets, trust: int
) -> None:
    """One case more turns no published number here or there, and is known all the same; what was not revised is known to be the same."""
    released(store, settings, team, keys)
    with store.transaction(role="hat_jobs") as connection:
        hold_case(connection, trust, Case(YEAR[2]))
    count(store, settings, AT + timedelta(days=1))
    matter = read(store, prepare(store, settings, team, AT + timedelta(days=1)))
    first, second = judging._revised(matter.releases, matter.insider.counts)
    assert first.revised == frozenset()
    assert second.revised == {("RA1", YEAR[2])}
