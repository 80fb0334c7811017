"""Two journeys: figures are prepared by one, audited, approved by two others and public; and a reader follows one number to its file."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from registry import register
from registry.access import OPERATOR, Role
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.registry.publications.hold import Case, hold_activity, hold_case
from tests.registry.web.visitors import House

pytestmark = pytest.mark.slow

TRUSTS = {"RRV": 14, "RH5": 12, "7A4": 11}
"""Cases of a month, more or less."""
MONTHS = [date(2024 + (place + 3) // 12, (place + 3) % 12 + 1, 1) for place in range(12)]
NOTE = "The first figures of three organisations."


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    with worlds.world(settings, store, tmp_path, "release", scripts=False) as made:
        yield made


def test_one_prepares_two_approve_and_a_reader_follows_a_number(world: World) -> None:
    given_a_year_of_three_organisations(world)
    given_a_team(world)
    with world.signed_in("ann") as ann:
        when_ann_prepares(ann)
    with world.signed_in("bob") as bob:
        when_bob_looks_and_approves(world.house, bob)
    with world.window("early") as early:
        then_nothing_is_public(early)
    with world.signed_in("cat") as cat:
        when_cat_approves(cat)
    with world.window("reader") as reader:
        a_reader_follows_one_number(reader)
    with world.window("reader on a phone", phone=True) as reader:
        a_reader_finds_the_release(reader)
    with world.signed_in("ann") as ann:
        then_ann_finds_the_report(ann)


def given_a_year_of_three_organisations(world: World) -> None:
    """Every case with a standing record, every month with its return; counted as the worker counts."""
    with world.house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        for code in TRUSTS:
            register.edit(connection, world.house.ids[code], group=None, live_from=MONTHS[0], by=OPERATOR)
    with world.house.store.transaction(role="hat_jobs") as connection:
        for code, cases in TRUSTS.items():
            for place, month in enumerate(MONTHS):
                hold_activity(connection, world.house.ids[code], month, admissions=3_000, overnight=1_400)
                for number in range(cases + place % 4):
                    said = {"overnight": number % 3 > 0, "vte_type": "dvt" if number % 2 else "pe"}
                    hold_case(connection, world.house.ids[code], Case(month, said=said))
    world.run("figures")


def given_a_team(world: World) -> None:
    world.house.person("ann", (Role.NATIONAL_ANALYST, None))
    world.house.person("bob", (Role.NATIONAL_LEAD, None))
    world.house.person("cat", (Role.NATIONAL_ANALYST, None))


def when_ann_prepares(ann: Visitor) -> None:
    ann.follow("National work")
    ann.sees("Last counted on")
    ann.write("What the public should know of this release", NOTE)
    ann.press("Prepare figures")
    ann.sees("You prepared these figures. Two other people have to approve them.")
    ann.sees(NOTE)
    ann.follow("Every figure beside what is public")
    ann.sees("every figure beside what is public")
    ann.page.go_back()
    ann.press("Audit these figures")
    ann.sees("The worker audits these figures now.")


def when_bob_looks_and_approves(house: House, bob: Visitor) -> None:
    find(bob)
    bob.sees("Passed the audit.")
    house.long_ago()
    bob.press("Approve")
    bob.sees("Enter the code that your authenticator app shows now")
    bob.complaints.remove(
        next(each for each in bob.complaints if "422" in each)
    )  # the browser's own word for a refusal
    bob.write("A code from your authenticator app", house.code("bob"))
    bob.press("Approve")
    bob.sees("Your approval is recorded. A second person has to approve them too.")
    assert bob.page.get_by_role("button", name="Approve").count() == 0


def when_cat_approves(cat: Visitor) -> None:
    find(cat)
    cat.sees("Yours is the second approval: they become public at once.")
    cat.confirms()
    cat.press("Approve and release")
    cat.sees("The figures are released and public.")


def find(person: Visitor) -> None:
    """The figures, once the worker has audited them."""
    person.follow("National work")
    person.page.get_by_role("row").filter(has_text="Figures as at").get_by_role("link").click()
    person.looks_again_until("Passed the audit.", 120, "the figures do not pass the audit")


def then_nothing_is_public(early: Visitor) -> None:
    early.open("/data")
    early.sees("Nothing has been released yet.")


def a_reader_follows_one_number(reader: Visitor) -> None:
    """From the chart to the table, to the definition, to the line of the file: the same number."""
    reader.open("/figures/hat-rate")
    reader.sees("Definition")
    month = "March 2025"
    row = reader.page.get_by_role("row").filter(has_text=month).first.text_content() or ""
    rate, cases, admissions = shown_of(row)
    assert rate in reader.words()
    assert "for every 1,000 admissions" in reader.words()
    reader.follow("Open data: all figures and every release")
    reader.sees("The latest release")
    content = reader.gets("figures.csv").decode("utf-8-sig")
    (line,) = [
        one
        for one in csv.DictReader(io.StringIO(content))
        if (one["measure"], one["area"], one["period"]) == ("hat-rate", "england-and-wales", "2025-03")
    ]
    assert f"{int(line['numerator']):,}" == cases
    assert f"{int(line['denominator']):,}" == admissions
    assert f"{float(line['value']):.2f}" == rate
    assert float(line["value"]) == pytest.approx(1000 * int(line["numerator"]) / int(line["denominator"]), abs=1e-6)


def shown_of(row: str) -> tuple[str, str, str]:
    """The rate, the cases and the admissions that a line of the table shows."""
    numbers = re.findall(r"\d[\d,]*(?:\.\d+)?", row.replace("March 2025", ""))
    rate = next(each for each in numbers if "." in each)
    whole = [each for each in numbers if "." not in each]
    return rate, whole[0], next(each for each in whole if "," in each)


def a_reader_finds_the_release(reader: Visitor) -> None:
    reader.open("/data")
    reader.page.get_by_role("row").filter(has_text="Latest").get_by_role("link").click()
    reader.sees(NOTE)
    reader.sees("This is the first release.")
    reader.sees("How it was checked")


def then_ann_finds_the_report(ann: Visitor) -> None:
    ann.follow("National work")
    ann.page.get_by_role("row").filter(has_text="Public").get_by_role("link").click()
    ann.sees("Approved by Bob")
    ann.sees("Approved by Cat")
    assert b'"passed": true' in ann.gets("Report of the audit (JSON, signed)")
