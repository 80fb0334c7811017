"""One case by form: entered, found fault with, confirmed, drafted, changed by two people at once, and nothing lost in any of it."""

import re

import httpx2 as httpx
import psycopg
import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.web.applies import CONDITIONS, IN_WORDS_ONLY
from schemas.dictionary import fields
from tests.make import nhs_number, valid_case
from tests.registry.web.at_cases import CASE, RCA, Ward, entered, form_in, press, typed, ward
from tests.registry.web.visitors import words_of

NEW = "/trust/cases/new"
MARKUP = '<script>alert("x")</script>'


@pytest.fixture
def here(settings: Settings, store: Store) -> Ward:
    return ward(settings, store)


def versions(admin: psycopg.Connection) -> int:
    row = admin.execute("select count(*) from records.case_version").fetchone()
    assert row is not None
    return int(row[0])


def held(admin: psycopg.Connection, column: str) -> object:
    row = admin.execute(f"select {column} from records.case_version order by version desc limit 1").fetchone()
    assert row is not None
    return row[0]


def confirming(page: httpx.Response) -> str:
    """What ticking the box beside the warnings sends."""
    found = re.search(r'name="confirmed" type="checkbox" value="([0-9,]+)"', page.text)
    assert found is not None
    return found[1]


# --- a new case


def test_a_case_is_entered_by_form_and_stands_in_the_worklist(here: Ward, admin: psycopg.Connection) -> None:
    answer = entered(here, valid_case(local_case_id="F-1"))
    assert answer.status_code == 303, words_of(answer)
    words = words_of(here.nurse.get(answer.headers["location"]))
    assert "The case is in the register." in words
    assert "Case F-1" in words
    assert "F-1" in words_of(here.nurse.get("/trust/worklist"))
    assert held(admin, "door") == "form"


def test_the_core_is_asked_first_and_the_rest_is_folded_away(here: Ward) -> None:
    page = here.nurse.get(NEW).text
    core, _, rest = page.partition('<details class="nhsuk-details"')
    for each in fields(CASE):
        asked = f'name="{each.name}' in core
        assert asked == each.core, each.name
    assert 'name="ward"' in rest
    assert 'name="withdraw_reason"' not in page
    assert 'name="ethnic_category"' not in page


def test_a_question_says_when_it_applies_and_names_what_decides(here: Ward) -> None:
    page = here.nurse.get(NEW).text
    assert '<div data-when="vte_type" data-is="dvt|pe_and_dvt">' in page
    assert "Answer this where a DVT was found." in page


def test_every_question_that_may_not_apply_has_a_condition_or_only_words() -> None:
    named = {(kind, each.name) for kind in (CASE, RCA) for each in fields(kind) if each.item.applies}
    assert named == set(CONDITIONS) | IN_WORDS_ONLY
    for (kind, _), when in CONDITIONS.items():
        (decides,) = [each for each in fields(kind) if each.name == when.field]
        assert decides.codes is None or set(when.answers) - {"", "*"} <= {each.value for each in decides.codes}


def test_faults_are_told_at_once_each_beside_its_question_and_what_was_typed_stays(
    here: Ward, admin: psycopg.Connection
) -> None:
    row = valid_case(local_case_id="F-2", diagnosis_date="2025-08-01", sex="", ward=MARKUP)
    answer = entered(here, row)
    assert answer.status_code == 422
    words = words_of(answer)
    assert "There is a problem" in words
    assert "Sex:" in words
    assert 'href="#sex"' in answer.text
    assert "Error: Enter a case" in answer.text
    again = form_in(answer, NEW)
    assert again["local_case_id"] == "F-2"
    assert again["ward"] == MARKUP
    assert MARKUP not in answer.text
    assert versions(admin) == 0


def test_an_answer_of_a_hundred_thousand_characters_is_told_of_and_stays(here: Ward, admin: psycopg.Connection) -> None:
    for length in (100_000, 100_001):
        answer = entered(here, valid_case(local_case_id="F-3", ward="w" * length))
        assert answer.status_code == 422
        assert "w" * length in answer.text
        assert "There is a problem" in words_of(answer)
    assert versions(admin) == 0


