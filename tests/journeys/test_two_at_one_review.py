"""One journey: two nurses have one review open. The second to store is shown what the first changed, and nothing of either is lost."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.web.trust.present import today
from schemas.record import RecordKind
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.submissions.make import send

pytestmark = pytest.mark.slow

TRUST, CASE = "RRV", "UCL-021"
HERS, HIS = "Doses on transfer are missed", "The chart did not move with the patient"


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def world(request: pytest.FixtureRequest, settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    journey = "two at one review" if request.param else "two at one review without scripts"
    with worlds.world(settings, store, tmp_path, journey, scripts=bool(request.param)) as made:
        yield made


def test_two_people_at_one_review(world: World) -> None:
    people = given_two_nurses_and_a_review_that_is_begun(world)
    with world.signed_in("first") as first, world.signed_in("second") as second:
        for nurse in (first, second):
            when_they_open_what_was_found(nurse)
        if world.scripts:
            then_typing_outlasts_a_session_that_ended(first, world, people["first"])
        when_the_first_stores(first)
        when_the_second_stores_something_else(second)
        then_the_second_is_shown_the_difference(second)
        then_what_the_second_typed_still_stands(second)
        when_the_second_stores_again(second)
        then_both_are_in_the_review(first)


def given_two_nurses_and_a_review_that_is_begun(world: World) -> dict[str, UUID]:
    house = world.house
    people = {name: house.person(name, (Role.VTE_NURSE, TRUST)) for name in ("first", "second")}
    admitted = today() - timedelta(days=60)
    stay = {
        "admission_date": admitted.isoformat(),
        "discharge_date": (admitted + timedelta(days=8)).isoformat(),
        "diagnosis_date": (admitted + timedelta(days=20)).isoformat(),
        "died_within_90_days": "",
    }
    case = valid_case(local_case_id=CASE, nhs_number=nhs_number(21), **stay)
    begun = valid_rca(
        local_case_id=CASE, judged_on="", category="", candour_told_on="", candour_threshold_met="", actions=""
    )
    unsaid = dict.fromkeys(("inadequacies", "preventability", "would_have_changed_outcome", "contributory_factors"), "")
    for kind, row in ((RecordKind.CASE, case), (RecordKind.RCA, begun | unsaid)):
        assert (
            send(house.store, house.settings, house.ids[TRUST], [row], kind=kind, at=worlds.now()).state == "accepted"
        )
    world.run("work")
    return people


def when_they_open_what_was_found(nurse: Visitor) -> None:
    nurse.follow("Worklist")
    nurse.follow(CASE)
    nurse.follow("The review")
    nurse.follow("What was found")
    nurse.sees("stage two of two")


def then_typing_outlasts_a_session_that_ended(first: Visitor, world: World, person: UUID) -> None:
    window = first.page.context
    window.clear_cookies()
    first.answer("Notable practice", "Typed while signed out")
    first.sees("You are signed out, so nothing is kept.")
    again = world.house.signed_in(person).cookies["hat"]  # as whoever signs in again in another window
    window.add_cookies([{"name": "hat", "value": again, "url": world.service.address}])
    first.answer("Notable practice", "")
    first.sees("Kept as a draft at")
    first.complaints.clear()  # the browser's own word for a form that was stale


def when_the_first_stores(first: Visitor) -> None:
    first.answer("Finding", "Inadequate prophylaxis")
    first.answer("What fell short", "Doses missed avoidably")
    first.answer("Learning point", HERS)
    first.press("Store")
    first.sees("The answers are stored")


def when_the_second_stores_something_else(second: Visitor) -> None:
    second.answer("Finding", "Cannot be classified")
    second.answer("Notable practice", "The family was told on the same day")
    second.answer("Learning point", HIS)
    second.press("Store")


def then_the_second_is_shown_the_difference(second: Visitor) -> None:
    second.sees("What somebody else changed meanwhile")
    second.complaints.clear()  # the browser's own word for a conflict
    row = second.page.get_by_role("table").get_by_role("row").filter(has_text="Learning point").inner_text()
    assert HERS in row
    assert HIS in row
    if second.scripts:
        table = second.page.get_by_role("table", name="What somebody else changed meanwhile")
        second.shows_the_guide("difference-of-two", table)


def then_what_the_second_typed_still_stands(second: Visitor) -> None:
    assert second.page.get_by_label("Learning point", exact=True).input_value() == HIS
    finding = second.page.get_by_role("group", name="Finding", exact=True)
    assert finding.get_by_label("Cannot be classified", exact=True).is_checked()
    fell_short = second.page.get_by_role("group", name="What fell short", exact=True)
    assert fell_short.get_by_label("Doses missed avoidably", exact=True).is_checked()


def when_the_second_stores_again(second: Visitor) -> None:
    second.answer("Finding", "Inadequate prophylaxis")
    second.answer("Learning point", f"{HERS}. {HIS}")
    second.press("Store")
    second.sees("The answers are stored")


def then_both_are_in_the_review(first: Visitor) -> None:
    first.follow("Worklist")
    first.follow(CASE)
    first.follow("The review")
    first.sees(HERS)
    said = first.words()
    for words in (HIS, "Doses missed avoidably", "The family was told on the same day"):
        assert words in said, words
