"""The pages of a review: begun, answered in two stages or on one page, ended; drafts, stale forms, doubled ones, markup, other trusts."""

import re
from uuid import UUID, uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.cases.number import case_number
from registry.cases.states import CaseState
from registry.settings import Settings
from registry.store import Store
from tests.registry.cases.make import actions as audited
from tests.registry.cases.make import chain_holds
from tests.registry.web.reviewing import (
    CARE,
    FINDINGS,
    SCREENING,
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
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import words_of


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Team:
    return team(settings, store, admin)


def begun(here: Team, name: str = "CASE-A") -> UUID:
    """A case whose review was begun on its page."""
    case = here.case(name=name)
    answer = send(here.nurse, href(case), {"response_type": "mdt"}, action=f"{href(case)}/begin")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{href(case)}/care"), words_of(answer)
    return case


def stored(here: Team, case: UUID, then: str = "store") -> None:
    for page, answers in (("care", CARE), ("findings", FINDINGS)):
        answer = send(here.nurse, f"{href(case)}/{page}", answers, then=then if page == "findings" else "store")
        assert answer.status_code == 303, words_of(answer)


# --- beginning


def test_the_page_of_a_review_has_the_registry_s_number_and_what_to_choose_from(here: Team) -> None:
    case = here.case()
    page = here.nurse.get(href(case))
    all_in(
        words_of(page),
        [
            case_number(case),
            "CASE-A",
            "Screening review",
            "Multidisciplinary team review",
            "SWARM huddle",
            "Confirmed HAT",
        ],
    )
    assert "Root cause analysis" not in words_of(page)


def test_a_welsh_board_s_review_is_a_root_cause_analysis(here: Team) -> None:
    case = here.case()
    board = here.house.ids["7A4"]
    here.admin.execute("update records.case_record set attributed_id = %s, attribution = 'accepted'", [board])
    words = words_of(here.nurse.get(href(case)))
    all_in(words, ["Root cause analysis", "Attributed to Cardiff Board"])
    assert "SWARM" not in words
    refused = send(here.nurse, href(case), {"response_type": "swarm"}, action=f"{href(case)}/begin")
    assert refused.status_code == 422


def test_a_review_is_begun_once(here: Team) -> None:
    case = here.case()
    page = here.nurse.get(href(case))
    for _ in range(2):
        answer = again(here.nurse, page, {"response_type": "mdt"}, action=f"{href(case)}/begin")
        assert answer.headers["location"] == f"{href(case)}/care"
    assert here.state(case) == "rca_open"
    assert here.recorded(case)["version"] == 1


def test_without_a_choice_the_review_does_not_begin(here: Team) -> None:
    case = here.case()
    answer = send(here.nurse, href(case), {}, action=f"{href(case)}/begin")
    assert (answer.status_code, errors(answer)) == (422, ["response_type"])
    assert here.state(case) == "confirmed"


def test_a_suspected_case_is_confirmed_first(here: Team) -> None:
    case = here.case(CaseState.SUSPECTED)
    words = words_of(here.nurse.get(href(case)))
    assert "Confirm it on its page" in words
    assert here.nurse.get(f"{href(case)}/screening").status_code == 409
    assert here.nurse.get(f"{href(case)}/care").status_code == 409


# --- screening


def test_a_case_with_nothing_to_find_is_complete_after_one_page(here: Team) -> None:
    case = here.case()
    answer = send(here.nurse, f"{href(case)}/screening", SCREENING)
    assert answer.status_code == 303, words_of(answer)
    assert here.state(case) == "complete"
    recorded = here.recorded(case)
    assert (recorded["response_type"], recorded["category"], recorded["preventability"], recorded["door"]) == (
        "screening", "prophylaxis_failure", "not_preventable", "form",
    )  # fmt: skip
    words = words_of(here.nurse.get(answer.headers["location"]))
    all_in(words, ["The answers are stored", "Not potentially preventable", "Screening review (one page)"])
    assert chain_holds(here.place.store, here.place.settings, here.place.tenant)


def test_where_there_is_something_to_find_the_answers_go_on_into_a_full_review(here: Team) -> None:
    case = here.case()
    answer = send(here.nurse, f"{href(case)}/screening", {**SCREENING, "doses_missed_avoidably": "3"})
    assert (answer.status_code, errors(answer)) == (422, ["doses_missed_avoidably"])
    assert "One page is not enough" in words_of(answer)
    assert here.recorded(case) == {}
    assert here.state(case) == "confirmed"
    send(here.nurse, href(case), {"response_type": "psii"}, action=f"{href(case)}/begin")
    page = here.nurse.get(f"{href(case)}/care")
    assert value_of(page, "doses_missed_avoidably") == "3"


def test_a_drawn_case_goes_from_screening_to_the_second_reader(here: Team) -> None:
    case = here.case()
    here.put(case, drawn=True)
    send(here.nurse, f"{href(case)}/screening", SCREENING)
    assert here.state(case) == "second_reading"


# --- the two stages


def test_a_full_review_from_its_beginning_to_its_end(here: Team) -> None:
    case = begun(here)
    answer = send(here.nurse, f"{href(case)}/care", CARE, then="next")
    assert answer.headers["location"] == f"{href(case)}/findings"
    answer = send(here.nurse, f"{href(case)}/findings", FINDINGS)
    overview = here.nurse.get(answer.headers["location"])
    all_in(
        words_of(overview),
        ["Potentially preventable", "Doses missed avoidably", "Doses on transfer are missed", "Complete the review"],
    )
    assert here.state(case) == "rca_open"
    done = again(here.nurse, overview, {}, action=f"{href(case)}/complete")
    assert done.status_code == 303
    assert here.state(case) == "complete"
    recorded = here.recorded(case)
    assert (recorded["inadequacies"], recorded["contributory_factors"]) == (
        ["missed_doses"],
        ["communication", "staff"],
    )
    assert recorded["missed_dose_reasons"] == ["not_signed", "refused"]


def test_storing_and_completing_at_once(here: Team) -> None:
    case = begun(here)
    stored(here, case, then="complete")
    assert here.state(case) == "complete"


def test_the_first_reader_is_remembered(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    row = here.admin.execute("select place, reader, category from records.reading").fetchall()
    assert row == [("first", here.place.nurse.label, "inadequate_prophylaxis")]


def test_what_follows_from_the_case_is_filled_in_and_said(here: Team) -> None:
    case = here.case()
    here.admin.execute(
        "update records.case_version set admitted_at = '2025-09-01 09:00+00', procedure_snomed = '52734007'"
    )
    send(here.nurse, href(case), {"response_type": "mdt"}, action=f"{href(case)}/begin")
    send(here.nurse, f"{href(case)}/care", {"assessed_at": "2025-09-02 01:30"})
    page = here.nurse.get(f"{href(case)}/care")
    words = words_of(page)
    all_in(
        words,
        ["15 h 30 min after admission: later than 14 hours", "28 to 38 days after elective hip replacement", "Hint"],
    )
    assert value_of(page, "assessed_within_14_hours") == "no"
    assert here.recorded(case)["assessed_within_14_hours"] is None


def test_errors_stand_at_their_questions_and_nothing_is_lost(here: Team) -> None:
    case = begun(here)
    send(here.nurse, f"{href(case)}/care", CARE)
    answer = send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "inadequacies": "", "judged_on": "2099-01-01"})
    assert answer.status_code == 422
    assert set(errors(answer)) == {"category", "judged_on"}
    assert FINDINGS["learning_point"] in answer.text
    assert here.recorded(case)["category"] is None
    assert FINDINGS["learning_point"] in here.nurse.get(f"{href(case)}/findings").text


