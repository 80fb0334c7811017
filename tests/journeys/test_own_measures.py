"""One journey: a VTE nurse reads the trust's own figures, makes the pack for the committee, and goes from a measure to its definition."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from registry import publications
from registry.access import Role
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import organisation
from schemas.record import RecordKind
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.registry.submissions.make import send
from tests.registry.web.own.test_own_measures import returned
from tests.registry.web.own.world import CASES, REVIEWS

pytestmark = pytest.mark.slow

TRUST = "RRV"


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    with worlds.world(settings, store, tmp_path, "own measures", scripts=False) as made:
        yield made


def test_every_measure_of_a_trust(world: World) -> None:
    given_counted_cases(world)
    with world.signed_in("nurse") as nurse:
        nurse.follow("Your figures")
        nurse.follow("All measures")
        nurse.select("Period", "April 2025 to March 2026")
        nurse.press("Show")
        nurse.sees("2 of the 12 months in which your organisation took part")
        nurse.sees("Among patients with HAT: inadequate prophylaxis")
        nurse.picture("all measures")
        when_the_nurse_looks_where_the_cases_are_and_what_reviews_found(nurse)
        when_the_nurse_makes_the_pack_for_the_committee(nurse)
        nurse.follow("All measures")
        nurse.follow("Among patients with HAT: inadequate prophylaxis")
        nurse.sees("at least one thing in which prophylaxis itself fell short was recorded")


def when_the_nurse_looks_where_the_cases_are_and_what_reviews_found(nurse: Visitor) -> None:
    nurse.follow("By site, specialty and ward")
    nurse.sees("A number leads to its cases")
    nurse.follow("Themes and actions")
    nurse.sees("Work on cases")


def when_the_nurse_makes_the_pack_for_the_committee(nurse: Visitor) -> None:
    nurse.follow("For the committee")
    nurse.sees("Rate, preventable share, themes, actions and what is overdue")
    nurse.shows_the_guide("committee")
    nurse.press("Open the pack")
    nurse.sees("Reviews and preventable cases")
    nurse.follow("Back")
    nurse.press("Open the sheet")
    nurse.sees("No audit was returned")
    nurse.follow("Back")


def given_counted_cases(world: World) -> None:
    house = world.house
    house.person("nurse", (Role.VTE_NURSE, TRUST))
    ours = organisation.c.id == house.ids[TRUST]
    with house.store.transaction() as connection:
        connection.execute(update(organisation).where(ours).values(live_from=date(2025, 4, 1)))
    sent = (
        (RecordKind.CASE, CASES),
        (RecordKind.RCA, REVIEWS),
        (RecordKind.ACTIVITY, [returned("2025-04"), returned("2025-05")]),
    )
    for kind, rows in sent:
        send(house.store, house.settings, house.ids[TRUST], rows, kind=kind)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    publications.count(house.store, Secrets.load(house.settings.secrets_dir, []), house.settings, at)
