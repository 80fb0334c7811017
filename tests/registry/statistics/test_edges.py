"""What every statistic promises at its edges: nothing, a reason or a refusal, never a number that is none."""

import warnings
from dataclasses import fields, is_dataclass
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pytest

from registry.statistics.agreement import agreement, cohen_kappa, quadratic_weights
from registry.statistics.ascertainment import two_sources
from registry.statistics.bands import quantile_band
from registry.statistics.claims import check_ratio
from registry.statistics.completeness import completeness_by_delay
from registry.statistics.contrasts import odds_ratio, rate_ratio, share_tests
from registry.statistics.control_charts import g_chart, p_chart, t_chart, u_chart, xmr, xmr_limits
from registry.statistics.estimate import Reason
from registry.statistics.funnels import Scale, binomial_limit, overdispersed_limits, overdispersion, ratio_limit
from registry.statistics.interrupted import interrupted
from registry.statistics.public_funnels import PublicFunnel
from registry.statistics.rates import proportion, rate
from registry.statistics.standardisation import direct_rate, expected_count, standardised_ratio
from registry.statistics.timing import median_ranks, times

HUGE = 2**53


def array(numbers: object) -> Any:
    """An array of numpy, which is no `Sequence` to the type checker, though it is one to all who count."""
    return np.array(numbers)


def no_number(found: object) -> bool:
    """Whether a float that is not finite is anywhere in a result."""
    if isinstance(found, float):
        return not isfinite(found)
    if is_dataclass(found):
        return any(no_number(getattr(found, each.name)) for each in fields(found))
    if isinstance(found, dict):
        return any(map(no_number, found.values()))
    return any(map(no_number, found)) if isinstance(found, list | tuple) else False


def test_arrays_are_taken_as_numbers_are() -> None:
    counts, people = array([10, 11, 4]), array([1000, 900, 800])
    assert rate(counts[0], people[0]) == rate(10, 1000)
    assert proportion(counts[0], people[0]) == proportion(10, 1000)
    assert expected_count(people, counts, people) == pytest.approx(25)
    assert direct_rate(counts, people, people) == direct_rate([10, 11, 4], [1000, 900, 800], [1000, 900, 800])
    assert agreement(array([[88, 5], [6, 1]])) == agreement([[88, 5], [6, 1]])
    assert cohen_kappa([[8, 5], [6, 1]], array(quadratic_weights(2))) == cohen_kappa(
        [[8, 5], [6, 1]], quadratic_weights(2)
    )
    assert two_sources(*array([10, 15, 5])) == two_sources(10, 15, 5)
    assert rate_ratio(*array([217, 103_845, 176, 119_128])) == rate_ratio(217, 103_845, 176, 119_128)
    assert odds_ratio(*array([50, 217, 7, 176])) == odds_ratio(50, 217, 7, 176)
    assert u_chart(counts, people) == u_chart([10, 11, 4], [1000, 900, 800])
    assert g_chart(counts) == g_chart([10, 11, 4])
    assert times(counts) == times([10, 11, 4])
    assert completeness_by_delay(array([[5, 3], [4, 1]])) == completeness_by_delay([[5, 3], [4, 1]])
    assert quantile_band(counts, 0.5, array([0, 0, 0])) == quantile_band([10, 11, 4], 0.5)
    assert overdispersion(counts, people / 100, Scale.LOG_TRUNCATED) == overdispersion(
        [10, 11, 4], [10.0, 9.0, 8.0], Scale.LOG_TRUNCATED
    )
    with pytest.raises(TypeError, match="whole number"):
        rate(np.float64(3), people[0])  # type: ignore[arg-type] # the refusal of a wrong type is what is tested
    with pytest.raises(TypeError, match="whole number"):
        rate(np.bool_(True), people[0])  # type: ignore[arg-type] # as above


def test_a_value_that_is_no_number_is_a_gap() -> None:
    holed = [*[1.0, 1.2] * 7, nan, 1.1]
    assert xmr(array(holed)) == xmr([None if each != each else each for each in holed])
    assert xmr_limits([nan, nan]) is None
    nothing = xmr([nan] * 20).points[0]
    assert (nothing.value, nothing.limits.centre, nothing.limits.reason) == (None, None, Reason.BLANK)
    assert xmr([1.0, 2.0]).points[0].limits.reason is Reason.FEW_POINTS
    assert u_chart([0], [0]).reason is Reason.ZERO_DENOMINATOR
    assert u_chart([1], [10]).reason is None


@pytest.mark.parametrize("value", [0.0, 5.0, 1e-300])
def test_a_series_without_change_has_limits_and_no_signal(value: float) -> None:
    assert not no_number(xmr([value] * 20))
    assert not no_number(xmr([value] * 20, screen=True))


