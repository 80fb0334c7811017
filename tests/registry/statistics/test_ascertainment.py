"""The worked numbers of statistics.md 5.3, and the edges."""

import pytest

from registry.statistics.ascertainment import two_sources
from registry.statistics.estimate import Reason


def test_the_textbook() -> None:
    found = two_sources(10, 15, 5).cases
    assert found.value == pytest.approx(28.333, abs=5e-4)
    assert (found.lower, found.upper) == pytest.approx((21.94, 64.67), abs=5e-3)


def test_a_registry_beside_coding() -> None:
    found = two_sources(425, 390, 352)
    assert found.cases.value == pytest.approx(470.86, abs=5e-3)
    assert (found.cases.lower, found.cases.upper) == pytest.approx((466.10, 480.38), abs=5e-3)
    assert found.first == pytest.approx(0.903, abs=5e-4)


def test_limits_never_go_below_the_number_seen() -> None:
    found = two_sources(20, 20, 20).cases
    assert found.value == pytest.approx(20)
    assert found.lower is not None
    assert found.lower >= 20 - 0.5
    many = two_sources(50, 8, 7).cases
    assert many.lower is not None
    assert many.lower > 51 - 0.5


def test_no_overlap_tells_nothing() -> None:
    assert two_sources(10, 12, 0).cases.reason is Reason.NO_OVERLAP
    assert two_sources(0, 0, 0).first is None


def test_more_in_both_than_in_one_is_refused() -> None:
    with pytest.raises(ValueError, match="than in one"):
        two_sources(4, 9, 5)
