"""Patient, Encounter and Condition as the text of a row."""

import copy
from typing import Any

import pytest

from ingest.check import Context
from ingest.fhir.contents import Held, read_by_models
from ingest.fhir.reading import check_units, read_unit
from ingest.fhir.unit import Part, Unit
from schemas import fhir
from schemas.codelist import Nation
from schemas.record import RecordKind
from schemas.rules import fhir as rules
from tests.fhir_units import Resource, bundle
from tests.make import ON, valid_case, valid_rca

CASE, RCA = RecordKind.CASE, RecordKind.RCA
PATIENT, STAY, CONDITION, ANSWERS = range(4)
CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
OWN = f"{fhir.CANONICAL}/CodeSystem/hat-vte-type"


def sent(place: int, case: dict[str, str] | None = None, **elements: Any) -> Resource:
    whole = bundle(case or valid_case())
    resource = whole["entry"][place]["resource"]
    resource.update(elements)
    for name in [name for name, value in resource.items() if value is None]:
        del resource[name]
    return whole


def text(name: str, whole: Resource) -> str | None:
    unit = read_unit(whole)
    assert not unit.issues
    return unit.records[CASE].get(name)


def test_a_valid_case_gives_its_row_back() -> None:
    row = valid_case(attributed_organisation="RK9", death_date="2025-12-24", symptom_onset_date="2025-09-19")
    unit = read_unit(bundle(row))
    assert unit.records[CASE] == {name: cell for name, cell in row.items() if cell}
    assert (unit.identifier, unit.organisation) == ("HAT-0001", "RJZ")
    assert unit.organisation_at == "Bundle.entry[2].resource.identifier[0].assigner.identifier.value"
    assert [each.part for each in unit.entries] == [Part.PATIENT, Part.STAY, Part.CASE, Part.CASE_ANSWERS]


@pytest.mark.parametrize(
    ("elements", "wanted"),
    [
        ({"gender": "other"}, "indeterminate"),
        ({"gender": "unknown"}, "unknown"),
        ({"gender": None}, None),
        (
            {
                "gender": None,
                "_gender": {
                    "extension": [
                        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
                    ]
                },
            },
            "not_recorded",
        ),
    ],
)
def test_the_sex(elements: dict[str, Any], wanted: str | None) -> None:
    assert text("sex", sent(PATIENT, **elements)) == wanted


def codings(*pairs: tuple[str, str]) -> Resource:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


SCT, ICD = fhir.SNOMED_CT, fhir.ICD_10


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (codings((OWN, "cerebral"), (SCT, "59282003")), "cerebral"),
        (codings((OWN, "pe"), (OWN, "dvt")), "pe_and_dvt"),
        (codings((OWN, "pe"), (OWN, "other")), "pe|other"),
        (codings((SCT, "59282003")), "pe"),
        (codings((SCT, "128053003")), "dvt"),
        (codings((ICD, "I26.9")), "pe"),
        (codings((ICD, "I269")), "pe"),
        (codings((ICD, "I80.2")), "dvt"),
        (codings((ICD, "I82.8")), "dvt"),
        (codings((ICD, "I26.0"), (ICD, "I80.1")), "pe_and_dvt"),
        (codings((ICD, "I80.0")), f"{ICD}|I80.0"),
        (codings(("https://example.org/s", "pe")), "https://example.org/s|pe"),
        ({"coding": [{"code": "dvt"}]}, "dvt"),
        ({"text": "Pulmonary embolism"}, "Pulmonary embolism"),
        (None, None),
    ],
)
def test_what_was_found(code: Resource | None, wanted: str | None) -> None:
    assert text("vte_type", sent(CONDITION, code=code)) == wanted


def test_a_code_of_another_system_is_in_no_list_unless_it_was_matched_for_the_trust() -> None:
    whole = sent(CONDITION, code=codings(("https://example.org/s", "Clot7")))
    assert [each.finding.rule for each in check_units([read_unit(whole)], CONTEXT).issues(1)] == [33]
    matched = Context(**_of(CONTEXT), codes={"vte_type": {"https://example.org/s|clot7": "dvt"}})
    assert not check_units([read_unit(whole)], matched).issues(1)


def _of(context: Context) -> dict[str, Any]:
    return {"nation": context.nation, "sender": context.sender, "on": context.on, "synthetic": context.synthetic}


def test_the_site_in_other_systems_is_passed_over() -> None:
    other = codings((SCT, "7657000"))
    own = codings((f"{fhir.CANONICAL}/CodeSystem/hat-dvt-site", "pelvic"), (SCT, "7657000"))
    assert text("dvt_site", sent(CONDITION, bodySite=[other, own])) == "pelvic"
    assert text("dvt_site", sent(CONDITION, bodySite=[other])) is None


@pytest.mark.parametrize(
    ("written", "day", "moment"),
    [
        ("2025-09-01", "2025-09-01", None),
        ("2025-09-01T23:30:00Z", "2025-09-02", "2025-09-01T23:30:00Z"),
        ("2025-12-01T23:30:00Z", "2025-12-01", "2025-12-01T23:30:00Z"),
        ("2025-09-02T00:30:00.999+01:00", "2025-09-02", "2025-09-02T00:30:00+01:00"),
    ],
)
def test_days_are_those_of_london_and_a_time_fills_the_moment(written: str, day: str, moment: str | None) -> None:
    unit = read_unit(sent(STAY, period={"start": written, "end": written}))
    found = [unit.records[CASE].get(n) for n in ("admission_date", "admitted_at", "discharge_date", "discharged_at")]
    assert found == [day, moment, day, moment]
    diagnosed = read_unit(sent(CONDITION, recordedDate=written, onsetDateTime=written)).records[CASE]
    assert (diagnosed["diagnosis_date"], diagnosed.get("diagnosed_at")) == (day, moment)
    assert diagnosed["symptom_onset_date"] == day


