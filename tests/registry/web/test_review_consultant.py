"""A consultant answers for one case: by a one-time link without an account, or with an account for the cases sent to their address."""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import OPERATOR, Role
from registry.accounts import people
from registry.cases.consultant import MOST_TRIES
from registry.cases.number import case_number
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.cases.make import actions as audited
from tests.registry.cases.make import chain_holds
from tests.registry.web.reviewing import (
    CARE,
    FINDINGS,
    Team,
    again,
    all_in,
    errors,
    form_of,
    hidden,
    href,
    send,
    team,
    value_of,
)
from tests.registry.web.visitors import words_of

ADDRESS = "a.consultant@trust.example"
ANSWER = {name: value for name, value in FINDINGS.items() if name != "judged_by"}


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Team:
    made = team(settings, store, admin)
    made.allow()
    return made


@dataclass(frozen=True)
class Asked:
    """A case that was put before a consultant: the path of the link, and its code."""

    case: UUID
    path: str
    code: str


def ask(here: Team, name: str = "CASE-A", address: str = ADDRESS) -> Asked:
    case = here.case(name=name)
    send(here.nurse, href(case), {"response_type": "mdt"}, action=f"{href(case)}/begin")
    send(here.nurse, f"{href(case)}/care", {**CARE, "dose": "40 mg in ward 9"})
    before = len(here.letters())
    page = send(here.nurse, href(case), {"address": address}, action=f"{href(case)}/consultant")
    assert page.status_code == 200, words_of(page)
    code = re.search(r"\d{4} \d{4}", words_of(page))
    letters = here.letters()
    assert code is not None
    assert len(letters) == before + 1
    link = re.search(r"/answer/RRV/[A-Za-z0-9_-]{43}", letters[-1])
    assert link is not None
    return Asked(case, link[0], code[0])


def enter(browser: TestClient, asked: Asked, code: str | None = None) -> httpx.Response:
    return browser.post(f"{asked.path}/code", data={"code": asked.code if code is None else code})


def inside(here: Team, asked: Asked) -> TestClient:
    """A browser of nobody's in which the link was opened."""
    browser = here.house.browser()
    answer = enter(browser, asked)
    assert (answer.status_code, answer.headers["location"]) == (303, asked.path), words_of(answer)
    return browser


def wrong(code: str) -> str:
    return f"{(int(code.replace(' ', '')) + 1) % 10**8:08d}"


def absent(here: Team) -> bytes:
    return here.house.browser().get("/answer/nowhere").content


# --- asking


def test_the_code_is_shown_once_and_the_case_is_with_the_consultant(here: Team) -> None:
    asked = ask(here)
    assert here.state(asked.case) == "with_consultant"
    page = here.nurse.get(href(asked.case))
    all_in(words_of(page), [ADDRESS, "Not opened yet", "Take the case back", "consultant did not reply"])
    assert asked.code not in words_of(page)
    assert asked.code.replace(" ", "") not in page.text
    assert chain_holds(here.place.store, here.place.settings, here.place.tenant)


def test_an_address_elsewhere_is_refused_and_nothing_moves(here: Team) -> None:
    case = here.case(CaseState.RCA_OPEN, reviewed=True)
    answer = send(here.nurse, href(case), {"address": "x@evil.example"}, action=f"{href(case)}/consultant")
    assert (answer.status_code, errors(answer)) == (422, ["address"])
    assert here.state(case) == "rca_open"
    assert here.letters() == []


def test_without_a_domain_the_page_says_who_enters_it(
    settings: Settings, store: Store, admin: psycopg.Connection
) -> None:
    here = team(settings, store, admin)
    case = here.case(CaseState.RCA_OPEN, reviewed=True)
    answer = send(here.nurse, href(case), {"address": ADDRESS}, action=f"{href(case)}/consultant")
    assert "Your organisation has no domains yet" in words_of(answer)


def test_sending_the_form_twice_keeps_the_first_link(here: Team) -> None:
    case = here.case(CaseState.RCA_OPEN, reviewed=True)
    page = here.nurse.get(href(case))
    first = again(here.nurse, page, {"address": ADDRESS}, action=f"{href(case)}/consultant")
    second = again(here.nurse, page, {"address": ADDRESS}, action=f"{href(case)}/consultant")
    assert (first.status_code, second.status_code) == (200, 409)
    assert len(here.letters()) == 1


# --- the link