def test_what_the_check_asks_about_is_shown_once_stored(here: Team) -> None:
    case = begun(here)
    answer = send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "preventability": "not_preventable"})
    words = words_of(here.nurse.get(answer.headers["location"]))
    assert "yet the clot is judged not to be preventable" in words


def test_a_review_that_finds_no_hat_closes_the_case_as_that(here: Team) -> None:
    case = begun(here)
    none = {
        **FINDINGS,
        "category": "not_hat",
        "preventability": "",
        "inadequacies": "",
        "would_have_changed_outcome": "",
    }
    answer = send(here.nurse, f"{href(case)}/findings", none, then="complete")
    assert answer.status_code == 303, words_of(answer)
    assert here.state(case) == "not_hat"


# --- two at once, twice, too late


def test_of_two_who_edit_the_second_sees_the_difference_and_nothing_is_lost(here: Team) -> None:
    case = begun(here)
    send(here.nurse, f"{href(case)}/findings", FINDINGS)
    other = here.browser("other")
    mine, theirs = (browser.get(f"{href(case)}/findings") for browser in (here.nurse, other))
    address = f"{href(case)}/findings"
    assert (
        again(
            other, theirs, {**FINDINGS, "learning_point": "Theirs", "candour_threshold_met": "unknown"}, action=address
        ).status_code
        == 303
    )
    answer = again(here.nurse, mine, {**FINDINGS, "learning_point": "Mine"}, action=address)
    assert answer.status_code == 409
    words = words_of(answer)
    all_in(words, ["Somebody else stored answers", "Theirs", "Mine", "Stored meanwhile by somebody else: Theirs."])
    merged = hidden(form_of(answer, address))
    assert merged["base_version"] == "3"
    kept = {**FINDINGS, "learning_point": "Both of us", "candour_threshold_met": "unknown"}
    assert again(here.nurse, answer, kept, action=address).status_code == 303
    recorded = here.nurse.get(href(case))
    all_in(words_of(recorded), ["Both of us"])
    assert here.recorded(case)["candour_threshold_met"] == "unknown"


