"""A real browser: Debian's Chromium, driven as a person drives it. Each page it comes to is photographed and looked at.

Where a program that people use is not there the tests say how to get it; in CI they fail.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, sync_playwright

from tests.journeys import axe, guide_pictures
from tests.running import until

MISSING = "not run: apt-get install {}"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 60_000  # milliseconds
SIZE = {"width": 1100, "height": 900}
PHONE = {"width": 375, "height": 800}
DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
NAMES = "button, a, label, legend, summary, h1, h2, h3, caption, th, dt"
"""What a person finds a thing by."""


def program(name: str, package: str) -> str:
    """Where a program is; without it a test is passed over, and in CI it fails."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING.format(package))
        pytest.skip(MISSING.format(package))
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
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
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    app: Callable[[str], str] = str
    """What the authenticator app of a user name shows."""
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

    def signs_in(self, user_name: str, password: str, code: str = "") -> None:
        """With what their app shows now, or with another `code`."""
        self.picture("sign in")
        self.write("User name", user_name)
        self.write("Password", password)
        self.press("Sign in")
        self.sees("Enter a code")
        self.write("Code", code or self.app(user_name))
        self.press("Continue")

    def confirms(self) -> None:
        """With a code, where the last one is more than ten minutes old: machines may be slow."""
        asked = self.page.get_by_label("A code from your authenticator app", exact=True)
        if asked.count():
            asked.first.fill(self.app(self.name))

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).first.click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).first.click()

    def looks_again_until(self, words: str, seconds: float, otherwise: str) -> None:
        """As the page offers, until what it waits for is there."""

        def there() -> bool:
            self.page.get_by_text(re.compile(f"Look again|{re.escape(words)}")).first.wait_for()
            if words in self.words():
                return True
            with self.page.expect_navigation():
                self.follow("Look again")
            return False

        until(there, seconds, otherwise, pause=1)

    def unfold(self, words: str) -> None:
        """What is folded away under these words."""
        self.page.locator("summary").filter(has_text=words).first.click()

    def write(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).fill(words)

    def answer(self, question: str, *answers: str, inside: Locator | None = None) -> None:
        """A question of the dataset, however it is drawn: what is chosen or ticked, a day (2025-09-01) into its boxes, or words."""
        place = inside or self.page.get_by_role("main")
        group = place.get_by_role("group", name=question, exact=True)
        chooser = place.get_by_role("combobox", name=question, exact=True)
        if group.count() == 0 and chooser.count() == 0:
            place.get_by_label(question, exact=True).fill(*answers)
        elif group.count() == 0:
            chooser.select_option(label=answers[0])
        elif (day := DAY.fullmatch(answers[0])) is not None:
            for label, words in zip(("Year", "Month", "Day"), day.groups(), strict=True):
                group.get_by_label(label, exact=True).fill(words)
        else:
            for each in answers:
                group.get_by_label(each, exact=True).check()

    def choose(self, label: str) -> None:
        """A click where the box is: in a table its label lies over it, and does the same."""
        self.page.get_by_label(label, exact=True).check(force=True)

    def select(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(label=words)

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
        name = "".join(each if each.isalnum() else "-" for each in words.lower())[:50]
        self.pictures.mkdir(parents=True, exist_ok=True)
        self._look()
        self.page.screenshot(path=self.pictures / f"{next(self.numbers):02d}-{self.name}-{name}.png", full_page=True)

    def _look(self) -> None:
        """At the width of the window, and once a page at the width of a phone."""
        self.met |= {" ".join(each.split()) for each in self.page.locator(NAMES).all_text_contents()}
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

    def tell_where_it_ended(self, fault: BaseException) -> None:
        """A picture of the page on which a journey broke off, and what it says beside what went wrong."""
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(
            path=self.pictures / f"{next(self.numbers):02d}-{self.name}-broken-off.png", full_page=True
        )
        fault.add_note(f"{self.name} at {self.page.url}: {self.words()[:2000]}\n{self.complaints}")

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
        try:
            yield made
        except BaseException as fault:
            made.tell_where_it_ended(fault)
            raise
        assert made.complaints == []
    finally:
        context.close()
