"""Every rule of one cell has a cell that breaks it and one that does not."""

from collections import Counter

import polars as pl
import pytest

from schemas.codelist import Nation
from schemas.dictionary import field, fields
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope
from tests.schemas.judging import cell_findings, check

ENGLAND, WALES = Nation.ENGLAND, Nation.WALES
CASE, RCA, ACTIVITY = RecordKind.CASE, RecordKind.RCA, RecordKind.ACTIVITY

# Of cells that were read.
CAUTIONS = {rule.number for rule in CATALOGUE if rule.scope is Scope.CELL and rule.severity is Severity.WARNING}

# rule, kind, field, nation, a cell that breaks it, one that does not
CELLS = (
    (31, CASE, "nhs_number", ENGLAND, "#N/A", "9990000018"),
    (31, CASE, "ward", ENGLAND, "#REF!", "#7"),
    (31, CASE, "admission_date", ENGLAND, "#VALUE!", "2025-09-01"),
    (32, RecordKind.ACTIVITY_STRATA, "year", ENGLAND, "2025-27", "2025-26"),
    (32, CASE, "admission_date", ENGLAND, "1/9/2025", "01/09/2025"),
    (33, CASE, "sex", ENGLAND, "M", "Male"),
    (33, RCA, "thrombosis_factors", ENGLAND, "THP1|THP99", "thp1 | THA8"),
    (34, CASE, "discharge_method", ENGLAND, "2", "6"),
    (34, CASE, "discharge_method", WALES, "6", "2"),
    (34, CASE, "nhs_number_status", ENGLAND, "nn", "01"),
    (35, CASE, "main_specialty", ENGLAND, "328", "326"),
    (35, CASE, "discharge_destination", ENGLAND, "50", "51"),
    (36, CASE, "birth_date", ENGLAND, "30/02/1951", "28/02/1951"),
    (36, CASE, "birth_date", ENGLAND, "1951-02-29", "1952-02-29"),
    (37, CASE, "birth_date", ENGLAND, "02/28/1951", "28/02/1951"),
    (37, CASE, "admitted_at", ENGLAND, "9/13/2025 10:00", "13/09/2025 10:00"),
    (38, CASE, "birth_date", ENGLAND, "12/04/51", "12/04/1951"),
    (38, CASE, "birth_date", ENGLAND, "12-Apr-51", "1951-04-12"),
    (39, CASE, "birth_date", ENGLAND, "18730", "12/04/1951"),
    (40, CASE, "birth_date", ENGLAND, "31/12/1899", "01/01/1900"),
    (40, CASE, "birth_date", ENGLAND, "2101-01-01", "2100-12-31"),
    (41, CASE, "admitted_at", ENGLAND, "2025-09-01", "2025-09-01 00:00"),
    (42, CASE, "admitted_at", ENGLAND, "30/03/2025 01:30", "30/03/2025 02:00"),
    (43, CASE, "admitted_at", ENGLAND, "2025-10-26 01:30", "2025-10-26T01:30:00+00:00"),
    (43, CASE, "admitted_at", ENGLAND, "26/10/2025 01:59", "2025-10-26T00:59Z"),
    (43, CASE, "admitted_at", ENGLAND, "2025-10-26T01:00", "2025-10-26 02:00"),
    (44, CASE, "nhs_number", ENGLAND, "943476591", "943 476 5919"),
    (45, CASE, "nhs_number", ENGLAND, "9434765918", "943-476-5919"),
    (45, CASE, "nhs_number", ENGLAND, "9991234560", "9999999999"),
    (46, CASE, "nhs_number", ENGLAND, "9.43477E+09", "9434765919"),
    (47, CASE, "diagnosis_snomed", ENGLAND, "16332841000119100", "16332841000119106"),
    (47, CASE, "diagnosis_snomed", ENGLAND, "1.63328E+16", "135001000119100"),
    (48, CASE, "diagnosis_snomed", ENGLAND, "419225002", "59282003"),
    (49, CASE, "ward", ENGLAND, "w" * 81, "w" * 80),
    (49, CASE, "local_case_id", ENGLAND, "9" * 41, "9" * 40),
    (50, ACTIVITY, "medical_overnight", ENGLAND, "-1", "0"),
    (51, ACTIVITY, "medical_overnight", ENGLAND, "1,200", "1200"),
    (51, ACTIVITY, "medical_overnight", ENGLAND, "1.5", "1"),
    (52, ACTIVITY, "medical_overnight", ENGLAND, "10000000", "9999999"),
    (52, RCA, "weight_kg", ENGLAND, "19.9", "20"),
    (53, CASE, "local_case_id", ENGLAND, "943 476 5919", "9434765918"),
    (54, RCA, "learning_point", ENGLAND, "Ring 020 7946 0123 first.", "Ring the ward at 10 first."),
    (54, RCA, "learning_point", ENGLAND, "Patient 9434765919 waited.", "Patient 9 waited."),
    (54, RCA, "notable_practice", ENGLAND, "From SW1A 1AA by taxi.", "From ward 7A by taxi."),
    (54, RCA, "notable_practice", ENGLAND, "Thanks to jo@example.org", "Thanks to the night team"),
    (55, RCA, "inadequacies", ENGLAND, "missed_doses||extended", "missed_doses|extended"),
    (55, RCA, "inadequacies", ENGLAND, "missed_doses|", "missed_doses"),
    (56, CASE, "attributed_organisation", ENGLAND, "King's", "rjz"),
    (57, CASE, "local_case_id", ENGLAND, "A\x07B", "AB"),
    (58, CASE, "nhs_number", ENGLAND, "9876543210", "4505577104"),
)  # fmt: skip


