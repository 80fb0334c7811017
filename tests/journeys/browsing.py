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
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

MISSING = "not run: apt-get install chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 20_000  # milliseconds
SIZE = {"width": 1100, "height": 900}


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
    """One person at a browser window of their own. Whatever the browser complains about is kept in `complaints`."""

    name: str
    page: Page
    address: str
    pictures: Path
    complaints: list[str] = field(default_factory=list)
    _taken: int = 0

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

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def press(self, words: str) -> None:
        self.page.get_by_role("button", name=words, exact=True).click()

    def follow(self, words: str) -> None:
        self.page.get_by_role("link", name=words, exact=True).first.click()

    def write(self, label: str, words: str) -> None:
        self.page.get_by_label(label, exact=True).fill(words)

    def choose(self, label: str) -> None:
        self.page.get_by_label(label, exact=True).check()

    def sees(self, words: str) -> None:
        """The words stand on the page, in sight. A picture is taken."""
        self.page.get_by_text(words).first.wait_for()
        self.picture(words)

    def picture(self, words: str) -> None:
        self._taken += 1
        name = "".join(each if each.isalnum() else "-" for each in words.lower())[:50]
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.pictures / f"{self.name}-{self._taken:02d}-{name}.png", full_page=True)

    def words(self) -> str:
        """All that a person can read, on one line."""
        return " ".join(self.page.locator("body").inner_text().split())

    def heading(self) -> str:
        """The page's one main heading."""
        headings = self.page.get_by_role("heading", level=1)
        assert headings.count() == 1, self.page.url
        return headings.inner_text()


@contextmanager
def visitor(browser: Browser, name: str, address: str, pictures: Path, *, scripts: bool) -> Iterator[Visitor]:
    """A person with a fresh window; at the end nothing was complained about and nothing was asked of another host."""
    context = browser.new_context(java_script_enabled=scripts, viewport=SIZE, accept_downloads=True, locale="en-GB")  # type: ignore[arg-type] # a plain dict is what it takes
    try:
        made = Visitor(name, context.new_page(), address, pictures)
        yield made
        assert made.complaints == []
    finally:
        context.close()
