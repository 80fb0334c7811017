"""A trust's own data as files: confirmed with the password, noted, complete, with nothing that a spreadsheet would run."""

import csv
import io

import httpx2 as httpx
import openpyxl
import psycopg
import pytest

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.make import nhs_number
from tests.registry.web.own.world import CASES, YEAR, World, world
from tests.registry.web.visitors import token_of, words_of

PAGE = "/trust/figures/download"


@pytest.fixture
def made(settings: Settings, store: Store) -> World:
    return world(settings, store)


def confirm(made: World, **fields: str) -> httpx.Response:
    token = token_of(made.nurse.get(PAGE))
    return made.nurse.post(f"{PAGE}/confirm", data={"form_token": token, "organisation": "RRV"} | fields)


def give(made: World, **fields: str) -> httpx.Response:
    """As the confirmation's form sends it."""
    page = confirm(made, **fields)
    assert page.status_code == 200, words_of(page)
    given = {"form_token": token_of(page), "organisation": "RRV"}
    return made.nurse.post(PAGE, data=given | fields)


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_the_confirmation_says_what_leaves(made: World) -> None:
    words = words_of(confirm(made, kind="case", format="csv", period=YEAR, identifying="yes"))
    assert "University College Trust" in words
    assert "What 7 cases Period April 2025 to March 2026 Kind of file CSV" in words
    assert "What identifies patients NHS number, Date of birth, Ward" in words
    without = words_of(confirm(made, kind="rca", format="xlsx"))
    assert "4 reviews Period everything that stands" in without
    assert "What identifies patients left out" in without


def test_without_a_fresh_code_nothing_leaves(made: World, admin: psycopg.Connection) -> None:
    made.house.long_ago()
    answer = give(made, kind="case", format="csv", identifying="yes", code="000000")
    assert answer.status_code == 422
    assert "This code is not right" in words_of(answer)
    assert nhs_number(1) not in answer.text
    assert admin.execute("select 1 from records.audit where action = 'own data downloaded'").fetchall() == []
    noted = admin.execute("select count(*) from records.audit where action = 'second factor refused'").fetchone()
    assert noted == (1,)


def test_after_five_wrong_ones_the_right_one_has_to_wait(made: World) -> None:
    made.house.long_ago()
    wrong = [give(made, kind="case", format="csv", code="000000").status_code for _ in range(5)]
    assert wrong == [422] * 5
    blocked = give(made, kind="case", format="csv", code=made.house.code("nurse"))
    assert blocked.status_code == 429
    assert 1 <= int(blocked.headers["retry-after"]) <= 5


def test_a_csv_file_has_every_case_with_what_identifies(made: World, admin: psycopg.Connection) -> None:
    answer = give(made, kind="case", format="csv", identifying="yes")
    assert answer.headers["content-disposition"] == 'attachment; filename="RRV-case-all.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = rows_of(answer)
    assert len(rows) == len(CASES)
    first = next(row for row in rows if row["local_case_id"] == "A-1")
    sent = CASES[0]
    assert {name: first[name] for name in sent} == sent
    assert first["index_month"] == "2025-04-01"
    assert (first["scope"], first["overnight"], first["age_at_admission"]) == ("in", "yes", "73")
    assert len(first["case_number"]) == 16
    entry = admin.execute("select object_id, detail from records.audit where action = 'own data downloaded'").fetchone()
    assert entry == ("case", {"rows": 8, "identifying": True, "format": "csv", "period": "all"})


def test_without_it_nothing_identifies(made: World) -> None:
    answer = give(made, kind="case", format="csv")
    rows = rows_of(answer)
    named = {each.name for each in fields(RecordKind.CASE) if each.item.identifying}
    assert not named & rows[0].keys()
    for hidden in (nhs_number(1), "1951-04-12", "Ward 7"):
        assert hidden not in answer.text


def test_a_period_has_its_cases_and_their_reviews(made: World) -> None:
    """The period is that of the case, also of its review."""
    cases = rows_of(give(made, kind="case", format="csv", period="2025-04"))
    reviews = rows_of(give(made, kind="rca", format="csv", period="2025-04"))
    assert {row["local_case_id"] for row in cases} == {"A-1", "A-2", "A-7"}
    assert {row["local_case_id"] for row in reviews} == {"A-1", "A-2"}


def test_nothing_is_run_by_a_spreadsheet(made: World) -> None:
    reviews = rows_of(give(made, kind="rca", format="csv", identifying="yes"))
    assert (
        next(row for row in reviews if row["local_case_id"] == "A-1")["learning_point"] == "'=1+1 is not a formula here"
    )
    book = openpyxl.load_workbook(io.BytesIO(give(made, kind="rca", format="xlsx", identifying="yes").content))
    (sheet,) = book.worksheets
    heads = [cell.value for cell in sheet[1]]
    assert heads == [each.name for each in fields(RecordKind.RCA)]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[0].value == "A-1")
    cell = row[heads.index("learning_point")]
    assert (cell.value, cell.data_type) == ("'=1+1 is not a formula here", "s")
    assert not [each for each in row if each.value is not None and each.data_type != "s"]


def test_what_is_withdrawn_is_left_out(made: World, admin: psycopg.Connection) -> None:
    admin.execute("update records.case_record set withdrawn_at = now() where local_case_id = 'A-8'")
    assert "A-8" not in {row["local_case_id"] for row in rows_of(give(made, kind="case", format="csv"))}


def test_a_form_that_says_too_little_is_told_where(made: World) -> None:
    answer = confirm(made, kind="everything", format="")
    assert answer.status_code == 422
    assert "Choose cases or reviews" in words_of(answer)
    assert "Choose the kind of file" in words_of(answer)
    assert confirm(made, kind="case", format="csv", period="soon").status_code == 404


def test_nobody_downloads_for_another_trust(made: World) -> None:
    token = token_of(made.nurse.get(PAGE))
    given = {"form_token": token, "organisation": "RH5", "kind": "case", "format": "csv"}
    assert made.nurse.post(PAGE, data=given).status_code == 404
    other = made.house.signed_in(made.house.person("other", (Role.TRUST_LEAD, "RH5")))
    page = other.get(PAGE)
    answer = other.post(PAGE, data={"form_token": token_of(page), "kind": "case", "format": "csv"})
    assert rows_of(answer) == []


def test_a_workbook_has_a_limit_that_a_file_has_not(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.web.own.download.MOST_IN_WORKBOOK", 7)
    answer = confirm(made, kind="case", format="xlsx")
    assert answer.status_code == 422
    assert "A workbook holds at most 7 rows here" in words_of(answer)
    token = token_of(made.nurse.get(PAGE))
    given = {"form_token": token, "organisation": "RRV", "kind": "case", "format": "xlsx"}
    assert made.nurse.post(PAGE, data=given).status_code == 422
    assert len(rows_of(give(made, kind="case", format="csv"))) == 8
