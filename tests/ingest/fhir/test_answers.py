"""The guard of the answers: the text that each answer gives, and the models' opinion of the same responses."""

import copy
from typing import Any

import pytest

from ingest.fhir import models, structure
from ingest.fhir.answers import questions, read_answers
from ingest.fhir.elements import UNUSABLE
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.dictionary import field
from schemas.record import RecordKind
from schemas.rules import fhir as rules
from tests.fhir_units import case_answers, review
from tests.ingest.fhir.texts import pool
from tests.make import valid_case, valid_rca

CASE, RCA = RecordKind.CASE, RecordKind.RCA


def read(kind: RecordKind, *items: Any) -> Unit:
    unit = Unit(1, records={kind: {}})
    read_answers({"item": list(items)}, "QuestionnaireResponse", kind, unit)
    return unit


def text(name: str, value: dict[str, Any], kind: RecordKind = CASE) -> str | None:
    unit = read(kind, {"linkId": name, "answer": [value]})
    assert not unit.issues
    return unit.records[kind].get(name)


def code(name: str, value: str) -> dict[str, Any]:
    each = field(RCA, name)
    assert each.codes is not None
    return {"valueCoding": {"system": fhir.code_system(each.codes), "code": value}}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("admitted_at", {"valueDateTime": "2025-09-01T10:15:00+01:00"}, "2025-09-01T10:15:00+01:00"),
        ("admitted_at", {"valueDateTime": "2025-09-01T10:15:00.25Z"}, "2025-09-01T10:15:00Z"),
        ("admitted_at", {"valueDateTime": "2025-09-01"}, "2025-09-01"),
        ("readmission_date", {"valueDate": "2025-09-20"}, "2025-09-20"),
        ("anaesthetic_minutes", {"valueInteger": 45}, "45"),
        ("anaesthetic_minutes", {"valueInteger": 0}, "0"),
        ("anaesthetic_minutes", {"valueInteger": 4.5}, "4.5"),
        ("ward", {"valueString": " Ward 12\n"}, "Ward 12"),
        ("ward", {"valueString": "  "}, None),
        ("patient_classification", {"valueCoding": {"code": "ordinary", "display": "What else"}}, "ordinary"),
        ("ward", {"extension": [{"url": "https://example.org/none", "valueCode": "unknown"}]}, None),
        ("anaesthetic_minutes", {"valueInteger": True}, UNUSABLE),
        ("ward", {"valueString": {}}, UNUSABLE),
    ],
)
def test_an_answer_gives_the_text_of_a_cell(name: str, value: dict[str, Any], wanted: str | None) -> None:
    assert text(name, value) == wanted


def test_a_decimal_keeps_its_value() -> None:
    assert text("weight_kg", {"valueDecimal": 72.5}, RCA) == "72.5"
    assert text("weight_kg", {"valueDecimal": 72}, RCA) == "72"


def test_several_answers_are_joined_as_in_a_cell() -> None:
    several = [code("contributory_factors", "staff"), code("contributory_factors", "communication")]
    unit = read(RCA, {"linkId": "contributory_factors", "answer": several})
    assert unit.records[RCA] == {"contributory_factors": "staff|communication"}
    assert unit.places[RCA, "contributory_factors"] == "QuestionnaireResponse.item[0].answer"


def test_one_wrong_code_system_among_several_answers_makes_all_of_them_unusable() -> None:
    foreign = {"valueCoding": {"system": "https://example.org/s", "code": "staff"}}
    unit = read(RCA, {"linkId": "contributory_factors", "answer": [code("contributory_factors", "staff"), foreign]})
    assert unit.records[RCA]["contributory_factors"] is UNUSABLE
    assert [each.expressions for each in unit.issues] == [("QuestionnaireResponse.item[0].answer[1].value.system",)]


def test_the_first_of_a_repeated_question_holds() -> None:
    unit = read(CASE, *({"linkId": "ward", "answer": [{"valueString": each}]} for each in ("A", "B")))
    assert unit.records[CASE] == {"ward": "A"}
    assert [each.finding.rule for each in unit.issues] == [rules.REPEATED_QUESTION.number]


def test_a_question_without_an_answer_is_a_blank_cell() -> None:
    unit = read(CASE, {"linkId": "ward"}, {"linkId": "index_site", "answer": []})
    assert not unit.records[CASE]
    assert not unit.issues


def test_an_answer_may_not_hold_questions() -> None:
    unit = read(CASE, {"linkId": "ward", "answer": [{"valueString": "A", "item": [{"linkId": "index_site"}]}]})
    assert [each.expressions for each in unit.issues] == [("QuestionnaireResponse.item[0].answer[0].item",)]


@pytest.mark.parametrize("kind", [CASE, RCA])
def test_the_models_and_the_structure_take_every_sound_response(kind: RecordKind) -> None:
    """Each question answered by each of its codes, by a day, a moment, a number or words."""
    sound = {
        "date": "2025-09-01", "dateTime": "2025-09-01 10:15", "integer": "3", "decimal": "72.5", "string": "Ward 12",
    }  # fmt: skip
    build, row = (case_answers, valid_case()) if kind is CASE else (review, valid_rca())
    for each in fhir.answered(kind):
        answers = [t for t in pool(each) if t] if each.codes else [sound[fhir.answer(each).value]]
        for value in answers:
            response = build(row | {each.name: value})
            unit = Unit(1, records={kind: {}})
            read_answers(response, "QuestionnaireResponse", kind, unit)
            assert not structure.faults(response)
            assert models.read(response)
            assert not unit.issues


def test_what_the_guard_refuses_the_models_let_through() -> None:
    """Why there is a guard: to the models any linkId, type of answer and code system is as good as another."""
    for item in (
        {"linkId": "nothing_of_ours"},
        {"linkId": "ward", "answer": [{"valueInteger": 5}]},
        {"linkId": "line_related", "answer": [{"valueCoding": {"system": "https://example.org/s", "code": "yes"}}]},
    ):
        response = copy.deepcopy(case_answers(valid_case()))
        response["item"] = [item]
        assert models.read(response)
        assert read(CASE, item).issues


def test_every_field_that_no_clinical_resource_carries_is_a_question() -> None:
    for kind in (CASE, RCA):
        assert list(questions(kind)) == [each.name for each in fhir.answered(kind)]
