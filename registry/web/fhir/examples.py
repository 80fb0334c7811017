"""Whole examples for those who build a sending system, made of the very rows that the templates for CSV show.

A real system makes new uuids for each Bundle; these stay the same, so that sending an example twice shows a replay.
"""

import csv
import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import schemas
from ingest.fhir.writing import MEASURE_POPULATION, TERMINOLOGY, Resource, month_period, without_blanks
from schemas import codes, fhir
from schemas.codelist import CodeList
from schemas.dictionary import VERSION, Field, fields
from schemas.fhir import Answer, Artefact
from schemas.record import RecordKind

FOLDER = Path(schemas.__path__[0]) / "published" / VERSION
Row = Mapping[str, str]


@cache
def examples() -> Mapping[str, bytes]:
    """The bytes of each file by its name."""
    first, second = rows(RecordKind.CASE)[:2]
    wrong = _faulty(case(first, "faulty"))
    return {
        "case.json": _shown(case(first, "one")),
        "faulty.json": _shown(wrong),
        "review.json": _shown(review(rows(RecordKind.RCA)[0], "review")),
        "returns.json": _shown(returns(rows(RecordKind.ACTIVITY)[0], "returns")),
        "cases.ndjson": b"".join(_line(case(each, "many")) for each in (first, second)),
    }


def rows(kind: RecordKind) -> list[Row]:
    """The rows of the example that goes with the template."""
    with (FOLDER / f"{kind.value}-core-example.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def case(row: Row, name: str) -> Resource:
    """One case as a transaction: the patient, the stay, the clot, and the answers that none of them carries."""
    number = row["local_case_id"]
    patient, stay, clot, answers = (_uuid(name, number, part) for part in ("patient", "stay", "clot", "answers"))
    entries = [
        _entry(patient, _patient(row), {"method": "POST", "url": "Patient"}),
        _entry(stay, _stay(row, patient), _put("Encounter", fhir.LOCAL_SPELL_ID, f"SP-{number}")),
        _entry(clot, _clot(row, patient, stay), _put("Condition", fhir.LOCAL_CASE_ID, number)),
        _entry(
            answers,
            _answers(RecordKind.CASE, row, {"reference": clot}, patient=patient),
            _put("QuestionnaireResponse", fhir.LOCAL_CASE_ID, number),
        ),
    ]
    return _transaction(_uuid(name, number, "bundle"), entries)


def review(row: Row, name: str) -> Resource:
    """A review, sent weeks after its case: a transaction of one entry."""
    number = row["local_case_id"]
    about = {"type": "Condition", "identifier": {"system": fhir.LOCAL_CASE_ID, "value": number}}
    entry = _entry(
        _uuid(name, number, "answers"),
        _answers(RecordKind.RCA, row, about),
        _put("QuestionnaireResponse", fhir.LOCAL_RCA_ID, f"RCA-{number}"),
    )
    return _transaction(_uuid(name, number, "bundle"), [entry])


def returns(row: Row, name: str) -> Resource:
    """A monthly return as a batch of one."""
    month = row["month"]
    resource = without_blanks(
        {
            "resourceType": "MeasureReport",
            "extension": [
                {
                    "url": fhir.canonical(Artefact.STRUCTURE_DEFINITION, f"hat-{name.replace('_', '-')}"),
                    "valueCode": text,
                }
                for name, text in row.items()
                if text and _is_coded(name)
            ],
            "identifier": [{"system": fhir.RETURN_ID, "value": month}],
            "status": "complete",
            "type": "summary",
            "measure": f"{fhir.ACTIVITY_MEASURE}|{fhir.VERSION}",
            "period": month_period(date.fromisoformat(f"{month}-01")),
            "group": [_group(name, text) for name, text in row.items() if text.isdigit()],
        }
    )
    entry = _entry(_uuid(name, month, "return"), resource, _put("MeasureReport", fhir.RETURN_ID, month))
    return {"resourceType": "Bundle", "type": "batch", "entry": [entry]}


def _faulty(bundle: Resource) -> Resource:
    """What hospital systems get wrong: a day that there is not, a word that is none of R4's, an answer to no question."""
    patient, answers = bundle["entry"][0]["resource"], bundle["entry"][3]["resource"]
    patient |= {"gender": "F", "birthDate": "1951-02-30"}
    answers["item"].append({"linkId": "ward_round", "answer": [{"valueString": "daily"}]})
    return bundle


def _patient(row: Row) -> Resource:
    number = row["nhs_number"]
    return without_blanks(
        {
            "resourceType": "Patient",
            "identifier": [{"system": fhir.NHS_NUMBER, "value": number}] if number else None,
            "gender": row["sex"],
            "birthDate": row["birth_date"],
        }
    )


def _stay(row: Row, patient: str) -> Resource:
    return without_blanks(
        {
            "resourceType": "Encounter",
            "identifier": [{"system": fhir.LOCAL_SPELL_ID, "value": f"SP-{row['local_case_id']}"}],
            "status": "finished" if row["discharge_date"] else "in-progress",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "IMP"},
            "subject": {"reference": patient},
            "period": {"start": row["admission_date"], "end": row["discharge_date"]},
        }
    )


