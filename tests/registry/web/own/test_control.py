"""Control charts of a trust's own figures: which chart a series can bear, its limits against worked series, and what is said of it."""

import re
from datetime import date, timedelta

import pytest

from registry.cases.periods import months_on
from registry.statistics.control_charts import Signal, Variation
from registry.web.control import Control
from registry.web.control_drawing import drawing, icon
from registry.web.own.control import Monthly, gaps_chart, rate_chart

WORKED = "1.62 1.48 1.55 1.71 1.40 1.66 1.52 1.58 1.45 1.60 1.50 1.57 1.60 1.52 1.44 1.37 1.30 1.22 1.15 1.31 1.28 1.34 1.26 1.30"
GAPS = "5 12 3 30 8 14 2 21 9 40 6 11 17 4 55 13 7 26 10 35"
FIRST = date(2024, 1, 1)
WHAT = "potentially preventable cases"


def months(rates: str, population: int = 100_000) -> list[Monthly]:
    """The worked series as cases among so many admissions a month."""
    found = [round(float(each) * population / 1000) for each in rates.split()]
    return [Monthly(months_on(FIRST, place), True, False, events, population) for place, events in enumerate(found)]


def chart(series: list[Monthly]) -> Control:
    return rate_chart("hat-rate", "HAT per 1,000 admissions", "per 1,000 admissions", series)


def days_of(gaps: str) -> list[date]:
    days = [FIRST]
    for gap in gaps.split():
        days.append(days[-1] + timedelta(days=int(gap)))
    return days


def test_the_worked_series_gives_its_limits_and_signals() -> None:
    """statistics.md 2.1: mean 1.4470833, limits 1.164892 and 1.7292746; 6-12 shift above, 13-18 trend, 19 below the limit, 20-24 shift."""
    made = chart(months(WORKED))
    assert made.kind == "XmR chart"
    assert made.marks[0].centre == pytest.approx(1.4470833, abs=1e-7)
    assert made.marks[0].lower == pytest.approx(1.164892, abs=1e-6)
    assert made.marks[0].upper == pytest.approx(1.7292746, abs=1e-6)
    shown = [mark.signal for mark in made.marks]
    assert set(shown[:5]) == {Signal.COMMON}
    assert set(shown[5:12]) == {Signal.SHIFT}
    assert set(shown[12:18]) == {Signal.TREND}
    assert shown[18] is Signal.ASTRONOMICAL
    assert set(shown[19:]) == {Signal.SHIFT}


def test_the_sentence_says_value_signal_and_what_to_expect() -> None:
    made = chart(months(WORKED))
    assert made.icon is Variation.NEUTRAL_LOW
    assert made.sentence == (
        "In December 2025, the last final month, there were 1.30 cases per 1,000 admissions. This is more than chance: it is one of 7 or "
        "more months in a row below the mean. Look for what changed, in care or in how cases are found. The mean is 1.45; as things are, "
        "expect 1.16 to 1.73 cases per 1,000 admissions in a month."
    )
    quiet = chart(months("1.5 1.6 1.4 1.5 1.6 1.5 1.4 1.6 1.5 1.4 1.6 1.5 1.4"))
    assert quiet.icon is Variation.COMMON
    assert "nothing about this month needs a cause of its own" in quiet.sentence


def test_twelve_months_are_a_line_and_thirteen_a_chart() -> None:
    twelve, thirteen = (chart(months(WORKED)[:number] if number else []) for number in (12, 13))
    assert (twelve.kind, twelve.enough, twelve.icon) == ("Line", False, None)
    assert "not enough data for control limits: 12 final months of 13" in twelve.sentence
    assert thirteen.enough
    assert chart([]).sentence.startswith("No month is final and in the rate yet.")


def test_provisional_months_are_shown_and_in_no_limit() -> None:
    final = months(WORKED)
    open_still = Monthly(months_on(FIRST, 24), True, True, 900, 100_000)
    made = chart([*final, open_still])
    assert made.marks[-1].open_still
    assert made.marks[-1].upper is None
    assert made.marks[0].upper == chart(final).marks[0].upper
    assert "In December 2025, the last final month" in made.sentence


def test_a_month_without_a_return_is_a_gap_that_moves_nothing() -> None:
    """The moving range skips a gap, so a month that is out of the rate must not make the limits wider."""
    series = months("1.5 1.6 1.5 1.6 1.5 1.6 1.5 1.6 1.5 1.6 1.5 1.6 1.5 1.6")
    series[6] = Monthly(series[6].month, False, False, 900, 100_000)
    made = chart(series)
    assert made.marks[6].value is None
    assert made.marks[6].words == "not in the rate: no complete return"
    series[6] = Monthly(series[6].month, True, False, 0, 0)
    assert chart(series).marks[6].words == "nobody was admitted"
    # 13 values with mean 1.5538, every moving range 0.1 (and none over the gap): 1.5538 + 0.266
    assert made.marks[0].upper == pytest.approx((6 * 1.5 + 7 * 1.6) / 13 + 0.266, abs=1e-9)


