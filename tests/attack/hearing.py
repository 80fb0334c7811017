"""A plugin of pytest (`-p tests.attack.hearing`): hears what each request of a test leaves in the audit log, and sends each once more.

What it hears is a line of JSON in the file that `HAT_HEARD` names. The second time comes when the test is over, the last request first,
with the same body under the same cookies, so a retry is as a browser's: it leaves nothing, or what was right the first time.
"""

import json
import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2 as httpx
import psycopg
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from registry.embedded import Server
from registry.embedded.making import SUPERUSER
from tests.attack import trail
from tests.attack.trail import Heard

HEARD: Final = "HAT_HEARD"
BESIDE: Final = frozenset({
    "sign-in refused", "second factor refused", "access refused", "consultant code refused", "identifiers shown", "learning text read",
    "case read", "review opened", "review read", "pair read", "attributed case read", "pair looked at", "dispute looked at",
})  # fmt: skip
"""What is noted of who is refused, and of the page that is shown with the refusal: not of what was asked for."""


class Ear:
    """Who listens during one test, by a connection that sees past all policies."""

    def __init__(self, server: Server, test: str) -> None:
        self.server, self.test = server, test
        self.done: list[tuple[TestClient, Heard]] = []
        self.connections: dict[str, psycopg.Connection] = {}

    def admin(self, app: FastAPI) -> psycopg.Connection:
        name = urlsplit(str(app.state.settings.database_url)).path.strip("/")
        if name not in self.connections:
            url = self.server.url(SUPERUSER, self.server.password, name)
            self.connections[name] = psycopg.connect(url, autocommit=True)
        return self.connections[name]

    def hears(self, client: TestClient, answer: httpx.Response) -> Heard | None:
        app = client.app
        if not isinstance(app, FastAPI) or not hasattr(app.state, "store"):
            return None
        one = trail.heard(app, self.admin(app), answer)
        if one is not None and one.succeeded:
            found = list(trail.faults(self.admin(app), one))
            changed = bool(one.rows) or trail.keeps_nothing(one.name)
            self.tells({"route": one.name, "changed": changed, "entries": len(one.rows), "faults": found})
        return one

    def sends_again(self, client: TestClient, first: Heard) -> None:
        asked = first.answer.request
        again = httpx.Request(asked.method, asked.url, headers=asked.headers, content=asked.content)
        app: Any = client.app
        one = trail.heard(app, self.admin(app), TestClient.send(client, again, follow_redirects=False))
        assert one is not None
        said = [row.action for row in one.rows if row.action not in BESIDE]
        if one.succeeded and one.rows:
            found = list(trail.faults(self.admin(app), one))
        else:
            found = [f"{one.name} was answered {one.answer.status_code} and left {said}"] if said else []
        self.tells({"route": one.name, "again": one.answer.status_code, "faults": found})

    def tells(self, what: Mapping[str, object]) -> None:
        with Path(os.environ[HEARD]).open("a") as file:
            file.write(json.dumps({"test": self.test, **what}) + "\n")


EAR: Final = pytest.StashKey[Ear]()


@pytest.fixture(autouse=True)
def ear(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Listens wherever there is a server to hear."""
    if "server" not in request.fixturenames:
        yield
        return
    one = Ear(request.getfixturevalue("server"), request.node.nodeid)
    request.node.stash[EAR] = one
    plain = TestClient.send

    def send(client: TestClient, asked: httpx.Request, **how: Any) -> httpx.Response:
        asked.read()
        answer = plain(client, asked, **how)
        for each in (*answer.history, answer):
            found = one.hears(client, each)
            if found is not None and found.succeeded and found.rows:
                one.done.append((client, found))
        return answer

    monkeypatch.setattr(TestClient, "send", send)
    yield
    for connection in one.connections.values():
        connection.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """When the test is over and its world still stands, the last request of each kind is sent once more, the latest first."""
    outcome = yield
    one = item.stash.get(EAR, None)
    sent: set[str] = set()
    for client, first in reversed(one.done if one else ()):
        if one is not None and first.name not in sent:
            sent.add(first.name)
            one.sends_again(client, first)
    return outcome
