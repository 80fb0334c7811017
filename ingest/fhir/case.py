"""A case's clinical resources, Patient, Encounter and Condition, as the text of a CSV row.

Read from the JSON as it was sent, so that what is sound is judged also where something beside it is broken. Days are those of London.
A time beside a day fills the field of the moment too, unless that is answered. Codings of our own code system come first; of others
only those of a pulmonary embolism and a deep vein thrombosis are known (SNOMED CT, ICD-10).
"""

from ingest.fhir.contents import Contents, Held, follow
from ingest.fhir.elements import (
    DATA_ABSENT,
    UNUSABLE,
    Element,
    cell,
    extension,
    has_time,
    inside,
    london_day,
    moment,
    organisation,
    several,
)
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from schemas import fhir
from schemas.codes import DvtSite, VteType, WithdrawReason
from schemas.record import RecordKind
from schemas.rules import fhir as rules

CASE = RecordKind.CASE
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_WITHDRAWN = {"entered-in-error": WithdrawReason.ENTERED_IN_ERROR.value, "refuted": WithdrawReason.NOT_HAT.value}
_NO_STAY = ("planned", "cancelled", "entered-in-error")
_STAYS = "in-progress, finished"
_GENDERS = {"other": "indeterminate"}
_CLOTS = {code.code: code.value for code in VteType if code.code}
# ICD-10, 5th edition, without the full stop: pulmonary embolism; phlebitis of the deep leg veins; other venous thrombosis.
_CLOTS_BY_STEM = (("I26", "pe"), ("I801", "dvt"), ("I802", "dvt"), ("I803", "dvt"), ("I82", "dvt"))
_BOTH = {"pe", "dvt"}


def read_condition(condition: Held, unit: Unit) -> None:
    """The case itself; its answers must have been read before, as they go before what is derived here."""
    resource, path = condition.resource, condition.path
    unit.roots[CASE, "Condition"] = path
    _local_case_id(resource, path, unit)
    _put_text(unit, "vte_type", *_vte_type(resource, path))
    _put_text(unit, "dvt_site", *_dvt_site(resource, path))
    _put_day(unit, "diagnosis_date", resource.get("recordedDate"), f"{path}.recordedDate", also="diagnosed_at")
    _put_day(unit, "symptom_onset_date", resource.get("onsetDateTime"), f"{path}.onset")
    _withdrawal(resource, path, unit)


def read_patient(patient: Held, unit: Unit) -> None:
    resource, path = patient.resource, patient.path
    unit.roots[CASE, "Patient"] = path
    _nhs_number(resource, path, unit)
    _put(unit, "birth_date", resource.get("birthDate"), f"{path}.birthDate")
    _put_day(unit, "death_date", resource.get("deceasedDateTime"), f"{path}.deceased")
    gender = resource.get("gender")
    if gender is None and any(extension(resource.get("_gender"), DATA_ABSENT)):
        gender = "not_recorded"
    _put(unit, "sex", _GENDERS.get(gender, gender) if isinstance(gender, str) else gender, f"{path}.gender")


def read_stay(stay: Held, contents: Contents, unit: Unit) -> None:
    resource, path = stay.resource, stay.path
    unit.roots[CASE, "Encounter"] = path
    period = inside(resource, "period")
    _put_day(unit, "admission_date", period.get("start"), f"{path}.period.start", also="admitted_at")
    _put_day(unit, "discharge_date", period.get("end"), f"{path}.period.end", also="discharged_at")
    _provider(resource, path, contents, unit)
    if resource.get("status") in _NO_STAY:
        unit.issues.append(fault(rules.WRONG_STATUS, f"{path}.status", type="the Encounter", allowed=_STAYS))


def index_stay(condition: Held, contents: Contents, unit: Unit) -> Held | None:
    """The Encounter that the clot belongs to: the one named as such, else that of the Condition, else the only one."""
    named = next(extension(condition.resource, fhir.INDEX_ADMISSION), None)
    if named is not None:
        place, found = named
        path = f"{condition.path}.extension[{place}].value"
        return follow(contents, inside(found, "valueReference"), "valueReference", "Encounter", path, unit)
    encounter = inside(condition.resource, "encounter")
    if encounter:
        return follow(contents, encounter, "encounter", "Encounter", f"{condition.path}.encounter", unit)
    stays = contents.of("Encounter")
    if len(stays) > 1:
        unit.issues.append(fault(rules.SEVERAL_CASES, *(s.path for s in stays), type="Encounter"))
    return stays[0] if stays else None


def _local_case_id(resource: Element, path: str, unit: Unit) -> None:
    ours = [each for each in several(resource, "identifier") if each[1].get("system") == fhir.LOCAL_CASE_ID]
    if len(ours) > 1:
        places = (f"{path}.identifier[{place}]" for place, _ in ours)
        unit.issues.append(fault(rules.SEVERAL_CASES, *places, type="local case id"))
    for place, identifier in ours[:1]:
        at = f"{path}.identifier[{place}]"
        _put(unit, "local_case_id", identifier.get("value"), f"{at}.value")
        unit.organisation = organisation(identifier.get("assigner"))
        unit.organisation_at = f"{at}.assigner.identifier.value"


