"""In a real browser, without scripts: a reader evaluates a programme; an outlier goes from the cycle to its confirmation."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import case_count
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.registry.publications.make import make_team, prepare, release, split_counts
from tests.registry.publications.outlying import LAST, SOURCE, YEAR, hold_nation, months
from tests.registry.web.test_evaluation import sicily

pytestmark = pytest.mark.slow

WORDS = "Returns, sources of cases and counts were looked through; they stand as they are."
CHANGE = "April 2024"


@pytest.fixture
def world(settings: Settings, store: Store) -> Iterator[World]:
    with worlds.world(settings, store, settings.data_dir, "evaluation and outliers", scripts=False) as made:
        yield made


def test_a_reader_evaluates_and_an_outlier_is_confirmed(world: World) -> None:
    given_the_worker_rests(world)
    given_two_years_of_three_trusts(world)
    given_a_release(world)
    with world.window("reader") as reader:
        then_king_s_counts_print_their_bounds(reader)
        then_a_series_is_fitted(reader)
        then_two_sources_are_put_together(reader)
        then_released_counts_are_evaluated(reader)
    world.house.person("analyst", (Role.NATIONAL_ANALYST, None))
    world.house.person("lead", (Role.NATIONAL_LEAD, None))
    world.house.person("theirs", (Role.TRUST_LEAD, "RRV"))
    with world.signed_in("lead") as lead:
        when_a_policy_is_adopted(lead)
    with world.signed_in("analyst") as analyst:
        then_exact_counts_are_evaluated(analyst)
        when_the_reference_is_frozen(analyst)
        when_the_cycle_is_computed_and_checked(analyst)
    with world.signed_in("lead") as lead:
        when_the_provider_is_notified(lead)
    with world.signed_in("theirs") as theirs:
        then_the_trust_reads_its_own_and_answers(theirs)
    with world.signed_in("lead") as lead:
        then_it_is_confirmed(lead)


# --- given


def given_the_worker_rests(world: World) -> None:
    """It would count away what is put into the tables by hand."""
    world.service.worker.stop()


def given_two_years_of_three_trusts(world: World) -> None:
    ids = world.house.ids
    hold_nation(world.house.store, {ids["RRV"]: 90, ids["RH5"]: 12, ids["7A4"]: 41}, last=40)
    with world.house.store.transaction(role="hat_jobs") as connection:
        for place, month in enumerate((*months(LAST), *months(YEAR))):
            for code, cases in (("RRV", 60), ("RH5", 45), ("7A4", 50)):
                number = cases + place % 5 * 3 - (20 if month >= YEAR else 0)
                rows = split_counts(number, overnight=number - 12, preventable=5, not_investigated=5)
                connection.execute(
                    insert(case_count),
                    [
                        {"organisation_id": ids[code], "month": month, "standing": "agreed", "split": split, "category": category, "count": count}
                        for (split, category), count in rows.items()
                    ],
                )  # fmt: skip


def given_a_release(world: World) -> None:
    team = make_team(world.house.store)
    release(world.house.store, team, prepare(world.house.store, world.house.settings, team))


# --- the reader


def then_king_s_counts_print_their_bounds(reader: Visitor) -> None:
    reader.open("/evaluation/counts")
    reader.sees("Type the counts of two periods")
    typed = {
        "Events before": "236", "Events after": "192", "So many of them, before": "57", "Investigated before": "152",
        "All cases before": "236", "So many of them, after": "37", "Investigated after": "165", "All cases after": "192",
        "Ratio": "0.88", "Lower 95% limit": "0.74", "Upper 95% limit": "0.98", "p": "0.014",
        "Events in both periods together": "425",
    }  # fmt: skip
    for label, words in typed.items():
        reader.write(label, words)
    reader.press("Compare")
    reader.sees("The bounds overlap (24.2–59.7 % before, 19.3–33.3 % after)")
    assert "narrower than so many events allow" in reader.words()


def then_a_series_is_fitted(reader: Visitor) -> None:
    reader.follow("A series of your own")
    reader.write("Months, events and populations", sicily())
    reader.write("First month of the programme", "2005-01")
    reader.select("What may have changed", "Level only")
    reader.press("Evaluate")
    reader.sees("Just after the change the rate was 0.894 times what was expected without it")


def then_two_sources_are_put_together(reader: Visitor) -> None:
    reader.follow("Two sources of cases")
    for label, words in (
        ("Cases in the first source", "425"),
        ("Cases in the second source", "390"),
        ("Cases in both", "352"),
    ):
        reader.write(label, words)
    reader.press("Estimate")
    reader.sees("There are at least about 471 cases (95% interval 466 to 480)")


def then_released_counts_are_evaluated(reader: Visitor) -> None:
    reader.follow("Released figures")
    reader.select("First month of the programme", CHANGE)
    reader.press("Evaluate")
    reader.sees("widened for rounding")
    assert "Each" not in reader.heading()
    reader.sees("rounded at random to a multiple of 5")


# --- the nation and the trust


def when_a_policy_is_adopted(lead: Visitor) -> None:
    lead.open("/team/outliers")
    lead.sees("No policy is in force")
    lead.follow("Policy and timetable")
    lead.sees("A starting proposal")
    lead.write("Which document this follows", SOURCE)
    lead.press("Adopt this policy")
    lead.sees("Version 1 is in force")


def then_exact_counts_are_evaluated(analyst: Visitor) -> None:
    analyst.open("/team/evaluation?place=o-RRV")
    analyst.select("First month of the programme", CHANGE)
    analyst.select("Season", "One wave a year")
    analyst.press("Evaluate")
    analyst.sees("exact conditional")


def when_the_reference_is_frozen(analyst: Visitor) -> None:
    analyst.open("/team/case-mix")
    analyst.sees("is not frozen, so nothing can be expected")
    analyst.press("Freeze the rates of April 2023 to March 2024")
    analyst.sees("The reference is frozen.")


def when_the_cycle_is_computed_and_checked(analyst: Visitor) -> None:
    analyst.follow("Outliers")
    analyst.select("Financial year", "April 2024 to March 2025")
    analyst.press("Compute and freeze")
    analyst.sees("The cycle is computed and frozen.")
    analyst.follow("April 2024 to March 2025")
    analyst.sees("Within the limits")
    analyst.follow("University College Trust")
    analyst.sees("Hash of the data")
    analyst.write("Evidence", WORDS)
    analyst.press("Record that our data were checked")
    analyst.sees("The step is recorded.")


def when_the_provider_is_notified(lead: Visitor) -> None:
    lead.open("/team/outliers")
    lead.sees("Data checked by us")
    lead.follow("University College Trust")
    lead.write("Evidence", "Your figure is above the alarm limit. Please look at your data and answer.")
    lead.press("Notify the provider")
    lead.sees("Provider notified")


def then_the_trust_reads_its_own_and_answers(theirs: Visitor) -> None:
    theirs.open("/trust")
    theirs.follow("Outlier notifications")
    theirs.sees("to be answered by")
    theirs.follow("April 2024 to March 2025: alarm, more than expected")
    theirs.sees("Your cases after stays of one night or more")
    theirs.choose("Yes")
    theirs.write(
        "What explains the figure, and what you do about it",
        "We read every scan since May 2024; a second reader looks.",
    )
    theirs.press("Send the answer")
    theirs.sees("Your answer is with the registry.")
    theirs.follow("Your case mix, stratum by stratum")
    theirs.sees("Your case mix")
    theirs.open("/trust/figures/evaluation")
    theirs.sees("Evaluate a programme of yours")


def then_it_is_confirmed(lead: Visitor) -> None:
    lead.open("/team/outliers")
    lead.follow("University College Trust")
    lead.sees("Provider responded")
    lead.write("Evidence", "More scans do not explain more than twice the expected number of cases.")
    lead.press("Confirm the outlier")
    lead.sees("The step is recorded.")
    lead.sees("Confirmed")
