"""The same row as CSV, XLSX, FHIR and a record of the web gives the same typed values and the same findings by number and field."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import orjson
import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, example, given, settings

from ingest.check import ROW, Checked, Context, check_frame
from ingest.fhir.parsing import parse
from ingest.fhir.reading import check_units, read_unit
from ingest.files import open_file
from ingest.tabular import Format
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.fhir_units import Resource, bundle, rca_bundle
from tests.ingest.fhir.texts import mutated, pool
from tests.make import ON, valid, valid_case, valid_rca
from tests.schemas.judging import text_frame

CASE, RCA = RecordKind.CASE, RecordKind.RCA
CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
Seen = tuple[list[object], set[tuple[int, str]]]
"""The typed values in the dataset's order, and each finding as rule and field."""

many = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
few = settings(many, max_examples=10)


def seen(checked: Checked, kind: RecordKind) -> Seen:
    all_fields = fields(kind)
    found = {(rule, all_fields[place].name) for _, place, rule in checked.findings.iter_rows()}
    return list(checked.typed.drop(ROW).row(0)), found


def as_web_record(row: Mapping[str, str], kind: RecordKind) -> Seen:
    return seen(check_frame(text_frame(kind, [row]), kind, CONTEXT), kind)


def as_file(path: Path, format_: Format, kind: RecordKind) -> Seen:
    (checked,) = open_file(path, kind, format_, CONTEXT).batches()
    return seen(checked, kind)


def as_csv(row: Mapping[str, str], kind: RecordKind, folder: Path) -> Seen:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row)
    path = folder / "rows.csv"
    path.write_bytes(text.getvalue().encode())
    return as_file(path, "csv", kind)


def as_xlsx(row: Mapping[str, str], kind: RecordKind, folder: Path) -> Seen:
    path = folder / "rows.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        for column, (name, text) in enumerate(row.items()):
            sheet.write_string(0, column, name)
            if text:
                sheet.write_string(1, column, text)
    return as_file(path, "xlsx", kind)


def as_fhir(sent: Resource, kind: RecordKind) -> Seen:
    value, issues = parse(orjson.dumps(sent))
    unit = read_unit(value)
    unit.issues.extend(issues)
    checked = check_units([unit], CONTEXT)
    told = {(each.finding.rule, each.finding.field or "") for each in checked.issues(1)}
    typed, found = seen(checked.checked(kind), kind)
    if len(checked.kinds) == 1:
        # Nothing of the guard's is told beside what the validator says.
        assert told == found
    return typed, found


def test_a_valid_case_and_its_review(tmp_path: Path) -> None:
    for kind, sent in ((CASE, bundle(valid_case())), (RCA, rca_bundle(valid_rca()))):
        assert as_fhir(sent, kind) == as_csv(valid(kind), kind, tmp_path) == as_xlsx(valid(kind), kind, tmp_path)
        assert as_fhir(sent, kind)[1] == set()


@few
@given(row=mutated(CASE))
@example(row=valid_case(sex="not_recorded", nhs_number="", nhs_number_reason="overseas"))
@example(row=valid_case(local_case_id=""))
def test_a_case_says_the_same_in_every_form(row: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("case")
    record = as_web_record(row, CASE)
    assert as_fhir(bundle(row), CASE) == record
    assert as_csv(row, CASE, folder) == record
    assert as_xlsx(row, CASE, folder) == record


@few
@given(row=mutated(RCA))
@example(row=valid_rca(local_case_id=""))
def test_a_review_says_the_same_in_every_form(row: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("rca")
    record = as_web_record(row, RCA)
    assert as_fhir(rca_bundle(row), RCA) == record
    assert as_csv(row, RCA, folder) == record
    assert as_xlsx(row, RCA, folder) == record


@many
@given(case=mutated(CASE), review=mutated(RCA))
def test_a_case_with_its_review_says_the_same_as_two_rows(case: dict[str, str], review: dict[str, str]) -> None:
    review |= {"local_case_id": case["local_case_id"]}
    sent = bundle(case, review)
    assert as_fhir(sent, CASE) == as_web_record(case, CASE)
    assert as_fhir(sent, RCA) == as_web_record(review, RCA)


@pytest.mark.parametrize("kind", [CASE, RCA])
def test_each_text_of_each_field_by_itself(kind: RecordKind) -> None:
    """Every field of the dataset with every text of its pool, all in one frame each way."""
    # Of a row that is withdrawn nothing else is looked at, and all else in it is sound here.
    rows = [valid(kind) | {each.name: text} for each in fields(kind) for text in pool(each)]
    units = [read_unit(bundle(row) if kind is CASE else rca_bundle(row), place + 2) for place, row in enumerate(rows)]
    checked = check_units(units, CONTEXT)
    table = check_frame(text_frame(kind, rows), kind, CONTEXT)
    assert checked.checked(kind).typed.equals(table.typed)
    names = [each.name for each in fields(kind)]
    expected = sorted((row, rule, names[place]) for row, place, rule in table.findings.iter_rows())
    told = [(u.ordinal, each.finding.rule, each.finding.field) for u in units for each in checked.issues(u.ordinal)]
    assert sorted(told) == expected
    assert checked.faulty == set(table.faulty())
    assert checked.standing(kind).select(pl.col(ROW)).equals(table.standing().select(pl.col(ROW)))
