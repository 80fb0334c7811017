"""Every rule across fields has an example that breaks it and one that does not; valid rows break none."""

import pytest

from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.make import valid
from tests.schemas.judging import broken, row_rules
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
    wanted = {(rule.number, kind) for kind in RecordKind for rule in row_rules(kind)}
    assert shown == wanted


@pytest.mark.parametrize("kind", RecordKind)
def test_a_valid_row_breaks_nothing(kind: RecordKind) -> None:
    nation = Nation.WALES if kind is RecordKind.WALES_QUARTER else Nation.ENGLAND
    assert broken(valid(kind), kind, nation=nation) == set()


@pytest.mark.parametrize("kind", RecordKind)
def test_a_blank_row_breaks_only_what_asks_for_something(kind: RecordKind) -> None:
    """Nothing else is said of cells that are merely empty: a missing optional item is never an error."""
    blank = dict.fromkeys((each.name for each in fields(kind)), "")
    expected = {100, 112} if kind is RecordKind.CASE else set()
    assert broken(blank, kind) == expected


def test_a_rule_names_every_column_that_it_reads() -> None:
    """An unreadable cell silences a rule only if the rule names it. Derived columns stand for the dates behind them."""
    for kind in RecordKind:
        names = {each.name for each in fields(kind)}
        for rule in row_rules(kind):
            assert rule.check is not None
            read = set(rule.check().meta.root_names()) & names
            assert read <= set(rule.fields), f"{rule.id} reads {read - set(rule.fields)} silently"
