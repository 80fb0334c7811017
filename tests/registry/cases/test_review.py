"""Which pages ask what, what a screening review is enough for, and how reviews are called in each nation."""

import pytest

from registry.cases import review
from registry.cases.review import CARE, FINDINGS, JUDGEMENT, QUESTIONS, SCREENING, responses, screened, to_find
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from schemas.rule import CATALOGUE
from tests.make import valid_rca

NOTHING_TO_FIND = {
    "risk_assessed": "complete",
    "assessed_within_14_hours": "yes",
    "assessment_correct": "correct",
    "prophylaxis_indicated": "yes",
    "prophylaxis_prescribed": "yes",
    "prophylaxis_given": "yes",
    "first_dose_within_14_hours": "yes",
    "doses_missed_avoidably": "0",
    "mechanical": "none_indicated",
    "extended": "not_expected",
    "judged_by": "vte_nurse",
    "judged_on": "2026-02-02",
}
ALL = {each.name for each in fields(RecordKind.RCA)}


def test_the_two_stages_ask_everything_once_and_nothing_that_is_not_in_the_dataset() -> None:
    assert not set(CARE) & set(FINDINGS)
    assert set(CARE) | set(FINDINGS) == ALL - {"local_case_id", "response_type", "withdraw_reason", "actions"}
    for names in (*QUESTIONS.values(), JUDGEMENT):
        assert set(names) <= ALL
        assert len(set(names)) == len(names)
    assert set(JUDGEMENT) <= set(FINDINGS)


def test_a_screening_review_is_one_short_page() -> None:
    assert len(SCREENING) <= 14
    assert not {"category", "preventability", "inadequacies"} & set(SCREENING)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"risk_assessed": "exempt_cohort", "assessment_correct": "not_applicable"},
        {"prophylaxis_indicated": "no", "prophylaxis_prescribed": "no", "prophylaxis_given": "not_applicable",
         "first_dose_within_14_hours": "not_applicable", "doses_missed_avoidably": ""},
        {"prophylaxis_indicated": "contraindicated", "prophylaxis_prescribed": "", "doses_missed_avoidably": "",
         "mechanical": "applied"},
        {"prophylaxis_indicated": "already_treated", "prophylaxis_prescribed": "", "doses_missed_avoidably": ""},
        {"extended": "given", "mechanical": "contraindicated", "assessed_within_14_hours": "not_recorded"},
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_find_one_page_is_enough(change: dict[str, str]) -> None:
    assert to_find(NOTHING_TO_FIND | change) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("risk_assessed", "no"), ("risk_assessed", "incomplete"), ("risk_assessed", "unknown"), ("risk_assessed", ""),
        ("assessed_within_14_hours", "no"), ("assessment_correct", "incorrect"), ("assessment_correct", ""),
        ("prophylaxis_indicated", "declined"), ("prophylaxis_indicated", "unknown"), ("prophylaxis_indicated", ""),
        ("prophylaxis_prescribed", "no"), ("prophylaxis_prescribed", ""), ("prophylaxis_given", "partly"),
        ("prophylaxis_given", "not_recorded"), ("first_dose_within_14_hours", "no"), ("doses_missed_avoidably", "1"),
        ("doses_missed_avoidably", ""), ("doses_missed_avoidably", "many"), ("mechanical", "omitted"), ("mechanical", ""),
        ("extended", "short"), ("extended", "omitted"), ("extended", "unknown"), ("extended", "<script>"),
    ],
)  # fmt: skip
def test_where_there_is_something_to_find_the_page_says_which_answer_it_is(field: str, value: str) -> None:
    assert [name for name, _ in to_find(NOTHING_TO_FIND | {field: value})] == [field]


@pytest.mark.parametrize(
    ("indicated", "category"),
    [
        ("yes", "prophylaxis_failure"),
        ("already_treated", "prophylaxis_failure"),
        ("contraindicated", "contraindicated"),
        ("no", "not_indicated"),
    ],
)
def test_a_screened_case_is_not_preventable_and_its_finding_follows(indicated: str, category: str) -> None:
    made = screened(NOTHING_TO_FIND | {"prophylaxis_indicated": indicated})
    assert (made["response_type"], made["category"], made["preventability"], made["inadequacies"]) == (
        "screening", category, "not_preventable", "",
    )  # fmt: skip
    assert review.is_judged(made)


def test_nothing_that_the_page_lets_pass_is_asked_about_by_the_rule_of_the_dataset() -> None:
    """Rule 209: a screening review is not enough. Both must mean the same by it."""
    rule = CATALOGUE[209]
    for name in set(rule.fields) - {"response_type", "preventability", "inadequacies"}:
        assert name in SCREENING


def test_reviews_are_called_as_each_nation_calls_them() -> None:
    assert [each.value for each in responses(Nation.WALES)] == ["rca"]
    assert [each.value for each in responses(Nation.ENGLAND)] == ["thematic", "mdt", "after_action", "swarm", "psii"]
    assert review.title(Nation.WALES) == "Root cause analysis"
    assert review.response_words("rca", Nation.WALES) == "Root cause analysis"
    assert review.response_words("rca", Nation.ENGLAND) == "Root cause analysis (as it was called before PSIRF)"
    assert review.response_words("psii", Nation.ENGLAND) == "Patient safety incident investigation"
    assert review.response_words("<b>", Nation.ENGLAND) == "<b>"


def test_a_review_is_judged_with_finding_and_preventability_or_as_none() -> None:
    whole = valid_rca()
    assert review.is_judged(whole)
    assert not review.is_judged({**whole, "preventability": ""})
    assert not review.is_judged({**whole, "category": ""})
    assert review.is_judged({"category": "not_hat"})
