"""What is sent as FHIR as units: a transaction Bundle, a single resource, or each entry of a batch.

Every fault is named at once: those of the form, those of how a unit is put together, and, by `check_units`, those of what it says.
"""

import re

from ingest.fhir import responses, returns, structure
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.contents import Contents, Held, hold, read_by_models
from ingest.fhir.elements import Element, inside, several, string
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.paths import root_of
from ingest.fhir.transaction import own_number, personal_details, read_entry, read_transaction
from ingest.fhir.unit import Part, Unit
from schemas.record import RecordKind
from schemas.rules import fhir as rules

__all__ = ["CheckedUnits", "check_units", "only_checked", "read_unit", "units_of_batch"]

CASE, RCA = RecordKind.CASE, RecordKind.RCA
TRANSACTION_ENTRIES = 100
BATCH_ENTRIES = 200
_IN_ENTRY = re.compile(r"Bundle\.entry\[([0-9]+)\]\.resource\b")
_PARTS = ((RCA, Part.REVIEW), (RecordKind.ACTIVITY, Part.RETURN))


def read_unit(value: object, ordinal: int = 1) -> Unit:
    """A transaction Bundle or a single resource, parsed from JSON, as a unit. Never raises, whatever the value is."""
    unit = Unit(ordinal, root=root_of(value))
    if not isinstance(value, dict) or unit.root != "Bundle":
        unit.issues += structure.faults(value)
        if isinstance(value, dict):
            _alone(Held(0, unit.root, unit.root, value), unit, kept=False)
    elif value.get("type") != "transaction":
        unit.issues += structure.faults(value)
        unit.issues.append(fault(rules.WRONG_BUNDLE_TYPE, "Bundle.type"))
    elif _few_enough(value, TRANSACTION_ENTRIES, unit):
        unit.issues += structure.faults(value)
        read_transaction(value, unit)
    return unit


def only_checked(bundle: object) -> Unit:
    """A Bundle of a type that is never kept, a collection or a document, of which the structure alone is of interest."""
    unit = Unit(1)
    unit.issues += structure.faults(bundle)
    unit.issues.append(fault(rules.STRUCTURE_ONLY, unit.root, type="such a Bundle"))
    return unit


def units_of_batch(bundle: object) -> list[Unit]:
    """Each entry of a batch as a unit of its own. A fault of the batch itself is a fault of every unit in it; there is always one."""
    whole = Unit(1)
    if not _few_enough(bundle, BATCH_ENTRIES, whole):
        return [whole]
    within: dict[int, list[Issue]] = {}
    for each in structure.faults(bundle):
        found = _IN_ENTRY.match(each.expressions[0]) if each.expressions else None
        (within.setdefault(int(found[1]), []) if found else whole.issues).append(each)
    if inside({"": bundle}, "").get("type") != "batch":
        whole.issues.append(fault(rules.WRONG_BUNDLE_TYPE, "Bundle.type"))
    units = [_batched(place, entry, within.get(place, []), whole.issues) for place, entry in several(bundle, "entry")]
    if not units:
        whole.issues.append(fault(rules.NO_UNIT, "Bundle.entry"))
    return units or [whole]


def _type(value: object) -> str | None:
    return string(value, "resourceType")


def _few_enough(bundle: object, limit: int, unit: Unit) -> bool:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    if not isinstance(entries, list) or len(entries) <= limit:
        return True
    unit.issues.append(fault(rules.TOO_MANY_ENTRIES, "Bundle.entry", limit=str(limit)))
    return False


def _batched(place: int, entry: Element, faults: list[Issue], whole: list[Issue]) -> Unit:
    held = hold(place, f"Bundle.entry[{place}].resource", inside(entry, "resource"))
    unit = Unit(place + 1, root=held.path, organisation_at=held.path, issues=[*whole, *faults])
    _alone(held, unit, kept=True)
    part = next((part for kind, part in _PARTS if kind in unit.records), Part.OTHER)
    unit.entries.append(read_entry(entry, held, part, "batch", unit))
    return unit


def _alone(held: Held, unit: Unit, *, kept: bool) -> None:
    """A resource that is not in a transaction. `kept`: it was sent to be kept, so what is no record is refused; else only checked."""
    contents = Contents()
    contents.add(held, None)
    if held.type == responses.RESPONSE and not responses.foreign(held.resource):
        _response_alone(held, contents, unit, kept=kept)
    elif held.type == returns.REPORT and returns.is_return(held.resource):
        returns.read_return(held, unit)
        read_by_models([held], unit)
    elif held.type == returns.REPORT and (kept or not returns.foreign(held.resource)):
        returns.wrong_measure(unit, held.path)
    elif kept:
        unit.issues.append(fault(rules.NO_UNIT, held.path))
    elif held.type:
        _only_checked(unit, held)
    if unit.records:
        personal_details([held], unit)


def _response_alone(held: Held, contents: Contents, unit: Unit, *, kept: bool) -> None:
    kind = responses.kind(held.resource)
    if kind is RCA:
        responses.read_review(held, contents, unit)
        unit.identifier = own_number(unit, RCA)
    elif kind is None and (kept or "questionnaire" in held.resource):
        responses.wrong_questionnaire(unit, held.path)
    elif kept:
        unit.issues.append(fault(rules.NO_UNIT, held.path))
    else:
        _answers_alone(held, contents, unit)


def _answers_alone(held: Held, contents: Contents, unit: Unit) -> None:
    """The answers of a case without its clinical resources are looked at, and are no record."""
    if responses.kind(held.resource) is CASE:
        unit.records[CASE] = {}
        responses.read_case_answers(held, contents, unit)
        unit.records.clear()
    _only_checked(unit, held)


def _only_checked(unit: Unit, held: Held) -> None:
    if not any(each.finding.rule == rules.UNKNOWN_TYPE.number for each in unit.issues):
        unit.issues.append(fault(rules.STRUCTURE_ONLY, held.path, type=f"a {held.type}"))
