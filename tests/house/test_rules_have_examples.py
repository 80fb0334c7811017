"""Every rule of the catalogue is broken by some example, and that example is really given to a test.

The tables of examples stand beside what they are about. Here they are counted together, each found through the mark of the test
that takes it: a table that no test takes any more, or a test that is left out, shows as rules without an example.
"""

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import pytest

from schemas.rule import CATALOGUE, Rule, Scope
from tests.ingest import test_check, test_file_rules
from tests.ingest.fhir import test_form_rules, test_unit_rules
from tests.registry.submissions import test_register_rules
from tests.registry.web.fhir import test_door_rules
from tests.schemas import test_cells
from tests.schemas.rules import test_examples

# A number once given is never given again.
WITHDRAWN = frozenset({310, 311})

TESTS: tuple[tuple[Scope, ModuleType, str], ...] = (
    (Scope.FILE, test_file_rules, "test_the_file_breaks_the_rule_and_the_nearest_one_does_not"),
    (Scope.FILE, test_form_rules, "test_the_content_breaks_the_rule_and_the_nearest_one_breaks_none"),
    (Scope.FILE, test_unit_rules, "test_the_unit_breaks_the_rule_and_its_neighbour_does_not"),
    (Scope.FILE, test_unit_rules, "test_more_than_200_issues_are_counted_and_200_listed"),
    (Scope.FILE, test_door_rules, "test_the_bundle_breaks_the_rule_and_the_nearest_one_does_not"),
    (Scope.CELL, test_check, "test_an_empty_cell_is_missing_and_an_unreadable_one_is_not"),
    (Scope.CELL, test_cells, "test_the_cell_breaks_the_rule_and_its_neighbour_does_not"),
    (Scope.ROW, test_examples, "test_the_row_breaks_the_rule"),
    (Scope.ROW, test_examples, "test_the_nearest_row_does_not"),
    (Scope.ROWS, test_examples, "test_repeated_rows_are_found_in_both_and_others_are_not"),
    (Scope.REGISTER, test_register_rules, "test_the_nearest_file_stands_and_the_other_breaks_the_rule"),
)


def _examples(test: Callable[..., Any]) -> Iterable[Any]:
    """What a test is given, one example after the other; nothing where the test is marked as skipped or expected to fail."""
    marks = getattr(test, "pytestmark", [])
    if any(mark.name in ("skip", "skipif", "xfail") for mark in marks):
        return ()
    return [each for mark in marks if mark.name == "parametrize" for each in mark.args[1]]


def _number(example: Any) -> int:
    """The rule that an example is about: its `number`, or the first of its parts."""
    return int(example.number if hasattr(example, "number") else example[0])


def _broken(module: ModuleType, test: str) -> set[int]:
    return {_number(example) for example in _examples(getattr(module, test))}


SHOWN = {(module.__name__, test): _broken(module, test) for _, module, test in TESTS}


@pytest.mark.parametrize("rule", list(CATALOGUE), ids=lambda rule: rule.id)
def test_the_rule_has_an_example(rule: Rule) -> None:
    takers = [SHOWN[module.__name__, test] for scope, module, test in TESTS if scope is rule.scope]
    assert any(rule.number in numbers for numbers in takers)


def test_a_rule_across_fields_has_an_example_that_breaks_it_and_one_that_does_not() -> None:
    """The other tables hold both in one example."""
    breaks, stands = (SHOWN[test_examples.__name__, test] for scope, _, test in TESTS if scope is Scope.ROW)
    assert breaks == stands == {rule.number for rule in CATALOGUE if rule.scope is Scope.ROW}


def test_no_example_is_about_a_rule_that_is_not_there() -> None:
    known = {rule.number for rule in CATALOGUE}
    assert set().union(*SHOWN.values()) == known


def test_a_withdrawn_number_is_not_given_again() -> None:
    assert not WITHDRAWN & {rule.number for rule in CATALOGUE}