def test_an_answer_goes_before_the_time_of_the_period() -> None:
    case = valid_case(admitted_at="2025-09-01 10:15")
    unit = read_unit(sent(STAY, case, period={"start": "2025-09-01T08:00:00Z"}))
    assert unit.records[CASE]["admitted_at"] == "2025-09-01T10:15:00+01:00"


@pytest.mark.parametrize("written", ["03/04/1951", "12/31/1951", "31.12.51", "18750"])
def test_a_day_that_is_not_written_as_fhir_does_is_refused_once(written: str) -> None:
    checked = check_units([read_unit(sent(PATIENT, birthDate=written))], CONTEXT)
    (told,) = [each for each in checked.issues(1) if each.error]
    assert told.finding.rule == rules.WRONG_PRIMITIVE.number
    assert told.expressions == ("Bundle.entry[0].resource.birthDate",)
    assert checked.faulty == {1}


@pytest.mark.parametrize(("status", "reason"), [("entered-in-error", "entered_in_error"), ("refuted", "not_hat")])
def test_the_verification_status_withdraws(status: str, reason: str) -> None:
    verification = codings(("http://terminology.hl7.org/CodeSystem/condition-ver-status", status))
    whole = sent(CONDITION, verificationStatus=verification, clinicalStatus=None, extension=None)
    assert text("withdraw_reason", whole) == reason
    answered = sent(CONDITION, valid_case(withdraw_reason="duplicate"), verificationStatus=verification)
    assert text("withdraw_reason", answered) == "duplicate"
    # Of a case that is withdrawn nothing is needed but its number.
    alone = {**whole, "entry": [whole["entry"][CONDITION]]}
    alone["entry"][0]["resource"]["subject"] = {"identifier": {"system": fhir.NHS_NUMBER, "value": "9990000018"}}
    checked = check_units([read_unit(alone)], CONTEXT)
    assert not checked.issues(1)
    assert checked.standing(CASE)["withdraw_reason"].to_list() == [reason]


def test_an_organization_in_the_same_bundle_may_say_whose_stay_it_was() -> None:
    whole = sent(STAY, serviceProvider={"reference": "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11"})
    organisation = {
        "resourceType": "Organization",
        "identifier": [{"system": fhir.ODS_CODE, "value": "RK9"}],
        "name": "A trust",
    }
    whole["entry"].append(
        {
            "fullUrl": "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11",
            "resource": organisation,
            "request": {"method": "POST", "url": "Organization"},
        }
    )
    unit = read_unit(whole)
    assert not unit.faulty
    assert unit.records[CASE]["attributed_organisation"] == "RK9"
    assert unit.places[CASE, "attributed_organisation"] == "Bundle.entry[4].resource.identifier[0].value"


def test_the_index_stay_is_named_or_the_only_one() -> None:
    other = {"resourceType": "Encounter", "status": "finished", "class": {"code": "IMP"}}
    whole = sent(CONDITION)
    whole["entry"].append({"resource": other, "request": {"method": "POST", "url": "Encounter"}})
    assert not read_unit(whole).faulty
    unnamed = copy.deepcopy(whole)
    del unnamed["entry"][CONDITION]["resource"]["extension"]
    (told,) = [each for each in read_unit(unnamed).issues if each.error]
    assert told.finding.rule == rules.SEVERAL_CASES.number
    by_encounter = copy.deepcopy(unnamed)
    stay = whole["entry"][STAY]["fullUrl"]
    by_encounter["entry"][CONDITION]["resource"]["encounter"] = {"reference": stay}
    assert read_unit(by_encounter).records[CASE]["admission_date"] == "2025-09-01"


def test_one_condition_of_several_is_the_case_if_only_it_has_our_number() -> None:
    whole = sent(CONDITION)
    other = {"resourceType": "Condition", "subject": {"reference": whole["entry"][PATIENT]["fullUrl"]}}
    whole["entry"].append({"resource": other, "request": {"method": "POST", "url": "Condition"}})
    unit = read_unit(whole)
    assert not unit.faulty
    assert unit.entries[4].part is Part.OTHER


def test_a_review_in_the_same_unit_is_of_its_case() -> None:
    whole = bundle(valid_case(local_case_id="C7"), valid_rca(local_case_id="C7"))
    review = whole["entry"][4]["resource"]
    review["extension"][0]["valueReference"] = {"reference": whole["entry"][CONDITION]["fullUrl"]}
    unit: Unit = read_unit(whole)
    assert unit.records[RCA]["local_case_id"] == "C7"
    assert unit.places[RCA, "local_case_id"] == unit.places[CASE, "local_case_id"]


def test_a_review_entered_in_error_is_withdrawn() -> None:
    whole = bundle(valid_case(), valid_rca())
    whole["entry"][4]["resource"]["status"] = "entered-in-error"
    assert read_unit(whole).records[RCA]["withdraw_reason"] == "entered_in_error"


def test_the_models_read_what_the_guard_let_through() -> None:
    """A resource that the guard never saw, as nothing is known that it lets through and the models refuse, but for types unknown to them."""
    unit = Unit(1)
    read_by_models([Held(0, "Patient", "Patient", {"resourceType": "Patient", "birthDate": [1]})], unit)
    assert [(each.finding.rule, each.expressions) for each in unit.issues] == [
        (rules.WRONG_SHAPE.number, ("Patient",)),
    ]
    unknown = sent(PATIENT, contained=[{"resourceType": "MedicinalProduct", "id": "a"}])
    assert not read_unit(unknown).faulty
