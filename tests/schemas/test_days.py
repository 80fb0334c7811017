"""The quick reading of days and moments gives what the strict one gives, cell for cell."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import days
from schemas.values import read_days, read_moments


def column(cells: list[str | None]) -> pl.Series:
    return pl.Series("cell", cells, pl.String)


def nothing_left(left: pl.Series) -> pl.Series:
    raise AssertionError(f"{len(left)} cells were left to the strict reading")


def alike_days(cells: list[str | None]) -> None:
    assert days.days(column(cells), read_days).equals(read_days(column(cells)), check_dtypes=True)


def alike_moments(cells: list[str | None]) -> None:
    assert days.moments(column(cells), read_moments).equals(read_moments(column(cells)), check_dtypes=True)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y"])
def test_every_day_is_read_quickly_and_as_it_is(form: str) -> None:
    every = [date(1900, 1, 1) + timedelta(days=day) for day in range((date(2101, 1, 1) - date(1900, 1, 1)).days)]
    read = days.days(column([day.strftime(form) for day in every]), nothing_left)
    assert read.to_list() == every
    assert read.name == "cell"


def test_no_day_beyond_the_years_and_none_that_does_not_exist() -> None:
    numbers = [f"{day:02d}" for day in (0, 1, 9, 12, 13, 28, 29, 30, 31, 32, 99)]
    years = ("0000", "1899", "1900", "1904", "2000", "2024", "2025", "2100", "2101", "9999")
    for form in ("{2}-{1}-{0}", "{0}/{1}/{2}"):
        alike_days([form.format(day, month, year) for year in years for month in numbers for day in numbers])


def test_every_hour_about_every_change_of_the_clocks() -> None:
    changes = pl.datetime_range(datetime(1900, 1, 1), datetime(2101, 1, 1), "30m", eager=True)
    odd = changes.filter(changes.dt.replace_time_zone(days.LONDON.key, ambiguous="null", non_existent="null").is_null())
    about = sorted({moment + timedelta(hours=hours) for moment in odd for hours in range(-30, 31)})
    assert len(about) > 10_000
    alike_moments([moment.strftime("%Y-%m-%d %H:%M") for moment in about])
    alike_moments([moment.strftime("%d/%m/%Y %H:%M") for moment in about])


def test_moments_of_ordinary_hours_are_read_quickly() -> None:
    read = days.moments(column(["2025-07-01 10:15", "2025-01-01T23:59", "01/07/2025 00:00"]), nothing_left)
    assert [moment.isoformat() for moment in read] == [
        "2025-07-01T09:15:00+00:00",
        "2025-01-01T23:59:00+00:00",
        "2025-06-30T23:00:00+00:00",
    ]


digits = st.sampled_from("0123456789")
spoilt = st.sampled_from("0123456789-/:T Z+\n.é\x00")
iso = st.dates(date(1899, 12, 1), date(2101, 2, 1)).map(lambda day: day.isoformat())
uk = st.dates(date(1899, 12, 1), date(2101, 2, 1)).map(lambda day: day.strftime("%d/%m/%Y"))
clock = st.tuples(st.integers(0, 24), st.integers(0, 60)).map(lambda at: f"{at[0]:02d}:{at[1]:02d}")


@st.composite
def mostly(draw: st.DrawFn, good: st.SearchStrategy[str]) -> list[str | None]:
    """A column of good cells among which some are empty, cut, lengthened, or have a character changed."""
    cells: list[str | None] = list(draw(st.lists(good, max_size=12)))
    for place in draw(st.lists(st.integers(0, max(len(cells) - 1, 0)), max_size=3)) if cells else []:
        cell = cells[place] or ""
        at = draw(st.integers(0, len(cell)))
        changed = draw(
            st.sampled_from((None, cell[:at], cell + draw(spoilt), cell[:at] + draw(spoilt) + cell[at + 1 :]))
        )
        cells[place] = changed or None
    return cells


@given(mostly(st.one_of(iso, uk, st.text(digits, min_size=10, max_size=10))))
def test_days_are_the_same_in_any_column(cells: list[str | None]) -> None:
    alike_days(cells)


@given(
    mostly(st.tuples(st.one_of(iso, uk), st.sampled_from(" T"), clock, st.sampled_from(("", ":30", "Z"))).map("".join))
)
def test_moments_are_the_same_in_any_column(cells: list[str | None]) -> None:
    alike_moments(cells)


@given(mostly(iso), mostly(uk))
def test_columns_of_one_form_are_the_same(first: list[str | None], second: list[str | None]) -> None:
    for cells in (first, second, [None, *first], [*second, *first]):
        alike_days(cells)
