"""The worked limits of statistics.md 3.1 and 3.2, and the edges."""

from math import sqrt

import pytest

from registry.statistics.funnels import (
    Z_ALARM,
    Z_ALERT,
    Scale,
    binomial_limit,
    funnel_z,
    overdispersed_limits,
    overdispersion,
    ratio_limit,
)

TAILS = (0.001, 0.025, 0.975, 0.999)


@pytest.mark.parametrize(
    ("whole", "limits"),
    [(10, (0, 0, 0.4610455401, 0.6408579917)), (100, (0.0953952321, 0.1362218333, 0.2988071887, 0.3498710305))],
)
def test_worked_shares(whole: int, limits: tuple[float, ...]) -> None:
    assert [binomial_limit(0.22, whole, tail) for tail in TAILS] == pytest.approx(limits, abs=5e-11)


@pytest.mark.parametrize(
    ("expected", "limits"),
    [
        (5, (0, 0.1084131591, 1.8753117175, 2.5542707563)),
        (25, (0.4199413003, 0.6070062613, 1.3910686876, 1.6538609390)),
    ],
)
def test_worked_ratios(expected: float, limits: tuple[float, ...]) -> None:
    assert [ratio_limit(expected, tail) for tail in TAILS] == pytest.approx(limits, abs=5e-11)


def test_the_traps_of_confidence_limits_are_avoided() -> None:
    """Ten expected: 18 lies outside and 4 inside, as P(X >= 18) = 0.0163 and P(X <= 4) = 0.0265 say."""
    assert ratio_limit(10.15, 0.975) < 18 / 10.15
    assert ratio_limit(10.15, 0.025) < 4 / 10.15


def test_worked_overdispersion() -> None:
    observed, expected = [100, 150, 180, 80, 120, 225], [108.0, 112, 165, 95, 100, 220]
    found = overdispersion(observed, expected, Scale.LOG_TRUNCATED)
    assert found is not None
    assert (found.phi, found.tau2) == pytest.approx((2.948033175, 0.01947753058), rel=1e-9)
    assert overdispersed_limits(108, found.tau2, Z_ALERT, Scale.LOG_TRUNCATED) == pytest.approx(
        (0.7173067493, 1.394103709), rel=1e-7
    )


def test_calm_trusts_have_no_variance_between_them() -> None:
    expected = [float(each) for each in range(50, 70)]
    observed = [round(each) for each in expected]
    for scale in (Scale.LOG_TRUNCATED, Scale.ROOT_WINSORISED):
        found = overdispersion(observed, expected, scale)
        assert found is not None
        assert found.phi < 1
        assert found.tau2 == 0


def test_no_variance_gives_the_plain_limits() -> None:
    low, high = overdispersed_limits(25, 0, Z_ALARM, Scale.ROOT_WINSORISED)
    assert (sqrt(low), sqrt(high)) == pytest.approx((1 - Z_ALARM / 10, 1 + Z_ALARM / 10))
    assert overdispersed_limits(1, 0, Z_ALARM, Scale.ROOT_WINSORISED)[0] == 0


def test_shares_of_trusts() -> None:
    found = overdispersion([10, 40, 30, 55], [100, 100, 100, 100], Scale.SHARE_WINSORISED)
    assert found is not None
    assert found.phi > 8
    assert found.tau2 > 0


def test_nought_observed_needs_the_square_root() -> None:
    with pytest.raises(ValueError, match="square-root"):
        overdispersion([0, 3], [2.0, 3.0], Scale.LOG_TRUNCATED)
    assert overdispersion([0, 3], [2.0, 3.0], Scale.ROOT_WINSORISED) is not None
    assert funnel_z(0, 2.0) is None
    assert funnel_z(4, 4.0) == 0


def test_edges_are_refused() -> None:
    assert overdispersion([], [], Scale.LOG_TRUNCATED) is None
    for call in (
        lambda: ratio_limit(0, 0.5),
        lambda: binomial_limit(0.2, 0, 0.5),
        lambda: ratio_limit(3, 1),
        lambda: overdispersion([1], [0.0], Scale.ROOT_WINSORISED),
        lambda: overdispersed_limits(0, 0, 2, Scale.LOG_TRUNCATED),
        lambda: overdispersed_limits(1, 0, 2, Scale.SHARE_WINSORISED),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()
