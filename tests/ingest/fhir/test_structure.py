"""The structural guard: it finds every fault at once, each at its FHIRPath, tells no value, and never fails."""

import copy
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.fhir import models, release, tables
from ingest.fhir.models import UnreadableError
from ingest.fhir.structure import MOST_FAULTS, MOST_LEVELS, faults
from tests.ingest.fhir.sent import XHTML, Resource, Spoil, case_bundle, drop, patient, put, spoilt
from tests.ingest.fhir.test_parsing import JSON

CANARY = "9990000018"


def told(resource: object, root: str | None = None) -> list[tuple[int, str]]:
    return [(each.finding.rule, each.expressions[0]) for each in faults(resource, root)]


def test_what_is_right_has_no_fault() -> None:
    assert told(case_bundle()) == []
    assert told(patient()) == []


SPOILS: tuple[tuple[Spoil, int, str], ...] = (
    (put("gender", "womanly"), 363, "gender"),
    (put("gender", 1), 362, "gender"),
    (put("gender", ""), 357, "gender"),
    (put("gender", ["male"]), 361, "gender"),
    (put("gender", {"a": 1}), 361, "gender"),
    (put("active", "true"), 362, "active"),
    (put("active", None), 356, "active"),
    (put("birthDate", "2026-02-30"), 362, "birthDate"),
    (put("deceasedDateTime", "2026-02-30"), 362, "deceased"),
    (put("deceasedBoolean", True), 364, "deceased"),
    (put("multipleBirthInteger", 5.5), 362, "multipleBirth"),
    (put("multipleBirthInteger", "5"), 362, "multipleBirth"),
    (put("id", "a" * 65), 362, "id"),
    (put("_id", {"extension": [{"url": "https://a/b", "valueCode": "c"}]}), 358, "_id"),
    (put("fhir_comments", ["a"]), 358, "fhir_comments"),
    (put("birthdate", "1951-07-19"), 358, "birthdate"),
    (put("surname 123", "a"), 358, ""),
    (put("name", 0, "resourceType", "HumanName"), 358, "name[0].resourceType"),
    (put("name", {"family": "A"}), 361, "name"),
    (put("name", ["A"]), 361, "name[0]"),
    (put("name", [None]), 356, "name[0]"),
    (put("name", [[]]), 357, "name[0]"),
    (put("name", []), 357, "name"),
    (put("name", None), 356, "name"),
    (put("name", 0, {}), 357, "name[0]"),
    (put("name", 0, {"id": "a"}), 357, "name[0]"),
    (put("name", 0, "given", []), 357, "name[0].given"),
    (put("name", 0, "given", "B"), 361, "name[0].given"),
    (put("name", 0, "given", [None, None]), 356, "name[0].given[0]"),
    (put("name", 0, "given", ["B", "C", None]), 356, "name[0].given[2]"),
    (put("name", 0, "given", ["B", ["C"]]), 361, "name[0].given[1]"),
    (put("name", 0, "given", [None]), 356, "name[0].given[0]"),
    (put("name", 0, {"given": ["B"], "_given": {"id": "a"}}), 361, "name[0].given"),
    (put("name", 0, "_given", [{}, {"extension": [{"url": "a", "valueInteger": 2}]}]), 357, "name[0].given[0]"),
    (drop("name", 0, "_given"), 356, "name[0].given[1]"),
    (put("_birthDate", {}), 357, "birthDate"),
    (put("_birthDate", None), 356, "birthDate"),
    (put("_birthDate", {"id": "a"}), 357, "birthDate"),
    (
        put("_birthDate", {"id": "a", "value": "b", "extension": [{"url": "a", "valueInteger": 2}]}),
        358,
        "birthDate.value",
    ),
    (put("_birthDate", "extension", 0, "valueCode", " a"), 362, "birthDate.extension[0].value"),
    (put("_birthDate", [{"extension": [{"url": "a", "valueInteger": 2}]}]), 361, "birthDate"),
    (put("_name", {"id": "a"}), 358, "_name"),
    (put("meta", "lastUpdated", "2026-02-03"), 362, "meta.lastUpdated"),
    (put("meta", "profile", ["https://a b"]), 362, "meta.profile[0]"),
    (put("photo", 0, "data", "AAA"), 362, "photo[0].data"),
    (put("photo", 0, "size", -1), 362, "photo[0].size"),
    (drop("communication", 0, "language"), 360, "communication[0].language"),
    (put("generalPractitioner", 1, "reference", "Patient/1"), 365, "generalPractitioner[1]"),
    (put("generalPractitioner", 1, {"type": "Device", "display": "a"}), 365, "generalPractitioner[1]"),
    (put("contained", 0, {"resourceType": "Device", "id": "o-1"}), 365, "generalPractitioner[0]"),
    (put("contained", 0, "resourceType", "Organisation"), 359, "contained[0]"),
    (drop("contained", 0, "resourceType"), 359, "contained[0]"),
    (put("contained", 0, "contained", [{"resourceType": "Patient"}]), 398, "contained[0].contained"),
    (put("contained", 0, "active", "yes"), 362, "contained[0].active"),
    (put("extension", 0, "valueString", "a"), 399, "extension[0]"),
    (drop("extension", 0, "extension"), 399, "extension[0]"),
    (drop("extension", 0, "url"), 360, "extension[0].url"),
    (put("extension", 0, "extension", 0, "valueInteger", 1), 364, "extension[0].extension[0].value"),
    (
        put("extension", 0, "extension", 0, {"url": "a", "valueCodeableReference": {"id": "a"}}),
        358,
        "extension[0].extension[0].valueCodeableReference",
    ),
    (
        put("extension", 0, "extension", 0, {"url": "a", "_valueString": {"id": "b"}}),
        357,
        "extension[0].extension[0].value",
    ),
    (drop("text", "status"), 360, "text.status"),
    (put("text", "div", "<p>a</p>"), 366, "text.div"),
    (put("text", "div", "<div>a</div>"), 366, "text.div"),
    (put("text", "div", f"<div {XHTML}> </div>"), 366, "text.div"),
    (put("text", "div", f"<div {XHTML}>&bogus;</div>"), 366, "text.div"),
    (put("text", "div", f"<div {XHTML}><p>a</div>"), 366, "text.div"),
    (put("text", "div", f"<div {XHTML}>a</div><div {XHTML}>b</div>"), 366, "text.div"),
    (put("text", "div", f'<div {XHTML}><p onclick="a()">a</p></div>'), 366, "text.div"),
    (put("text", "div", f'<div {XHTML}><a href=" javascript:a()">a</a></div>'), 366, "text.div"),
    (put("text", "div", f'<div {XHTML}><iframe src="a"/>a</div>'), 366, "text.div"),
    (put("text", "div", f"<!DOCTYPE a [<!ENTITY b 'c'>]><div {XHTML}>&b;</div>"), 366, "text.div"),
    (put("text", "div", 1), 362, "text.div"),
)


