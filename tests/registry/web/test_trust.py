"""The pages of trusts: send, rehearse, store, mend, match; on a real application and a real database."""

import io
import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx2 as httpx
import openpyxl
import psycopg
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from starlette.testclient import TestClient

from registry import submissions
from registry.access import Role
from registry.settings import Secrets, Settings
from registry.store import Store, progress
from tests.make import cases, csv_bytes, valid, valid_activity, valid_case
from tests.registry.web.programs import screened
from tests.registry.web.visitors import House, house, token_of, words_of

CANARY = "9434765919"  # a valid NHS number


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


@pytest.fixture
def nurse(full: House) -> TestClient:
    return full.signed_in(full.person("nurse", (Role.VTE_NURSE, "RRV")))


def upload(browser: TestClient, content: bytes, name: str = "cases.csv", **fields: str) -> httpx.Response:
    """Fill in the form as a person does, and send it."""
    page = browser.get("/trust/upload")
    once = re.search(r'name="once" value="([0-9a-f]+)"', page.text)
    filled = {"kind": "case", "mode": "all-or-nothing", "opt_out_screened": "true", "once": once[1] if once else ""}
    given = {name: value for name, value in (filled | fields).items() if value}
    return browser.post(
        "/trust/upload", data={"form_token": token_of(page)} | given, files={"file": (name, content, "text/csv")}
    )


def rehearsed(browser: TestClient, content: bytes, **fields: str) -> httpx.Response:
    """The page that shows what a file would do."""
    answer = upload(browser, content, **fields)
    assert answer.status_code == 303, words_of(answer)
    return browser.get(answer.headers["location"])


def press(browser: TestClient, page: httpx.Response, action: str, **changes: str) -> httpx.Response:
    """Send the form of a page that goes to `action`, with its fields as they stand but for `changes`."""
    form = next(each for each in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if f'action="{action}' in each)
    target = re.search(r'action="([^"]*)"', form)
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
    assert target is not None
    return browser.post(target[1], data=hidden | changes)


def count(admin: psycopg.Connection, table: str) -> int:
    row = admin.execute(f"select count(*) from records.{table}").fetchone()
    assert row is not None
    return int(row[0])


# --- sending


def test_a_file_is_rehearsed_then_stored_without_being_sent_again(nurse: TestClient, admin: psycopg.Connection) -> None:
    page = rehearsed(nurse, csv_bytes(cases(3)))
    assert "New 3" in words_of(page)
    assert count(admin, "case_record") == 0
    stored = press(nurse, page, f"{page.url.path}/store")
    receipt = nurse.get(stored.headers["location"])
    assert "3 sent = 3 stored + 0 unchanged + 0 refused" in words_of(receipt)
    assert count(admin, "case_record") == 3
    row = admin.execute("select distinct door from records.case_version").fetchone()
    assert row == ("page",)


