"""Units of a transaction, of a batch, and alone; all their issues merged, each fault once, the worst first."""

import copy

import orjson
import polars as pl
import pytest

from ingest.check import FINDINGS, Context
from ingest.fhir.parsing import parse
from ingest.fhir.reading import check_units, read_unit, units_of_batch
from ingest.fhir.unit import Part
from schemas import fhir
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from schemas.rules import cell, register
from schemas.rules import fhir as rules
from tests.fhir_units import Resource, batch, bundle, measure_report, ndjson, rca_bundle, review
from tests.make import ON, valid_activity, valid_case, valid_rca

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
PATIENT, STAY, CONDITION, ANSWERS, REVIEW = range(5)


def told(sent: Resource, context: Context = CONTEXT) -> list[tuple[int, str]]:
    """Rule and first place of each issue."""
    return [(each.finding.rule, each.expressions[0]) for each in check_units([read_unit(sent)], context).issues(1)]


def without(sent: Resource, *places: int) -> Resource:
    return {**sent, "entry": [each for place, each in enumerate(sent["entry"]) if place not in places]}


def test_a_missing_answer_is_told_where_it_would_stand() -> None:
    found = told(bundle(valid_case(how_found="", birth_date="", nhs_number="")))
    assert set(found) == {
        (cell.MISSING.number, "Bundle.entry[3].resource.item.where(linkId='how_found')"),
        (cell.MISSING.number, "Bundle.entry[0].resource.birthDate"),
        (100, "Bundle.entry[0].resource.identifier.value"),
    }


def test_without_the_answers_each_is_missing_somewhere_in_the_bundle() -> None:
    found = told(without(bundle(valid_case()), ANSWERS))
    assert (
        cell.MISSING.number,
        "Bundle.entry.resource.ofType(QuestionnaireResponse).item.where(linkId='how_found')",
    ) in found
    assert {rule for rule, _ in found} == {cell.MISSING.number}


def test_a_missing_patient_is_one_fault() -> None:
    sent = without(bundle(valid_case()), PATIENT)
    for entry in sent["entry"]:
        entry["resource"].pop("subject", None)
    sent["entry"][1]["resource"]["subject"] = {"display": "Nobody"}
    assert told(sent) == [(rules.PART_MISSING.number, "Bundle.entry[1].resource")]


def test_a_rule_across_fields_names_all_its_places() -> None:
    unit = read_unit(bundle(valid_case(discharge_date="2025-08-01")))
    issues = check_units([unit], CONTEXT).issues(1)
    (discharged,) = [each for each in issues if each.finding.rule == 111]
    assert discharged.code == "business-rule"
    assert discharged.expressions == (
        "Bundle.entry[1].resource.period.end",
        "Bundle.entry[1].resource.period.start",
    )
    assert discharged.finding.field == "discharge_date"


def test_the_worst_comes_first_and_structure_beside_content() -> None:
    sent = bundle(valid_case(died_within_90_days="not_yet", nhs_number="9434765918"))
    sent["entry"][PATIENT]["resource"]["name"] = [{"family": "Invented"}]
    sent["entry"][STAY]["resource"]["status"] = "nonsense"
    issues = check_units([read_unit(sent)], CONTEXT).issues(1)
    assert [each.finding.rule for each in issues] == [363, 45, 178, 387]
    assert [each.error for each in issues] == [True, True, False, False]
    assert [each.information for each in issues] == [False, False, False, True]


def test_what_cannot_be_used_is_told_once_and_silences_the_rules_that_need_it() -> None:
    sent = bundle(valid_case(discharge_date="", still_in="yes"))
    (still_in,) = [each for each in sent["entry"][ANSWERS]["resource"]["item"] if each["linkId"] == "still_in"]
    still_in["answer"][0]["valueCoding"]["system"] = "https://example.org/s"
    assert [rule for rule, _ in told(sent)] == [rules.WRONG_SYSTEM.number]


def test_the_mark_of_what_cannot_be_used_is_still_a_senders_own_word() -> None:
    assert [rule for rule, _ in told(bundle(valid_case(ward="#NULL!")))] == [cell.SPREADSHEET_ERROR.number]


def test_a_huge_number_is_told_as_out_of_range() -> None:
    content = orjson.dumps(bundle(valid_case(anaesthetic="general", anaesthetic_minutes="77"))).replace(
        b'"valueInteger":77', b'"valueInteger":77777777777777777777777'
    )
    value, issues = parse(content)
    unit = read_unit(value)
    unit.issues += issues
    found = [(each.finding.rule, each.expressions) for each in check_units([unit], CONTEXT).issues(1)]
    assert [rule for rule, _ in found] in ([cell.OUT_OF_RANGE.number], [cell.NOT_WHOLE.number])


def test_a_fault_of_the_review_keeps_its_case_out() -> None:
    good, bad = bundle(valid_case(), valid_rca()), bundle(valid_case(), valid_rca(response_type=""))
    checked = check_units([read_unit(good, 1), read_unit(bad, 2)], CONTEXT)
    assert checked.kinds == (CASE, RCA)
    assert checked.faulty == {2}
    assert checked.standing(CASE)["row"].to_list() == checked.standing(RCA)["row"].to_list() == [1]
    assert not checked.issues(1)


