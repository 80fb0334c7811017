"""The review of a case: what is asked at which of its pages, which learning responses a nation has, and when one page is enough.

Nothing is asked that the dataset does not have (`schemas.rca`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.codelist import Nation
from schemas.codes import (
    Correct,
    Extended,
    Given,
    HatCategory,
    Indicated,
    Mechanical,
    Preventability,
    ResponseType,
    RiskAssessment,
    Timely,
    YesNo,
)
from schemas.dictionary import fields
from schemas.record import RecordKind

Answers = Mapping[str, str]
"""Text by field, as a file has it."""


class Page(StrEnum):
    """A page of the review. CARE and FINDINGS are the two stages of a full one; the consultant answers FINDINGS."""

    SCREENING = "screening"
    CARE = "care"
    FINDINGS = "findings"

    @property
    def words(self) -> str:
        return {
            Page.SCREENING: "Screening review",
            Page.CARE: "What care was given",
            Page.FINDINGS: "What was found",
        }[self]


_OF_FINDINGS = ("Findings", "Candour", "Learning")
_JUDGED = ("judged_by", "judged_on")
_ASIDE = ("local_case_id", "withdraw_reason", "response_type", "actions")
"""Never asked as a question: the key, what withdraws, what the first page chooses, and the number of actions, which is counted."""


def _sections(*wanted: str, leave: tuple[str, ...] = _ASIDE) -> tuple[str, ...]:
    return tuple(each.name for each in fields(RecordKind.RCA) if each.item.section in wanted and each.name not in leave)


CARE = tuple(
    each.name
    for each in fields(RecordKind.RCA)
    if each.item.section not in (*_OF_FINDINGS, "Review") and each.name not in _ASIDE
)
"""Stage one, by the thrombosis team: assessment, prophylaxis and, folded away, what the notes say besides."""

FINDINGS = (*_JUDGED, *_sections(*_OF_FINDINGS))
"""Stage two: the judgement, candour and learning."""

JUDGEMENT = (
    "judged_by", "judged_on", "category", "inadequacies", "preventability", "would_have_changed_outcome",
)  # fmt: skip
"""What two readers judge, each by themselves, and then agree on."""

SCREENING = (
    "risk_assessed", "assessed_within_14_hours", "assessment_correct", "prophylaxis_indicated", "prophylaxis_prescribed",
    "prophylaxis_given", "first_dose_within_14_hours", "doses_missed_avoidably", "mechanical", "extended", *_JUDGED,
    "candour_threshold_met", "notable_practice",
)  # fmt: skip
"""All that one page asks of a case in which there is nothing to find."""

QUESTIONS: Mapping[Page, tuple[str, ...]] = {Page.SCREENING: SCREENING, Page.CARE: CARE, Page.FINDINGS: FINDINGS}

BLINDED = frozenset(
    each.name
    for each in fields(RecordKind.RCA)
    if each.item.section in (*_OF_FINDINGS, "Review") or each.item.identifying
) - {"local_case_id"}
"""What a second reader is not shown: judgement, candour, learning, and every free text."""


# --- learning responses


@dataclass(frozen=True, slots=True)
class Response:
    """A learning response as a nation calls it."""

    value: str
    words: str
    hint: str


_WALES = {ResponseType.RCA: "The full review, in two stages."}
_ENGLAND = {
    ResponseType.THEMATIC: "Several cases with the same question, looked at together.",
    ResponseType.MDT: "The teams that cared for the patient look at what happened.",
    ResponseType.AFTER_ACTION: "A structured talk with those who were there.",
    ResponseType.SWARM: "A huddle soon after the event.",
    ResponseType.PSII: "An investigation under the trust's patient safety incident response plan.",
}


def responses(nation: Nation) -> tuple[Response, ...]:
    """The full reviews that may be chosen: in England those of PSIRF, in Wales root cause analysis."""
    listed = _WALES if nation is Nation.WALES else _ENGLAND
    return tuple(Response(each.value, each.words, hint) for each, hint in listed.items())


def title(nation: Nation) -> str:
    """What the full review is called."""
    return "Root cause analysis" if nation is Nation.WALES else "Learning response"


def response_words(value: str, nation: Nation) -> str:
    """A recorded kind of review in words. England's reviews from before PSIRF keep their name."""
    if value not in set(ResponseType):
        return value
    kind = ResponseType(value)
    earlier = kind is ResponseType.RCA and nation is Nation.ENGLAND
    return f"{kind.words} (as it was called before PSIRF)" if earlier else kind.words