@pytest.mark.parametrize(("spoil", "rule", "place"), SPOILS)
def test_a_fault_is_told_at_its_place_and_nothing_else_is(spoil: Spoil, rule: int, place: str) -> None:
    beginning = "Patient" + (f".{place}" if place else "")
    assert told(spoilt(patient(), spoil)) == [(rule, beginning)]


STANDS: tuple[Spoil, ...] = (
    put("gender", "unknown"),
    drop("_birthDate"),
    put("birthDate", "1951"),
    put("generalPractitioner", 1, "reference", "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11"),
    put("generalPractitioner", 1, "reference", "https://example.org/odd?address"),
    put("generalPractitioner", 1, {"display": "a"}),
    put("name", 0, "_given", [{"id": "a"}, {"extension": [{"url": "a", "valueInteger": 2}]}]),
    put("text", "div", f'<div {XHTML}><img src="a.png" alt="a"/></div>'),
    put(
        "text", "div", f"<?xml version='1.0'?>\n<div {XHTML}><table><tr><td>&eacute;&#160;&amp;</td></tr></table></div>"
    ),
    put("text", "div", f'<h:div xmlns:h="{XHTML[7:-1]}"><h:p>a</h:p></h:div>'),
)


@pytest.mark.parametrize("spoil", STANDS)
def test_what_is_unusual_but_right_has_no_fault(spoil: Spoil) -> None:
    assert told(spoilt(patient(), spoil)) == []


@pytest.mark.parametrize(
    ("resource", "rule", "place"),
    [
        (None, 356, "Resource"),
        ([], 357, "Resource"),
        ({}, 359, "Resource"),
        ("Patient", 361, "Resource"),
        (3, 361, "Resource"),
        ({"resourceType": 3}, 359, "Resource"),
        ({"resourceType": ["Patient"]}, 359, "Resource"),
        ({"resourceType": "Resource"}, 359, "Resource"),
        ({"resourceType": "HumanName"}, 359, "Resource"),
        ({"resourceType": "Citation"}, 359, "Resource"),
        ({"resourceType": "patient"}, 359, "Resource"),
    ],
)
def test_what_is_no_resource_is_told(resource: object, rule: int, place: str) -> None:
    assert told(resource) == [(rule, place)]


