import logging
import re
from uuid import UUID

import psycopg
import pytest

from registry.access import OPERATOR, Role
from registry.accounts import people, secret_digest, tokens
from registry.settings import Settings, load
from registry.store import SYSTEM_TENANT, Store
from registry.web.landing import ours
from tests.registry.web.visitors import PASSWORD, SECRET, House, house, send, token_of, words_of

NEW = "marmalade under seven bridges"


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def anna(full: House) -> UUID:
    return full.person("anna", (Role.VTE_NURSE, "RRV"))


def test_one_signs_in_looks_around_and_signs_out(full: House, anna: UUID) -> None:
    browser = full.browser()
    answer = full.signs_in(browser, "ANNA", going_to="/account")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("hat=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=lax"}
    page = browser.get("/account")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "VTE nurse, University College Trust (RRV)" in words_of(page)
    old = browser.cookies["hat"]
    answer = browser.post("/sign-out", data={"form_token": token_of(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "hat" not in browser.cookies
    browser.cookies.set("hat", old, domain="127.0.0.1", path="/")
    assert browser.get("/account").headers["location"] == "/sign-in?next=/account", (
        "the session ended, not the cookie alone"
    )


def test_over_https_the_cookie_is_bound_to_the_host(settings: Settings, store: Store, full: House, anna: UUID) -> None:
    secure = load(**settings.model_dump() | {"base_url": "https://hat.example"})
    browser = House(secure, store, full.ids).browser()
    half = send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD})
    code = {"form_token": token_of(browser.get("/second-factor")), "code": full.code("anna")}
    for answer in (half, browser.post("/second-factor", data=code)):
        assert answer.status_code == 303
        first, *rest = answer.headers["set-cookie"].split(";")
        assert first.startswith("__Host-hat=")
        assert {part.strip().lower() for part in rest} == {"httponly", "path=/", "samesite=lax", "secure"}


@pytest.mark.parametrize(
    ("user_name", "password"),
    [("anna", "wrong words altogether"), ("nobody", PASSWORD), ("anna", PASSWORD + " ")],
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(
    full: House, anna: UUID, user_name: str, password: str
) -> None:
    known = send(full.browser(), "/sign-in", {"user_name": "anna", "password": "other words again"})
    answer = send(full.browser(), "/sign-in", {"user_name": user_name, "password": password})
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert answer.text.replace(f'value="{user_name}"', "") == known.text.replace('value="anna"', "")
    assert "Error: Sign in" in answer.text
    assert 'href="#user_name"' in answer.text
    assert password not in answer.text


@pytest.mark.parametrize("user_name", ["anna", "nobody"])
def test_what_is_left_empty_is_asked_for_whether_there_is_such_a_name_or_not(
    full: House, anna: UUID, user_name: str
) -> None:
    answer = send(full.browser(), "/sign-in", {"user_name": user_name, "password": ""})
    assert answer.status_code == 422
    assert 'href="#password"' in answer.text
    assert "Enter your password" in answer.text
    assert f'value="{user_name}"' in answer.text
    assert "Enter your user name" in send(full.browser(), "/sign-in", {"user_name": "", "password": ""}).text


def test_a_disabled_person_is_refused_like_an_unknown_one_and_loses_the_session_at_once(
    full: House, anna: UUID
) -> None:
    browser = full.signed_in(anna)
    assert browser.get("/account").status_code == 200
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, anna, by=OPERATOR)
    assert browser.get("/account").headers["location"] == "/sign-in?next=/account"
    assert send(full.browser(), "/sign-in", {"user_name": "anna", "password": PASSWORD}).status_code == 401


def test_signing_in_again_gives_a_new_id_and_ends_the_old(full: House, anna: UUID, admin: psycopg.Connection) -> None:
    browser = full.signed_in(anna)
    old = browser.cookies["hat"]
    assert send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD}).status_code == 303
    half = browser.cookies["hat"]
    code = {"form_token": token_of(browser.get("/second-factor")), "code": full.code("anna")}
    assert browser.post("/second-factor", data=code).status_code == 303
    new = browser.cookies["hat"]
    assert len({old, half, new}) == 3
    alive = admin.execute("select id_digest from register.session where ended_at is null").fetchall()
    assert alive == [(secret_digest(new),)]


def test_an_id_that_was_planted_is_never_taken_over(full: House, anna: UUID) -> None:
    browser = full.browser()
    browser.cookies.set("hat", "planted-by-somebody-else-0123456789012345678", domain="127.0.0.1", path="/")
    assert send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD}).status_code == 303
    assert not browser.cookies["hat"].startswith("planted")


@pytest.mark.parametrize(("column", "ago"), [("last_seen_at", "31 minutes"), ("created_at", "12 hours 1 minute")])
def test_a_session_that_is_over_leads_to_sign_in(
    full: House, anna: UUID, admin: psycopg.Connection, column: str, ago: str
) -> None:
    browser = full.signed_in(anna)
    admin.execute(f"update register.session set {column} = now() - interval '{ago}'")
    assert browser.get("/account").status_code == 303
    admin.execute(f"update register.session set {column} = now()")
    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\\b", "javascript:alert(1)", ""],
)
def test_one_goes_on_to_our_own_addresses_only(full: House, anna: UUID, address: str) -> None:
    assert ours(address) == ""
    browser = full.browser()
    answer = send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD, "next": address})
    assert answer.headers["location"] == "/second-factor"
    code = {"form_token": token_of(browser.get("/second-factor")), "code": full.code("anna"), "next": address}
    assert browser.post("/second-factor", data=code).headers["location"] == "/trust"


