"""Evaluations of series: which months are where, what rounding does, and why there is no regression."""

from datetime import date

import pytest

from registry.statistics.estimate import Reason
from registry.statistics.evaluation import (
    HIDDEN,
    NO_MONTH,
    NO_SPREAD,
    NOTHING_BEFORE,
    UNFITTED,
    Observed,
    Plan,
    evaluate,
    interval,
    months_on,
)
from registry.statistics.interrupted import interrupted

START = date(2024, 1, 1)


def months(events: list[int], population: float = 8000, **more: int) -> list[Observed]:
    return [Observed(months_on(START, at), count, population, **more) for at, count in enumerate(events)]  # type: ignore[arg-type] # words of a test


def test_months_fall_before_in_the_phase_in_and_after() -> None:
    found = evaluate(months([18, 22] * 6 + [15] * 3 + [9, 11] * 6), Plan(months_on(START, 12), phase_in=3))
    assert (found.before.events, len(found.before.months)) == (240, 12)
    assert (found.after.events, len(found.after.months)) == (120, 12)
    assert found.contrasts[0].estimate.value == pytest.approx(0.5)
    assert found.segments.level is not None
    assert found.segments.expected[13] is None


def test_the_regression_is_that_of_the_series() -> None:
    events = [20, 22, 19, 25, 18, 21] * 2 + [14, 12, 16, 13, 15, 11] * 2
    found, alone = evaluate(months(events), Plan(months_on(START, 12))), interrupted(events, [8000.0] * 24, 12)
    assert found.segments == alone
    assert alone.level is not None
    assert interval(alone.level, alone.level.quasi_error).lower == pytest.approx(alone.level.ratio.lower)


def test_what_is_left_out_is_in_nothing_and_told() -> None:
    series = months([20, 18, 22, 20, *([18, 22] * 4), 20, 10, 9, 11, 10, *([9, 11] * 3), 10, 9, 11])
    series[3] = Observed(series[3].month, 999, 8000, "provisional")
    del series[20]
    found = evaluate(series, Plan(months_on(START, 13)))
    assert (found.before.events, found.after.events) == (240, 119)
    assert found.series[20].left_out == NO_MONTH
    assert found.segments.level is not None
    assert found.segments.expected[3] is None


def test_rounding_widens_the_interval_and_is_told() -> None:
    exact = evaluate(months([55, 65] * 6 + [35, 45] * 6), Plan(months_on(START, 12)))
    rounded = evaluate(months([55, 65] * 6 + [35, 45] * 6, cells=8, least=30), Plan(months_on(START, 12)))
    wald, widened = exact.contrasts[1].estimate, rounded.contrasts[0].estimate
    assert widened.value == wald.value
    assert None not in (widened.lower, wald.lower)
    assert (widened.lower or 1) < (wald.lower or 0)
    assert rounded.rounding is not None
    assert rounded.rounding.most == (384, 384)  # 12 months of 8 regions, each off by at most 4
    assert rounded.rounding.deviation[0] == pytest.approx(2 * 96**0.5)
    assert rounded.rounding.least_ratio == pytest.approx((480 - 384) / (720 + 384))
    assert exact.rounding is None


def test_small_rounded_counts_are_in_sums_only() -> None:
    hidden = evaluate(months([5] * 24, cells=1, least=1), Plan(months_on(START, 12)))
    assert hidden.refusal == HIDDEN
    assert hidden.contrasts[0].estimate.value == 1
    none = evaluate(months([0] * 24, cells=1, least=0), Plan(months_on(START, 12)))
    assert none.contrasts[0].estimate.reason is Reason.FEW_EVENTS


def test_why_there_is_no_regression() -> None:
    plan = Plan(months_on(START, 12))
    assert "at least 12" in evaluate(months([20] * 20), plan).refusal
    assert "nothing happened" in evaluate(months([0] * 12 + [4] * 12), plan).refusal
    assert evaluate(months([20] * 24), Plan(START)).refusal == NOTHING_BEFORE
    assert evaluate([], plan).refusal == NOTHING_BEFORE
    assert evaluate([], plan).contrasts[0].estimate.reason is Reason.ZERO_DENOMINATOR


def test_months_that_do_not_vary_tell_no_uncertainty() -> None:
    found = evaluate(months([9] * 26), Plan(months_on(START, 13)))
    assert found.refusal == NO_SPREAD
    assert found.segments.level is None


def test_what_cannot_be_fitted_is_said() -> None:
    wild = [Observed(months_on(START, at), 10**9 * (at % 2), 1e9 if at % 3 else 1e-9) for at in range(26)]
    found = evaluate(wild, Plan(months_on(START, 13)))
    assert found.refusal == UNFITTED


def test_what_is_no_plan_or_series_is_refused() -> None:
    with pytest.raises(ValueError, match="change"):
        Plan(date(2024, 1, 2))
    with pytest.raises(ValueError, match="change"):
        Plan(START, phase_in=25)
    with pytest.raises(ValueError, match="once"):
        evaluate(months([1]) * 2, Plan(START))
