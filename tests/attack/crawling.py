"""Pages walked as a robot walks them: every link of a host, every form on the way, each kind of either once or twice."""

import re
from collections import Counter, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from starlette.testclient import TestClient

OF_A_KIND = 2
_IDENT = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|(?<=/)[A-Z0-9]{3,5}(?=/|$)|[\w-]{30,}")


@dataclass(frozen=True)
class Form:
    """A form of a page, as it would be sent untouched."""

    page: str
    action: str
    fields: tuple[tuple[str, str], ...]
    file: str | None

    @property
    def kind(self) -> str:
        return f"{kind_of(self.action)} {sorted({name for name, _ in self.fields})}"


def kind_of(address: str) -> str:
    """An address without what is of one thing only: all cases are of one kind."""
    parts = urlsplit(address)
    names = sorted(each.partition("=")[0] for each in parts.query.split("&"))
    return f"{_IDENT.sub('…', parts.path)}?{'&'.join(names)}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, str, list[tuple[str, str]], list[str]]] = []
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append((given.get("method", "get").lower(), given.get("action", ""), [], []))
        if self.forms:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        _, _, fields, files = self.forms[-1]
        name = given.get("name", "")
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and (given.get("value") or "selected" in given):
            fields.append((self._select, given.get("value", "")))
            self._select = None
        elif name and tag in ("input", "textarea", "button"):
            if given.get("type") == "file":
                files.append(name)
            else:
                fields.append((name, given.get("value", "")))


def crawl(
    browser: TestClient, starts: Collection[str], *, pages: int, avoid: Collection[str] = ("/sign-out",)
) -> tuple[list[str], list[Form]]:
    """The pages that were opened, and one form of each kind. No more than so many pages."""
    seen: Counter[str] = Counter()
    opened: list[str] = []
    forms: dict[str, Form] = {}
    queue = deque(starts)
    while queue and len(opened) < pages:
        address = queue.popleft()
        if address in opened or seen[kind_of(address)] >= OF_A_KIND:
            continue
        seen[kind_of(address)] += 1
        opened.append(address)
        answer = browser.get(address)
        assert answer.status_code < 500, address
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        found = _Page()
        found.feed(answer.text)
        queue.extend(_inside(address, found.links))
        for form in _forms(address, found):
            if form.action not in avoid:
                forms.setdefault(form.kind, form)
    return opened, list(forms.values())


def _inside(address: str, links: Collection[str]) -> Iterator[str]:
    for link in links:
        parts = urlsplit(urljoin(f"http://here{address}", link))
        if parts.netloc == "here" and parts.scheme == "http" and not parts.path.startswith("/static/"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def _forms(address: str, found: _Page) -> Iterator[Form]:
    for method, action, fields, files in found.forms:
        if method == "post":
            to = next(_inside(address, [action or address]), "")
            yield Form(address, to, tuple(fields), files[0] if files else None)
