"""The page of a case: where it stands and its moves, what happened in order, versions with differences, who looked, what identifies."""

import re
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from tests.make import nhs_number
from tests.registry.cases.at_desk import THEIRS
from tests.registry.cases.make import chain_holds
from tests.registry.web.at_cases import Ward, form_in, press, ward
from tests.registry.web.visitors import words_of


@pytest.fixture
def here(settings: Settings, store: Store) -> Ward:
    return ward(settings, store)


def audited(admin: psycopg.Connection, action: str) -> int:
    row = admin.execute("select count(*) from records.audit where action = %s", [action]).fetchone()
    assert row is not None
    return int(row[0])


# --- what it shows


def test_what_happened_is_told_in_order_with_what_nobody_recorded(here: Ward) -> None:
    here.hold("A", admitted_at="2025-09-01 10:15", discharge_date="2025-09-09", procedure_date="2025-09-02")
    here.review(
        "A", assessed_at="2025-09-01 13:30", first_dose_within_14_hours="not_recorded", doses_missed_avoidably=""
    )
    words = words_of(here.nurse.get(here.path("A")))
    story = words.partition("What happened")[2].partition("What is recorded")[0]
    order = ["Admitted 1 September 2025, 10:15", "Risk assessment : done, within 14 hours 1 September 2025, 13:30",
             "Operation 2 September 2025", "Discharged 9 September 2025", "Clot diagnosed : Deep vein thrombosis"]  # fmt: skip
    places = [story.index(each) for each in order]
    assert places == sorted(places)
    assert "Death within 90 days: no" in story
    assert "Not recorded: First dose, Doses missed avoidably." in story


def test_what_is_recorded_is_shown_in_words_and_what_identifies_is_not(here: Ward) -> None:
    here.hold("A", nhs_number=nhs_number(5), ward="Ward 12")
    page = here.nurse.get(here.path("A"))
    words = words_of(page)
    for said in ("NHS number Held, not shown", "Date of birth Held, not shown", "Ward Held, not shown", "Sex Female",
                 "Main specialty General Internal Medicine", "Where the DVT was Leg, proximal"):  # fmt: skip
        assert said in words
    for hidden in (nhs_number(5), "1951", "Ward 12"):
        assert hidden not in page.text


def test_showing_what_identifies_is_an_act_noted_and_holds_for_one_answer(
    here: Ward, admin: psycopg.Connection
) -> None:
    here.hold("A", nhs_number=nhs_number(5), ward="Ward 12")
    path = here.path("A")
    assert here.nurse.get(f"{path}/show").status_code == 405
    page = press(here.nurse, here.nurse.get(path), f"{path}/show")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    words = words_of(page)
    for shown in (nhs_number(5), "12 April 1951", "Ward 12"):
        assert shown in words
    after = here.nurse.get(path)
    assert nhs_number(5) not in after.text
    assert "Identifiers shown" in words_of(after)
    assert audited(admin, "identifiers shown") == 1
    assert chain_holds(here.house.store, here.house.settings, here.place.tenant)


def test_versions_tell_who_changed_what_through_which_door(here: Ward) -> None:
    here.hold("A", ward="Ward 12")
    edit = f"{here.path('A')}/edit"
    press(here.nurse, here.nurse.get(edit), edit, sex="male", opt_out_screened="true", wants="save")
    page = here.nurse.get(here.path("A"))
    words = words_of(page)
    assert "Case, version 2" in words
    assert "By Nurse, through the form. " in words
    assert "Sex Before Female After Male" in words.replace("\xa0", "") or "Female" in words
    assert "Case, version 1" in words


