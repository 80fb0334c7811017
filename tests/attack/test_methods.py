"""Every method that an address does not take, for everybody who can come: 405 and what it takes for whoever may see the address; for all
others the very answer that an address gets which leads nowhere. Never a fault of ours, and nothing is done.
"""

from collections.abc import Callable, Collection, Iterator
from functools import cache, cached_property
from itertools import groupby
from re import Pattern

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from starlette.routing import compile_path

from registry.access import PUBLIC
from registry.web.problems import is_machine
from tests.attack.door import State
from tests.attack.nation import DISABLED, STRANGER, Nation
from tests.attack.test_access import ABSENT, ASKERS, Asker, Route, asker, routes, same, section

pytestmark = pytest.mark.slow

METHODS = (
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "QUERY", "BREW", "A" * 300,
)  # fmt: skip
EACH = 2
"""So many methods at each address, others at the next: everybody tries every method at addresses of every kind."""
COMING = [each for each in ASKERS if not each.startswith("client ") or each.endswith("bulk-submit")]
"""Everybody; one client for all, whose scopes are asked for by handlers alone."""


class Address:
    """One address, and the routes that it leads to."""

    def __init__(self, path: str, known: list[Route]) -> None:
        self.path = Route("", "", path).to(ABSENT)
        self._known = known

    @cached_property
    def routes(self) -> list[Route]:
        return [each for each in self._known if pattern(each.path).match(self.path)]

    def foreign(self, turn: int) -> list[str]:
        """Some of the methods that it does not take."""
        taken = {each.method for each in self.routes}
        left = [each for each in METHODS if each not in taken]
        return [left[(turn * EACH + each) % len(left)] for each in range(EACH)]

    def visible(self, who: Asker) -> set[str]:
        """The methods that they may use."""
        return {
            each.method
            for each in self.routes
            if each.right is PUBLIC
            or (who.known(self.path) and (each.right in who.rights or each.path in described(who)))
        }


def described(who: Asker) -> Collection[str]:
    """What everybody who has signed in may read of the interface."""
    app = who.client.app
    assert isinstance(app, FastAPI)
    return () if who.name in (STRANGER, DISABLED) else app.openapi()["paths"]


PATTERNS: dict[str, Pattern[str]] = {}


def pattern(path: str) -> Pattern[str]:
    if path not in PATTERNS:
        PATTERNS[path] = compile_path(path)[0]
    return PATTERNS[path]


def addresses(known: list[Route]) -> list[Address]:
    made = [Address(path, known) for path, _ in groupby(sorted({each.path for each in known}))]
    return [each for each in made if each.routes]


@pytest.fixture(scope="module")
def before(nation: Nation) -> State:
    return State.of(nation.admin)


@pytest.mark.parametrize("name", COMING)
@pytest.mark.usefixtures("before")
def test_a_method_that_is_not_taken(nation: Nation, name: str) -> None:
    who = asker(nation, name)
    wrong, told = [], 0
    nowhere = cache(lambda method, path: who.ask(method, path))
    for turn, address in enumerate(addresses(routes(who.client.app, but=("OPTIONS",)))):
        for method in address.foreign(turn + COMING.index(name)):
            answer = who.ask(method, address.path)
            told += answer.status_code == 405
            wrong += [(method, address.path, *fault) for fault in faults(who, address, method, answer, nowhere)]
    assert not wrong, "\n".join(map(str, wrong))
    assert told > 50, "nobody is told what an address takes: nothing is shown by this"


def faults(
    who: Asker, address: Address, method: str, answer: httpx.Response, nowhere: Callable[[str, str], httpx.Response]
) -> Iterator[tuple[object, ...]]:
    visible = address.visible(who)
    if visible:
        allowed = {each.strip() for each in answer.headers.get("allow", "").split(",")}
        if answer.status_code != 405 or allowed != visible:
            yield answer.status_code, allowed, "and not", visible
        return
    if "allow" in answer.headers:
        yield "tells what there is", answer.status_code
    if not who.known(address.path):
        if answer.status_code != (401 if is_machine(address.path) else 303):
            yield "a stranger", answer.status_code
        return
    beside = "/fhir/r4/nowhere" if address.path.startswith("/fhir") else f"{section(address.path)}/nowhere/at/all"
    if answer.status_code != 404 or same(answer, "") != same(nowhere(method, beside), ""):
        yield "differs from nowhere", answer.status_code


def test_nothing_was_done(nation: Nation, before: State) -> None:
    """But that people came, and that one was shut out."""
    changed = before.same(State.of(nation.admin))
    assert [each for each in changed if not each.startswith("register.") and each != "records.audit"] == []
