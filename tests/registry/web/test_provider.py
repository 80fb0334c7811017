"""Signing in by another service's word, against a real one on loopback: what is believed, and every way in which it may not be."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from joserfc.jwk import ECKey, RSAKey
from starlette.testclient import TestClient

from registry.access import OPERATOR, Role
from registry.accounts import identities, people
from registry.accounts.provider import Identity
from registry.settings import Settings, load
from registry.store import SYSTEM_TENANT, Store
from tests.registry.accounts.provider import CLIENT, SECRET, STRONG, Provider, running
from tests.registry.make import with_secret
from tests.registry.web.visitors import House, house, send, token_of, words_of

LEAVE, BACK = "/sign-in/provider", "/sign-in/provider/back"
SUBJECT = "910000000001"


@pytest.fixture(scope="module")
def there() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(there: Provider) -> Provider:
    """Honest again."""
    for held in (there.claims, there.header, there.described, there.shown, there.asked, there.codes):
        held.clear()
    there.algorithm, there.key = "RS256", RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    return there


@pytest.fixture
def full(settings: Settings, store: Store, provider: Provider, tmp_path: Path) -> House:
    knowing = with_secret(settings, tmp_path / "secrets", "provider.secret", SECRET)
    rules = {"name": "Care Identity", "issuer": provider.issuer, "client_id": CLIENT, "acr": [STRONG, "AAL2_ANY"]}
    return house(load(**knowing.model_dump() | {"provider": rules}), store)


@pytest.fixture
def anna(full: House, provider: Provider) -> UUID:
    made = full.person("anna", (Role.VTE_NURSE, "RRV"))
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        identities.link(connection, Identity(provider.issuer, SUBJECT), made, by=OPERATOR)
    return made


def left(browser: TestClient, address: str = LEAVE) -> str:
    """Where the browser is sent."""
    answer = browser.get(address)
    assert answer.status_code == 303, words_of(answer)
    return str(answer.headers["location"])


def come(full: House, provider: Provider, subject: str = SUBJECT, **changed: str) -> tuple[TestClient, httpx.Response]:
    """A browser that went there and came back; what it brings may be `changed`."""
    browser = full.browser()
    brought = provider.authorise(left(browser), subject) | changed
    return browser, browser.get(BACK, params=brought)


def refused_for(admin: psycopg.Connection) -> list[str]:
    found = admin.execute(
        "select detail->>'fault' from records.audit where action = 'sign-in refused' order by sequence"
    )
    return [fault for (fault,) in found.fetchall()]


def test_a_strong_sign_in_there_is_one_here_without_a_code(full: House, anna: UUID, provider: Provider) -> None:
    browser = full.browser()
    page = browser.get("/sign-in?next=/account")
    assert "Sign in with Care Identity" in words_of(page)
    [link] = re.findall(r'href="(/sign-in/provider[^"]*)"', page.text)
    address = left(browser, link)
    assert f"acr_values={STRONG}+AAL2_ANY" in address.replace("%20", "+")
    answer = browser.get(BACK, params=provider.authorise(address, SUBJECT) | {"iss": provider.issuer})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    cookies = answer.headers.get_list("set-cookie")
    assert any(each.startswith("hat=") and "HttpOnly" in each for each in cookies)
    assert any(each.startswith("hat-flow=") and "Max-Age=0" in each for each in cookies)
    assert "VTE nurse" in words_of(browser.get("/account"))
    assert sorted(set(provider.asked)) == ["/.well-known/openid-configuration", "/keys", "/token"]


def test_without_a_provider_there_is_no_button_and_no_address(settings: Settings, store: Store) -> None:
    plain = house(settings, store)
    assert "/sign-in/provider" not in plain.browser().get("/sign-in").text
    assert [plain.browser().get(path).status_code for path in (LEAVE, BACK)] == [404, 404]
    chief = plain.administrator()
    assert "/identities" not in chief.get(f"/admin/people/{plain.person('anna')}").text


OTHER = RSAKey.generate_key(2048, {"kid": "one"})
NOW = int(datetime.now(UTC).timestamp())


BROKEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"iss": "https://another.example"}, {}, "issuer"),
    ({"iss": None}, {}, "issuer"),
    ({"aud": "another client"}, {}, "audience"),
    ({"aud": [CLIENT, "another client"]}, {}, "audience"),
    ({"azp": "another client"}, {}, "audience"),
    ({"nonce": "another"}, {}, "nonce"),
    ({"nonce": None}, {}, "nonce"),
    ({"exp": NOW - 3600}, {}, "time"),
    ({"exp": None}, {}, "time"),
    ({"exp": "later"}, {}, "time"),
    ({"iat": NOW - 3600}, {}, "time"),
    ({"iat": NOW + 3600}, {}, "time"),
    ({"iat": True}, {}, "time"),
    ({"acr": "AAL1_USERPASS"}, {}, "strength"),
    ({"acr": None}, {}, "strength"),
    ({"acr": [STRONG]}, {}, "strength"),
    ({"sub": None}, {}, "subject"),
    ({"sub": ""}, {}, "subject"),
    ({"sub": 910000000001}, {}, "subject"),
    ({}, {"alg": "none"}, "algorithm"),
    ({}, {"kid": "another"}, "key"),
]


def test_a_token_that_breaks_one_rule_lets_nobody_in(
    full: House, anna: UUID, provider: Provider, admin: psycopg.Connection
) -> None:
    for claims, header, fault in BROKEN:
        provider.claims, provider.header = dict(claims), dict(header)
        browser, answer = come(full, provider)
        assert answer.status_code == (403 if fault == "strength" else 401), (claims, header)
        assert "hat" not in browser.cookies
        assert browser.get("/account").status_code == 303
    assert refused_for(admin) == [fault for _, _, fault in BROKEN]


def test_a_token_signed_by_another_or_with_what_everybody_knows_lets_nobody_in(
    full: House, anna: UUID, provider: Provider, admin: psycopg.Connection
) -> None:
    provider.shown = [provider.key]
    own, provider.key = provider.key, OTHER
    assert come(full, provider)[1].status_code == 401
    provider.key, provider.algorithm = own, "HS256"
    assert come(full, provider)[1].status_code == 401
    provider.key, provider.algorithm = ECKey.generate_key("P-256", {"kid": "one"}), "ES256"
    assert come(full, provider)[1].status_code == 401, "a key of another kind under that name"
    assert refused_for(admin) == ["signature", "algorithm", "key"]


def test_keys_are_fetched_anew_for_one_that_is_not_known(full: House, anna: UUID, provider: Provider) -> None:
    first, second = provider.key, ECKey.generate_key("P-256", {"kid": "two"})
    provider.shown = [first, second]
    assert come(full, provider)[1].status_code == 303
    provider.key, provider.algorithm = second, "ES256"
    assert come(full, provider)[1].status_code == 303


def test_a_code_and_a_state_are_good_once_and_for_the_browser_that_asked(
    full: House, anna: UUID, provider: Provider
) -> None:
    browser = full.browser()
    brought = provider.authorise(left(browser), SUBJECT)
    assert full.browser().get(BACK, params=brought).status_code == 401, "another browser"
    stranger = full.browser()
    theirs = provider.authorise(left(stranger), SUBJECT)
    assert browser.get(BACK, params=theirs).status_code == 401, "another's state: nobody is signed in as somebody else"
    cookie = browser.cookies["hat-flow"]
    assert browser.get(BACK, params=brought).status_code == 303
    again = full.browser()
    again.cookies.set("hat-flow", cookie, domain="127.0.0.1", path="/")
    assert again.get(BACK, params=brought).status_code == 401, "a second time"
    assert come(full, provider, code="made up")[1].status_code == 401
    assert come(full, provider, iss="https://another.example")[1].status_code == 401
    assert full.browser().get(BACK).status_code == 401


def test_a_subject_belongs_to_its_issuer(full: House, provider: Provider, admin: psycopg.Connection) -> None:
    bert = full.person("bert", (Role.VTE_NURSE, "RRV"))
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        identities.link(connection, Identity("https://another.example", SUBJECT), bert, by=OPERATOR)
    answer = come(full, provider)[1]
    assert (answer.status_code, refused_for(admin)) == (403, ["no account"])
    assert "no account here is linked to you" in words_of(answer)


def test_nobody_comes_in_who_is_disabled_or_only_has_the_same_address(
    full: House, anna: UUID, provider: Provider
) -> None:
    provider.claims["email"] = "anna"
    assert come(full, provider, "somebody else")[1].status_code == 403
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, anna, by=OPERATOR)
    assert come(full, provider)[1].status_code == 403


def test_nothing_is_fetched_or_sent_but_below_the_issuer(full: House, provider: Provider) -> None:
    for name in ("token_endpoint", "jwks_uri", "authorization_endpoint", "issuer"):
        provider.described = {name: "http://127.0.0.1:9/elsewhere"}
        assert full.browser().get(LEAVE).status_code == 503
    assert "/keys" not in provider.asked


def test_what_is_dangerous_asks_there_again(full: House, anna: UUID, provider: Provider) -> None:
    browser, _ = come(full, provider)
    page = browser.get("/account")
    full.long_ago()
    asked = browser.post("/account/recovery-codes", data={"form_token": token_of(page)})
    assert asked.headers["location"].startswith("/second-factor/again")
    again = browser.get(asked.headers["location"])
    assert "Confirm with Care Identity" in words_of(again)
    [link] = re.findall(r'href="(/sign-in/provider[^"]*)"', again.text)
    address = left(browser, link.replace("&amp;", "&"))
    assert "prompt=login" in address
    assert "max_age=0" in address
    old, provider.claims["auth_time"] = browser.cookies["hat"], NOW - 7200
    assert browser.get(BACK, params=provider.authorise(address, SUBJECT)).status_code == 401, "not signed in anew"
    provider.claims.clear()
    other = provider.authorise(left(browser, f"{LEAVE}?again=true"), "somebody else")
    assert browser.get(BACK, params=other).status_code == 403, "as somebody else"
    brought = provider.authorise(left(browser, f"{LEAVE}?again=true&next=/account"), SUBJECT)
    assert browser.get(BACK, params=brought).headers["location"] == "/account"
    assert browser.cookies["hat"] != old
    assert browser.get("/second-factor/set-up").status_code == 200, "it is fresh now"


def test_an_administrator_links_and_ends_it(full: House, provider: Provider) -> None:
    bert, chief = full.person("bert", (Role.VTE_NURSE, "RRV")), full.administrator()
    page = f"/admin/people/{bert}"
    assert send(chief, f"{page}/identities", {"subject": SUBJECT}, seen=page).status_code == 303
    assert SUBJECT in words_of(chief.get(page))
    assert send(chief, f"{page}/identities", {"subject": SUBJECT}, seen=page).status_code == 409
    assert send(chief, f"{page}/identities", {"subject": ""}, seen=page).status_code == 422
    browser, answer = come(full, provider)
    assert answer.status_code == 303
    [end] = re.findall(r'action="([^"]*/identities/[^"]*/end)"', chief.get(page).text)
    assert send(chief, end, seen=page).status_code == 303
    assert browser.get("/account").status_code == 303, "sessions end with it"
    assert come(full, provider)[1].status_code == 403
    own = people_id(full, "chief")
    assert send(chief, f"/admin/people/{own}/identities", {"subject": "1"}, seen=page).status_code == 409


def people_id(full: House, name: str) -> UUID:
    with full.store.readonly() as connection:
        return people.person_by_name(connection, name).id


@pytest.mark.parametrize(
    "rules",
    [
        {"issuer": "http://idp.example", "client_id": "x", "acr": ["y"]},
        {"issuer": "https://idp.example", "acr": ["y"]},
        {"issuer": "https://idp.example", "client_id": "x"},
    ],
)
def test_a_provider_is_told_whole_or_not_at_all(settings: Settings, rules: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="PROVIDER"):
        load(**settings.model_dump() | {"provider": rules})
