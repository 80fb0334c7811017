"""Units of FHIR for tests, made of the same rows of text as a CSV: what a hospital system that follows the guide would send.

A blank cell is left out. Texts that no JSON of the right type can hold (a count of `many`) go in as they are, to be refused. The same
rows give the same Bundle, its uuids and its identifier included, so sending it again is a replay.
"""

import calendar
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import orjson

from schemas import codes, fhir
from schemas.days import LONDON
from schemas.dictionary import Field
from schemas.fhir import Answer
from schemas.record import RecordKind

Resource = dict[str, Any]

_DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


def bundle(
    case: Mapping[str, str], rca: Mapping[str, str] | None = None, *, organisation: str = "RJZ", name: str | None = None
) -> Resource:
    """A case, and its review if given, as one transaction."""
    seed = _seed(organisation, case, rca or {})
    patient, stay, condition = (_uuid(seed, part) for part in ("patient", "stay", "condition"))
    entries = [
        _entry(patient, _patient(case), _created(case)),
        _entry(stay, _stay(case, patient, organisation), _put("Encounter", fhir.LOCAL_SPELL_ID, _spell(case))),
        _entry(
            condition,
            _condition(case, patient, stay, organisation),
            _put("Condition", fhir.LOCAL_CASE_ID, case["local_case_id"]),
        ),
        _entry(
            _uuid(seed, "answers"),
            case_answers(case, organisation=organisation, patient=patient, condition=condition),
            _put("QuestionnaireResponse", fhir.LOCAL_CASE_ID, case["local_case_id"]),
        ),
    ]
    if rca is not None:
        entries.append(_review_entry(rca, organisation, seed, condition))
    return _transaction(name or _uuid(seed, "name"), entries)


def rca_bundle(rca: Mapping[str, str], *, organisation: str = "RJZ", name: str | None = None) -> Resource:
    """A review by itself, of a case that is held already."""
    seed = _seed(organisation, rca)
    return _transaction(name or _uuid(seed, "name"), [_review_entry(rca, organisation, seed)])


def batch(resources: Iterable[Resource]) -> Resource:
    """Monthly returns and reviews, each standing for itself."""
    entries = [
        _entry(_uuid("batch", f"{place} {orjson.dumps(resource)!r}"), resource, _put_by_own_identifier(resource))
        for place, resource in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def ndjson(bundles: Iterable[Resource]) -> bytes:
    """One Bundle a line."""
    return b"".join(orjson.dumps(each) + b"\n" for each in bundles)


def measure_report(activity: Mapping[str, str], *, organisation: str = "RJZ") -> Resource:
    """A month of one organisation."""
    return _without_blanks(
        {
            "resourceType": "MeasureReport",
            "extension": [
                {"url": url, "valueCode": text}
                for url, name in fhir.ACTIVITY_CODED.items()
                if (text := activity.get(name, ""))
            ],
            "identifier": [
                {
                    "system": fhir.RETURN_ID,
                    "value": f"{organisation}-{activity['month']}",
                    "assigner": _organisation(organisation),
                }
            ],
            "status": "complete",
            "type": "summary",
            "measure": f"{fhir.ACTIVITY_MEASURE}|{fhir.VERSION}",
            "reporter": _organisation(organisation),
            "period": _month(activity["month"]),
            "group": [_group(name, text) for name in fhir.ACTIVITY_COUNTS if (text := activity.get(name, ""))],
        }
    )


def case_answers(
    case: Mapping[str, str],
    *,
    organisation: str = "RJZ",
    patient: str | None = None,
    condition: str | None = None,
) -> Resource:
    """The QuestionnaireResponse with what no clinical resource carries of a case."""
    return _without_blanks(
        {
            "resourceType": "QuestionnaireResponse",
            "extension": [_of_case(case["local_case_id"], organisation, condition)],
            "identifier": _identifier(fhir.LOCAL_CASE_ID, case["local_case_id"], organisation),
            "questionnaire": f"{fhir.QUESTIONNAIRES[RecordKind.CASE]}|{fhir.VERSION}",
            "status": "completed",
            "subject": _reference(patient) if patient else None,
            "authored": "2026-01-19T16:20:00Z",
            "item": _items(RecordKind.CASE, case),
        }
    )


def review(rca: Mapping[str, str], *, organisation: str = "RJZ", condition: str | None = None) -> Resource:
    """The QuestionnaireResponse that is a review."""
    return _without_blanks(
        {
            "resourceType": "QuestionnaireResponse",
            "extension": [_of_case(rca["local_case_id"], organisation, condition)],
            "identifier": _identifier(fhir.LOCAL_RCA_ID, _review_id(rca), organisation),
            "questionnaire": f"{fhir.QUESTIONNAIRES[RecordKind.RCA]}|{fhir.VERSION}",
            "status": "completed",
            "authored": "2026-01-19T16:20:00Z",
            "author": {**_organisation(organisation), "type": "Organization"},
            "item": _items(RecordKind.RCA, rca),
        }
    )


def _transaction(name: str, entries: list[Resource]) -> Resource:
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{fhir.CASE_BUNDLE_PROFILE}|{fhir.VERSION}"]},
        "identifier": {"system": fhir.URI, "value": name},
        "type": "transaction",
        "timestamp": "2026-01-20T09:15:00Z",
        "entry": entries,
    }


