"""Whoever guesses waits: by account whether it is there or not, by address, however many try at once; nobody is shut out for good."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings, load
from registry.store import Store
from tests.registry.web.visitors import PASSWORD, House, house, send, token_of, words_of

WRONG = {"user_name": "anna", "password": "wrong words altogether"}


SLOW = {"first_pause_seconds": 100, "longest_pause_seconds": 900, "address_longest_pause_seconds": 900}
"""Pauses that no machine is too slow to meet."""


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(load(**settings.model_dump() | {"guessing": SLOW}), store)


@pytest.fixture
def anna(full: House) -> UUID:
    return full.person("anna", (Role.VTE_NURSE, "RRV"))


def guesses(full: House, number: int, **fields: str) -> list[httpx.Response]:
    return [send(full.browser(), "/sign-in", WRONG | fields) for _ in range(number)]


def later(admin: psycopg.Connection, seconds: int) -> None:
    admin.execute("update register.guess set last_at = last_at - make_interval(secs => %s)", [seconds])


def test_after_some_wrong_ones_one_waits_longer_each_time_and_never_for_good(
    full: House, anna: UUID, admin: psycopg.Connection
) -> None:
    assert [each.status_code for each in guesses(full, 5)] == [401] * 5
    waits = []
    for _ in range(6):
        [blocked] = guesses(full, 1, password=PASSWORD)
        assert (blocked.status_code, "too many wrong tries" in words_of(blocked)) == (429, True)
        waits.append(int(blocked.headers["retry-after"]))
        later(admin, waits[-1])
        assert [each.status_code for each in guesses(full, 1)] == [401]
    assert [wait for wait, most in zip(waits, (100, 200, 400, 800, 900, 900), strict=True) if wait > most] == []
    assert waits[4] > waits[2] > waits[0]
    later(admin, 900)
    browser = full.browser()
    assert full.signs_in(browser, "anna").status_code == 303, "the right one counts"
    assert [each.status_code for each in guesses(full, 5)] == [401] * 5, "and all begins anew"


def test_a_name_that_nobody_has_waits_alike(full: House, anna: UUID) -> None:
    there, nowhere = (guesses(full, 7, user_name=name) for name in ("anna", "nobody"))
    assert [each.status_code for each in there] == [each.status_code for each in nowhere] == [401] * 5 + [429] * 2
    assert there[-1].text == nowhere[-1].text
    assert full.signs_in(full.browser(), full_name(full)).status_code == 303, "others are not concerned"


def full_name(full: House) -> str:
    full.person("bert")
    return "bert"


def test_a_hundred_at_once_are_no_more_than_one_after_the_other(full: House, anna: UUID) -> None:
    browsers = [full.browser() for _ in range(24)]
    tokens = [token_of(each.get("/sign-in")) for each in browsers]

    def guess(which: int) -> int:
        return browsers[which].post("/sign-in", data=WRONG | {"form_token": tokens[which]}).status_code

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(guess, range(24)))
    assert set(found) <= {401, 429}
    assert found.count(401) == 5


def test_codes_are_guessed_no_faster(full: House, anna: UUID, admin: psycopg.Connection) -> None:
    def half() -> TestClient:
        browser = full.browser()
        send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD})
        return browser

    found = [send(half(), "/second-factor", {"code": "000000"}).status_code for _ in range(5)]
    assert found == [401] * 5, "a right password does not begin the codes anew"
    blocked = send(half(), "/second-factor", {"code": full.code("anna")})
    assert blocked.status_code == 429
    later(admin, int(blocked.headers["retry-after"]))
    assert send(half(), "/second-factor", {"code": full.code("anna")}).status_code == 303


def behind(settings: Settings, store: Store, ids: Any, *proxies: str, **changed: Any) -> House:
    given = {"proxies": proxies, "guessing": SLOW | {"address_tries": 3} | changed}
    return House(load(**settings.model_dump() | given), store, ids)


def test_an_address_waits_too_and_only_our_own_proxy_names_it(
    full: House, settings: Settings, store: Store, anna: UUID, admin: psycopg.Connection
) -> None:
    few = behind(settings, store, full.ids, "10.9.0.0/16")

    def guess(name: str, peer: str, said: str = "") -> int:
        headers = {"Sec-Fetch-Site": "same-origin"} | ({"X-Forwarded-For": said} if said else {})
        browser = TestClient(few.browser().app, base_url=settings.base_url, headers=headers, client=(peer, 50_000))
        return browser.post("/sign-in", data=WRONG | {"user_name": name}).status_code

    assert [guess(f"a{each}", "192.0.2.7") for each in range(4)] == [401, 401, 401, 429]
    assert guess("b", "192.0.2.7", said="192.0.2.8") == 429, "who is no proxy is not believed"
    assert guess("b", "192.0.2.8") == 401
    assert [guess(f"c{each}", "10.9.0.1", said=f"203.0.113.{each}, 198.51.100.4") for each in range(4)] == [
        401,
        401,
        401,
        429,
    ]
    assert guess("d", "10.9.0.1", said="198.51.100.5") == 401
    assert [guess(f"e{each}", f"2001:db8:0:1::{each}") for each in range(4)] == [401, 401, 401, 429], "one network"
    kept = admin.execute("select g::text from register.guess g").fetchall()
    assert not [row for (row,) in kept if "192.0.2" in row or "anna" in row]


def test_a_right_one_is_given_back_to_the_address(full: House, settings: Settings, store: Store, anna: UUID) -> None:
    few = behind(settings, store, full.ids)
    assert [few.signs_in(few.browser(), "anna").status_code for _ in range(4)] == [303] * 4


def test_the_answer_to_a_program_is_a_problem_and_the_figures_stand_in_the_settings(settings: Settings) -> None:
    rules = load(data_dir=settings.data_dir).guessing
    assert (rules.tries, rules.first_pause_seconds, rules.longest_pause_seconds) == (5, 5, 300)
    assert (rules.address_tries, rules.address_longest_pause_seconds) == (100, 30)
