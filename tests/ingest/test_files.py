"""A file on disk as a reading: columns named by field, lists of withdrawals, marks taken off, the kind guessed."""

from pathlib import Path

import pytest

from ingest.check import Context
from ingest.files import guess_kind, open_file, open_sent, readable, rows_as_sent
from ingest.reading import Report
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from schemas.rules.cell import NOT_IN_LIST
from schemas.rules.file import DOUBLED_COLUMN, MISSING_COLUMN, SHORT_ROW
from tests.make import ON, cases, csv_bytes, nhs_number, valid, valid_case

CONTEXT = Context(Nation.ENGLAND, "RJZ", ON, synthetic=True)


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "sent.csv"
    path.write_bytes(content)
    return path


def _read(path: Path, kind: RecordKind = RecordKind.CASE) -> Report:
    reading = open_file(path, kind, "csv", CONTEXT)
    for _ in reading.batches():
        pass
    return reading.report


def test_columns_bear_the_names_of_their_fields_and_unknown_ones_are_left_out(tmp_path: Path) -> None:
    rows = [{"Our note": "x", **case} for case in cases(3)]
    sent = open_sent(_file(tmp_path, csv_bytes(rows)), RecordKind.CASE, "csv")
    frame = next(sent.frames())
    assert frame.columns == ["row", *(each.name for each in fields(RecordKind.CASE))]
    assert frame["row"].to_list() == [2, 3, 4]
    assert sent.place(3, "nhs_number") == (3, "D", "nhs_number")


def test_a_trusts_own_heading_is_matched(tmp_path: Path) -> None:
    rows = [{"Datix": case.pop("local_case_id"), **case} for case in cases(2)]
    path = _file(tmp_path, csv_bytes(rows))
    assert open_sent(path, RecordKind.CASE, "csv").refused
    sent = open_sent(path, RecordKind.CASE, "csv", {"datix": "local_case_id"})
    assert next(sent.frames())["local_case_id"].to_list() == ["HAT-000000", "HAT-000001"]


def test_a_list_of_withdrawals_needs_no_other_column(tmp_path: Path) -> None:
    path = _file(tmp_path, csv_bytes([{"local_case_id": "HAT-1", "withdraw_reason": "not_hat"}]))
    sent = open_sent(path, RecordKind.CASE, "csv")
    assert not sent.refused
    assert next(sent.frames())["withdraw_reason"].to_list() == ["not_hat"]


def test_with_one_column_more_it_is_a_file_of_cases_and_the_rest_is_missed(tmp_path: Path) -> None:
    row = {"local_case_id": "HAT-1", "withdraw_reason": "not_hat", "sex": "female"}
    sent = open_sent(_file(tmp_path, csv_bytes([row])), RecordKind.CASE, "csv")
    assert sent.refused
    assert {finding.rule for finding in sent.findings} == {MISSING_COLUMN.number}


def test_the_key_alone_is_no_list_of_withdrawals(tmp_path: Path) -> None:
    sent = open_sent(_file(tmp_path, b"local_case_id,Our note\nHAT-1,x\n"), RecordKind.CASE, "csv")
    assert sent.refused


def test_a_reason_that_cannot_be_read_is_the_only_fault_of_its_row(tmp_path: Path) -> None:
    rows = [
        {"local_case_id": "HAT-1", "withdraw_reason": "x"},
        {"local_case_id": "HAT-2", "withdraw_reason": "not_hat"},
    ]
    report = _read(_file(tmp_path, csv_bytes(rows)))
    assert [(finding.row, finding.column, finding.rule) for finding in report.listed] == [(2, "B", NOT_IN_LIST.number)]


@pytest.mark.parametrize(("cell", "read"), [("'-1 day", "-1 day"), ("'=x", "=x"), ("O'Neil", "O'Neil"), ("'x'", "'x'")])
def test_the_mark_of_a_failed_rows_file_is_taken_off(tmp_path: Path, cell: str, read: str) -> None:
    sent = open_sent(_file(tmp_path, csv_bytes([valid_case(ward=cell)])), RecordKind.CASE, "csv")
    assert next(sent.frames())["ward"].to_list() == [read]


@pytest.mark.parametrize("kind", [RecordKind.CASE, RecordKind.RCA])
def test_a_file_is_read_to_its_end_and_reported(tmp_path: Path, kind: RecordKind) -> None:
    other = {"nhs_number": nhs_number(2)} if kind is RecordKind.CASE else {}
    report = _read(_file(tmp_path, csv_bytes([valid(kind), valid(kind, local_case_id="", **other)])), kind)
    assert report.rows == 2
    assert report.faulty_rows().to_list() == [3]
    assert [(finding.row, finding.column, finding.field) for finding in report.listed] == [(3, "A", "local_case_id")]


@pytest.mark.parametrize("kind", RecordKind)
def test_the_kind_is_guessed_from_the_headings(tmp_path: Path, kind: RecordKind) -> None:
    assert guess_kind(_file(tmp_path, csv_bytes([valid(kind)])), "csv") is kind


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"local_case_id,withdraw_reason\nx,y\n"])
def test_a_kind_that_cannot_be_told_is_not_guessed(tmp_path: Path, content: bytes) -> None:
    assert guess_kind(_file(tmp_path, content), "csv") is None


def test_rows_can_be_given_back_where_only_headings_are_wrong(tmp_path: Path) -> None:
    table = open_sent(_file(tmp_path, b"sex,ward,sex\na,b,c\n"), RecordKind.CASE, "csv").table
    assert DOUBLED_COLUMN.number in {finding.rule for finding in table.findings}
    assert readable(table)
    assert next(rows_as_sent(table)).row(0) == (2, "a", "b", "c")


def test_rows_of_uncertain_cells_are_not_given_back(tmp_path: Path) -> None:
    table = open_sent(_file(tmp_path, csv_bytes(cases(1)) + b"HAT-2,x\n"), RecordKind.CASE, "csv").table
    assert SHORT_ROW.number in {finding.rule for finding in table.findings}
    assert not readable(table)
    with pytest.raises(ValueError, match="do not stand under"):
        next(rows_as_sent(table))
