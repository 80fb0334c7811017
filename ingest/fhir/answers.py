"""The guard of the QuestionnaireResponses: answers against the questions of their record, taken down as the text of a CSV row.

Every linkId is a question of that Questionnaire and stands once; items are flat; an answer is of its question's type, and one alone
unless the question repeats; a code comes from the question's own code system, or names none. `item.text` and `display` are not
looked at. What is asked for and which codes hold is for the validator, as for every door, so those faults have the same numbers.
"""

from dataclasses import dataclass
from functools import cache

from ingest.fhir.elements import UNUSABLE, Element, cell, moment
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.fhir import Answer
from schemas.record import RecordKind
from schemas.rules import fhir as rules


@dataclass(frozen=True, slots=True)
class _Question:
    """`element` is where its answers stand; `system` the code system of a choice."""

    name: str
    kind: Answer
    element: str
    repeats: bool
    system: str | None


@cache
def questions(kind: RecordKind) -> dict[str, _Question]:
    """The questions of a record by linkId."""
    return {
        each.name: _Question(
            name=each.name,
            kind=fhir.answer(each),
            element=fhir.answer(each).element,
            repeats=fhir.repeats(each),
            system=None if each.codes is None else fhir.code_system(each.codes),
        )
        for each in fhir.answered(kind)
    }


def read_answers(resource: Element, root: str, kind: RecordKind, unit: Unit) -> None:
    """Put the answers of a QuestionnaireResponse at `root` into the unit's record of this kind, and what is wrong into its issues."""
    items = resource.get("item")
    if not isinstance(items, list):
        return
    asked = questions(kind)
    seen: set[str] = set()
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        name = item.get("linkId")
        path = f"{root}.item[{place}]"
        question = asked.get(name) if isinstance(name, str) else None
        if question is None:
            _unknown(item, path, unit)
        elif question.name in seen:
            unit.issues.append(fault(rules.REPEATED_QUESTION, path, element=question.name))
        else:
            seen.add(question.name)
            _item(item, path, question, kind, unit)


def _unknown(item: Element, path: str, unit: Unit) -> None:
    # Without a linkId it is the structure that is broken, which is told already.
    if isinstance(item.get("linkId"), str):
        unit.issues.append(fault(rules.UNKNOWN_QUESTION, f"{path}.linkId"))


def _item(item: Element, path: str, question: _Question, kind: RecordKind, unit: Unit) -> None:
    if "item" in item:
        unit.issues.append(fault(rules.UNKNOWN_QUESTION, f"{path}.item"))
    answers = item.get("answer")
    if not isinstance(answers, list) or not answers:
        return
    if len(answers) == 1:
        place = f"{path}.answer[0].value"
        text = _answer(answers[0], place, question, unit)
    elif question.repeats:
        place = f"{path}.answer"
        text = _answers(answers, place, question, unit)
    else:
        place, text = f"{path}.answer", UNUSABLE
        unit.issues.append(fault(rules.SEVERAL_ANSWERS, place, element=question.name))
    if text:
        unit.records[kind][question.name] = text
        unit.places[kind, question.name] = place


def _answers(answers: list[object], path: str, question: _Question, unit: Unit) -> str:
    """Several answers as one cell."""
    parts = [_answer(each, f"{path}[{place}].value", question, unit) for place, each in enumerate(answers)]
    return UNUSABLE if any(part is UNUSABLE for part in parts) else "|".join(part for part in parts if part)


def _answer(answer: object, path: str, question: _Question, unit: Unit) -> str:
    """The text of one answer; blank where it has no value, `UNUSABLE` where an issue was told instead."""
    if not isinstance(answer, dict):
        return UNUSABLE
    if "item" in answer:
        unit.issues.append(fault(rules.UNKNOWN_QUESTION, f"{path.removesuffix('.value')}.item"))
    value = answer.get(question.element)
    if value is None:
        return _no_answer(answer, path, question, unit)
    if question.system is not None:
        return _code(value, path, question, unit)
    text = cell(value)
    return moment(text) if question.kind is Answer.DATE_TIME else text


def _no_answer(answer: Element, path: str, question: _Question, unit: Unit) -> str:
    """An answer may say only that there is none; one of another type is refused."""
    if not any(name.startswith("value") for name in answer):
        return ""
    if question.element not in answer:  # null there is told by the structure
        told = fault(rules.WRONG_ANSWER_TYPE, path, element=question.name, expected=question.element)
        unit.issues.append(told)
    return UNUSABLE


def _code(coding: object, path: str, question: _Question, unit: Unit) -> str:
    if not isinstance(coding, dict):
        return UNUSABLE
    assert question.system is not None
    if coding.get("system", question.system) != question.system:
        told = fault(rules.WRONG_SYSTEM, f"{path}.system", element=question.name, expected=question.system)
        unit.issues.append(told)
        return UNUSABLE
    if "code" not in coding:
        unit.issues.append(fault(rules.MISSING_ELEMENT, f"{path}.code", element="code", type="Coding"))
        return UNUSABLE
    return cell(coding["code"])