def _of(cells: tuple[object, ...]) -> str:
    return f"{cells[0]}-{cells[2]}"


@pytest.mark.parametrize("cells", CELLS, ids=_of)
def test_the_cell_breaks_the_rule_and_its_neighbour_does_not(
    cells: tuple[int, RecordKind, str, Nation, str, str],
) -> None:
    number, kind, name, nation, breaks, stands = cells
    assert number in cell_findings(field(kind, name), breaks, nation)
    assert number not in cell_findings(field(kind, name), stands, nation)


def test_every_cell_rule_has_an_example() -> None:
    """But for HAT-030: a cell is missing where a required field is blank, whatever it holds elsewhere."""
    shown = {cells[0] for cells in CELLS}
    wanted = {rule.number for rule in CATALOGUE if rule.scope is Scope.CELL}
    assert shown == wanted - {30}


def test_a_required_field_is_core() -> None:
    for kind in RecordKind:
        assert all(each.core for each in fields(kind) if each.required)


STRANGE = (
    "#N/A",
    "\x00",
    "ﬁ",
    "=1+1",
    "٣",
    "x" * 40_000,
    "|",
    "-",
    "0x1F",
    "1e5",
    "NaN",
    "∞",
    "2025-02-30",
    "9434765918",
)


@pytest.mark.parametrize("kind", RecordKind)
def test_no_unreadable_cell_is_left_without_an_explanation(kind: RecordKind) -> None:
    """Whatever a cell holds, it is read or one rule says why not: never both, never neither."""
    names = [each.name for each in fields(kind) if each.name != "withdraw_reason"]
    checked = check(kind, [dict.fromkeys(names, cell) for cell in STRANGE])
    explained = Counter(
        (row, place) for row, place, rule in checked.findings.rows() if rule not in CAUTIONS and rule < 90
    )
    assert set(explained.values()) == {1}
    for place, each in enumerate(fields(kind)):
        unread = checked.typed.filter(pl.col(each.name).is_null())["row"].to_list()
        if each.name in names:
            assert unread == [row for row in checked.typed["row"] if (row, place) in explained]
