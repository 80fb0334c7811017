"""Every rule about how a unit is put together: what breaks it and the nearest that does not, each at its FHIRPath."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from ingest.fhir.issue import Issue
from ingest.fhir.outcome import outcome
from ingest.fhir.reading import read_unit, units_of_batch
from schemas import fhir
from schemas.finding import Severity, rule_id
from schemas.record import RecordKind
from schemas.rule import CATALOGUE
from schemas.rules import fhir as rules
from tests.fhir_units import Resource, batch, bundle, case_answers, measure_report, rca_bundle, review
from tests.make import valid_activity, valid_case, valid_rca

PATIENT, STAY, CONDITION, ANSWERS, REVIEW = range(5)


@dataclass(frozen=True)
class Example:
    """`at` is where the first issue of the rule stands."""

    number: int
    at: str
    breaks: Resource
    stands: Resource


def whole() -> Resource:
    return bundle(valid_case(), valid_rca())


def changed(sent: Resource, change: Callable[[Resource], object]) -> Resource:
    """A copy in which something is otherwise."""
    other = copy.deepcopy(sent)
    change(other)
    return other


def in_entry(place: int, **elements: Any) -> Resource:
    """A whole unit with other elements in one of its resources; None takes one out."""

    def change(sent: Resource) -> None:
        resource = sent["entry"][place]["resource"]
        resource.update(elements)
        for name in [name for name, value in resource.items() if value is None]:
            del resource[name]

    return changed(whole(), change)


def with_entries(*resources: Resource) -> Resource:
    """A whole unit with more entries, without addresses."""
    more = [{"resource": each, "request": {"method": "POST", "url": each["resourceType"]}} for each in resources]
    return changed(whole(), lambda sent: sent["entry"].extend(more))


def without(*places: int) -> Resource:
    entries = whole()["entry"]
    return {**whole(), "entry": [entry for place, entry in enumerate(entries) if place not in places]}


def answered(link_id: str, *answers: Resource, **more: Any) -> Resource:
    """A whole unit whose first question of the case is another one."""

    def change(sent: Resource) -> None:
        item = sent["entry"][ANSWERS]["resource"]["item"]
        item[0] = {"linkId": link_id, "answer": list(answers), **more}

    return changed(whole(), change)


def coding(name: str, code: str) -> Resource:
    return {"valueCoding": {"system": f"{fhir.CANONICAL}/CodeSystem/{name}", "code": code}}


def returned(**elements: Any) -> Resource:
    return batch([measure_report(valid_activity()) | elements])


def grouped(change: Callable[[list[Resource]], object]) -> Resource:
    report = measure_report(valid_activity())
    change(report["group"])
    return batch([report])


def addressed(place: int, element: str, address: str) -> Resource:
    return in_entry(place, **{element: {"reference": address}})


_ORDINARY = coding("hat-patient-classification", "ordinary")
_NOWHERE = "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11"
_ITEM = f"Bundle.entry[{ANSWERS}].resource.item[0]"
_OTHER_CASE = {**whole()["entry"][CONDITION]["resource"]}
_NHS = whole()["entry"][PATIENT]["resource"]["identifier"][0]
_QUESTIONNAIRE = fhir.QUESTIONNAIRES[RecordKind.RCA]
_REPORT = "Bundle.entry[0].resource"

EXAMPLES = (
    Example(
        rules.MISSING_ELEMENT.number,
        f"{_ITEM}.answer[0].value.code",
        answered("patient_classification", {"valueCoding": {"display": "Ordinary admission"}}),
        answered("patient_classification", _ORDINARY),
    ),
    Example(
        rules.WRONG_TARGET.number,
        f"Bundle.entry[{CONDITION}].resource.extension[0].value",
        changed(
            whole(),
            lambda sent: sent["entry"][CONDITION]["resource"]["extension"][0]["valueReference"].update(
                reference=sent["entry"][PATIENT]["fullUrl"]
            ),
        ),
        whole(),
    ),
    Example(
        rules.METHOD_NOT_TAKEN.number,
        "Bundle.entry[1].request.method",
        changed(whole(), lambda sent: sent["entry"][1]["request"].update(method="DELETE")),
        changed(whole(), lambda sent: sent["entry"][1]["request"].update(method="POST")),
    ),
    Example(rules.WRONG_BUNDLE_TYPE.number, "Bundle.type", whole() | {"type": "collection"}, whole()),
    Example(rules.NO_UNIT.number, "Bundle.entry", without(STAY, CONDITION, ANSWERS, REVIEW), without(ANSWERS)),
    Example(rules.NO_UNIT.number, _REPORT, batch([{"resourceType": "Patient", "identifier": [_NHS]}]), returned()),
    Example(rules.NO_UNIT.number, _REPORT, batch([case_answers(valid_case())]), batch([review(valid_rca())])),
    Example(rules.SEVERAL_CASES.number, "Bundle.entry[2].resource", with_entries(_OTHER_CASE), whole()),
    Example(
        rules.SEVERAL_CASES.number,
        "Bundle.entry[3].resource",
        with_entries(case_answers(valid_case())),
        with_entries({"resourceType": "QuestionnaireResponse", "questionnaire": "http://a.b/q", "status": "completed"}),
    ),
    Example(
        rules.SEVERAL_CASES.number,
        "Bundle.entry[0].resource.identifier[0]",
        in_entry(PATIENT, identifier=[_NHS, _NHS | {"value": "9990000018"}]),
        in_entry(PATIENT, identifier=[_NHS, _NHS | {"value": "9990000018", "use": "old"}]),
    ),
    Example(
        rules.SEVERAL_CASES.number,
        "Bundle.entry[4].resource.extension[0].value.identifier.value",
        bundle(valid_case(), valid_rca(local_case_id="HAT-0002")),
        whole(),
    ),
    Example(
        rules.SEVERAL_CASES.number,
        "Bundle.entry[1].resource.subject",
        changed(
            with_entries({"resourceType": "Patient", "gender": "male"}),
            lambda sent: (
                sent["entry"][5].update(fullUrl=_NOWHERE),
                sent["entry"][STAY]["resource"].update(subject={"reference": _NOWHERE}),
            ),
        ),
        changed(
            with_entries({"resourceType": "Patient", "gender": "male"}),
            lambda sent: sent["entry"][5].update(fullUrl=_NOWHERE),
        ),
    ),
    Example(
        rules.PART_MISSING.number,
        "Bundle.entry[1].resource",
        changed(without(STAY), lambda sent: sent["entry"][1]["resource"].pop("extension")),
        in_entry(CONDITION, extension=None),
    ),
    Example(rules.PART_MISSING.number, "Bundle.entry[2].resource", without(CONDITION, REVIEW), without(REVIEW)),
    Example(
        rules.REFERENCE_NOT_RESOLVED.number,
        "Bundle.entry[2].resource.subject.reference",
        addressed(CONDITION, "subject", _NOWHERE),
        whole(),
    ),
    Example(
        rules.REFERENCE_NOT_RESOLVED.number,
        "Bundle.entry[2].resource.subject",
        in_entry(CONDITION, subject={"identifier": _NHS | {"value": "9990000018"}}),
        in_entry(CONDITION, subject={"identifier": _NHS}),
    ),
    Example(
        rules.REFERENCE_OUTSIDE.number,
        "Bundle.entry[1].resource.subject.reference",
        addressed(STAY, "subject", "https://example.org/fhir/Patient/7"),
        changed(
            addressed(STAY, "subject", "Patient/7"),
            lambda sent: (
                sent["entry"][PATIENT].update(fullUrl="https://example.org/fhir/Patient/7"),
                sent["entry"][CONDITION]["resource"].update(subject={"reference": "Patient/7"}),
                sent["entry"][ANSWERS]["resource"].update(subject={"reference": "Patient/7"}),
            ),
        ),
    ),
    Example(
        rules.REFERENCE_OUTSIDE.number,
        "Bundle.entry[1].resource.serviceProvider.reference",
        addressed(STAY, "serviceProvider", "Organization/1"),
        in_entry(STAY, serviceProvider={"display": "A hospital"}),
    ),
    Example(
        rules.UNKNOWN_QUESTION.number,
        f"{_ITEM}.linkId",
        answered("birth_date", {"valueDate": "1951-04-12"}),
        answered("admitted_at", {"valueDateTime": "2025-09-01T10:15:00+01:00"}),
    ),
    Example(
        rules.UNKNOWN_QUESTION.number,
        f"{_ITEM}.item",
        answered("patient_classification", _ORDINARY, item=[{"linkId": "ward"}]),
        answered("patient_classification", _ORDINARY, text="How the patient was in hospital"),
    ),
    Example(
        rules.WRONG_ANSWER_TYPE.number,
        f"{_ITEM}.answer[0].value",
        answered("anaesthetic_minutes", {"valueDecimal": 45}),
        answered("anaesthetic_minutes", {"valueInteger": 45}),
    ),
    Example(
        rules.SEVERAL_ANSWERS.number,
        f"{_ITEM}.answer",
        answered("patient_classification", _ORDINARY, _ORDINARY),
        answered("patient_classification", _ORDINARY),
    ),
    Example(
        rules.REPEATED_QUESTION.number,
        "Bundle.entry[3].resource.item[1]",
        answered("admission_group", coding("hat-admission-group", "medical")),
        answered("patient_classification", _ORDINARY),
    ),
    Example(
        rules.WRONG_SYSTEM.number,
        f"{_ITEM}.answer[0].value.system",
        answered("patient_classification", {"valueCoding": {"system": "https://example.org/s", "code": "ordinary"}}),
        answered("patient_classification", {"valueCoding": {"code": "ordinary"}}),
    ),
    Example(
        rules.WRONG_QUESTIONNAIRE.number,
        "Bundle.entry[4].resource.questionnaire",
        in_entry(REVIEW, questionnaire=f"{_QUESTIONNAIRE}|0.9.0"),
        in_entry(REVIEW, questionnaire=_QUESTIONNAIRE),
    ),
    Example(
        rules.WRONG_QUESTIONNAIRE.number,
        "Bundle.entry[0].resource.questionnaire",
        batch([{"resourceType": "QuestionnaireResponse", "status": "completed"}]),
        batch([review(valid_rca())]),
    ),
    Example(
        rules.BUNDLE_NAME.number,
        "Bundle.identifier",
        bundle(valid_case(), name="urn:uuid:7"),
        bundle(valid_case(), name=_NOWHERE),
    ),
    Example(
        rules.TOO_MANY_ENTRIES.number,
        "Bundle.entry",
        with_entries(*[{"resourceType": "Organization", "name": "A"}] * 96),
        with_entries(*[{"resourceType": "Organization", "name": "A"}] * 95),
    ),
    Example(
        rules.TOO_MANY_ENTRIES.number, "Bundle.entry", batch([review(valid_rca())] * 201), batch([review(valid_rca())])
    ),
    Example(
        rules.OTHER_TYPES_IGNORED.number,
        "Bundle.entry[5].resource",
        with_entries({"resourceType": "Organization", "name": "A"}),
        whole(),
    ),
    Example(
        rules.PERSONAL_DETAILS_DROPPED.number,
        "Bundle.entry[0].resource.name",
        in_entry(PATIENT, name=[{"family": "Invented"}]),
        in_entry(PATIENT, active=True),
    ),
    Example(rules.STRUCTURE_ONLY.number, "Patient", {"resourceType": "Patient", "active": True}, review(valid_rca())),
    Example(
        rules.STRUCTURE_ONLY.number, "QuestionnaireResponse", case_answers(valid_case()), measure_report(valid_activity())
    ),
    Example(
        rules.WRONG_STATUS.number,
        "Bundle.entry[1].resource.status",
        in_entry(STAY, status="cancelled"),
        in_entry(STAY, status="onleave"),
    ),
    Example(
        rules.WRONG_STATUS.number,
        "Bundle.entry[3].resource.status",
        in_entry(ANSWERS, status="entered-in-error"),
        in_entry(REVIEW, status="entered-in-error"),
    ),
    Example(rules.WRONG_STATUS.number, f"{_REPORT}.status", returned(status="pending"), returned()),
    Example(
        rules.WRONG_MEASURE.number,
        f"{_REPORT}.measure",
        returned(measure=f"{fhir.ACTIVITY_MEASURE}|2.0.0"),
        returned(measure=fhir.ACTIVITY_MEASURE),
    ),
    Example(rules.WRONG_MEASURE.number, f"{_REPORT}.measure", returned(type="data-collection"), returned()),
    Example(
        rules.WRONG_PERIOD.number,
        f"{_REPORT}.period",
        returned(period={"start": "2025-09-01", "end": "2025-10-31"}),
        returned(period={"start": "2025-09-01", "end": "2025-09-30T23:59:59+01:00"}),
    ),
    Example(
        rules.UNKNOWN_GROUP.number,
        f"{_REPORT}.group[0].code",
        grouped(lambda groups: groups[0]["code"]["coding"][0].update(code="all_of_them")),
        grouped(lambda groups: groups[0]["code"]["coding"][0].pop("system")),
    ),
    Example(
        rules.REPEATED_GROUP.number,
        f"{_REPORT}.group[20]",
        grouped(lambda groups: groups.append(groups[0])),
        returned(),
    ),
)  # fmt: skip


def issues(sent: Resource) -> list[Issue]:
    several = units_of_batch(sent) if sent.get("type") == "batch" else [read_unit(sent)]
    return [each for unit in several for each in unit.issues]


def found(sent: Resource, number: int) -> list[Issue]:
    return [each for each in issues(sent) if each.finding.rule == number]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.number}-{example.at}")
def test_the_unit_breaks_the_rule_and_its_neighbour_does_not(example: Example) -> None:
    told = found(example.breaks, example.number)
    assert [each.expressions[0] for each in told][:1] == [example.at]
    assert told[0].information == (told[0].code == "informational")
    assert not found(example.stands, example.number)
    if example.number not in (rules.NO_UNIT.number, rules.PART_MISSING.number):
        assert not [each for each in issues(example.stands) if each.error]


def test_information_keeps_nothing_out_and_errors_do() -> None:
    for example in EXAMPLES:
        (told, *_) = found(example.breaks, example.number)
        assert told.error == (CATALOGUE[example.number].severity is Severity.ERROR)


@pytest.mark.parametrize(("number", "severity"), [(rules.TOO_MANY_ISSUES.number, "information")])
def test_more_than_200_issues_are_counted_and_200_listed(number: int, severity: str) -> None:
    told = [each for example in EXAMPLES for each in issues(example.breaks)] * 20
    written = outcome(told)["issue"]
    assert len(written) == 201
    assert (written[-1]["severity"], written[-1]["code"]) == (severity, "too-costly")
    assert written[-1]["details"]["coding"][0]["code"] == rule_id(number)
    assert str(len(told)) in written[-1]["details"]["text"]
    assert len(outcome(told[:200])["issue"]) == 200


def test_a_review_by_itself_is_a_unit() -> None:
    assert not issues(rca_bundle(valid_rca()))