def test_storing_twice_is_storing_once(nurse: TestClient, admin: psycopg.Connection) -> None:
    page = rehearsed(nurse, csv_bytes(cases(3)))
    first, second = (press(nurse, page, f"{page.url.path}/store") for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert count(admin, "submission") == 2
    assert "This file was stored" in words_of(nurse.get(page.url.path))
    assert "Store these rows" not in nurse.get(page.url.path).text


def test_a_form_sent_twice_is_one_submission(nurse: TestClient, admin: psycopg.Connection) -> None:
    same = {"once": "0" * 32}
    first, second = (upload(nurse, csv_bytes(cases(2)), **same) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    other = upload(nurse, csv_bytes(cases(3)), **same)
    assert other.headers["location"] != first.headers["location"]
    assert count(admin, "submission") == 2


def test_the_difference_names_what_changes(nurse: TestClient) -> None:
    page = rehearsed(nurse, csv_bytes(cases(4)))
    press(nurse, page, f"{page.url.path}/store")
    rows = cases(3)
    rows[0]["sex"] = "male"
    words = words_of(
        rehearsed(nurse, csv_bytes([*rows, valid_case(local_case_id="N", nhs_number="", nhs_number_reason="overseas")]))
    )
    for said in ("New 1", "Changed 1", "Unchanged 2", "Not in this file 1", "Sex 1"):
        assert said in words


def test_good_rows_are_stored_beside_faulty_ones_when_the_person_says_so(
    nurse: TestClient, admin: psycopg.Connection
) -> None:
    page = rehearsed(nurse, csv_bytes([*cases(3), valid_case(local_case_id="X", sex="no-such-sex")]))
    assert "Store the 3 rows that are right" in words_of(page)
    receipt = nurse.get(press(nurse, page, f"{page.url.path}/store").headers["location"])
    assert "4 sent = 3 stored + 0 unchanged + 1 refused" in words_of(receipt)
    assert count(admin, "case_record") == 3


def test_a_file_that_cannot_be_laid_out_offers_nothing_to_store(nurse: TestClient) -> None:
    page = rehearsed(nurse, b'local_case_id,sex\r\n1,"male\r\n')
    assert "cannot be read" in words_of(page)
    assert "/store" not in page.text


def test_every_fault_of_the_form_is_told_at_once(full: House) -> None:
    both = full.signed_in(full.person("both", (Role.TRUST_LEAD, "RRV"), (Role.TRUST_LEAD, "7A4")))
    page = both.get("/trust/upload")
    answer = both.post("/trust/upload", data={"form_token": token_of(page)})
    words = words_of(answer)
    assert answer.status_code == 422
    for said in ("Choose the organisation", "Choose what the rows", "Choose the file", "Choose what is to happen"):
        assert said in words
    undeclared = upload(both, csv_bytes(cases(1)), organisation="RRV", opt_out_screened="")
    assert "Apply the national data opt-out" in words_of(undeclared)
    assert upload(both, csv_bytes(cases(1)), organisation="7A4", opt_out_screened="").status_code == 303
    assert upload(both, csv_bytes(cases(1)), organisation="RH5").status_code == 422


def test_an_empty_file_is_told_on_the_form(nurse: TestClient, admin: psycopg.Connection) -> None:
    answer = upload(nurse, b"")
    assert (answer.status_code, count(admin, "submission")) == (422, 0)
    assert "The file is empty" in words_of(answer)


def test_the_welsh_count_is_offered_in_wales_only(full: House, nurse: TestClient) -> None:
    assert "wales_quarter" not in nurse.get("/trust/upload").text
    board = full.signed_in(full.person("board", (Role.TRUST_UPLOADER, "7A4")))
    page = board.get("/trust/upload")
    assert "wales_quarter" in page.text
    assert "opt_out_screened" not in page.text
    assert rehearsed(board, csv_bytes([valid("wales_quarter")]), kind="wales_quarter").status_code == 200


def test_a_large_file_waits_on_a_page_that_renews_itself(full: House) -> None:
    limited = House(full.settings.model_copy(update={"small_rows": 1}), full.store, full.ids)
    nurse = limited.signed_in(limited.person("slow", (Role.VTE_NURSE, "RRV")))
    page = rehearsed(nurse, csv_bytes(cases(3)))
    assert '<meta http-equiv="refresh" content="3">' in page.text
    path = page.url.path
    progress.tell(full.store, tenant=full.ids["RRV"], submission=_id(path), stage="try 1", done=1, total=3)
    waiting = nurse.get(path)
    assert "1 of 3 rows are checked" in words_of(waiting)
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))
    done = nurse.get(path)
    assert "http-equiv" not in done.text
    assert "New 3" in words_of(done)


def _id(path: str) -> UUID:
    return UUID(path.rsplit("/", 1)[1])


# --- looking


def test_no_page_holds_a_value_of_a_row(nurse: TestClient) -> None:
    rows = [
        valid_case(local_case_id="SECRET-ID", nhs_number=CANARY, birth_date="1931-02-28", sex="SECRET-SEX"),
        valid_case(local_case_id="SECRET-2", nhs_number="9434765910", birth_date="31/02/1931"),
    ]
    page = rehearsed(nurse, csv_bytes(rows), name="SECRET-NAME.csv")
    paths = [page.url.path, "/trust", "/trust/submissions", f"{page.url.path}/findings.csv"]
    for path in paths:
        text = nurse.get(path).text
        for value in ("SECRET", CANARY, "9434765910", "1931"):
            assert value not in text, path


