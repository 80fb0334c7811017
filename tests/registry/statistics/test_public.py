"""Public rates and shares, made of rounded counts only."""

import math
import random
from collections.abc import Sequence

import pytest

from registry.disclosure.protected import ProtectedCount, State, blank, cell, protect, total
from registry.statistics.estimate import Estimate, Reason
from registry.statistics.public import public_rate, public_share, public_share_with_bounds, widened
from registry.statistics.rates import byar_limits, z_value

ADMISSIONS = cell(103_845)


def test_the_published_rule_for_one_cell() -> None:
    """z sqrt((v+4)/v), written out for v = 215."""
    z = 1.959963984540054 * math.sqrt(219 / 215)
    assert math.isclose(widened(z_value(0.95), 215, 1), z)
    got, (lower, upper) = public_rate(cell(215), ADMISSIONS), byar_limits(215, z)
    assert got.value == pytest.approx(1000 * 215 / 103_845)
    assert got.lower == pytest.approx(1000 * lower / 103_845)
    assert got.upper == pytest.approx(1000 * upper / 103_845)


@pytest.mark.parametrize(
    ("events", "population", "reason"),
    [
        (cell(5), ADMISSIONS, Reason.FEW_EVENTS),
        (cell(0), ADMISSIONS, Reason.FEW_EVENTS),
        (cell(50), cell(5), Reason.FEW_EVENTS),
        (blank(State.NOT_LIVE), ADMISSIONS, Reason.BLANK),
        (cell(50), blank(State.NO_RETURN), Reason.BLANK),
    ],
)
def test_no_rate_of_what_is_not_shown(events: ProtectedCount, population: ProtectedCount, reason: Reason) -> None:
    assert public_rate(events, population) == Estimate(None, None, None, reason)


def test_no_limits_below_twenty() -> None:
    below = public_rate(cell(15), ADMISSIONS)
    assert (below.lower, below.upper, below.reason) == (None, None, Reason.NO_INTERVAL)
    assert below.value == pytest.approx(15_000 / 103_845)
    assert public_rate(cell(20), ADMISSIONS).lower is not None


def test_a_sum_of_cells_has_wider_limits_than_one_cell() -> None:
    one, many = public_rate(cell(200), ADMISSIONS), public_rate(total([cell(25)] * 8), ADMISSIONS)
    assert one.value == many.value
    assert width(many) > width(one)


def width(estimate: Estimate) -> float:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.upper - estimate.lower


def test_a_share_is_over_the_sum_of_its_categories() -> None:
    got = public_share([cell(15), cell(60), cell(25)], 0)
    assert got.value == 0.15
    assert got.lower is not None
    assert got.upper is not None
    assert 0 < got.lower < 0.09
    assert 0.22 < got.upper < 0.30


@pytest.mark.parametrize(
    ("categories", "reason"),
    [
        ([cell(10), cell(5)], Reason.SMALL_DENOMINATOR),
        ([cell(5), cell(50)], Reason.FEW_EVENTS),
        ([cell(50), blank(State.SUPPRESSED)], Reason.BLANK),
    ],
)
def test_no_share_of_what_is_too_small_or_blank(categories: Sequence[ProtectedCount], reason: Reason) -> None:
    assert public_share(categories, 0) == Estimate(None, None, None, reason)


def test_everything_in_one_category_has_limits_within_nought_and_one() -> None:
    got = public_share([cell(40), cell(0)], 0)
    assert (got.value, got.upper) == (1, 1)
    assert got.lower is not None
    assert 0.7 < got.lower < 1


def test_public_share_with_bounds_above_and_below_the_floor() -> None:
    above = public_share_with_bounds(cell(35), cell(130), cell(25))
    assert above.share.value == pytest.approx(35 / 165)
    assert (above.least, above.most) == (35 / 190, 60 / 190)
    below = public_share_with_bounds(cell(55), cell(95), cell(85))
    assert (below.share.value, below.share.reason) == (None, Reason.NOT_INVESTIGATED)
    assert below.most == 140 / 235


@pytest.mark.parametrize(
    ("yes", "no", "waiting", "reason"),
    [
        (cell(10), cell(5), cell(0), Reason.SMALL_DENOMINATOR),
        (cell(5), cell(50), cell(5), Reason.FEW_EVENTS),
        (cell(20), blank(State.NOT_LIVE), cell(5), Reason.BLANK),
    ],
)
def test_no_bounds_of_what_is_too_small_or_blank(
    yes: ProtectedCount, no: ProtectedCount, waiting: ProtectedCount, reason: Reason
) -> None:
    got = public_share_with_bounds(yes, no, waiting)
    assert (got.share.reason, got.least, got.most) == (reason, None, None)


@pytest.mark.parametrize("mean", [25, 60, 200])
def test_limits_cover_the_true_mean_at_least_as_often_as_promised(mean: int) -> None:
    """4,000 draws, fixed seed: coverage of 95-99 % for means of 20-300 (statistics.md 6.3 item 5)."""
    draw = random.Random(mean)
    covered = shown = 0
    for _ in range(4000):
        got = public_rate(protect(poisson(draw, mean), draw.randrange(5)), cell(100_000))
        if got.lower is not None and got.upper is not None:
            shown += 1
            covered += got.lower <= mean / 100 <= got.upper
    assert covered / shown > 0.94


def poisson(draw: random.Random, mean: int) -> int:
    """A Poisson number as the events of a unit-rate process before `mean`."""
    clock, events = draw.expovariate(1), 0
    while clock < mean:
        clock, events = clock + draw.expovariate(1), events + 1
    return events
