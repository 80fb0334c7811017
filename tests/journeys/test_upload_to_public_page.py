"""One journey, in a real browser: a trust's file with a fault, mended and stored, becomes a protected figure on the public page."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx2 as httpx
import openpyxl
import pytest

from registry import register
from registry.access import OPERATOR, Role
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.make import csv_bytes, nhs_number, valid_activity, valid_case
from tests.running import token

pytestmark = pytest.mark.slow

TRUST, REGION = "RRV", "y56"
MONTH, MONTH_WORDS = "2025-09", "September 2025"
CASES, ADMISSIONS = 31, 12_400
FAULTY_ROW = 17  # of the sheet


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def world(request: pytest.FixtureRequest, settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    journey = "to the public page" if request.param else "to the public page without scripts"
    with worlds.world(settings, store, tmp_path, journey, scripts=bool(request.param)) as made:
        yield made


def test_from_a_trust_s_file_to_the_public_page(world: World) -> None:
    given_a_trust_that_takes_part(world)
    given_its_people_and_the_nation_s(world)
    given_it_has_returned_its_admissions(world)
    with world.signed_in("uploader") as uploader:
        when_they_send(uploader, a_file_with_one_fault(world))
        then_the_fault_is_shown_at_its_place(uploader)
        then_a_workbook_says_what_to_mend(uploader)
        when_they_send(uploader, the_mended_file(world))
        then_they_see_what_would_change(uploader)
        when_they_store_it(uploader)
        then_the_receipt_adds_up(uploader)
    when_the_worker_counts(world)
    with world.signed_in("analyst") as analyst:
        when_they_prepare_a_release(analyst)
        then_two_others_have_to_approve_it(analyst)
        when_they_ask_for_the_audit(analyst)
    then_nothing_is_public_yet(world)
    with world.signed_in("lead") as lead:
        when_they_approve(lead, "Approve", "Your approval is recorded. A second person has to approve them too.")
    then_nothing_is_public_yet(world)
    with world.signed_in("second") as second:
        when_they_approve(second, "Approve and release", "The figures are released and public.")
    with world.window("reader") as reader:
        then_anybody_reads_the_protected_figure(reader, protected_figure(world))


# --- given


def given_a_trust_that_takes_part(world: World) -> None:
    with world.house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.edit(connection, world.house.ids[TRUST], group=None, live_from=date(2025, 9, 1), by=OPERATOR)


def given_its_people_and_the_nation_s(world: World) -> None:
    world.house.person("uploader", (Role.TRUST_UPLOADER, TRUST))
    world.house.person("analyst", (Role.NATIONAL_ANALYST, None))
    world.house.person("lead", (Role.NATIONAL_LEAD, None))
    world.house.person("second", (Role.NATIONAL_ANALYST, None))


def given_it_has_returned_its_admissions(world: World) -> None:
    counts = {name: "0" for name in valid_activity() if name not in ("month", "case_return")}
    counts |= {name: "" for name, cell in valid_activity().items() if cell == ""}
    row = valid_activity(month=MONTH, **(counts | {"medical_overnight": "5000", "surgical_day_case": "7400"}))
    answer = httpx.post(
        f"{world.service.address}/api/submissions",
        params={"kind": "activity"},
        content=csv_bytes([row]),
        headers={
            "Authorization": f"Bearer {token(world.house, TRUST)}",
            "Content-Type": "text/csv",
            "Idempotency-Key": "activity",
        },
        timeout=30,
    )
    assert answer.status_code == 201, answer.text


def a_file_with_one_fault(world: World) -> Path:
    return _file(world, "cases of September.csv", fault=True)


def the_mended_file(world: World) -> Path:
    return _file(world, "cases of September, mended.csv", fault=False)


def _file(world: World, name: str, *, fault: bool) -> Path:
    rows = [
        valid_case(
            local_case_id=f"UCL-{place:03d}",
            nhs_number=nhs_number(place),
            admission_date=f"2025-09-{place % 9 + 1:02d}",
        )
        for place in range(CASES)
    ]
    if fault:
        rows[FAULTY_ROW - 2]["sex"] = "femal"
    path = world.folder / name
    path.write_bytes(csv_bytes(rows))
    return path


# --- when


def when_they_send(uploader: Visitor, file: Path) -> None:
    uploader.follow("Your returns")
    uploader.sees("Your returns")
    uploader.press("Send a file")
    uploader.sees("Nothing of it is stored before you say so.")
    uploader.choose("Cases")
    uploader.page.locator("input[type=file]").set_input_files(file)
    uploader.choose("Store nothing until every row is right")
    uploader.choose("The national data opt-out was applied to this file")
    uploader.picture("filled in")
    uploader.press("Check the file")


def when_they_store_it(uploader: Visitor) -> None:
    uploader.press("Store these rows")


def when_the_worker_counts(world: World) -> None:
    """By hand; else it would be counted in the night."""
    world.run("figures")


def when_they_prepare_a_release(analyst: Visitor) -> None:
    analyst.follow("National work")
    analyst.sees("Last counted on")
    analyst.press("Prepare figures")


def when_they_ask_for_the_audit(analyst: Visitor) -> None:
    analyst.press("Audit these figures")
    analyst.sees("The worker audits these figures now.")


def when_they_approve(person: Visitor, button: str, told: str) -> None:
    person.follow("National work")
    person.page.get_by_role("row").filter(has_text="Figures as at").get_by_role("link").click()
    person.looks_again_until("Passed the audit.", 120, "the figures do not pass the audit")
    person.sees("Passed the audit.")
    person.confirms()
    person.press(button)
    person.sees(told)


# --- then


def then_the_fault_is_shown_at_its_place(uploader: Visitor) -> None:
    uploader.sees("What was found")
    assert uploader.heading() == "Checked: what this file would do"
    assert "1 error, 0 warnings" in uploader.words()
    place = uploader.page.get_by_role("row").filter(has_text=f"{FAULTY_ROW}").filter(has_text="HAT-033")
    assert place.count() == 1
    assert "femal" not in uploader.words().replace("female", "")


def then_a_workbook_says_what_to_mend(uploader: Visitor) -> None:
    with uploader.page.expect_download() as asked:
        uploader.follow("Annotated workbook (Excel)")
    book = openpyxl.load_workbook(io.BytesIO(asked.value.path().read_bytes()))
    marked = [
        cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if "HAT-033" in str(cell)
    ]
    assert marked


def then_they_see_what_would_change(uploader: Visitor) -> None:
    uploader.sees("Checked: what this file would do")
    assert f"Rows in the file {CASES} New {CASES} Changed 0 Unchanged 0 Faulty 0" in uploader.words()


def then_the_receipt_adds_up(uploader: Visitor) -> None:
    uploader.sees("Receipt: stored")
    assert f"{CASES} sent = {CASES} stored + 0 unchanged + 0 refused." in uploader.words()


def then_two_others_have_to_approve_it(analyst: Visitor) -> None:
    analyst.sees("You prepared these figures. Two other people have to approve them.")
    assert analyst.page.get_by_role("button", name="Approve").count() == 0


def then_nothing_is_public_yet(world: World) -> None:
    assert httpx.get(f"{world.service.address}/figures/hat-rate.json", timeout=30).status_code == 404


@dataclass(frozen=True)
class Figure:
    """A month's line in the open data, its numbers as a page prints them."""

    top: str
    bottom: str
    value: str


