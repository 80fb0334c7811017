"""A transaction Bundle as a unit: one case (Patient, index Encounter, Condition, the answers about it), its review, or both.

A monthly return may come as a transaction of its own too. Other types are left out of the record with an information issue, as are
names, addresses and notes.
"""

import re

from ingest.fhir import responses, returns
from ingest.fhir.case import index_stay, read_condition, read_patient, read_stay
from ingest.fhir.contents import Contents, Held, follow, hold, read_by_models
from ingest.fhir.elements import UNUSABLE, Element, inside, several, string
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Entry, Part, Unit
from schemas import fhir
from schemas.record import RecordKind
from schemas.rules import fhir as rules

CASE, RCA = RecordKind.CASE, RecordKind.RCA
_NAME = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_METHODS = ("POST", "PUT")
_PERSONAL = {
    "Patient": ("name", "telecom", "address", "photo", "contact", "text"),
    "Encounter": ("text",),
    "Condition": ("text", "note"),
    "QuestionnaireResponse": ("text",),
    "MeasureReport": ("text",),
}
_RESPONSE_OF = {CASE: "QuestionnaireResponse of the case", RCA: "QuestionnaireResponse of the review"}


def read_transaction(bundle: Element, unit: Unit) -> None:
    """Put what is in the Bundle into the unit."""
    _name(bundle, unit)
    contents, entries = _contents(bundle)
    parts: dict[int, Part] = {}
    condition = _condition(contents, unit)
    answers, review = (_response(contents, kind, unit) for kind in (CASE, RCA))
    if condition is not None:
        _case(condition, answers, contents, unit, parts)
    elif answers is not None:
        unit.issues.append(fault(rules.PART_MISSING, answers.path, type="Condition"))
    if review is not None:
        parts[review.entry] = Part.REVIEW
        responses.read_review(review, contents, unit)
    _return(contents, unit, parts)
    if not unit.records and not unit.faulty:
        unit.issues.append(fault(rules.NO_UNIT, "Bundle.entry"))
    unit.identifier = unit.identifier or own_number(unit, CASE) or own_number(unit, RCA)
    _finish(entries, parts, unit)


def _name(bundle: Element, unit: Unit) -> None:
    """The identifier that tells a Bundle from one sent again."""
    identifier = inside(bundle, "identifier")
    name = string(identifier, "value")
    if identifier.get("system") == fhir.URI and name is not None and _NAME.fullmatch(name):
        unit.name = name
    else:
        unit.issues.append(fault(rules.BUNDLE_NAME, "Bundle.identifier"))


def _contents(bundle: Element) -> tuple[Contents, list[tuple[Element, Held]]]:
    contents = Contents()
    entries = []
    for place, entry in several(bundle, "entry"):
        resource = hold(place, f"Bundle.entry[{place}].resource", inside(entry, "resource"))
        contents.add(resource, string(entry, "fullUrl"))
        entries.append((entry, resource))
    return contents, entries


def _condition(contents: Contents, unit: Unit) -> Held | None:
    """The Condition that is the case: the only one, or the only one that has our number or profile."""
    conditions = contents.of("Condition")
    candidates = [each for each in conditions if _is_case(each.resource)] or conditions
    if len(candidates) > 1:
        unit.issues.append(fault(rules.SEVERAL_CASES, *(each.path for each in candidates), type="Condition"))
        return None
    return candidates[0] if candidates else None


def _is_case(condition: Element) -> bool:
    profiles = inside(condition, "meta").get("profile")
    ours = isinstance(profiles, list) and any(str(each).partition("|")[0] == fhir.CASE_PROFILE for each in profiles)
    return ours or any(each.get("system") == fhir.LOCAL_CASE_ID for _, each in several(condition, "identifier"))


def _response(contents: Contents, kind: RecordKind, unit: Unit) -> Held | None:
    """The one QuestionnaireResponse of a kind. What names our Questionnaires wrongly is refused when the case's is asked for."""
    found = []
    for each in contents.of(responses.RESPONSE):
        its = responses.kind(each.resource)
        if its is kind:
            found.append(each)
        elif its is None and kind is CASE and not responses.foreign(each.resource):
            responses.wrong_questionnaire(unit, each.path)
    if len(found) > 1:
        paths = (each.path for each in found)
        unit.issues.append(fault(rules.SEVERAL_CASES, *paths, type=_RESPONSE_OF[kind]))
    return found[0] if found else None