def test_all_faults_are_told_at_once_worst_first() -> None:
    spoilt = {
        "resourceType": "Observation",
        "value": 1,
        "issued": "now",
        "subject": {"reference": "Medication/1"},
        "note": [{}],
    }
    assert told(spoilt) == [
        (360, "Observation.code"),
        (360, "Observation.status"),
        (362, "Observation.issued"),
        (365, "Observation.subject"),
        (358, "Observation.value"),
        (357, "Observation.note[0]"),
    ]


def test_a_missing_primitive_may_have_an_extension_in_its_place() -> None:
    absent = {
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    }
    observation = {"resourceType": "Observation", "_status": absent, "code": {"text": "a"}}
    assert told(observation) == []


def test_a_choice_that_must_be_there_is_told_under_its_own_name() -> None:
    statement = {"resourceType": "MedicationStatement", "status": "active", "subject": {"reference": "Patient/1"}}
    (fault,) = faults(statement)
    assert fault.finding.words == "The element “medication[x]” of MedicationStatement is missing."
    assert told({**statement, "medicationReference": {"reference": "#a"}}) == []


@pytest.mark.parametrize("status", ["amended", "cancelled", "unknown"])
def test_codes_that_the_models_leave_out_are_known(status: str) -> None:
    assert told({"resourceType": "Observation", "status": status, "code": {"text": "a"}}) == []
    assert told({"resourceType": "Observation", "status": f"{status}!", "code": {"text": "a"}}) == [
        (363, "Observation.status")
    ]


def test_a_type_that_is_not_modelled_gets_the_shape_guard_and_an_information() -> None:
    product = {"resourceType": "MedicinalProduct", "name": [{"productName": None, "part": []}], "other": {"a": {}}}
    issues = faults(product)
    assert [(each.finding.rule, each.expressions[0], each.information) for each in issues] == [
        (356, "MedicinalProduct.name[0].productName", False),
        (357, "MedicinalProduct.name[0].part", False),
        (357, "MedicinalProduct.other.a", False),
        (389, "MedicinalProduct", True),
    ]


def test_every_type_of_r4_is_modelled_or_said_not_to_be() -> None:
    for name in release.RESOURCE_TYPES - release.NOT_MODELLED:
        assert tables.table(name).title == name
    for place in release.CODES.keys() | release.TARGETS.keys() | release.ANY_CODE:
        model, _, key = place.partition(".")
        assert key in tables._model(model).model_fields


# Bundles


def bundle(kind: str, *entries: Resource, **others: object) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries), **others}


REQUEST = {"method": "POST", "url": "Patient"}
RESPONSE = {"status": "201"}
PERSON = {"resource": {"resourceType": "Patient"}}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (bundle("batch", PERSON), [(367, "Bundle.entry[0]")]),
        (
            bundle("transaction", {**PERSON, "request": REQUEST, "response": RESPONSE}),
            [(367, "Bundle.entry[0].response")],
        ),
        (bundle("transaction", {**PERSON, "request": {"method": "POST"}}), [(360, "Bundle.entry[0].request.url")]),
        (
            bundle("transaction", {**PERSON, "request": {"method": "SEND", "url": "a"}}),
            [(363, "Bundle.entry[0].request.method")],
        ),
        (bundle("transaction-response", {"response": RESPONSE}), []),
        (bundle("batch-response", PERSON), [(367, "Bundle.entry[0]")]),
        (bundle("collection", {**PERSON, "request": REQUEST}), [(367, "Bundle.entry[0].request")]),
        (bundle("collection", {**PERSON, "search": {"mode": "match"}}), [(367, "Bundle.entry[0].search")]),
        (bundle("searchset", {**PERSON, "search": {"mode": "match"}}), []),
        (bundle("collection", {"fullUrl": "https://a/Patient/1"}), [(367, "Bundle.entry[0]")]),
        (bundle("history", {**PERSON, "request": REQUEST, "response": RESPONSE}), []),
        (bundle("heap", PERSON), [(363, "Bundle.type")]),
        (bundle("collection", {"resource": {"resourceType": "Heap"}}), [(359, "Bundle.entry[0].resource")]),
        (bundle("collection", {"resource": {"id": "a"}}), [(359, "Bundle.entry[0].resource")]),
        (bundle("collection", {"resource": [{}]}), [(361, "Bundle.entry[0].resource")]),
        (
            bundle("collection", {**PERSON, "fullUrl": "https://a/1"}, {**PERSON, "fullUrl": "https://a/1"}),
            [(368, "Bundle.entry[1].fullUrl")],
        ),
        (
            bundle(
                "collection",
                {**PERSON, "fullUrl": "https://a/1"},
                {"resource": {"resourceType": "Patient", "meta": {"versionId": "2"}}, "fullUrl": "https://a/1"},
            ),
            [],
        ),
        (bundle("collection", {"resource": bundle("batch", PERSON)}), [(367, "Bundle.entry[0].resource.entry[0]")]),
    ],
)
def test_the_entries_of_a_bundle(resource: Resource, expected: list[tuple[int, str]]) -> None:
    assert told(resource) == expected