def test_behind_the_link_is_one_case_without_what_identifies_its_patient(here: Team) -> None:
    asked = ask(here)
    other = here.case(name="CASE-B")
    browser = inside(here, asked)
    page = browser.get(asked.path)
    all_in(
        words_of(page),
        ["CASE-A", case_number(asked.case), "74", "Doses missed avoidably", "Finding", "Send your answer"],
    )
    for hid in ("CASE-B", case_number(other), "1951", "999", "ward 9", "nurse", "Nurse", "NHS number status"):
        assert hid not in words_of(page).replace("no NHS number", ""), hid
    for elsewhere in (href(asked.case), href(other), f"/trust/cases/{asked.case}", "/trust/worklist", "/review"):
        assert browser.get(elsewhere).status_code in (303, 404)
    assert "review opened" in audited(here.admin, here.place.tenant)


def test_without_the_code_nothing_of_the_case_is_told(here: Team) -> None:
    asked = ask(here)
    page = here.house.browser().get(asked.path)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    for hid in ("CASE-A", case_number(asked.case), "University", "RRV/", "Doses"):
        assert hid not in words_of(page)
    for path in ("send", "draft"):
        answer = here.house.browser().post(f"{asked.path}/{path}", data=ANSWER)
        assert (answer.status_code, answer.content) == (404, absent(here))


def test_a_link_that_never_was_is_as_an_address_that_leads_nowhere(here: Team) -> None:
    asked = ask(here)
    browser = here.house.browser()
    for path in (
        f"/answer/RRV/{'x' * 43}", f"/answer/RH5/{asked.path.rsplit('/', 1)[1]}", f"/answer/NONE/{asked.path.rsplit('/', 1)[1]}",
        "/answer/RRV/%27--", asked.path[:-1], asked.path + "x",
    ):  # fmt: skip
        for answer in (browser.get(path), browser.post(f"{path}/code", data={"code": asked.code})):
            assert (answer.status_code, answer.content) == (404, absent(here)), path


