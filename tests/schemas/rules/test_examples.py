"""Every rule across fields has an example that breaks it and one that does not; valid rows break none."""

import pytest

from schemas.codelist import Nation
from schemas.dictionary import field, fields
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope
from tests.make import nhs_number, valid, valid_case
from tests.schemas.judging import broken, check, repeated
from tests.schemas.rules.examples import EXAMPLES, Example


def _name(example: Example) -> str:
    return f"{example.number}-{example.kind}"


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_the_row_breaks_the_rule(example: Example) -> None:
    row = valid(example.kind, **example.breaks)
    found = broken(row, example.kind, nation=example.nation, on=example.on, synthetic=example.synthetic)
    assert example.number in found


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_the_nearest_row_does_not(example: Example) -> None:
    row = valid(example.kind, **example.stands)
    nation = example.stands_nation or example.nation
    synthetic = example.synthetic if example.stands_synthetic is None else example.stands_synthetic
    assert example.number not in broken(row, example.kind, nation=nation, on=example.on, synthetic=synthetic)


def test_every_rule_has_an_example_for_each_kind() -> None:
    shown = {(example.number, example.kind) for example in EXAMPLES}
    wanted = {(rule.number, kind) for rule in CATALOGUE for kind in rule.kinds if rule.scope is Scope.ROW}
    assert shown == wanted


@pytest.mark.parametrize("kind", RecordKind)
def test_a_valid_row_breaks_nothing(kind: RecordKind) -> None:
    nation = Nation.WALES if kind is RecordKind.WALES_QUARTER else Nation.ENGLAND
    assert broken(valid(kind), kind, nation=nation) == set()


@pytest.mark.parametrize("kind", RecordKind)
def test_a_blank_row_breaks_only_what_asks_for_something(kind: RecordKind) -> None:
    """Nothing else is said of cells that are merely empty: a missing optional item is never an error."""
    blank = dict.fromkeys((each.name for each in fields(kind)), "")
    expected = {30, 100, 112} if kind is RecordKind.CASE else {30}
    assert broken(blank, kind) == expected


@pytest.mark.parametrize("rule", [rule for rule in CATALOGUE if rule.scope is Scope.ROW], ids=lambda rule: rule.id)
def test_a_rule_names_every_column_that_it_reads(rule: Rule) -> None:
    """An unreadable cell silences a rule only if the rule names it. Derived columns stand for the dates behind them."""
    assert rule.check is not None
    for kind in rule.kinds:
        read = set(rule.check().meta.root_names()) & {each.name for each in fields(RecordKind(kind))}
        assert read <= set(rule.fields)


UNREADABLE = "\u00a7"


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_an_unreadable_cell_silences_the_rule(example: Example) -> None:
    """Nothing is called missing or contradictory that is there but could not be read."""
    names = [name for name in CATALOGUE[example.number].fields if not _takes_anything(example.kind, name)]
    rows = [valid(example.kind, **{**example.breaks, name: UNREADABLE}) for name in names]
    findings = check(example.kind, rows, nation=example.nation, on=example.on, synthetic=example.synthetic).findings
    assert example.number not in findings["rule"].to_list()
    assert len(set(findings["row"])) == len(rows)


def _takes_anything(kind: RecordKind, name: str) -> bool:
    return field(kind, name).holds.name in ("text", "free text", "local id")


def test_a_withdrawn_case_is_checked_for_its_number_and_reason_only() -> None:
    row = dict.fromkeys(valid(RecordKind.CASE), "") | {"local_case_id": "HAT-0001", "birth_date": UNREADABLE}
    assert broken(row | {"withdraw_reason": "duplicate"}, RecordKind.CASE) == set()
    assert broken(row | {"withdraw_reason": "because"}, RecordKind.CASE) == {33}
    assert broken(row | {"withdraw_reason": "duplicate", "local_case_id": ""}, RecordKind.CASE) == {30}


ANOTHER = {"local_case_id": "HAT-0002"}
REPEATS: tuple[tuple[int, RecordKind, dict[str, str], dict[str, str]], ...] = (
    (90, RecordKind.CASE, {"nhs_number": nhs_number(2)}, ANOTHER | {"nhs_number": nhs_number(2)}),
    (90, RecordKind.RCA, {}, ANOTHER),
    (90, RecordKind.ACTIVITY, {}, {"month": "2025-10"}),
    (90, RecordKind.ACTIVITY_STRATA, {}, {"sex": "male"}),
    (90, RecordKind.ORGANISATION_PROFILE, {}, {"year": "2023-24"}),
    (90, RecordKind.WALES_QUARTER, {}, {"quarter": "2025-04"}),
    (91, RecordKind.CASE, ANOTHER, ANOTHER | {"nhs_number": nhs_number(2)}),
    (91, RecordKind.CASE, ANOTHER, ANOTHER | {"admission_date": "2025-09-02"}),
    (92, RecordKind.CASE, ANOTHER | {"diagnosis_date": "2025-10-04"}, ANOTHER | {"diagnosis_date": "2025-10-05"}),
    (92, RecordKind.CASE, ANOTHER, ANOTHER | {"nhs_number": nhs_number(2)}),
)


@pytest.mark.parametrize(("number", "kind", "breaks", "stands"), REPEATS)
def test_repeated_rows_are_found_in_both_and_others_are_not(
    number: int, kind: RecordKind, breaks: dict[str, str], stands: dict[str, str]
) -> None:
    assert {(2, number), (3, number)} <= set(repeated(kind, [valid(kind), valid(kind, **breaks)]))
    assert number not in {rule for _, rule in repeated(kind, [valid(kind), valid(kind, **stands)])}


def test_every_rule_about_repeated_rows_has_an_example_for_each_kind() -> None:
    wanted = {(rule.number, kind) for rule in CATALOGUE for kind in rule.kinds if rule.scope is Scope.ROWS}
    assert {(number, kind) for number, kind, _, _ in REPEATS} == wanted


def test_cases_without_a_number_are_not_taken_for_one_person() -> None:
    nameless = {"nhs_number": "", "nhs_number_reason": "not_known"}
    assert repeated(RecordKind.CASE, [valid_case(**nameless), valid_case(**nameless, **ANOTHER)]) == []
