"""The guides kept true by the journeys: what they name must have been met, and their pictures are made here: `make guide` writes them
anew, any other run of a journey compares.

Beside each picture lies what could be read and done on that part of the page when it was taken (roles and names, without numbers and
days, which differ from run to run). If a page says something else now, the picture is stale and the journey fails. Pixels are not
compared: they differ from machine to machine.
"""

import io
import os
import re
from pathlib import Path

from PIL import Image, ImageChops, ImageOps
from playwright.sync_api import Locator, Page

from registry.web.pages import STATIC, TEMPLATES

GUIDES = TEMPLATES / "guide"
PICTURES = STATIC / "guide"
TOLD = Path(__file__).parent / "pictures"
WRITE = os.environ.get("HAT_GUIDE") == "write"
COLOURS = 32
WIDTH = 1000  # pixels of the window
TALLEST = 720  # pixels; what stands below is cut off
LINES = 200  # of what is said; more does not stand in a picture
EDGE = 16  # pixels around what is shown
PAGE = "#f0f4f5"  # what is behind everything on a page

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_VARIES = (
    (re.compile(r"/url: .*"), "/url"),
    (re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]\b"), "NUMBER"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{64}\b"), "NUMBER"),
    (re.compile(rf"\b(?:{_MONTH}|{'|'.join(each[:3] for each in _MONTH.split('|'))})\b"), "MONTH"),
    (re.compile(r"\d[\d,.:]*"), "0"),
)


_WALKED = re.compile(r"\{#- walked: (.*?) -#\}")
_NAMED = re.compile(r'named\("([^"]+)"\)')


def named(journey: str) -> dict[str, str]:
    """What the guides name in the parts that a journey walks: each name, and the guide in which it stands."""
    found: dict[str, str] = {}
    for path in sorted(GUIDES.glob("*.html")):
        parts = _WALKED.split(path.read_text("utf-8"))
        for walked, text in zip(parts[1::2], parts[2::2], strict=True):
            if walked == journey:
                found |= dict.fromkeys(_NAMED.findall(text), path.name)
    return found


def tells_the_truth(journey: str, met: set[str]) -> None:
    """Everything that a guide names where a journey walks was met on it. A button may say more than the guide, as which month it is for."""
    untrue = [
        f"{guide}: {name}"
        for name, guide in named(journey).items()
        if not any(re.match(rf"{re.escape(name)}(?!\w)", each) for each in met)
    ]
    assert not untrue, f"the guides name what the journey did not meet: {untrue}"


def take(page: Page, name: str, of: Locator | None = None) -> None:
    """Write the picture, or see that the one that is there still shows what the page says. Raises AssertionError where it does not."""
    part = of or page.get_by_role("main")
    told = _told(part)
    if WRITE:
        _write(page, name, part, told)
    kept = TOLD / f"{name}.yml"
    assert kept.exists(), f"the guide's picture {name} was never made: make guide"
    assert kept.read_text("utf-8") == told, f"the guide's picture {name} is stale: make guide"


def _told(part: Locator) -> str:
    words = part.aria_snapshot()
    for varies, instead in _VARIES:
        words = varies.sub(instead, words)
    return "\n".join(words.rstrip().splitlines()[:LINES]) + "\n"


def _write(page: Page, name: str, part: Locator, told: str) -> None:
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    taken = Image.open(io.BytesIO(part.screenshot())).convert("RGB")
    box = part.bounding_box()
    page.set_viewport_size(size)
    assert box is not None
    # A table that is scrolled in its frame is wider than the window, where there is nothing to see.
    upper = taken.crop((0, 0, min(taken.width, WIDTH - int(box["x"])), min(taken.height, TALLEST)))
    cut = upper.crop(ImageChops.difference(upper, Image.new("RGB", upper.size, PAGE)).getbbox())
    picture = ImageOps.expand(cut, EDGE, PAGE).quantize(COLOURS, dither=Image.Dither.NONE)
    for folder in (PICTURES, TOLD):
        folder.mkdir(exist_ok=True)
    picture.save(PICTURES / f"{name}.png", optimize=True)
    (TOLD / f"{name}.yml").write_text(told, "utf-8")
