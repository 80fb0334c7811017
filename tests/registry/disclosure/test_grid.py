"""Which cells exist, and their permanent names."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.disclosure.grid import (
    CATEGORIES,
    DAYS_AFTER,
    GRID_VERSION,
    SHAPES,
    WHOLE,
    WITHIN,
    Cell,
    Count,
    Geography,
    GeographyKind,
    Period,
    PeriodKind,
    Split,
    cells,
    financial_year,
    independent_sector,
    month,
    months_of,
)
from schemas.codes import ContributoryFactor, Inadequacy, MissedDoseReason

PLYMOUTH = Geography(GeographyKind.TRUST, "RK9")
WALES = Geography(GeographyKind.REGION, "W92000004")
MARCH = month(date(2026, 3, 17))
YEAR = financial_year(date(2026, 3, 31))


def names(count: Count, geography: Geography, period: Period) -> set[str]:
    return {f"{cell.split or 'total'}" for cell in cells(count, geography, period)}


def test_version_1_has_these_shapes() -> None:
    independents = independent_sector("England", 3)
    assert independents is not None
    assert GRID_VERSION == 1
    assert names(Count.HAT_CASES, PLYMOUTH, MARCH) == {"total"}
    assert names(Count.HAT_CASES, PLYMOUTH, YEAR) == {"total", "vte_type", "admission_group", "preventability"}
    assert names(Count.HAT_CASES, WALES, MARCH) == {"total", "vte_type", "admission_group", "preventability", "stay"}
    assert names(Count.HAT_CASES, WALES, YEAR) == {
        "setting", "pe_outcome", "adequacy", "review", "assessed_within_14_hours", "first_dose_within_14_hours",
        "missed_doses", "information_on_admission", "information_on_discharge", "second_reading", "overnight_group",
        "inadequacy", "contributory_factor", "missed_dose_reason", "practice",
    }  # fmt: skip
    assert names(Count.ADMISSIONS, WALES, YEAR) == {"overnight_group"}
    assert names(Count.HAT_CASES, independents, YEAR) == {"total"}
    assert names(Count.HAT_CASES, independents, MARCH) == set()
    assert names(Count.ADMISSIONS, WALES, MARCH) == {"total", "admission_group", "stay"}
    assert names(Count.ADMISSIONS, PLYMOUTH, YEAR) == {"total"}


def test_every_category_of_a_split_has_a_cell() -> None:
    made = {
        (cell.split, cell.category)
        for when in (MARCH, YEAR)
        for cell in cells(Count.HAT_CASES, WALES, when)
        if cell.split
    }
    assert made == {(split, category) for split in Split for category in CATEGORIES[split]}


def test_no_split_of_a_region_is_there_by_month_and_by_year() -> None:
    """The same quantity has one name."""
    region = GeographyKind.REGION
    assert not SHAPES[region, PeriodKind.MONTH] & SHAPES[region, PeriodKind.FINANCIAL_YEAR]


def test_each_split_says_what_it_divides() -> None:
    assert set(WHOLE) == set(Split)
    named = {part for whole in WHOLE.values() for part in whole.parts} | set(WITHIN) | set(WITHIN.values())
    assert all(category in CATEGORIES[split] for split, category in named)
    themes = [Split.INADEQUACY, Split.CONTRIBUTORY_FACTOR, Split.MISSED_DOSE_REASON, Split.PRACTICE]
    assert [split for split, whole in WHOLE.items() if whole.overlapping] == themes
    assert [split for split, whole in WHOLE.items() if not whole.complete] == [Split.SECOND_READING, *themes]


def test_themes_are_those_of_reviews() -> None:
    assert set(CATEGORIES[Split.INADEQUACY]) == set(Inadequacy)
    assert set(CATEGORIES[Split.CONTRIBUTORY_FACTOR]) == set(ContributoryFactor)
    assert set(CATEGORIES[Split.MISSED_DOSE_REASON]) == set(MissedDoseReason)


def test_the_bands_after_discharge_are_every_day_of_the_window_once() -> None:
    days = [day for first, last in DAYS_AFTER for day in range(first, last + 1)]
    assert days == list(range(91))


def test_names_are_permanent() -> None:
    assert Cell(Count.HAT_CASES, PLYMOUTH, MARCH).id == "grid-1/hat_cases/trust/RK9/month/2026-03/total"
    by_type = Cell(Count.HAT_CASES, PLYMOUTH, YEAR, Split.VTE_TYPE, "pe")
    assert by_type.id == "grid-1/hat_cases/trust/RK9/financial_year/2025-26/vte_type/pe"
    overnight = Cell(Count.ADMISSIONS, WALES, MARCH, Split.STAY, "overnight")
    assert overnight.id == "grid-1/admissions/region/W92000004/month/2026-03/stay/overnight"


def test_names_are_unique() -> None:
    every = [
        cell.id
        for count in Count
        for place in (PLYMOUTH, WALES)
        for when in (MARCH, YEAR)
        for cell in cells(count, place, when)
    ]
    assert len(every) == len(set(every)) == 114


@pytest.mark.parametrize(
    ("geography", "period", "split", "category"),
    [
        (PLYMOUTH, MARCH, Split.PREVENTABILITY, "preventable"),
        (PLYMOUTH, YEAR, Split.STAY, "overnight"),
        (WALES, YEAR, None, None),
        (WALES, MARCH, Split.VTE_TYPE, "superficial"),
        (WALES, MARCH, Split.VTE_TYPE, None),
        (WALES, MARCH, None, "pe"),
    ],
)
def test_a_cell_outside_the_grid_cannot_be_made(
    geography: Geography, period: Period, split: Split | None, category: str | None
) -> None:
    with pytest.raises(ValueError, match=r"grid has no|needs a category"):
        Cell(Count.HAT_CASES, geography, period, split, category)


def test_admissions_have_no_clot() -> None:
    with pytest.raises(ValueError, match="grid has no"):
        Cell(Count.ADMISSIONS, WALES, MARCH, Split.VTE_TYPE, "pe")


@pytest.mark.parametrize("code", ["", "R K9", "RK9/month", "RK9|0", "é"])
def test_a_code_that_could_blur_a_name_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="code of a geography"):
        Geography(GeographyKind.TRUST, code)


@pytest.mark.parametrize(
    ("kind", "start"), [(PeriodKind.MONTH, date(2026, 3, 2)), (PeriodKind.FINANCIAL_YEAR, date(2026, 1, 1))]
)
def test_a_period_starts_on_its_first_day(kind: PeriodKind, start: date) -> None:
    with pytest.raises(ValueError, match="first day"):
        Period(kind, start)


def test_fewer_than_three_independent_providers_have_no_cells() -> None:
    assert independent_sector("Wales", 2) is None


@given(st.dates(date(1990, 1, 1), date(2100, 12, 31)))
def test_a_day_is_in_one_month_of_its_financial_year(day: date) -> None:
    assert months_of(financial_year(day)).count(month(day)) == 1
    assert len(set(months_of(financial_year(day)))) == 12


def test_only_a_year_has_months() -> None:
    with pytest.raises(ValueError, match="financial year"):
        months_of(MARCH)


def test_the_turn_of_the_century_has_two_digits() -> None:
    assert financial_year(date(2099, 5, 1)).text == "2099-00"
