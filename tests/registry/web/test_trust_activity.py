"""The grid of twelve months: typed or pasted, checked like a file, never over what somebody else has stored unseen."""

import re

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from registry.submissions.monthly import COUNTS
from tests.make import cases, csv_bytes, valid_activity
from tests.registry.submissions.make import send as send_file
from tests.registry.web.programs import screened
from tests.registry.web.test_forms import Browser
from tests.registry.web.test_trust import count
from tests.registry.web.visitors import House, house, token_of, words_of

PAGE = "/trust/activity?from=2025-03"
FULL = dict.fromkeys(COUNTS, "12")


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def manager(full: House) -> TestClient:
    return full.signed_in(full.person("manager", (Role.TRUST_UPLOADER, "RRV")))


def month(key: str, **cells: str) -> dict[str, str]:
    """The boxes of one month, filled in."""
    return {f"c-{key}-{name}": value for name, value in ({"case_return": "complete"} | FULL | cells).items()}


def press(browser: TestClient, page: httpx.Response, typed: dict[str, str], do: str = "save") -> httpx.Response:
    """The page's form as a browser sends it, with what was typed, by one of its buttons."""
    form = next(each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if 'name="once"' in each)
    reader = Browser()
    reader.feed(form)
    sent = {name: str(value) for name, value in reader.sent if name} | typed | {"do": do}
    return browser.post("/trust/activity", data=sent)


def boxes(page: httpx.Response) -> dict[str, str]:
    reader = Browser()
    reader.feed(page.text)
    return {name: str(value) for name, value in reader.sent if name.startswith("c-")}


def stored(admin: psycopg.Connection) -> dict[str, tuple[str, int, str]]:
    rows = admin.execute(
        "select to_char(r.month, 'YYYY-MM'), v.case_return, v.medical_overnight, v.door from records.activity_record r "
        "join records.activity_version v on v.record_id = r.id and v.version = r.version order by 1"
    ).fetchall()
    return {key: (kind, number, door) for key, kind, number, door in rows}


def test_months_are_typed_and_stored_through_the_same_door(manager: TestClient, admin: psycopg.Connection) -> None:
    page = manager.get(PAGE)
    assert len(boxes(page)) == 12 * 28
    answer = press(manager, page, month("2025-03") | month("2025-04", medical_overnight="90", patients_audited="30"))
    assert answer.status_code == 303
    after = manager.get(answer.headers["location"])
    assert "2 months are stored" in words_of(after)
    assert boxes(after)["c-2025-04-medical_overnight"] == "90"
    assert stored(admin) == {"2025-03": ("complete", 12, "form"), "2025-04": ("complete", 90, "form")}
    row = admin.execute("select kind, format, door, mode, state from records.submission").fetchall()
    assert row == [("activity", "csv", "form", "accept-good-rows", "accepted")]


def test_only_what_changed_is_sent(manager: TestClient, admin: psycopg.Connection) -> None:
    press(manager, manager.get(PAGE), month("2025-03") | month("2025-04"))
    page = manager.get(PAGE)
    nothing = press(manager, page, {})
    assert "Nothing was changed" in words_of(nothing)
    press(manager, page, {"c-2025-04-medical_overnight": "13"})
    assert count(admin, "submission") == 2
    row = admin.execute("select rows, changed from records.submission order by received_at desc limit 1").fetchone()
    assert row == (1, 1)


