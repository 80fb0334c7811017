"""The worked tables of statistics.md 1.1 and 1.2, and the edges."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.estimate import Reason
from registry.statistics.rates import count_limits, proportion, rate, share_with_bounds, z_value


def close(got: float | None, wanted: float) -> bool:
    return got is not None and math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("events", "population", "value", "lower", "upper", "lower998", "upper998"),
    [
        (0, 100, 0, 0, 36.888794541, 0, 69.077552790),
        (1, 3000, 1 / 3, 0.0084392693, 1.8572144636, 0.000333500, 3.0778044922),
        (9, 41233, 9000 / 41233, 0.0998077534, 0.4143478149, 0.0594772247, 0.5494961150),
        (10, 8123, 10000 / 8123, 0.5893696804, 2.2641214583, 0.3590198664, 2.9784223720),
        (425, 205000, 425000 / 205000, 1.8807259051, 2.2799635013, 1.7762078952, 2.4031730026),
    ],
)
def test_worked_rates(
    events: int, population: int, value: float, lower: float, upper: float, lower998: float, upper998: float
) -> None:
    usual, wide = rate(events, population), rate(events, population, confidence=0.998)
    assert close(usual.value, value)
    assert close(usual.lower, lower)
    assert close(usual.upper, upper)
    assert close(wide.lower, lower998)
    assert close(wide.upper, upper998)


@pytest.mark.parametrize(("events", "population", "printed"), [(217, 103_845, "2.090"), (176, 119_128, "1.477")])
def test_plymouth(events: int, population: int, printed: str) -> None:
    estimate = rate(events, population)
    assert estimate.value is not None
    assert f"{estimate.value:.3f}" == printed


def test_plymouth_limits_from_the_formula_written_out() -> None:
    z = 1.959963984540054
    lower = 217 * (1 - 1 / (9 * 217) - z / (3 * 217**0.5)) ** 3
    upper = 218 * (1 - 1 / (9 * 218) + z / (3 * 218**0.5)) ** 3
    got = rate(217, 103_845)
    assert close(got.lower, lower * 1000 / 103_845)
    assert close(got.upper, upper * 1000 / 103_845)
    assert (round(got.lower or 0, 3), round(got.upper or 0, 3)) == (1.821, 2.387)


@pytest.mark.parametrize(
    ("part", "whole", "confidence", "lower", "upper"),
    [
        (0, 10, 0.95, 0, 0.2775327999),
        (10, 10, 0.95, 0.7224672001, 1),
        (65, 100, 0.95, 0.5525444330, 0.7363575176),
        (65, 100, 0.998, 0.4954946574, 0.7783540614),
        (2, 3, 0.95, 0.2076596008, 0.9385080553),
    ],
)
def test_worked_proportions(part: int, whole: int, confidence: float, lower: float, upper: float) -> None:
    estimate = proportion(part, whole, confidence=confidence)
    assert close(estimate.value, part / whole)
    assert close(estimate.lower, lower)
    assert close(estimate.upper, upper)


def test_zero_denominator_has_no_value_and_says_why() -> None:
    for estimate in (rate(0, 0), rate(3, 0), proportion(0, 0)):
        assert (estimate.value, estimate.lower, estimate.upper) == (None, None, None)
        assert estimate.reason is Reason.ZERO_DENOMINATOR


def test_more_events_than_population_is_a_rate_but_not_a_proportion() -> None:
    assert close(rate(12, 6).value, 2000)
    with pytest.raises(ValueError, match="must not exceed"):
        proportion(12, 6)


@pytest.mark.parametrize(("events", "population"), [(-217, 10), (1, -217)])
def test_negative_counts_are_refused_without_naming_them(events: int, population: int) -> None:
    for statistic in (rate, proportion):
        with pytest.raises(ValueError, match="negative") as refusal:
            statistic(events, population)
        assert "217" not in str(refusal.value)


@pytest.mark.parametrize("wrong", [2.0, 2.5, "2", None, True])
def test_non_integers_are_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="whole number"):
        rate(wrong, 10)  # type: ignore[arg-type]  # the refusal of a wrong type is what is tested
    with pytest.raises(TypeError, match="whole number"):
        share_with_bounds(1, wrong, 1)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 1.5])
def test_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        z_value(confidence)


@given(st.integers(0, 10**6), st.integers(1, 10**9))
def test_limits_enclose_the_value_and_are_finite(events: int, population: int) -> None:
    estimate = rate(events, population)
    assert estimate.value is not None
    assert estimate.lower is not None
    assert estimate.upper is not None
    assert 0 <= estimate.lower <= estimate.value < estimate.upper < math.inf


@given(st.data(), st.integers(1, 10**6))
def test_wilson_stays_within_nought_and_one(data: st.DataObject, whole: int) -> None:
    part = data.draw(st.integers(0, whole))
    estimate = proportion(part, whole)
    assert estimate.value is not None
    assert estimate.lower is not None
    assert estimate.upper is not None
    assert 0 <= estimate.lower <= estimate.value <= estimate.upper <= 1


def test_limits_grow_across_the_change_of_method() -> None:
    lowers, uppers = zip(*(count_limits(x) for x in range(30)), strict=True)
    assert list(lowers) == sorted(lowers)
    assert list(uppers) == sorted(uppers)


def test_kings_2010_below_the_floor_has_only_bounds() -> None:
    share = share_with_bounds(57, 152 - 57, 236 - 152)
    assert share.share.value is None
    assert share.share.reason is Reason.NOT_INVESTIGATED
    assert (round(share.least or 0, 3), round(share.most or 0, 3)) == (0.242, 0.597)
    assert close(share.investigated, 152 / 236)


def test_kings_2011_above_the_floor_has_share_and_bounds() -> None:
    share = share_with_bounds(37, 165 - 37, 192 - 165)
    assert close(share.share.value, 37 / 165)
    assert (round(share.least or 0, 3), round(share.most or 0, 3)) == (0.193, 0.333)


def test_the_two_years_of_kings_overlap() -> None:
    before, after = share_with_bounds(57, 95, 84), share_with_bounds(37, 128, 27)
    assert before.least is not None
    assert after.most is not None
    assert before.least < after.most


def test_share_at_exactly_the_floor_is_shown_and_everything_investigated_closes_the_bounds() -> None:
    assert share_with_bounds(10, 70, 20).share.value == 0.125
    closed = share_with_bounds(3, 9, 0)
    assert closed.least == closed.most == closed.share.value == 0.25


def test_share_of_nothing() -> None:
    nothing = share_with_bounds(0, 0, 0)
    assert (nothing.share.reason, nothing.least, nothing.most, nothing.investigated) == (
        Reason.ZERO_DENOMINATOR,
        None,
        None,
        None,
    )
    only_waiting = share_with_bounds(0, 0, 7, floor=0)
    assert (only_waiting.share.value, only_waiting.least, only_waiting.most) == (None, 0, 1)
