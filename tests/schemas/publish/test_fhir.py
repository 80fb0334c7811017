"""The published FHIR artefacts: each is what its model reads, holds what the dataset says, and refers to nothing that is absent."""

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from ingest.fhir import structure, tables
from schemas.codelist import CodeList
from schemas.dictionary import Field, code_lists, fields
from schemas.fhir import (
    ACTIVITY_GROUPS,
    CANONICAL,
    HOST,
    QUESTIONNAIRES,
    Answer,
    Artefact,
    answer,
    answered,
    clinical,
    code_system,
    repeats,
    value_set,
)
from schemas.publish import FOLDER, examples
from schemas.publish.fhir import artefacts, measures, resource
from schemas.publish.fhir.package import package
from schemas.record import RecordKind
from schemas.rule import CATALOGUE
from schemas.values import CountType, TextType
from tests import fhir_units

FILES = {Path(name).name: content for name, content in artefacts().items()}
RESOURCES: dict[str, dict[str, Any]] = {name: json.loads(content) for name, content in FILES.items()}
BY_URL = {each["url"]: each for each in RESOURCES.values() if "url" in each}


def of_type(kind: str) -> Iterator[dict[str, Any]]:
    return (each for each in RESOURCES.values() if each["resourceType"] == kind)


def within(value: Any) -> Iterator[tuple[str, Any]]:
    """Every member at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from within(inner)
    if isinstance(value, list):
        yield from chain.from_iterable(within(inner) for inner in value)


def elements(name: str) -> dict[str, dict[str, Any]]:
    differential = RESOURCES[f"StructureDefinition-{name}.json"]["differential"]["element"]
    return {each["id"]: each for each in differential}


@pytest.mark.parametrize("name", FILES)
def test_the_model_reads_it_and_writes_the_same(name: str) -> None:
    model = get_fhir_model_class(RESOURCES[name]["resourceType"]).model_validate_json(FILES[name])
    assert json.loads(model.model_dump_json()) == RESOURCES[name]
    assert not structure.faults(RESOURCES[name]), "the door itself would find fault with it"
    assert (FOLDER / "fhir" / name).read_bytes() == FILES[name]


def test_what_a_model_refuses_or_alters_is_not_written() -> None:
    good = RESOURCES["ValueSet-hat-sex.json"]
    with pytest.raises(ValueError, match="hat-sex"):
        resource.written(good | {"immutable": "true"})
    with pytest.raises(ValueError, match="status"):
        resource.written({name: value for name, value in good.items() if name != "status"})


@pytest.mark.parametrize("name", FILES)
def test_name_and_address_are_those_of_the_file(name: str) -> None:
    held = RESOURCES[name]
    assert name == f"{held['resourceType']}-{held['id']}.json"
    assert re.fullmatch(r"[A-Za-z0-9.-]{1,64}", held["id"])
    assert re.fullmatch(r"[A-Z][A-Za-z0-9_]{0,254}", held["name"])
    if held["resourceType"] != "NamingSystem":
        assert held["url"] == f"{CANONICAL}/{held['resourceType']}/{held['id']}"
        assert held["version"] == "1.0.0"


def test_every_address_of_ours_that_is_named_is_published() -> None:
    known = set(BY_URL) | {each["uniqueId"][0]["value"] for each in of_type("NamingSystem")}
    known |= {f"{HOST}/fhir/r4"}
    named = {text.split("|")[0] for _, text in within(list(RESOURCES.values())) if isinstance(text, str)}
    assert not {text for text in named if re.fullmatch(rf"{HOST}/\S+", text)} - known


def test_every_reference_of_the_guide_leads_to_a_resource_and_every_resource_is_in_it() -> None:
    listed = RESOURCES["ImplementationGuide-hat-registry.json"]["definition"]["resource"]
    named = {f"{each['reference']['reference'].replace('/', '-')}.json" for each in listed}
    assert named == set(FILES) - {"ImplementationGuide-hat-registry.json"}


# --- code lists


@pytest.mark.parametrize("codes", code_lists(), ids=lambda codes: codes.__name__)
def test_every_code_list_has_its_system_and_its_value_set(codes: type[CodeList]) -> None:
    system, of_all = BY_URL[code_system(codes)], BY_URL[value_set(codes)]
    told = {each["code"]: each for each in system["concept"]}
    assert {code: each["display"] for code, each in told.items()} == {code.value: code.words for code in codes}
    for code in codes:
        properties = {
            each["code"]: each.get("valueCode") or each["valueString"] for each in told[code.value]["property"]
        }
        assert properties.get("standard-code") == code.code
        assert properties.get("nation") == (code.nation and code.nation.value)
        assert properties["sure"] == code.sure.value
    assert system["content"] == ("fragment" if codes.open_pattern() else "complete")
    assert of_all["compose"]["include"] == [{"system": code_system(codes)}]


def test_a_code_s_properties_are_declared_by_its_system() -> None:
    for system in of_type("CodeSystem"):
        declared = {each["code"]: each["type"] for each in system.get("property", [])}
        for concept in system["concept"]:
            for each in concept.get("property", []):
                kind = declared[each["code"]]
                assert set(each) == {"code", f"value{kind[0].upper()}{kind[1:]}"}


def test_every_rule_is_a_code() -> None:
    told = {each["code"]: each for each in RESOURCES["CodeSystem-hat-issue.json"]["concept"]}
    assert list(told) == [rule.id for rule in CATALOGUE]
    for rule in CATALOGUE:
        properties = {each["code"]: each.get("valueCode") for each in told[rule.id]["property"]}
        assert properties["severity"] == rule.severity.value
        assert told[rule.id]["display"]
        assert told[rule.id]["definition"]
    assert "{" not in "".join(each["display"] + each["definition"] for each in told.values())


# --- questionnaires


def asked(kind: RecordKind) -> dict[str, dict[str, Any]]:
    return {each["linkId"]: each for each in BY_URL[QUESTIONNAIRES[kind]]["item"]}


@pytest.mark.parametrize("kind", QUESTIONNAIRES)
def test_every_question_is_a_field_and_every_field_without_a_path_a_question(kind: RecordKind) -> None:
    assert list(asked(kind)) == [each.name for each in answered(kind)]
    beneath = [inner for item in asked(kind).values() for inner in item.get("item", [])]
    assert {inner["type"] for inner in beneath} == {"display"}
    ids = [value for name, value in within(BY_URL[QUESTIONNAIRES[kind]]) if name == "linkId"]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "each", [each for kind in QUESTIONNAIRES for each in answered(kind)], ids=lambda each: each.name
)
def test_a_question_says_what_the_dictionary_says(each: Field) -> None:
    item = asked(each.kind)[each.name]
    assert item["text"] == each.item.question
    assert item["type"] == answer(each).value
    assert item.get("repeats", False) is repeats(each)
    assert item.get("required", False) is each.required
    assert item.get("maxLength") == (each.holds.longest if isinstance(each.holds, TextType) else None)
    assert ("answerValueSet" in item) is (answer(each) is Answer.CHOICE)
    if each.codes:
        assert item["answerValueSet"] == value_set(each.codes)
    if each.item.applies:
        assert each.item.applies in item["item"][0]["text"]


@pytest.mark.parametrize("kind", QUESTIONNAIRES)
def test_the_examples_are_answers_to_the_questionnaire(kind: RecordKind) -> None:
    questions, make = asked(kind), fhir_units.case_answers if kind is RecordKind.CASE else fhir_units.review
    answers = [item for row in examples.rows(kind) for item in make(row)["item"]]
    assert answers
    for item in answers:
        question = questions[item["linkId"]]
        assert len(item["answer"]) == 1 or question["repeats"]
        for given in item["answer"]:
            ((element, value),) = given.items()
            if question["type"] != "choice":
                assert element == f"value{question['type'][0].upper()}{question['type'][1:]}"
                continue
            system = BY_URL[value["system"]]
            assert system["valueSet"] == question["answerValueSet"]
            assert value["code"] in {each["code"] for each in system["concept"]} or system["content"] == "fragment"


# --- profiles


def test_every_field_with_a_path_rides_in_one_element_of_a_profile() -> None:
    mapped = {}
    for definition in of_type("StructureDefinition"):
        for each in definition["differential"]["element"]:
            for mapping in each.get("mapping", []):
                assert mapping["map"] not in mapped
                mapped[mapping["map"]] = each
    for kind in (*QUESTIONNAIRES, RecordKind.ACTIVITY):
        for each in clinical(kind) if kind in QUESTIONNAIRES else fields(kind):
            element = mapped.pop(f"{kind}.{each.name}")
            assert element["short"] == each.item.question
            if kind is not RecordKind.RCA and each.name not in (
                "nhs_number",
                "attributed_organisation",
                "organisation",
            ):
                assert element["min"] == int(each.required)
            if kind is RecordKind.CASE and each.item.fhir:
                path = re.sub(r"(onset|deceased)DateTime$", r"\1[x]", each.item.fhir)
                assert element["path"] == path
    assert not mapped


def test_the_identifiers_have_their_systems_and_codes_their_lists() -> None:
    condition, patient = elements("hat-vte-condition"), elements("hat-patient")
    assert condition["Condition.identifier:caseNumber.system"]["fixedUri"] == f"{HOST}/Id/local-case-id"
    assert condition["Condition.identifier:caseNumber.value"]["maxLength"] == 40
    assert patient["Patient.identifier:nhsNumber.system"]["fixedUri"] == "https://fhir.nhs.uk/Id/nhs-number"
    bindings = [
        value["valueSet"]
        for each in of_type("StructureDefinition")
        for name, value in within(each)
        if name == "binding"
    ]
    assert len(bindings) == 4
    assert set(bindings) <= set(BY_URL)


def test_a_slice_stands_after_the_element_that_is_sliced() -> None:
    for definition in of_type("StructureDefinition"):
        seen: dict[str, dict[str, Any]] = {}
        for each in definition["differential"]["element"]:
            assert each["id"] not in seen
            seen[each["id"]] = each
            if "sliceName" in each and definition["type"] != "Extension":
                assert "slicing" in seen[each["id"].rpartition(":")[0]]


def inside(tables: list[tables.Table], part: str) -> list[tables.Table]:
    """Where a path goes on, by what R4 knows of the elements; a choice is any of its types, a resource any at all."""
    named = part.removesuffix("[x]")
    found = [each for table in tables for each in table.elements.values() if named in (each.key, each.choice)]
    assert found, part
    return [each.table() for each in found if each.model is not None]


def test_every_path_is_an_element_of_r4_and_they_stand_in_its_order() -> None:
    for definition in of_type("StructureDefinition"):
        base, firsts = tables.table(definition["type"]), []
        for each in definition["differential"]["element"]:
            _, *parts = each["path"].split(".")
            reached = [base]
            for part in parts:
                reached = inside(reached, part)
            firsts += parts[:1]
        sequence = get_fhir_model_class(definition["type"]).elements_sequence()
        order = [base.elements[name].choice or name for name in sequence if name in base.elements]
        places = [order.index(first.removesuffix("[x]")) for first in firsts]
        assert places == sorted(places)


def test_each_count_of_a_monthly_return_is_a_group_of_the_measure() -> None:
    counted = [each.name for each in fields(RecordKind.ACTIVITY) if isinstance(each.holds, CountType)]
    groups = RESOURCES["Measure-hat-activity.json"]["group"]
    assert [each["code"]["coding"][0] for each in groups] == [
        {"system": ACTIVITY_GROUPS, "code": name} for name in counted
    ]
    assert [each["code"] for each in BY_URL[ACTIVITY_GROUPS]["concept"]] == counted


def test_a_measure_of_the_publication_is_made_of_its_words() -> None:
    made = json.loads(
        measures.published(
            name="a-rate",
            title="A rate",
            unit="per 1,000",
            definition="How many.",
            numerator="Those",
            denominator="All",
            share=False,
            exclusions=["Some"],
            notes=["It is rounded."],
        )
    )
    assert made["url"] == f"{CANONICAL}/Measure/a-rate"
    told = {each["code"]["coding"][0]["code"]: each["description"] for each in made["group"][0]["population"]}
    assert told == {"numerator": "Those", "denominator": "All"}
    assert "- Some" in made["guidance"]


# --- what the service says of itself


def test_the_capabilities_are_those_of_the_door() -> None:
    (rest,) = RESOURCES["CapabilityStatement-hat-registry.json"]["rest"]
    offered = {
        each["type"]: {one["code"] for one in each.get("interaction", [])}
        | {one["name"] for one in each.get("operation", [])}
        for each in rest["resource"]
    }
    reading = {"read", "vread", "history-instance", "search-type"}
    assert offered.pop("Condition") == offered.pop("QuestionnaireResponse") == reading
    assert offered.pop("MeasureReport") == reading | {"create", "update"}
    assert offered.pop("Bundle") == {"validate"}
    assert set(offered) == {each.value for each in Artefact} - {"CapabilityStatement"}
    assert all(interactions == {"read", "search-type"} for interactions in offered.values())
    assert {each["code"] for each in rest["interaction"]} == {"transaction", "batch"}


# --- the package


def test_the_package_holds_everything_and_its_index() -> None:
    with tarfile.open(fileobj=io.BytesIO(package(FILES)), mode="r:gz") as archive:
        content = {member.name: archive.extractfile(member) for member in archive}
        held = {name: file.read() for name, file in content.items() if file}
        assert {(member.mtime, member.uid, member.uname) for member in archive} == {(0, 0, "")}
    assert {name: held[f"package/{name}"] for name in FILES} == FILES
    manifest, index = json.loads(held["package/package.json"]), json.loads(held["package/.index.json"])
    assert manifest["fhirVersions"] == ["4.0.1"]
    assert manifest["name"] == RESOURCES["ImplementationGuide-hat-registry.json"]["packageId"]
    assert [each["filename"] for each in index["files"]] == sorted(FILES)
    assert set(held) == {f"package/{name}" for name in FILES} | {"package/package.json", "package/.index.json"}


def test_the_same_files_in_any_order_give_the_same_package() -> None:
    packed = package(FILES)
    assert package(dict(reversed(FILES.items()))) == packed
    assert gzip.decompress(packed).startswith(b"package/package.json")
    assert packed[4:8] == bytes(4), "no time in the head of gzip"


def test_the_models_are_loaded_only_to_write() -> None:
    code = (
        "import sys, schemas.publish, schemas.publish.fhir.package; "
        "print(*[name for name in sys.modules if name.startswith('fhir')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
