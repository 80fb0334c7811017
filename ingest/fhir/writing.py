"""Records as FHIR R4: the typed values of one version of a record to the resources in which it is read back.

What identifies a patient is not read back: neither the NHS number nor the birth date, nor an answer that is declared identifying
(ward, dose, learning points, references of incidents). The trust has them in its own system; they are opened on purpose and audited
elsewhere. All else comes back as it is kept, so what `ingest.fhir` reads and this writes says the same.

The stay and what is known of the patient have no address of their own: they are contained in the Condition, which refers to them.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from schemas import fhir
from schemas.codelist import CodeList
from schemas.codes import DvtSite, Sex, VteType, WithdrawReason
from schemas.dictionary import Field
from schemas.fhir import Answer
from schemas.record import RecordKind

Resource = dict[str, Any]
Values = Mapping[str, Any]
"""What one version of a record says, by field, each in the type that its field holds. A field that is absent was not said."""

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
DATA_ABSENT_REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
VERIFICATION = f"{TERMINOLOGY}/condition-ver-status"
MEASURE_POPULATION = f"{TERMINOLOGY}/measure-population"
_PATIENT, _STAY = "patient", "stay"


@dataclass(frozen=True, slots=True)
class Head:
    """Which version of which record it is, when the registry took it in, and the ODS code of the organisation that sent it."""

    id: UUID
    version: int
    at: datetime
    organisation: str


def condition(values: Values, head: Head) -> Resource:
    """A case as a Condition. `subject` names the patient by the case's own number: never by the NHS number."""
    number = _identifier(fhir.LOCAL_CASE_ID, values["local_case_id"], head.organisation)
    stay = {"url": fhir.INDEX_ADMISSION, "valueReference": {"reference": f"#{_STAY}", "type": "Encounter"}}
    return without_blanks(
        {
            "resourceType": "Condition",
            **_named(head, fhir.CASE_PROFILE),
            "contained": [_patient(values), _stay(values)],
            "extension": [stay],
            "identifier": [number],
            "verificationStatus": _concept(VERIFICATION, verification_status(values.get("withdraw_reason"))),
            "category": [_concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis")],
            "code": _clot(values.get("vte_type")),
            "bodySite": _coded(DvtSite, values.get("dvt_site")),
            "subject": {"reference": f"#{_PATIENT}", "type": "Patient", "identifier": number},
            "onsetDateTime": _day(values.get("symptom_onset_date")),
            "recordedDate": _day(values.get("diagnosis_date")),
        }
    )


def verification_status(withdrawn: str | None) -> str:
    """The code of `verificationStatus`: a case that is no HAT is refuted, one withdrawn for any other reason entered in error."""
    if withdrawn is None:
        return "confirmed"
    return "refuted" if withdrawn == WithdrawReason.NOT_HAT else "entered-in-error"


def case_answers(values: Values, head: Head) -> Resource:
    """What no clinical resource carries of a case, as answers of its Questionnaire."""
    return _answers(RecordKind.CASE, values, head, "completed")


def review(values: Values, head: Head) -> Resource:
    """A review of a case; in progress until category and preventability are recorded."""
    judged = values.get("category") is not None and values.get("preventability") is not None
    return _answers(RecordKind.RCA, values, head, "completed" if judged else "in-progress")


def activity_report(values: Values, head: Head) -> Resource:
    """A month of one organisation: each count is one group, under the name of its field; each code an extension."""
    month: date = values["month"]
    coded = {url: values.get(name) for url, name in fhir.ACTIVITY_CODED.items()}
    return without_blanks(
        {
            "resourceType": "MeasureReport",
            **_named(head),
            "extension": [{"url": url, "valueCode": code} for url, code in coded.items() if code is not None],
            "identifier": [_identifier(fhir.RETURN_ID, return_id(head.organisation, month), head.organisation)],
            "status": "complete",
            "type": "summary",
            "measure": f"{fhir.ACTIVITY_MEASURE}|{fhir.VERSION}",
            "date": moment(head.at),
            "reporter": organisation(head.organisation),
            "period": month_period(month),
            "group": [_group(name, values[name]) for name in fhir.ACTIVITY_COUNTS if values.get(name) is not None],
        }
    )


def return_id(code: str, month: date) -> str:
    """The number of a monthly return: `RR8-2026-01`."""
    return f"{code}-{month:%Y-%m}"


def month_period(month: date) -> Resource:
    """The first and the last day of a month, both within it."""
    last = calendar.monthrange(month.year, month.month)[1]
    return {"start": month.isoformat(), "end": month.replace(day=last).isoformat()}


def moment(at: datetime) -> str:
    """A moment in UTC, to the millisecond: when something was taken in."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def organisation(code: str) -> Resource:
    """A logical reference to an organisation; no Organization is ever sent."""
    return {"type": "Organization", "identifier": {"system": fhir.ODS_CODE, "value": code}}


def without_blanks(resource: Resource) -> Resource:
    """R4 knows no empty element: what is None or empty is left out, and what is empty then too."""
    kept = {name: _trimmed(each) for name, each in resource.items()}
    return {name: each for name, each in kept.items() if not _blank(each)}


def _trimmed(value: Any) -> Any:
    if isinstance(value, dict):
        return without_blanks(value)
    if isinstance(value, list):
        return [kept for each in value if not _blank(kept := _trimmed(each))]
    return value


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _named(head: Head, profile: str | None = None) -> Resource:
    """`id` and `meta`."""
    meta = {"versionId": str(head.version), "lastUpdated": moment(head.at)}
    return {"id": str(head.id), "meta": meta | ({"profile": [f"{profile}|{fhir.VERSION}"]} if profile else {})}


def _identifier(system: str, value: str, code: str) -> Resource:
    return {"system": system, "value": value, "assigner": organisation(code)}


def _patient(values: Values) -> Resource:
    gender = _gender(values.get("sex"))
    return {"resourceType": "Patient", "id": _PATIENT, **gender, "deceasedDateTime": _day(values.get("death_date"))}


def _gender(sex: str | None) -> Resource:
    if sex == Sex.NOT_RECORDED:
        return {"_gender": {"extension": [{"url": DATA_ABSENT_REASON, "valueCode": "unknown"}]}}
    return {"gender": "other" if sex == Sex.INDETERMINATE else sex}


def _stay(values: Values) -> Resource:
    end, provider = values.get("discharge_date"), values.get("attributed_organisation")
    return {
        "resourceType": "Encounter",
        "id": _STAY,
        "status": "in-progress" if end is None else "finished",
        "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"#{_PATIENT}"},
        "period": {"start": _day(values.get("admission_date")), "end": _day(end)},
        "serviceProvider": organisation(provider) if provider else None,
    }


def _clot(value: str | None) -> Resource | None:
    """Our own code first, then SNOMED CT's where the list names one."""
    if value is None:
        return None
    own = [_coding(VteType, value)]
    standard = [{"system": fhir.SNOMED_CT, "code": each.code} for each in VteType if each == value and each.code]
    return {"coding": own + standard}


def _coded(codes: type[CodeList], value: str | None) -> list[Resource]:
    return [] if value is None else [{"coding": [_coding(codes, value)]}]


def _coding(codes: type[CodeList], value: str) -> Resource:
    """A code of a list of ours, with its words where the list knows it: some lists are open."""
    words = next((each.words for each in codes if each == value), None)
    return {"system": fhir.code_system(codes), "code": value, "display": words}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _answers(kind: RecordKind, values: Values, head: Head, status: str) -> Resource:
    """The registry keeps one review a case, under the number of the case; a number of the review's own is not kept."""
    number = _identifier(fhir.LOCAL_CASE_ID, values["local_case_id"], head.organisation)
    of_case = {"url": fhir.OF_CASE, "valueReference": {"type": "Condition", "identifier": number}}
    return without_blanks(
        {
            "resourceType": "QuestionnaireResponse",
            **_named(head),
            "extension": [of_case],
            "identifier": number,
            "questionnaire": f"{fhir.QUESTIONNAIRES[kind]}|{fhir.VERSION}",
            "status": "entered-in-error" if values.get("withdraw_reason") else status,
            "authored": moment(head.at),
            "author": organisation(head.organisation),
            "item": [_item(each, values.get(each.name)) for each in fhir.answered(kind) if not each.item.identifying],
        }
    )


def _item(each: Field, value: Any) -> Resource:
    """One answered question; empty where nothing was said."""
    said = [] if value is None else value if fhir.repeats(each) else [value]
    if not said:
        return {}
    return {"linkId": each.name, "answer": [{fhir.answer(each).element: _written(each, one)} for one in said]}


def _written(each: Field, value: Any) -> Any:
    """A value as its kind of answer has it."""
    match fhir.answer(each):
        case Answer.CHOICE:
            assert each.codes is not None
            return _coding(each.codes, value)
        case Answer.DATE:
            return _day(value)
        case Answer.DATE_TIME:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _group(name: str, count: int) -> Resource:
    population = {"code": _concept(*fhir.ACTIVITY_POPULATION), "count": count}
    return {"code": _concept(fhir.ACTIVITY_GROUPS, name), "population": [population]}


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()
