"""Control charts over time: XmR with the Making Data Count rules, u and p charts with Laney's correction, t and g charts for rare events.

Sources: statistics.md 2.1 to 2.3. Limits hold within one phase; a phase begins at the first point or where somebody recorded a
rebase. A missing point is a gap: it has no moving range, and runs begin anew after it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import inf, isnan, sqrt
from statistics import median

from registry.statistics.estimate import Reason, require_count

SPREAD = 2.66
SCREEN = 3.267
D2 = 1.128
POINTS_FROM = 13
T_POWER = 3.6
_NOISE = 1e-9
_LARGEST = 1e100


class RuleSet(StrEnum):
    """The named sets of rules; the number is the length of a shift and of a trend."""

    MDC7 = "mdc7"
    MDC6 = "mdc6"

    @property
    def run(self) -> int:
        return int(self.value[-1])


class Signal(StrEnum):
    """What a point shows, in order of precedence; the text is what a chart's key says."""

    ASTRONOMICAL = "outside a limit"
    TREND = "part of a trend"
    TWO_OF_THREE = "two of three near a limit"
    SHIFT = "part of a shift"
    COMMON = "common cause"


class Direction(StrEnum):
    """Whether high values are good, bad, or neither."""

    HIGHER_IS_BETTER = "higher is better"
    LOWER_IS_BETTER = "lower is better"
    NEUTRAL = "neutral"


class Variation(StrEnum):
    """The variation icon: what the last point says."""

    IMPROVEMENT = "improvement"
    CONCERN = "concern"
    NEUTRAL_HIGH = "neutral high"
    NEUTRAL_LOW = "neutral low"
    COMMON = "common cause"


class Assurance(StrEnum):
    """The assurance icon: what the limits say about a target."""

    PASS = "consistently meets the target"  # noqa: S105 -- words of an icon, not a secret
    FAIL = "consistently misses the target"
    HIT_AND_MISS = "hit and miss"