def test_nothing_and_everything() -> None:
    """No event, one, all, and as many as numbers go: each a finite result or none."""
    for found in (
        [rate(*each) for each in ((0, 1), (1, 1), (HUGE, 1), (HUGE, HUGE), (1, HUGE))],
        [proportion(*each) for each in ((0, 1), (1, 1), (HUGE, HUGE), (0, HUGE))],
        [rate_ratio(*each) for each in ((1, 1, 0, 1), (0, 1, 1, 1), (1, HUGE, 1, 1), (10**9, 10**9, 10**9, 10**9))],
        [share_tests(*each) for each in ((1, 1, 1, 1), (0, 3, 0, 4), (0, 0, 1, 2), (10**9, 2 * 10**9, 5, 10**9))],
        [p_chart([2, 2], [2, 2], laney=True), u_chart([0, 0], [3, 0], laney=True), u_chart([], [])],
        [two_sources(HUGE, HUGE, 1), two_sources(1, 1, 1)],
        [ratio_limit(each, 0.999) for each in (1e-300, 1e-9, 0.5, 1e6, 1e9)],
        [binomial_limit(each, 10, tail) for each in (0, 1e-300, 1) for tail in (0.001, 0.999)],
        [overdispersion([3], [4.0], scale) for scale in Scale],
        [overdispersion([0, 0], [4.0, 5.0], scale) for scale in (Scale.ROOT_WINSORISED, Scale.SHARE_WINSORISED)],
        [standardised_ratio(0, 1e-8), standardised_ratio(3, 1e-320)],
        [t_chart([4.0]), g_chart([0, 0]), times([7] * 1000)],
        [check_ratio(0.5, p=each) for each in (1e-300, 0.99999, 1 - 1e-15)],
    ):
        assert not no_number(found)


def test_too_large_for_a_count_is_refused_without_naming_it() -> None:
    with pytest.raises(ValueError, match="larger than any count") as refusal:
        rate(HUGE + 1, 10)
    assert str(HUGE + 1) not in str(refusal.value)


def test_numbers_that_are_none_are_refused() -> None:
    for call in (
        lambda: standardised_ratio(3, inf),
        lambda: standardised_ratio(3, nan),
        lambda: direct_rate([10, 10], [100, 100], [nan, 1]),
        lambda: direct_rate([10, 10], [100, 100], [inf, 1]),
        lambda: xmr([1.0, inf]),
        lambda: xmr([1.0] * 20, fixed=0),
        lambda: t_chart([3, nan]),
        lambda: t_chart([3, inf]),
        lambda: binomial_limit(nan, 10, 0.5),
        lambda: binomial_limit(1.1, 10, 0.5),
        lambda: ratio_limit(inf, 0.5),
        lambda: overdispersion([3, 9], [4.0, inf], Scale.LOG_TRUNCATED),
        lambda: overdispersion([3, 9], [4.0], Scale.LOG_TRUNCATED),
        lambda: overdispersion([5, 9], [4.0, 10.0], Scale.SHARE_WINSORISED),
        lambda: overdispersed_limits(1e-9, 0.02, 3.09, Scale.LOG_TRUNCATED),
        lambda: interrupted([5, 6] * 15, [inf] * 30, 15),
        lambda: interrupted([5, 6] * 15, [-1.0] * 30, 15),
        lambda: median_ranks(10, 1.5),
        lambda: check_ratio(inf, p=0.5),
        lambda: u_chart([1, 2], [3]),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()


def test_trusts_that_are_alike_share_their_rank() -> None:
    """Thirty trusts: places three and four of each end are alike, so both are kept, as R's mean ranks have it, in whatever order."""
    expected = [100.0] * 30
    observed = [60, 62, 70, 70, *range(87, 109), 130, 130, 138, 140]
    found = overdispersion(observed, expected, Scale.LOG_TRUNCATED)
    turned = overdispersion(observed[::-1], expected, Scale.LOG_TRUNCATED)
    assert found is not None
    assert turned is not None
    assert found.trusts == 26
    assert (turned.phi, turned.tau2) == pytest.approx((found.phi, found.tau2))


def test_a_series_on_a_line_has_no_regression_and_says_why() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = interrupted([5] * 30, [100.0] * 30, 15)
    assert (found.level, found.reason) == (None, Reason.NO_SPREAD)
    assert not no_number(found)


def test_a_funnel_draws_nothing_where_less_than_one_is_expected() -> None:
    funnel = PublicFunnel(
        0.001, 12, Scale.LOG_TRUNCATED, overdispersion([60, 90, 140], [80.0, 90.0, 120.0], Scale.LOG_TRUNCATED)
    )
    assert funnel.band(999) is None
    assert funnel.band(5) is None
    assert funnel.band(1000) is not None
