"""The second reading on its pages: blind to the first judgement and to every free text, by another person, then agreed."""

from uuid import UUID

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas.codes import HatCategory, Inadequacy, Preventability
from tests.registry.cases.make import chain_holds
from tests.registry.web.reviewing import CARE, FINDINGS, Team, again, all_in, errors, href, send, team, value_of
from tests.registry.web.visitors import words_of

FREE = {
    "learning_point": "Zebra learning point",
    "notable_practice": "Zebra notable practice",
    "incident_reference": "ZEBRA-77",
}
FIRST = {
    **FINDINGS,
    **FREE,
    "candour_threshold_met": "yes",
    "candour_told_on": "2026-01-10",
    "physical_harm": "moderate",
}
SECOND = {
    "category": "prophylaxis_failure",
    "preventability": "not_preventable",
    "would_have_changed_outcome": "unlikely",
    "judged_by": "pharmacist",
    "judged_on": "2026-01-20",
}


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Team:
    return team(settings, store, admin)


@pytest.fixture
def other(here: Team) -> TestClient:
    return here.browser("other")


@pytest.fixture
def case(here: Team) -> UUID:
    """A case that the nurse judged, with an action, waiting for its second reader."""
    made = here.case()
    here.put(made, drawn=True)
    path = href(made)
    send(here.nurse, path, {"response_type": "mdt"}, action=f"{path}/begin")
    send(here.nurse, f"{path}/care", {**CARE, "dose": "Zebra dose"})
    send(here.nurse, f"{path}/findings", FIRST)
    action = {"what": "Zebra action", "owner_role": "matron", "due_on": "2026-03-01", "themes": "missed_doses"}
    assert send(here.nurse, path, action, action=f"{path}/actions").status_code == 303
    send(here.nurse, path, {}, action=f"{path}/complete")
    assert here.state(made) == "second_reading"
    return made


def of_the_first(text: str) -> list[str]:
    """What of the first judgement, or of anything that was written, stands in a page."""
    zebras = [line.strip() for line in text.splitlines() if "zebra" in line.lower()]
    told = [value for value in ("10 January 2026", "Moderate", "15 January 2026") if value in text]
    return zebras + told


def test_the_second_reader_s_page_has_nothing_of_the_first_judgement(here: Team, case: UUID, other: TestClient) -> None:
    page = other.get(f"{href(case)}/second-reading")
    assert page.status_code == 200
    assert of_the_first(page.text) == []
    for name in ("category", "preventability", "would_have_changed_outcome"):
        assert value_of(page, name) in (None, ""), name
    assert "checked" not in page.text.split('name="inadequacies"', 1)[1].split("</fieldset>", 1)[0]
    all_in(
        words_of(page),
        ["CASE-A", "Read a second time: drawn at random", "Doses missed avoidably", "Partly: doses missed"],
    )


def test_the_same_page_whatever_the_first_reader_judged(here: Team, case: UUID, other: TestClient) -> None:
    """Not a letter of the page depends on the first judgement."""
    before = other.get(f"{href(case)}/second-reading").text
    here.admin.execute(
        "update records.rca_version set category = 'unclassifiable', preventability = 'preventable_psii', inadequacies = null,"
        " would_have_changed_outcome = 'likely', contributory_factors = null, candour_threshold_met = 'no',"
        " candour_told_on = null, physical_harm = null, judged_by = 'panel', actions = 7"
    )
    assert other.get(f"{href(case)}/second-reading").text == before


def test_no_other_page_of_the_review_tells_it_either(here: Team, case: UUID, other: TestClient) -> None:
    uploader, lead = here.browser("uploader", Role.TRUST_UPLOADER), here.browser("lead", Role.TRUST_LEAD)
    for browser in (other, uploader, lead):
        page = browser.get(href(case))
        assert of_the_first(page.text) == []
        assert "shown to nobody else" in words_of(page)
        for code in (*HatCategory, *Preventability, *Inadequacy):
            assert code.words not in words_of(page), code
        assert browser.get("/trust/actions").text.lower().count("zebra") == 0
    for path in (
        "report",
        "report.pdf",
        "letters/candour",
        "letters/consultant",
        "care",
        "findings",
        "screening",
        "agreement",
    ):
        answer = other.get(f"{href(case)}/{path}")
        assert answer.status_code == 409, path
        assert of_the_first(answer.text) == [], path
    mine = here.nurse.get(href(case))
    all_in(mine.text, ["Zebra learning point", "Zebra action"])
    assert "Zebra action" in here.nurse.get("/trust/actions").text


