"""Completeness by delay against the worked figures of statistics.md 5.2, and the rule for provisional months."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.completeness import completeness_by_delay, completeness_of, delay_triangle, is_provisional

# The source prints the six results only. They are those of reverse hazards 157/360, 47/337, 18/268, 5/181 and 1/92; this triangle
# has them: e.g. its first line alone observes delay 5, with 92 reports of which 1 at delay 5.
TRIANGLE = (
    (40, 30, 12, 6, 3, 1),
    (38, 33, 11, 6, 2),
    (38, 32, 16, 6),
    (40, 39, 8),
    (47, 23),
    (30,),
)
WORKED = (0.435366, 0.772078, 0.897207, 0.961806, 0.989130, 1)


def test_the_worked_triangle() -> None:
    assert completeness_by_delay(TRIANGLE) == pytest.approx(WORKED, abs=5e-7)


def test_without_truncation_it_is_the_plain_share() -> None:
    assert completeness_by_delay(((60, 30, 10), (30, 15, 5))) == pytest.approx((0.6, 0.9, 1))


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=8), min_size=1, max_size=8))
def test_it_never_falls_with_delay_and_stays_within_nought_and_one(triangle: list[list[int]]) -> None:
    known = [value for value in completeness_by_delay(triangle) if value is not None]
    assert known == sorted(known)
    assert all(0 <= value <= 1 for value in known)


def test_nothing_reported_tells_nothing() -> None:
    assert completeness_by_delay(()) == ()
    assert completeness_by_delay(((0, 0),)) == (None, 1.0)


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        completeness_by_delay(((1, -1),))


def test_a_triangle_holds_only_what_can_be_observed() -> None:
    january, march = date(2026, 1, 1), date(2026, 3, 1)
    reports = {(january, 0): 5, (january, 2): 3, (march, 0): 7, (march, 1): 1}
    assert delay_triangle(reports, [january, march], date(2026, 4, 20)) == ((5, 0, 3), (7,))
    assert delay_triangle(reports, [march], date(2026, 3, 31)) == ((),)


@pytest.mark.parametrize(
    ("on", "wanted"),
    [(date(2026, 1, 31), 0.0), (date(2026, 2, 1), 0.5), (date(2026, 3, 31), 0.8), (date(2030, 1, 1), 1.0)],
)
def test_the_completeness_of_a_month(on: date, wanted: float) -> None:
    assert completeness_of(date(2026, 1, 1), on, (0.5, 0.8, 1.0)) == wanted


def test_no_curve_no_completeness() -> None:
    assert completeness_of(date(2026, 1, 1), date(2026, 5, 1), ()) is None


@pytest.mark.parametrize(
    ("on", "completeness", "provisional"),
    [
        (date(2026, 4, 29), 1.0, True),  # 119 days after 31 December
        (date(2026, 4, 30), 1.0, False),
        (date(2026, 5, 1), 0.95, False),
        (date(2026, 5, 1), 0.949, True),
        (date(2026, 5, 1), None, True),
    ],
)
def test_provisional_until_120_days_and_95_percent(on: date, completeness: float | None, provisional: bool) -> None:
    assert is_provisional(date(2025, 12, 1), on, completeness) is provisional
