"""A MeasureReport as the text of a row of the activity return."""

import copy
from typing import Any

import pytest

from ingest.check import Context
from ingest.fhir.reading import check_units, read_unit
from schemas import fhir
from schemas.codelist import Nation
from schemas.record import RecordKind
from schemas.rules import cell
from schemas.rules import fhir as rules
from tests.fhir_units import Resource, batch, measure_report
from tests.make import ON, valid_activity

ACTIVITY = RecordKind.ACTIVITY
CONTEXT = Context(nation=Nation.ENGLAND, sender="RJZ", on=ON, synthetic=True)


def changed(**elements: Any) -> Resource:
    report = measure_report(valid_activity()) | elements
    return {name: value for name, value in report.items() if value is not None}


def told(report: Resource) -> list[tuple[int, str]]:
    checked = check_units([read_unit(report)], CONTEXT)
    return [(each.finding.rule, each.expressions[0]) for each in checked.issues(1)]


def test_a_valid_return_gives_its_row_back() -> None:
    row = valid_activity(patients_audited="40", appropriate_prophylaxis="38", risk_assessment_method="census")
    unit = read_unit(measure_report(row))
    assert unit.records[ACTIVITY] == {name: text for name, text in row.items() if text}
    assert (unit.identifier, unit.organisation) == ("2025-09", "RJZ")
    assert unit.organisation_at == "MeasureReport.reporter.identifier.value"
    assert not told(measure_report(row))


@pytest.mark.parametrize(
    ("period", "rule", "at"),
    [
        (None, cell.MISSING, "MeasureReport.period"),
        ({"start": "2025-09-01"}, rules.WRONG_PERIOD, "MeasureReport.period"),
        ({"start": "2025-09", "end": "2025-09"}, rules.WRONG_PERIOD, "MeasureReport.period"),
        ({"start": "2025-09-02", "end": "2025-09-30"}, rules.WRONG_PERIOD, "MeasureReport.period"),
        ({"end": "2025-09-30"}, cell.MISSING, "MeasureReport.period"),
        ({"start": "2025-13-01", "end": "2025-13-31"}, cell.NOT_A_DATE, "MeasureReport.period.start"),
        ({"start": "2026-02-01", "end": "2026-02-28"}, None, "MeasureReport.period"),
    ],
)
def test_the_period_is_one_whole_month(period: Resource | None, rule: Any, at: str) -> None:
    found = told(changed(period=period))
    if rule is None:
        assert [number for number, _ in found] == [251]
    else:
        assert (rule.number, at) in found
        assert len(found) == (2 if period and "13" in str(period) else 1)


def test_february_has_29_days_in_a_leap_year() -> None:
    report = changed(period={"start": "2024-02-01", "end": "2024-02-29"})
    assert read_unit(report).records[ACTIVITY]["month"] == "2024-02"


def test_what_is_missing_is_told_where_it_would_stand() -> None:
    report = changed(extension=None)
    report["group"] = report["group"][1:]
    address = next(url for url, name in fhir.ACTIVITY_CODED.items() if name == "case_return")
    assert told(report) == [
        (cell.MISSING.number, f"MeasureReport.extension('{address}')"),
        (cell.MISSING.number, "MeasureReport.group.where(code.coding.code='medical_day_case')"),
    ]


@pytest.mark.parametrize(("count", "rule"), [(-1, cell.NEGATIVE), (2.5, cell.NOT_WHOLE), ("many", cell.NOT_WHOLE)])
def test_a_count_is_judged_as_in_a_table(count: object, rule: Any) -> None:
    report = copy.deepcopy(measure_report(valid_activity()))
    report["group"][3]["population"][0]["count"] = count
    assert told(report) == [(rule.number, "MeasureReport.group[3].population[0].count")]


def test_a_group_may_not_hold_several_counts_nor_an_extension_come_twice() -> None:
    report = copy.deepcopy(measure_report(valid_activity()))
    report["group"][3]["population"] *= 2
    report["extension"] *= 2
    assert told(report)[:2] == [
        (rules.REPEATED_GROUP.number, "MeasureReport.extension[1].value"),
        (rules.REPEATED_GROUP.number, "MeasureReport.group[3]"),
    ]


def test_a_return_may_come_as_a_transaction_of_its_own() -> None:
    sent = batch([measure_report(valid_activity())])
    sent |= {
        "type": "transaction",
        "identifier": {"system": fhir.URI, "value": "urn:uuid:0f6b8a3e-6a0e-4b7e-9b1d-5d2f0c7f9a11"},
    }
    unit = read_unit(sent)
    assert not unit.issues
    assert list(unit.records) == [ACTIVITY]
    twice = {**sent, "entry": [*sent["entry"], {**sent["entry"][0], "fullUrl": unit.name}]}
    assert [each.finding.rule for each in read_unit(twice).issues] == [
        rules.SEVERAL_CASES.number,
        rules.OTHER_TYPES_IGNORED.number,
    ]
