"""Case mix and outliers through the pages: who sees what, the whole way of one outlier, what a trust is told."""

import re
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from registry.access import Role
from registry.publications import reference_rates
from registry.settings import Settings
from registry.store import Store
from registry.store.outliers import outlier, trust_year
from tests.registry.publications.make import make_person
from tests.registry.publications.outlying import AT, LAST, SOURCE, YEAR, hold_nation
from tests.registry.web.test_cases_page import Heard
from tests.registry.web.visitors import House, house, send, token_of, words_of

WORDS = "Returns, sources and counts were looked through; they stand."


@pytest.fixture
def doors(settings: Settings, store: Store) -> House:
    """Three trusts and a board: 40 expected each; one had 90, one 12."""
    made = house(settings, store)
    hold_nation(store, {made.ids["RRV"]: 90, made.ids["RH5"]: 12, made.ids["7A4"]: 41})
    return made


@pytest.fixture
def analyst(doors: House) -> TestClient:
    return doors.signed_in(doors.person("analyst", (Role.NATIONAL_ANALYST, None)))


@pytest.fixture
def lead(doors: House) -> TestClient:
    return doors.signed_in(doors.person("lead", (Role.NATIONAL_LEAD, None)))


@pytest.fixture
def trust(doors: House) -> TestClient:
    return doors.signed_in(doors.person("theirs", (Role.TRUST_LEAD, "RRV")))


def policy_fields(page_text: str) -> dict[str, str]:
    """What the form holds, as a browser would send it."""
    found = dict(
        re.findall(r'<input class="nhsuk-input[^"]*" id="[^"]*" name="([^"]*)"[^>]*? value="([^"]*)"', page_text)
    )
    ticked = re.findall(r'name="([^"]*-working)" type="checkbox" value="yes" checked', page_text)
    return found | dict.fromkeys(ticked, "yes")


def adopted(lead: TestClient) -> None:
    page = lead.get("/team/outliers/policy")
    fields = policy_fields(page.text) | {"source": SOURCE, "seen": "0", "form_token": token_of(page)}
    answer = lead.post("/team/outliers/policy", data=fields)
    assert answer.status_code == 303, words_of(answer)


def detected(analyst: TestClient, lead: TestClient, doors: House, code: str = "RRV") -> str:
    """The address of the outlier of a trust, after policy, reference and cycle."""
    adopted(lead)
    assert (
        send(analyst, "/team/case-mix/freeze", {"year": "2023-24"}, seen="/team/case-mix?year=2024-25").status_code
        == 303
    )
    assert send(analyst, "/team/outliers/cycles", {"year": "2024-25"}, seen="/team/outliers").status_code == 303
    with doors.store.readonly(role="hat_national") as connection:
        ident = connection.scalar(select(outlier.c.id).where(outlier.c.organisation_id == doors.ids[code]))
    return f"/team/outliers/{ident}"


def move(browser: TestClient, address: str, to: str, seen: int, evidence: str = WORDS) -> int:
    return send(
        browser, f"{address}/move", {"to": to, "seen": str(seen), "evidence": evidence}, seen=address
    ).status_code


# --- case mix


def test_the_reference_is_frozen_by_a_button_and_everybody_has_an_expected_count(analyst: TestClient) -> None:
    before = words_of(analyst.get("/team/case-mix"))
    assert "The reference, April 2023 to March 2024, is not frozen" in before
    done = send(analyst, "/team/case-mix/freeze", {"year": "2023-24"}, seen="/team/case-mix")
    page = analyst.get(str(done.headers["location"]))
    words = words_of(page)
    assert (
        "3 trusts and health boards of England and Wales (0 with admissions by age and sex), 120 cases among 60,000"
        in words
    )
    assert "University College Trust 12 90 20,000 40.00 2.250" in words
    assert "by group only: no admissions by age and sex were returned" in words
    assert "Each ratio has weights of its own" in words
    assert "2 of 3 organisations lie beyond the 95% limits" in words
    assert "exact Poisson limits: fewer than 10 trusts" in words
    assert "If nothing differed between 3 organisations, 0.15 of them" in words
    assert page.text.count("hat-chart__wide") == 1
    file = analyst.get("/team/case-mix/year.csv?year=2024-25").text.splitlines()
    assert file[1].startswith("7A4,Cardiff Board,2024-25,12,41,20000,40.0,group,1.025,")
    again = send(analyst, "/team/case-mix/freeze", {"year": "2023-24"}, seen="/team/outliers/policy")
    assert again.status_code in (403, 409)
    assert analyst.get("/team/case-mix?year=1999-00").status_code == 404