def _clot(row: Row, patient: str, stay: str) -> Resource:
    site = row["dvt_site"]
    return without_blanks(
        {
            "resourceType": "Condition",
            "meta": {"profile": [f"{fhir.CASE_PROFILE}|{fhir.VERSION}"]},
            "extension": [{"url": fhir.INDEX_ADMISSION, "valueReference": {"reference": stay}}],
            "identifier": [{"system": fhir.LOCAL_CASE_ID, "value": row["local_case_id"]}],
            "verificationStatus": _concept(f"{TERMINOLOGY}/condition-ver-status", "confirmed"),
            "category": [_concept(f"{TERMINOLOGY}/condition-category", "encounter-diagnosis")],
            "code": _concept(fhir.code_system(codes.VteType), row["vte_type"]),
            "bodySite": [_concept(fhir.code_system(codes.DvtSite), site)] if site else None,
            "subject": {"reference": patient},
            "recordedDate": row["diagnosis_date"],
        }
    )


def _answers(kind: RecordKind, row: Row, about: Resource, *, patient: str | None = None) -> Resource:
    number = row["local_case_id"]
    system, own = (fhir.LOCAL_CASE_ID, number) if kind is RecordKind.CASE else (fhir.LOCAL_RCA_ID, f"RCA-{number}")
    return without_blanks(
        {
            "resourceType": "QuestionnaireResponse",
            "extension": [{"url": fhir.OF_CASE, "valueReference": about}],
            "identifier": {"system": system, "value": own},
            "questionnaire": f"{fhir.QUESTIONNAIRES[kind]}|{fhir.VERSION}",
            "status": "completed",
            "subject": {"reference": patient},
            "item": [
                {"linkId": each.name, "answer": [{fhir.answer(each).element: value} for value in _values(each, text)]}
                for each in fhir.answered(kind)
                if (text := row.get(each.name, ""))
            ],
        }
    )


def _values(field: Field, text: str) -> list[Any]:
    if fhir.answer(field) is Answer.CHOICE:
        return [_coding(field.codes, part) for part in text.split("|")]
    return [int(text) if fhir.answer(field) is Answer.INTEGER else text]


def _coding(listed: type[CodeList] | None, code: str) -> Resource:
    return without_blanks({"system": fhir.code_system(listed) if listed else None, "code": code})


def _is_coded(name: str) -> bool:
    return any(each.codes is not None and each.name == name for each in fields(RecordKind.ACTIVITY))


def _group(name: str, text: str) -> Resource:
    population = {"code": _concept(MEASURE_POPULATION, "initial-population"), "count": int(text)}
    return {"code": _concept(fhir.ACTIVITY_GROUPS, name), "population": [population]}


def _transaction(name: str, entries: list[Resource]) -> Resource:
    identifier = {"system": fhir.URI, "value": name}
    return {"resourceType": "Bundle", "identifier": identifier, "type": "transaction", "entry": entries}


def _entry(full_url: str, resource: Resource, request: Resource) -> Resource:
    return {"fullUrl": full_url, "resource": resource, "request": request}


def _put(type_name: str, system: str, value: str) -> Resource:
    return {"method": "PUT", "url": f"{type_name}?identifier={system}|{quote(value, safe='')}"}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _uuid(*parts: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, ' '.join((fhir.CANONICAL, *parts)))}"


def _shown(resource: Resource) -> bytes:
    return json.dumps(resource, ensure_ascii=False, indent=2).encode() + b"\n"


def _line(resource: Resource) -> bytes:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