def test_a_warning_keeps_a_case_out_until_it_is_confirmed(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A", nhs_number=nhs_number(5))
    answer = entered(here, valid_case(local_case_id="B", nhs_number=nhs_number(5)))
    assert answer.status_code == 422
    assert "Please look at this again" in words_of(answer)
    assert "You hold another case of the same patient" in words_of(answer)
    assert versions(admin) == 1
    stored = press(here.nurse, answer, NEW, confirmed=confirming(answer), wants="save")
    assert stored.status_code == 303, words_of(stored)
    assert versions(admin) == 2


def test_the_opt_out_is_declared_in_england_and_not_asked_in_wales(here: Ward, admin: psycopg.Connection) -> None:
    answer = entered(here, valid_case(local_case_id="F-4"), opt_out_screened="")
    assert answer.status_code == 422
    assert "Say that the national data opt-out was applied to this case" in words_of(answer)
    assert form_in(answer, NEW)["local_case_id"] == "F-4"
    welsh = here.browser("cardiff", Role.VTE_NURSE, "7A4")
    assert "opt_out_screened" not in welsh.get(NEW).text
    assert entered(here, valid_case(local_case_id="W-1"), welsh, opt_out_screened="").status_code == 303


def test_a_form_sent_twice_is_one_case_with_the_same_answer(here: Ward, admin: psycopg.Connection) -> None:
    once = "a" * 32
    first, second = (entered(here, valid_case(local_case_id="F-5"), once=once) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert versions(admin) == 1


def test_a_number_that_is_held_already_is_not_overwritten(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    answer = entered(here, valid_case(local_case_id="A", sex="male", nhs_number=nhs_number(9)))
    assert answer.status_code == 422
    assert "You hold a case with this number already" in words_of(answer)
    assert versions(admin) == 1


def test_an_nhs_number_given_as_the_number_of_the_case_is_refused(here: Ward, admin: psycopg.Connection) -> None:
    answer = entered(here, valid_case(local_case_id=nhs_number(3)))
    assert answer.status_code == 422
    assert versions(admin) == 0


def test_whoever_has_several_organisations_says_which(here: Ward) -> None:
    both = here.house.signed_in(here.house.person("both", (Role.VTE_NURSE, "RRV"), (Role.VTE_NURSE, "7A4")))
    assert "Which organisation reports it?" in words_of(both.get(NEW))
    assert "For Cardiff Board" in words_of(both.get(f"{NEW}?organisation=7A4"))
    assert both.get(f"{NEW}?organisation=RH5").status_code == 404


# --- drafts


def test_a_draft_is_kept_and_gone_on_with_by_its_person_alone(here: Ward, admin: psycopg.Connection) -> None:
    draft = entered(here, valid_case(local_case_id="D-1"), wants="draft")
    assert draft.status_code == 200
    assert "Saved as a draft at" in words_of(draft)
    assert form_in(draft, NEW)["local_case_id"] == "D-1"
    assert versions(admin) == 0
    choice = here.nurse.get(NEW)
    assert "Go on with the draft" in words_of(choice)
    assert "D-1" not in choice.text
    opened = here.nurse.get(f"{NEW}?organisation=RRV&draft=open")
    assert form_in(opened, NEW)["birth_date-year"] == "1951"
    other = here.browser("second")
    assert "D-1" not in other.get(NEW).text
    assert form_in(other.get(f"{NEW}?draft=open"), NEW)["local_case_id"] == ""
    stored = press(here.nurse, opened, NEW, opt_out_screened="true", wants="save")
    assert stored.status_code == 303, words_of(stored)
    assert "Go on with the draft" not in words_of(here.nurse.get(NEW))


def test_the_script_keeps_a_draft_and_throwing_it_away_begins_again(here: Ward, admin: psycopg.Connection) -> None:
    filled = form_in(here.nurse.get(NEW), NEW) | typed(valid_case(local_case_id="D-2"))
    told = here.nurse.post(f"{NEW}/draft", data=filled)
    assert told.status_code == 200
    assert told.json()["said"].startswith("Saved as a draft at ")
    row = admin.execute("select answers_ct from records.draft").fetchone()
    assert row is not None
    assert b"D-2" not in bytes(row[0])
    thrown = press(here.nurse, here.nurse.get(NEW), f"{NEW}/discard")
    assert thrown.status_code == 303
    assert form_in(here.nurse.get(thrown.headers["location"]), NEW)["local_case_id"] == ""


# --- changing one


def test_what_identifies_is_masked_in_the_form_and_stays_as_it_is(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A", nhs_number=nhs_number(5), ward="Ward 12")
    edit = f"{here.path('A')}/edit"
    page = here.nurse.get(edit)
    for hidden in (nhs_number(5), "1951", "Ward 12"):
        assert hidden not in page.text
    assert "Held and not shown: NHS number, Date of birth, Ward." in words_of(page)
    before = held(admin, "nhs_number_ct is not null and ward_ct is not null")
    stored = press(here.nurse, page, edit, sex="male", opt_out_screened="true", wants="save")
    assert stored.status_code == 303, words_of(stored)
    assert held(admin, "changed") == ["sex"]
    assert held(admin, "nhs_number_ct is not null and ward_ct is not null") == before


def test_what_identifies_is_shown_in_the_form_when_it_is_asked_for_and_that_is_noted(
    here: Ward, admin: psycopg.Connection
) -> None:
    here.hold("A", ward="Ward 12")
    edit = f"{here.path('A')}/edit"
    page = press(here.nurse, here.nurse.get(edit), edit, sex="male", wants="reveal")
    again = form_in(page, edit)
    assert again["ward"] == "Ward 12"
    assert again["sex"] == "male"
    noted = admin.execute("select detail from records.audit where action = 'identifiers shown'").fetchone()
    assert noted is not None
    assert noted[0] == {"fields": ["nhs_number", "birth_date", "ward"], "where": "form"}
    stored = press(here.nurse, page, edit, ward="Ward 7", opt_out_screened="true", wants="save")
    assert stored.status_code == 303, words_of(stored)
    assert held(admin, "changed") == ["sex", "ward"]
    assert "Another value, not shown" in words_of(here.nurse.get(here.path("A")))


def test_the_second_of_two_people_sees_what_the_first_changed_and_loses_nothing(
    here: Ward, admin: psycopg.Connection
) -> None:
    here.hold("A")
    edit = f"{here.path('A')}/edit"
    mine = here.nurse.get(edit)
    other = here.browser("second")
    first = press(other, other.get(edit), edit, sex="male", how_found="coding", opt_out_screened="true", wants="save")
    assert first.status_code == 303, words_of(first)
    late = press(
        here.nurse, mine, edit, sex="indeterminate", main_specialty="340", opt_out_screened="true", wants="save"
    )
    assert late.status_code == 409
    words = words_of(late)
    assert "Somebody changed this case while you had it open" in words
    assert "Sex Both changed" in words
    assert "Female" in words
    assert "Male" in words
    assert "Not specified (indeterminate)" in words
    merged = form_in(late, edit)
    assert (merged["sex"], merged["how_found"], merged["main_specialty"]) == ("indeterminate", "coding", "340")
    assert merged["base_version"] == "2"
    stored = press(here.nurse, late, edit, opt_out_screened="true", wants="save")
    assert stored.status_code == 303, words_of(stored)
    assert held(admin, "sex || how_found || main_specialty") == "indeterminatecoding340"


def test_a_draft_of_a_change_that_shows_what_identifies_says_so_first_and_notes_it(
    here: Ward, admin: psycopg.Connection
) -> None:
    here.hold("A", ward="Ward 12")
    edit = f"{here.path('A')}/edit"
    shown = press(here.nurse, here.nurse.get(edit), edit, wants="reveal")
    told = here.nurse.post(f"{here.path('A')}/draft", data=form_in(shown, edit) | {"ward": "Ward 98"})
    assert told.json()["said"].startswith("Saved as a draft at ")
    press(here.nurse, shown, edit, ward="Ward 99", wants="draft")
    choice = here.nurse.get(edit)
    assert "going on shows it, and that is noted" in words_of(choice)
    assert "Ward 99" not in choice.text
    opened = here.nurse.get(f"{edit}?draft=open")
    assert form_in(opened, edit)["ward"] == "Ward 99"
    noted = admin.execute(
        "select detail->>'where' from records.audit where action = 'identifiers shown' order by sequence"
    )
    assert noted.fetchall() == [("form",), ("draft",)]
    thrown = press(here.nurse, choice, f"{here.path('A')}/discard")
    assert thrown.headers["location"] == edit
    assert "Ward 99" not in here.nurse.get(edit).text


def test_a_case_is_confirmed_by_saying_how(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A", confirmation="clinical_only")
    here.take_in("A")
    case, edit = here.path("A"), f"{here.path('A')}/edit"
    page = here.nurse.get(case)
    assert "Suspected" in words_of(page)
    refused = press(here.nurse, page, f"{case}/move", to="confirmed")
    assert refused.status_code == 409
    assert "does not say how the clot was confirmed" in words_of(refused)
    stored = press(
        here.nurse, here.nurse.get(edit), edit, confirmation="ultrasound", opt_out_screened="true", wants="save"
    )
    assert stored.status_code == 303, words_of(stored)
    assert "Confirmed HAT" in words_of(here.nurse.get(case))
    warned = press(
        here.nurse, here.nurse.get(edit), edit, confirmation="clinical_only", opt_out_screened="true", wants="save"
    )
    assert "Please look at this again" in words_of(warned)
    again = press(here.nurse, warned, edit, confirmed=confirming(warned), wants="save")
    assert again.status_code == 303, words_of(again)
    assert "Suspected" in words_of(here.nurse.get(case))