def test_a_trust_sees_its_own_mix_once_the_night_has_passed(doors: House, trust: TestClient, store: Store) -> None:
    assert "For this year nothing is expected yet" in words_of(trust.get("/trust/figures/case-mix?year=2024-25"))
    analyst = make_person(store, "An Analyst", Role.NATIONAL_ANALYST)
    with store.transaction(role="hat_national") as connection:
        reference_rates.freeze(connection, LAST, by=analyst, at=AT, code_version="test")
    with store.transaction(role="hat_jobs") as connection:
        assert reference_rates.write_expected(connection) == 3
    words = words_of(trust.get("/trust/figures/case-mix"))
    assert "University College Trust, April 2024 to March 2025" in words
    assert "Observed 90 Overnight admissions 20,000" in words
    assert "Expected 40.00 Observed over expected 2.250" in words
    assert "all ages both sexes Medical 90 20,000 2.000 40.00" in words
    assert "Somerset" not in words
    assert trust.get("/trust/figures/case-mix?organisation=RH5").status_code == 404
    assert trust.get("/trust/figures/case-mix?year=1999-00").status_code == 404


# --- the policy


def test_a_proposal_is_marked_as_one_and_only_a_lead_adopts(analyst: TestClient, lead: TestClient) -> None:
    words = words_of(analyst.get("/team/outliers/policy"))
    assert "A starting proposal" in words
    assert "not taken from the guidance of HQIP" in words
    assert "A national lead adopts the policy" in words
    page = analyst.get("/team/outliers/policy")
    assert analyst.post("/team/outliers/policy", data={"form_token": token_of(page)}).status_code == 404
    adopted(lead)
    after = words_of(lead.get("/team/outliers/policy"))
    assert "Version 1 is in force, adopted by Lead" in after
    assert SOURCE in after
    assert "A starting proposal" not in after


def test_what_is_wrong_with_a_policy_is_said_at_its_field(lead: TestClient) -> None:
    page = lead.get("/team/outliers/policy")
    fields = policy_fields(page.text) | {"source": SOURCE, "seen": "0", "form_token": token_of(page)}
    answer = lead.post(
        "/team/outliers/policy", data=fields | {"expected_from": "2", "Wales-provider_response-days": "soon"}
    )
    assert answer.status_code == 422
    words = words_of(answer)
    assert "Expected cases, at least: input should be greater than or equal to 5" in words
    assert "Wales, provider responded: input should be a valid integer" in words
    short = lead.post("/team/outliers/policy", data=fields | {"source": "it"})
    assert "which document it follows" in words_of(short)
    adopted(lead)
    late = lead.post("/team/outliers/policy", data=fields)
    assert late.status_code == 409


# --- the worklist


def test_without_policy_or_reference_nothing_is_computed(analyst: TestClient, lead: TestClient) -> None:
    words = words_of(analyst.get("/team/outliers"))
    assert "No policy is in force" in words
    assert "Compute the cycle" not in words
    adopted(lead)
    refused = send(analyst, "/team/outliers/cycles", {"year": "2024-25"}, seen="/team/outliers")
    assert refused.status_code == 409
    assert "reference rates of the year before are not frozen" in words_of(refused)
    assert send(analyst, "/team/outliers/cycles", {"year": "1999-00"}, seen="/team/outliers").status_code == 404


