"""The worked ranks of statistics.md 5.2, and the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.estimate import Reason
from registry.statistics.timing import cumulative_incidence, median_ranks, times


def test_worked_ranks() -> None:
    ranks = median_ranks(28)
    assert ranks is not None
    assert ranks[:2] == (9, 20)
    assert ranks[2] == pytest.approx(0.9643, abs=5e-5)


def test_quartiles_are_of_type_seven() -> None:
    found = times([1, 2, 3, 4])
    assert (found.lower_quartile, found.median.value, found.upper_quartile) == (1.75, 2.5, 3.25)


def test_few_times_have_no_limits() -> None:
    assert times([3, 8, 9]).median.reason is Reason.DEPENDENT
    assert times([3] * 6).median.upper == 3
    assert times([]).median.value is None
    with pytest.raises(ValueError, match="negative"):
        times([4, -1])


@given(st.lists(st.integers(0, 90), min_size=1, max_size=80))
def test_limits_are_times_that_were_seen(days: list[int]) -> None:
    found = times(days)
    if found.median.lower is not None and found.median.upper is not None:
        assert {found.median.lower, found.median.upper} <= set(days)
        assert found.coverage is not None
        assert found.coverage >= 0.95
        assert found.median.lower <= (found.median.value or 0) <= found.median.upper


def test_cumulative_incidence_counts_the_dead_among_the_people() -> None:
    found = cumulative_incidence(100, [2, 0, 3], [1, 4])
    assert found.share == pytest.approx((0.02, 0.02, 0.05))
    assert cumulative_incidence(0, [0], [0]).share == ()
    with pytest.raises(ValueError, match="more happened"):
        cumulative_incidence(3, [2], [2])
