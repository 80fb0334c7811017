"""A monthly activity return: one summary MeasureReport of the registry's activity measure, as the text of a CSV row.

* `measure` is `schemas.fhir.ACTIVITY_MEASURE`, with our version or none; `type` is `summary`; `status` is `complete`.
* `period` is one whole calendar month, its first and last day (times are not looked at): the month of the return.
* Each count is one `group`, whose `code` is the field's name in `schemas.fhir.ACTIVITY_GROUPS`, with one `population` and its `count`.
  The population's code is `initial-population`, as the published measure has it; it is not looked at.
* A field with a code (`schemas.fhir.ACTIVITY_CODED`) is an extension of the MeasureReport with a `valueCode`, at its address there.
* `reporter` is the organisation that sends it, by its ODS code. The field `organisation` of a CSV, which only repeats it, is left empty.
* `identifier` (`schemas.fhir.RETURN_ID`) names the return to its sender; a return is told by its organisation and month alone.
"""

import calendar

from ingest.fhir.contents import Held
from ingest.fhir.elements import UNUSABLE, Element, cell, inside, organisation, several, string, versioned
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.record import RecordKind
from schemas.rules import fhir as rules

ACTIVITY = RecordKind.ACTIVITY
REPORT = "MeasureReport"
_COUNTS = frozenset(fhir.ACTIVITY_COUNTS)
_STATUS = "complete"
_DAY = len("2026-02-20")


def is_return(report: Element) -> bool:
    """Whether this reports on the registry's activity measure, in a version that is read."""
    return versioned(fhir.ACTIVITY_MEASURE, named=string(report, "measure") or "") and report.get("type") == "summary"


def foreign(report: Element) -> bool:
    """Whether this reports on a measure that is plainly none of the registry's."""
    return not (string(report, "measure") or fhir.CANONICAL).startswith(fhir.CANONICAL)


def wrong_measure(unit: Unit, path: str) -> None:
    unit.issues.append(fault(rules.WRONG_MEASURE, f"{path}.measure"))


def read_return(report: Held, unit: Unit) -> None:
    resource, path = report.resource, report.path
    unit.roots[ACTIVITY, REPORT] = path
    unit.records[ACTIVITY] = {}
    if isinstance(resource.get("status"), str) and resource["status"] != _STATUS:
        unit.issues.append(fault(rules.WRONG_STATUS, f"{path}.status", type="a return", allowed=_STATUS))
    unit.organisation = organisation(resource.get("reporter"))
    unit.organisation_at = f"{path}.reporter.identifier.value"
    _month(inside(resource, "period"), f"{path}.period", unit)
    _coded(resource, path, unit)
    _counts(resource, path, unit)
    month = unit.records[ACTIVITY].get("month")
    unit.identifier = None if month is UNUSABLE else month


def _put(unit: Unit, name: str, text: str, path: str) -> None:
    unit.places[ACTIVITY, name] = path
    if text:
        unit.records[ACTIVITY][name] = text


def _month(period: Element, path: str, unit: Unit) -> None:
    """The month as `yyyy-mm`. A first day that is none goes on as it is, for the validator to say so."""
    start, end = cell(period.get("start"))[:_DAY], cell(period.get("end"))[:_DAY]
    if not start:
        return
    month, last = start[:7], _last_day(start)
    if last is None:
        _put(unit, "month", start, f"{path}.start")
    elif (start, end) == (f"{month}-01", last):
        _put(unit, "month", month, path)
    else:
        unit.issues.append(fault(rules.WRONG_PERIOD, path))
        _put(unit, "month", UNUSABLE, path)


def _last_day(day: str) -> str | None:
    """The last day of the month in which a day lies, None where that is no month."""
    year, month = day[:4], day[5:7]
    if not (year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12 and 1900 <= int(year) <= 2100):
        return None
    return f"{day[:7]}-{calendar.monthrange(int(year), int(month))[1]}"


def _coded(resource: Element, path: str, unit: Unit) -> None:
    for place, each in several(resource, "extension"):
        name = fhir.ACTIVITY_CODED.get(each["url"]) if isinstance(each.get("url"), str) else None
        if name is None:
            continue
        at = f"{path}.extension[{place}].value"
        if (ACTIVITY, name) in unit.places:
            unit.issues.append(fault(rules.REPEATED_GROUP, at, element=name))
        else:
            _put(unit, name, cell(each.get("valueCode")), at)


def _counts(resource: Element, path: str, unit: Unit) -> None:
    for place, group in several(resource, "group"):
        at = f"{path}.group[{place}]"
        name = _group_name(group)
        if name is None:
            unit.issues.append(fault(rules.UNKNOWN_GROUP, f"{at}.code"))
            continue
        populations = [each for _, each in several(group, "population")]
        if (ACTIVITY, name) in unit.places or len(populations) > 1:
            unit.issues.append(fault(rules.REPEATED_GROUP, at, element=name))
        elif populations:
            _put(unit, name, cell(populations[0].get("count")), f"{at}.population[0].count")


def _group_name(group: Element) -> str | None:
    """The field that a group counts, by the code of our own system."""
    for _, coding in several(inside(group, "code"), "coding"):
        name = string(coding, "code")
        if coding.get("system", fhir.ACTIVITY_GROUPS) == fhir.ACTIVITY_GROUPS and name in _COUNTS:
            return name
    return None
