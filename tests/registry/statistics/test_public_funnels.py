"""The public funnel: rounding widens it by the rule, variety between trusts is added, and it says nothing where nothing can be said."""

from math import sqrt

import numpy as np
import pytest
from scipy.stats import poisson

from registry.disclosure.protected import ProtectedCount, State, blank, cell
from registry.disclosure.rounding import rounded
from registry.statistics.funnels import Scale, ratio_limit
from registry.statistics.public_funnels import effective, public_funnel


def counted(*numbers: int) -> list[ProtectedCount]:
    return [cell(number) for number in numbers]


def test_without_variety_between_trusts_the_limits_are_exact_and_widened_by_the_rule() -> None:
    """50 cases expected: wider by sqrt(54/50)."""
    funnel = public_funnel(counted(50, 50), counted(50_000, 50_000))
    assert funnel is not None
    assert funnel.spread is None
    band = funnel.band(50_000)
    assert band is not None
    assert funnel.centre == pytest.approx(0.001)
    assert band.high == pytest.approx(0.001 * (1 + (ratio_limit(50, 0.975) - 1) * sqrt(54 / 50)))
    assert band.lowest == pytest.approx(0.001 * (1 - (1 - ratio_limit(50, 0.001)) * sqrt(54 / 50)))
    assert band.lowest < band.low < funnel.centre < band.high < band.highest


def test_variety_between_trusts_widens_the_limits_further() -> None:
    calm = public_funnel(counted(*[100] * 12), counted(*[100_000] * 12))
    varied = public_funnel(counted(*[50, 75, 100, 125, 150, 200] * 2), counted(*[100_000] * 12))
    assert calm is not None
    assert varied is not None
    assert calm.spread is None
    assert varied.spread is not None
    near, far = calm.band(100_000), varied.band(100_000)
    assert near is not None
    assert far is not None
    assert (far.high / varied.centre) > (near.high / calm.centre)


def test_a_rounded_nought_is_compared_on_the_square_root_scale() -> None:
    funnel = public_funnel(counted(0, *[20, 40] * 6), counted(*[20_000] * 13))
    assert funnel is not None
    assert funnel.scale is Scale.ROOT_WINSORISED
    assert funnel.band(20_000) is not None


@pytest.mark.parametrize(
    ("events", "population"),
    [([], []), ([blank(State.NO_RETURN)], [blank(State.NO_RETURN)]), (counted(0, 0), counted(100, 100)), (counted(20), counted(0))],
)  # fmt: skip
def test_where_nothing_can_be_said_there_is_no_funnel(
    events: list[ProtectedCount], population: list[ProtectedCount]
) -> None:
    assert public_funnel(events, population) is None


def test_nothing_is_expected_of_nobody() -> None:
    funnel = public_funnel(counted(20, 20), counted(10_000, 10_000))
    assert funnel is not None
    assert funnel.band(0) is None


def test_the_rounding_counts_as_four_for_each_cell() -> None:
    assert effective(100, 1) == pytest.approx(100**2 / 104)
    assert effective(100, 3) == pytest.approx(100**2 / 112)


def test_by_chance_about_one_trust_in_twenty_lies_outside_though_counts_are_rounded() -> None:
    """2,000 trusts with the same true rate and 12 to 120 cases expected, rounded with random offsets: 5 % outside 95 %, within 2 points."""
    chance = np.random.default_rng(7)
    sizes = [int(size) // 5 * 5 for size in chance.uniform(12_000, 120_000, 2_000)]
    events = [cell(rounded(int(chance.poisson(0.001 * size)), int(chance.integers(5)))) for size in sizes]
    funnel = public_funnel(events, [cell(size) for size in sizes])
    assert funnel is not None
    outside = 0
    for event, size in zip(events, sizes, strict=True):
        band = funnel.band(size)
        assert band is not None
        outside += not band.low <= (event.rounded or 0) / size <= band.high
    assert 0.03 < outside / len(sizes) < 0.07


@pytest.mark.parametrize("expected", [0.01, 0.3, 1, 4.9, 10.15, 50, 333.3, 2_000])
@pytest.mark.parametrize("tail", [0.001, 0.025, 0.5, 0.975, 0.999])
def test_the_limit_of_a_ratio_is_that_of_the_distribution(expected: float, tail: float) -> None:
    found = poisson(expected)
    count = float(found.ppf(tail))
    alpha = (found.cdf(count) - tail) / (found.cdf(count) - found.cdf(count - 1))
    assert ratio_limit(expected, tail) == pytest.approx(max(0.0, (count - alpha) / expected), abs=1e-12)
