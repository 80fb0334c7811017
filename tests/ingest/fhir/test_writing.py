"""What is written says what was read: any record, written as FHIR and read again, is the same record but for what identifies."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.check import check_frame
from ingest.fhir import models, structure, writing
from ingest.fhir.reading import read_unit
from ingest.fhir.writing import Head, Resource
from schemas import codes, fhir
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.fhir_units import bundle, measure_report, rca_bundle
from tests.ingest.test_round_trip import _row as typed_rows
from tests.ingest.test_round_trip import context, few
from tests.make import valid_activity, valid_case, valid_rca
from tests.schemas.judging import text_frame

CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY
HEAD = Head(UUID("0195a1b2-0000-7000-8000-000000000001"), 3, datetime(2026, 1, 20, 9, 15, 2, 123456, UTC), "RJZ")
IDENTIFYING = {kind: [each.name for each in fields(kind) if each.item.identifying] for kind in RecordKind}


def typed(kind: RecordKind, text: dict[str, str]) -> dict[str, Any]:
    """A row of text as its typed values, by field."""
    frame = text_frame(kind, [{each.name: text.get(each.name, "") for each in fields(kind)}])
    row = check_frame(frame, kind, context(kind)).typed.row(0, named=True)
    return {each.name: row[each.name] for each in fields(kind)}


def clear(kind: RecordKind, values: dict[str, Any]) -> dict[str, Any]:
    """What is kept unsealed of a record, with which it is written."""
    return {name: value for name, value in values.items() if name not in IDENTIFYING[kind]}


def sound(*resources: Resource) -> None:
    """R4's own structure, and what the models of fhir.resources say."""
    for each in resources:
        assert structure.faults(each) == []
        models.write(each)


def transaction(*resources: Resource) -> Resource:
    """The resources as a sender would send them: what they contain stands in entries of its own."""
    entries = []
    for each in resources:
        held = [*each.get("contained", ()), {name: said for name, said in each.items() if name != "contained"}]
        entries += [{"fullUrl": address(one), "resource": one, "request": request(one)} for one in held]
    whole = {
        "resourceType": "Bundle",
        "type": "transaction",
        "identifier": {"system": fhir.URI, "value": f"urn:uuid:{HEAD.id}"},
    }
    text = orjson.dumps(whole | {"entry": entries}).decode()
    for local in ("patient", "stay"):
        text = text.replace(f'"#{local}"', f'"{address({"resourceType": local, "id": local})}"')
    found: Resource = orjson.loads(text)
    return found


def address(resource: Resource) -> str:
    name = f"{resource['resourceType']} {resource.get('questionnaire', '')}" if "meta" in resource else resource["id"]
    return f"urn:uuid:{uuid5(HEAD.id, name)}"


def request(resource: Resource) -> Resource:
    return {"method": "POST", "url": resource["resourceType"]}


def read_again(kind: RecordKind, whole: Resource) -> dict[str, Any]:
    return typed(kind, read_unit(whole).records[kind])


@few
@given(values=typed_rows(CASE))
def test_a_case_that_is_written_reads_as_the_same_case(values: dict[str, Any]) -> None:
    kept = clear(CASE, values)
    condition, answers = writing.condition(kept, HEAD), writing.case_answers(kept, HEAD)
    sound(condition, answers)
    assert clear(CASE, read_again(CASE, transaction(condition, answers))) == kept


@few
@given(values=typed_rows(RCA))
def test_a_review_that_is_written_reads_as_the_same_review(values: dict[str, Any]) -> None:
    kept = clear(RCA, values)
    review = writing.review(kept, HEAD)
    sound(review)
    assert clear(RCA, read_again(RCA, transaction(review))) == kept


