"""What goes back to the sender, read with a program of its own."""

import csv
import io
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from ingest import annotated
from ingest.annotated import ADDED, NOT_LAID_OUT, NOT_LISTED, annotated_workbook
from ingest.check import Context
from ingest.files import Sent, open_sent
from ingest.reading import Reading, Report
from ingest.report import failed_rows, findings_csv
from schemas.codelist import Nation
from schemas.codes import MainSpecialty
from schemas.dictionary import unsaid
from schemas.record import RecordKind
from tests.make import ON, cases, csv_bytes, nhs_number

CANARY = "Canary Ward 7Q"


def _sent(folder: Path, content: bytes, name: str = "sent.csv") -> tuple[Sent, Report]:
    path = folder / name
    path.write_bytes(content)
    sent = open_sent(path, RecordKind.CASE, "xlsx" if name.endswith("xlsx") else "csv")
    reading = Reading(sent, RecordKind.CASE, Context(Nation.ENGLAND, "RJZ", ON, synthetic=True))
    for _ in reading.batches():
        pass
    return sent, reading.report


def _spoilt() -> bytes:
    """Four cases under a line of our own: the second with two errors, the third with a warning, and a column nobody knows."""
    rows = [{"=Our note": "'=1+1", **case} for case in cases(4)]
    rows[1] |= {"sex": "x", "diagnosis_date": "31/02/2025", "ward": "=cmd"}
    rows[2] |= {"birth_date": "2012-05-01", "ward": CANARY}
    return b"Report of our ward,,\r\n" + csv_bytes(rows)


def _sheets(sent: Sent, report: Report, folder: Path, counted: int | None = None) -> tuple[Worksheet, Worksheet]:
    path = folder / "annotated.xlsx"
    annotated_workbook(sent.table, report.listed, report.faulty_rows(), path, counted=counted)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Your rows", "Findings"]
    return book["Your rows"], book["Findings"]