def test_the_whole_way_of_an_outlier(doors: House, analyst: TestClient, lead: TestClient, trust: TestClient) -> None:
    address = detected(analyst, lead, doors)
    listed = words_of(lead.get("/team/outliers"))
    assert "University College Trust 2024 to 2025 Alarm more than expected 2.25 Detected Data checked by us" in listed
    assert "Somerset Trust 2024 to 2025 Alarm fewer than expected 0.30" in listed
    assert "Cardiff" not in listed
    one = words_of(analyst.get(address))
    for said in (
        "Observed 90",
        "Expected 40.00",
        "Hash of the data",
        "Version 1",
        "April 2023 to March 2024",
        "Policy",
    ):
        assert said in one
    seen_by_lead = words_of(lead.get(address))
    assert "Observed 90" not in seen_by_lead
    assert "Observed over expected 2.25" in seen_by_lead
    assert "The next step is another person's" in seen_by_lead
    assert move(lead, address, "data_checked", 1) == 403
    assert "has not written to you" in words_of(trust.get("/trust/outliers"))
    assert move(analyst, address, "data_checked", 1, "short") == 422
    assert move(analyst, address, "data_checked", 1) == 303
    theirs = address.replace("/team/", "/trust/")
    assert trust.get(theirs).status_code == 404
    assert move(lead, address, "provider_notified", 2, "Your figure is high. Please look at it, and answer us.") == 303
    listed_there = words_of(trust.get("/trust/outliers"))
    assert "April 2024 to March 2025: alarm, more than expected , to be answered by" in listed_there
    notice = trust.get(theirs)
    told = words_of(notice)
    for said in (
        "Please look at it",
        "Your cases after stays of one night or more 90",
        "40.00",
        "2.250",
        "A signal is not a finding",
    ):
        assert said in told
    unsaid = trust.post(
        f"{theirs}/answer", data={"form_token": token_of(notice), "words": WORDS, "seen": "0", "organisation": "RRV"}
    )
    assert "Say whether your data are right" in words_of(unsaid)
    given = {"words": "We read every scan since May 2024.", "data_right": "yes", "seen": "0", "organisation": "RRV"}
    assert send(trust, f"{theirs}/answer", given, seen=theirs).status_code == 303
    assert (
        send(
            trust, f"{theirs}/answer", given | {"words": "And we count them again now.", "seen": "1"}, seen=theirs
        ).status_code
        == 303
    )
    after = words_of(lead.get(address))
    assert "Provider responded" in after
    assert "The data are right. We read every scan" in after
    assert "And we count them again now." in after
    assert move(lead, address, "confirmed", 4, "More scans do not explain twice the expected.") == 303
    assert "Confirmed" in words_of(trust.get(theirs))
    assert "Send the answer" not in words_of(trust.get(theirs))
    assert move(lead, address, "published", 5, "Annual report of 2026, page 12; CQC was told.") == 303
    assert "University College Trust" not in words_of(lead.get("/team/outliers"))


def test_a_low_figure_is_read_first_as_cases_not_found(doors: House, analyst: TestClient, lead: TestClient) -> None:
    words = words_of(analyst.get(detected(analyst, lead, doors, "RH5")))
    assert "Read it first as cases that were not found" in words


def test_the_cycle_shows_everybody_and_whether_counts_moved_since(
    doors: House, analyst: TestClient, lead: TestClient, store: Store
) -> None:
    detected(analyst, lead, doors)
    page = words_of(analyst.get("/team/outliers/cycles/2024-25"))
    assert "Cardiff Board 12 41 40.00 1.025" in page
    assert "Within the limits" in page
    assert "have changed since" not in page
    with store.transaction(role="hat_jobs") as connection:
        connection.execute(trust_year.update().where(trust_year.c.year == YEAR).values(cases=50))
    assert "have changed since" in words_of(analyst.get("/team/outliers/cycles/2024-25"))
    assert analyst.get("/team/outliers/cycles/1999-00").status_code == 404
    assert lead.get("/team/outliers/cycles/2024-25").status_code == 404


