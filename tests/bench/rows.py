"""Files of cases for the benchmarks: every column filled as a hospital system would, written block by block."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case

NAMES = [each.name for each in fields(RecordKind.CASE)]
FIRST_DAY = date(2024, 1, 1)


def write_cases(path: Path, count: int, *, faulty: float = 0.0, start: int = 0) -> None:
    """A CSV of so many different cases, of which a share has one fault of eight kinds each."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(NAMES) + "\r\n")
        for row in _rows(count, faulty, start):
            file.write(",".join(row[name] for name in NAMES) + "\r\n")


def _rows(count: int, faulty: float, start: int) -> Iterator[dict[str, str]]:
    chance = random.Random(start)
    for place in range(start, start + count):
        row = case_row(chance, place)
        if chance.random() < faulty:
            row |= chance.choice(FAULTS)
        yield row


FAULTS: tuple[dict[str, str], ...] = (
    {"nhs_number": "9434765918"},
    {"birth_date": "31/02/1950"},
    {"sex": "what"},
    {"diagnosis_date": "2020-01-01"},
    {"main_specialty": ""},
    {"anaesthetic_minutes": "-3"},
    {"diagnosis_snomed": "16332841000119100"},
    {"discharge_date": "2001-01-01"},
)


def case_row(chance: random.Random, place: int) -> dict[str, str]:
    admitted = FIRST_DAY + timedelta(days=chance.randrange(600))
    left = admitted + timedelta(days=chance.randrange(2, 20))
    found = left + timedelta(days=chance.randrange(1, 60))
    return valid_case(
        local_case_id=f"B{place:08d}",
        nhs_number=nhs_number(place % 900_000),
        birth_date=str(date(1930, 1, 1) + timedelta(days=chance.randrange(25_000))),
        sex=chance.choice(("male", "female")),
        admission_date=str(admitted),
        discharge_date=str(left),
        diagnosis_date=str(found),
        admission_group=chance.choice(("medical", "surgical", "orthopaedic_trauma")),
        main_specialty=chance.choice(("100", "110", "300", "340")),
        vte_type=chance.choice(("dvt", "pe_and_dvt")),
        transferred_from="RJ1",
        readmission_date=str(found),
        pregnancy_status="not_applicable",
        admitted_at=f"{admitted} 10:15",
        discharged_at=f"{left} 16:40",
        diagnosed_at=f"{found} 09:05",
        line_related="no",
        dvt_side=chance.choice(("left", "right")),
        diagnosis_snomed=chance.choice(("404223003", "128053003", "132281000119108")),
        symptom_onset_date=str(found - timedelta(days=1)),
        recurrent="no",
        incidental="no",
        on_anticoagulant="no",
        active_cancer=chance.choice(("yes", "no")),
        admission_method="21",
        discharge_method="1",
        discharge_destination="19",
        index_site="RK901",
        ward=chance.choice(("Ward 1", "Ward 12", "Stroke unit")),
        procedure_date=str(admitted + timedelta(days=1)),
        procedure_snomed="397956004",
        anaesthetic="general",
        anaesthetic_minutes=str(chance.randrange(30, 200)),
        ethnic_category="A",
        nhs_number_status="01",
    )