def test_the_merged_form_has_theirs_where_only_they_changed(here: Team) -> None:
    case = begun(here)
    send(here.nurse, f"{href(case)}/findings", FINDINGS)
    address = f"{href(case)}/findings"
    other = here.browser("other")
    mine, theirs = (browser.get(address) for browser in (here.nurse, other))
    again(other, theirs, {**FINDINGS, "would_have_changed_outcome": "likely"}, action=address)
    answer = again(here.nurse, mine, {**FINDINGS, "learning_point": "Mine"}, action=address)
    assert value_of(answer, "would_have_changed_outcome") == "likely"
    assert ">Mine</textarea>" in answer.text


def test_what_others_changed_on_the_other_stage_is_in_nobody_s_way(here: Team) -> None:
    case = begun(here)
    page = here.nurse.get(f"{href(case)}/findings")
    send(here.browser("other"), f"{href(case)}/care", CARE)
    answer = again(here.nurse, page, FINDINGS, action=f"{href(case)}/findings")
    assert answer.status_code == 303, words_of(answer)
    recorded = here.recorded(case)
    assert (recorded["risk_assessed"], recorded["category"]) == ("complete", "inadequate_prophylaxis")


def test_a_form_sent_twice_is_stored_once(here: Team) -> None:
    case = begun(here)
    page = here.nurse.get(f"{href(case)}/findings")
    for _ in range(2):
        assert again(here.nurse, page, FINDINGS, action=f"{href(case)}/findings").status_code == 303
    assert here.recorded(case)["version"] == 2
    (count,) = here.admin.execute("select count(*) from records.reading").fetchone() or (0,)
    assert count == 1


def test_a_case_that_has_moved_on_keeps_what_was_typed_as_a_draft(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    page = here.nurse.get(f"{href(case)}/findings")
    here.put(case, state="complete")
    answer = again(here.nurse, page, {**FINDINGS, "learning_point": "Typed too late"}, action=f"{href(case)}/findings")
    assert answer.status_code == 409
    all_in(words_of(answer), ["This case is complete", "kept as your draft"])
    here.put(case, state="rca_open")
    page = here.nurse.get(f"{href(case)}/findings")
    all_in(page.text, ["Typed too late", "kept as a draft and not stored yet"])


def test_completing_twice_says_where_the_case_is(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    page = here.nurse.get(href(case))
    assert again(here.nurse, page, {}, action=f"{href(case)}/complete").status_code == 303
    answer = again(here.nurse, page, {}, action=f"{href(case)}/complete")
    assert answer.status_code == 409
    assert "complete by now; it was review open when you opened the page" in words_of(answer)


# --- drafts


def test_what_is_typed_is_kept_as_a_draft_of_one_s_own(here: Team) -> None:
    case = begun(here)
    answer = send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "learning_point": "Half a sen"}, then="later")
    assert "kept as your draft" in words_of(here.nurse.get(answer.headers["location"]))
    assert here.recorded(case)["category"] is None
    assert "Half a sen" in here.nurse.get(f"{href(case)}/findings").text
    assert "Half a sen" not in here.browser("other").get(f"{href(case)}/findings").text
    assert "Half a sen" not in str(here.admin.execute("select d::text from records.draft d").fetchall())
    send(here.nurse, f"{href(case)}/findings", FINDINGS)
    assert "Half a sen" not in here.nurse.get(f"{href(case)}/findings").text