def _entry(full_url: str, resource: Resource, request: Resource) -> Resource:
    return {"fullUrl": full_url, "resource": resource, "request": request}


def _review_entry(rca: Mapping[str, str], organisation: str, seed: str, condition: str | None = None) -> Resource:
    resource = review(rca, organisation=organisation, condition=condition)
    return _entry(_uuid(seed, "review"), resource, _put("QuestionnaireResponse", fhir.LOCAL_RCA_ID, _review_id(rca)))


def _put(resource_type: str, system: str, value: str) -> Resource:
    return {"method": "PUT", "url": f"{resource_type}?identifier={system}|{quote(value, safe='')}"}


def _put_by_own_identifier(resource: Resource) -> Resource:
    own = resource.get("identifier")
    if not own:
        return {"method": "POST", "url": resource["resourceType"]}
    first = own[0] if isinstance(own, list) else own
    return _put(resource["resourceType"], first["system"], first.get("value", ""))


def _created(case: Mapping[str, str]) -> Resource:
    number = case.get("nhs_number", "")
    known = {"ifNoneExist": f"identifier={fhir.NHS_NUMBER}|{quote(number, safe='')}"} if number else {}
    return {"method": "POST", "url": "Patient", **known}


def _patient(case: Mapping[str, str]) -> Resource:
    return _without_blanks(
        {
            "resourceType": "Patient",
            "identifier": [{"system": fhir.NHS_NUMBER, "value": case["nhs_number"]}] if case.get("nhs_number") else [],
            **_gender(case.get("sex", "")),
            "birthDate": case.get("birth_date"),
            "deceasedDateTime": case.get("death_date"),
        }
    )


def _gender(sex: str) -> Resource:
    if sex == "not_recorded":
        return {"_gender": {"extension": [{"url": _DATA_ABSENT, "valueCode": "unknown"}]}}
    return {"gender": "other" if sex == "indeterminate" else sex}


def _stay(case: Mapping[str, str], patient: str, organisation: str) -> Resource:
    provider = case.get("attributed_organisation")
    return _without_blanks(
        {
            "resourceType": "Encounter",
            "identifier": [_identifier(fhir.LOCAL_SPELL_ID, _spell(case), organisation)],
            "status": "finished" if case.get("discharge_date") else "in-progress",
            "class": {"system": f"{_TERMINOLOGY}/v3-ActCode", "code": "IMP"},
            "subject": _reference(patient),
            "period": {"start": case.get("admission_date"), "end": case.get("discharge_date")},
            "serviceProvider": _organisation(provider) if provider else None,
        }
    )


