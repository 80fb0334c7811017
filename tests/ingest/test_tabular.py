"""Headings find their fields in any spelling; what they lack, double or do not know is said by name."""

import pytest

from ingest.headings import Headings, Matcher, fold, letter, shown
from schemas.finding import Finding
from schemas.rules import file as rules

FIELDS = Headings(("local_case_id", "nhs_number", "birth_date", "sex"), frozenset({"local_case_id", "nhs_number"}), {})


def found(cells: list[str], headings: Headings = FIELDS) -> tuple[list[str | None], list[Finding]]:
    columns, findings = Matcher(headings).columns(cells, row=1)
    return [column.field for column in columns], findings


@pytest.mark.parametrize(
    "heading",
    [
        "nhs_number",
        "NHS Number",
        " nhs\u00a0number ",
        "NHS-number*",
        '"NHS  Number":',
        "NhsNumber",
        "NHS\nnumber",
        "\ufeffnhs_\u200bnumber",
        "NHS\u2013Number",
    ],
)
def test_any_spelling_of_a_heading_finds_its_field(heading: str) -> None:
    assert Matcher(FIELDS).field(heading) == "nhs_number"


@pytest.mark.parametrize("heading", ["nhs_numbеr", "nhs number 2", "number", "", "№"])  # the first has a Cyrillic е
def test_a_heading_that_only_looks_alike_is_unknown(heading: str) -> None:
    assert Matcher(FIELDS).field(heading) is None


def test_folding_is_stable() -> None:
    assert fold(fold(" NHS\u00a0Number* ")) == fold("nhs_number") == "nhs_number"


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (701, "ZZ"), (702, "AAA")])
def test_letters(index: int, name: str) -> None:
    assert letter(index) == name


def test_a_missing_column_is_named_with_the_heading_that_may_be_it() -> None:
    fields, findings = found(["sex", "Local case ID", "NHS nr"])
    assert fields == ["sex", "local_case_id", None]
    missing, unknown = findings
    assert (missing.rule, missing.field) == (rules.MISSING_COLUMN.number, "nhs_number")
    assert missing.words == "The column “nhs_number” is missing. Is it column C, “NHS nr”?"
    assert (unknown.rule, unknown.column, unknown.heading) == (rules.UNKNOWN_COLUMN.number, "C", "NHS nr")
    assert unknown.words.endswith("Did you mean “nhs_number”?")


def test_a_doubled_column_names_both_places() -> None:
    fields, (finding,) = found(["local_case_id", "NHS number", "sex", "nhs_number"])
    assert fields == ["local_case_id", "nhs_number", "sex", "nhs_number"]
    assert (finding.rule, finding.column, finding.field) == (rules.DOUBLED_COLUMN.number, "D", "nhs_number")
    assert finding.words == "The column “nhs_number” is there twice: columns B and D."


def test_the_confirmed_map_names_and_ignores_columns() -> None:
    headings = Headings(
        FIELDS.fields, FIELDS.required, {"hospital_nr": "local_case_id", "ward_note": "", "old": "gone"}
    )
    fields, findings = found(["Hospital Nr", "nhs_number", "Ward note", "Old"], headings)
    assert fields == ["local_case_id", "nhs_number", None, None]
    assert [finding.heading for finding in findings] == ["Old"], "a map to a field that no longer exists counts as none"


def test_what_looks_like_a_number_is_not_shown_as_a_heading() -> None:
    assert shown("943 476 5919") == "…"
    assert shown("a\u202e\x07b" + "c" * 100) == "ab" + "c" * 77 + "…"
    _, findings = found(["local_case_id", "nhs_number", "9434765919"])
    assert "9434765919" not in "".join(finding.words + str(finding.heading) for finding in findings)


@pytest.mark.parametrize("end", ["\v", "\f", "\x1e", "\x85", "\u2028", "\u2029"])
def test_of_rows_that_ran_into_the_headings_nothing_is_shown(end: str) -> None:
    """Some programs end lines so; then the first row of headings holds all patients of the file."""
    columns, findings = Matcher(FIELDS).columns(["local_case_id", "nhs_number", f"sex{end}Canary", "ward canary"], 1)
    assert [column.field for column in columns] == ["local_case_id", "nhs_number", None, None]
    assert [finding.column for finding in findings if finding.rule == rules.UNKNOWN_COLUMN.number] == ["C", "D"]
    assert "canary" not in repr((columns, findings)).lower()


def test_the_row_of_headings_is_the_first_with_two_known_ones() -> None:
    rows = [["HAT return"], [], ["Sex"], ["sex", "x", "NHS Number"], ["birth_date", "sex"]]
    assert Matcher(FIELDS).heading_row(rows) == 3
    assert Matcher(FIELDS).heading_row([["a", "b"], ["sex", "sex"]]) is None
    assert Matcher(Headings(("only",), frozenset(), {})).heading_row([[""], ["only"]]) == 1
