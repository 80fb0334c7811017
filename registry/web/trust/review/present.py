"""How a review is said to people: its answers in words by section, its facts, its moves."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from registry.cases.facts import Facts, facts
from registry.cases.review import CARE, FINDINGS, Page, response_words
from registry.cases.reviewing import Reviewed
from registry.cases.second_reading import Judgement
from registry.cases.states import CaseState, Work
from registry.web.trust.present import said_day, said_time
from schemas.codelist import Nation
from schemas.dictionary import Field, field, fields
from schemas.record import RecordKind
from schemas.values import CodesType, CodeType, DateTimeType, DateType

RCA, CASE = RecordKind.RCA, RecordKind.CASE


@dataclass(frozen=True, slots=True)
class Said:
    """A section of answers in words: question and answer."""

    title: str
    answers: tuple[tuple[str, str], ...]


def said(text: Mapping[str, str], names: Collection[str], nation: Nation) -> list[Said]:
    """The answers that there are, section by section in the order of the dataset."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in fields(RCA):
        value = text.get(each.name, "")
        if each.name in names and value:
            found.setdefault(each.item.section, []).append((each.item.question, answer_words(each, value, nation)))
    return [Said(title, tuple(answers)) for title, answers in found.items()]


def answer_words(each: Field, value: str, nation: Nation) -> str:
    """One answer, as a file has it, in words; what is no code of its list as it is."""
    if each.name == "response_type":
        return response_words(value, nation)
    if isinstance(each.holds, CodeType):
        return _code_words(each, value)
    if isinstance(each.holds, CodesType):
        return "; ".join(_code_words(each, one) for one in value.split("|"))
    if isinstance(each.holds, DateType | DateTimeType):
        return _day_words(value)
    return value


def _code_words(each: Field, value: str) -> str:
    known = () if each.codes is None else each.codes
    return next((code.words for code in known if code.value == value), value)


def _day_words(value: str) -> str:
    try:
        return said_day(date.fromisoformat(value)) if len(value) == len("2025-01-01") else value.replace("T", " ")
    except ValueError:
        return value


def field_words(name: str, value: str, nation: Nation) -> str:
    """An answer of the review by its field's name; empty for none."""
    return answer_words(field(RCA, name), value, nation) if value else ""


def judgement_rows(judgements: Iterable[Judgement], nation: Nation) -> list[tuple[str, list[str]]]:
    """Judgements beside each other: each question with every reader's answer."""
    texts = [each.text for each in judgements]
    names = ("category", "inadequacies", "preventability", "would_have_changed_outcome", "judged_by", "judged_on")
    return [
        (field(RCA, name).item.question, [field_words(name, text[name], nation) or "–" for text in texts])
        for name in names
    ]


# --- the case


def case_rows(case: Reviewed) -> list[tuple[str, str]]:
    """What a reviewer has to know of a case: no name, number or birth date."""
    values = case.values
    rows = [
        ("Your number of the case", case.local_case_id),
        ("The registry's number", case.number),
        ("Age at admission", "" if case.age is None else str(case.age)),
        *((question, _case_words(name, values.get(name))) for question, name in _CASE),
    ]
    return [(question, words) for question, words in rows if words]


_CASE = (
    ("Sex", "sex"),
    ("Admission of the index stay", "index_admission_date"),
    ("Discharge of the index stay", "index_discharge_date"),
    ("Group", "admission_group"),
    ("Main specialty", "main_specialty"),
    ("Operation", "procedure_date"),
    ("Clot found", "vte_type"),
    ("Where the DVT was", "dvt_site"),
    ("Diagnosed", "diagnosis_date"),
    ("Confirmed by", "confirmation"),
    ("Died within 90 days", "died_within_90_days"),
)


def _case_words(name: str, value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return said_time(value)
        case date():
            return said_day(value)
    return _code_words(field(CASE, name), str(value))


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was worked out. `hint`: it is only that."""

    title: str
    words: str
    hint: bool = False


def fact_rows(case: Reviewed, text: Mapping[str, str]) -> list[Fact]:
    """The facts that are shown beside the questions."""
    return [*_hours(facts(case.values, text)), *_extended(facts(case.values, text))]


def _hours(known: Facts) -> list[Fact]:
    if known.why_no_hours:
        return [Fact("Hours from admission", f"Not worked out. {known.why_no_hours}")]
    missing = "Not worked out. Its time is not recorded."
    return [
        Fact("Admission to assessment", known.assessed.words if known.assessed else missing),
        Fact("Admission to first dose", known.first_dose.words if known.first_dose else missing),
    ]


def _extended(known: Facts) -> list[Fact]:
    if not known.extended:
        return [Fact("Extended prophylaxis", "Nothing recorded makes NICE NG89 expect it.", hint=True)]
    return [
        Fact("Extended prophylaxis", f"{each.source} expects it {each.expects}: {each.seen}.", not each.certain)
        for each in known.extended
    ]


# --- how far it is


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the full review and how many of its core questions have an answer."""

    page: Page
    answered: int
    asked: int

    @property
    def state(self) -> tuple[str, str]:
        """Words and colour of its tag."""
        if not self.answered:
            return "Not started", "grey"
        return ("Answered", "green") if self.answered == self.asked else ("In progress", "blue")


def stages(text: Mapping[str, str]) -> list[Stage]:
    return [_stage(Page.CARE, CARE, text), _stage(Page.FINDINGS, FINDINGS, text)]


_MAY_STAY_BLANK = frozenset(
    {"inadequacies", "contributory_factors", "candour_told_on", "learning_point", "notable_practice"}
)
"""Of the core, but only asked where there is something to say."""


def _stage(page: Page, names: Collection[str], text: Mapping[str, str]) -> Stage:
    core = [name for name in names if field(RCA, name).core and name not in _MAY_STAY_BLANK]
    return Stage(page, sum(bool(text.get(name)) for name in core), len(core))


def tag_of(work: Work) -> tuple[str, str]:
    words = work.state.words
    return words[0].upper() + words[1:], work.state.colour


def due_words(work: Work) -> str:
    return said_day(work.due_on) if work.due_on and work.state is not CaseState.COMPLETE else ""
