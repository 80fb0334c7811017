"""A trust with a handful of cases that can be counted on one's fingers.

Of University College Trust (RRV), in the financial year 2025 to 2026:

    RRV01  General Surgery    April: one (Ward 7, preventable), one (ward 7, not preventable)   and one of each kind that does not count:
    RRV02  General medicine   May:   one (Stroke unit, no review), one (no ward, preventable)   not HAT, not confirmed, a second report

and one of the year before.
"""

from dataclasses import dataclass

from starlette.testclient import TestClient

from registry.access import Role
from registry.settings import Settings
from registry.store import Store
from schemas.record import RecordKind
from tests.make import nhs_number, valid_case, valid_rca
from tests.registry.submissions.make import send
from tests.registry.web.visitors import House, house

NOT_PREVENTABLE = {
    "category": "prophylaxis_failure", "inadequacies": "", "preventability": "not_preventable", "prophylaxis_given": "yes",
    "doses_missed_avoidably": "0", "contributory_factors": "", "actions": "",
}  # fmt: skip
NOT_HAT = NOT_PREVENTABLE | {"category": "not_hat", "preventability": "", "would_have_changed_outcome": ""}
YEAR = "2025-fy"


def case(local: str, admitted: str, person: int, **more: str) -> dict[str, str]:
    """A case found 40 days after its admission, discharged after 5."""
    year, month, day = (int(part) for part in admitted.split("-"))
    found = f"{year + (month == 12)}-{month % 12 + 1:02d}-{min(day + 10, 28):02d}"
    left = f"{year}-{month:02d}-{day + 5:02d}"
    return valid_case(
        local_case_id=local, nhs_number=nhs_number(person), admission_date=admitted, discharge_date=left, diagnosis_date=found, **more
    )  # fmt: skip


SURGERY = {"index_site": "RRV01", "main_specialty": "100", "admission_group": "surgical"}
MEDICINE = {"index_site": "RRV02", "main_specialty": "300", "admission_group": "medical"}

CASES = [
    case("A-1", "2025-04-03", 1, **SURGERY, ward="Ward 7"),
    case("A-2", "2025-04-10", 2, **SURGERY, ward="ward  7"),
    case("A-3", "2025-05-03", 3, **MEDICINE, ward="Stroke unit"),
    case("A-4", "2025-05-20", 4, **MEDICINE),
    case("A-5", "2025-06-01", 5, **SURGERY, ward="Ward 7"),
    case("A-6", "2025-06-02", 6, **SURGERY, confirmation="clinical_only"),
    case("A-7", "2025-04-03", 1, **SURGERY, ward="Ward 7"),
    case("A-8", "2024-12-05", 8, **SURGERY, ward="Ward 7"),
]
REVIEWS = [
    valid_rca(local_case_id="A-1", learning_point="=1+1 is not a formula here"),
    valid_rca(local_case_id="A-2", **NOT_PREVENTABLE),
    valid_rca(local_case_id="A-4", contributory_factors="communication", missed_dose_reasons="refused|not_signed"),
    valid_rca(local_case_id="A-5", **NOT_HAT),
]


@dataclass(frozen=True)
class World:
    house: House
    tenant: int
    nurse: TestClient


def world(settings: Settings, store: Store) -> World:
    made = house(settings, store)
    tenant = made.ids["RRV"]
    for kind, rows in ((RecordKind.CASE, CASES), (RecordKind.RCA, REVIEWS)):
        receipt = send(store, settings, tenant, rows, kind=kind)
        assert (receipt.new, receipt.refused) == (len(rows), 0), receipt
    return World(made, tenant, made.signed_in(made.person("nurse", (Role.VTE_NURSE, "RRV"))))