# --- screening


def to_find(answers: Answers) -> list[tuple[str, str]]:
    """Why one page is not enough, by field; empty where there is nothing to find.

    The patient was assessed, had the right prophylaxis, missed no dose avoidably and was given extended prophylaxis where it was
    expected (counting rules, 2).
    """
    return [*_assessment(answers), *_prophylaxis(answers), *_further(answers)]


def _one_of(answers: Answers, name: str, *codes: str) -> bool:
    return answers.get(name, "") in {str(code) for code in codes}


def _assessment(answers: Answers) -> Iterator[tuple[str, str]]:
    exempt = _one_of(answers, "risk_assessed", RiskAssessment.EXEMPT_COHORT)
    if not exempt and not _one_of(answers, "risk_assessed", RiskAssessment.COMPLETE):
        yield "risk_assessed", "The patient is not known to have been assessed completely."
    if _one_of(answers, "assessed_within_14_hours", Timely.NO):
        yield "assessed_within_14_hours", "The assessment was late."
    if not exempt and not _one_of(answers, "assessment_correct", Correct.CORRECT):
        yield "assessment_correct", "The assessment is not known to have been correct."


def _prophylaxis(answers: Answers) -> Iterator[tuple[str, str]]:
    if _one_of(answers, "prophylaxis_indicated", Indicated.YES):
        if not _one_of(answers, "prophylaxis_prescribed", YesNo.YES):
            yield "prophylaxis_prescribed", "Prophylaxis was indicated and is not known to have been prescribed."
        if not _one_of(answers, "prophylaxis_given", Given.YES):
            yield "prophylaxis_given", "Prophylaxis was indicated and is not known to have been given in full."
        if _one_of(answers, "first_dose_within_14_hours", Timely.NO):
            yield "first_dose_within_14_hours", "The first dose was late."
    elif not _one_of(
        answers, "prophylaxis_indicated", Indicated.NO, Indicated.CONTRAINDICATED, Indicated.ALREADY_TREATED
    ):
        yield "prophylaxis_indicated", "It is not known whether drug prophylaxis was the right one."


def _further(answers: Answers) -> Iterator[tuple[str, str]]:
    if answers.get("doses_missed_avoidably", "") not in ("", "0"):
        yield "doses_missed_avoidably", "Doses were missed."
    elif not answers.get("doses_missed_avoidably") and _one_of(answers, "prophylaxis_indicated", Indicated.YES):
        yield "doses_missed_avoidably", "Enter how many doses were missed avoidably; 0 for none."
    if not _one_of(answers, "mechanical", Mechanical.NONE_INDICATED, Mechanical.APPLIED, Mechanical.CONTRAINDICATED):
        yield "mechanical", "Mechanical prophylaxis is not known to have been right."
    if not _one_of(answers, "extended", Extended.NOT_EXPECTED, Extended.GIVEN):
        yield "extended", "Extended prophylaxis is not known to have been given where it was expected."


_CATEGORY = {
    Indicated.YES: HatCategory.FAILURE,
    Indicated.ALREADY_TREATED: HatCategory.FAILURE,
    Indicated.CONTRAINDICATED: HatCategory.CONTRAINDICATED,
    Indicated.NO: HatCategory.NOT_INDICATED,
}


def screened(answers: Answers) -> dict[str, str]:
    """The whole review that a screening page stands for, where `to_find` gives nothing: not preventable, and why the clot came."""
    indicated = Indicated(answers["prophylaxis_indicated"])
    return {
        **answers,
        "response_type": ResponseType.SCREENING.value,
        "category": _CATEGORY[indicated].value,
        "inadequacies": "",
        "preventability": Preventability.NOT_PREVENTABLE.value,
    }


def is_judged(answers: Answers) -> bool:
    """Whether a review is complete: finding and preventability."""
    not_hat = _one_of(answers, "category", HatCategory.NOT_HAT)
    return bool(answers.get("category")) and (not_hat or bool(answers.get("preventability")))
