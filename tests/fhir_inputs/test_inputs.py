"""A fixed part of other people's FHIR at the door; `python -m tests.fhir_inputs` sends all of it."""

from pathlib import Path

import pytest

from registry.settings import Settings
from registry.store import Store
from tests.fhir_inputs.fetching import needed
from tests.fhir_inputs.running import OF_A_UNIT, Try, program, tries, unforeseen
from tests.registry.web import programs
from tests.registry.web.visitors import house

BROKEN = {
    "DeviceMetric-example.json": "HAT-365",
    "DeviceUseStatement-example.json": "HAT-365",
    "EventDefinition-example.json": "HAT-366",
    "MedicationRequest-medrx0301.json": "HAT-365",
    "Observation-clinical-gender.json": "HAT-365",
    "Questionnaire-qs1.json": "HAT-360",
    "SearchParameter-codesystem-extensions-CodeSystem-author.json": "HAT-360",
    "SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json": "HAT-362",
}
"""Examples of HL7's that break R4 themselves, by the reasons that RESULTS.md gives."""


def chosen(folder: Path) -> list[Path]:
    """One example of each type, every one of the types that the registry reads, and those that are broken."""
    files = sorted(path for path in (folder / "hl7").glob("*.json") if path.stat().st_size < 200_000)
    first = {path.name.partition("-")[0]: path for path in reversed(files)}
    read = [path for path in files if path.name.partition("-")[0] in OF_A_UNIT]
    return sorted({*first.values(), *read, *(folder / "hl7" / name for name in BROKEN)})


@pytest.fixture(scope="module")
def folder() -> Path:
    return needed()


def sent(settings: Settings, store: Store, source: str, files: list[Path]) -> list[Try]:
    made = house(settings, store)
    programs.screened(made)
    with program(made) as client:
        return list(tries(client, source, files))


@pytest.mark.slow
def test_hl7s_examples_are_answered_in_fhir_and_only_the_broken_ones_have_faults(
    folder: Path, settings: Settings, store: Store
) -> None:
    found = sent(settings, store, "hl7", chosen(folder))
    assert len(found) > 3 * 150
    assert not [each for each in found if each.wrong]
    faulty = {each.name: each.faults[0].rule for each in found if each.way == "checked" and each.faults}
    assert faulty == BROKEN
    assert not unforeseen(found)


@pytest.mark.slow
def test_whole_patients_of_synthea_are_answered_in_fhir(folder: Path, settings: Settings, store: Store) -> None:
    found = sent(settings, store, "synthea", sorted((folder / "synthea").glob("*.json")))
    assert not [each for each in found if each.wrong]
    assert {each.status for each in found if each.way == "checked"} == {200}
