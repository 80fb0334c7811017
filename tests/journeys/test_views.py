"""A reader follows one number from the chart to the table, to its definition and to the file; every view is looked at on three surfaces."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from registry.settings import Settings
from tests.conftest import Database
from tests.journeys.browsing import Visitor, chromium, visitor
from tests.registry.web.released import nation, publish
from tests.running import Service, free_port, service

pytestmark = pytest.mark.slow

VIEWS = (
    "/", "/figures", "/figures/hat-rate", "/figures/preventable-share?area=y56", "/figures/inadequate-prophylaxis-share",
    "/figures/hat-rate/regions", "/figures/compare?trust=RM2", "/figures/trusts", "/figures/trusts/RM2", "/figures/regions/Y58",
    "/about/patients", "/about/data", "/cy/figures", "/cy/learning", "/learning/subscribe", "/cy/data", "/problems",
    "/problems/not-valid",
)  # fmt: skip


@dataclass
class World:
    """A released nation, served, and a browser."""

    service: Service
    browser: Browser
    pictures: Path


@pytest.fixture
def world(settings: Settings, database: Database, tmp_path: Path) -> Iterator[World]:
    publish(database, nation(trusts=24, number=40))
    port = free_port()
    here = settings.model_copy(update={"port": port, "base_url": f"http://127.0.0.1:{port}"})
    with chromium() as browser, service(here) as running:
        yield World(running, browser, tmp_path / "pictures")


def test_a_reader_follows_one_number_from_chart_to_table_to_definition_to_file(world: World) -> None:
    with visitor(world.browser, "reader", world.service.address, world.pictures, scripts=False) as reader:
        shown = when_they_look_at_a_region(reader)
        then_the_chart_says_the_same_as_the_table(reader, shown)
        then_the_definition_stands_below(reader)
        then_the_file_holds_the_same_number(reader, shown)
        then_the_map_leads_to_its_region_by_the_keyboard(reader)
        then_one_trust_can_be_marked_in_the_funnel(reader)
        then_the_page_tells_that_its_welsh_is_awaited(reader)


def test_every_view_is_fit_for_everybody_at_a_desk_and_on_a_phone(world: World) -> None:
    with visitor(world.browser, "everybody", world.service.address, world.pictures, scripts=True) as everybody:
        for path in VIEWS:
            then_it_is_fit_for_everybody(everybody, path)


def test_nothing_is_lost_on_paper_and_in_forced_colours(world: World) -> None:
    with visitor(world.browser, "everybody", world.service.address, world.pictures, scripts=True) as everybody:
        then_nothing_is_lost_on_paper(everybody)
        then_forced_colours_leave_a_drawing_its_white_ground(everybody)
        # the browser says of the library's style sheet that a name in it is old
        everybody.complaints[:] = [each for each in everybody.complaints if "-ms-high-contrast" not in each]
        assert everybody.complaints == []


def when_they_look_at_a_region(reader: Visitor) -> str:
    reader.open("/")
    reader.follow("All national figures")
    reader.page.get_by_role("link", name="HAT per 1,000 admissions", exact=True).click()
    reader.page.get_by_label("Area").select_option("y56")
    reader.press("Show this area")
    sentence = reader.page.locator(".nhsuk-lede-text").inner_text()
    reader.picture("one region")
    found = re.search(r"In (\w+ \d{4}) .* was (\d\.\d\d) per", sentence)
    assert found
    return f"{found[1]}|{found[2]}"


def then_the_chart_says_the_same_as_the_table(reader: Visitor, shown: str) -> None:
    month, value = shown.split("|")
    assert value in (reader.page.locator("svg.hat-chart__wide desc").first.text_content() or "")
    row = reader.page.locator("tr", has=reader.page.get_by_role("rowheader", name=month, exact=True)).first
    assert value in row.inner_text()
    assert reader.page.locator("svg.hat-chart__narrow").first.is_hidden()


def then_the_definition_stands_below(reader: Visitor) -> None:
    assert reader.page.get_by_role("heading", name="Definition").is_visible()
    assert "All admissions of people aged 16 or over" in reader.words()


def then_the_file_holds_the_same_number(reader: Visitor, shown: str) -> None:
    with reader.page.expect_download() as waiting:
        reader.follow("All areas and periods of this measure (CSV)")
    text = Path(waiting.value.path()).read_text("utf-8-sig")
    values = {
        f"{float(row['value']):.2f}"
        for row in csv.DictReader(io.StringIO(text))
        if row["area"] == "y56" and row["value"]
    }
    assert shown.split("|")[1] in values


def then_the_map_leads_to_its_region_by_the_keyboard(reader: Visitor) -> None:
    reader.open("/figures/hat-rate/regions")
    tile = reader.page.locator(".hat-chart__wide .hat-map__tile", has_text="London")
    tile.focus()
    reader.picture("a tile of the map in focus")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**area=y56")
    assert reader.page.get_by_role("heading", name="London", exact=True).is_visible()


def then_one_trust_can_be_marked_in_the_funnel(reader: Visitor) -> None:
    reader.open("/figures/compare")
    reader.page.get_by_label("Mark one").select_option("R08")
    reader.press("Show")
    assert reader.page.locator("svg.hat-chart__wide text", has_text="Hospital 08 NHS Trust").count() == 1
    reader.picture("one trust marked")


def then_the_page_tells_that_its_welsh_is_awaited(reader: Visitor) -> None:
    reader.follow("Cymraeg")
    assert "/cy/figures/compare" in reader.page.url
    assert "Nid yw'r dudalen hon ar gael yn Gymraeg eto." in reader.words()
    reader.follow("English")
    assert "/cy" not in reader.page.url


def then_it_is_fit_for_everybody(everybody: Visitor, path: str) -> None:
    """With the picture axe looks at the page, and at its breadth on a phone."""
    everybody.open(path)
    everybody.heading()
    everybody.picture(path)


def then_nothing_is_lost_on_paper(everybody: Visitor) -> None:
    """What is folded away on a screen is there too."""
    everybody.page.emulate_media(media="print")
    everybody.open("/figures/hat-rate")
    _photograph(everybody, "on-paper")
    assert everybody.page.get_by_text("The points of the control chart, the latest first").first.is_visible()
    assert everybody.page.locator(".nhsuk-header__navigation").is_hidden()


def then_forced_colours_leave_a_drawing_its_white_ground(everybody: Visitor) -> None:
    everybody.page.emulate_media(media="screen", forced_colors="active")
    everybody.open("/figures/compare")
    _photograph(everybody, "forced-colours")
    ground = everybody.page.locator("svg.hat-chart__wide").evaluate("each => getComputedStyle(each).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def _photograph(everybody: Visitor, name: str) -> None:
    everybody.pictures.mkdir(parents=True, exist_ok=True)
    everybody.page.screenshot(path=everybody.pictures / f"{name}.png", full_page=True)
