"""The pictures of the guides, made by the journeys: `make guide` writes them anew, any other run of a journey compares.

Beside each picture lies what could be read and done on that part of the page when it was taken (roles and names, without numbers and
days, which differ from run to run). If a page says something else now, the picture is stale and the journey fails. Pixels are not
compared: they differ from machine to machine.
"""

import io
import os
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page

from registry.web.pages import STATIC

PICTURES = STATIC / "guide"
TOLD = Path(__file__).parent / "pictures"
WRITE = os.environ.get("HAT_GUIDE") == "write"
COLOURS = 32
WIDTH = 760  # pixels of a window that a picture shows
TALLEST = 900  # pixels; what stands below is cut off

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_VARIES = (
    (re.compile(r"/url: .*"), "/url"),
    (re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]\b"), "NUMBER"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b[0-9a-f]{64}\b"), "NUMBER"),
    (re.compile(rf"\b(?:{_MONTH}|{'|'.join(each[:3] for each in _MONTH.split('|'))})\b"), "MONTH"),
    (re.compile(r"\d[\d,.:]*"), "0"),
)


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
    return words.rstrip() + "\n"


def _write(page: Page, name: str, part: Locator, told: str) -> None:
    size = page.viewport_size
    page.set_viewport_size({"width": WIDTH, "height": TALLEST})
    box = part.bounding_box()
    assert size is not None
    assert box is not None, f"nothing is in sight for {name}"
    scrolled = page.evaluate("[window.scrollX, window.scrollY]")
    clip = {
        "x": box["x"] + scrolled[0],
        "y": box["y"] + scrolled[1],
        "width": box["width"],
        "height": min(box["height"], TALLEST),
    }
    taken = page.screenshot(clip=clip, full_page=True)  # type: ignore[arg-type] # a plain dict is what it takes
    page.set_viewport_size(size)
    for folder in (PICTURES, TOLD):
        folder.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(PICTURES / f"{name}.png", optimize=True)
    (TOLD / f"{name}.yml").write_text(told, "utf-8")
