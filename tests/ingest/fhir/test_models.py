"""The models read what the structural guard lets in, and their errors stay inside."""

import traceback
from decimal import Decimal

import orjson
import pytest

from ingest.fhir import models
from ingest.fhir.models import UnreadableError
from tests.ingest.fhir.sent import Resource, case_bundle, patient, put, spoilt

CANARY = "9990000018"


@pytest.mark.parametrize(
    "resource", [each["resource"] for each in case_bundle()["entry"]], ids=lambda each: str(each["resourceType"])
)
def test_what_a_case_is_made_of_is_read(resource: Resource) -> None:
    assert models.read(resource).get_resource_type() == resource["resourceType"]


def test_an_annex_of_an_extensions_value_is_no_reason_to_refuse() -> None:
    read = models.read(spoilt(patient(), put("extension", 0, "extension", 1, {"url": "other", "valueString": "a"})))
    assert read.extension[0].extension[0].valueString == "a"
    assert read.deceasedDateTime is not None


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "birthDate": CANARY},
        {"resourceType": "Patient", CANARY: 1},
        {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {"resourceType": CANARY}}]},
        {"resourceType": CANARY},
        {"resourceType": "Evidence", "status": CANARY},
        {"resourceType": ["Patient"]},
        {},
    ],
)
def test_a_refusal_names_no_value_and_carries_no_cause(resource: Resource) -> None:
    with pytest.raises(UnreadableError) as refused:
        models.read(resource)
    error = refused.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert CANARY not in "".join(traceback.format_exception(error))


def test_what_is_nested_beyond_reason_is_refused_and_not_more() -> None:
    item: Resource = {"linkId": "a"}
    for _ in range(300):
        item = {"linkId": "a", "item": [item]}
    with pytest.raises(UnreadableError):
        models.read({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [item]})


def test_what_is_written_keeps_its_digits_and_its_offset() -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "a"},
        "issued": "2026-02-03T10:00:00.356+00:00",
        "valueQuantity": {"value": Decimal("1.10")},
    }
    written = models.write(observation)
    assert b'"value":1.10}' in written
    assert b"10:00:00.356+00:00" in written
    assert orjson.loads(written)["resourceType"] == "Observation"


def test_what_the_models_refuse_is_not_written() -> None:
    with pytest.raises(UnreadableError):
        models.write({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]})