def _case(condition: Held, answers: Held | None, contents: Contents, unit: Unit, parts: dict[int, Part]) -> None:
    unit.records[CASE] = {}
    parts[condition.entry] = Part.CASE
    if answers is not None:
        parts[answers.entry] = Part.CASE_ANSWERS
        responses.read_case_answers(answers, contents, unit)
    read_condition(condition, unit)
    if answers is not None:
        responses.same_case(answers, contents, unit)
    patient = _patient(condition, contents, unit)
    if patient is not None:
        parts[patient.entry] = Part.PATIENT
        read_patient(patient, unit)
    stay = _stay(condition, contents, unit)
    if stay is not None:
        parts[stay.entry] = Part.STAY
        read_stay(stay, contents, unit)
    others = [path for path, held in contents.followed if held.type == "Patient" and held is not patient]
    if others:
        unit.issues.append(fault(rules.SEVERAL_CASES, *others, type="Patient"))
    read_by_models([each for each in (patient, stay, condition) if each is not None], unit)


def _patient(condition: Held, contents: Contents, unit: Unit) -> Held | None:
    told = len(unit.issues)
    subject, at = inside(condition.resource, "subject"), f"{condition.path}.subject"
    found = follow(contents, subject, "subject", "Patient", at, unit)
    patients = contents.of("Patient")
    if found is not None or len(unit.issues) > told:
        return found or (patients[0] if len(patients) == 1 else None)
    if not patients:
        _part_missing("Patient", condition, unit)
    elif subject:
        unit.issues.append(fault(rules.REFERENCE_NOT_RESOLVED, at, element="subject"))
    return patients[0] if len(patients) == 1 else None


def _stay(condition: Held, contents: Contents, unit: Unit) -> Held | None:
    told = len(unit.issues)
    stay = index_stay(condition, contents, unit)
    if stay is None and len(unit.issues) == told:
        _part_missing("Encounter", condition, unit)
    if stay is not None and string(inside(stay.resource, "subject"), "reference"):
        follow(contents, inside(stay.resource, "subject"), "subject", "Patient", f"{stay.path}.subject", unit)
    return stay


def _part_missing(type_: str, condition: Held, unit: Unit) -> None:
    """A case that is withdrawn needs its number only."""
    if "withdraw_reason" not in unit.records[CASE]:
        unit.issues.append(fault(rules.PART_MISSING, condition.path, type=type_))


def _return(contents: Contents, unit: Unit, parts: dict[int, Part]) -> None:
    """A monthly return that comes as a transaction of its own."""
    reports = [each for each in contents.of(returns.REPORT) if returns.is_return(each.resource)]
    for report in reports[:1]:
        parts[report.entry] = Part.RETURN
        returns.read_return(report, unit)
        read_by_models([report], unit)
    if reports and len(reports) + len(unit.records) > 2:
        paths = (each.path for each in reports)
        unit.issues.append(fault(rules.SEVERAL_CASES, *paths, type="record beside a monthly return"))


def own_number(unit: Unit, kind: RecordKind) -> str | None:
    """The trust's own number of the case that a record is about."""
    text = unit.records.get(kind, {}).get("local_case_id")
    return None if text is UNUSABLE else text


def _finish(entries: list[tuple[Element, Held]], parts: dict[int, Part], unit: Unit) -> None:
    """What each entry is, and what is left out of it."""
    ignored: dict[str, str] = {}
    for entry, held in entries:
        part = parts.get(held.entry, Part.OTHER)
        unit.entries.append(read_entry(entry, held, part, "transaction", unit))
        if part is Part.OTHER and held.type:
            ignored.setdefault(held.type, held.path)
    if parts:
        for type_, path in ignored.items():
            unit.issues.append(fault(rules.OTHER_TYPES_IGNORED, path, type=type_))
    personal_details([held for _, held in entries if held.entry in parts], unit)


def read_entry(entry: Element, held: Held, part: Part, type_: str, unit: Unit) -> Entry:
    """What an entry is and what it asks for. Nothing is deleted or read here."""
    request = inside(entry, "request")
    method = string(request, "method")
    if method is not None and method not in _METHODS:
        path = f"Bundle.entry[{held.entry}].request.method"
        unit.issues.append(fault(rules.METHOD_NOT_TAKEN, path, type=type_))
    return Entry(part, held.type, method, string(request, "ifMatch"))


def personal_details(read: list[Held], unit: Unit) -> None:
    """One information issue for all that is personal and left out."""
    places = [f"{held.path}.{name}" for held in read for name in _PERSONAL.get(held.type, ()) if name in held.resource]
    if places:
        unit.issues.append(fault(rules.PERSONAL_DETAILS_DROPPED, *places))