def test_the_case_page_tells_nothing_of_it_either(here: Team, case: UUID, other: TestClient) -> None:
    path = f"/trust/cases/{case}"
    page = other.get(path)
    assert page.status_code == 200
    assert of_the_first(page.text) == []
    for code in (*HatCategory, *Preventability):
        assert code.words not in words_of(page), code
    assert "Preventability" in words_of(here.nurse.get(path))
    send(other, f"{href(case)}/second-reading", SECOND)
    assert "Preventability" in words_of(other.get(path))


def test_the_lists_behind_the_figures_tell_nothing_of_it_either(here: Team, case: UUID, other: TestClient) -> None:
    whole = other.get("/trust/figures/cases?period=2025-fy")
    assert f'/trust/cases/{case}"' in whole.text
    assert "At second reading" in words_of(whole)
    preventable = other.get("/trust/figures/cases?period=2025-fy&outcome=preventable")
    assert f'/trust/cases/{case}"' not in preventable.text
    assert "not listed here until they are read" in words_of(preventable)
    send(other, f"{href(case)}/second-reading", SECOND)
    preventable = other.get("/trust/figures/cases?period=2025-fy&outcome=preventable")
    assert f'/trust/cases/{case}"' in preventable.text


def test_a_review_that_waits_is_in_no_download(here: Team, case: UUID, other: TestClient) -> None:
    def leaves() -> str:
        page = other.get("/trust/figures/download")
        assert "so are reviews that wait for a second reader" in words_of(page)
        wanted = {"kind": "rca", "format": "csv"}
        return words_of(send(other, "/trust/figures/download", wanted, action="/trust/figures/download/confirm"))

    assert "What 0 reviews" in leaves()
    assert send(other, f"{href(case)}/second-reading", SECOND).status_code == 303
    assert "What 1 reviews" in leaves()


def test_what_was_done_about_it_is_no_hint_in_another_case(here: Team, case: UUID, other: TestClient) -> None:
    action = here.admin.execute("select id from records.action").fetchone()
    assert action is not None
    here.admin.execute("update records.action set done_on = '2026-01-16'")
    second = here.case(name="CASE-B")
    send(other, href(second), {"response_type": "mdt"}, action=f"{href(second)}/begin")
    for browser, seen in ((other, 0), (here.nurse, 1)):
        assert browser.get(f"{href(second)}/beside?themes=missed_doses").text.count("Zebra action") == seen
    assert other.get(f"{href(case)}/actions/{action[0]}").status_code == 404


def test_the_first_reader_does_not_read_again(here: Team, case: UUID) -> None:
    for answer in (here.nurse.get(f"{href(case)}/second-reading"),):
        assert answer.status_code == 409
        assert "You judged this case first" in words_of(answer)
    assert "second-reading" not in here.nurse.get(href(case)).text.replace('id="second-reading"', "")


def test_both_are_shown_once_the_second_has_judged_and_their_agreement_completes_the_case(
    here: Team, case: UUID, other: TestClient
) -> None:
    answer = send(other, f"{href(case)}/second-reading", SECOND)
    assert answer.headers["location"] == f"{href(case)}/agreement"
    page = other.get(f"{href(case)}/agreement")
    all_in(
        words_of(page),
        [
            "First reader",
            "Second reader",
            "Inadequate prophylaxis",
            "Prophylaxis failure",
            "The two judged differently",
        ],
    )
    assert value_of(page, "category") in (None, "")
    agreed = {**SECOND, "judged_by": "panel", "would_have_changed_outcome": "cannot_say"}
    done = again(other, page, agreed, action=f"{href(case)}/agreement")
    assert done.status_code == 303, words_of(done)
    assert here.state(case) == "complete"
    recorded = here.recorded(case)
    assert (recorded["category"], recorded["preventability"], recorded["inadequacies"], recorded["judged_by"]) == (
        "prophylaxis_failure", "not_preventable", None, "panel",
    )  # fmt: skip
    assert recorded["risk_assessed"] == "complete"
    words = words_of(here.nurse.get(href(case)))
    all_in(words, ["First reader", "Second reader", "Agreed", "Zebra learning point"])
    assert chain_holds(here.place.store, here.place.settings, here.place.tenant)


