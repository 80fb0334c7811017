"""axe-core (Deque, MPL 2.0, as published in its npm package, unchanged): what in a page keeps some people out.

Everything that axe knows is asked, best practices too. axe is a script: of a window without scripts a copy is looked at, with the same
content and style sheets, in which no script but axe runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import Page, Route

RELEASE = Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js"
SHOWN = 160  # characters of an element
RUN = "axe.run({resultTypes: ['violations']}).then(found => found.violations)"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@cache
def _program() -> str:
    return RELEASE.read_text("utf-8")


@contextmanager
def copy_of(page: Page) -> Iterator[Page]:
    """What stands in a window without scripts, in one in which axe can run."""
    content, browser = page.content(), page.context.browser
    assert browser is not None

    def answer(route: Route) -> None:
        asked = route.request
        if asked.resource_type == "document":
            route.fulfill(body=content, content_type="text/html; charset=utf-8")
        elif asked.resource_type == "script":
            route.abort()
        else:
            route.continue_()

    context = browser.new_context(viewport=page.viewport_size, locale="en-GB")
    try:
        context.route("**/*", answer)
        made = context.new_page()
        made.goto(page.url)
        yield made
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe finds in the page as it stands, one line an element; nothing where all is well."""
    page.evaluate(_program())
    return [
        f"{each['id']}: {node['html'][:SHOWN]} {node['failureSummary'][:SHOWN]}"
        for each in page.evaluate(RUN)
        for node in each["nodes"][:3]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate(WIDER))
