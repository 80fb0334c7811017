"""One journey, in a real browser: what a trust learnt goes through the screen and two moderators to everybody, and is taken down again.

A nurse offers a text with a name that no rule knows; a moderator sends it back; the second version is approved by two, published by a lead,
read by anybody, beside another review too, and taken down with a trace.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from registry.access import OPERATOR, Role
from registry.accounts.actors import actor_of_person
from registry.cases.states import CaseState
from registry.lessons import homes
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World, now
from tests.registry.cases.at_desk import Place
from tests.registry.cases.reviews import case_in

pytestmark = pytest.mark.slow

TRUST, OTHER = "RRV", "RH5"
WITH_TITLE = "Doses were held by Mrs Applegarth until the ward round."
HIDDEN = "Applegarth held the doses until the ward round."
MENDED = "Doses were held until the ward round, and nobody restarted them."


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def world(request: pytest.FixtureRequest, settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    journey = "learning" if request.param else "learning without scripts"
    with worlds.world(settings, store, tmp_path, journey, scripts=bool(request.param)) as made:
        yield made


def test_a_lesson_travels_and_is_taken_back(world: World, admin: psycopg.Connection) -> None:
    case, open_case = given_a_review_that_is_complete_and_one_that_is_not(world, admin)
    given_moderators_of_two_trusts_and_a_lead(world)
    with world.signed_in("nurse") as nurse, world.signed_in("marian") as marian:
        when_they_offer_a_text_with_a_title(nurse, case)
        then_the_screen_says_what_and_where(nurse)
        when_they_offer_it_with_the_bare_name(nurse)
        when_a_moderator_sends_it_back(marian)
        then_the_nurse_reads_why_and_changes_it(nurse)
        when_they_approve(marian, "Another moderator reads it now")
        with world.signed_in("nadia") as nadia:
            when_they_approve(nadia, "A national lead may publish it now")
        then_nobody_reads_it_yet(world)
        with world.signed_in("leader") as lead:
            when_they_publish(lead)
            then_everybody_reads_it(world)
            then_it_stands_beside_the_same_shortcoming(nurse, open_case)
            when_they_take_it_down(lead)
        then_it_is_gone_and_says_so(world)


# --- given


def given_a_review_that_is_complete_and_one_that_is_not(world: World, admin: psycopg.Connection) -> tuple[UUID, UUID]:
    nurse = world.house.person("nurse", (Role.VTE_NURSE, TRUST))
    tenant = world.house.ids[TRUST]
    with world.house.store.readonly(tenants=(tenant,)) as connection:
        place = Place(world.house, actor_of_person(connection, nurse), tenant)
    done = case_in(place, admin, CaseState.COMPLETE, "UCL-001", reviewed=True)
    return done, case_in(place, admin, CaseState.RCA_OPEN, "UCL-002", reviewed=True)


def given_moderators_of_two_trusts_and_a_lead(world: World) -> None:
    people = {name: world.house.person(name, (Role.MODERATOR, None)) for name in ("marian", "nadia")}
    world.house.person("leader", (Role.NATIONAL_LEAD, None))
    with world.house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        for name, code in (("marian", OTHER), ("nadia", TRUST)):
            homes.record(connection, people[name], code, by=OPERATOR, at=now())


# --- when, then


def when_they_offer_a_text_with_a_title(nurse: Visitor, case: UUID) -> None:
    nurse.open(f"/trust/cases/{case}/review")
    nurse.sees("Learning for others")
    nurse.follow("Offer to everybody: learning point")
    nurse.sees("Nobody may be recognised")
    nurse.write("What others can learn", WITH_TITLE)
    nurse.answer("What it is about", "Doses missed avoidably")
    nurse.answer("Where on the way it belongs", "Giving the doses")
    nurse.answer("What contributed most", "Communication and handover")
    nurse.press("Offer it")


def then_the_screen_says_what_and_where(nurse: Visitor) -> None:
    nurse.sees("Characters 20 to 33: a title with a name. Write the role instead.")
    nurse.complaints.remove(
        next(each for each in nurse.complaints if "422" in each)
    )  # the browser's own word for a refusal


def when_they_offer_it_with_the_bare_name(nurse: Visitor) -> None:
    nurse.write("What others can learn", HIDDEN)
    nurse.press("Offer it")
    nurse.sees("Two moderators read it, without the name of your organisation")


def when_a_moderator_sends_it_back(moderator: Visitor) -> None:
    moderator.open("/moderation")
    moderator.sees("Waits for two moderators")
    moderator.page.get_by_role("main").get_by_role("row").get_by_role("link").first.click()
    moderator.sees(HIDDEN)
    assert "University College" not in moderator.words()
    moderator.unfold("Send it back")
    moderator.choose("It names or describes somebody")
    moderator.write("What is to be changed", "The first word is a name")
    moderator.press("Send it back")
    moderator.sees("It is sent back to the organisation that offered it")


def then_the_nurse_reads_why_and_changes_it(nurse: Visitor) -> None:
    nurse.open("/trust/learning")
    nurse.sees("Sent back")
    nurse.page.get_by_role("main").get_by_role("row").get_by_role("link").first.click()
    nurse.sees("The first word is a name")
    nurse.press("Change it")
    nurse.write("What others can learn", MENDED)
    nurse.press("Store the change")
    nurse.sees("Two moderators read it from the beginning")


def when_they_approve(moderator: Visitor, said: str) -> None:
    moderator.open("/moderation")
    moderator.page.get_by_role("main").get_by_role("row").get_by_role("link").first.click()
    moderator.sees(MENDED)
    assert HIDDEN not in moderator.words()
    moderator.press("Approve")
    moderator.sees(said)


def then_nobody_reads_it_yet(world: World) -> None:
    with world.window("reader") as reader:
        reader.open("/learning")
        assert MENDED not in reader.words()


def when_they_publish(lead: Visitor) -> None:
    lead.open("/team/learning")
    lead.sees(MENDED)
    lead.press("Publish number 1")
    lead.sees("It is published.")


def then_everybody_reads_it(world: World) -> None:
    with world.window("reader") as reader:
        reader.open("/learning")
        reader.sees(MENDED)
        reader.select("Theme", "Doses missed avoidably")
        reader.press("Show")
        reader.sees(MENDED)
        reader.page.get_by_role("link", name="Learning point: doses missed avoidably").click()
        reader.sees("Year of the case")
        words = reader.words()
        assert "University College" not in words
        assert "UCL-001" not in words


def then_it_stands_beside_the_same_shortcoming(nurse: Visitor, case: UUID) -> None:
    nurse.open(f"/trust/cases/{case}/review/findings")
    nurse.sees("What others learnt and did about the same")
    assert MENDED in nurse.words()


def when_they_take_it_down(lead: Visitor) -> None:
    lead.open("/team/learning")
    lead.follow("Take down number 1")
    lead.sees("It never comes back")
    lead.choose("It is wrong or out of date")
    lead.press("Take it down")
    lead.sees("It is taken down")


def then_it_is_gone_and_says_so(world: World) -> None:
    with world.window("reader") as reader:
        reader.open("/learning")
        assert MENDED not in reader.words()
        reader.open("/learning?q=restarted")
        reader.sees("Nothing is published that matches.")
        assert "deleted-entry" in reader.page.request.get(f"{world.service.address}/learning/feed.atom").text()