@dataclass(frozen=True, slots=True)
class Limits:
    """The centre and the control limits of a phase, unclipped; `None` where there are too few points to tell, with the reason."""

    centre: float | None
    lower: float | None
    upper: float | None

    @property
    def reason(self) -> Reason | None:
        """Why there are no limits."""
        return Reason.BLANK if self.centre is None else Reason.FEW_POINTS if self.upper is None else None

    @property
    def sigma(self) -> float | None:
        return None if self.upper is None or self.centre is None else (self.upper - self.centre) / 3


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its value (`None`: a gap), the limits of its phase, and what it shows. `high`: on which side, or rising.

    `every` holds all that it shows, by precedence, each with its side: of two that contradict each other none is lost.
    """

    value: float | None
    limits: Limits
    signal: Signal = Signal.COMMON
    high: bool | None = None
    every: tuple[tuple[Signal, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """The points in order of time, and the set of rules by which they were read."""

    points: tuple[Point, ...]
    rules: RuleSet


def xmr(
    values: Sequence[float | None],
    *,
    rebase: Iterable[int] = (),
    rules: RuleSet = RuleSet.MDC7,
    screen: bool = False,
    fixed: int | None = None,
) -> Chart:
    """An XmR chart: mean and mean -/+ 2.66 times the mean moving range of each phase, and the signals of the rule set.

    `rebase` are places (from 0) where somebody decided that a phase begins. `screen` drops moving ranges from 3.267 times their mean
    once. `fixed` draws limits from so many first points of a phase. Fewer than 13 points in a phase: a line only, no limits, no
    signals. A value that is not a number (`nan`) is a gap too. Raises `ValueError` for a rebase outside the series, a baseline without
    points and a value beyond all measure.
    """
    values = _known(values)
    if fixed is not None and fixed < 1:
        raise ValueError("a fixed baseline has one point or more")
    starts = sorted({0, *rebase})
    if starts[0] < 0 or (starts[-1] and starts[-1] >= len(values)):
        raise ValueError("a rebase lies outside the series")
    points: list[Point] = []
    for begin, end in zip(starts, [*starts[1:], len(values)], strict=True):
        points += _phase(values[begin:end], rules, screen, fixed)
    return Chart(tuple(points), rules)


def xmr_limits(values: Sequence[float | None], *, screen: bool = False, spread: float = SPREAD) -> Limits | None:
    """The limits of one phase, whatever its length: `None` without a point, centre only with no two points side by side.

    `spread` is how many mean moving ranges the limits stand from the mean.
    """
    values = _known(values)
    known = [value for value in values if value is not None]
    if not known:
        return None
    centre = sum(known) / len(known)
    ranges = [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]
    if screen and ranges and any(ranges):
        ceiling = SCREEN * sum(ranges) / len(ranges)
        ranges = [each for each in ranges if each < ceiling]
    if not ranges:
        return Limits(centre, None, None)
    width = spread * sum(ranges) / len(ranges)
    return Limits(centre, centre - width, centre + width)


def _known(values: Sequence[float | None]) -> list[float | None]:
    """The values, each that is not a number as a gap. Raises `ValueError` for one beyond all measure."""
    series = [None if value is None or isnan(value) else float(value) for value in values]
    if any(value is not None and abs(value) > _LARGEST for value in series):
        raise ValueError("a value lies beyond all measure")
    return series


def _phase(values: Sequence[float | None], rules: RuleSet, screen: bool, fixed: int | None) -> list[Point]:
    limits = xmr_limits(values[:fixed] if fixed else values, screen=screen)
    if limits is None:
        return [Point(None, Limits(None, None, None)) for _ in values]
    if sum(value is not None for value in values) < POINTS_FROM:
        return [Point(value, Limits(limits.centre, None, None)) for value in values]
    shown = _every(values, limits, rules)
    return [Point(value, limits, *_first(each), each) for value, each in zip(values, shown, strict=True)]


def signals(
    values: Sequence[float | None], limits: Limits, rules: RuleSet = RuleSet.MDC7
) -> list[tuple[Signal, bool | None]]:
    """What each point of one phase shows, by precedence, and on which side or in which direction; common cause without limits."""
    return [_first(each) for each in _every(values, limits, rules)]


def _first(shown: Sequence[tuple[Signal, bool]]) -> tuple[Signal, bool | None]:
    return shown[0] if shown else (Signal.COMMON, None)


def _every(values: Sequence[float | None], limits: Limits, rules: RuleSet) -> list[tuple[tuple[Signal, bool], ...]]:
    """All that each point shows, in order of precedence."""
    found: list[tuple[tuple[Signal, bool], ...]] = [()] * len(values)
    if limits.centre is None or limits.lower is None or limits.upper is None:
        return found
    values, centre = _known(values), limits.centre
    scale = max(abs(centre), limits.upper - limits.lower, _NOISE)
    sides = [None if value is None else _side(value - centre, scale) for value in values]
    out = [None if value is None else _outside(value, limits, scale) for value in values]
    for signal, high in (
        (Signal.ASTRONOMICAL, out),
        (Signal.TREND, _trends(values, scale, rules.run)),
        (Signal.TWO_OF_THREE, _two_of_three(values, sides, out, limits, scale)),
        (Signal.SHIFT, _runs(sides, rules.run)),
    ):
        found = [old if up is None else (*old, (signal, up)) for old, up in zip(found, high, strict=True)]
    return found


def _side(distance: float, scale: float) -> bool | None:
    """Above, below, or neither: floating noise must not put a point on a side."""
    return None if abs(distance) <= _NOISE * scale else distance > 0


def _outside(value: float, limits: Limits, scale: float) -> bool | None:
    assert limits.lower is not None
    assert limits.upper is not None
    if _side(value - limits.upper, scale):
        return True
    return False if _side(value - limits.lower, scale) is False else None


def _runs(sides: Sequence[bool | None], length: int) -> list[bool | None]:
    """The points of runs of at least so many on one side; a point on the mean and a gap break a run."""
    found: list[bool | None] = [None] * len(sides)
    begin = 0
    for place in range(1, len(sides) + 1):
        if place < len(sides) and sides[place] is not None and sides[place] == sides[begin]:
            continue
        if sides[begin] is not None and place - begin >= length:
            found[begin:place] = [sides[begin]] * (place - begin)
        begin = place
    return found


def _trends(values: Sequence[float | None], scale: float, length: int) -> list[bool | None]:
    """The points of strictly rising or falling stretches; a point in two has the direction of the step to its right."""
    steps = [None if a is None or b is None else _side(b - a, scale) for a, b in pairwise(values)]
    found: list[bool | None] = [None] * len(values)
    for place, up in enumerate(_runs(steps, length - 1)):
        if up is not None:
            found[place] = up
            found[place + 1] = up
    return found


def _two_of_three(
    values: Sequence[float | None],
    sides: Sequence[bool | None],
    out: Sequence[bool | None],
    limits: Limits,
    scale: float,
) -> list[bool | None]:
    """Points beyond two sigma, within the limit, where two of three neighbours on one side are so."""
    assert limits.sigma is not None
    assert limits.centre is not None
    centre, near = limits.centre, 2 * limits.sigma
    beyond = [
        value is not None and outside is None and _side(abs(value - centre) - near, scale) is True
        for value, outside in zip(values, out, strict=True)
    ]
    found: list[bool | None] = [None] * len(values)
    for begin in range(len(values) - 2):
        window = range(begin, begin + 3)
        same = sides[begin] is not None and all(sides[place] == sides[begin] for place in window)
        if same and sum(beyond[place] for place in window) >= 2:
            for place in window:
                found[place] = sides[begin] if beyond[place] else found[place]
    return found


def variation(chart: Chart, direction: Direction) -> Variation | None:
    """The icon of the last point that has a value; `None` for a series without limits.

    A point that shows both, such as a rise that is still below the mean, is an improvement, as NHS England's tools have it.
    """
    last = next((point for point in reversed(chart.points) if point.value is not None), None)
    if last is None or last.limits.upper is None:
        return None
    if last.signal is Signal.COMMON or last.high is None:
        return Variation.COMMON
    if direction is Direction.NEUTRAL:
        return Variation.NEUTRAL_HIGH if last.high else Variation.NEUTRAL_LOW
    better = (direction is Direction.HIGHER_IS_BETTER) in (last.high, *(high for _, high in last.every))
    return Variation.IMPROVEMENT if better else Variation.CONCERN


def assurance(chart: Chart, target: float, direction: Direction) -> Assurance | None:
    """Whether the process will meet the target by itself, from the last limits; `None` without limits or a direction."""
    limits = chart.points[-1].limits if chart.points else None
    if limits is None or limits.lower is None or limits.upper is None or direction is Direction.NEUTRAL:
        return None
    if limits.lower <= target <= limits.upper:
        return Assurance.HIT_AND_MISS
    met = (target < limits.lower) == (direction is Direction.HIGHER_IS_BETTER)
    return Assurance.PASS if met else Assurance.FAIL


# --- counts over changing denominators


@dataclass(frozen=True, slots=True)
class Ratios:
    """A u or p chart: the values, the common centre, and each point's limits. `sigma_z` above 1 widened them (Laney).

    A month of nobody is blank; the whole chart is so where no month has anybody, and says why.
    """

    values: tuple[float | None, ...]
    centre: float | None
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]
    sigma_z: float | None
    corrected: bool

    @property
    def reason(self) -> Reason | None:
        """Why there is no centre."""
        return Reason.ZERO_DENOMINATOR if self.centre is None else None


def u_chart(events: Sequence[int], population: Sequence[int], *, laney: bool | None = None) -> Ratios:
    """Events per person of the population. `laney`: `None` corrects only where sigma_z exceeds 1, since narrowing makes false alarms."""
    return _ratios(events, population, laney, share=False)


def p_chart(part: Sequence[int], whole: Sequence[int], *, laney: bool | None = None) -> Ratios:
    """Shares of true subsets. Raises `ValueError` where a part exceeds its whole."""
    if any(a > b for a, b in zip(part, whole, strict=True)):
        raise ValueError("a part must not exceed its whole")
    return _ratios(part, whole, laney, share=True)


def _ratios(events: Sequence[int], population: Sequence[int], laney: bool | None, *, share: bool) -> Ratios:
    if len(events) != len(population):
        raise ValueError("a chart has a population for each point")
    events = [require_count(number, "events") for number in events]
    population = [require_count(whole, "population") for whole in population]
    values = [y / n if n else None for y, n in zip(events, population, strict=True)]
    people = sum(population)
    if not people:
        blank = (None,) * len(values)
        return Ratios(blank, None, blank, blank, None, corrected=False)
    centre = sum(y for y, n in zip(events, population, strict=True) if n) / people
    variance = centre * (1 - centre) if share else centre
    errors = [sqrt(variance / n) if n else None for n in population]
    sigma_z = _sigma_z(values, errors, centre)
    corrected = laney is not False and sigma_z is not None and (laney is True or sigma_z > 1)
    width = 3 * (sigma_z if corrected and sigma_z is not None else 1)
    lower = tuple(None if error is None else max(0.0, centre - width * error) for error in errors)
    upper = tuple(None if error is None else centre + width * error for error in errors)
    if share:
        upper = tuple(None if each is None else min(1.0, each) for each in upper)
    return Ratios(tuple(values), centre, lower, upper, sigma_z, corrected)


def _sigma_z(values: Sequence[float | None], errors: Sequence[float | None], centre: float) -> float | None:
    """The mean moving range of the z-scores over 1.128; `None` without two points or without variation."""
    scores = [(v - centre) / e if v is not None and e else None for v, e in zip(values, errors, strict=True)]
    steps = [abs(b - a) for a, b in pairwise(scores) if a is not None and b is not None]
    return sum(steps) / len(steps) / D2 if steps else None


# --- rare events


def t_chart(gaps: Sequence[float]) -> Limits | None:
    """Time between events: XmR limits of t^(1/3.6) at 3/1.128, transformed back, the lower one at least 0; without the running gap.

    `None` without a gap. Raises `ValueError` for a gap of nought: count in hours, or use the g chart.
    """
    if not all(0 < gap < inf for gap in gaps):
        raise ValueError("a gap must be longer than 0 and have an end; count in hours, or use the g chart")
    limits = xmr_limits([gap ** (1 / T_POWER) for gap in gaps], spread=3 / D2)
    if limits is None or limits.centre is None:
        return None
    if limits.lower is None or limits.upper is None:
        return Limits(limits.centre**T_POWER, None, None)
    return Limits(limits.centre**T_POWER, max(0.0, limits.lower) ** T_POWER, limits.upper**T_POWER)


def g_chart(gaps: Sequence[int]) -> Limits | None:
    """Discharges or days between events: limits m -/+ 3 sqrt(m(m+1)) of the mean, at least 0; the centre is the median."""
    gaps = [require_count(gap, "gaps") for gap in gaps]
    if not gaps:
        return None
    mean = sum(gaps) / len(gaps)
    spread = 3 * sqrt(mean * (mean + 1))
    return Limits(float(median(gaps)), max(0.0, mean - spread), mean + spread)
