"""The second half of signing in: asked of everybody, good once, set up at the first time, proven anew for what is dangerous."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import OPERATOR, ROUTES, Role
from registry.accounts import people, second_factor, sessions
from registry.accounts.second_factor import code_of, step_at
from registry.lessons.keys import own_keys
from registry.settings import Settings, load
from registry.store import SYSTEM_TENANT, Store
from tests.registry.web.visitors import PASSWORD, SECRET, House, house, send, shown_by, token_of, words_of

CODES = re.compile(r"<code[^>]*>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>")


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def anna(full: House) -> UUID:
    return full.person("anna", (Role.VTE_NURSE, "RRV"))


def half(full: House, name: str = "anna") -> TestClient:
    """A browser in which somebody has given the password."""
    browser = full.browser()
    assert send(browser, "/sign-in", {"user_name": name, "password": PASSWORD}).headers["location"] == "/second-factor"
    return browser


def give(browser: TestClient, code: str, page: str = "/second-factor") -> int:
    return browser.post(page, data={"form_token": token_of(browser.get(page)), "code": code}).status_code


def actions(admin: psycopg.Connection) -> list[str]:
    found = admin.execute("select action from records.audit where tenant_id = 0 order by sequence").fetchall()
    return [action for (action,) in found]


def test_with_a_password_alone_nothing_opens(full: House, anna: UUID) -> None:
    browser = half(full)
    cookie = browser.cookies["hat"]
    for path in ("/account", "/trust", "/trust/worklist", "/notices", "/second-factor/again", "/api/me", "/admin"):
        answer = browser.get(path)
        assert answer.status_code == (401 if path.startswith("/api") else 303), path
        assert answer.headers.get("location", "/sign-in").startswith("/sign-in"), path
    assert (
        browser.post("/account/recovery-codes", data={"form_token": token_of(browser.get("/second-factor"))})
        .headers["location"]
        .startswith("/sign-in")
    )
    assert browser.get("/second-factor/set-up").headers["location"].startswith("/sign-in"), "no second app beside one"
    assert browser.cookies["hat"] == cookie
    assert give(browser, full.code("anna")) == 303
    assert browser.get("/account").status_code == 200


def test_a_half_session_is_over_after_ten_minutes_and_at_sign_out(
    full: House, anna: UUID, admin: psycopg.Connection
) -> None:
    browser, other = half(full), half(full)
    other.post("/sign-out", data={"form_token": token_of(other.get("/second-factor"))})
    admin.execute("update register.session set created_at = now() - interval '11 minutes' where ended_at is null")
    for each in (browser, other):
        assert each.get("/second-factor").headers["location"] == "/sign-in"
        assert each.post("/second-factor", data={"code": full.code("anna")}).status_code in (303, 403)
        assert each.get("/account").status_code == 303


@pytest.mark.parametrize("typed", ["000000", "12345", "abcdef", "１２３４５６", "aaaa-aaaa-aaaa-aaaa", "x" * 500, ""])
def test_what_is_no_code_is_refused_on_the_form(full: House, anna: UUID, typed: str) -> None:
    browser = half(full)
    page = browser.get("/second-factor")
    answer = browser.post("/second-factor", data={"form_token": token_of(page), "code": typed})
    assert answer.status_code == 401
    assert 'href="#code"' in answer.text
    assert not typed or typed not in answer.text
    assert browser.get("/account").status_code == 303


def test_a_code_is_good_once_and_one_step_around_now(full: House, anna: UUID) -> None:
    now = step_at(datetime.now(UTC))
    full.code("anna")
    assert give(half(full), code_of(SECRET, now - 2)) == 401, "a minute old"
    assert give(half(full), code_of(SECRET, now)) == 303
    assert give(half(full), code_of(SECRET, now)) == 401, "a second time"
    assert give(half(full), code_of(SECRET, now - 1)) == 401, "older than one that was used"
    assert give(half(full), f" {code_of(SECRET, now + 1)[:3]} {code_of(SECRET, now + 1)[3:]} ") == 303, "a fast clock"


def test_of_two_who_use_a_code_at_once_one_is_refused(full: House, anna: UUID) -> None:
    at = datetime.now(UTC)
    code = full.code("anna")
    with full.store.transaction() as connection:
        keys = own_keys(connection, full.secrets)

    def use(_: int) -> bool:
        with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            return second_factor.accept(connection, keys, anna, code, at) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [False] * 7 + [True]


def test_everybody_sets_up_an_app_at_the_first_sign_in(full: House, anna: UUID, admin: psycopg.Connection) -> None:
    admin.execute("delete from register.second_factor")
    browser, other = half(full), half(full)
    assert browser.get("/second-factor?next=/account").headers["location"] == "/second-factor/set-up?next=/account"
    page = browser.get("/second-factor/set-up")
    assert '<svg role="img"' in page.text
    assert page.headers["cache-control"] == "no-store"
    secret = secret_in(page.text)
    assert secret_in(browser.get("/second-factor/set-up").text) == secret, "a reload changes nothing"
    assert secret_in(other.get("/second-factor/set-up").text) != secret, "what one browser saw is not another's"
    assert browser.get("/account").status_code == 303
    assert give(browser, "000000", "/second-factor/set-up") == 422
    code = shown_by(secret)
    done = send(browser, "/second-factor/set-up", {"code": code})
    codes = CODES.findall(done.text)
    assert (done.status_code, len(set(codes))) == (200, 10)
    assert browser.get("/account").status_code == 200
    assert "Unused recovery codes: 10" in words_of(browser.get("/account"))
    assert other.get("/second-factor/set-up").headers["location"].startswith("/sign-in"), "the first app stands"
    held = admin.execute("select s::text, r::text from register.second_factor s, register.recovery_code r").fetchall()
    assert not [
        row for row in held if any(code in "".join(row) for code in (secret, codes[0], codes[0].replace("-", "")))
    ]
    assert actions(admin)[-2:] == ["second factor set up", "signed in"]
    assert give(half(full), code) == 401, "the code that set it up is used"


def secret_in(page: str) -> str:
    [found] = re.findall(r'id="secret">([A-Z2-7 ]+)<', page)
    return str(found).replace(" ", "")


def test_a_recovery_code_is_good_once_and_new_ones_end_the_old(full: House, anna: UUID) -> None:
    browser = full.signed_in(anna)
    made = send(browser, "/account/recovery-codes", seen="/account")
    codes = CODES.findall(made.text)
    assert give(half(full), codes[0].upper().replace("-", " ")) == 303
    assert give(half(full), codes[0]) == 401
    assert "Unused recovery codes: 9" in words_of(browser.get("/account"))
    send(browser, "/account/recovery-codes", seen="/account")
    assert give(half(full), codes[1]) == 401
    bert = full.person("bert", (Role.VTE_NURSE, "RRV"))
    theirs = CODES.findall(send(full.signed_in(bert), "/account/recovery-codes", seen="/account").text)
    assert give(half(full), theirs[0]) == 401, "another's"


def test_another_app_takes_the_place_of_the_first(full: House, anna: UUID) -> None:
    browser = full.signed_in(anna)
    secret = secret_in(browser.get("/second-factor/set-up").text)
    old = browser.cookies["hat"]
    assert "Keep your recovery codes" in words_of(send(browser, "/second-factor/set-up", {"code": shown_by(secret)}))
    assert browser.cookies["hat"] != old
    assert give(half(full), shown_by(SECRET)) == 401
    assert give(half(full), full.code("anna")) == 303
    full.long_ago()
    assert browser.get("/second-factor/set-up").headers["location"].startswith("/second-factor/again")


# --- reset


def test_an_administrator_takes_it_away(full: House, anna: UUID, admin: psycopg.Connection) -> None:
    chief, browser = full.administrator(), full.signed_in(anna)
    page = f"/admin/people/{anna}"
    answer = send(chief, f"{page}/second-factor/reset", seen=page)
    assert "The second factor was taken away" in words_of(chief.get(answer.headers["location"]))
    assert browser.get("/account").status_code == 303
    assert actions(admin)[-1] == "second factor reset"
    again = half(full)
    shown = words_of(again.get("/second-factor/set-up"))
    assert "Your second factor was taken away" in shown
    own = admin.execute("select id from register.person where user_name = 'chief'").fetchone()
    assert own
    assert send(chief, f"/admin/people/{own[0]}/second-factor/reset", seen=page).status_code == 409
    assert send(chief, f"{page}/second-factor/reset", seen=page).status_code == 404, "there is none any more"


def test_a_lead_takes_it_away_of_somebody_who_acts_for_nobody_else(full: House) -> None:
    lead = full.signed_in(full.person("lead", (Role.TRUST_LEAD, "RRV")))
    nurse = full.person("nurse", (Role.VTE_NURSE, "RRV"))
    both = full.person("both", (Role.VTE_NURSE, "RRV"), (Role.VTE_NURSE, "RH5"))
    analyst = full.person("analyst", (Role.VTE_NURSE, "RRV"), (Role.NATIONAL_ANALYST, None))
    theirs = full.person("theirs", (Role.VTE_NURSE, "RH5"))

    def reset(person: UUID, code: str = "") -> int:
        page = f"/trust/users/{nurse}"
        fields = {"organisation": "RRV", "code": code}
        return send(lead, f"/trust/users/{person}/second-factor/reset", fields, seen=page).status_code

    assert [reset(each) for each in (both, analyst, theirs)] == [409, 409, 404]
    full.long_ago()
    assert reset(nurse) == 422, "a fresh code is asked for"
    assert reset(nurse, full.code("lead")) == 303
    assert half(full, "nurse").get("/second-factor").headers["location"] == "/second-factor/set-up"


# --- proven anew


def test_what_is_dangerous_asks_for_a_fresh_code_and_gives_a_new_id(full: House, admin: psycopg.Connection) -> None:
    chief = full.administrator()
    form = chief.get("/admin/people/new")
    full.long_ago()
    assert chief.get("/admin/people").status_code == 200, "looking is not asked for"
    given = {"form_token": token_of(form), "user_name": "new.person", "display_name": "New", "role": "moderator"}
    asked = chief.post(
        "/admin/people/new", data=given, headers={"Referer": f"{full.settings.base_url}/admin/people/new"}
    )
    assert asked.headers["location"] == "/second-factor/again?next=/admin/people/new"
    assert admin.execute("select 1 from register.person where user_name = 'new.person'").fetchone() is None
    elsewhere = chief.post("/admin/people/new", data=given, headers={"Referer": "https://evil.example/x"})
    assert elsewhere.headers["location"] == "/second-factor/again?next=/"
    page = chief.get(asked.headers["location"])
    assert "Confirm that it is you" in words_of(page)
    wrong = chief.post("/second-factor/again", data={"form_token": token_of(page), "code": "000000"})
    assert wrong.status_code == 422
    old = chief.cookies["hat"]
    right = {"form_token": token_of(page), "code": full.code("chief"), "next": "/admin/people/new"}
    assert chief.post("/second-factor/again", data=right).headers["location"] == "/admin/people/new"
    assert chief.cookies["hat"] != old
    assert actions(admin)[-2:] == ["second factor refused", "second factor confirmed"]
    given["form_token"] = token_of(chief.get("/admin/people/new"))
    assert chief.post("/admin/people/new", data=given).status_code == 303
    chief.cookies.set("hat", old, domain="127.0.0.1", path="/")
    assert chief.get("/account").status_code == 303, "the old id is over"


def test_a_new_id_does_not_lengthen_the_twelve_hours(full: House, anna: UUID, admin: psycopg.Connection) -> None:
    browser = full.signed_in(anna)
    admin.execute("update register.session set created_at = now() - interval '11 hours 59 minutes'")
    full.long_ago()
    assert give(browser, full.code("anna"), "/second-factor/again") == 303
    admin.execute("update register.session set created_at = created_at - interval '2 minutes'")
    assert browser.get("/account").status_code == 303


def test_every_page_that_shows_or_moves_what_is_protected_asks(full: House) -> None:
    """From the table of routes: whatever manages people, tokens and clients, and each named here, is not done with an old code."""
    roles = [(Role.ADMINISTRATOR, None), (Role.TRUST_LEAD, "RRV"), (Role.REGISTRY_OFFICE, None)]
    browser = full.signed_in(full.person("everything", *roles))
    token = token_of(browser.get("/account"))
    full.long_ago()
    absent = UUID(int=7)
    posts = [
        "/admin/people/new", f"/admin/people/{absent}/roles", f"/admin/people/{absent}/roles/{absent}/end",
        f"/admin/people/{absent}/disable", f"/admin/people/{absent}/enable", f"/admin/people/{absent}/link",
        f"/admin/people/{absent}/second-factor/reset", "/admin/tokens", f"/admin/tokens/{absent}/revoke", "/admin/clients",
        f"/admin/clients/{absent}/keys", f"/admin/clients/{absent}/disable", f"/trust/cases/{absent}/show",
        f"/trust/attributed/{absent}/show", "/account/recovery-codes",
    ]  # fmt: skip
    for path in posts:
        answer = browser.post(path, data={"form_token": token})
        assert answer.headers.get("location", "").startswith("/second-factor/again"), path
    for path in (f"/trust/submissions/{absent}/annotated.xlsx", f"/trust/submissions/{absent}/failed-rows.csv"):
        answer = browser.get(path, headers={"Referer": f"{full.settings.base_url}/trust/submissions/{absent}"})
        assert answer.headers["location"] == f"/second-factor/again?next=/trust/submissions/{absent}"
    answer = browser.get(f"/api/submissions/{absent}/annotated.xlsx?organisation=RRV")
    assert answer.status_code == 403
    assert ROUTES["second_factor.ask_again"] is not None


def test_with_a_role_goes_another_session(full: House, anna: UUID) -> None:
    browser, old = full.signed_in(anna), full.signed_in(anna)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.grant(connection, anna, Role.VTE_NURSE, full.ids["RRV"], by=OPERATOR)
    assert browser.get("/account").status_code == 200, "it was held already"
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.grant(connection, anna, Role.TRUST_LEAD, full.ids["RRV"], by=OPERATOR)
    assert [each.get("/account").status_code for each in (browser, old)] == [303, 303]


def test_all_other_sessions_end_at_once(full: House, anna: UUID) -> None:
    here, there = full.signed_in(anna), full.signed_in(anna)
    other = full.signed_in(full.person("bert", (Role.VTE_NURSE, "RRV")))
    assert send(here, "/account/sessions/end-others", seen="/account").status_code == 303
    assert [each.get("/account").status_code for each in (here, there, other)] == [200, 303, 200]
    assert "End all other sessions" not in here.get("/account").text


def test_a_session_holds_thirty_minutes_and_twelve_hours_by_the_settings(settings: Settings) -> None:
    plain = load(data_dir=settings.data_dir)
    assert (plain.session_idle_minutes, plain.session_hours, plain.step_up_minutes) == (30, 12, 10)
    assert sessions.Limits(timedelta(minutes=30), timedelta(hours=12)).fresh == timedelta(minutes=10)