def protected_figure(world: World) -> Figure:
    """Multiples of 5 near the exact counts, and the rate made of them alone."""
    figures = httpx.get(f"{world.service.address}/figures/hat-rate.json", timeout=30).json()["figures"]
    (line,) = [one for one in figures if one["area"] == REGION and one["period"] == MONTH]
    top, bottom = int(line["numerator"]), int(line["denominator"])
    assert top % 5 == bottom % 5 == 0
    assert abs(top - CASES) < 5
    assert abs(bottom - ADMISSIONS) < 5
    assert line["value"] == pytest.approx(1000 * top / bottom, abs=1e-6)
    return Figure(f"{top:,}", f"{bottom:,}", f"{line['value']:.2f}")


def then_anybody_reads_the_protected_figure(reader: Visitor, figure: Figure) -> None:
    reader.open("/")
    reader.picture("start")
    reader.follow("National figures")
    reader.sees("National figures")
    reader.open(f"/figures/hat-rate?area={REGION}")
    reader.sees("Definition")
    row = reader.page.get_by_role("row").filter(has_text=MONTH_WORDS).first.text_content() or ""
    said = re.findall(r"[\d,.]*\d", row)
    assert {figure.top, figure.bottom, figure.value} <= set(said)
    assert str(CASES) not in said
    reader.open("/about/data")
    reader.picture("about the data")