def test_the_sender_gets_files_back(nurse: TestClient) -> None:
    page = rehearsed(nurse, csv_bytes([*cases(1), valid_case(local_case_id="BAD", sex="no-such-sex")]))
    path = page.url.path
    for name, media in (
        ("findings.csv", "text/csv; charset=utf-8"),
        ("failed-rows.csv", "text/csv; charset=utf-8"),
        ("annotated.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ):
        assert f'href="{path}/{name}"' in page.text
        answer = nurse.get(f"{path}/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
        assert answer.headers["content-disposition"].startswith("attachment")


def test_deleted_bytes_offer_neither_files_nor_storing(nurse: TestClient, admin: psycopg.Connection) -> None:
    page = rehearsed(nurse, csv_bytes(cases(2)))
    admin.execute("delete from records.payload")
    admin.execute("update records.submission set payload_deleted_at = now()")
    after = nurse.get(page.url.path)
    assert "annotated.xlsx" not in after.text
    assert "/store" not in after.text
    assert press(nurse, page, f"{page.url.path}/store").status_code == 410
    assert nurse.get(f"{page.url.path}/annotated.xlsx").status_code == 410


def test_what_is_due(full: House, nurse: TestClient, admin: psycopg.Connection) -> None:
    assert "Nothing is due" in words_of(nurse.get("/trust"))
    admin.execute("update register.organisation set live_from = date_trunc('month', now()) - interval '2 months'")
    row = admin.execute("select to_char(now() - interval '1 month', 'YYYY-MM')").fetchone()
    assert row is not None
    page = rehearsed(nurse, csv_bytes([valid_activity(month=row[0])]), kind="activity")
    press(nurse, page, f"{page.url.path}/store")
    press(nurse, rehearsed(nurse, csv_bytes(cases(2))), "/trust/submissions")
    words = words_of(nurse.get("/trust"))
    assert "The return of 1 of the last 2 months has not come" in words
    assert "2 cases have no review yet" in words
    assert "partial" not in words
    page = rehearsed(nurse, csv_bytes([valid_activity(month=row[0], case_return="partial")]), kind="activity")
    press(nurse, page, f"{page.url.path}/store")
    assert "1 return is partial: cases are still to come" in words_of(nurse.get("/trust"))


def test_the_list_goes_on_on_older_pages(nurse: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.web.trust import submissions as pages

    monkeypatch.setattr(pages, "PAGE", 2)
    for _ in range(3):
        upload(nurse, csv_bytes(cases(1)))
    first = nurse.get("/trust/submissions")
    older = re.search(r'href="(/trust/submissions\?before=[^"]+)"', first.text)
    assert older is not None
    links = r'href="(/trust/submissions/[0-9a-f-]+)"'
    assert [len(re.findall(links, page.text)) for page in (first, nurse.get(older[1]))] == [2, 1]


def test_the_templates_are_all_offered(nurse: TestClient) -> None:
    page = nurse.get("/trust/templates")
    links = re.findall(r'href="(/api/dataset/[^"]+)"', page.text)
    assert len(links) > 20
    for link in links:
        assert nurse.get(link).status_code == 200


def test_another_trusts_submission_is_as_absent(full: House, nurse: TestClient) -> None:
    other = full.signed_in(full.person("other", (Role.TRUST_LEAD, "RH5")))
    theirs = rehearsed(other, csv_bytes(cases(2))).url.path
    nowhere = f"/trust/submissions/{uuid4()}"
    for below in ("", "/findings.csv", "/annotated.xlsx", "/failed-rows.csv"):
        hidden, absent = nurse.get(theirs + below), nurse.get(nowhere + below)
        assert (hidden.status_code, hidden.content) == (404, absent.content)
    token = {"form_token": token_of(nurse.get("/trust"))}
    hidden, absent = (nurse.post(f"{path}/store", data=token) for path in (theirs, nowhere))
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert nurse.get(f"/trust/match/case?submission={_id(theirs)}").status_code == 404
    assert nurse.get("/trust/match/case?organisation=RH5").status_code == 404


# --- matching


def renamed(rows: list[dict[str, str]], **headings: str) -> bytes:
    """The rows as CSV, some headings written otherwise."""
    return csv_bytes([{headings.get(name, name): value for name, value in row.items()} for row in rows])


def test_headings_and_codes_are_matched_once(nurse: TestClient, admin: psycopg.Connection) -> None:
    rows = [row | {"sex": "Frau"} for row in cases(2)]
    content = renamed(rows, main_specialty="Specialty Code", how_found="Origin")
    page = rehearsed(nurse, content)
    match = nurse.get(f"/trust/match/case?submission={_id(page.url.path)}")
    assert "Specialty Code" in words_of(match)
    chosen = {"heading:specialty_code": "main_specialty", "heading:origin": "how_found"}
    again = nurse.get(press(nurse, match, "/trust/match/case", **chosen).headers["location"])
    assert "This is not one of this field's answers" in words_of(again)
    match = nurse.get(f"/trust/match/case?submission={_id(again.url.path)}")
    codes = {"code:sex:frau": "female"} | chosen
    last = nurse.get(press(nurse, match, "/trust/match/case", **codes).headers["location"])
    assert "New 2" in words_of(last)
    assert "version 2" in words_of(last)
    rows_kept = admin.execute("select version, headings, codes from records.match_map order by version").fetchall()
    assert rows_kept == [
        (1, {"specialty_code": "main_specialty", "origin": "how_found"}, {}),
        (2, {"specialty_code": "main_specialty", "origin": "how_found"}, {"sex": {"frau": "female"}}),
    ]
    logged = admin.execute("select count(*) from records.audit where action = 'match map confirmed'").fetchone()
    assert logged == (2,)
    assert "version 2" in words_of(rehearsed(nurse, renamed(rows, how_found="ORIGIN", main_specialty="specialty code")))


def test_a_workbook_is_matched_rehearsed_and_given_back(nurse: TestClient, admin: psycopg.Connection) -> None:
    rows = [*cases(2), valid_case(local_case_id="BAD", sex="no-such-sex", nhs_number=CANARY)]
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["Origin" if name == "how_found" else name for name in rows[0]])
    for row in rows:
        sheet.append(list(row.values()))
    made = io.BytesIO()
    book.save(made)
    page = rehearsed(nurse, made.getvalue(), name="cases.xlsx")
    match = nurse.get(f"/trust/match/case?submission={_id(page.url.path)}")
    after = nurse.get(press(nurse, match, "/trust/match/case", **{"heading:origin": "how_found"}).headers["location"])
    assert "Store the 2 rows that are right" in words_of(after)
    press(nurse, after, f"{after.url.path}/store")
    assert count(admin, "case_record") == 2
    failed = nurse.get(f"{after.url.path}/failed-rows.csv").text
    assert "BAD" in failed
    assert "HAT-000000" not in failed
    annotated = openpyxl.load_workbook(io.BytesIO(nurse.get(f"{after.url.path}/annotated.xlsx").content))
    assert annotated["Your rows"].max_row == 4


def test_a_column_may_be_left_out(nurse: TestClient) -> None:
    rows = [row | {"Consultant": "Dr No"} for row in cases(1)]
    page = rehearsed(nurse, csv_bytes(rows))
    assert "HAT-017" in page.text
    match = nurse.get(f"/trust/match/case?submission={_id(page.url.path)}")
    assert "Dr No" not in match.text
    after = nurse.get(press(nurse, match, "/trust/match/case", **{"heading:consultant": "-"}).headers["location"])
    assert "HAT-017" not in after.text


def test_a_map_is_changed_by_a_new_version_and_not_over_anothers_head(nurse: TestClient) -> None:
    page = rehearsed(nurse, renamed(cases(1), how_found="Origin"))
    path = f"/trust/match/case?submission={_id(page.url.path)}"
    early, late = nurse.get(path), nurse.get(path)
    assert press(nurse, early, "/trust/match/case", **{"heading:origin": "how_found"}).status_code == 303
    assert press(nurse, late, "/trust/match/case", **{"heading:origin": "-"}).status_code == 409
    held = nurse.get("/trust/match/case")
    assert "Origin".lower() in held.text
    assert press(nurse, held, "/trust/match/case").headers["location"] == "/trust/match"
    assert "version 2 holds" in words_of(nurse.get("/trust/match/case"))


@pytest.mark.parametrize(
    "chosen",
    [
        {"heading:origin": "no_such_field"},
        {"heading:Not Folded": "how_found"},
        {"code:sex:frau": "no-such-code"},
        {"code:nhs_number:1": "2"},
        {"code:no_such_field:a": "b"},
        {"code:sex:943 476 5919": "female"},
    ],
)
def test_a_map_that_cannot_be_is_refused_on_the_page(
    nurse: TestClient, admin: psycopg.Connection, chosen: dict[str, str]
) -> None:
    answer = press(nurse, nurse.get("/trust/match/case"), "/trust/match/case", **chosen)
    assert (answer.status_code, count(admin, "match_map")) == (422, 0)
    assert "There is a problem" in words_of(answer)


def test_cells_are_shown_of_code_fields_only_and_only_what_looks_like_a_code(nurse: TestClient) -> None:
    odd = {
        "sex": CANARY,
        "nhs_number": "not a number",
        "birth_date": "unborn",
        "dvt_site": "Mrs Brown, 1 High Street, PL6 8DH",
        "confirmation": "local-scan",
        "local_case_id": "MY-CASE",
    }
    page = rehearsed(nurse, csv_bytes([valid_case(**odd)]))
    match = nurse.get(f"/trust/match/case?submission={_id(page.url.path)}")
    assert "local-scan" in match.text
    for hidden in (CANARY, "not a number", "unborn", "Brown", "PL6", "pl6", "MY-CASE"):
        assert hidden not in match.text
    assert "1 more cell is not shown here" in words_of(match)


def test_a_cell_of_several_codes_is_not_offered_for_matching(nurse: TestClient) -> None:
    rows = [
        valid("rca", inadequacies="missed_doses|late-drug", local_case_id="HAT-000000"),
        valid("rca", inadequacies="wrong-drug", local_case_id="HAT-000001"),
    ]
    page = rehearsed(nurse, csv_bytes(rows), kind="rca")
    match = nurse.get(f"/trust/match/rca?submission={_id(page.url.path)}")
    assert "code:inadequacies:wrong-drug" in match.text
    assert "late-drug" not in match.text
