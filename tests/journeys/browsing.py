"""A real browser: Debian's Chromium, driven as a person drives it. Each page it comes to is photographed and looked at.

Where there is no Chromium the tests say how to get it; in CI they fail.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright

from tests.journeys import axe, guide_pictures

MISSING = "not run: apt-get install chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 20_000  # milliseconds
SIZE = {"width": 1100, "height": 900}
PHONE = {"width": 375, "height": 800}
NAMES = "button, a, label, legend, summary, h1, h2, h3, caption, th"
"""What a person finds a thing by."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, or a skipped test; in CI a failed one."""
    program = shutil.which("chromium")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """One person at a browser window of their own. Whatever the browser complains about is kept in `complaints`, and so is what axe
    finds, or what is wider than a phone, in a page that was looked at. `met` are the names of buttons, links, fields and headings
    of those pages."""

    name: str
    page: Page
    address: str
    pictures: Path
    scripts: bool = True
    met: set[str] = field(default_factory=set)
    size: dict[str, int] = field(default_factory=lambda: dict(SIZE))
    complaints: list[str] = field(default_factory=list)
    _taken: int = 0
    _held: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(SECONDS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"{self.page.url}: {error}"))
        self.page.on("request", self._watch)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _watch(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.address).netloc:
            self.complaints.append(f"{self.page.url}: asks {request.url}")

    # --- what a person does

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).first.click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).first.click()

    def unfold(self, words: str) -> None:
        """What is folded away under these words."""
        self.page.locator("summary").filter(has_text=words).first.click()

    def write(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).fill(words)

    def write_day(self, question: str, day: str, *, time: str = "") -> None:
        """A date (2025-09-01) into the boxes of a question."""
        boxes = self.group(question)
        year, month, of_month = day.split("-")
        for label, words in (("Day", of_month), ("Month", month), ("Year", year), ("Time (24 hours)", time)):
            if words:
                boxes.get_by_label(label, exact=True).fill(words)

    def choose(self, label: str, *, of: str = "") -> None:
        """A radio button or a tick, under a question where several offer the same."""
        place: Page | Locator = self.group(of) if of else self.page
        place.get_by_label(label, exact=True).check()

    def select(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=words)

    def group(self, question: str) -> Locator:
        return self.page.get_by_role("group", name=question)

    def row(self, *words: str) -> Locator:
        """The first row of a table that has all these words."""
        found = self.page.get_by_role("row")
        for each in words:
            found = found.filter(has_text=each)
        return found.first

    # --- what a person sees

    def sees(self, words: str) -> None:
        """The words stand on the page, in sight. The page is looked at, and a picture is taken."""
        self.page.get_by_text(words).first.wait_for()
        self.picture(words)

    def picture(self, words: str) -> None:
        self._taken += 1
        name = "".join(each if each.isalnum() else "-" for each in words.lower())[:50]
        self.pictures.mkdir(parents=True, exist_ok=True)
        self._look()
        self.page.screenshot(path=self.pictures / f"{self.name}-{self._taken:02d}-{name}.png", full_page=True)

    def _look(self) -> None:
        """At the width of the window, and once a page at the width of a phone."""
        self.met |= {" ".join(each.split()) for each in self.page.locator(NAMES).all_inner_texts()}
        with self._for_axe() as page:
            self._complain("", axe.violations(page))
            heading = self.heading()
            if heading in self._held or self.size == PHONE:
                return
            self._held.add(heading)
            page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a plain dict is what it takes
            self._complain("on a phone, ", axe.violations(page))
            over = axe.overflow(page)
            self._complain("on a phone, ", [f"{over} pixels too wide"] if over > 0 else [])
            page.set_viewport_size(self.size)  # type: ignore[arg-type] # a plain dict is what it takes

    @contextmanager
    def _for_axe(self) -> Iterator[Page]:
        if self.scripts:
            yield self.page
            return
        with axe.copy_of(self.page) as page:
            yield page

    def _complain(self, where: str, found: list[str]) -> None:
        self.complaints += [f"{self.page.url}: {where}{each}" for each in found]

    def shows_the_guide(self, picture: str, of: Locator | None = None) -> None:
        """The page as it stands is a picture of the guide."""
        guide_pictures.take(self.page, picture, of)

    def words(self) -> str:
        """All that a person can read, on one line."""
        return " ".join(self.page.locator("body").inner_text().split())

    def heading(self) -> str:
        """The page's one main heading."""
        headings = self.page.get_by_role("heading", level=1)
        assert headings.count() == 1, self.page.url
        return headings.inner_text()

    def gets(self, words: str) -> bytes:
        """What the link downloads."""
        with self.page.expect_download() as asked:
            self.follow(words)
        return asked.value.path().read_bytes()


@contextmanager
def visitor(
    browser: Browser, name: str, address: str, pictures: Path, *, scripts: bool, phone: bool = False
) -> Iterator[Visitor]:
    """A person with a fresh window; at the end nothing was complained about and nothing was asked of another host."""
    size = PHONE if phone else SIZE
    context = browser.new_context(java_script_enabled=scripts, viewport=size, accept_downloads=True, locale="en-GB")  # type: ignore[arg-type] # a plain dict is what it takes
    try:
        made = Visitor(name, context.new_page(), address, pictures, scripts, size=dict(size))
        yield made
        assert made.complaints == []
    finally:
        context.close()