def test_units_of_all_kinds_are_checked_together() -> None:
    sent = [bundle(valid_case()), rca_bundle(valid_rca()), bundle(valid_case(sex="what"))]
    value = [orjson.loads(line) for line in ndjson(sent).splitlines()]
    units = [read_unit(each, place) for place, each in enumerate(value, 7)]
    checked = check_units(units, CONTEXT)
    assert checked.checked(CASE).typed["row"].to_list() == [7, 9]
    assert checked.checked(RCA).typed["row"].to_list() == [8]
    assert checked.faulty == {9}


def test_findings_against_the_register_are_noted_at_their_places() -> None:
    units = [read_unit(rca_bundle(valid_rca()), 1), read_unit(rca_bundle(valid_rca(local_case_id="C2")), 2)]
    checked = check_units(units, CONTEXT)
    rule = register.REVIEW_WITHOUT_CASE
    place = [each.name for each in fields(RCA)].index("local_case_id")
    checked.note(RCA, pl.DataFrame({"row": [2], "place": [place], "rule": [rule.number]}, schema=FINDINGS))
    assert checked.faulty == {2}
    (told,) = checked.issues(2)
    assert (told.code, told.finding.rule) == ("not-found", rule.number)
    assert told.expressions == ("Bundle.entry[0].resource.extension[0].value.identifier.value",)
    assert checked.standing(RCA)["local_case_id"].to_list() == ["HAT-0001"]


def test_dates_and_moments_are_wanted_as_fhir_writes_them() -> None:
    unit = read_unit(bundle(valid_case(birth_date="2025-02-30", admitted_at="noon")))
    mends = " ".join(each.finding.mend for each in check_units([unit], CONTEXT).issues(1))
    assert "+00:00" in mends
    assert "dd/mm/yyyy" not in mends


# --- batches


def test_each_entry_of_a_batch_is_a_unit() -> None:
    units = units_of_batch(batch([measure_report(valid_activity()), review(valid_rca())]))
    assert [unit.ordinal for unit in units] == [1, 2]
    assert [unit.root for unit in units] == ["Bundle.entry[0].resource", "Bundle.entry[1].resource"]
    assert [list(unit.records) for unit in units] == [[ACTIVITY], [RCA]]
    assert [[entry.part for entry in unit.entries] for unit in units] == [[Part.RETURN], [Part.REVIEW]]
    assert [unit.organisation for unit in units] == ["RJZ", "RJZ"]
    assert not any(unit.issues for unit in units)


def test_a_fault_of_one_entry_is_that_units_alone() -> None:
    sent = batch([measure_report(valid_activity()), review(valid_rca())])
    sent["entry"][0]["resource"]["status"] = "nonsense"
    first, second = units_of_batch(sent)
    assert [each.expressions for each in first.issues if each.finding.rule == 363] == [
        ("Bundle.entry[0].resource.status",)
    ]
    assert not second.issues


@pytest.mark.parametrize("spoil", [{"type": "heap"}, {"entry": [5]}, {"entry": []}, {"entry": None}, {"unheard": 1}])
def test_a_fault_of_the_batch_itself_is_every_units(spoil: Resource) -> None:
    units = units_of_batch(batch([measure_report(valid_activity()), review(valid_rca())]) | spoil)
    assert units
    assert all(unit.faulty for unit in units)


@pytest.mark.parametrize("value", [None, [], "x", {}, {"resourceType": "Bundle"}, {"resourceType": "Foo", "entry": {}}])
def test_anything_else_is_a_faulty_unit(value: object) -> None:
    assert all(unit.faulty for unit in units_of_batch(value))
    assert read_unit(value).faulty


# --- resources alone


def test_a_review_alone_is_checked_whole() -> None:
    found = told(review(valid_rca(response_type="")))
    assert found == [(cell.MISSING.number, "QuestionnaireResponse.item.where(linkId='response_type')")]


def test_another_resource_alone_is_checked_for_its_structure() -> None:
    assert told({"resourceType": "Patient", "gender": "womanly"}) == [
        (rules.CODE_NOT_IN_LIST.number, "Patient.gender"),
        (rules.STRUCTURE_ONLY.number, "Patient"),
    ]


def test_a_response_to_somebody_elses_questionnaire_is_checked_for_its_structure() -> None:
    foreign = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "https://example.org/q|2",
        "status": "completed",
    }
    assert told(foreign) == [(rules.STRUCTURE_ONLY.number, "QuestionnaireResponse")]
    wrong = foreign | {"questionnaire": f"{fhir.QUESTIONNAIRES[RCA]}|9.9.9"}
    assert told(wrong) == [(rules.WRONG_QUESTIONNAIRE.number, "QuestionnaireResponse.questionnaire")]


def test_the_organisation_of_a_review_may_stand_at_its_own_number_or_its_author() -> None:
    sent = copy.deepcopy(review(valid_rca()))
    del sent["extension"][0]["valueReference"]["identifier"]["assigner"]
    unit = read_unit(sent)
    assert unit.organisation_at == "QuestionnaireResponse.identifier.assigner.identifier.value"
    del sent["identifier"]
    unit = read_unit(sent)
    assert (unit.organisation, unit.organisation_at) == ("RJZ", "QuestionnaireResponse.author.identifier.value")
    del sent["author"]
    assert read_unit(sent).organisation is None
