"""A file read in batches: what only the whole file tells, and what is counted and listed of it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from ingest.check import Checked, Context
from ingest.files import open_file
from ingest.reading import LISTED, Reading
from ingest.tabular import Format
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.make import ON, cases, csv_bytes, nhs_number, valid_activity, valid_case
from tests.schemas.judging import SENDER

CASE, ACTIVITY = RecordKind.CASE, RecordKind.ACTIVITY
CONTEXT = Context(nation=Nation.ENGLAND, sender=SENDER, on=ON, synthetic=True)
FORMS: tuple[Format, ...] = ("csv", "xlsx")
Row = Mapping[str, str]


def written(folder: Path, rows: Sequence[Row], form: Format) -> Path:
    """The same rows of text in either form."""
    path = folder / f"sent.{form}"
    if form == "csv":
        path.write_bytes(csv_bytes(rows))
        return path
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Sent")
        sheet.write_row(0, 0, list(rows[0]))
        for place, row in enumerate(rows, 1):
            for column, cell in enumerate(row.values()):
                sheet.write_string(place, column, cell)
    return path


def opened(path: Path, form: Format = "csv", kind: RecordKind = CASE) -> Reading:
    return open_file(path, kind, form, CONTEXT)


def read(reading: Reading, rows: int = 2) -> list[Checked]:
    """All batches, of so many rows each, to the end."""
    return list(reading.batches(rows=rows))


def listed(reading: Reading) -> list[tuple[int | None, str | None, int]]:
    return [(each.row, each.field, each.rule) for each in reading.report.listed]


def of_column(batches: Iterable[Checked], name: str) -> list[object]:
    return [value for each in batches for value in each.typed[name].to_list()]


# --- columns that may be month first


@pytest.mark.parametrize("form", FORMS)
def test_one_month_first_date_in_the_last_row_refuses_the_column_in_every_batch(tmp_path: Path, form: Format) -> None:
    rows = [row | {"birth_date": "04/05/1951"} for row in cases(7)]
    rows[2]["birth_date"] = "1951-05-04"
    rows[3]["birth_date"] = ""
    rows[6]["birth_date"] = "4/13/1951"
    reading = opened(written(tmp_path, rows, form), form)
    batches = read(reading)
    assert len(batches) > 3 or form == "xlsx"
    assert of_column(batches, "birth_date") == [None] * 7
    assert None not in of_column(batches, "admission_date")
    wanted = [(row, "birth_date", 30 if row == 5 else 37) for row in range(2, 9)]
    assert listed(reading) == wanted
    assert reading.report.tally == {(37, "birth_date"): 6, (30, "birth_date"): 1}
    assert reading.report.faulty_rows().to_list() == list(range(2, 9))


@pytest.mark.parametrize("form", FORMS)
def test_without_such_a_date_slashes_mean_day_first(tmp_path: Path, form: Format) -> None:
    rows = [row | {"birth_date": "04/05/1951"} for row in cases(3)]
    batches = read(opened(written(tmp_path, rows, form), form))
    assert {str(value) for value in of_column(batches, "birth_date")} == {"1951-05-04"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("cell", ["4/13/1951", "04/13/1951", '"04/13/1951"', " 4/13/1951 ", "\u00a04/13/1951"])
def test_it_is_found_however_the_file_is_written(tmp_path: Path, encoding: str, cell: str) -> None:
    path = tmp_path / "sent.csv"
    text = csv_bytes([row | {"birth_date": "BIRTH"} for row in cases(3)]).decode()
    path.write_text(text.replace("BIRTH", "04/05/1951", 2).replace("BIRTH", cell), encoding=encoding, newline="")
    reading = opened(path)
    assert of_column(read(reading), "birth_date") == [None] * 3


def test_it_is_found_across_the_blocks_in_which_the_file_is_looked_over(tmp_path: Path) -> None:
    """The date straddles the end of the first mebibyte at each of its characters."""
    path = tmp_path / "sent.csv"
    content = csv_bytes([row | {"birth_date": "04/05/1951", "ward": "w" * 80} for row in cases(4_600)])
    at = content.index(b"04/05/1951", (1 << 20) - 400)
    assert 10 < (1 << 20) - at < 400
    for shift in range(1, 11):
        pad = b" " * ((1 << 20) - at - shift)
        line = content.rindex(b"\n", 0, at) + 1
        path.write_bytes(content[:line] + pad + content[line:at] + b"04/13/1951" + content[at + 10 :])
        assert opened(path).source.month_first_possible, shift


def test_a_month_column_may_be_swapped_too(tmp_path: Path) -> None:
    rows = [valid_activity(month="01/09/2025"), valid_activity(month="10/13/2025")]
    reading = opened(written(tmp_path, rows, "csv"), kind=ACTIVITY)
    read(reading, rows=1)
    assert listed(reading) == [(2, "month", 37), (3, "month", 37)]


# --- repeated rows


@pytest.mark.parametrize("form", FORMS)
def test_repeated_rows_are_found_across_batches_and_the_earlier_ones_are_named_at_the_end(
    tmp_path: Path, form: Format
) -> None:
    rows = cases(7)
    rows[6] = rows[0] | {"ward": "7"}
    reading = opened(written(tmp_path, rows, form), form)
    batches = read(reading)
    assert all(each.findings.height == 0 for each in batches)
    assert reading.repeated_faulty.sort().to_list() == [2, 8]
    assert listed(reading) == [
        (2, "local_case_id", 90),
        (2, "local_case_id", 91),
        (2, "diagnosis_date", 92),
        (8, "local_case_id", 90),
        (8, "local_case_id", 91),
        (8, "diagnosis_date", 92),
    ]
    assert reading.report.faulty_rows().to_list() == [2, 8]


def test_the_same_date_in_two_spellings_is_the_same_row(tmp_path: Path) -> None:
    rows = [valid_activity(month="2025-09"), valid_activity(month="2025-10"), valid_activity(month="01/09/2025")]
    reading = opened(written(tmp_path, rows, "csv"), kind=ACTIVITY)
    read(reading, rows=1)
    assert listed(reading) == [(2, "month", 90), (4, "month", 90)]


def test_a_row_that_withdraws_its_twin_mends_the_repetition(tmp_path: Path) -> None:
    twin = valid_case(local_case_id="HAT-0002")
    reading = opened(written(tmp_path, [valid_case(), twin], "csv"))
    read(reading, rows=1)
    assert {rule for *_, rule in listed(reading)} == {91, 92}
    mended = opened(written(tmp_path, [valid_case(), twin | {"withdraw_reason": "duplicate"}], "csv"))
    read(mended, rows=1)
    assert listed(mended) == []
    both = [valid_case(), valid_case(withdraw_reason="duplicate")]
    unclear = opened(written(tmp_path, both, "csv"))
    read(unclear, rows=1)
    assert {rule for *_, rule in listed(unclear)} == {90}, "a record both sent and withdrawn is unclear all the same"


def test_many_batches_of_one_row_say_the_same_as_one(tmp_path: Path) -> None:
    rows = cases(30)
    for place in range(0, 30, 4):
        rows[place] |= {"sex": "x", "diagnosis_date": "2025-08-31"}
    rows[29] = rows[1] | {"local_case_id": "OTHER"}
    path = written(tmp_path, rows, "csv")
    single, whole = opened(path), opened(path)
    assert len(read(single, rows=1)) == 30
    assert len(read(whole, rows=100)) == 1
    assert sorted(map(str, listed(single))) == sorted(map(str, listed(whole)))
    assert single.report.tally == whole.report.tally
    assert single.report.faulty_rows().equals(whole.report.faulty_rows())


# --- a spreadsheet's own error marks


@pytest.mark.parametrize("mark", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"])
def test_an_error_mark_is_a_finding_in_either_form_and_as_text_or_as_an_error_cell(tmp_path: Path, mark: str) -> None:
    names = ("birth_date", "sex", "main_specialty", "ward", "attributed_organisation", "local_case_id", "nhs_number")
    rows = [valid_case(**dict.fromkeys(names, mark))]
    wanted = [(2, each.name, 31) for each in fields(CASE) if each.name in names]
    for form in FORMS:
        reading = opened(written(tmp_path, rows, form), form)
        read(reading)
        assert listed(reading) == wanted, form
    path = tmp_path / "cells.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sent")
        for column, (name, cell) in enumerate(rows[0].items()):
            sheet.write_string(0, column, name)
            if cell == mark:
                sheet.write_formula(1, column, "=NA()", None, mark)
            else:
                sheet.write_string(1, column, cell)
    reading = opened(path, "xlsx")
    read(reading)
    assert listed(reading) == wanted


# --- counting and listing


def test_the_first_ten_thousand_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    rows = [valid_case(local_case_id=f"C{place}", nhs_number="1", sex="x") for place in range(6_000)]
    reading = opened(written(tmp_path, rows, "csv"))
    batches = read(reading, rows=1_000)
    assert len(reading.report.listed) == LISTED == 10_000
    assert reading.report.tally == {(44, "nhs_number"): 6_000, (33, "sex"): 6_000}
    assert (reading.report.rows, reading.report.errors, reading.report.warnings) == (6_000, 12_000, 0)
    assert reading.report.faulty_rows().len() == 6_000
    assert all(each.standing().height == 0 for each in batches)
    assert [each.row for each in reading.report.listed[:4]] == [2, 2, 3, 3]
    assert reading.report.listed[-1].row == 5_001


def test_errors_and_warnings_are_counted_apart_and_a_warned_row_is_not_faulty(tmp_path: Path) -> None:
    rows = [*cases(2), valid_case(local_case_id="W", nhs_number=nhs_number(7), birth_date="2012-09-01")]
    rows[0]["sex"] = "x"
    reading = opened(written(tmp_path, rows, "csv"))
    read(reading)
    assert (reading.report.errors, reading.report.warnings) == (1, 1)
    assert reading.report.faulty_rows().to_list() == [2]


@pytest.mark.parametrize("form", FORMS)
def test_a_finding_is_at_the_senders_own_place_in_plain_words_without_a_value(tmp_path: Path, form: Format) -> None:
    row = {"Our note": "x", "NHS Number ": "9434765918", **valid_case()}
    del row["nhs_number"]
    reading = opened(written(tmp_path, [row], form), form)
    read(reading)
    unknown, damaged = reading.report.listed
    assert (unknown.rule, unknown.column) == (17, "A")
    assert (damaged.row, damaged.column, damaged.heading, damaged.rule) == (2, "B", "NHS Number", 45)
    assert damaged.words.startswith("The last digit of the NHS number does not fit")
    assert "9434765918" not in repr(reading.report)


def test_progress_is_told_after_every_batch(tmp_path: Path) -> None:
    reading = opened(written(tmp_path, cases(5), "csv"))
    told: list[tuple[int, int]] = []
    for _ in reading.batches(rows=2, seen=lambda done, whole: told.append((done, whole))):
        pass
    assert told[-1] == (5, 5)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_file_has_no_batches_and_says_why(tmp_path: Path, form: Format) -> None:
    rows = [{name: cell for name, cell in row.items() if name not in ("sex", "birth_date")} for row in cases(3)]
    reading = opened(written(tmp_path, rows, form), form)
    assert read(reading) == []
    assert reading.report.refused_whole
    assert (reading.report.rows, reading.report.errors) == (0, 2)
    assert [each.rule for each in reading.report.listed] == [15, 15]
    assert reading.report.faulty_rows().to_list() == []
