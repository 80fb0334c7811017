"""Reviews on paper and their actions: what stands in the report and the letters, what never does, and what is done about it."""

import re
from uuid import UUID, uuid4

import psycopg
import pytest

from registry.access import Role
from registry.cases.number import case_number
from registry.settings import Settings
from registry.store import Store
from tests.registry.web.reviewing import CARE, FINDINGS, Team, again, all_in, errors, href, send, team
from tests.registry.web.visitors import words_of

ACTION = {"what": "Teach ward 7", "owner_role": "ward_manager", "due_on": "2026-03-01", "themes": "missed_doses"}


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Team:
    return team(settings, store, admin)


@pytest.fixture
def case(here: Team) -> UUID:
    made = here.case()
    send(here.nurse, href(made), {"response_type": "mdt"}, action=f"{href(made)}/begin")
    send(here.nurse, f"{href(made)}/care", CARE)
    send(
        here.nurse,
        f"{href(made)}/findings",
        {**FINDINGS, "candour_threshold_met": "yes", "candour_told_on": "2026-01-10"},
    )
    return made


# --- on paper


def test_the_report_has_the_registry_s_number_and_the_whole_review(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    page = here.nurse.get(f"{href(case)}/report")
    all_in(
        words_of(page),
        [case_number(case), "CASE-A", "Inadequate prophylaxis", "Doses missed avoidably",
         "Why doses were missed Not signed for; Refused by the patient", "Teach ward 7", "Ward manager",
         FINDINGS["learning_point"], "University College Trust", "Name", "NHS number or hospital number"],
    )  # fmt: skip
    for hid in ("1951", "999 ", "9990"):
        assert hid not in words_of(page)


def test_the_report_is_a_pdf_too(here: Team, case: UUID) -> None:
    answer = here.nurse.get(f"{href(case)}/report.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    assert f'filename="review-{case_number(case)}.pdf"' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_letters_are_filled_in_without_sending_anything(here: Team, case: UUID) -> None:
    before = contents_of(here)
    for name, said in (
        (
            "candour",
            ["We are sorry", "We told you about this on 10 January 2026", "Regulation 20", "learning response"],
        ),
        ("consultant", ["within 21 days", "Was prophylaxis adequate", "Admission of the index stay"]),
    ):
        page = here.nurse.get(f"{href(case)}/letters/{name}")
        all_in(words_of(page), [*said, case_number(case), "it is not sent, stored or noted anywhere"])
        assert "<form" not in page.text
        assert "name=" not in page.text.replace('<meta name="viewport"', "")
        assert page.headers["cache-control"] == "no-store"
    assert contents_of(here) == before


def contents_of(here: Team) -> list[tuple[object, ...]]:
    """Everything of the trust but the audit log, which notes that the review was read."""
    tables = here.admin.execute(
        "select tablename from pg_tables where schemaname = 'records' and tablename <> 'audit' order by 1"
    ).fetchall()
    return [
        row
        for (name,) in tables
        for row in here.admin.execute(f"select '{name}', t::text from records.{name} t order by 2").fetchall()
    ]


def test_a_welsh_board_s_letters_speak_of_its_own_law(here: Team, case: UUID) -> None:
    here.admin.execute("update records.case_record set attributed_id = %s", [here.house.ids["7A4"]])
    words = words_of(here.nurse.get(f"{href(case)}/letters/candour"))
    all_in(words, ["Quality and Engagement", "root cause analysis"])
    assert "Regulation 20" not in words


def test_no_letter_says_how_harmful_the_clot_was(here: Team, case: UUID) -> None:
    for name in ("report", "letters/candour", "letters/consultant"):
        words = words_of(here.nurse.get(f"{href(case)}/{name}")).lower()
        for harm in ("moderate harm", "severe harm", "harm: moderate", "physical harm"):
            assert harm not in words


# --- actions


def test_an_action_is_added_changed_and_done(here: Team, case: UUID) -> None:
    answer = send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    assert answer.headers["location"] == f"{href(case)}?done=action#actions"
    assert here.recorded(case)["actions"] == 1
    all_in(words_of(here.nurse.get(href(case))), ["Teach ward 7", "Ward manager", "1 March 2026"])
    row = here.admin.execute("select id from records.action").fetchone()
    assert row is not None
    path = f"{href(case)}/actions/{row[0]}"
    send(here.nurse, path, {**ACTION, "what": "Teach ward 8"}, then="change")
    assert "Teach ward 8" in words_of(here.nurse.get("/trust/actions"))
    undone = send(here.nurse, path, {"evidence": "", "done_on": "2099-01-01"}, then="done")
    assert (undone.status_code, errors(undone)) == (422, ["done_on", "evidence"])
    send(here.nurse, path, {"evidence": "Register of those taught", "done_on": "2026-01-20"}, then="done")
    assert "Nothing is to be done" in words_of(here.nurse.get("/trust/actions"))
    all_in(
        words_of(here.nurse.get("/trust/actions?done=yes")),
        ["Teach ward 8", "Register of those taught", "Doses missed avoidably"],
    )


def test_a_dropped_action_is_not_counted(here: Team, case: UUID) -> None:
    for _ in range(2):
        send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    assert here.recorded(case)["actions"] == 2
    row = here.admin.execute("select id from records.action limit 1").fetchone()
    assert row is not None
    send(here.nurse, f"{href(case)}/actions/{row[0]}", {}, then="drop")
    assert here.recorded(case)["actions"] == 1
    assert here.nurse.get(f"{href(case)}/actions/{row[0]}").status_code == 404


def test_faults_of_an_action_stand_at_its_boxes_with_what_was_typed(here: Team, case: UUID) -> None:
    bad = {"what": "<b>Bold</b>", "owner_role": "", "due_on-day": "31", "due_on-month": "2", "due_on-year": "2026"}
    answer = send(here.nurse, href(case), bad, action=f"{href(case)}/actions")
    assert (answer.status_code, set(errors(answer))) == (422, {"owner_role", "due_on"})
    assert "<b>Bold" not in answer.text
    assert "&lt;b&gt;Bold" in answer.text
    long = send(here.nurse, href(case), {**ACTION, "what": "w" * 100_000}, action=f"{href(case)}/actions")
    assert (long.status_code, errors(long)) == (422, ["what"])
    assert "w" * 100_000 in long.text


def test_what_was_done_about_the_same_stands_beside_a_ticked_shortcoming(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    row = here.admin.execute("select id from records.action").fetchone()
    assert row is not None
    send(
        here.nurse,
        f"{href(case)}/actions/{row[0]}",
        {"evidence": "Audit of March", "done_on": "2026-01-20"},
        then="done",
    )
    second = here.case(name="CASE-B")
    send(here.nurse, href(second), {"response_type": "mdt"}, action=f"{href(second)}/begin")
    assert "Teach ward 7" not in here.nurse.get(f"{href(second)}/findings").text
    send(here.nurse, f"{href(second)}/findings", FINDINGS)
    all_in(
        words_of(here.nurse.get(f"{href(second)}/findings")),
        ["Done before about the same", "Teach ward 7", "Audit of March"],
    )
    piece = here.nurse.get(f"{href(second)}/beside?themes=missed_doses|<b>")
    assert "Teach ward 7" in piece.text
    assert "<html" not in piece.text
    assert "Teach ward 7" not in here.nurse.get(f"{href(second)}/beside?themes=mechanical").text


def test_another_trust_s_actions_are_not_there(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    row = here.admin.execute("select id from records.action").fetchone()
    assert row is not None
    elsewhere = here.browser("elsewhere", Role.TRUST_LEAD, "RH5")
    assert "Teach ward 7" not in elsewhere.get("/trust/actions").text
    assert elsewhere.get(f"{href(case)}/actions/{row[0]}").status_code == 404
    other = here.case(name="CASE-B")
    assert here.nurse.get(f"{href(other)}/actions/{row[0]}").status_code == 404
    assert here.nurse.get(f"{href(case)}/actions/{uuid4()}").status_code == 404


def test_actions_of_one_of_several_organisations(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    both = here.house.signed_in(here.house.person("both", (Role.VTE_NURSE, "RRV"), (Role.VTE_NURSE, "RH5")))
    for path, seen in (("", 1), ("?organisation=RRV", 1), ("?organisation=RH5", 0)):
        assert both.get(f"/trust/actions{path}").text.count("Teach ward 7") == seen, path
    assert both.get("/trust/actions?organisation=7A4").status_code == 404


def test_an_action_added_in_another_window_is_in_nobody_s_way(here: Team, case: UUID) -> None:
    page = here.nurse.get(f"{href(case)}/findings")
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    answer = again(here.nurse, page, {**FINDINGS, "learning_point": "Changed"}, action=f"{href(case)}/findings")
    assert answer.status_code == 303, words_of(answer)
    recorded = here.recorded(case)
    assert recorded["actions"] == 1


def test_a_form_sent_twice_is_one_action(here: Team, case: UUID) -> None:
    page = here.nurse.get(href(case))
    for _ in range(2):
        answer = again(here.nurse, page, ACTION, action=f"{href(case)}/actions")
        assert answer.status_code == 303
    assert here.recorded(case)["actions"] == 1
    assert here.admin.execute("select count(*) from records.audit where action = 'action added'").fetchone() == (1,)


def test_of_two_who_change_an_action_the_second_sees_what_it_says_now_and_loses_nothing(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    row = here.admin.execute("select id from records.action").fetchone()
    assert row is not None
    path = f"{href(case)}/actions/{row[0]}"
    mine = here.nurse.get(path)
    lead = here.browser("lead", Role.TRUST_LEAD)
    send(lead, path, {**ACTION, "what": "Teach ward 8"}, then="change")
    typed = {**ACTION, "what": "Teach <b>ward 9</b>"}
    stale = again(here.nurse, mine, typed, action=path, then="change")
    assert stale.status_code == 409
    all_in(
        words_of(stale), ["Somebody else has changed this action", "It says now: Teach ward 8", "Teach <b>ward 9</b>"]
    )
    assert "<b>ward" not in stale.text
    for _ in range(2):
        assert again(here.nurse, stale, typed, action=path, then="change").status_code == 303
    assert "Teach <b>ward 9</b>" in words_of(here.nurse.get("/trust/actions"))
    assert here.admin.execute("select count(*) from records.audit where action = 'action changed'").fetchone() == (2,)
    open_still = here.nurse.get(path)
    send(lead, path, {"evidence": "Register", "done_on": "2026-01-20"}, then="done")
    done = again(
        here.nurse, open_still, {"evidence": "Minutes of May", "done_on": "2026-01-21"}, action=path, then="done"
    )
    assert done.status_code == 409
    all_in(words_of(done), ["This action is done already", "Register", "You had typed: Minutes of May"])


def test_a_fault_of_what_shows_it_leaves_the_action_as_it_stands(here: Team, case: UUID) -> None:
    send(here.nurse, href(case), ACTION, action=f"{href(case)}/actions")
    row = here.admin.execute("select id from records.action").fetchone()
    assert row is not None
    path = f"{href(case)}/actions/{row[0]}"
    undone = send(here.nurse, path, {"evidence": "", "done_on": "2026-01-20"}, then="done")
    assert undone.status_code == 422
    assert re.search(r'value="missed_doses"[^>]*checked', undone.text)
