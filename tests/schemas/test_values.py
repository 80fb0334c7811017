"""The strict readings: numbers, ids, dates and times, against plain Python and published vectors."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codelist import Nation
from schemas.days import LONDON
from schemas.dictionary import field, fields
from schemas.record import RecordKind
from schemas.values import month_first, verhoeff_fits
from tests.make import nhs_number

CASE = RecordKind.CASE


def read(name: str, *cells: str, kind: RecordKind = CASE, nation: Nation = Nation.ENGLAND) -> list[Any]:
    frame = pl.DataFrame({"cell": list(cells)}, schema={"cell": pl.String})
    return frame.select(field(kind, name).holds.read(pl.col("cell"), nation).alias("read"))["read"].to_list()


VALID_NUMBERS = ("9434765919", "9876543210", "4505577104", "9999999999")
INVALID_NUMBERS = ("9876543214", "9991234560", "0000000000", "94347659199", "943476591", "943 4765 919", "९४३४७६५९१९")


@pytest.mark.parametrize("number", VALID_NUMBERS)
def test_published_nhs_numbers_are_read(number: str) -> None:
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    assert read("nhs_number", number, spaced, spaced.replace(" ", "-")) == [number] * 3


@pytest.mark.parametrize("number", INVALID_NUMBERS)
def test_others_are_not(number: str) -> None:
    assert read("nhs_number", number) == [None]


@given(st.integers(0, 999_999_999))
def test_one_last_digit_at_most_fits(nine: int) -> None:
    body = f"{nine:09d}"
    check = 11 - sum(int(digit) * weight for digit, weight in zip(body, range(10, 1, -1), strict=True)) % 11
    fitting = [] if check == 10 or nine == 0 else [f"{body}{check % 11}"]
    found = read("nhs_number", *(f"{body}{last}" for last in range(10)))
    assert [each for each in found if each] == fitting


@given(st.integers(0, 899_998))
def test_made_numbers_are_valid_and_all_different(place: int) -> None:
    assert read("nhs_number", nhs_number(place)) == [nhs_number(place)]
    assert nhs_number(place) != nhs_number(place + 1)


# Verhoeff: ids of UK practice that fit, and damaged or bogus ones in circulation that do not.
FITTING_IDS = ["59282003", "706870000", "707414004", "233935004", "233936003", "328511000119109", "1001000119102", "194883006", "1163244009", "200284000", "237341004", "713078005", "438773007", "128053003", "132281000119108", "404223003", "651000119108", "234044007", "132301000119107", "132291000119106", "132251000119101", "427776007", "1204141008", "132241000119103", "438785004", "132261000119104", "443210003", "762256003", "128055005", "132601000119102", "128054009", "132321000119103", "297156001", "134961000119104", "438647008", "132611000119104", "135001000119100", "213220000", "49956009", "56272000", "978441000000108", "978421000000101", "710167004", "429098002", "17920008", "95446005", "14534009", "16332841000119106", "372562003", "372563008", "412608008", "708189008", "372877000", "442031002", "698090000", "712778008", "698871007", "387458008", "372756006", "34206005", "722124004"]  # fmt: skip


def test_snomed_ids_in_use_fit() -> None:
    assert read("diagnosis_snomed", *FITTING_IDS) == FITTING_IDS


@pytest.mark.parametrize(
    "bad", ["16332841000119100", "419225002", "703966007", "59282003.0", "5.9E+07", "059282003", "12345"]
)
def test_damaged_snomed_ids_do_not(bad: str) -> None:
    assert read("diagnosis_snomed", bad) == [None]


@given(st.sampled_from(FITTING_IDS), st.integers(0, 14), st.integers(1, 9))
def test_verhoeff_finds_every_wrong_digit(number: str, place: int, shift: int) -> None:
    place %= len(number)
    wrong = str((int(number[place]) + shift) % 10)
    assert not verhoeff_fits(number[:place] + wrong + number[place + 1 :])


@given(st.sampled_from(FITTING_IDS), st.integers(0, 13))
def test_verhoeff_finds_every_swap(number: str, place: int) -> None:
    place %= len(number) - 1
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert verhoeff_fits(swapped) is (swapped == number)


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_a_date_is_read_alike_in_both_forms(day: date) -> None:
    assert read("birth_date", day.isoformat(), day.strftime("%d/%m/%Y")) == [day, day]


def test_every_day_of_two_centuries_is_read() -> None:
    days = [
        date(1900, 1, 1) + timedelta(days=place) for place in range((date(2100, 12, 31) - date(1900, 1, 1)).days + 1)
    ]
    assert read("birth_date", *(day.strftime("%d/%m/%Y") for day in days)) == days


@given(st.integers(1, 12), st.integers(1, 31), st.integers(1900, 2100))
def test_slashes_never_mean_month_first(first: int, second: int, year: int) -> None:
    """Day and month are never swapped: a date that could only be month first is not read, and is known as such."""
    cell = f"{first:02d}/{second:02d}/{year}"
    found = read("birth_date", cell)[0]
    assert found is None or (found.day, found.month) == (first, second)
    only_month_first = pl.DataFrame({"cell": [cell]}).select(month_first(pl.col("cell"))).item()
    assert only_month_first is (second > 12)


@pytest.mark.parametrize(
    "cell",
    [
        "2025-9-1",
        "1/9/2025",
        "01/09/25",
        "01.09.2025",
        "20250901",
        "2025/09/01",
        "1 Sep 2025",
        "45901",
        "0",
        "２０２５-09-01",
    ],
)
def test_no_other_form_of_a_date_is_read(cell: str) -> None:
    assert read("admission_date", cell) == [None]


def test_months_and_years() -> None:
    first = date(2025, 9, 1)
    assert read("month", "2025-09", "2025-09-01", "01/09/2025", kind=RecordKind.ACTIVITY) == [first] * 3
    assert read("month", "2025-09-02", "09/2025", "Sep-25", "2025-13", kind=RecordKind.ACTIVITY) == [None] * 4
    years = read("year", "2025-26", "2025/26", "2099-00", "2025-2026", "2025-27", kind=RecordKind.ORGANISATION_PROFILE)
    assert years == ["2025-26", "2025-26", "2099-00", None, None]


@settings(max_examples=200)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2036, 12, 31)))
def test_a_time_by_the_clock_is_kept_as_the_moment_that_it_was(moment: datetime) -> None:
    at = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    wall = at.astimezone(LONDON)
    cells = (wall.strftime("%Y-%m-%d %H:%M"), wall.strftime("%d/%m/%Y %H:%M"), wall.strftime("%Y-%m-%dT%H:%M:%S"))
    assert read("admitted_at", *cells) == [wall.replace(fold=0).astimezone(UTC)] * 3
    assert read("admitted_at", wall.isoformat(), at.strftime("%Y-%m-%dT%H:%MZ")) == [at, at]


def test_the_hour_that_is_not() -> None:
    assert read("admitted_at", "2025-03-30 00:59", "2025-03-30 01:00", "2025-03-30 01:59", "2025-03-30 02:00") == [
        datetime(2025, 3, 30, 0, 59, tzinfo=UTC),
        None,
        None,
        datetime(2025, 3, 30, 1, 0, tzinfo=UTC),
    ]


def test_the_hour_that_is_twice_is_the_earlier_unless_its_offset_says_otherwise() -> None:
    cells = ("2025-10-26 01:30", "2025-10-26T01:30+01:00", "2025-10-26T01:30+00:00")
    half_past = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert read("admitted_at", *cells) == [half_past, half_past, half_past + timedelta(hours=1)]


def test_elapsed_hours_do_not_follow_the_clocks() -> None:
    before, after = read("admitted_at", "2025-10-25 12:00", "2025-10-26 12:00")
    assert after - before == timedelta(hours=25)


@pytest.mark.parametrize(
    "cell", ["2025-09-01 24:00", "2025-09-01 9:30", "2025-09-01T10", "10:00", "2025-09-01 10:00 am"]
)
def test_no_other_form_of_a_time_is_read(cell: str) -> None:
    assert read("admitted_at", cell) == [None]


def test_counts_are_plain_digits() -> None:
    cells = ("0", "007", "9999999", "1e3", "+1", "1 000", "٣", "1.0", "")
    assert read("medical_overnight", *cells, kind=RecordKind.ACTIVITY) == [0, 7, 9_999_999, *[None] * 6]


def test_several_codes_are_kept_once_and_in_order() -> None:
    cells = ("THP2|THP1", "thp1 | THP1", "Active cancer or cancer treatment|THA7", "none", "THP1;THP2")
    assert read("thrombosis_factors", *cells, kind=RecordKind.RCA) == [
        ["THP1", "THP2"],
        ["THP1"],
        ["THA7", "THP1"],
        ["none"],
        None,
    ]


def test_a_spreadsheets_error_is_never_a_value() -> None:
    for kind in RecordKind:
        for each in fields(kind):
            assert read(each.name, "#N/A", "#REF!", kind=kind) == [None, None]


def test_polars_has_its_numpy_before_the_first_file_comes() -> None:
    """It binds it at the first array, and two threads that do so together fail."""
    said = "import polars, schemas.values, polars.series.series as s; print('ndarray' in vars(s.np))"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout == "True\n"
