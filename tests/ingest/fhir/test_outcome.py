"""OperationOutcomes: one for an answer, one a line for each unit."""

import orjson
import pytest

from ingest.check import Context
from ingest.fhir import models
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import issue_type
from ingest.fhir.outcome import AUTHORITY, Disposition, outcome, outcome_line, row_issue
from ingest.fhir.reading import check_units, read_unit, units_of_batch
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.codelist import Nation
from schemas.rule import CATALOGUE
from schemas.rules import cell
from tests.fhir_units import Resource, batch, bundle, measure_report
from tests.make import ON, nhs_number, valid_activity, valid_case

CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)
# https://hl7.org/fhir/R4/valueset-issue-type.html
ISSUE_TYPES = frozenset(
    [
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    ]
)


def judged(sent: Resource, ordinal: int = 1) -> tuple[Unit, list[Issue]]:
    unit = read_unit(sent, ordinal)
    return unit, check_units([unit], CONTEXT).issues(ordinal)


def test_an_issue_in_full() -> None:
    _, issues = judged(bundle(valid_case(nhs_number="9434765918")))
    (told,) = outcome(issues)["issue"]
    assert told == {
        "extension": [{"url": AUTHORITY, "valueUri": f"{fhir.RULE_ADDRESS}/HAT-045"}],
        "severity": "error",
        "code": "value",
        "details": {
            "coding": [{"system": fhir.ISSUES, "code": "HAT-045"}],
            "text": f"{cell.NHS_NUMBER_CHECK_DIGIT.words} {cell.NHS_NUMBER_CHECK_DIGIT.mend}",
        },
        "expression": ["Bundle.entry[0].resource.identifier[0].value"],
    }
    assert models.read(outcome(issues))


def test_nothing_wrong_is_said_too() -> None:
    (told,) = outcome(())["issue"]
    assert (told["severity"], told["code"]) == ("information", "informational")


def test_the_worst_issue_is_the_first() -> None:
    sent = bundle(valid_case(died_within_90_days="not_yet", nhs_number="9434765918"))
    sent["entry"][0]["resource"]["name"] = [{"family": "Invented"}]
    _, issues = judged(sent)
    severities = [each["severity"] for each in outcome(reversed(issues))["issue"]]
    assert severities == ["error", "warning", "information"]


@pytest.mark.parametrize("number", [rule.number for rule in CATALOGUE])
def test_every_rule_has_one_of_r4s_types(number: int) -> None:
    assert issue_type(number) in ISSUE_TYPES


def source(line: bytes) -> dict[str, object]:
    (extension,) = orjson.loads(line)["extension"]
    assert extension["url"] == fhir.SOURCE_UNIT
    return {
        each["url"]: value
        for each in extension["extension"]
        for name, value in each.items()
        if name.startswith("value")
    }


@pytest.mark.parametrize("disposition", ["accepted", "unchanged"])
def test_the_line_of_a_unit_without_issues(disposition: Disposition) -> None:
    unit, issues = judged(bundle(valid_case(local_case_id='C "7" é\\')), 418)
    line = outcome_line(unit, issues, disposition)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert source(line) == {
        "ordinal": 418,
        "identifier": {"system": fhir.LOCAL_CASE_ID, "value": 'C "7" é\\'},
        "disposition": disposition,
    }
    assert models.read(orjson.loads(line))


def test_the_line_of_a_rejected_unit_names_its_faults() -> None:
    for nth, number in enumerate(("9434765918", "9434765917"), 1):
        unit, issues = judged(bundle(valid_case(nhs_number=number)), nth)
        line = outcome_line(unit, issues, "rejected")
        assert source(line)["disposition"] == "rejected"
        assert [each["severity"] for each in orjson.loads(line)["issue"]] == ["error"]
        assert models.read(orjson.loads(line))
        assert number.encode() not in line


def test_a_number_that_is_no_case_number_is_not_given_back() -> None:
    number = nhs_number(3)
    unit, issues = judged(bundle(valid_case(local_case_id=number)))
    assert unit.identifier == number
    line = outcome_line(unit, issues, "rejected")
    assert number.encode() not in line
    assert source(line) == {"ordinal": 1, "disposition": "rejected"}


def test_the_line_of_a_return_has_its_month() -> None:
    (unit,) = units_of_batch(batch([measure_report(valid_activity())]))
    identifier = source(outcome_line(unit, (), "accepted"))["identifier"]
    assert identifier == {"system": fhir.RETURN_ID, "value": "RJZ-2025-09"}

    unreadable = measure_report(valid_activity()) | {"period": {"start": "2025-09-01"}}
    unit, issues = judged(unreadable)
    assert source(outcome_line(unit, issues, "rejected")) == {"ordinal": 1, "disposition": "rejected"}


def test_a_finding_about_a_row_names_its_column() -> None:
    finding = cell.MISSING.finding(row=4, column="C", heading="Sex of patient", field="sex", wanted="a code")
    (told,) = outcome([row_issue(finding)])["issue"]
    assert told["extension"][1] == {"url": fhir.CSV_COLUMN, "valueString": "Sex of patient"}
    assert "expression" not in told
    assert models.read(outcome([row_issue(finding)]))