def test_two_people_with_one_page_open_take_one_step(doors: House, analyst: TestClient, lead: TestClient) -> None:
    address = detected(analyst, lead, doors)
    other = doors.signed_in(doors.person("second", (Role.NATIONAL_ANALYST, None)))
    assert move(analyst, address, "data_checked", 1) == 303
    assert move(other, address, "data_checked", 1, "Other words, of another analyst.") == 409


# --- who sees what


PAGES = (
    "/team/outliers",
    "/team/outliers/policy",
    "/team/case-mix",
    "/team/case-mix/year.csv",
    "/team/outliers/cycles/2024-25",
)
SEEN: dict[Role, set[str]] = {
    Role.NATIONAL_ANALYST: set(PAGES),
    Role.NATIONAL_LEAD: {"/team/outliers", "/team/outliers/policy"},
}


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.PUBLIC, Role.CONSULTANT_REVIEWER)])
def test_each_role_sees_its_pages_and_the_others_are_not_there(
    doors: House, analyst: TestClient, lead: TestClient, role: Role
) -> None:
    address = detected(analyst, lead, doors)
    national = role.value.startswith("national") or role in (Role.REGISTRY_OFFICE, Role.MODERATOR, Role.ADMINISTRATOR)
    somebody = doors.signed_in(doors.person("somebody", (role, None if national else "RRV")))
    found = {path for path in PAGES if somebody.get(path).status_code == 200}
    assert found == SEEN.get(role, set())
    assert (somebody.get(address).status_code == 200) == (role in SEEN)
    assert (somebody.get("/trust/outliers").status_code == 200) == (role is Role.TRUST_LEAD)


def test_another_trust_s_lead_and_a_colleague_find_nothing(doors: House, analyst: TestClient, lead: TestClient) -> None:
    address = detected(analyst, lead, doors)
    assert move(analyst, address, "data_checked", 1) == 303
    assert move(lead, address, "provider_notified", 2) == 303
    theirs = address.replace("/team/", "/trust/")
    absent = f"/trust/outliers/{UUID(int=7)}"
    for name, role, code in (
        ("other", Role.TRUST_LEAD, "RH5"),
        ("nurse", Role.VTE_NURSE, "RRV"),
        ("uploader", Role.TRUST_UPLOADER, "RRV"),
    ):
        browser = doors.signed_in(doors.person(name, (role, code)))
        one, nothing = browser.get(theirs), browser.get(absent)
        assert (one.status_code, one.content) == (404, nothing.content)
        assert browser.get(f"{theirs}?organisation=RRV").status_code == 404
        token = token_of(browser.get("/trust/outliers" if role is Role.TRUST_LEAD else "/account"))
        answer = browser.post(
            f"{theirs}/answer", data={"form_token": token, "words": WORDS, "data_right": "yes", "seen": "0"}
        )
        assert answer.status_code == 404


def test_each_page_asks_few_questions(
    doors: House, analyst: TestClient, lead: TestClient, trust: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = detected(analyst, lead, doors)
    assert move(analyst, address, "data_checked", 1) == 303
    assert move(lead, address, "provider_notified", 2) == 303
    theirs = address.replace("/team/", "/trust/")
    heard = Heard(monkeypatch)
    found = {path: heard.of(analyst, path) for path in (*PAGES[:3], PAGES[4], "/team/evaluation", address)}
    found |= {
        path: heard.of(trust, path)
        for path in ("/trust/outliers", theirs, "/trust/figures/case-mix", "/trust/figures/evaluation")
    }
    found |= {path: heard.of(doors.browser(), path) for path in ("/evaluation", "/evaluation/counts")}
    assert {path: count for path, count in found.items() if count > 10} == {}
