"""The catalogue as a whole: enough rules, numbered by what they look at, worded for the people who read them."""

import re
import string

import pytest

from schemas.dictionary import fields
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope

RULES = list(CATALOGUE)
NUMBERS = {
    Scope.FILE: (1, 29),
    Scope.CELL: (30, 69),
    Scope.ROWS: (90, 99),
    Scope.ROW: (100, 299),
    Scope.REGISTER: (300, 349),
}
FHIR = (350, 449)
BY_KIND = {RecordKind.CASE: (100, 189), RecordKind.RCA: (200, 249)}
JARGON = re.compile(
    r"\b(null|regex|boolean|enum|validation|invalid|string|integer|parse|UTC|ISO|column type)\b", re.IGNORECASE
)


def _id(rule: Rule) -> str:
    return rule.id


def test_there_are_rules_enough() -> None:
    across = [rule for rule in RULES if rule.scope in (Scope.ROW, Scope.ROWS, Scope.REGISTER)]
    assert len(RULES) >= 60
    assert len(across) >= 35


@pytest.mark.parametrize("rule", RULES, ids=_id)
def test_the_number_says_what_the_rule_looks_at(rule: Rule) -> None:
    least, most = FHIR if rule.scope is Scope.FILE and rule.number >= FHIR[0] else NUMBERS[rule.scope]
    assert least <= rule.number <= most
    if rule.scope is Scope.ROW:
        for kind in rule.kinds:
            least, most = BY_KIND.get(RecordKind(kind), (250, 299))
            assert least <= rule.number <= most


def test_the_id_holds_the_number_and_nothing_of_the_severity() -> None:
    assert CATALOGUE[90].id == "HAT-090"
    assert CATALOGUE[142].id == "HAT-142"


def test_names_and_sentences_are_given_once() -> None:
    assert len({rule.name for rule in RULES if rule.scope is not Scope.FILE}) == sum(
        rule.scope is not Scope.FILE for rule in RULES
    )
    assert len({rule.words for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=_id)
def test_the_sentences_are_whole_and_plain(rule: Rule) -> None:
    assert rule.words.format_map(_Anything())[-1] in ".?}:!" or rule.words.endswith("}")
    assert rule.mend.endswith(".")
    assert rule.words[0].isupper()
    assert rule.mend[0].isupper()
    if rule.scope in (Scope.ROW, Scope.ROWS, Scope.REGISTER):
        assert not JARGON.search(rule.words + rule.mend)
        assert not list(_placeholders(rule))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.scope is Scope.ROW], ids=_id)
def test_a_row_rule_has_its_check_and_its_fields(rule: Rule) -> None:
    assert rule.check is not None
    assert rule.check.__name__ == rule.name
    for kind in rule.kinds:
        assert set(rule.fields) <= {each.name for each in fields(RecordKind(kind))}
    assert len(set(rule.fields)) == len(rule.fields)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.scope in (Scope.ROWS, Scope.REGISTER)], ids=_id)
def test_other_rules_with_kinds_know_a_field_of_each(rule: Rule) -> None:
    for kind in rule.kinds:
        assert set(rule.fields) & {each.name for each in fields(RecordKind(kind))}
    known = {each.name for kind in rule.kinds for each in fields(RecordKind(kind))}
    assert set(rule.fields) <= known


def test_most_doubts_ask() -> None:
    """A row is refused only for what cannot be: among the rules of one row far more ask than refuse."""
    row_rules = [rule for rule in RULES if rule.scope is Scope.ROW]
    refusing = [rule for rule in row_rules if rule.severity is Severity.ERROR]
    assert len(refusing) * 2 < len(row_rules)


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key


def _placeholders(rule: Rule) -> list[str]:
    parsed = string.Formatter().parse(rule.words + rule.mend)
    return [name for _, name, _, _ in parsed if name]
