"""The one validator on frames of text: what is marked, what is silenced by it, what is asked of a withdrawn row, and in what order
everything is told. The rules themselves are tested beside their declarations."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from ingest.check import Checked, Context, check_frame, month_first_columns, slashed_fields
from schemas.codelist import Nation
from schemas.counting import DERIVED
from schemas.dictionary import Field, field, fields
from schemas.record import RecordKind
from tests.make import ON, nhs_number, valid, valid_case, valid_rca
from tests.schemas.judging import SENDER, text_frame

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
CONTEXT = Context(nation=Nation.ENGLAND, sender=SENDER, on=ON, synthetic=True)
REQUIRED = [each for kind in RecordKind for each in fields(kind) if each.required]
UNREADABLE = "\u00a7"
# The rule, and each field in which it can be broken.
MISSING = tuple((30, each) for each in REQUIRED)


def check(
    row: Mapping[str, str], kind: RecordKind = CASE, context: Context = CONTEXT, swapped: tuple[str, ...] = ()
) -> Checked:
    return check_frame(text_frame(kind, [row]), kind, context, swapped)


def found(checked: Checked, kind: RecordKind = CASE) -> list[tuple[str, int]]:
    """Field and rule of every finding."""
    names = [each.name for each in fields(kind)]
    return [(names[place], rule) for _, place, rule in checked.findings.rows()]


def _nation(each: Field) -> Context:
    return replace(CONTEXT, nation=Nation.WALES) if each.kind is RecordKind.WALES_QUARTER else CONTEXT


def _field(value: object) -> str:
    return f"{value.kind}-{value.name}" if isinstance(value, Field) else str(value)


# --- missing, unreadable, silent


@pytest.mark.parametrize(("number", "each"), MISSING, ids=_field)
def test_an_empty_cell_is_missing_and_an_unreadable_one_is_not(number: int, each: Field) -> None:
    context = _nation(each)
    empty = found(check(valid(each.kind, **{each.name: ""}), each.kind, context), each.kind)
    assert (each.name, number) in empty
    spoilt = found(check(valid(each.kind, **{each.name: "#N/A"}), each.kind, context), each.kind)
    assert spoilt == [(each.name, 31)], "it is there: it is unreadable, and no other rule speaks of it"


def test_a_column_that_the_file_does_not_have_is_an_empty_one() -> None:
    names = ("ward", "sex", "discharge_date")
    without = check_frame(text_frame(CASE, [valid_case()]).drop(names), CASE, CONTEXT)
    blank = check(valid_case(**dict.fromkeys(names, "")))
    assert without.findings.equals(blank.findings)
    assert without.typed.equals(blank.typed)
    assert found(without) == [("sex", 30), ("discharge_date", 112)]


def test_nothing_is_called_missing_or_contradictory_that_is_there() -> None:
    """Without a discharge the rules ask whether the patient is still in; with an unreadable one they do not."""
    assert found(check(valid_case(discharge_date=""))) == [("discharge_date", 112)]
    assert found(check(valid_case(discharge_date="31/09/2025"))) == [("discharge_date", 36)]
    assert found(check(valid_case(nhs_number="943 476 5918"))) == [("nhs_number", 45)]
    assert found(check(valid_case(nhs_number=""))) == [("nhs_number", 100)]


def test_every_fault_of_a_row_is_told_at_once_in_the_order_of_its_fields() -> None:
    row = valid_case(
        sex="what", birth_date="31/02/1951", admission_date="2025-12-01", main_specialty="x", ward="w" * 81
    )
    assert found(check(row)) == [
        ("birth_date", 36),
        ("sex", 33),
        ("discharge_date", 111),
        ("main_specialty", 33),
        ("diagnosis_date", 140),
        ("ward", 49),
    ]


def test_findings_come_row_by_row() -> None:
    rows = [valid_case(sex="x"), valid_case(), valid_case(sex="y", nhs_number="1")]
    checked = check_frame(text_frame(CASE, rows), CASE, CONTEXT)
    assert [(row, rule) for row, _, rule in checked.findings.rows()] == [(2, 33), (4, 44), (4, 33)]
    assert checked.faulty().sort().to_list() == [2, 4]
    assert checked.standing()["row"].to_list() == [3]


def test_a_warning_lets_the_row_stand() -> None:
    checked = check(valid_case(birth_date="2012-09-01"))
    assert found(checked) == [("birth_date", 104)]
    assert checked.faulty().to_list() == []
    assert checked.standing().height == 1


# --- what is given back


def test_the_typed_row_has_every_field_and_what_is_derived() -> None:
    typed = check(valid_case(admitted_at="01/09/2025 08:30")).typed
    assert typed.columns == ["row", *(each.name for each in fields(CASE)), *(name for name, _ in DERIVED)]
    row = typed.row(0, named=True)
    assert (row["admission_date"], row["admitted_at"]) == (date(2025, 9, 1), datetime(2025, 9, 1, 7, 30, tzinfo=UTC))
    derived = {name: row[name] for name, _ in DERIVED}
    assert derived == {
        "index_stay": "this",
        "index_admission_date": date(2025, 9, 1),
        "index_discharge_date": date(2025, 9, 9),
        "index_month": date(2025, 9, 1),
        "age_at_admission": 74,
        "overnight": True,
        "scope": "in",
    }
    assert all(typed.schema[each.name] == each.holds.dtype for each in fields(CASE))


@pytest.mark.parametrize("kind", RecordKind)
def test_other_columns_of_the_frame_are_left_out(kind: RecordKind) -> None:
    frame = text_frame(kind, [valid(kind)]).with_columns(pl.lit("x").alias("Our own note"))
    context = replace(CONTEXT, nation=Nation.WALES) if kind is RecordKind.WALES_QUARTER else CONTEXT
    checked = check_frame(frame, kind, context)
    assert "Our own note" not in checked.typed.columns
    assert checked.findings.height == 0


@pytest.mark.parametrize("kind", RecordKind)
def test_a_frame_without_rows_has_no_findings_and_the_same_columns(kind: RecordKind) -> None:
    empty = check_frame(text_frame(kind, []), kind, CONTEXT)
    assert (empty.typed.height, empty.findings.height) == (0, 0)
    assert empty.typed.schema == check(valid(kind), kind).typed.schema


# --- withdrawn rows


def test_of_a_withdrawn_row_only_number_and_reason_are_asked() -> None:
    spoilt = valid_case(
        sex="what", birth_date="31/02/1951", admission_date="", nhs_number="1", withdraw_reason="Duplicate"
    )
    checked = check(spoilt)
    assert found(checked) == []
    assert checked.typed["withdraw_reason"].to_list() == ["duplicate"]
    assert found(check(spoilt | {"withdraw_reason": "why"})) == [("withdraw_reason", 33)]
    assert found(check(spoilt | {"local_case_id": "943 476 5919"})) == [("local_case_id", 53)]
    assert found(check(spoilt | {"local_case_id": ""})) == [("local_case_id", 30)]


def test_a_withdrawn_review_is_asked_for_nothing_else() -> None:
    assert (
        found(check(dict.fromkeys(valid_rca(), "") | {"local_case_id": "A", "withdraw_reason": "not_hat"}, RCA), RCA)
        == []
    )


# --- the sender's own words and nation


def test_local_codes_are_put_into_the_datasets_own() -> None:
    context = replace(CONTEXT, codes={"sex": {"f": "female", "1": "male"}, "vte_type": {"leg clot": "dvt"}})
    checked = check(valid_case(sex="F", vte_type="Leg Clot"), context=context)
    assert found(checked) == []
    assert (checked.typed["sex"][0], checked.typed["vte_type"][0]) == ("female", "dvt")
    assert check(valid_case(sex="Female"), context=context).typed["sex"][0] == "female", "our own codes still hold"
    assert found(check(valid_case(sex="", present_on_admission="f"), context=context)) == [
        ("sex", 30),
        ("present_on_admission", 33),
    ]


def test_local_codes_in_a_list_are_put_in_one_by_one() -> None:
    context = replace(CONTEXT, codes={"contributory_factors": {"team talk": "communication"}})
    checked = check(valid_rca(contributory_factors="Team Talk | staff|STAFF"), RCA, context)
    assert found(checked, RCA) == []
    assert checked.typed["contributory_factors"].to_list() == [["communication", "staff"]]
    assert found(check(valid_rca(contributory_factors="team talk|rota"), RCA, context), RCA) == [
        ("contributory_factors", 33)
    ]
    blank = check(valid_rca(contributory_factors=""), RCA, context)
    assert blank.typed["contributory_factors"].to_list() == [None]
    assert found(check(valid_rca(contributory_factors="team talk||staff"), RCA, context), RCA) == [
        ("contributory_factors", 55)
    ]


def test_codes_of_fields_that_the_record_does_not_have_are_passed_over() -> None:
    assert found(check(valid_case(), context=replace(CONTEXT, codes={"category": {"x": "not_hat"}}))) == []


@pytest.mark.parametrize(("method", "england", "wales"), [("6", [], [34]), ("2", [34], []), ("1", [], [])])
def test_the_list_is_that_of_the_senders_nation(method: str, england: list[int], wales: list[int]) -> None:
    row = valid_case(discharge_method=method)
    for nation, wanted in ((Nation.ENGLAND, england), (Nation.WALES, wales)):
        rules = check(row, context=replace(CONTEXT, nation=nation)).findings["rule"].to_list()
        assert [rule for rule in rules if rule < 90] == wanted


def test_what_the_check_knows_of_the_sender_counts() -> None:
    """The day of receipt, the sender's code and whether the data are invented come from the context alone."""
    assert ("nhs_number", 105) in found(check(valid_case(), context=replace(CONTEXT, synthetic=False)))
    assert ("admission_date", 108) in found(check(valid_case(), context=replace(CONTEXT, on=date(2025, 8, 31))))
    moved = valid_case(transferred_from="RJ1", diagnosis_date="2025-09-05", diagnosis_setting="index_stay")
    assert ("transferred_from", 146) not in found(check(moved))
    assert 146 in [rule for _, rule in found(check(moved, context=replace(CONTEXT, transfer_hours=120)))]


