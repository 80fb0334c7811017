"""One journey: the VTE nurse takes a case from her worklist; consultant, second reader and nurse bring its review to an end."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.web.trust.present import today
from tests.journeys import world as worlds
from tests.journeys.browsing import Visitor
from tests.journeys.world import World
from tests.make import nhs_number, valid_case
from tests.registry.submissions.make import send

pytestmark = pytest.mark.slow

TRUST = "RRV"
CASE, OTHERS = "UCL-007", ("UCL-008", "UCL-009")
CONSULTANT = "a.consultant@trust.example"
CARE = {
    "Risk assessment done": "Yes, complete",
    "Assessed within 14 hours": "Yes",
    "Assessment correct on review": "Correct",
    "Drug prophylaxis indicated": "Yes",
    "Drug prophylaxis prescribed": "Yes",
    "Drug prophylaxis given": "Partly: doses missed",
    "First dose within 14 hours": "Yes",
    "Doses missed avoidably": "2",
    "Mechanical prophylaxis": "Not indicated",
    "Extended prophylaxis": "Not expected",
}
LEARNT = "Doses on transfer are missed where two wards share a chart"
TO_DO = "One chart moves with the patient"


@pytest.fixture
def world(settings: Settings, store: Store, tmp_path: Path) -> Iterator[World]:
    with worlds.world(settings, store, tmp_path, "case to closed") as made:
        yield made


def test_from_the_worklist_to_a_closed_case(world: World) -> None:
    given_a_team(world)
    given_cases_that_came_by_file(world)
    with world.signed_in("lead", scripts=False) as lead:
        when_the_lead_names_the_domain_of_the_consultants(lead)
    with world.signed_in("nurse") as nurse:
        when_she_reads_the_guide(nurse)
        when_she_takes_the_case_from_the_worklist(nurse)
        when_she_answers_what_care_was_given(nurse)
        code = when_she_asks_the_consultant(nurse)
        with world.window("consultant", scripts=False, phone=True) as consultant:
            when_the_consultant_follows_the_link(consultant, world)
            then_a_wrong_code_opens_nothing(consultant)
            when_they_enter_the_code(consultant, code)
            then_they_see_this_case_without_who_the_patient_is(consultant)
            when_they_answer(consultant)
            then_the_link_opens_nothing_any_more(consultant, world)
        then_she_has_the_consultant_s_answer(nurse)
        when_she_stores_her_findings(nurse)
        when_she_adds_an_action(nurse)
        when_she_completes_the_review(nurse)
        then_a_second_reader_is_wanted(nurse)
    with world.signed_in("colleague") as colleague:
        then_nothing_of_the_first_judgement_is_told(colleague)
        when_the_second_reader_judges(colleague)
        then_both_judgements_stand_beside_each_other(colleague)
        when_they_record_what_both_agree_on(colleague)
    with world.signed_in("nurse") as nurse:
        when_she_closes_the_case(nurse)
        then_the_case_tells_its_story(nurse)
        then_the_report_is_printed(nurse)
        then_a_letter_is_filled_in_and_sent_nowhere(nurse)
        when_the_action_is_done(nurse)


# --- given


def given_a_team(world: World) -> None:
    world.house.person("nurse", (Role.VTE_NURSE, TRUST))
    world.house.person("colleague", (Role.VTE_NURSE, TRUST))
    world.house.person("lead", (Role.TRUST_LEAD, TRUST))


def given_cases_that_came_by_file(world: World) -> None:
    """The first of a patient who died: such a review is read twice."""
    admitted = today() - timedelta(days=60)
    stay = {
        "admission_date": admitted.isoformat(),
        "discharge_date": (admitted + timedelta(days=8)).isoformat(),
        "diagnosis_date": (admitted + timedelta(days=20)).isoformat(),
        "died_within_90_days": "",
    }
    died = {"died_within_90_days": "yes", "death_date": (admitted + timedelta(days=21)).isoformat()}
    rows = [valid_case(local_case_id=CASE, nhs_number=nhs_number(1), **stay | died)]
    rows += [
        valid_case(local_case_id=name, nhs_number=nhs_number(2 + place), **stay) for place, name in enumerate(OTHERS)
    ]
    house = world.house
    assert send(house.store, house.settings, house.ids[TRUST], rows, at=worlds.now()).state == "accepted"
    world.run("work")


# --- when


def when_the_lead_names_the_domain_of_the_consultants(lead: Visitor) -> None:
    lead.open("/trust/consultant-addresses")
    lead.sees("no link can be sent")
    lead.write("Add a domain", CONSULTANT.partition("@")[2])
    lead.press("Add")
    lead.sees(CONSULTANT.partition("@")[2])


def when_she_reads_the_guide(nurse: Visitor) -> None:
    nurse.follow("Guides")
    nurse.follow("For the VTE nurse")
    nurse.sees("From a clot that was found to a case that is closed")


def when_she_takes_the_case_from_the_worklist(nurse: Visitor) -> None:
    nurse.follow("Worklist")
    nurse.sees("Cases in which somebody has something to do")
    nurse.shows_the_guide("worklist")
    nurse.choose(f"Case {CASE}")
    nurse.select("Give the ticked cases to", "Nurse (you)")
    nurse.press("Give out")
    nurse.sees("Nurse")
    nurse.follow(CASE)
    nurse.sees("What happened")
    assert nhs_number(1) not in nurse.words()
    nurse.shows_the_guide("case")


def when_she_answers_what_care_was_given(nurse: Visitor) -> None:
    nurse.follow("Begin the review")
    nurse.sees("How is this case reviewed?")
    nurse.shows_the_guide("begin")
    nurse.choose("Multidisciplinary team review")
    nurse.press("Begin")
    nurse.sees("stage one of two")
    nurse.answer("Doses missed avoidably", "2")
    nurse.page.get_by_text("Kept as a draft").wait_for()
    nurse.shows_the_guide("care")
    why = nurse.page.get_by_role("group", name="Why doses were missed (optional)", exact=True, include_hidden=True)
    assert why.is_hidden(), "nobody said yet that doses were missed"
    for question, answer in CARE.items():
        nurse.answer(question, answer)
    why.get_by_label("Not signed for", exact=True).check()
    why.get_by_label("Not signed for", exact=True).uncheck()
    assert why.is_visible()
    nurse.press("Store and go on to what was found")
    nurse.sees("stage two of two")


def when_she_asks_the_consultant(nurse: Visitor) -> str:
    nurse.follow("The review")
    nurse.sees("The two stages")
    nurse.unfold("Ask the consultant of the index admission")
    nurse.write("E-mail address", CONSULTANT)
    nurse.press("Send the link")
    nurse.sees("Pass this code on now")
    code = nurse.page.get_by_role("heading", level=2).first.inner_text()
    nurse.follow("Back to the review")
    nurse.sees("With the consultant")
    return code


def when_the_consultant_follows_the_link(consultant: Visitor, world: World) -> None:
    letter = world.letter_to(CONSULTANT)
    assert CASE not in letter
    consultant.open(_link(letter))
    consultant.sees("One case waits for your answer")


def _link(letter: str) -> str:
    found = re.search(r"/answer/\S+", letter)
    assert found is not None
    return found[0]


def when_they_enter_the_code(consultant: Visitor, code: str) -> None:
    consultant.write("Code", code)
    consultant.press("Open the case")
    consultant.sees("Your answer for one case")
    consultant.shows_the_guide("answer")


def when_they_answer(consultant: Visitor) -> None:
    consultant.answer("Finding", "Inadequate prophylaxis")
    consultant.answer("What fell short", "Doses missed avoidably")
    consultant.answer("Preventability", "Potentially preventable")
    consultant.answer("Would better care have changed the outcome?", "Cannot say")
    consultant.press("Send your answer")
    consultant.sees("Your answer is sent")


def when_she_stores_her_findings(nurse: Visitor) -> None:
    nurse.follow("What was found")
    nurse.sees("stage two of two")
    nurse.answer("Contributory factors", "Communication and handover")
    nurse.answer("Duty of candour threshold met", "Yes")
    nurse.answer("Date when the patient or family was told", (today() - timedelta(days=2)).isoformat())
    nurse.answer("Learning point", LEARNT)
    nurse.shows_the_guide("findings")
    nurse.press("Store")


def when_she_adds_an_action(nurse: Visitor) -> None:
    nurse.unfold("Add an action")
    nurse.write("What is to be done", TO_DO)
    nurse.select("Who sees to it", "Matron")
    nurse.answer("By when", (today() + timedelta(days=30)).isoformat())
    nurse.press("Add the action")
    nurse.sees(TO_DO)


def when_she_completes_the_review(nurse: Visitor) -> None:
    nurse.press("Complete the review")


def when_the_second_reader_judges(colleague: Visitor) -> None:
    colleague.press("Read it")
    colleague.sees("Read a second time")
    colleague.shows_the_guide("second-reading")
    colleague.answer("Judged by", "VTE nurse or midwife")
    colleague.answer("Finding", "Prophylaxis failure: adequate prophylaxis was given")
    colleague.answer("Preventability", "Not potentially preventable")
    colleague.answer("Would better care have changed the outcome?", "Unlikely")
    colleague.press("Store your judgement")


def when_they_record_what_both_agree_on(colleague: Visitor) -> None:
    colleague.answer("Date of the judgement", today().isoformat())
    colleague.answer("Finding", "Inadequate prophylaxis")
    colleague.answer("What fell short", "Doses missed avoidably")
    colleague.answer("Preventability", "Potentially preventable")
    colleague.answer("Would better care have changed the outcome?", "Cannot say")
    colleague.answer("Judged by", "Panel or committee")
    colleague.press("Both agree: complete the case")
    colleague.sees("Complete")


def when_she_closes_the_case(nurse: Visitor) -> None:
    nurse.follow("Cases")
    nurse.follow(CASE)
    nurse.sees("Move the case")
    nurse.choose("Close")
    nurse.press("Move")
    nurse.sees("Closed")


def when_the_action_is_done(nurse: Visitor) -> None:
    nurse.open("/trust/actions")
    nurse.sees("Actions")
    nurse.shows_the_guide("actions")
    nurse.follow(CASE)
    nurse.follow(TO_DO)
    nurse.sees("What shows it")
    nurse.write("What shows it", "Audit of twenty transfers")
    nurse.press("It is done")
    nurse.sees("Audit of twenty transfers")


# --- then


def then_a_wrong_code_opens_nothing(consultant: Visitor) -> None:
    consultant.write("Code", "00000000")
    consultant.press("Open the case")
    consultant.sees("There is a problem")
    consultant.complaints.clear()  # the browser's own word for a refusal


def then_they_see_this_case_without_who_the_patient_is(consultant: Visitor) -> None:
    said = consultant.words()
    assert CASE in said
    assert nhs_number(1) not in said
    assert "Partly: doses missed" in said
    assert not [other for other in OTHERS if other in said]


def then_the_link_opens_nothing_any_more(consultant: Visitor, world: World) -> None:
    consultant.open(_link(world.letter_to(CONSULTANT)))
    assert "Your answer for one case" not in consultant.words()
    assert CASE not in consultant.words()
    consultant.complaints.clear()  # the browser's own word for a page that is not there


def then_she_has_the_consultant_s_answer(nurse: Visitor) -> None:
    nurse.follow("Worklist")
    nurse.follow(CASE)
    nurse.follow("The review")
    nurse.sees("Inadequate prophylaxis")
    assert "Consultant of the index admission" in nurse.words()


def then_a_second_reader_is_wanted(nurse: Visitor) -> None:
    nurse.sees("This case is read a second time")
    nurse.shows_the_guide("waits-for-second-reader")
    assert nurse.page.get_by_role("button", name="Read it").count() == 0


def then_nothing_of_the_first_judgement_is_told(colleague: Visitor) -> None:
    colleague.follow("Worklist")
    colleague.follow(CASE)
    colleague.sees("What happened")
    assert LEARNT not in colleague.page.content()
    colleague.follow("The review")
    colleague.sees("shown to nobody else")
    for words in ("Inadequate prophylaxis", LEARNT, TO_DO):
        assert words not in colleague.page.content()


def then_both_judgements_stand_beside_each_other(colleague: Visitor) -> None:
    colleague.sees("The two judged differently")
    row = colleague.row("Preventability").inner_text()
    assert "Potentially preventable" in row
    assert "Not potentially preventable" in row
    colleague.shows_the_guide("agreement")


def then_the_case_tells_its_story(nurse: Visitor) -> None:
    said = nurse.words()
    for words in ("At the desk", "Who looked", "Colleague", "Versions"):
        assert words in said, words


def then_the_report_is_printed(nurse: Visitor) -> None:
    nurse.follow("The review")
    nurse.sees("On paper")
    nurse.follow("Report for the notes")
    nurse.sees("Who the patient is stands in no document of the registry")
    paper = PdfReader(io.BytesIO(nurse.gets("Download as PDF")))
    text = " ".join(page.extract_text() for page in paper.pages)
    assert LEARNT.split(" are ")[0] in " ".join(text.split())
    assert nhs_number(1) not in text
    nurse.follow("Back")


def then_a_letter_is_filled_in_and_sent_nowhere(nurse: Visitor) -> None:
    asked: list[str] = []
    nurse.follow("Letter to the patient or family")
    nurse.page.on("request", lambda request: asked.append(request.url))
    nurse.write("Name of the patient or family", "Somebody whose name stays here")
    nurse.page.get_by_text("Somebody whose name stays here").wait_for()
    nurse.picture("letter to the family")
    assert not [address for address in asked if "/static/" not in address]