@few
@given(values=typed_rows(ACTIVITY))
def test_a_return_that_is_written_reads_as_the_same_return(values: dict[str, Any]) -> None:
    kept = clear(ACTIVITY, values) | {"organisation": None}
    report = writing.activity_report(kept, HEAD)
    sound(report)
    assert read_again(ACTIVITY, report) == kept


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        (CASE, bundle(valid_case(ward="Seven", admitted_at="2025-09-01 08:05", sex="not_recorded"))),
        (RCA, rca_bundle(valid_rca(dose="40 mg", weight_kg="80.5", inadequacies="delayed_start|missed_doses"))),
        (ACTIVITY, measure_report(valid_activity(risk_assessed="17", risk_assessment_method="census"))),
    ],
)
def test_what_was_read_from_fhir_is_written_as_the_same_text(kind: RecordKind, whole: Resource) -> None:
    text = read_unit(whole).records[kind]
    written = {
        CASE: lambda kept: transaction(writing.condition(kept, HEAD), writing.case_answers(kept, HEAD)),
        RCA: lambda kept: transaction(writing.review(kept, HEAD)),
        ACTIVITY: lambda kept: writing.activity_report(kept, HEAD),
    }[kind](clear(kind, typed(kind, text)))
    again = read_unit(written).records[kind]
    assert typed(kind, again) == typed(
        kind, {name: said for name, said in text.items() if name not in IDENTIFYING[kind]}
    )
    moments = {each.name for each in fields(kind) if isinstance(each.holds.dtype, pl.Datetime)}
    left_out = {*IDENTIFYING[kind], *moments}
    assert {name: said for name, said in again.items() if name not in left_out} == {
        name: said for name, said in text.items() if name not in left_out
    }


@few
@given(values=st.data())
def test_what_identifies_is_never_written(values: st.DataObject) -> None:
    for kind, write in ((CASE, writing.condition), (CASE, writing.case_answers), (RCA, writing.review)):
        row = values.draw(typed_rows(kind))
        canaries = {name: f"canary {name}" for name in IDENTIFYING[kind]}
        text = models.write(write(row | canaries, HEAD))
        assert b"canary" not in text
        assert fhir.NHS_NUMBER.encode() not in text


def test_a_resource_says_which_version_it_is_and_whose() -> None:
    condition = writing.condition(clear(CASE, typed(CASE, valid_case())), HEAD)
    assert condition["id"] == str(HEAD.id)
    assert condition["meta"]["versionId"] == "3"
    assert condition["meta"]["lastUpdated"] == "2026-01-20T09:15:02.123Z"
    (number,) = condition["identifier"]
    assert (number["system"], number["value"]) == (fhir.LOCAL_CASE_ID, "HAT-0001")
    assert number["assigner"]["identifier"] == {"system": fhir.ODS_CODE, "value": "RJZ"}
    assert condition["subject"]["identifier"] == number


def test_a_clot_has_our_code_and_that_of_snomed_ct() -> None:
    for clot, standard in ((codes.VteType.DVT, ["128053003"]), (codes.VteType.PE_AND_DVT, [])):
        values = clear(CASE, typed(CASE, valid_case(vte_type=clot.value)))
        own, *others = writing.condition(values, HEAD)["code"]["coding"]
        assert own == {"system": fhir.code_system(codes.VteType), "code": clot.value, "display": clot.words}
        assert [each["code"] for each in others] == standard


@pytest.mark.parametrize(
    ("reason", "status"),
    [(None, "confirmed"), ("not_hat", "refuted"), *((each.value, "entered-in-error") for each in codes.WithdrawReason if each != "not_hat")],
)  # fmt: skip
def test_a_withdrawn_case_is_refuted_or_entered_in_error(reason: str | None, status: str) -> None:
    assert writing.verification_status(reason) == status


def test_a_review_is_completed_once_category_and_preventability_are_there() -> None:
    values = clear(RCA, typed(RCA, valid_rca()))
    assert writing.review(values, HEAD)["status"] == "completed"
    assert writing.review(values | {"preventability": None}, HEAD)["status"] == "in-progress"
    assert writing.review(values | {"withdraw_reason": "duplicate"}, HEAD)["status"] == "entered-in-error"


def test_a_month_begins_and_ends_within_itself() -> None:
    assert writing.month_period(date(2024, 2, 1)) == {"start": "2024-02-01", "end": "2024-02-29"}
    assert writing.return_id("RR8", date(2026, 1, 1)) == "RR8-2026-01"
