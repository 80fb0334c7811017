"""What is kept for the next who asks: nothing of one trust for another, nothing of a session for anybody, by whatever way it was asked for first."""

import re
from collections.abc import Iterator, Mapping

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from registry.access import PUBLIC
from registry.web.forgery import cookie_name
from tests.attack.nation import ELSEWHERE, OWN, STRANGER, Nation
from tests.attack.test_access import ABSENT, Route, one, routes
from tests.registry.web.visitors import PASSWORD, send

pytestmark = pytest.mark.slow

TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
ONCE = re.compile(rb'(once|stamp|form_token)" value="[^"]+"')
CANARY = "canary-of-a-session"
EACH_LOOK = ("/account", "/trust/trail/file")
"""Sessions and looks are listed there: what is told by one is not what is told by the next."""


def at(nation: Nation, client: TestClient, shared: TestClient) -> TestClient:
    """The same somebody at the same application: what it keeps, it keeps for both."""
    made = TestClient(shared.app, base_url=nation.house.settings.base_url, follow_redirects=False)
    made.headers, made.cookies = client.headers, client.cookies
    return made


def addresses(nation: Nation, client: TestClient) -> Iterator[tuple[Route, str]]:
    for route in routes(client.app):
        if route.method == "GET":
            query = route.query()
            own = one(nation, query, OWN) if query else OWN if "{trust}" in route.path else None
            yield route, route.to(own or ABSENT)


def told(answer: httpx.Response) -> tuple[int, bytes]:
    return answer.status_code, ONCE.sub(b"", answer.content)


@pytest.mark.parametrize(
    ("kind", "first", "second"), [("person", "rjz.lead", ELSEWHERE), ("program", "rjz.lead", ELSEWHERE)]
)
def test_what_one_trust_read_is_not_given_to_another(nation: Nation, kind: str, first: str, second: str) -> None:
    make = nation.browser if kind == "person" else nation.program
    ours = make(first)
    theirs, apart = at(nation, make(second), ours), make(second)
    wrong: list[tuple[str, int, str]] = []
    seen, known = 0, 0
    for route, address in addresses(nation, ours):
        if route.right is PUBLIC:
            continue
        answer = ours.get(address)
        seen += answer.status_code == 200
        known += "etag" in answer.headers
        if answer.headers.get("cache-control") != "no-store":
            wrong.append((address, answer.status_code, "may be kept"))
        alone = apart.get(address)
        for headers in filter(None, ({"Accept": "*/*"}, conditions_of(answer))):
            found = theirs.get(address, headers=headers)
            if told(found) != told(alone) and address not in EACH_LOOK:
                wrong.append((address, found.status_code, "differs by who came before"))
            if found.content == answer.content != b"" and 200 == answer.status_code != alone.status_code:
                wrong.append((address, found.status_code, "is what another read"))
    assert not wrong, "\n".join(map(str, wrong))
    assert seen >= 10
    assert known or kind == "person"


def conditions_of(answer: httpx.Response) -> Mapping[str, str]:
    """By which whoever has this answer already asks whether there is another; any other that there could be, too."""
    tag = answer.headers.get("etag")
    return {"If-None-Match": f"{tag}, *", "If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"} if tag else {}


def half_in(nation: Nation) -> TestClient:
    """Somebody who has given a password and no code yet."""
    browser = nation.browser(STRANGER)
    assert send(browser, "/sign-in", {"user_name": "rjz.lead", "password": PASSWORD}).status_code == 303
    assert browser.cookies
    return browser


def with_a_cookie_of_their_own(nation: Nation) -> TestClient:
    browser = nation.browser(STRANGER)
    browser.cookies.set(cookie_name(nation.house.settings.base_url), CANARY, domain="127.0.0.1", path="/")
    return browser


def test_what_anybody_is_given_holds_nothing_of_a_session(nation: Nation) -> None:
    """Asked for by all who have a cookie or a token first, with names of their own in the query, and then by somebody who has none."""
    shared, fresh = nation.browser(STRANGER), nation.browser(STRANGER)
    first = [
        half_in(nation),
        with_a_cookie_of_their_own(nation),
        nation.browser("rjz.lead"),
        nation.program("rjz.lead"),
    ]
    public = [address for route, address in addresses(nation, shared) if route.right is PUBLIC]
    public += ["/figures/trusts/RJZ", "/figures/compare?trust=RJZ&trust=RTH"]
    wrong, kept = [], 0
    for address in public:
        for client in first:
            coming = at(nation, client, shared)
            named = "" if client is first[0] else f"{'&' if '?' in address else '?'}{CANARY}={CANARY}"
            answer = coming.get(address + named)
            if "cookie" in answer.request.headers and "no-store" not in answer.headers.get("cache-control", ""):
                wrong.append((address, "may be kept for others"))
        answer, alone = shared.get(address), fresh.get(address)
        kept += answer.headers.get("cache-control", "").startswith("public")
        if told(answer) != told(alone) or answer.headers.get("etag") != alone.headers.get("etag"):
            wrong.append((address, "differs by who came before"))
        if "set-cookie" in answer.headers or CANARY in answer.text or TOKEN.search(answer.text):
            wrong.append((address, "holds what is of a session"))
        if answer.headers.get("vary") is None:
            wrong.append((address, "does not say what it depends on"))
    assert not wrong, "\n".join(map(str, wrong))
    assert kept >= 10, "nothing is kept: nothing is shown by this"