def test_few_cases_a_month_get_no_limits() -> None:
    made = chart(months(WORKED, population=1000))
    assert (made.kind, made.enough) == ("Line", False)
    assert "fewer than 3 cases a month on average" in made.sentence


def test_where_admissions_vary_each_month_has_its_own_limits() -> None:
    """u chart: 300 cases of 200,000 admissions; limits 1.5 -/+ 3 sqrt(1.5 / n) per 1,000, n in thousands."""
    sizes = [10_000, 30_000] * 5 + [10_000, 30_000, 10_000, 30_000]
    events = [15, 45] * 7
    series = [
        Monthly(months_on(FIRST, place), True, False, number, size)
        for place, (number, size) in enumerate(zip(events, sizes, strict=True))
    ]
    made = chart(series)
    assert made.kind == "u chart"
    assert made.marks[0].centre == pytest.approx(1.5)
    assert made.marks[0].upper == pytest.approx(1.5 + 3 * (1.5 / 10) ** 0.5)
    assert made.marks[1].upper == pytest.approx(1.5 + 3 * (1.5 / 30) ** 0.5)
    series[-1] = Monthly(series[-1].month, True, False, 100, 30_000)
    assert chart(series).marks[-1].signal is Signal.ASTRONOMICAL


def test_the_worked_gaps_give_their_t_chart() -> None:
    """statistics.md 2.3: centre 12.8274632, lower 0.0000083755, upper 150.2503689."""
    days = days_of(GAPS)
    made = gaps_chart("gaps", "Days between", WHAT, days, days[-1] + timedelta(days=60))
    assert made.kind == "t chart"
    assert made.marks[0].centre == pytest.approx(12.8274632, abs=1e-6)
    assert made.marks[0].upper == pytest.approx(150.2503689, abs=1e-6)
    assert made.marks[-1].open_still
    assert made.marks[-1].value == 60
    assert made.icon is Variation.COMMON
    assert made.sentence.startswith(
        "21 potentially preventable cases in this time; the last was diagnosed 60 days ago."
    )


def test_a_long_time_without_one_is_said_to_be_an_improvement() -> None:
    days = days_of(GAPS)
    made = gaps_chart("gaps", "Days between", WHAT, days, days[-1] + timedelta(days=151))
    assert "longer than chance would give: an improvement, if all cases were reviewed" in made.sentence


def test_two_on_one_day_make_a_g_chart() -> None:
    """statistics.md 2.3: of the same gaps the g chart's upper limit is 67.0778 (mean 16.4); with a nought among 21 it is lower."""
    days = days_of(f"{GAPS} 0")
    made = gaps_chart("gaps", "Days between", WHAT, days, days[-1])
    mean = 328 / 21
    assert made.kind == "g chart"
    assert made.marks[0].upper == pytest.approx(mean + 3 * (mean * (mean + 1)) ** 0.5)


def test_few_gaps_are_not_enough() -> None:
    days = days_of("30 40 50")
    made = gaps_chart("gaps", "Days between", WHAT, days, days[-1] + timedelta(days=1))
    assert (made.enough, made.icon) == (False, None)
    assert made.sentence.endswith("not enough data for a control chart: 4 of 14 potentially preventable cases.")
    assert "1 day ago" in made.sentence
    assert gaps_chart("gaps", "Days between", WHAT, [], FIRST).sentence.startswith(
        "There are no potentially preventable"
    )


@pytest.mark.parametrize("narrow", [False, True])
def test_the_picture_says_the_same_without_colour_script_or_style(narrow: bool) -> None:
    series = [*months(WORKED), Monthly(months_on(FIRST, 24), True, True, 150, 100_000)]
    drawn = str(drawing(chart(series), narrow=narrow))
    assert drawn.count('class="hat-chart__special"') == 19 + 1  # and its sign in the legend
    assert drawn.count("<circle") == 5 + 1 + 1  # common cause, provisional, its sign in the legend
    assert not re.search(r"<script|\sstyle=|\son\w+=|javascript:", drawn)
    assert "<desc" in drawn
    assert "December 2025: 1.30, part of a shift" in drawn


def test_every_icon_has_a_letter_or_a_line() -> None:
    for each in Variation:
        assert re.search(r">[BWHL]</text>|<polyline", str(icon(each)))