def test_readers_are_told_day_by_day(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    for _ in range(3):
        here.nurse.get(here.path("A"))
    second = here.browser("second")
    words = words_of(second.get(here.path("A")))
    assert "Nurse" in words.partition("Who looked")[2]
    assert "Case read" in words
    assert audited(admin, "case read") == 4


def test_findings_that_stand_lead_to_their_questions(here: Ward) -> None:
    here.hold("A", confirmation="clinical_only")
    page = here.nurse.get(here.path("A"))
    assert "What the rules say of it" in words_of(page)
    assert f'href="{here.path("A")}/edit#confirmation"' in page.text


def test_other_cases_of_the_same_person_are_named(here: Ward) -> None:
    here.hold("A", nhs_number=nhs_number(5))
    here.hold("B", nhs_number=nhs_number(5), admission_date="2025-03-01", discharge_date="2025-03-04",
              diagnosis_date="2025-03-20")  # fmt: skip
    assert here.path("B") in here.nurse.get(here.path("A")).text


def test_text_with_markup_is_text(here: Ward) -> None:
    name = "<b>A&amp;</b>"
    here.hold(name)
    page = here.nurse.get(here.path(name))
    assert name not in page.text
    assert "&lt;b&gt;A&amp;amp;&lt;/b&gt;" in page.text


# --- whom it is shown to


def test_a_case_of_another_trust_is_as_one_that_is_not_there(here: Ward) -> None:
    here.hold("A")
    here.take_in("A")
    other = here.browser("other", Role.TRUST_LEAD, THEIRS)
    absent = other.get("/trust/cases/00000000-0000-4000-8000-000000000000")
    token = form_in(other.get("/trust/cases/new"), "/trust/cases/new")["form_token"]
    for path in ("", "/edit", "/withdraw"):
        answer = other.get(here.path("A") + path)
        assert (answer.status_code, answer.content) == (404, absent.content), path
    for path in ("/show", "/move", "/assign", "/due", "/withdraw", "/restore", "/edit", "/draft", "/discard"):
        fields = {"form_token": token, "seen": "confirmed", "to": "rca_open", "person": "nobody"}
        fields |= {"withdraw_reason": "duplicate"}
        answer = other.post(here.path("A") + path, data=fields)
        assert (answer.status_code, answer.content) == (404, absent.content), path
    assert "Case A" in words_of(here.nurse.get(here.path("A")))


def test_who_may_only_read_sees_no_way_to_change_and_finds_none(here: Ward) -> None:
    here.hold("A")
    reader = here.browser("uploader", Role.TRUST_UPLOADER)
    page = reader.get(here.path("A"))
    assert page.status_code == 200
    for absent in ("Move the case", "Change the case", "Withdraw the case", "Give it to"):
        assert absent not in words_of(page)
    assert reader.get(f"{here.path('A')}/edit").status_code == 404
    assert reader.get("/trust/cases/new").status_code == 404


def test_a_successor_s_people_finish_the_cases_of_what_was_merged_into_it(here: Ward) -> None:
    here.hold("Y-1", code="RA4", admission_date="2022-09-01", discharge_date="2022-09-09", diagnosis_date="2022-09-20")
    heir = here.browser("heir", Role.VTE_NURSE, "RH5")
    found = re.search(r'href="(/trust/cases/[0-9a-f-]{36})"', heir.get("/trust/cases").text)
    assert found is not None
    page = heir.get(found[1])
    assert "Yeovil Hospital (RA4)" in words_of(page)
    moved = press(heir, page, f"{found[1]}/move", to="rca_open")
    assert moved.status_code == 303, words_of(moved)
    assert "Review open" in words_of(heir.get(found[1]))
    given = press(heir, heir.get(found[1]), f"{found[1]}/assign", person=_person(heir.get(found[1]).text, "Heir"))
    assert given.status_code == 303
    assert "With Heir" in words_of(heir.get(found[1]))


def _person(page: str, name: str) -> str:
    found = re.search(rf'<option value="([0-9a-f-]{{36}})"[^>]*>{name}', page)
    assert found is not None
    return found[1]


# --- what is done


def test_a_case_is_moved_with_its_reason(here: Ward) -> None:
    here.hold("A")
    path = here.path("A")
    page = here.nurse.get(path)
    for words in ("Begin the review", "Not confirmed after all", "Not hospital-associated"):
        assert words in words_of(page)
    missing = press(here.nurse, page, f"{path}/move", to="suspected")
    assert missing.status_code == 422
    assert "Enter the reason" in words_of(missing)
    assert re.search(r'value="suspected"[^>]* checked', missing.text)
    moved = press(here.nurse, page, f"{path}/move", to="suspected", reason="Read <b>again</b>")
    assert moved.status_code == 303, words_of(moved)
    after = here.nurse.get(moved.headers["location"])
    assert "The case was moved." in words_of(after)
    assert "Moved from “confirmed HAT” to “suspected”" in words_of(after)
    assert "Read &lt;b&gt;again&lt;/b&gt;" in after.text


def test_a_state_that_is_no_longer_allowed_is_told_and_nothing_is_lost(here: Ward) -> None:
    here.hold("A")
    path = here.path("A")
    old = here.nurse.get(path)
    second = here.browser("second")
    assert press(second, second.get(path), f"{path}/move", to="rca_open").status_code == 303
    late = press(here.nurse, old, f"{path}/move", to="suspected", reason="What I wrote")
    assert late.status_code == 409
    assert "it was confirmed HAT when you opened the page. Nothing was changed." in words_of(late)
    assert form_in(late, f"{path}/move")["reason"] == "What I wrote"
    assert "Ask the consultant Sends nothing: it says that you asked by letter or in person." in words_of(late)
    long = press(here.nurse, late, f"{path}/move", to="not_hat", reason="w" * 100_000)
    assert long.status_code == 422
    assert "w" * 100_000 in long.text


def test_the_same_move_sent_twice_is_made_once(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    path = here.path("A")
    page = here.nurse.get(path)
    answers = [press(here.nurse, page, f"{path}/move", to="rca_open") for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    row = admin.execute("select count(*) from records.case_event where what = 'moved'").fetchone()
    assert row == (1,)


def test_what_is_not_hat_counts_no_more_and_comes_back_with_its_case(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    path = here.path("A")
    page = here.nurse.get(path)
    refused = press(here.nurse, page, f"{path}/move", to="not_hat")
    assert "Enter the reason" in words_of(refused)
    answers = [press(here.nurse, page, f"{path}/move", to="not_hat", reason="There on admission") for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303], words_of(answers[-1])
    record = "select withdraw_reason, withdrawn_at is null from records.case_record"
    assert admin.execute(record).fetchone() == ("not_hat", False)
    words = words_of(here.nurse.get(path))
    assert "There on admission" in words
    assert "A" not in words_of(here.nurse.get("/trust/worklist")).partition("Worklist")[2].split()
    back = press(here.nurse, here.nurse.get(path), f"{path}/move", to="confirmed", reason="It was not after all")
    assert back.status_code == 303, words_of(back)
    assert admin.execute(record).fetchone() == (None, True)
    assert "Confirmed HAT" in words_of(here.nurse.get(path))


def test_a_case_is_withdrawn_and_brought_back(here: Ward, admin: psycopg.Connection) -> None:
    here.hold("A")
    here.take_in("A")
    path = here.path("A")
    ask = here.nurse.get(f"{path}/withdraw")
    assert press(here.nurse, ask, f"{path}/withdraw").status_code == 422
    done = [press(here.nurse, ask, f"{path}/withdraw", withdraw_reason="duplicate") for _ in range(2)]
    assert [each.status_code for each in done] == [303, 303]
    page = here.nurse.get(path)
    assert "This case is withdrawn: Same event as another case." in words_of(page)
    assert here.nurse.get(f"{path}/edit").status_code == 409
    assert path not in here.nurse.get("/trust/worklist").text
    back = press(here.nurse, page, f"{path}/restore")
    assert back.status_code == 303, words_of(back)
    assert path in here.nurse.get("/trust/worklist").text
    assert admin.execute("select max(version) from records.case_version").fetchone() == (3,)


def test_what_a_patient_wished_away_is_not_brought_back(here: Ward) -> None:
    here.hold("A")
    path = here.path("A")
    press(here.nurse, here.nurse.get(f"{path}/withdraw"), f"{path}/withdraw", withdraw_reason="objection")
    page = here.nurse.get(path)
    assert "Bring it back" not in words_of(page)
    token = form_in(page, f"{path}/show")["form_token"]
    assert here.nurse.post(f"{path}/restore", data={"form_token": token}).status_code == 409


def test_a_case_is_given_to_somebody_and_gets_a_date(here: Ward) -> None:
    here.hold("A")
    path = here.path("A")
    page = here.nurse.get(path)
    given = press(here.nurse, page, f"{path}/assign", person=_person(page.text, "Nurse"))
    assert given.status_code == 303
    wrong = press(here.nurse, page, f"{path}/due", **{"due-day": "31", "due-month": "2", "due-year": "2026"})
    assert wrong.status_code == 422
    assert "Enter a date" in words_of(wrong)
    dated = press(here.nurse, page, f"{path}/due", **{"due-day": "3", "due-month": "3", "due-year": "2031"})
    assert dated.status_code == 303
    words = words_of(here.nurse.get(path))
    assert "With Nurse" in words
    assert "Due 3 March 2031" in words
    assert press(here.nurse, page, f"{path}/assign", person="nonsense").status_code == 422
    assert press(here.nurse, page, f"{path}/assign", person="00000000-0000-4000-8000-000000000000").status_code == 409


# --- queries


class Heard:
    """Every statement that goes to the database, but for those that open a transaction for its tenants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        execute = psycopg.Cursor.execute

        def heard(cursor: psycopg.Cursor[Any], query: Any, *given: Any, **more: Any) -> Any:
            text = query.decode() if isinstance(query, bytes) else str(query)
            if "app.ctx" not in text and "epoch from now()" not in text:
                self.statements.append(text)
            return execute(cursor, query, *given, **more)

        monkeypatch.setattr(psycopg.Cursor, "execute", heard)

    def of(self, browser: TestClient, path: str, status: int = 200) -> int:
        """How many statements a page takes."""
        self.statements.clear()
        assert browser.get(path).status_code == status
        return len(self.statements)


def test_a_page_asks_few_questions_however_much_there_is(here: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    here.hold("A")
    here.take_in("A")
    edit = f"{here.path('A')}/edit"
    pages = (here.path("A"), edit, "/trust/worklist", "/trust/cases", "/trust/cases/new")
    heard = Heard(monkeypatch)
    before = {path: heard.of(here.nurse, path) for path in pages}
    assert max(before.values()) <= 10
    many = [f"B{number:02d}" for number in range(30)]
    here.hold(*many)
    here.take_in(*many)
    for sex in ("male", "female", "male"):
        press(here.nurse, here.nurse.get(edit), edit, sex=sex, opt_out_screened="true", wants="save")
    here.browser("second").get(here.path("A"))
    assert {path: heard.of(here.nurse, path) for path in pages} == before