def test_readers_who_judged_alike_have_only_to_say_so(here: Team, case: UUID, other: TestClient) -> None:
    send(other, f"{href(case)}/second-reading", {**FINDINGS, "judged_by": "pharmacist"})
    page = here.nurse.get(f"{href(case)}/agreement")
    assert "Both judged alike" in words_of(page)
    assert value_of(page, "category") == "inadequate_prophylaxis"
    alike = {
        name: FINDINGS[name] for name in ("category", "inadequacies", "preventability", "would_have_changed_outcome")
    }
    assert (
        again(
            here.nurse,
            page,
            {**alike, "judged_by": "panel", "judged_on": "2026-01-20"},
            action=f"{href(case)}/agreement",
        ).status_code
        == 303
    )
    assert here.state(case) == "complete"


def test_an_agreement_that_is_no_judgement_stores_nothing(here: Team, case: UUID, other: TestClient) -> None:
    send(other, f"{href(case)}/second-reading", SECOND)
    before = here.recorded(case)
    page = other.get(f"{href(case)}/agreement")
    for change, field in (
        ({"category": "", "preventability": "preventable"}, "category"),
        ({"preventability": ""}, "preventability"),
        ({"category": "inadequate_prophylaxis"}, "inadequacies"),
    ):
        answer = again(other, page, {**SECOND, **change}, action=f"{href(case)}/agreement")
        assert (answer.status_code, errors(answer)) == (422, [field])
    assert here.recorded(case) == before
    assert here.state(case) == "second_reading"


def test_faults_of_a_second_judgement_stand_at_their_questions(here: Team, case: UUID, other: TestClient) -> None:
    answer = send(
        other, f"{href(case)}/second-reading", {**SECOND, "category": "inadequate_prophylaxis", "judged_by": ""}
    )
    assert (answer.status_code, set(errors(answer))) == (422, {"inadequacies", "judged_by"})
    assert value_of(answer, "preventability") == "not_preventable"
    assert of_the_first(answer.text) == []
    assert value_of(other.get(f"{href(case)}/second-reading"), "preventability") == "not_preventable"


def test_a_judgement_sent_twice_is_kept_once(here: Team, case: UUID, other: TestClient) -> None:
    page = other.get(f"{href(case)}/second-reading")
    first, second = (again(other, page, SECOND, action=f"{href(case)}/second-reading") for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 409)
    (count,) = here.admin.execute("select count(*) from records.reading where place = 'second'").fetchone() or (0,)
    assert count == 1


def test_whoever_was_shown_the_first_judgement_is_told_that_this_is_not_blind(
    here: Team, case: UUID, other: TestClient
) -> None:
    here.put(case, state="rca_open")
    other.get(href(case))
    here.put(case, state="second_reading")
    assert "It is recorded that this reading is not blind" in words_of(other.get(f"{href(case)}/second-reading"))
    send(other, f"{href(case)}/second-reading", SECOND)
    row = here.admin.execute("select detail from records.case_event where what = 'read a second time'").fetchone()
    assert row == ({"blind": False},)


def test_agreeing_on_a_stale_page_changes_nothing(here: Team, case: UUID, other: TestClient) -> None:
    send(other, f"{href(case)}/second-reading", SECOND)
    mine, theirs = (browser.get(f"{href(case)}/agreement") for browser in (here.nurse, other))
    assert again(other, theirs, SECOND, action=f"{href(case)}/agreement").status_code == 303
    late = again(here.nurse, mine, {**SECOND, "category": "unclassifiable"}, action=f"{href(case)}/agreement")
    assert late.status_code == 409
    assert here.recorded(case)["category"] == "prophylaxis_failure"


def test_nothing_to_read_where_nothing_waits(here: Team, other: TestClient) -> None:
    case = here.case()
    for path in ("second-reading", "agreement"):
        assert other.get(f"{href(case)}/{path}").status_code == 409