def test_the_script_of_the_page_keeps_the_draft_too(here: Team) -> None:
    case = begun(here)
    page = here.nurse.get(f"{href(case)}/care")
    assert f'data-draft="{href(case)}/draft/care"' in page.text
    fields = hidden(form_of(page, f"{href(case)}/care"))
    answer = here.nurse.post(f"{href(case)}/draft/care", data={**fields, "dose": "40 mg once"})
    assert answer.json()["said"].startswith("Kept as a draft at ")
    assert "40 mg once" in here.nurse.get(f"{href(case)}/care").text
    assert here.nurse.post(f"{href(case)}/draft/elsewhere", data=fields).status_code == 404


def test_a_draft_whose_review_was_changed_since_says_so(here: Team) -> None:
    case = begun(here)
    send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "learning_point": "My draft"}, then="later")
    send(here.browser("other"), f"{href(case)}/findings", {**FINDINGS, "learning_point": "Stored"})
    page = here.nurse.get(f"{href(case)}/findings")
    assert "Somebody has stored answers since" in words_of(page)
    answer = again(here.nurse, page, {**FINDINGS, "learning_point": "My draft"}, action=f"{href(case)}/findings")
    assert answer.status_code == 409
    all_in(answer.text, ["My draft", "Stored"])


# --- bad input


def test_markup_is_shown_as_it_was_typed(here: Team) -> None:
    case = begun(here)
    point = "<script>alert(1)</script> & <b>more</b>"
    answer = send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "learning_point": point})
    for address in (answer.headers["location"], f"{href(case)}/findings", f"{href(case)}/report"):
        page = here.nurse.get(address)
        assert "<script>alert" not in page.text
        assert "<b>more" not in page.text
        assert point in words_of_raw(page.text)


def words_of_raw(text: str) -> str:
    from html import unescape

    return unescape(text)


@pytest.mark.parametrize("length", [600, 99_000, 102_400])
def test_an_answer_that_is_too_long_is_given_back_whole(here: Team, length: int) -> None:
    case = begun(here)
    long = "a b " * (length // 4)
    answer = send(here.nurse, f"{href(case)}/findings", {**FINDINGS, "learning_point": long})
    assert (answer.status_code, errors(answer)) == (422, ["learning_point"])
    assert long.strip()[:-2] in answer.text
    assert here.recorded(case)["category"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"base_version": "-1"}, {"base_version": "x" * 50}, {"base_version": "99"}, {"once": "x" * 5000}, {"then": "<b>"},
        {"category": "no_such_code"}, {"judged_on-day": "99"}, {"doses_missed_avoidably": "1e400"},
    ],
)  # fmt: skip
def test_a_form_that_no_page_made_is_answered_in_words(here: Team, fields: dict[str, str]) -> None:
    case = begun(here)
    for page in ("care", "findings"):
        answer = send(here.nurse, f"{href(case)}/{page}", {}, **fields)
        assert answer.status_code in (303, 409, 422), words_of(answer)


