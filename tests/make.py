"""Valid rows of every kind as text, for tests to change and break. Received on `ON`, they raise no finding at all as synthetic data."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date

from schemas.dictionary import fields
from schemas.record import RecordKind

# The day on which the rows below are received: late enough that 90 days after the diagnosis have passed.
ON = date(2026, 1, 20)

_GROUPS = ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma")
_CLASSES = ("day_case", "regular_attender", "no_night", "overnight")

_VALID: dict[RecordKind, dict[str, str]] = {
    RecordKind.CASE: {
        "local_case_id": "HAT-0001",
        "birth_date": "1951-04-12",
        "sex": "female",
        "admission_date": "2025-09-01",
        "discharge_date": "2025-09-09",
        "patient_classification": "ordinary",
        "admission_group": "medical",
        "main_specialty": "300",
        "vte_type": "dvt",
        "dvt_site": "proximal_leg",
        "diagnosis_date": "2025-09-20",
        "diagnosis_setting": "clinic",
        "confirmation": "ultrasound",
        "present_on_admission": "no",
        "how_found": "imaging_list",
        "died_within_90_days": "no",
    },
    RecordKind.RCA: {
        "local_case_id": "HAT-0001",
        "response_type": "mdt",
        "judged_by": "thrombosis_consultant",
        "judged_on": "2025-11-03",
        "risk_assessed": "complete",
        "assessed_within_14_hours": "yes",
        "assessment_correct": "correct",
        "prophylaxis_indicated": "yes",
        "prophylaxis_prescribed": "yes",
        "prophylaxis_given": "partly",
        "first_dose_within_14_hours": "yes",
        "doses_missed_avoidably": "2",
        "mechanical": "none_indicated",
        "extended": "not_expected",
        "category": "inadequate_prophylaxis",
        "inadequacies": "missed_doses",
        "preventability": "preventable",
        "would_have_changed_outcome": "cannot_say",
        "contributory_factors": "communication|staff",
        "candour_threshold_met": "yes",
        "candour_told_on": "2025-11-05",
        "actions": "1",
    },
    RecordKind.ACTIVITY: {
        "month": "2025-09",
        "case_return": "complete",
        **{f"{group}_{each}": "120" for group in _GROUPS for each in _CLASSES},
    },
    RecordKind.ACTIVITY_STRATA: {
        "year": "2024-25",
        "age_band": "60-74",
        "sex": "female",
        "admission_group": "medical",
        "overnight": "yes",
        "admissions": "2310",
    },
    RecordKind.ORGANISATION_PROFILE: {"year": "2024-25"},
    RecordKind.WALES_QUARTER: {"quarter": "2025-07", "potentially_preventable": "4", "all_hat": "21"},
}
_VALID[RecordKind.ORGANISATION_PROFILE] |= {
    each.name: "yes" for each in fields(RecordKind.ORGANISATION_PROFILE) if each.required and each.name != "year"
}


def nhs_number(place: int) -> str:
    """The `place`-th (0 to 899,999) of the numbers that begin with 999: valid, never issued to a person."""
    body = f"999{place // 9:05d}"
    last = [digit for digit in range(10) if _check_digit(f"{body}{digit}") != 10]
    nine = f"{body}{last[place % 9]}"
    return f"{nine}{_check_digit(nine)}"


def _check_digit(nine: str) -> int:
    return -sum(int(digit) * (10 - place) for place, digit in enumerate(nine)) % 11


def valid(kind: RecordKind | str, **changes: str) -> dict[str, str]:
    """One valid row with every heading of its kind in order, a blank where nothing is sent; `changes` replace cells."""
    kind = RecordKind(kind)
    row = {each.name: "" for each in fields(kind)} | _VALID[kind]
    if kind is RecordKind.CASE:
        row["nhs_number"] = nhs_number(1)
    unknown = changes.keys() - row.keys()
    if unknown:
        raise KeyError(f"{kind} has no field {', '.join(sorted(unknown))}")
    return row | changes


def valid_case(**changes: str) -> dict[str, str]:
    return valid(RecordKind.CASE, **changes)


def valid_rca(**changes: str) -> dict[str, str]:
    return valid(RecordKind.RCA, **changes)


def valid_activity(**changes: str) -> dict[str, str]:
    return valid(RecordKind.ACTIVITY, **changes)


def cases(count: int) -> list[dict[str, str]]:
    """Valid cases of as many different people under different local ids."""
    return [valid_case(local_case_id=f"HAT-{place:06d}", nhs_number=nhs_number(place)) for place in range(count)]


def csv_bytes(rows: Iterable[Mapping[str, str]]) -> bytes:
    """The rows as a CSV file in UTF-8 under the headings of the first."""
    listed = list(rows)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(listed[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue().encode()
