"""The case template filled and saved by LibreOffice: accepted as it is; a spoilt one gives every planted fault at its place, and no other."""

import csv
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ingest.annotated import annotated_workbook
from ingest.check import Context
from ingest.files import open_file, open_sent
from ingest.reading import Reading
from schemas.codelist import Nation
from schemas.finding import rule_id
from schemas.record import RecordKind
from tests.make import ON

HERE = Path(__file__).parent
CONTEXT = Context(Nation.ENGLAND, "RJZ", ON, synthetic=True)
ENDINGS = pytest.mark.parametrize("ending", ["csv", "xlsx"])


def _reading(name: str, ending: str) -> Reading:
    return open_file(HERE / f"{name}.{ending}", RecordKind.CASE, "xlsx" if ending == "xlsx" else "csv", CONTEXT)


def _typed(name: str, ending: str) -> tuple[Reading, pl.DataFrame]:
    reading = _reading(name, ending)
    return reading, pl.concat([checked.standing() for checked in reading.batches()])


def _lines(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@ENDINGS
def test_a_filled_template_is_accepted_without_a_word(ending: str) -> None:
    reading, standing = _typed("case-libreoffice", ending)
    assert reading.report.listed == []
    assert standing.height == len(_lines("typed.csv")) == 12


def test_csv_and_workbook_hold_the_same_records() -> None:
    _, from_csv = _typed("case-libreoffice", "csv")
    _, from_workbook = _typed("case-libreoffice", "xlsx")
    assert_frame_equal(from_csv, from_workbook)


@ENDINGS
def test_what_was_typed_is_what_is_read(ending: str) -> None:
    _, standing = _typed("case-libreoffice", ending)
    for read, typed in zip(standing.iter_rows(named=True), _lines("typed.csv"), strict=True):
        assert read["local_case_id"] == typed["local_case_id"]
        assert (read["nhs_number"] or "") == typed["nhs_number"].replace(" ", "")
        assert f"{read['birth_date']:%d/%m/%Y}" == typed["birth_date"]
        assert (read["diagnosis_snomed"] or "") == typed["diagnosis_snomed"]
        assert (read["ward"] or "") == typed["ward"]
        assert str(read["anaesthetic_minutes"] or "") == typed["anaesthetic_minutes"]


@ENDINGS
def test_a_spoilt_one_gives_every_planted_fault_at_its_place_and_no_other(ending: str) -> None:
    reading, _ = _typed("case-spoilt-libreoffice", ending)
    found = [(f"{each.column}{each.row}", rule_id(each.rule)) for each in reading.report.listed]
    planted = [(each["cell"], each["rule"]) for each in _lines("planted.csv") if each["rule"]]
    assert sorted(found) == sorted(planted)
    assert reading.report.rows == 12
    assert reading.report.listed[0].words.startswith("The heading “Our comment” is not known")


@ENDINGS
def test_the_annotated_workbook_marks_the_same_cells_and_may_be_sent_again(ending: str, tmp_path: Path) -> None:
    reading, _ = _typed("case-spoilt-libreoffice", ending)
    sent = open_sent(HERE / f"case-spoilt-libreoffice.{ending}", RecordKind.CASE, "xlsx" if ending == "xlsx" else "csv")
    path = tmp_path / "annotated.xlsx"
    annotated_workbook(sent.table, reading.report.listed, reading.report.faulty_rows(), path)
    sheet = openpyxl.load_workbook(path)["Your rows"]
    headings = {cell.column: str(cell.value).strip() for cell in sheet[1]}
    marked = {
        (row[1].value, headings[cell.column]) for row in sheet.iter_rows(min_row=2) for cell in row if cell.comment
    }
    assert marked == {(str(each.row), each.heading) for each in reading.report.listed if each.row != 3}
    again = open_file(path, RecordKind.CASE, "xlsx", CONTEXT)
    for _ in again.batches():
        pass
    added = {each.heading for each in again.report.listed if each.rule == 17}
    assert added == {"What to mend", "Row in your file", "Our comment"}
    assert again.report.rows == 12
    assert again.report.errors == reading.report.errors


@pytest.mark.parametrize("name", ["case-libreoffice", "case-spoilt-libreoffice"])
def test_the_workbooks_were_saved_by_libreoffice_from_the_template(name: str) -> None:
    with ZipFile(HERE / f"{name}.xlsx") as parts:
        assert b"<Application>LibreOffice/" in parts.read("docProps/app.xml")
    assert openpyxl.load_workbook(HERE / f"{name}.xlsx").sheetnames[:3] == ["case", "Guide", "Example"]