def test_what_is_wrong_stands_in_the_cells_and_good_months_are_stored(
    manager: TestClient, admin: psycopg.Connection
) -> None:
    typed = month("2025-03") | month("2025-04", medical_overnight="many", surgical_no_night="")
    answer = press(manager, manager.get(PAGE), typed)
    assert answer.status_code == 422
    words = words_of(answer)
    for said in ("1 month is stored", "1 month is not", "April 2025, Medical, one night or more", "There is a problem"):
        assert said in words, said
    assert boxes(answer)["c-2025-04-medical_overnight"] == "many"
    cell = re.search(r'<input[^>]*id="c-2025-04-medical_overnight"[^>]*>', answer.text)
    assert cell is not None
    assert "nhsuk-input--error" in cell[0]
    described = re.search(r'aria-describedby="(found-\d+)"', cell[0])
    assert described is not None
    assert f'id="{described[1]}"' in answer.text
    assert list(stored(admin)) == ["2025-03"]
    mended = press(manager, answer, {"c-2025-04-medical_overnight": "7", "c-2025-04-surgical_no_night": "0"})
    assert mended.status_code == 303
    assert stored(admin)["2025-04"] == ("complete", 7, "form")


def test_the_same_fault_in_many_cells_is_told_once(manager: TestClient) -> None:
    answer = press(manager, manager.get(PAGE), {"c-2025-04-case_return": "complete"})
    words = words_of(answer)
    assert words.count("April 2025, 20 cells: This is asked for") == 2  # in the summary and in the list
    assert "Nothing is stored yet" in words
    assert answer.text.count('aria-describedby="found-1"') == 20


def test_warnings_are_shown_after_storing(manager: TestClient) -> None:
    answer = press(manager, manager.get(PAGE), month("2025-03", **dict.fromkeys(COUNTS, "0")))
    page = manager.get(answer.headers["location"])
    assert "Every count of admissions is 0" in words_of(page)
    assert "Some cells ask you to look again" in words_of(page)


def test_nil_at_one_press(full: House, manager: TestClient, admin: psycopg.Connection) -> None:
    page = manager.get(PAGE)
    empty = press(manager, page, {}, do="nil-2025-04")
    assert "fill in the admissions too" in words_of(empty)
    assert count(admin, "submission") == 0
    answer = press(
        manager, page, month("2025-04", case_return="") | {"c-2025-05-medical_overnight": "5"}, do="nil-2025-04"
    )
    assert answer.status_code == 200
    assert stored(admin) == {"2025-04": ("nil", 12, "form")}
    assert boxes(answer)["c-2025-05-medical_overnight"] == "5"
    assert press(manager, page, {}, do="nil-2031-01").status_code == 404


def test_nil_is_refused_in_words_while_cases_are_held(
    full: House, manager: TestClient, admin: psycopg.Connection
) -> None:
    send_file(full.store, full.settings, full.ids["RRV"], cases(2))
    answer = press(manager, manager.get(PAGE), month("2025-09"), do="nil-2025-09")
    assert answer.status_code == 422
    assert "cases of this month are held" in words_of(answer)
    assert boxes(answer)["c-2025-09-case_return"] == "nil"
    assert stored(admin) == {}


def test_a_paste_fills_the_page_and_stores_nothing(manager: TestClient, admin: psycopg.Connection) -> None:
    pasted = "month\tmedical_overnight\tsurgical_overnight\nMar 2025\t1,204\t7\nJan 2020\t5\t6"
    page = press(manager, manager.get(PAGE), {"paste": pasted, "c-2025-05-medical_overnight": "5"}, do="fill")
    words = words_of(page)
    assert "2 cells are filled in. Nothing is stored yet" in words
    assert "January 2020" in words
    filled = boxes(page)
    assert (filled["c-2025-03-medical_overnight"], filled["c-2025-05-medical_overnight"]) == ("1204", "5")
    assert count(admin, "submission") == 0
    unclear = press(manager, page, {"paste": "1\t2"}, do="fill")
    assert "It is not clear" in words_of(unclear)
    assert boxes(unclear)["c-2025-03-medical_overnight"] == "1204"
    long = press(manager, page, {"paste": "1" * 100_000 + "\t2", "c-2025-05-medical_overnight": "6"}, do="fill")
    assert "far more than a table of twelve months" in words_of(long)
    assert "1" * 100_000 in long.text
    assert boxes(long)["c-2025-05-medical_overnight"] == "6"


