"""The guides: read by anybody, with every picture there, small, described, and made by a journey."""

import re
from pathlib import Path

import pytest
from PIL import Image

from registry.settings import Settings
from registry.store import Store
from registry.web.guide import GUIDES, TEMPLATES, size_of
from registry.web.pages import STATIC
from registry.web.pages import TEMPLATES as FOLDER
from tests.registry.web.visitors import house, words_of

PICTURES = STATIC / "guide"
JOURNEYS = Path(__file__).parents[2] / "journeys"
LARGEST = 60_000  # bytes of a picture


def _walks() -> str:
    """The text of all journeys."""
    return "\n".join(path.read_text("utf-8") for path in JOURNEYS.glob("*.py"))


def _guides() -> str:
    return "\n".join((FOLDER / name).read_text("utf-8") for name in TEMPLATES.values())


def _shown() -> list[str]:
    return re.findall(r'picture\("([^"]+)"', _guides())


@pytest.mark.parametrize("reader", GUIDES)
def test_anybody_reads_a_guide(settings: Settings, store: Store, reader: str) -> None:
    browser = house(settings, store).browser()
    page = browser.get(f"/guide/{reader}")
    assert page.status_code == 200
    assert GUIDES[reader] in words_of(browser.get("/guide"))
    assert 'href="/guide"' in page.text
    for address, alt, width in re.findall(
        r'<img class="hat-picture" src="([^"]+)" alt="([^"]+)" width="(\d+)"', page.text
    ):
        picture = browser.get(address)
        assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
        assert len(alt) > 20
        assert int(width) > 200
    for place in re.findall(r'href="#([^"]+)"', page.text):
        assert f'id="{place}"' in page.text, place


def test_days_in_a_guide_are_those_that_count(settings: Settings, store: Store) -> None:
    longer = settings.counting.model_copy(update={"one_time_link_days": 9, "consultant_reply_days": 33})
    browser = house(settings.model_copy(update={"counting": longer}), store).browser()
    words = words_of(browser.get("/guide/nurse"))
    assert "The link holds for 9 days." in words
    assert "after 33 days" in words


def test_there_is_no_other_guide(settings: Settings, store: Store) -> None:
    assert house(settings, store).browser().get("/guide/parts").status_code == 404


def test_every_picture_is_made_by_a_journey_and_stands_in_a_guide() -> None:
    made = re.findall(r'shows_the_guide\("([^"]+)"', _walks())
    assert sorted(_shown()) == sorted(made)
    assert sorted(path.stem for path in PICTURES.iterdir()) == sorted(made)
    assert sorted(path.stem for path in (JOURNEYS / "pictures").iterdir()) == sorted(made)


@pytest.mark.parametrize("name", sorted(path.stem for path in PICTURES.glob("*.png")))
def test_a_picture_is_small(name: str) -> None:
    path = PICTURES / f"{name}.png"
    assert path.stat().st_size < LARGEST
    with Image.open(path) as picture:
        assert picture.mode == "P"
        assert picture.size == size_of(name)


def test_each_part_is_walked_by_a_journey_that_there_is() -> None:
    """Names that no journey meets would go stale unseen."""
    before, *parts = re.split(r"\{#- walked: (.*?) -#\}", _guides())
    assert set(parts[::2]) <= _names()
    assert "named(" not in re.sub(r"\{%.*?%\}", "", before)


def _names() -> set[str]:
    found = re.findall(r'worlds\.world\([^"]*"([^"]+)"|journey = "([^"]+)"', _walks())
    return {name for pair in found for name in pair if name}