def test_the_first_sheet_holds_what_was_sent_as_text_in_the_senders_order(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    rows, _ = _sheets(sent, report, tmp_path)
    headings = [cell.value for cell in rows[1]]
    assert headings == [*ADDED, "=Our note", *cases(1)[0]]
    assert [rows.cell(at, 2).value for at in range(2, 6)] == ["3", "4", "5", "6"]
    assert [rows.cell(at, 3).value for at in range(2, 6)] == ["'=1+1"] * 4
    assert rows.cell(2, headings.index("nhs_number") + 1).value == nhs_number(0)
    assert {cell.data_type for row in rows.iter_rows() for cell in row if cell.value} == {"s"}


def test_what_to_mend_stands_in_the_row_on_the_cell_and_in_the_list(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    rows, listed = _sheets(sent, report, tmp_path)
    headings = [cell.value for cell in rows[1]]
    sex = rows.cell(3, headings.index("sex") + 1)
    assert sex.comment is not None
    assert "HAT-033" in sex.comment.text
    assert sex.fill.fgColor.rgb == "FFF6D7D2"
    assert "sex: " in str(rows.cell(3, 1).value)
    assert "diagnosis_date: " in str(rows.cell(3, 1).value)
    assert rows.cell(2, 1).value is None
    assert rows.cell(4, headings.index("birth_date") + 1).fill.fgColor.rgb == "FFFFF2CC"
    lines = {(row[1], row[2], row[4]): row for row in listed.iter_rows(min_row=2, values_only=True)}
    assert lines["4", "G", "HAT-033"][0] == "I3"
    assert sex.coordinate == "I3"
    assert all(row[6] and row[7] for row in lines.values())


def test_a_finding_about_a_heading_stands_on_the_heading(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    rows, listed = _sheets(sent, report, tmp_path)
    assert rows["C1"].comment is not None
    assert "HAT-017" in rows["C1"].comment.text
    assert [cell.value for cell in listed[2]][:5] == ["C1", "2", "A", "=Our note", "HAT-017"]


def test_the_faulty_rows_can_be_mended_and_sent_again(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    failed = b"".join(failed_rows(sent.table, report.faulty_rows()))
    assert failed.startswith(b"\xef\xbb\xbf'=Our note,local_case_id,")
    (row,) = csv.DictReader(io.StringIO(failed.decode("utf-8-sig"), newline=""))
    assert (row["sex"], row["ward"], row["'=Our note"]) == ("x", "'=cmd", "'=1+1")
    mended = failed.replace(b",x,", b",female,").replace(b"31/02/2025", b"20/09/2025")
    again, outcome = _sent(tmp_path, mended, "again.csv")
    assert outcome.errors == 0
    assert outcome.rows == 1
    assert next(again.frames())["ward"].to_list() == ["=cmd"]


def test_the_list_of_findings_holds_no_value(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    text = b"".join(findings_csv(report.listed)).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(lines) == len(report.listed) == report.errors + report.warnings
    assert {line["heading"] for line in lines} == {"'=Our note", "sex", "diagnosis_date", "birth_date"}
    assert not any(value in text for value in (CANARY, "31/02/2025", "2012-05-01", "=cmd", "999000"))
    assert sent.table.rows == 4


def test_a_file_refused_for_a_heading_shows_its_rows(tmp_path: Path) -> None:
    content = csv_bytes(cases(2)).replace(b"local_case_id", b"case no of ours", 1)
    sent, report = _sent(tmp_path, content)
    assert report.refused_whole
    rows, listed = _sheets(sent, report, tmp_path)
    assert [rows.cell(at, 3).value for at in (2, 3)] == ["HAT-000000", "HAT-000001"]
    assert "local_case_id" in str(listed["G2"].value)


def test_a_file_whose_cells_may_have_slipped_shows_the_list_only(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, csv_bytes(cases(1)) + b"HAT-2,x\r\n")
    rows, listed = _sheets(sent, report, tmp_path)
    assert rows["A1"].value == listed["A1"].value == NOT_LAID_OUT
    with pytest.raises(ValueError, match="do not stand under"):
        b"".join(failed_rows(sent.table, report.faulty_rows()))


def test_a_row_whose_fault_is_not_listed_says_so(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    report.listed.clear()
    rows, listed = _sheets(sent, report, tmp_path, counted=4)
    assert rows.cell(3, 1).value == NOT_LISTED
    assert (
        listed["A1"].value
        == "4 findings were counted; the first 0 are listed. Mend them and send the file again for the rest."
    )


def test_of_a_long_file_the_rows_with_findings_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotated, "MOST_ROWS", 3)
    monkeypatch.setattr(annotated, "MOST_COMMENTS", 1)
    sent, report = _sent(tmp_path, _spoilt())
    rows, listed = _sheets(sent, report, tmp_path)
    assert [row[1] for row in rows.iter_rows(min_row=2, values_only=True)] == ["4", "5"]
    assert listed["A1"].value == "The file has 4 rows; “Your rows” shows the 2 with something to look at."
    assert str(listed["A2"].value).startswith("The first 1 cells carry a comment")
    assert sum(cell.comment is not None for row in rows.iter_rows() for cell in row) == 1


def test_of_very_many_rows_with_findings_the_first_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotated, "MOST_ROWS", 1)
    sent, report = _sent(tmp_path, _spoilt())
    rows, listed = _sheets(sent, report, tmp_path)
    assert [row[1] for row in rows.iter_rows(min_row=2, values_only=True)] == ["4"]
    assert listed["A1"].value == "The file has 4 rows; “Your rows” shows the first 1 with something to look at."
    assert listed.cell(listed.max_row, 1).value is None  # that row is not there to go to


def test_it_can_be_written_into_an_open_file(tmp_path: Path) -> None:
    sent, report = _sent(tmp_path, _spoilt())
    held = io.BytesIO()
    annotated_workbook(sent.table, report.listed, pl.Series([4]), held)
    assert openpyxl.load_workbook(held)["Your rows"].max_row == 5


def test_all_answers_of_a_long_list_stand_on_a_sheet_of_their_own_which_is_not_read_when_it_is_sent_again(
    tmp_path: Path,
) -> None:
    rows = [row | {"main_specialty": CANARY} for row in cases(2)]
    sent, report = _sent(tmp_path, csv_bytes(rows))
    path, answers = tmp_path / "annotated.xlsx", unsaid(RecordKind.CASE, Nation.ENGLAND)
    annotated_workbook(sent.table, report.listed, report.faulty_rows(), path, answers=answers)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Your rows", "Findings", "Answers"]
    lines = list(book["Answers"].iter_rows(min_row=2, values_only=True))
    assert lines == [("main_specialty", code.words, code.value) for code in MainSpecialty]
    assert all(CANARY not in str(finding) for finding in report.listed)
    _, again = _sent(tmp_path, path.read_bytes(), "sent.xlsx")
    assert again.tally[33, "main_specialty"] == 2
    sheet = book["Your rows"]
    place = next(cell.column for cell in sheet[1] if cell.value == "main_specialty")
    for at, word in ((2, lines[0][1]), (3, lines[1][2])):
        sheet.cell(at, place).value = word
    book.save(path)
    _, mended = _sent(tmp_path, path.read_bytes(), "sent.xlsx")
    assert (33, "main_specialty") not in mended.tally
    assert mended.rows == 2