# --- columns that may be month first


def test_a_column_that_may_be_swapped_is_refused_whole_and_only_it() -> None:
    rows = [valid_case(birth_date="04/12/1951"), valid_case(birth_date="1951-04-12"), valid_case(birth_date="")]
    checked = check_frame(text_frame(CASE, rows), CASE, CONTEXT, ("birth_date",))
    assert [(row, rule) for row, _, rule in checked.findings.rows()] == [(2, 37), (3, 37), (4, 30)]
    assert checked.typed["birth_date"].to_list() == [None] * 3
    assert checked.typed["admission_date"].to_list() == [date(2025, 9, 1)] * 3


@pytest.mark.parametrize(
    ("cell", "swapped"),
    [
        ("9/13/2025", True),
        ("09/31/2025", True),
        ("12/13/2025 10:00", True),
        ("13/09/2025", False),
        ("12/12/2025", False),
        ("13/13/2025", False),
        ("00/13/2025", False),
        ("2025-13-09", False),
        ("9/13/25", False),
    ],
)
def test_only_a_date_that_cannot_be_day_first_makes_a_column_doubtful(cell: str, swapped: bool) -> None:
    frame = text_frame(CASE, [valid_case(), valid_case(admission_date=cell)])
    assert month_first_columns(frame, slashed_fields(CASE)) == ({"admission_date"} if swapped else frozenset())


def test_every_field_of_dates_times_and_months_may_be_doubtful() -> None:
    assert set(slashed_fields(CASE)) >= {"birth_date", "admission_date", "admitted_at", "diagnosis_date", "death_date"}
    assert slashed_fields(ACTIVITY) == ("month",)
    assert all("date" in field(CASE, name).holds.name for name in slashed_fields(CASE))


def test_rows_of_many_people_are_judged_each_by_itself() -> None:
    """A fault in one row says nothing of another, whatever their order."""
    rows = [
        valid_case(local_case_id=f"C{place}", nhs_number=nhs_number(place), sex="x" if place % 3 else "male")
        for place in range(30)
    ]
    whole = check_frame(text_frame(CASE, rows), CASE, CONTEXT)
    assert whole.faulty().sort().to_list() == [place + 2 for place in range(30) if place % 3]
    backwards = check_frame(text_frame(CASE, rows).reverse(), CASE, CONTEXT)
    assert backwards.findings.equals(whole.findings)