def _condition(case: Mapping[str, str], patient: str, stay: str, organisation: str) -> Resource:
    admission = {"url": fhir.INDEX_ADMISSION, "valueReference": _reference(stay)}
    site = case.get("dvt_site")
    return _without_blanks(
        {
            "resourceType": "Condition",
            "meta": {"profile": [f"{fhir.CASE_PROFILE}|{fhir.VERSION}"]},
            "extension": [admission],
            "identifier": [_identifier(fhir.LOCAL_CASE_ID, case["local_case_id"], organisation)],
            "clinicalStatus": _concept(f"{_TERMINOLOGY}/condition-clinical", "active"),
            "verificationStatus": _concept(f"{_TERMINOLOGY}/condition-ver-status", "confirmed"),
            "category": [_concept(f"{_TERMINOLOGY}/condition-category", "encounter-diagnosis")],
            "code": _clot(case.get("vte_type", "")),
            "bodySite": [_concept(fhir.code_system(codes.DvtSite), site)] if site else [],
            "subject": _reference(patient),
            "onsetDateTime": case.get("symptom_onset_date"),
            "recordedDate": case.get("diagnosis_date"),
        }
    )


def _clot(text: str) -> Resource | None:
    if not text:
        return None
    concept = _concept(fhir.code_system(codes.VteType), text)
    standard = {code.value: code.code for code in codes.VteType if code.code}
    if text in standard:
        concept["coding"].append({"system": fhir.SNOMED_CT, "code": standard[text]})
    return concept


def _of_case(local_case_id: str, organisation: str, condition: str | None) -> Resource:
    """The case that answers are about: by its entry in the same Bundle, and by the trust's own number."""
    target = {
        "reference": condition,
        "type": "Condition",
        "identifier": _identifier(fhir.LOCAL_CASE_ID, local_case_id, organisation),
    }
    return {"url": fhir.OF_CASE, "valueReference": target}


def _items(kind: RecordKind, row: Mapping[str, str]) -> list[Resource]:
    return [
        {"linkId": each.name, "answer": [{fhir.answer(each).element: value} for value in _values(each, text)]}
        for each in fhir.answered(kind)
        if (text := row.get(each.name, ""))
    ]


def _values(each: Field, text: str) -> list[object]:
    """The text of one cell as the values of its answers."""
    match fhir.answer(each):
        case Answer.CHOICE:
            assert each.codes is not None
            parts = [part.strip() for part in text.split("|")] if fhir.repeats(each) else [text]
            return [{"system": fhir.code_system(each.codes), "code": part} for part in parts]
        case Answer.DATE_TIME:
            return [_moment(text)]
        case Answer.INTEGER | Answer.DECIMAL:
            return [_number(text)]
    return [text]


def _moment(text: str) -> str:
    """London's wall time with its offset; anything else as it is."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?", text):
        return text
    try:
        return datetime.fromisoformat(text).replace(tzinfo=LONDON).isoformat()
    except ValueError:
        return text


def _number(text: str) -> int | float | str:
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text) else text


def _group(name: str, text: str) -> Resource:
    return {
        "code": _concept(fhir.ACTIVITY_GROUPS, name),
        "population": [{"code": _concept(*fhir.ACTIVITY_POPULATION), "count": _number(text)}],
    }


def _month(text: str) -> Resource:
    """The first and last day of a month; what is none, as it is."""
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        return {"start": text}
    year, month = int(text[:4]), int(text[5:])
    return {"start": f"{text}-01", "end": f"{text}-{calendar.monthrange(year, month)[1]}"}


def _identifier(system: str, value: str, organisation: str) -> Resource:
    return _without_blanks({"system": system, "value": value, "assigner": _organisation(organisation)})


def _organisation(code: str) -> Resource:
    return {"identifier": {"system": fhir.ODS_CODE, "value": code}}


def _reference(full_url: str) -> Resource:
    return {"reference": full_url}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _spell(case: Mapping[str, str]) -> str:
    return f"SP-{case['local_case_id']}"


def _review_id(rca: Mapping[str, str]) -> str:
    return f"RCA-{rca['local_case_id']}"


def _seed(organisation: str, *rows: Mapping[str, str]) -> str:
    return orjson.dumps([organisation, *rows], option=orjson.OPT_SORT_KEYS).decode()


def _uuid(seed: str, part: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{seed} {part}')}"


def _without_blanks(element: Resource) -> Resource:
    """R4 allows no empty element, so what is blank is left out, and what is then empty too."""
    kept = {name: _kept(each) for name, each in element.items()}
    return {name: each for name, each in kept.items() if each is not None and each not in ("", [], {})}


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(each) for each in value]
    return _without_blanks(value) if isinstance(value, dict) else value