def _nhs_number(resource: Element, path: str, unit: Unit) -> None:
    """Numbers that are marked as old are passed over; of two that differ nobody knows which holds."""
    numbers = [
        (place, cell(each.get("value")))
        for place, each in several(resource, "identifier")
        if each.get("system") == fhir.NHS_NUMBER and each.get("use") != "old"
    ]
    if len({number for _, number in numbers}) > 1:
        places = (f"{path}.identifier[{place}]" for place, _ in numbers)
        unit.issues.append(fault(rules.SEVERAL_CASES, *places, type="NHS number"))
        numbers = [(numbers[0][0], UNUSABLE)]
    for place, number in numbers[:1]:
        _put_text(unit, "nhs_number", number, f"{path}.identifier[{place}].value")


def _provider(resource: Element, path: str, contents: Contents, unit: Unit) -> None:
    """The organisation that the stay belongs to: by its code, or by an Organization in the same Bundle that has it."""
    provider, at = inside(resource, "serviceProvider"), f"{path}.serviceProvider"
    if "identifier" in provider:
        _put_text(unit, "attributed_organisation", organisation(provider) or "", f"{at}.identifier.value")
    elif "reference" in provider:
        held = follow(contents, provider, "serviceProvider", "Organization", at, unit)
        for place, each in several(held.resource if held else None, "identifier"):
            if held is not None and each.get("system") == fhir.ODS_CODE:
                value = cell(each.get("value"))
                _put_text(unit, "attributed_organisation", value, f"{held.path}.identifier[{place}].value")


def _vte_type(resource: Element, path: str) -> tuple[str, str]:
    """Our own code, or what SNOMED CT and ICD-10 say; any other code goes on as it is, to be refused or matched for the trust."""
    concept, at = inside(resource, "code"), f"{path}.code"
    codings = [each for _, each in several(concept, "coding")]
    own = _own_codes(codings, fhir.code_system(VteType))
    found = own or dict.fromkeys(clot for each in codings if (clot := _clot(each)))
    if found.keys() == _BOTH:
        return VteType.PE_AND_DVT.value, at
    if found:
        return "|".join(found), at
    foreign = next((f"{each.get('system')}|{each['code']}" for each in codings if "code" in each), None)
    return foreign or cell(concept.get("text")), at


def _dvt_site(resource: Element, path: str) -> tuple[str, str]:
    """The site in our own code system; what other systems say of it is passed over."""
    sites: dict[str, None] = {}
    at = f"{path}.bodySite"
    for place, concept in several(resource, "bodySite"):
        own = _own_codes([each for _, each in several(concept, "coding")], fhir.code_system(DvtSite))
        at = f"{path}.bodySite[{place}]" if own and not sites else at
        sites |= own
    return "|".join(sites), at


def _own_codes(codings: list[Element], system: str) -> dict[str, None]:
    """The codes of our system, or of none, once each."""
    ours = (each for each in codings if each.get("system", system) == system)
    return dict.fromkeys(text for each in ours if (text := cell(each.get("code"))))


def _clot(coding: Element) -> str | None:
    system, code = coding.get("system"), coding.get("code")
    if not isinstance(code, str):
        return None
    if system == fhir.SNOMED_CT:
        return _CLOTS.get(code)
    if system == fhir.ICD_10:
        plain = code.replace(".", "").upper()
        return next((clot for stem, clot in _CLOTS_BY_STEM if plain.startswith(stem)), None)
    return None


def _withdrawal(resource: Element, path: str, unit: Unit) -> None:
    for _, coding in several(inside(resource, "verificationStatus"), "coding"):
        reason = _WITHDRAWN.get(str(coding.get("code"))) if coding.get("system") == _VERIFICATION else None
        if reason and "withdraw_reason" not in unit.records[CASE]:
            _put_text(unit, "withdraw_reason", reason, f"{path}.verificationStatus")


def _put(unit: Unit, name: str, value: object, path: str) -> None:
    if value is not None:
        _put_text(unit, name, cell(value), path)


def _put_text(unit: Unit, name: str, text: str, path: str) -> None:
    unit.places[CASE, name] = path
    if text:
        unit.records[CASE][name] = text


def _put_day(unit: Unit, name: str, value: object, path: str, also: str | None = None) -> None:
    """A day; and where its time is sent too, the moment."""
    text = cell(value)
    if not text:
        return
    unit.places[CASE, name] = path
    unit.records[CASE][name] = london_day(text)
    if also is not None and has_time(text) and also not in unit.records[CASE]:
        unit.places[CASE, also] = path
        unit.records[CASE][also] = moment(text)