def test_a_stale_page_shows_what_stands_and_keeps_what_was_typed(
    full: House, manager: TestClient, admin: psycopg.Connection
) -> None:
    press(manager, manager.get(PAGE), month("2025-03"))
    mine = manager.get(PAGE)
    colleague = full.signed_in(full.person("colleague", (Role.VTE_NURSE, "RRV")))
    press(colleague, colleague.get(PAGE), {"c-2025-03-medical_overnight": "50"})
    stale = press(manager, mine, {"c-2025-03-medical_overnight": "60"})
    assert stale.status_code == 409
    assert "Somebody else has stored March 2025" in words_of(stale)
    assert "Now: 50" in words_of(stale)
    assert boxes(stale)["c-2025-03-medical_overnight"] == "60"
    assert stored(admin)["2025-03"][1] == 50
    assert press(manager, stale, {}).status_code == 303
    assert stored(admin)["2025-03"][1] == 60


def test_a_doubled_submit_is_one_submission(manager: TestClient, admin: psycopg.Connection) -> None:
    page = manager.get(PAGE)
    first, second = (press(manager, page, month("2025-03")) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert count(admin, "submission") == 1


def test_a_file_and_the_page_change_the_same_months(
    full: House, manager: TestClient, admin: psycopg.Connection
) -> None:
    from schemas.record import RecordKind

    send_file(full.store, full.settings, full.ids["RRV"], [valid_activity(month="2025-03")], kind=RecordKind.ACTIVITY)
    page = manager.get(PAGE)
    assert boxes(page)["c-2025-03-medical_overnight"] == "120"
    press(manager, page, {"c-2025-03-medical_overnight": "121"})
    assert stored(admin)["2025-03"] == ("complete", 121, "form")


def test_a_signed_off_month_is_not_changed_here(full: House, manager: TestClient, admin: psycopg.Connection) -> None:
    press(manager, manager.get(PAGE), month("2025-03"))
    admin.execute(
        "insert into records.sign_off (tenant_id, month, statement, signed_by) values (%s, '2025-03-01', 'complete', 'person:x')",
        (full.ids["RRV"],),
    )
    page = manager.get(PAGE)
    assert "Signed off" in words_of(page)
    assert not [name for name in boxes(page) if name.startswith("c-2025-03")]
    answer = press(manager, page, month("2025-03", medical_overnight="1"))
    assert "Nothing was changed" in words_of(answer)
    assert stored(admin)["2025-03"][1] == 12


def test_wales_is_not_asked_for_risk_assessments(full: House) -> None:
    board = full.signed_in(full.person("board", (Role.TRUST_UPLOADER, "7A4")))
    names = {name.split("-", 3)[3] for name in boxes(board.get(PAGE))}
    assert "risk_assessed" not in names
    assert "coded_candidates" in names


def test_other_organisations_and_months_that_are_none_are_absent(full: House, manager: TestClient) -> None:
    assert manager.get("/trust/activity?organisation=RH5").status_code == 404
    assert manager.get("/trust/activity?from=soon").status_code == 404
    token = {"form_token": token_of(manager.get("/trust"))}
    assert manager.post("/trust/activity", data=token | {"organisation": "RH5"}).status_code == 404
    theirs = send_file(full.store, full.settings, full.ids["RH5"], csv_bytes(cases(1)))
    assert manager.get(f"{PAGE}&saved={theirs.id}").status_code == 404


def test_what_is_typed_is_never_markup(manager: TestClient) -> None:
    answer = press(manager, manager.get(PAGE), month("2025-03", medical_overnight='"><script>alert(1)</script>'))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_a_count_of_a_hundred_thousand_characters_is_told_of_and_stays(
    manager: TestClient, admin: psycopg.Connection
) -> None:
    answer = press(manager, manager.get(PAGE), month("2025-03", medical_overnight="1" * 100_000))
    assert answer.status_code == 422
    assert boxes(answer)["c-2025-03-medical_overnight"] == "1" * 100_000
    assert "March 2025: a cell is longer than 32,767 characters" in words_of(answer)
    assert stored(admin) == {}