def test_a_state_that_is_none_is_as_an_address_that_leads_nowhere(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    assert send(here.nurse, href(case), {}, action=f"{href(case)}/complete", seen="<b>").status_code == 404


# --- who


def test_another_trust_s_review_is_not_there(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    elsewhere = here.browser("elsewhere", Role.TRUST_LEAD, "RH5")
    absent = elsewhere.get(href(uuid4()))
    assert absent.status_code == 404
    for path in ("", "/care", "/findings", "/screening", "/report", "/report.pdf", "/letters/candour", "/letters/consultant",
                 "/second-reading", "/agreement", "/beside", f"/actions/{uuid4()}"):  # fmt: skip
        answer = elsewhere.get(f"{href(case)}{path}")
        assert (answer.status_code, answer.content) == (404, absent.content), path
    token = hidden(form_of(elsewhere.get("/account"), "/sign-out"))
    for path in ("/begin", "/care", "/findings", "/screening", "/complete", "/consultant", "/consultant/code",
                 "/consultant/take-back", "/second-reading", "/agreement", "/actions", "/draft/care"):  # fmt: skip
        data = {**token, "seen": "rca_open", "response_type": "mdt", "link": str(uuid4())}
        answer = elsewhere.post(f"{href(case)}{path}", data=data)
        assert (answer.status_code, answer.content) == (404, absent.content), path
    assert here.state(case) == "rca_open"


def test_who_may_only_read_sees_the_review_and_changes_nothing(here: Team) -> None:
    case = begun(here)
    stored(here, case)
    uploader = here.browser("uploader", Role.TRUST_UPLOADER)
    page = uploader.get(href(case))
    assert page.status_code == 200
    assert '<form method="post" action="/trust' not in page.text
    assert "/letters/" not in page.text
    for path in ("care", "findings", "screening", "letters/candour"):
        assert uploader.get(f"{href(case)}/{path}").status_code == 404


def test_that_a_review_was_shown_is_noted(here: Team) -> None:
    case = begun(here)
    here.nurse.get(href(case))
    assert "review read" not in audited(here.admin, here.place.tenant)
    stored(here, case)
    here.nurse.get(href(case))
    assert "review read" in audited(here.admin, here.place.tenant)


def test_a_withdrawn_case_s_review_is_not_open_to_changes(here: Team) -> None:
    case = begun(here)
    here.admin.execute("update records.case_record set withdrawn_at = now(), withdraw_reason = 'duplicate'")
    assert "withdrawn" in words_of(here.nurse.get(href(case)))
    assert here.nurse.get(f"{href(case)}/care").status_code == 409


def test_stranger_and_nobody(here: Team) -> None:
    case = begun(here)
    stranger = here.house.browser()
    assert stranger.get(href(case)).status_code == 303
    nobody: TestClient = here.house.signed_in(here.house.person("nobody"))
    assert nobody.get(href(case)).status_code == 404


def test_an_action_is_changed_and_then_done(here: Team) -> None:
    case = begun(here)
    action = {"what": "Teach", "owner_role": "matron", "due_on": "2026-03-01", "themes": "missed_doses"}
    send(here.nurse, href(case), action, action=f"{href(case)}/actions")
    [ident] = set(re.findall(rf"{href(case)}/actions/([0-9a-f-]{{36}})", here.nurse.get(href(case)).text))
    page = f"{href(case)}/actions/{ident}"
    assert send(here.nurse, page, action | {"what": "Teach all"}, then="change").status_code == 303
    assert "Teach all" in here.nurse.get(href(case)).text
    done = send(here.nurse, page, {"done_on": "2026-01-02", "evidence": "A register"}, then="done")
    assert done.status_code == 303, words_of(done)
    assert "A register" in here.nurse.get(page).text


# --- queries


def test_a_page_asks_few_questions_however_much_there_is(here: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    case, twice = begun(here), begun(here, "CASE-B")
    stored(here, case)
    stored(here, twice)
    here.put(twice, drawn=True)
    send(here.nurse, href(twice), {}, action=f"{href(twice)}/complete")
    other = here.browser("other")
    forms = [f"{href(case)}{path}" for path in ("", "/care", "/findings", "/screening", "/report", "/letters/candour")]
    pages = [(here.nurse, path) for path in (*forms, "/trust/actions")]
    pages += [(other, f"{href(twice)}/second-reading"), (other, href(twice)), (here.nurse, href(twice))]
    here.nurse.get("/learning")  # so that the public role's connection is open
    heard = Heard(monkeypatch)
    before = [heard.of(*page) for page in pages]
    assert max(before) <= 10, before
    action = {"what": "Teach", "owner_role": "matron", "due_on": "2026-03-01", "themes": "missed_doses"}
    for path in [href(case)] * 4 + [href(twice)] * 2:
        send(here.nurse, path, action, action=f"{path}/actions")
    for number in range(3):
        other_case = here.case(name=f"CASE-{number}")
        assert other_case
    assert [heard.of(*page) for page in pages] == before
    answer = send(here.nurse, f"{href(case)}/findings", FINDINGS)
    assert heard.of(here.nurse, answer.headers["location"]) <= 10
