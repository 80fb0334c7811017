"""The page of notices: one's own only, counted in the head, opened, and what comes by e-mail."""

import re
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import NATIONAL_ROLES, OPERATOR, ORGANISATION_ROLES, Role, holders
from registry.accounts import people
from registry.notices.kinds import KINDS
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.web.at_cases import form_in
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import House, house, send, words_of

PAGE, WAYS = "/notices", "/notices/preferences"


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


def notice(
    full: House, admin: psycopg.Connection, person: UUID, kind: str = "attributed", code: str | None = "RRV"
) -> UUID:
    tenant = SYSTEM_TENANT if code is None else full.ids[code]
    row = admin.execute(
        "insert into records.notice (tenant_id, person_id, kind, count, link) values (%s, %s, %s, 3, %s) returning id",
        [tenant, person, kind, f"/trust/{uuid4().hex}"],
    ).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


@pytest.fixture
def nurse(full: House) -> UUID:
    return full.person("nurse", (Role.VTE_NURSE, "RRV"))


def counted(browser: TestClient, page: str = "/account") -> str:
    found = re.search(
        r'account-link" href="/notices"[^>]*>Notices(?: <span class="hat-count">(\S+?)<)?', browser.get(page).text
    )
    assert found
    return found[1] or ""


def test_notices_are_counted_in_the_head_of_every_page(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    browser = full.signed_in(nurse)
    assert counted(browser) == ""
    notice(full, admin, nurse)
    notice(full, admin, nurse)
    for page in ("/account", "/trust", "/trust/worklist", "/trust/cases", "/figures", PAGE):
        assert counted(browser, page) == "2", page


def test_a_notice_is_opened_read_and_leads_on(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    made = notice(full, admin, nurse)
    browser = full.signed_in(nurse)
    page = browser.get(PAGE)
    assert "3 cases that other organisations reported for yours wait for an answer New" in words_of(page)
    action = f"{PAGE}/{made}"
    for _ in range(2):
        assert browser.post(action, data=form_in(page, action)).headers["location"].startswith("/trust/")
    assert counted(browser) == ""
    assert "New" not in words_of(browser.get(PAGE)).partition("Your notices")[2]


def test_all_are_marked_as_read(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    browser = full.signed_in(nurse)
    assert 'action="/notices/read"' not in browser.get(PAGE).text
    for _ in range(3):
        notice(full, admin, nurse)
    other = notice(full, admin, full.person("other", (Role.VTE_NURSE, "RRV")))
    assert send(browser, f"{PAGE}/read", seen=PAGE).headers["location"] == f"{PAGE}?done=read"
    assert counted(browser) == ""
    assert admin.execute("select id from records.notice where read_at is null").fetchall() == [(other,)]


def test_another_s_notice_is_as_if_it_were_not(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    mate = full.person("mate", (Role.VTE_NURSE, "RRV"))
    theirs, absent = notice(full, admin, mate), uuid4()
    browser = full.signed_in(nurse)
    assert "There is nothing to tell you" in words_of(browser.get(PAGE))
    token = form_in(browser.get(WAYS), WAYS)["form_token"]
    answers = [browser.post(f"{PAGE}/{each}", data={"form_token": token}) for each in (theirs, absent)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert admin.execute("select read_at from records.notice").fetchall() == [(None,)]


def test_a_notice_goes_with_the_right_over_its_organisation(full: House, admin: psycopg.Connection) -> None:
    person = full.person("both", (Role.VTE_NURSE, "RRV"), (Role.VTE_NURSE, "RH5"), (Role.TRUST_UPLOADER, "RRV"))
    for code in ("RRV", "RH5"):
        notice(full, admin, person, code=code)
    browser = full.signed_in(person)
    assert counted(browser) == "2"
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        held = next(
            each
            for each in people.person_by_id(connection, person).memberships
            if (each.code, each.role) == ("RRV", Role.VTE_NURSE)
        )
        people.take(connection, person, held.id, by=OPERATOR)
    browser = full.signed_in(person)
    assert counted(browser) == "1"
    assert "University College Trust" not in words_of(browser.get(PAGE))


def test_national_roles_are_told_under_the_registry_s_own(full: House, admin: psycopg.Connection) -> None:
    person = full.person("both", (Role.NATIONAL_LEAD, None), (Role.VTE_NURSE, "RRV"))
    notice(full, admin, person, "released", None)
    notice(full, admin, person, "office_dispute", None)
    notice(full, admin, person)
    browser = full.signed_in(person)
    for page in ("/team", "/trust/worklist", PAGE):
        assert counted(browser, page) == "2", page
    assert "dispute" not in words_of(browser.get(PAGE))


@pytest.mark.parametrize("role", [*ORGANISATION_ROLES, *NATIONAL_ROLES])
def test_each_role_chooses_among_what_it_may_be_told(full: House, role: Role) -> None:
    browser = full.signed_in(full.person("one", (role, "RRV" if role in ORGANISATION_ROLES else None)))
    shown = set(re.findall(r'type="radio" value="\w+"|name="(\w+)" type="radio"', browser.get(WAYS).text)) - {""}
    wanted = {kind.name for kind in KINDS if role in holders(kind.right)}
    assert shown == wanted


def test_what_comes_by_e_mail_is_chosen_and_kept(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    browser = full.signed_in(nurse)
    form = form_in(browser.get(WAYS), WAYS)
    assert (form["attributed"], form["case_overdue"]) == ("at_once", "daily")
    answer = browser.post(WAYS, data=form | {"attributed": "never", "case_overdue": "at_once"})
    assert answer.status_code == 303
    again = form_in(browser.get(WAYS), WAYS)
    assert (again["attributed"], again["case_overdue"]) == ("never", "at_once")
    assert (
        form_in(full.signed_in(full.person("other", (Role.VTE_NURSE, "RRV"))).get(WAYS), WAYS)["attributed"]
        == "at_once"
    )


def test_what_is_no_choice_is_left_as_it_was(full: House, admin: psycopg.Connection, nurse: UUID) -> None:
    browser = full.signed_in(nurse)
    form = form_in(browser.get(WAYS), WAYS)
    odd = {"attributed": "every minute", "no_such_kind": "never", "released": "never", "case_due": ""}
    assert browser.post(WAYS, data={"form_token": form["form_token"], **odd}).status_code == 303
    assert admin.execute("select count(*) from register.notice_preference").fetchone() == (0,)


def test_a_page_of_notices_asks_few_questions_however_many_there_are(
    full: House, admin: psycopg.Connection, nurse: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = full.person("lead", (Role.TRUST_LEAD, "RRV"))
    browsers = [(full.signed_in(nurse), PAGE), (full.signed_in(nurse), WAYS), (full.signed_in(lead), "/trust/users")]
    notice(full, admin, nurse)
    heard = Heard(monkeypatch)
    before = [heard.of(*each) for each in browsers]
    assert max(before) <= 10, before
    for number in range(40):
        notice(full, admin, nurse)
        if number % 10 == 0:
            full.person(f"more.{number}", (Role.VTE_NURSE, "RRV"))
    assert [heard.of(*each) for each in browsers] == before
