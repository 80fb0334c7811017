"""The worked series of statistics.md 2, and what the rules do at their edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.control_charts import (
    Assurance,
    Chart,
    Direction,
    Limits,
    RuleSet,
    Signal,
    Variation,
    assurance,
    g_chart,
    p_chart,
    signals,
    t_chart,
    u_chart,
    variation,
    xmr,
    xmr_limits,
)

MONTHS = [
    1.62, 1.48, 1.55, 1.71, 1.40, 1.66, 1.52, 1.58, 1.45, 1.60, 1.50, 1.57,
    1.60, 1.52, 1.44, 1.37, 1.30, 1.22, 1.15, 1.31, 1.28, 1.34, 1.26, 1.30,
]  # fmt: skip
GAPS = [5, 12, 3, 30, 8, 14, 2, 21, 9, 40, 6, 11, 17, 4, 55, 13, 7, 26, 10, 35]


def shown(chart: Chart) -> dict[int, Signal]:
    """The points that show something, numbered from 1 as the source does."""
    return {at: each.signal for at, each in enumerate(chart.points, 1) if each.signal is not Signal.COMMON}


def test_the_worked_series() -> None:
    chart = xmr(MONTHS)
    limits = chart.points[0].limits
    assert (limits.centre, limits.lower, limits.upper) == pytest.approx((1.4470833, 1.164892, 1.7292746), abs=5e-7)
    assert shown(chart) == (
        dict.fromkeys(range(6, 13), Signal.SHIFT)
        | dict.fromkeys(range(13, 19), Signal.TREND)
        | {19: Signal.ASTRONOMICAL}
        | dict.fromkeys(range(20, 25), Signal.SHIFT)
    )
    assert [point.high for point in chart.points[5:12]] == [True] * 7
    assert [point.high for point in chart.points[12:24]] == [False] * 12


def test_the_worked_series_rebased() -> None:
    second = xmr_limits(MONTHS[12:])
    assert second is not None
    assert (second.centre, second.lower, second.upper) == pytest.approx((1.3408333, 1.1425424, 1.5391242), abs=5e-7)
    assert [signal for signal, _ in signals(MONTHS[12:], second)] == [
        Signal.ASTRONOMICAL,
        *[Signal.TREND] * 6,
        *[Signal.SHIFT] * 5,
    ]
    # A chart shows limits from 13 points: twelve in each phase have a line only.
    chart = xmr(MONTHS, rebase=[12])
    assert chart.points[12].limits.centre == pytest.approx(second.centre)
    assert (chart.points[12].limits.upper, shown(chart)) == (None, {})


def test_screening_drops_large_moving_ranges_once() -> None:
    values = [1, 2, 1, 2, 10, *[1, 2] * 6, 1]
    plain, screened = xmr_limits(values), xmr_limits(values, screen=True)
    assert plain is not None
    assert screened is not None
    assert (plain.centre, plain.lower, plain.upper) == pytest.approx((1.9444, -3.0626, 6.9515), abs=5e-5)
    assert (screened.lower, screened.upper) == pytest.approx((-0.7156, 4.6044), abs=5e-5)


def test_six_and_seven() -> None:
    values = [*[2.0, 0] * 4, *[1.5, 1.4] * 3, *[0.0, 2] * 4]
    seven, six = shown(xmr(values)), shown(xmr(values, rules=RuleSet.MDC6))
    assert seven == {}
    assert six == dict.fromkeys(range(9, 15), Signal.SHIFT)


def test_a_point_on_the_mean_breaks_a_shift() -> None:
    values = [*[0.0, 2] * 4, 0, *[1.1] * 3, 1, *[1.1] * 3, 0, *[0.4, 2] * 3, 0.2]
    limits = Limits(1.0, -3.0, 5.0)
    assert Signal.SHIFT not in [signal for signal, _ in signals(values, limits)]
    values[12] = 1.1
    assert [at for at, (signal, _) in enumerate(signals(values, limits)) if signal is Signal.SHIFT] == list(
        range(9, 16)
    )


def test_a_constant_series_shows_nothing() -> None:
    chart = xmr([0.3] * 20, screen=True)
    limits = chart.points[0].limits
    assert (limits.lower, limits.upper) == pytest.approx((0.3, 0.3))
    assert shown(chart) == {}


def test_few_points_have_a_line_only() -> None:
    chart = xmr([1.0, 2.0, 9.0])
    assert chart.points[0].limits.centre == pytest.approx(4)
    assert chart.points[0].limits.upper is None
    assert shown(chart) == {}
    assert variation(chart, Direction.NEUTRAL) is None
    assert assurance(chart, 3, Direction.HIGHER_IS_BETTER) is None
    assert xmr([]).points == ()
    assert xmr([None, None]).points[0].value is None


def test_a_gap_is_no_step_and_breaks_runs() -> None:
    values: list[float | None] = [*([1.0, 1.2] * 6), None, *([1.5] * 6)]
    with_gap = xmr_limits(values)
    assert with_gap is not None
    assert with_gap.upper is not None
    joined = xmr_limits([value for value in values if value is not None])
    assert joined is not None
    assert joined.upper is not None
    assert (with_gap.sigma or 0) < (joined.sigma or 0)
    halves: list[float | None] = [*[0.0, 2.0] * 5, *[1.1] * 3, None, *[1.1] * 4, *[0.0, 2.0] * 5]
    limits = Limits(1.0, -3.0, 5.0)
    assert [signal for signal, _ in signals(halves, limits)] == [Signal.COMMON] * len(halves)
    assert Signal.SHIFT in [signal for signal, _ in signals([each for each in halves if each is not None], limits)]


def test_a_fixed_baseline_draws_the_limits() -> None:
    chart = xmr([1.0, 1.2] * 7 + [5.0], fixed=14)
    assert chart.points[-1].signal is Signal.ASTRONOMICAL
    assert chart.points[-1].limits.centre == pytest.approx(1.1)


def test_a_rebase_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        xmr([1.0], rebase=[1])
    with pytest.raises(ValueError, match="outside"):
        xmr([1.0], rebase=[-1])


def test_icons() -> None:
    chart = xmr(MONTHS)
    assert variation(chart, Direction.LOWER_IS_BETTER) is Variation.IMPROVEMENT
    assert variation(chart, Direction.HIGHER_IS_BETTER) is Variation.CONCERN
    assert variation(chart, Direction.NEUTRAL) is Variation.NEUTRAL_LOW
    assert variation(xmr([1.0, 1.2] * 8), Direction.NEUTRAL) is Variation.COMMON
    assert assurance(chart, 2.0, Direction.LOWER_IS_BETTER) is Assurance.PASS
    assert assurance(chart, 1.0, Direction.LOWER_IS_BETTER) is Assurance.FAIL
    assert assurance(chart, 1.5, Direction.LOWER_IS_BETTER) is Assurance.HIT_AND_MISS
    assert assurance(chart, 1.5, Direction.NEUTRAL) is None


def test_of_two_that_contradict_each_other_both_are_kept_and_the_better_is_shown() -> None:
    """The last seven rise, and lie below the mean: where lower is better one is a concern, the other an improvement."""
    values = [*[9.0, 11.0] * 10, *[3.0, 3.2, 3.4, 3.6, 3.8, 4.0, 4.2]]
    chart = xmr(values)
    last = chart.points[-1]
    assert (Signal.TREND, True) in last.every
    assert (Signal.SHIFT, False) in last.every
    assert variation(chart, Direction.LOWER_IS_BETTER) is Variation.IMPROVEMENT
    assert variation(chart, Direction.HIGHER_IS_BETTER) is Variation.IMPROVEMENT


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=60), st.sampled_from(RuleSet))
def test_any_series_gives_a_point_each(values: list[float | None], rules: RuleSet) -> None:
    chart = xmr(values, rules=rules)
    assert [point.value for point in chart.points] == values
    for point in chart.points:
        assert point.value is not None or point.signal is Signal.COMMON


@given(st.lists(st.floats(-1e3, 1e3), min_size=13, max_size=40))
def test_turned_upside_down_it_shows_the_same(values: list[float]) -> None:
    up, down = xmr(values), xmr([-value for value in values])
    assert [point.signal for point in up.points] == [point.signal for point in down.points]
    assert [point.high for point in up.points] == [None if p.high is None else not p.high for p in down.points]


def test_u_limits_are_not_narrowed_by_chance() -> None:
    events, people = [10, 11, 10, 11, 10, 11], [8000] * 6
    plain = u_chart(events, people)
    assert plain.sigma_z is not None
    assert plain.sigma_z < 1
    assert not plain.corrected
    narrow = u_chart(events, people, laney=True)
    assert narrow.corrected
    assert (narrow.upper[0] or 0) < (plain.upper[0] or 0)


def test_u_limits_are_widened_where_points_jump() -> None:
    jumping = u_chart([2, 40, 3, 38, 1, 44], [8000] * 6)
    assert jumping.corrected
    assert (jumping.upper[0] or 0) > (u_chart([2, 40, 3, 38, 1, 44], [8000] * 6, laney=False).upper[0] or 0)


def test_u_by_hand() -> None:
    found = u_chart([4, 6], [1000, 2000], laney=False)
    assert found.centre == pytest.approx(10 / 3000)
    assert found.upper[1] == pytest.approx(10 / 3000 + 3 * (10 / 3000 / 2000) ** 0.5)
    assert found.lower[0] == 0


def test_p_stays_between_nought_and_one() -> None:
    found = p_chart([1, 2, 2], [2, 2, 2], laney=False)
    assert all(0 <= (low or 0) <= (high or 0) <= 1 for low, high in zip(found.lower, found.upper, strict=True))
    with pytest.raises(ValueError, match="exceed"):
        p_chart([3], [2])


def test_a_month_of_nobody_is_blank() -> None:
    found = u_chart([1, 0, 2], [100, 0, 100])
    assert found.values[1] is None
    assert found.upper[1] is None
    assert u_chart([0], [0]).centre is None


def test_worked_rare_event_charts() -> None:
    t, g = t_chart(GAPS), g_chart(GAPS)
    assert t is not None
    assert g is not None
    assert (t.centre, t.upper) == pytest.approx((12.8274632, 150.2503689), rel=1e-8)
    assert t.lower == pytest.approx(0.0000083755, rel=1e-4)
    assert (g.centre, g.lower, g.upper) == pytest.approx((11.5, 0, 67.0778057931), rel=1e-10)


def test_rare_event_charts_at_their_edges() -> None:
    assert t_chart([]) is None
    assert g_chart([]) is None
    alone = t_chart([4.0])
    assert alone is not None
    assert alone.centre == pytest.approx(4)
    assert alone.upper is None
    with pytest.raises(ValueError, match="longer than 0"):
        t_chart([3, 0])