def test_a_reference_to_another_entry_may_only_point_to_its_types() -> None:
    sent = case_bundle()
    entries = {each["resource"]["resourceType"]: each for each in sent["entry"]}
    entries["Condition"]["resource"]["subject"]["reference"] = entries["Encounter"]["fullUrl"]
    assert told(sent) == [(365, "Bundle.entry[2].resource.subject")]


def test_paths_begin_with_the_root_that_is_given() -> None:
    assert told({"resourceType": "Patient", "active": 1}, "Bundle.entry[3].resource") == [
        (362, "Bundle.entry[3].resource.active")
    ]


# Never an exception, never a value


def _deep(levels: int) -> Resource:
    held: Resource = {"linkId": "a"}
    for _ in range(levels):
        held = {"linkId": "a", "item": [held]}
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "item": [held]}


def _deep_extensions(levels: int) -> Resource:
    held: Resource = {"url": "a", "valueString": "b"}
    for _ in range(levels):
        held = {"url": "a", "extension": [held]}
    return {"resourceType": "Basic", "code": {"text": "a"}, "extension": [held]}


def _deep_bundles(levels: int) -> Resource:
    held: Resource = {"resourceType": "Patient"}
    for _ in range(levels):
        held = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": held}]}
    return held


@pytest.mark.parametrize("nested", [_deep, _deep_extensions, _deep_bundles])
@pytest.mark.parametrize("levels", [100, 2_000])
def test_nesting_beyond_the_limit_is_told_once(nested: Callable[[int], Resource], levels: int) -> None:
    (fault,) = faults(nested(levels))
    assert fault.finding.rule == 353
    assert str(MOST_LEVELS) in fault.finding.words


def test_more_faults_than_anybody_reads_are_not_kept() -> None:
    assert len(faults({"resourceType": "Patient", "name": [{}] * (MOST_FAULTS + 1)})) == MOST_FAULTS


@given(JSON)
def test_no_json_makes_it_fail(value: object) -> None:
    faults(value)


RESOURCES = (patient(), *(each["resource"] for each in case_bundle()["entry"]), case_bundle())


def _places(held: Any) -> list[tuple[Any, Any]]:
    """Every object or array with each of its keys or indices."""
    steps = list(held) if isinstance(held, dict) else list(range(len(held))) if isinstance(held, list) else []
    return [(held, step) for step in steps] + [each for step in steps for each in _places(held[step])]


@st.composite
def mutated(draw: st.DrawFn) -> Resource:
    """A valid resource in which one to three things were replaced, dropped, renamed or put into an array."""
    resource: Resource = copy.deepcopy(draw(st.sampled_from(RESOURCES)))
    for _ in range(draw(st.integers(1, 3))):
        places = _places(resource)
        held, step = draw(st.sampled_from(places))
        match draw(st.integers(0, 3)):
            case 0:
                held[step] = draw(JSON)
            case 1:
                del held[step]
            case 2 if isinstance(held, dict):
                held[
                    draw(
                        st.sampled_from(
                            ["id", "extension", "value", "valueString", "_gender", "resourceType", "item", "a b"]
                        )
                    )
                ] = held[step]
            case _:
                held[step] = [held[step]]
    return resource


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(mutated())
def test_what_the_models_refuse_the_guard_refuses_too(resource: Resource) -> None:
    """What they are known to refuse wrongly, `models` leaves out itself."""
    found = faults(resource)
    try:
        models.read(resource)
    except UnreadableError:
        assert any(each.error for each in found)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RESOURCES), st.data())
def test_no_value_and_no_odd_key_is_ever_told(resource: Resource, data: st.DataObject) -> None:
    sent = copy.deepcopy(resource)
    held, step = data.draw(st.sampled_from(_places(sent)))
    held[step] = data.draw(
        st.sampled_from([CANARY, int(CANARY), {CANARY: CANARY}, [CANARY], {"resourceType": CANARY}, f"{CANARY}\x00"])
    )
    if isinstance(held, dict):
        held[CANARY] = CANARY
    assert CANARY not in repr(faults(sent))


def test_the_guard_changes_nothing() -> None:
    for resource in RESOURCES:
        before = orjson.dumps(resource)
        faults(resource)
        assert orjson.dumps(resource) == before