def test_the_link_opens_in_the_browser_of_its_code_only(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    assert "Enter the code" in words_of(here.house.browser().get(asked.path))
    second = enter(here.house.browser(), asked)
    assert (second.status_code, errors(second)) == (422, ["code"])
    cookie = next(each for each in browser.cookies.jar if each.name == "hat-answer")
    assert cookie.path == asked.path
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert asked.path.rsplit("/", 1)[1] != cookie.value


def test_two_links_open_two_cases_and_never_each_other(here: Team) -> None:
    one, two = ask(here), ask(here, "CASE-B", "b@trust.example")
    browser = inside(here, one)
    assert "Enter the code" in words_of(browser.get(two.path))
    secret = next(each.value for each in browser.cookies.jar if each.name == "hat-answer")
    browser.cookies.set("hat-answer", secret or "", domain="127.0.0.1", path=two.path)
    assert "Enter the code" in words_of(browser.get(two.path))
    assert "CASE-A" in words_of(browser.get(one.path))


def test_after_five_wrong_codes_the_link_is_as_one_that_never_was_until_a_new_code(here: Team) -> None:
    asked = ask(here)
    browser = here.house.browser()
    for _ in range(MOST_TRIES):
        assert enter(browser, asked, wrong(asked.code)).status_code == 422
    for answer in (browser.get(asked.path), enter(browser, asked)):
        assert (answer.status_code, answer.content) == (404, absent(here))
    page = here.nurse.get(href(asked.case))
    assert "Shut after wrong codes" in words_of(page)
    new = again(here.nurse, page, {}, action=f"{href(asked.case)}/consultant/code")
    code = re.search(r"\d{4} \d{4}", words_of(new))
    assert code is not None
    assert enter(browser, asked, code[0]).status_code == 303
    assert "CASE-A" in words_of(browser.get(asked.path))


@pytest.mark.parametrize("end", ["over", "taken back", "asked again", "completed"])
def test_a_link_that_is_over_is_as_one_that_never_was_even_in_an_open_browser(here: Team, end: str) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    match end:
        case "over":
            here.admin.execute("update records.consultant_link set expires_at = now()")
        case "taken back":
            send(here.nurse, href(asked.case), {}, action=f"{href(asked.case)}/consultant/take-back")
        case "asked again":
            send(here.nurse, href(asked.case), {"address": ADDRESS}, action=f"{href(asked.case)}/consultant")
        case "completed":
            here.put(asked.case, since=here.place.nurse and "2026-01-01T00:00:00+00:00")
            send(here.nurse, f"{href(asked.case)}/findings", FINDINGS)
            send(here.nurse, href(asked.case), {}, action=f"{href(asked.case)}/complete")
            assert here.state(asked.case) == "complete"
    answer = browser.get(asked.path)
    assert (answer.status_code, answer.content) == (404, absent(here))


def test_a_session_ends_with_its_hours(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    here.admin.execute(
        "update records.consultant_link set used_at = used_at - %s",
        [timedelta(hours=here.place.settings.session_hours)],
    )
    assert "Enter the code" in words_of(browser.get(asked.path))


# --- answering


def test_the_answer_goes_into_the_review_and_the_case_back_to_the_team(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    page = browser.get(asked.path)
    answer = again(browser, page, ANSWER, action=f"{asked.path}/send", then="send")
    assert "Your answer is sent" in words_of(answer)
    recorded = here.recorded(asked.case)
    assert (recorded["judged_by"], recorded["category"], recorded["risk_assessed"], recorded["door"]) == (
        "index_consultant", "inadequate_prophylaxis", "complete", "form",
    )  # fmt: skip
    assert here.state(asked.case) == "rca_open"
    row = here.admin.execute("select reader from records.reading where place = 'first'").fetchone()
    assert row is not None
    assert row[0].startswith("link:")
    for gone in (
        browser.get(asked.path),
        enter(browser, asked),
        again(browser, page, ANSWER, action=f"{asked.path}/send", then="send"),
    ):
        assert (gone.status_code, gone.content) == (404, absent(here))
    words = words_of(here.nurse.get(href(asked.case)))
    all_in(words, ["Answered", "Consultant of the index admission", "Complete the review"])
    assert chain_holds(here.place.store, here.place.settings, here.place.tenant)


def test_what_is_kept_for_later_is_there_again_and_nobody_else_sees_it(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    draft = {**ANSWER, "learning_point": "Half an answ"}
    again(browser, browser.get(asked.path), draft, action=f"{asked.path}/send", then="later")
    page = browser.get(asked.path)
    all_in(page.text, ["Half an answ", "They are not sent yet"])
    assert here.recorded(asked.case)["category"] is None
    assert "Half an answ" not in here.nurse.get(f"{href(asked.case)}/findings").text
    fields = hidden(form_of(page, f"{asked.path}/send"))
    kept = browser.post(f"{asked.path}/draft", data={**fields, "learning_point": "A whole answer"})
    assert kept.json()["said"].endswith("Not sent yet.")
    assert "A whole answer" in browser.get(asked.path).text


def test_an_answer_without_a_judgement_is_not_sent(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    answer = again(
        browser, browser.get(asked.path), {"learning_point": "Only this"}, action=f"{asked.path}/send", then="send"
    )
    assert (answer.status_code, errors(answer)) == (422, ["category", "preventability"])
    assert "Only this" in answer.text
    assert here.state(asked.case) == "with_consultant"


def test_faults_and_markup_come_back_in_the_form(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    bad = {**ANSWER, "inadequacies": "documentation", "learning_point": "<img src=x onerror=alert(1)>"}
    answer = again(browser, browser.get(asked.path), bad, action=f"{asked.path}/send", then="send")
    assert (answer.status_code, errors(answer)[0]) == (422, "category")
    assert "<img" not in answer.text
    long = again(
        browser,
        browser.get(asked.path),
        {**ANSWER, "learning_point": "w " * 51_200},
        action=f"{asked.path}/send",
        then="send",
    )
    assert (long.status_code, errors(long)) == (422, ["learning_point"])
    assert "w " * 51_199 in long.text


def test_what_the_team_put_down_meanwhile_is_shown_beside(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    page = browser.get(asked.path)
    send(here.nurse, f"{href(asked.case)}/findings", {"learning_point": "By the team", "judged_on": "2026-01-15"})
    answer = again(browser, page, ANSWER, action=f"{asked.path}/send", then="send")
    assert answer.status_code == 409
    all_in(words_of(answer), ["Put down meanwhile by the team: By the team", ANSWER["learning_point"]])
    assert value_of(answer, "category") == "inadequate_prophylaxis"
    assert "is sent" in words_of(again(browser, answer, ANSWER, action=f"{asked.path}/send", then="send"))


def test_a_case_taken_back_while_somebody_writes_gives_them_their_words_back(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    page = browser.get(asked.path)
    send(here.nurse, href(asked.case), {}, action=f"{href(asked.case)}/consultant/take-back")
    answer = again(browser, page, ANSWER, action=f"{asked.path}/send", then="send")
    assert answer.status_code == 409
    all_in(words_of(answer), ["Your answer was not sent", ANSWER["learning_point"]])
    assert here.recorded(asked.case)["category"] is None


def test_a_form_from_another_site_or_page_is_refused(here: Team) -> None:
    asked = ask(here)
    browser = inside(here, asked)
    fields = hidden(form_of(browser.get(asked.path), f"{asked.path}/send"))
    assert browser.post(f"{asked.path}/send", data={**fields, "answer_token": "0" * 64}).status_code == 403
    assert browser.post(f"{asked.path}/send", data={**fields, "answer_token": ""}).status_code == 403
    cross = browser.post(f"{asked.path}/send", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    assert here.state(asked.case) == "with_consultant"


# --- no answer


def test_without_an_answer_the_nurse_completes_after_21_days_and_it_is_marked(here: Team) -> None:
    asked = ask(here)
    send(here.nurse, f"{href(asked.case)}/findings", FINDINGS)
    page = here.nurse.get(href(asked.case))
    assert f'action="{href(asked.case)}/complete"' not in page.text
    fields = hidden(form_of(page, f"{href(asked.case)}/consultant/take-back"))
    early = here.nurse.post(f"{href(asked.case)}/complete", data=fields)
    assert early.status_code == 409
    assert "The consultant has until" in words_of(early)
    here.admin.execute("update records.case_work set since = since - interval '21 days'")
    page = here.nurse.get(href(asked.case))
    assert "The days for an answer are over" in words_of(page)
    again(here.nurse, page, {}, action=f"{href(asked.case)}/complete")
    assert here.state(asked.case) == "complete"
    assert "The consultant did not reply" in words_of(here.nurse.get(href(asked.case)))


# --- with an account


def consultant_of(here: Team, name: str, email: str | None, code: str = "RRV") -> TestClient:
    with here.place.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        made = people.create(connection, user_name=name, display_name=name, email=email or "", by=OPERATOR)
        people.grant(connection, made, Role.CONSULTANT_REVIEWER, here.house.ids[code], by=OPERATOR)
        from tests.registry.web.visitors import HASH

        people.set_password(connection, made, HASH, by=OPERATOR)
    return here.house.signed_in(made)


def test_with_an_account_one_sees_the_cases_sent_to_one_s_own_address_and_no_other(here: Team) -> None:
    asked, other = ask(here), ask(here, "CASE-B", "b@trust.example")
    browser = consultant_of(here, "consultant", ADDRESS.upper())
    page = browser.get("/review")
    assert case_number(asked.case) in words_of(page)
    assert case_number(other.case) not in words_of(page)
    all_in(words_of(browser.get(f"/review/{asked.case}")), ["CASE-A", "Send your answer"])
    for path in (
        f"/review/{other.case}",
        f"/trust/cases/{asked.case}/review",
        f"/trust/cases/{asked.case}",
        "/trust/worklist",
    ):
        answer, nowhere = browser.get(path), browser.get(f"/{path.split('/')[1]}/{uuid4()}")
        assert (answer.status_code, answer.content) == (404, nowhere.content), path


@pytest.mark.parametrize(("email", "code"), [(None, "RRV"), ("b@trust.example", "RRV"), (ADDRESS, "RH5")])
def test_an_account_of_another_address_or_trust_sees_nothing(here: Team, email: str | None, code: str) -> None:
    asked = ask(here)
    browser = consultant_of(here, "consultant", email, code)
    assert "No case waits for you" in words_of(browser.get("/review"))
    assert browser.get(f"/review/{asked.case}").status_code == 404


def test_with_an_account_a_case_is_answered_and_gone(here: Team) -> None:
    asked = ask(here)
    browser = consultant_of(here, "consultant", ADDRESS)
    path = f"/review/{asked.case}"
    kept = again(browser, browser.get(path), {**ANSWER, "learning_point": "Later"}, action=f"{path}/send", then="later")
    assert kept.headers["location"] == "/review"
    assert "Later" in browser.get(path).text
    typed = hidden(form_of(browser.get(path), f"{path}/send")) | {"learning_point": "Later still"}
    assert "Not sent yet" in browser.post(f"{path}/draft", data=typed).json()["said"]
    assert "Later still" in browser.get(path).text
    answer = again(browser, browser.get(path), ANSWER, action=f"{path}/send", then="send")
    assert "Your answer is sent" in words_of(answer)
    assert here.state(asked.case) == "rca_open"
    assert here.recorded(asked.case)["judged_by"] == "index_consultant"
    assert browser.get(path).status_code == 404
    assert here.house.browser().get(asked.path).status_code == 404


# --- the domains


def test_the_lead_keeps_the_domains(here: Team) -> None:
    lead = here.browser("lead", Role.TRUST_LEAD)
    path = "/trust/consultant-addresses"
    assert "trust.example" in words_of(lead.get(path))
    send(lead, path, {"domain": "Second.example"}, action=f"{path}/add")
    assert "second.example" in words_of(lead.get(path))
    refused = send(lead, path, {"domain": "<b>no domain</b>"}, action=f"{path}/add")
    assert (refused.status_code, errors(refused)) == (422, ["domain-RRV"])
    assert "<b>no" not in refused.text
    token = hidden(form_of(lead.get(path), f"{path}/add"))
    assert lead.post(f"{path}/end", data={**token, "domain": "second.example"}).status_code == 303
    assert "second.example" not in words_of(lead.get(path))
    assert lead.post(f"{path}/end", data={**token, "domain": "second.example"}).status_code == 404
    assert lead.post(f"{path}/add", data={**token, "domain": "x.example", "organisation": "RH5"}).status_code == 404
    assert here.nurse.get(path).status_code == 404
