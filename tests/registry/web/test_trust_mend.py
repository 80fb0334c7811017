"""A few faulty rows mended on a page: only what is at fault is asked, and what is saved goes through the same check."""

import re
from collections.abc import Mapping
from html import unescape

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from tests.make import cases, csv_bytes, nhs_number, valid_activity, valid_case
from tests.registry.web.programs import screened
from tests.registry.web.test_forms import Browser
from tests.registry.web.test_trust import count, press, rehearsed
from tests.registry.web.visitors import House, house, token_of, words_of

NOTHING: Mapping[str, str] = {}


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def nurse(full: House) -> TestClient:
    return full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))


def spoilt() -> list[dict[str, str]]:
    """Two good rows and three faulty ones: rows 4, 5 and 6 of the sheet."""
    return [
        *cases(2),
        valid_case(local_case_id="A", nhs_number=nhs_number(11), sex="femal"),
        valid_case(local_case_id="B", nhs_number=nhs_number(12), birth_date="31/02/1951"),
        valid_case(local_case_id="C", nhs_number=nhs_number(13), discharge_date="2025-08-01"),
    ]


def form_of(page: httpx.Response) -> dict[str, list[str]]:
    """What a browser would send of the page's form, untouched."""
    form = next(each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if 'name="seen"' in each)
    browser = Browser()
    browser.feed(form)
    found: dict[str, list[str]] = {}
    for name, value in browser.sent:
        found.setdefault(name, []).append(str(value))
    return found


def send(browser: TestClient, page: httpx.Response, typed: Mapping[str, str] = NOTHING) -> httpx.Response:
    """Send the form with some answers in it."""
    return browser.post(page.url.path, data={**form_of(page), **typed})


def mended(browser: TestClient, page: httpx.Response, typed: Mapping[str, str] = NOTHING) -> httpx.Response:
    answer = send(browser, page, typed)
    assert answer.status_code == 303, words_of(answer)
    return browser.get(answer.headers["location"])


GOOD = {
    "r4-sex": "female",
    "r5-birth_date-day": "28",
    "r5-birth_date-month": "2",
    "r5-birth_date-year": "1951",
    "r6-discharge_date-day": "9",
    "r6-discharge_date-month": "9",
}


def test_only_what_may_be_wrong_is_asked(nurse: TestClient) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    assert "Mend the faulty rows here" in words_of(outcome)
    page = nurse.get(f"{outcome.url.path}/mend")
    asked = {name for name in form_of(page) if name.startswith("r")}
    assert {name for name in asked if name.startswith("r4")} == {"r4-sex"}
    assert {name for name in asked if name.startswith("r5")} == {
        f"r5-birth_date-{part}" for part in ("day", "month", "year")
    }
    assert {name.split("-")[1] for name in asked if name.startswith("r6")} == {"admission_date", "discharge_date"}
    words = words_of(page)
    for said in ("Row 4: A", "Row 5: B", "Row 6: C", "femal (not in this list)", "There is a problem"):
        assert said in words
    assert nhs_number(12) not in page.text


