"""One record on a form: what is saved is checked as a file is, two people at once lose nothing, a form sent twice is saved once."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from registry import cases
from registry.access import Actor, Kind, Role
from registry.cases import drafts, online, states
from registry.cases.desk import events
from registry.cases.online import Faulty, Form, Saved, Stale, Unconfirmed, save
from registry.errors import BadRequest, Forbidden, PayloadTooLarge, Unprocessable
from registry.settings import Settings
from registry.store import Store
from registry.submissions.request import Record
from schemas.record import RecordKind
from tests.make import nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import actions, chain_holds
from tests.registry.submissions.make import keys, send

CASE, RCA = RecordKind.CASE, RecordKind.RCA


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    return place(settings.model_copy(update={"demo": True}), store)


def _form(text: Mapping[str, str], base: int = 0, kind: RecordKind = CASE, **more: Any) -> Form:
    asked = {name: value for name, value in text.items() if name != "local_case_id"}
    form = Form(kind=kind, key="A", text=asked, base_version=base, once=uuid4().hex, opt_out_screened=True)
    return replace(form, **more)


def _save(here: Place, form: Form, by: Actor | None = None) -> Saved | Stale | Faulty:
    secrets = keys(here.settings)
    return save(here.store, here.tenant, form, secrets=secrets, settings=here.settings, by=by or here.nurse, at=AT)


def _saved(here: Place, form: Form, by: Actor | None = None) -> Saved:
    done = _save(here, form, by)
    assert isinstance(done, Saved), done
    return done


def _text(here: Place, kind: RecordKind = CASE, key: str = "A") -> Mapping[str, str]:
    with here.desk() as desk:
        return online.current(desk, kind, key).text


def _filled(row: Mapping[str, str], **changes: str) -> dict[str, str]:
    return {name: value for name, value in {**row, **changes}.items() if value}


# --- read and saved


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (CASE, valid_case(ward="Ward 7", admitted_at="2025-09-01 10:05", nhs_number=nhs_number(7))),
        (RCA, valid_rca(learning_point="Two lines\nof it", weight_kg="70.5", first_dose_at="2025-09-01 20:00")),
    ],
)
def test_a_form_holds_what_was_saved_word_for_word(here: Place, kind: RecordKind, row: dict[str, str]) -> None:
    if kind is RCA:
        _saved(here, _form(valid_case()))
    done = _saved(here, _form(row, kind=kind))
    assert (done.version, done.did, done.again) == (1, Record.NEW, False)
    with here.desk() as desk:
        held = online.current(desk, kind, "A")
    assert held.text == _filled(row, local_case_id="A")
    assert (held.version, held.record_id, held.withdrawn) == (1, done.record_id, False)
    assert done.case_id == here.case("A")


def test_what_is_not_there_is_a_new_record(here: Place) -> None:
    with here.desk() as desk:
        held = online.current(desk, CASE, "A")
    assert (held.version, held.record_id, held.text) == (0, None, {})


def test_a_month_s_return_is_a_form_too_for_those_who_submit(here: Place) -> None:
    month = {name: value for name, value in valid_activity().items() if name != "month"}
    form, uploader = _form(month, kind=RecordKind.ACTIVITY, key="2025-09"), here.person("uploader", Role.TRUST_UPLOADER)
    assert _saved(here, form, uploader).version == 1
    assert _text(here, RecordKind.ACTIVITY, "2025-09") == _filled(month, month="2025-09")
    changed = replace(form, text={"medical_overnight": "7"}, base_version=1, once="another")
    assert _saved(here, changed).version == 2


def test_a_form_changes_what_it_asks_and_leaves_the_rest(here: Place) -> None:
    _saved(here, _form(valid_case(ward="Ward 7")))
    done = _saved(here, _form({"sex": " male ", "discharge_date": "10/09/2025"}, base=1))
    assert (done.version, done.did) == (2, Record.CHANGED)
    before = _filled(valid_case(ward="Ward 7"), local_case_id="A")
    assert _text(here) == before | {"sex": "male", "discharge_date": "2025-09-10"}
    done = _saved(here, _form({"ward": "  "}, base=2))
    assert "ward" not in _text(here)


def test_saving_what_stands_writes_no_version(here: Place) -> None:
    _saved(here, _form(valid_case()))
    done = _saved(here, _form(valid_case(), base=1))
    assert (done.version, done.did) == (1, Record.UNCHANGED)


def test_faults_are_those_of_a_file_by_field_and_nothing_is_kept(here: Place, admin: psycopg.Connection) -> None:
    done = _save(here, _form(valid_case(sex="", discharge_date="2025-08-01", ward="<b>" * 100)))
    assert isinstance(done, Faulty)
    assert {"sex", "discharge_date", "ward"} <= set(done.by_field)
    assert admin.execute("select count(*) from records.submission").fetchone() == (0,)
    mended = _saved(here, _form(valid_case()))
    assert mended.findings == ()


def test_warnings_come_with_what_was_saved(here: Place) -> None:
    _saved(here, _form(valid_case()))
    done = _saved(here, _form(valid_rca(learning_point="Ask nurse@example.nhs.uk"), kind=RCA))
    assert [each.field for each in done.findings] == ["learning_point"]


def test_the_receipt_holds_and_the_log_says_who(here: Place, store: Store, admin: psycopg.Connection) -> None:
    _saved(here, _form(valid_case()))
    row = admin.execute("select door, format, state, actor, rows, new, gained from records.submission").fetchone()
    assert row == ("form", "form", "accepted", here.nurse.label, 1, 1, 1)
    assert "submission accepted" in actions(admin, here.tenant)
    assert chain_holds(store, here.settings, here.tenant)


def test_a_case_entered_online_is_worked_on_at_once(here: Place) -> None:
    done = _saved(here, _form(valid_case()))
    assert done.case_id is not None
    with here.desk() as desk:
        assert states.of(desk.connection, here.tenant, done.case_id).taken_in
        assert [each.what for each in events(desk, done.case_id)] == ["saved"]


def test_warnings_may_have_to_be_confirmed_first(here: Place, admin: psycopg.Connection) -> None:
    _saved(here, _form(valid_case()))
    form = _form(valid_rca(learning_point="Ask nurse@example.nhs.uk"), kind=RCA, confirmed=frozenset())
    told = _save(here, form)
    assert isinstance(told, Unconfirmed)
    assert list(told.by_field) == ["learning_point"]
    assert admin.execute("select count(*) from records.rca_record").fetchone() == (0,)
    again = replace(form, confirmed=frozenset(each.rule for each in told.findings))
    assert _saved(here, again).version == 1
    faulty = _save(here, _form({"category": "nonsense"}, base=1, kind=RCA, confirmed=frozenset()))
    assert type(faulty) is Faulty


# --- withdrawn and brought back


def _work(here: Place) -> tuple[str, list[tuple[str, str | None]]]:
    with here.desk() as desk:
        told = [(each.what, each.words) for each in events(desk, here.case("A")) if each.what != "saved"]
        return states.of(desk.connection, here.tenant, here.case("A")).state.value, told


def test_a_case_found_to_be_none_leaves_the_worklist_and_comes_back(here: Place, store: Store) -> None:
    _saved(here, _form(valid_case()))
    with pytest.raises(Unprocessable):
        _save(here, _form({"withdraw_reason": "not_hat"}, base=1))
    done = _saved(here, _form({"withdraw_reason": "not_hat"}, base=1, reason="There on admission"))
    assert done.did is Record.WITHDRAWN
    assert _work(here) == ("not_hat", [("moved", "There on admission")])
    _saved(here, _form({"withdraw_reason": ""}, base=2, reason="It was not"))
    assert _work(here) == ("confirmed", [("moved", "There on admission"), ("begun again", "It was not")])
    assert cases.take_in_work(store, keys(here.settings), here.settings, AT) == {"taken_in": 0, "moved": 0}


@pytest.mark.parametrize("why", ["entered_in_error", "duplicate", "opt_out", "objection"])
def test_a_case_that_is_withdrawn_is_closed_at_once(here: Place, why: str) -> None:
    _saved(here, _form(valid_case()))
    _saved(here, _form({"withdraw_reason": why}, base=1))
    assert _work(here) == ("closed", [("withdrawn", None)])


# --- two at once, twice, and what is no answer


def test_the_second_of_two_is_shown_the_difference_and_loses_nothing(here: Place) -> None:
    _saved(here, _form(valid_case()))
    _saved(here, _form({"sex": "male", "discharge_date": "2025-09-10"}, base=1))
    stale = _save(
        here, _form({"sex": "indeterminate", "discharge_date": "2025-09-09", "main_specialty": "320"}, base=1)
    )
    assert isinstance(stale, Stale)
    told = {each.field: (each.base, each.theirs, each.mine, each.clash) for each in stale.differing}
    assert told == {
        "sex": ("female", "male", "indeterminate", True),
        "discharge_date": ("2025-09-09", "2025-09-10", "2025-09-09", False),
        "main_specialty": ("300", "300", "320", False),
    }
    assert stale.held.version == 2
    chosen = {name: stale.merged[name] for name in ("sex", "discharge_date", "main_specialty")}
    assert chosen == {"sex": "indeterminate", "discharge_date": "2025-09-10", "main_specialty": "320"}
    assert _saved(here, _form(stale.merged, base=2)).version == 3


def test_a_new_record_under_a_number_that_is_taken_is_stale(here: Place) -> None:
    _saved(here, _form(valid_case()))
    stale = _save(here, _form(valid_case(sex="male")))
    assert isinstance(stale, Stale)
    assert [each.field for each in stale.differing] == ["sex"]


def test_of_two_who_save_at_the_same_moment_one_is_stale(here: Place) -> None:
    _saved(here, _form(valid_case()))
    done: list[Saved | Stale | Faulty] = []
    forms = [_form({"sex": sex}, base=1) for sex in ("male", "indeterminate", "not_recorded")]
    threads = [Thread(target=lambda form=form: done.append(_save(here, form))) for form in forms]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(type(each).__name__ for each in done) == ["Saved", "Stale", "Stale"]
    with here.desk() as desk:
        assert online.current(desk, CASE, "A").version == 2


def test_a_form_sent_twice_is_saved_once(here: Place, admin: psycopg.Connection) -> None:
    form = _form(valid_case())
    first, again = _saved(here, form), _saved(here, form)
    assert again == replace(first, again=True)
    change = _form({"sex": "male"}, base=1)
    assert [_saved(here, change).version, _saved(here, change).version] == [2, 2]
    assert admin.execute("select count(*) from records.case_version").fetchone() == (2,)


def test_a_form_mended_under_the_same_number_is_another_request(here: Place) -> None:
    form = _form(valid_case(sex=""))
    assert isinstance(_save(here, form), Faulty)
    assert _saved(here, replace(form, text=_form(valid_case()).text)).version == 1


def test_what_is_no_answer_is_refused_in_words(here: Place) -> None:
    with pytest.raises(BadRequest, match="longer than 100,000 characters"):
        _save(here, _form(valid_case(ward="x" * 100_001)))
    with pytest.raises(BadRequest, match="not in the dataset"):
        _save(here, _form({"nobody_asked": "x"}))
    long = _save(here, _form(valid_case(ward="x" * 100_000)))
    assert isinstance(long, Faulty)


def test_who_may_not_edit_saves_nothing(here: Place) -> None:
    uploader = here.person("uploader", Role.TRUST_UPLOADER)
    elsewhere = here.person("elsewhere", Role.VTE_NURSE, "RH5")
    role = frozenset({Role.CONSULTANT_REVIEWER})
    consultant = Actor(Kind.PERSON, uuid4(), "", role, {here.tenant: role})
    for somebody in (uploader, elsewhere, consultant):
        with pytest.raises(Forbidden):
            _save(here, _form(valid_case()), somebody)
    _saved(here, _form(valid_case()))
    assert _saved(here, _form(valid_rca(), kind=RCA), consultant).version == 1


def test_a_form_is_saved_while_a_file_waits(here: Place, admin: psycopg.Connection) -> None:
    """Whatever the file says later, what was entered online stands."""
    send(here.store, here.settings, here.tenant, [valid_case(local_case_id="B")])
    admin.execute("update records.submission set state = 'received'")
    assert _saved(here, _form(valid_case())).version == 1


# --- drafts


def test_a_draft_is_its_writer_s_own_and_sealed(here: Place, admin: psycopg.Connection) -> None:
    colleague = here.person("colleague")
    with here.desk() as desk:
        assert drafts.find(desk, RCA, "A") is None
        drafts.keep(desk, RCA, "A", {"learning_point": "Half a sent"}, 3)
        drafts.keep(desk, RCA, "A", {"learning_point": "Half a sentence"}, 3)
        found = drafts.find(desk, RCA, "A")
        assert found == drafts.Draft({"learning_point": "Half a sentence"}, 3, AT)
        assert drafts.find(desk, CASE, "A") is None
    with here.desk(colleague) as desk:
        assert drafts.find(desk, RCA, "A") is None
    held = admin.execute("select answers_ct from records.draft").fetchall()
    assert len(held) == 1
    assert b"sentence" not in held[0][0]
    with here.desk() as desk:
        drafts.drop(desk, RCA, "A")
        assert drafts.find(desk, RCA, "A") is None


def test_a_draft_has_its_limit(here: Place) -> None:
    with here.desk() as desk:
        drafts.keep(desk, RCA, "A", {"learning_point": "x" * 100_000}, 0)
        with pytest.raises(PayloadTooLarge):
            drafts.keep(desk, RCA, "A", {"learning_point": "x" * 600_000}, 0)