def test_the_address_one_came_from_is_gone_on_to(full: House, anna: UUID) -> None:
    browser = full.browser()
    asked = browser.get("/account").headers["location"]
    page = browser.get(asked)
    assert 'name="next" value="/account"' in page.text


def test_a_form_from_another_site_is_refused(full: House, anna: UUID) -> None:
    browser = full.signed_in(anna)
    token = token_of(browser.get("/account"))
    from_elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert browser.post("/sign-out", data={"form_token": token}, headers=from_elsewhere).status_code == 403
    assert browser.post("/sign-out", data={"form_token": ""}).status_code == 403
    assert browser.post("/sign-out", data={"form_token": token[:-1] + "A"}).status_code == 403
    assert browser.get("/account").status_code == 200
    other = full.browser().post("/sign-in", data={"user_name": "anna", "password": PASSWORD}, headers=from_elsewhere)
    assert other.status_code == 403, "nobody is signed in to another's account by a page elsewhere"


def test_one_ends_another_of_ones_own_sessions(full: House, anna: UUID) -> None:
    here, there = full.signed_in(anna), full.signed_in(anna)
    page = here.get("/account")
    [path] = re.findall(r'action="(/account/sessions/[0-9a-f]+/end)"', page.text)
    assert here.post(path, data={"form_token": token_of(page)}).status_code == 303
    assert there.get("/account").status_code == 303
    assert here.post(path, data={"form_token": token_of(page)}).status_code == 404


# --- the link


def test_a_link_sets_a_password_once(full: House, anna: UUID) -> None:
    browser, link = full.browser(), full.link(anna)
    other = full.signed_in(anna)
    assert "anna" in words_of(browser.get(link))
    answer = send(browser, link, {"password": NEW, "again": NEW})
    assert answer.headers["location"] == "/sign-in?done=password"
    assert "Your password is set" in words_of(browser.get(answer.headers["location"]))
    assert other.get("/account").status_code == 303, "sessions end with the old password"
    assert send(browser, "/sign-in", {"user_name": "anna", "password": PASSWORD}).status_code == 401
    assert send(browser, "/sign-in", {"user_name": "anna", "password": NEW}).status_code == 303
    assert send(full.browser(), link, {"password": NEW, "again": NEW}).status_code == 410


def test_used_and_unknown_links_look_the_same(full: House, anna: UUID) -> None:
    link = full.link(anna)
    send(full.browser(), link, {"password": NEW, "again": NEW})
    used, unknown = full.browser().get(link), full.browser().get("/set-password/unknown")
    assert used.status_code == unknown.status_code == 410
    assert used.content == unknown.content
    assert "Ask your administrator for a new one" in words_of(used)


def test_all_faults_of_a_new_password_at_once_and_the_link_still_works(full: House, anna: UUID) -> None:
    browser, link = full.browser(), full.link(anna)
    answer = send(browser, link, {"password": "tooshort", "again": "other"})
    assert answer.status_code == 422
    assert re.findall(r'<a href="#(\w+)"', answer.text) == ["password", "again"]
    assert "tooshort" not in answer.text
    assert send(browser, link, {"password": NEW, "again": NEW}).status_code == 303


# --- hidden is absent


def test_what_one_may_not_see_is_as_what_is_not_there(full: House, anna: UUID) -> None:
    browser = full.signed_in(anna)
    hidden, absent = browser.get(f"/admin/people/{anna}"), browser.get(f"/admin/people/{UUID(int=9)}")
    nowhere = browser.get("/admin/nowhere")
    assert hidden.status_code == absent.status_code == nowhere.status_code == 404
    assert hidden.content == absent.content == nowhere.content == browser.get("/nothing-at-all").content
    assert {k: v for k, v in hidden.headers.items() if k != "x-request-id"} == {
        k: v for k, v in absent.headers.items() if k != "x-request-id"
    }
    assert "Anna" in hidden.text, "the frame says who is signed in, both times"


def test_a_stranger_cannot_tell_what_there_is(full: House, anna: UUID) -> None:
    stranger = full.browser()
    for path in (f"/admin/people/{anna}", "/admin/people/x", "/admin", "/admin/", "/admin/nowhere", "/account"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
    assert stranger.get("/public-nowhere").status_code == 404
    assert stranger.post("/admin/nowhere").headers["location"] == "/sign-in"


# --- tokens


def token(full: House, made_by: UUID, role: Role = Role.TRUST_UPLOADER) -> str:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return tokens.make(
            connection, name="A program", role=role, organisations=[full.ids["RRV"]], by=OPERATOR, made_by=made_by
        )


def test_a_token_opens_the_interface_and_no_page(full: House, anna: UUID) -> None:
    program = full.browser()
    headers = {"Authorization": f"Bearer {token(full, anna)}"}
    assert program.get("/api/nowhere", headers=headers).status_code == 404
    assert program.get("/account", headers=headers).status_code == 303


@pytest.mark.parametrize("given", ["Bearer hat_no", "Bearer", "Basic YTpi", "bearer  ", "hat_no"])
def test_a_token_that_is_none_is_refused_and_never_falls_back_to_a_cookie(full: House, anna: UUID, given: str) -> None:
    answer = full.signed_in(anna).get("/api/nowhere", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/not-signed-in"


def test_no_secret_is_logged(full: House, anna: UUID, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser, link, secret = full.browser(), full.link(anna), token(full, anna)
    full.signs_in(browser, "anna")
    browser.get("/api/nowhere", headers={"Authorization": f"Bearer {secret}"})
    ours_only = [record.getMessage() for record in caplog.records if not record.name.startswith("httpx")]
    written = " ".join(ours_only)
    for one in (PASSWORD, SECRET, secret, browser.cookies["hat"], link.rsplit("/", 1)[1]):
        assert one not in written
