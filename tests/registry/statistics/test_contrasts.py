"""The worked and the published counts of statistics.md 4.1 and 4.2, and the edges."""

import pytest

from registry.statistics.contrasts import (
    odds_ratio,
    rate_ratio,
    risk_ratio,
    share_difference,
    share_tests,
    wald_rate_ratio,
)
from registry.statistics.estimate import Estimate, Reason

PLYMOUTH = (217, 103_845, 176, 119_128)
INADEQUATE = (50, 217, 7, 176)


def limits(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.lower, estimate.upper


def test_plymouth_recomputed() -> None:
    exact = rate_ratio(*PLYMOUTH)
    assert limits(exact.estimate) == pytest.approx((0.707008563, 0.576207854, 0.866527223), abs=5e-10)
    assert exact.p == pytest.approx(0.000686230, abs=5e-10)
    assert limits(wald_rate_ratio(*PLYMOUTH).estimate)[1:] == pytest.approx((0.579533604, 0.862523079), abs=5e-10)
    assert limits(risk_ratio(*PLYMOUTH).estimate)[1:] == pytest.approx((0.579634569, 0.862372839), abs=5e-10)


def test_plymouth_inadequate_prophylaxis_recomputed() -> None:
    assert limits(risk_ratio(*INADEQUATE).estimate) == pytest.approx((0.172613636, 0.080278126, 0.371153000), abs=5e-10)
    odds = odds_ratio(*INADEQUATE)
    assert limits(odds.estimate) == pytest.approx((0.138343195, 0.060970048, 0.313905604), abs=5e-10)
    assert odds.p == pytest.approx(3.412214e-8, rel=1e-6)
    difference = share_difference(*INADEQUATE).estimate
    assert limits(difference) == pytest.approx((-0.190642019, -0.254409980, -0.125767766), abs=5e-10)


def test_kings_abstract_by_equal_denominators() -> None:
    found = wald_rate_ratio(236, 100_000, 192, 100_000).estimate
    assert limits(found) == pytest.approx((0.814, 0.672, 0.984), abs=5e-4)


def test_kings_share_over_investigated_cases() -> None:
    tests = share_tests(57, 152, 37, 165)
    assert [round(tests[name], 4) for name in tests] == [0.0045, 0.0049, 0.0033]


def test_kings_share_over_all_cases() -> None:
    assert share_tests(87, 232, 43, 192)["chi-square"] == pytest.approx(0.0008, abs=2e-4)


def test_no_event_after() -> None:
    found = rate_ratio(6, 4100, 0, 4000)
    assert (found.estimate.value, found.estimate.lower) == (0, 0)
    assert found.estimate.upper is not None
    assert 0 < found.estimate.upper < 1.5
    assert found.p is not None
    assert 0 < found.p < 0.05
    assert wald_rate_ratio(6, 4100, 0, 4000).estimate.reason is Reason.NO_INTERVAL
    assert odds_ratio(6, 4100, 0, 4000).estimate.reason is Reason.NO_INTERVAL


def test_no_event_before() -> None:
    found = rate_ratio(0, 4000, 6, 4100).estimate
    assert (found.value, found.upper, found.reason) == (None, None, Reason.ZERO_DENOMINATOR)
    assert found.lower is not None
    assert found.lower > 0
    assert wald_rate_ratio(0, 4000, 6, 4100).estimate.value is None


def test_nothing_to_compare() -> None:
    assert rate_ratio(0, 100, 0, 100).estimate.reason is Reason.BLANK
    assert rate_ratio(3, 0, 1, 100).estimate.reason is Reason.ZERO_DENOMINATOR
    assert share_difference(0, 0, 1, 3).estimate.reason is Reason.ZERO_DENOMINATOR
    assert share_tests(0, 10, 0, 20) == {}
    assert odds_ratio(0, 0, 1, 3).estimate.reason is Reason.ZERO_DENOMINATOR


def test_turned_round_the_ratio_is_the_inverse() -> None:
    one, other = rate_ratio(*PLYMOUTH), rate_ratio(176, 119_128, 217, 103_845)
    assert limits(one.estimate) == pytest.approx(
        (1 / (other.estimate.value or 1), 1 / (other.estimate.upper or 1), 1 / (other.estimate.lower or 1))
    )
    assert one.p == pytest.approx(other.p)


def test_parts_must_fit_their_whole() -> None:
    for call in (risk_ratio, odds_ratio, share_difference, share_tests):
        with pytest.raises(ValueError, match="exceed"):
            call(3, 2, 1, 4)
    with pytest.raises(TypeError, match="whole number"):
        rate_ratio(3.0, 10, 1, 10)  # type: ignore[arg-type] # what a caller without types would do
