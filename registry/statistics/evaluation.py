"""The evaluation of a programme: a monthly series before and after a change, by two periods and by segmented regression.

Source: statistics.md 4. The change and its phase-in are declared before the figures are seen. Months are those of admission of the index
stay, so a clot that is found after the change of a stay before it belongs to before. Months of the phase-in are in neither period; months
that may still change, or in which nobody returned, are left out and told, never others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log, sqrt
from typing import TYPE_CHECKING

from registry.statistics.contrasts import Contrast, rate_ratio, wald_rate_ratio
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.public import CELL_VARIANCE, INTERVAL_FROM
from registry.statistics.rates import rate, z_value

if TYPE_CHECKING:
    from registry.statistics.interrupted import Change, Segments

LARGEST_ERROR = 4
"""A rounded cell differs from its true count by at most so much."""
CERTAIN_FROM = 6
"""A rounded sum is shown where it cannot stand for fewer people than this."""
MOST_PHASE_IN = 24


@dataclass(frozen=True, slots=True)
class Observed:
    """One month of a series. `cells`: of how many rounded cells the events are made, 0 where they are exact; `least`: the smallest true
    count that rounded ones leave possible. `left_out` says why the month is in no calculation."""

    month: date
    events: int
    population: float
    left_out: str = ""
    cells: int = 0
    least: int = 0
    contributors: int | None = None

    @property
    def hidden(self) -> bool:
        """Too few to be shown as a number: in sums only."""
        return bool(self.cells) and self.least < CERTAIN_FROM


@dataclass(frozen=True, slots=True)
class Plan:
    """What is declared: `change` is the first month of the programme, `phase_in` how many months from there are in neither period,
    `harmonics` pairs of sine and cosine of the year, `slope` whether a change of slope is fitted beside that of level."""

    change: date
    phase_in: int = 0
    harmonics: int = 0
    slope: bool = True

    def __post_init__(self) -> None:
        if self.change.day != 1 or not 0 <= self.phase_in <= MOST_PHASE_IN or not 0 <= self.harmonics <= 2:
            raise ValueError(
                "a change begins with a month, is phased in within 24 months, and has at most two harmonics"
            )

    @property
    def after(self) -> date:
        """The first month of the period after."""
        return months_on(self.change, self.phase_in)

    def place(self, month: date) -> str:
        """`before`, `phase-in` or `after`."""
        return "before" if month < self.change else "after" if month >= self.after else "phase-in"


def months_on(month: date, number: int) -> date:
    """The first day of the month so many months later."""
    years, place = divmod(month.year * 12 + month.month - 1 + number, 12)
    return date(years, place + 1, 1)


@dataclass(frozen=True, slots=True)
class Side:
    """One period: its months that are counted, and their sums."""

    months: tuple[date, ...]
    events: int
    population: float
    cells: int
    least: int
    contributors: tuple[int, ...]

    @property
    def hidden(self) -> bool:
        """The sum may hold five people or fewer: it is not shown."""
        return bool(self.cells) and self.least < CERTAIN_FROM

    @property
    def whole(self) -> int:
        """The population as a whole number, for methods of counts."""
        return round(self.population)

    @property
    def rate(self) -> Estimate:
        """Events per 1,000, with the limits of exact counts; of rounded ones none."""
        found = rate(self.events, self.whole)
        return Estimate(found.value, reason=found.reason) if self.cells else found


@dataclass(frozen=True, slots=True)
class Rounding:
    """What the rounding of cells does to the ratio of two sums of them: by how much each sum may be off at most and as a standard
    deviation, and between what the ratio lies if every cell were off by the most, all one way and all the other."""

    most: tuple[int, int]
    deviation: tuple[float, float]
    least_ratio: float | None
    most_ratio: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`contrasts`: the ratio of the rates after and before, by each method. `series` are all months in order, gaps filled."""

    plan: Plan
    before: Side
    after: Side
    contrasts: tuple[Contrast, ...]
    rounding: Rounding | None
    series: tuple[Observed, ...]
    segments: "Segments"
    refusal: str = ""
    """Why there is no regression, in words; empty where there is one."""


NO_MONTH = "no figure for this month"


def evaluate(months: Sequence[Observed], plan: Plan) -> Evaluation:
    """The evaluation of a series. Raises `ValueError` for a month given twice."""
    series = _without_gaps(months)
    before, after = (_side([one for one in series if plan.place(one.month) == name]) for name in ("before", "after"))
    segments, refusal = _segments(series, plan)
    return Evaluation(
        plan, before, after, contrasts(before, after), _rounding(before, after), series, segments, refusal
    )


def _without_gaps(months: Sequence[Observed]) -> tuple[Observed, ...]:
    known = {one.month: one for one in months}
    if len(known) != len(months):
        raise ValueError("a month is in a series once")
    if not known:
        return ()
    first, last = min(known), max(known)
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    every = (months_on(first, place) for place in range(number))
    return tuple(known.get(month, Observed(month, 0, 0, NO_MONTH)) for month in every)


