"""Control charts of protected figures: which chart, whose limits, what is left out, and what is said."""

from datetime import date
from math import sqrt

import pytest

from registry.disclosure.protected import ProtectedCount, State, blank, cell
from registry.measures import ADMISSIONS, CASES, HAT_RATE, PREVENTABLE_SHARE, RISK_ASSESSMENT, Counts
from registry.statistics.control_charts import Signal, Variation, xmr
from registry.web.control import Control
from registry.web.control_drawing import drawing
from registry.web.public.controlling import chart, widening
from registry.web.series import Line, month_words
from tests.registry.web.released import months_from

STARTS = months_from(date(2023, 4, 1), 40)
STEADY = (20, 25, 15, 20, 25, 20, 15, 25, 20, 20, 15, 25, 20, 20, 25)


def line(start: date, cases: int | None, admissions: int = 10_000, *, provisional: bool = False) -> Line:
    top: ProtectedCount = blank(State.NO_RETURN) if cases is None else cell(cases)
    counts = Counts(
        {CASES: top, ADMISSIONS: cell(admissions) if cases is not None else blank(State.NO_RETURN)}, {}, provisional
    )
    return Line(start, month_words(start), HAT_RATE.figure(counts), counts)


def made(lines: list[Line], **more: object) -> Control:
    return chart(HAT_RATE, "ra1", lines, cells=1, joined=more.get("joined", {}), period="month")  # type: ignore[arg-type] # a dict


def steady(number: int = len(STEADY)) -> list[Line]:
    return [line(start, STEADY[place % len(STEADY)]) for place, start in enumerate(STARTS[:number])]


def test_limits_are_those_of_the_rounded_rates() -> None:
    drawn = made(steady())
    expected = xmr([cases / 10 for cases in STEADY]).points[-1].limits
    assert drawn.kind == "XmR chart"
    assert drawn.marks[3].upper == pytest.approx(expected.upper)
    assert drawn.icon is Variation.COMMON
    assert "mdc7" in drawn.note
    assert (
        f"{sqrt((sum(STEADY) / 15 + 4) / (sum(STEADY) / 15)):.2f} times as wide as those of exact counts" in drawn.note
    )


def test_the_rounding_widens_by_the_published_rule() -> None:
    assert widening(8, 1) == pytest.approx(1.22, abs=0.005)
    assert widening(20, 1) == pytest.approx(1.10, abs=0.005)
    assert widening(0, 1) == 1


def test_fewer_than_thirteen_points_are_a_line_only() -> None:
    drawn = made(steady(12))
    assert (drawn.kind, drawn.enough, drawn.icon) == ("Line", False, None)
    assert "not enough data for control limits: 12 final of 13 periods" in drawn.sentence


def test_provisional_months_are_hollow_and_in_no_limit() -> None:
    """The last month is four times the others, and nobody is alarmed."""
    drawn = made([*steady(), line(STARTS[15], 90, provisional=True)])
    assert drawn.marks[-1].open_still
    assert drawn.marks[-1].upper is None
    assert drawn.marks[-1].signal is Signal.COMMON
    assert drawn.marks[3].upper == made(steady()).marks[3].upper
    assert "In June 2024" in drawn.sentence
    assert "hat-chart__provisional" in str(drawing(drawn))


def test_a_merger_begins_a_new_phase_with_its_own_limits() -> None:
    lines = steady() + [line(start, 2 * STEADY[place % 15]) for place, start in enumerate(STARTS[15:30])]
    drawn = made(lines, joined={date(2024, 7, 2): "Old Trust was merged into it"})
    assert drawn.marks[15].begins == "Old Trust was merged into it"
    assert drawn.marks[14].upper != drawn.marks[15].upper
    assert drawn.phases == (("A", "July 2024: Old Trust was merged into it"),)
    assert not any(mark.special for mark in drawn.marks)
    assert ">A</text>" in str(drawing(drawn))


def test_a_young_phase_has_no_limits_and_says_so() -> None:
    drawn = made(steady(20), joined={date(2024, 7, 1): "merged"})
    assert drawn.marks[0].upper is not None
    assert drawn.marks[-1].upper is None
    assert "too few final periods for limits of its own" in drawn.sentence


def test_counts_too_few_to_show_leave_the_whole_series_without_limits() -> None:
    lines = steady()
    lines[4] = line(STARTS[4], 5)
    drawn = made(lines)
    assert not drawn.enough
    assert drawn.marks[4].value is None
    assert drawn.marks[4].words == "fewer than 10"
    assert "not shown as numbers, so the series has no control limits" in drawn.sentence


def test_varying_admissions_take_limits_of_each_month_widened_for_the_rounding() -> None:
    lines = [
        line(start, 40 if place % 2 else 20, 20_000 if place % 2 else 10_000) for place, start in enumerate(STARTS[:14])
    ]
    drawn = made(lines)
    assert drawn.kind == "u chart"
    centre, size, mean = 420 / 210_000, 10_000, 30
    assert drawn.marks[0].upper == pytest.approx(1000 * (centre + 3 * sqrt(centre / size) * sqrt((mean + 4) / mean)))
    assert (drawn.marks[1].upper or 0) < (drawn.marks[0].upper or 0)


def test_a_month_without_return_is_a_gap_with_its_reason() -> None:
    lines = [*steady(13), line(STARTS[13], None), *[line(start, 20) for start in STARTS[14:20]]]
    drawn = made(lines)
    assert (drawn.marks[13].value, drawn.marks[13].words) == (None, "no complete return")
    assert drawn.enough


def test_thirteen_months_of_nothing_have_no_limits_and_a_reason() -> None:
    drawn = made([line(start, None) for start in STARTS[:13]])
    assert not drawn.enough
    assert drawn.sentence.startswith("There is no final figure yet.")


def test_no_months_at_all_are_no_fault() -> None:
    assert made([]).marks == ()


def test_a_share_of_the_nation_has_its_target() -> None:
    lines = []
    for place, start in enumerate(STARTS[:16]):
        counts = Counts({}, {"risk_assessed": 89_000 + 100 * (place % 3), "risk_assessment_admissions": 100_000})
        lines.append(Line(start, month_words(start), RISK_ASSESSMENT.figure(counts), counts))
    drawn = chart(RISK_ASSESSMENT, "england", lines, cells=1, joined={})
    assert drawn.marks[0].value == pytest.approx(89.0)
    assert "the target is not reached: something has to change" in drawn.sentence
    assert drawn.axis_from == 80
    assert "rounded" not in drawn.note


def test_the_rate_has_no_good_direction_and_the_preventable_share_has() -> None:
    high = made([*steady(), line(STARTS[15], 60), line(STARTS[16], 60)])
    assert high.icon is Variation.NEUTRAL_HIGH
    lines = []
    for place, start in enumerate(STARTS[:17]):
        part = 60 if place > 14 else 20 + 5 * (place % 2)
        keys = PREVENTABLE_SHARE.cells
        counts = Counts(dict(zip(keys, (cell(part), cell(100 - part), cell(0)), strict=True)))
        lines.append(Line(start, month_words(start), PREVENTABLE_SHARE.figure(counts), counts))
    assert chart(PREVENTABLE_SHARE, "y58", lines, cells=1, joined={}).icon is Variation.CONCERN
