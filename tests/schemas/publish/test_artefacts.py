"""What is committed is what would be written, the same at every run; each artefact holds what it promises."""

import csv
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from schemas.codelist import Nation
from schemas.dictionary import code_lists, field, fields
from schemas.publish import FOLDER, artefacts, examples, write
from schemas.record import RecordKind
from schemas.rule import CATALOGUE
from tests.schemas.judging import broken

FRESH = artefacts()
# Every other column is text, so that no spreadsheet changes what is typed.
SHAPES = {
    "date": "yyyy-mm-dd",
    "date and time": "yyyy-mm-dd hh:mm",
    "month": "yyyy-mm",
    "count": "0",
    "minutes": "0",
    "weight": "0.##",
    "creatinine clearance": "0.##",
}
WORKBOOKS = [name for name in FRESH if name.endswith(".xlsx")]


def _content(name: str, file: bytes) -> object:
    """The bytes, or those of a workbook's members: packing may differ between machines, what is packed may not."""
    if not name.endswith(".xlsx"):
        return file
    with zipfile.ZipFile(io.BytesIO(file)) as packed:
        return [(member.filename, packed.read(member)) for member in packed.infolist()]


def _kind(name: str) -> RecordKind:
    return next(kind for kind in sorted(RecordKind, key=len, reverse=True) if name.startswith(kind))


@pytest.mark.parametrize("name", FRESH)
def test_the_committed_file_is_fresh(name: str) -> None:
    """If this fails after a change of the dataset: `python -m schemas.publish`, and look at the difference."""
    assert _content(name, (FOLDER / name).read_bytes()) == _content(name, FRESH[name])


def test_nothing_else_is_committed() -> None:
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")} == set(FRESH)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    written = write(tmp_path / "new")
    assert {path.relative_to(tmp_path / "new").as_posix(): path.read_bytes() for path in written} == FRESH


def _rows(name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(FRESH[name].decode(), newline=""), strict=True))


@pytest.mark.parametrize("kind", RecordKind)
def test_headings_are_field_names_and_the_core_template_holds_the_core(kind: RecordKind) -> None:
    assert _rows(f"{kind}.csv") == [[each.name for each in fields(kind)]]
    core = [each.name for each in fields(kind) if each.core]
    if len(core) < len(fields(kind)):
        assert _rows(f"{kind}-core.csv") == [core]
    else:
        assert f"{kind}-core.csv" not in FRESH


@pytest.mark.parametrize("kind", RecordKind)
def test_the_example_breaks_no_rule(kind: RecordKind) -> None:
    nation = Nation.WALES if kind is RecordKind.WALES_QUARTER else Nation.ENGLAND
    for name in (f"{kind}-example.csv", f"{kind}-core-example.csv"):
        if name not in FRESH:
            continue
        heading, *rows = _rows(name)
        assert rows
        for row in rows:
            record = dict(zip(heading, row, strict=True))
            assert all(record[each.name] for each in fields(kind) if each.required)
            assert broken(record, kind, nation=nation) == set()


def test_nhs_numbers_of_examples_are_test_numbers() -> None:
    numbers = [row["nhs_number"] for row in examples.rows(RecordKind.CASE) if row["nhs_number"]]
    assert numbers
    assert all(number.startswith("999") for number in numbers)


@pytest.mark.parametrize("name", WORKBOOKS)
def test_the_first_sheet_is_the_only_one_that_looks_like_data(name: str) -> None:
    """The reader takes a row that names two fields for the row of headings."""
    book = openpyxl.load_workbook(io.BytesIO(FRESH[name]))
    known = {each.name.replace("_", "") for each in fields(_kind(name))}
    assert book.sheetnames == [_kind(name).value, "Guide", "Example", "Lists"]
    assert [sheet.sheet_state for sheet in book] == ["visible", "visible", "visible", "hidden"]
    for sheet in book.worksheets[1:]:
        for row in sheet.iter_rows(values_only=True):
            named = {re.sub(r"[\s_-]", "", str(cell).lower()) for cell in row if cell} & known
            assert len(named) < 2


@pytest.mark.parametrize("name", WORKBOOKS)
def test_the_first_sheet_has_headings_only_and_keeps_ids_as_text(name: str) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(FRESH[name])).worksheets[0]
    assert sheet.max_row == 1
    headings = [cell.value for cell in sheet[1]]
    assert headings == _rows(name.replace(".xlsx", ".csv"))[0]
    shapes = {
        place: columns.number_format
        for columns in sheet.column_dimensions.values()
        for place in range(columns.min or 0, (columns.max or 0) + 1)
    }
    for place, heading in enumerate(headings, 1):
        holds = field(_kind(name), str(heading)).holds.name
        assert shapes[place] == SHAPES.get(holds, "@")


@pytest.mark.parametrize("name", WORKBOOKS)
def test_choices_are_offered_for_every_list_of_one_code(name: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(FRESH[name]))
    offered = {}
    for rule in book.worksheets[0].data_validations.dataValidation:
        if rule.type == "list":
            place = rule.formula1.replace("$", "").removeprefix("Lists!")
            words = [cell[0].value for cell in book["Lists"][place]]
            for cells in rule.sqref.ranges:
                offered[book.worksheets[0].cell(1, cells.min_col).value] = words
    expected = {
        each.name: [code.words for code in each.codes]
        for each in fields(_kind(name))
        if each.codes and each.holds.name == "code" and (each.core or "-core" not in name)
    }
    assert offered == expected


@pytest.mark.parametrize("kind", RecordKind)
def test_the_json_schema_says_what_the_dictionary_says(kind: RecordKind) -> None:
    schema: dict[str, Any] = json.loads(FRESH[f"{kind}.schema.json"])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == [each.name for each in fields(kind)]
    assert schema["required"] == [each.name for each in fields(kind) if each.required]
    for each in fields(kind):
        said = schema["properties"][each.name]
        assert said["title"] == each.item.question
        assert said["x-identifying"] is each.item.identifying
        if each.codes:
            reference = said.get("$ref") or said["items"]["$ref"]
            listed = schema["$defs"][reference.removeprefix("#/$defs/")]
            values = listed.get("enum") or listed["anyOf"][0]["enum"]
            assert values == [code.value for code in each.codes]
            assert listed["x-words"] == {code.value: code.words for code in each.codes}


def test_the_guide_holds_every_field_code_and_rule() -> None:
    lines = FRESH["guide.md"].decode().splitlines()
    first_cells = [line.split(" | ")[0].removeprefix("| ").strip("`") for line in lines if line.startswith("| ")]
    for kind in RecordKind:
        assert {each.name for each in fields(kind)} <= set(first_cells)
    for codes in code_lists():
        assert f"### {codes.__name__}" in lines
        assert {code.value for code in codes} <= set(first_cells)
    assert {rule.id for rule in CATALOGUE} <= set(first_cells)
    assert "{" not in "".join(lines)


def test_the_tables_of_the_guide_are_whole() -> None:
    width = 0
    for line in FRESH["guide.md"].decode().splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        if not line.startswith("|"):
            width = 0
        elif width == 0:
            width = cells
        else:
            assert cells == width, line