def _side(months: Sequence[Observed]) -> Side:
    inside = [one for one in months if not one.left_out and one.population > 0]
    events, cells = sum(one.events for one in inside), sum(one.cells for one in inside)
    return Side(
        tuple(one.month for one in inside),
        events,
        sum(one.population for one in inside),
        cells,
        sum(one.least for one in inside),
        tuple(one.contributors for one in inside if one.contributors is not None),
    )


def contrasts(before: Side, after: Side) -> tuple[Contrast, ...]:
    """Exact counts by the exact conditional method and by Wald's; rounded ones by Wald's, widened."""
    if before.cells or after.cells:
        return (rounded_ratio(before, after),)
    given = (before.events, before.whole, after.events, after.whole)
    return rate_ratio(*given), wald_rate_ratio(*given)


def rounded_ratio(before: Side, after: Side, *, confidence: float = 0.95) -> Contrast:
    """The ratio of two rates of rounded counts: SE^2 = (a + 4k)/a^2 + (b + 4m)/b^2 for sums of k and m cells.

    4 is the variance of one rounded cell; that of the populations is left out, being under a thousandth. No interval below 20 events
    on a side, and nothing where a sum may not be shown.
    """
    method = "Wald, rates, widened for rounding"
    a, b = after.events, before.events
    if after.hidden or before.hidden:
        return Contrast(method, missing(Reason.FEW_EVENTS))
    if not a or not b or not after.population or not before.population:
        return Contrast(method, missing(Reason.ZERO_DENOMINATOR))
    value = (a / after.population) / (b / before.population)
    if min(a, b) < INTERVAL_FROM:
        return Contrast(method, Estimate(value, reason=Reason.NO_INTERVAL))
    error = sqrt((a + CELL_VARIANCE * after.cells) / a**2 + (b + CELL_VARIANCE * before.cells) / b**2)
    width = z_value(confidence) * error
    return Contrast(method, Estimate(value, exp(log(value) - width), exp(log(value) + width)))


def _rounding(before: Side, after: Side) -> Rounding | None:
    if not before.cells and not after.cells:
        return None
    most = (LARGEST_ERROR * before.cells, LARGEST_ERROR * after.cells)
    deviation = (sqrt(CELL_VARIANCE * before.cells), sqrt(CELL_VARIANCE * after.cells))
    return Rounding(most, deviation, _extreme(before, after, -1), _extreme(before, after, 1))


def _extreme(before: Side, after: Side, way: int) -> float | None:
    a = max(0, after.events + way * LARGEST_ERROR * after.cells)
    b = max(0, before.events - way * LARGEST_ERROR * before.cells)
    if not b or not before.population or not after.population:
        return None
    return (a / after.population) / (b / before.population)


HIDDEN = "In some months the count is fewer than 10 and is not shown, so nobody could recompute a regression on it. Choose a larger area."
NO_SPREAD = (
    "The months lie on the line exactly, so there is nothing by which the uncertainty of a regression could be told."
)
UNFITTED = "The regression does not come to an end on these numbers: they lie too far apart."
NOTHING_BEFORE = "The change has to lie within the series, with months before and after it."
WHY = {
    Reason.FEW_POINTS: "The regression needs at least 12 final months on each side of the change, without those of the phase-in.",
    Reason.NO_SPREAD: NO_SPREAD,
    Reason.NOT_FITTED: UNFITTED,
    Reason.FEW_EVENTS: "On one side of the change nothing happened, so no rate of it can be fitted.",
}


def _segments(series: Sequence[Observed], plan: Plan) -> tuple["Segments", str]:
    """The regression, or nothing and why. statsmodels is large and only loaded once somebody evaluates something."""
    from registry.statistics.interrupted import Segments, interrupted

    nothing = Segments(None, None, reason=Reason.FEW_POINTS)
    change = next((at for at, one in enumerate(series) if one.month >= plan.change), 0)
    if not change:
        return nothing, NOTHING_BEFORE
    counted = [0.0 if one.left_out else one.population for one in series]
    if any(one.hidden and not one.left_out for one in series):
        return nothing, HIDDEN
    found = interrupted(
        [one.events for one in series],
        counted,
        change,
        phase_in=[at for at, one in enumerate(series) if plan.place(one.month) == "phase-in"],
        harmonics=plan.harmonics,
        slope=plan.slope,
    )
    return found, WHY.get(found.reason, str(found.reason)) if found.reason else ""


def interval(change: "Change", error: float, *, confidence: float = 0.95) -> Estimate:
    """The ratio of a change with the limits that one of its standard errors gives."""
    width = z_value(confidence) * error
    return Estimate(exp(change.log_ratio), exp(change.log_ratio - width), exp(change.log_ratio + width))