def test_a_mended_rehearsal_is_the_whole_file_and_then_stored(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    after = mended(nurse, nurse.get(f"{outcome.url.path}/mend"), GOOD)
    assert "New 5" in words_of(after)
    press(nurse, after, f"{after.url.path}/store")
    assert count(admin, "case_record") == 5
    row = admin.execute(
        "select v.sex from records.case_version v join records.case_record r on r.id = v.record_id where r.local_case_id = 'A'"
    ).fetchone()
    assert row == ("female",)
    row = admin.execute(
        "select count(*) from records.audit where action in ('faulty rows shown', 'faulty rows mended')"
    ).fetchone()
    assert row == (2,)


def test_after_the_good_rows_were_stored_only_the_faulty_ones_are_sent(
    nurse: TestClient, admin: psycopg.Connection
) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    press(nurse, outcome, f"{outcome.url.path}/store")
    assert count(admin, "case_record") == 2
    to_stored = nurse.get(f"{outcome.url.path}/mend")
    assert to_stored.status_code == 303
    page = nurse.get(to_stored.headers["location"])
    receipt = mended(nurse, page, GOOD)
    assert "3 sent = 3 stored + 0 unchanged + 0 refused" in words_of(receipt)
    assert count(admin, "case_record") == 5


def test_what_is_still_faulty_comes_back_with_the_words(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    press(nurse, outcome, f"{outcome.url.path}/store")
    page = nurse.get(nurse.get(f"{outcome.url.path}/mend").headers["location"])
    left = mended(nurse, page, (GOOD | {"r5-birth_date-day": "30"}))
    assert left.url.path.endswith("/mend")
    assert "Row 3: B" in words_of(left)
    assert 'value="30"' in left.text
    assert count(admin, "case_record") == 4
    done = mended(nurse, left, {"r3-birth_date-day": "27"})
    assert "1 sent = 1 stored" in words_of(done)
    assert count(admin, "case_record") == 5


def test_nothing_is_stored_if_the_person_wants_all_or_nothing(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    press(nurse, outcome, f"{outcome.url.path}/store")
    page = nurse.get(nurse.get(f"{outcome.url.path}/mend").headers["location"])
    left = mended(nurse, page, (GOOD | {"mode": "all-or-nothing", "r5-birth_date-day": "30"}))
    assert count(admin, "case_record") == 2
    done = mended(nurse, left, {"r3-birth_date-day": "27"})
    assert "3 sent = 3 stored" in words_of(done)
    assert count(admin, "case_record") == 5


def test_a_row_may_be_left_out_but_not_every_row(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    page = nurse.get(f"{outcome.url.path}/mend")
    after = mended(nurse, page, (GOOD | {"r4-left-out": "true"}))
    assert "New 4" in words_of(after)
    press(nurse, outcome, f"{outcome.url.path}/store")
    page = nurse.get(nurse.get(f"{outcome.url.path}/mend").headers["location"])
    none = send(nurse, page, {f"r{row}-left-out": "true" for row in (4, 5, 6)})
    assert (none.status_code, "Every row is left out" in words_of(none)) == (422, True)
    assert count(admin, "case_record") == 2


def test_a_doubled_submit_is_one_submission(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    page = nurse.get(f"{outcome.url.path}/mend")
    first, second = (send(nurse, page, GOOD) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert count(admin, "submission") == 2


def test_a_stale_page_says_so_and_keeps_what_was_typed(nurse: TestClient, admin: psycopg.Connection) -> None:
    outcome = rehearsed(nurse, csv_bytes(spoilt()))
    early = nurse.get(f"{outcome.url.path}/mend")
    mended(nurse, nurse.get(f"{outcome.url.path}/mend"), GOOD)
    stale = send(nurse, early, (GOOD | {"r5-birth_date-day": "3"}))
    assert stale.status_code == 409
    assert "mended and sent since you opened this page" in words_of(stale)
    assert form_of(stale)["r5-birth_date-day"] == ["3"]
    assert count(admin, "submission") == 2
    assert send(nurse, stale).status_code == 303
    assert count(admin, "submission") == 3


def test_a_page_is_offered_for_a_few_rows_that_are_still_kept(nurse: TestClient, admin: psycopg.Connection) -> None:
    many = rehearsed(nurse, csv_bytes([row | {"sex": "x"} for row in cases(51)]))
    assert "Mend the faulty rows here" not in many.text
    assert nurse.get(f"{many.url.path}/mend").status_code == 409
    clean = rehearsed(nurse, csv_bytes(cases(2)))
    assert nurse.get(f"{clean.url.path}/mend").status_code == 409
    unreadable = rehearsed(nurse, b'local_case_id,sex\r\n1,"male\r\n')
    assert nurse.get(f"{unreadable.url.path}/mend").status_code == 409
    few = rehearsed(nurse, csv_bytes(spoilt()))
    page = nurse.get(f"{few.url.path}/mend")
    admin.execute("delete from records.payload")
    admin.execute("update records.submission set payload_deleted_at = now()")
    assert send(nurse, page, GOOD).status_code == 410


def test_another_trusts_rows_are_as_absent(full: House, nurse: TestClient) -> None:
    other = full.signed_in(full.person("other", (Role.TRUST_LEAD, "RH5")))
    theirs = rehearsed(other, csv_bytes(spoilt())).url.path
    assert nurse.get(f"{theirs}/mend").status_code == 404
    token = {"form_token": token_of(nurse.get("/trust"))}
    assert nurse.post(f"{theirs}/mend", data=token | {"r4-sex": "male"}).status_code == 404


def test_own_codes_are_shown_as_they_were_matched(nurse: TestClient) -> None:
    rows = [row | {"sex": "Frau"} for row in spoilt()]
    outcome = rehearsed(nurse, csv_bytes(rows))
    match = nurse.get(f"/trust/match/case?submission={outcome.url.path.rsplit('/', 1)[1]}")
    press(nurse, match, "/trust/match/case", **{"code:sex:frau": "female"})
    outcome = rehearsed(nurse, csv_bytes([*rows[:-1], rows[-1] | {"local_case_id": ""}]))
    page = nurse.get(f"{outcome.url.path}/mend")
    assert "Frau" not in unescape(page.text)
    assert "Row 6" in words_of(page)
    after = mended(nurse, page, (GOOD | {"r6-local_case_id": "NEW"}))
    assert "New 5" in words_of(after)


def test_a_fault_is_said_at_the_sender_s_own_heading_in_words_for_a_question(nurse: TestClient) -> None:
    rows = [row | {"birth_date": row["birth_date"] if row["local_case_id"] != "A" else ""} for row in spoilt()]
    content = csv_bytes(rows).replace(b"birth_date", b"Birth Date", 1)
    words = words_of(nurse.get(f"{rehearsed(nurse, content).url.path}/mend"))
    assert re.search(
        r"Row 4, Sex \(column [A-Z]+, “sex”\): This is not one of this field's answers. Choose from", words
    )
    assert re.search(r"Row 4, [^:]+ \(column [A-Z]+, “Birth Date”\): Answer this question.", words)
    assert re.search(
        r"Row 5, [^:]+ \(column [A-Z]+, “Birth Date”\): The date does not exist. Check day and month. ", words
    )
    assert "Use one of" not in words
    assert "yyyy-mm-dd" not in words


def test_a_date_that_may_be_month_first_is_typed_anew(nurse: TestClient) -> None:
    rows = cases(3)
    rows[0]["diagnosis_date"], rows[1]["diagnosis_date"] = "09/20/2025", "03/09/2025"
    day = rows[2]["diagnosis_date"].rpartition("-")[2]
    outcome = rehearsed(nurse, csv_bytes(rows))
    page = nurse.get(f"{outcome.url.path}/mend")
    assert form_of(page)["r3-diagnosis_date-day"] == [""]
    assert "Sent as 03/09/2025" in words_of(page)
    assert "A date in this column can only be month first" in words_of(page)
    assert form_of(page)["r4-diagnosis_date-day"] == [day], "one without slashes stands as it was sent"
    assert mended(nurse, page).url.path.endswith("/mend")


def test_a_months_return_is_mended_as_a_case_is(nurse: TestClient, admin: psycopg.Connection) -> None:
    rows = [valid_activity(month="2025-07"), valid_activity(month="2025-08", medical_overnight="1,200")]
    outcome = rehearsed(nurse, csv_bytes(rows), kind="activity")
    page = nurse.get(f"{outcome.url.path}/mend")
    assert "Row 3: 2025-08" in words_of(page)
    after = mended(nurse, page, {"r3-medical_overnight": "1200"})
    press(nurse, after, f"{after.url.path}/store")
    assert count(admin, "activity_record") == 2


def test_an_answer_of_a_hundred_thousand_characters_is_told_of_and_stays(
    nurse: TestClient, admin: psycopg.Connection
) -> None:
    rows = [*cases(1), valid_case(local_case_id="A", nhs_number=nhs_number(11), ward="w" * 81)]
    page = nurse.get(f"{rehearsed(nurse, csv_bytes(rows)).url.path}/mend")
    long = send(nurse, page, {"r3-ward": "<b>" + "w" * 100_000})
    assert (long.status_code, "w" * 100_000 in long.text, "<b>w" in long.text) == (422, True, False)
    assert "Row 3, Ward: this is longer than 32,767 characters" in words_of(long)
    assert count(admin, "submission") == 1
    shorter = mended(nurse, page, {"r3-ward": "w" * 30_000})
    assert shorter.url.path.endswith("/mend")
    assert "w" * 30_000 in shorter.text
    assert "longer than this field holds" in words_of(shorter)
    assert count(admin, "case_record") == 0
