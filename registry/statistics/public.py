"""Rates and percentages of rounded counts, for the public: wider limits, and nothing where the rounding would drown the figure.

Source: statistics.md 6.3 item 5. A rounded count v differs from the true one by at most 4, without bias, with an average variance of 4
for each rounded cell. Ordinary limits on v would cover too seldom, so the standard normal quantile is widened by sqrt((v + 4k)/v) for a
sum of k cells, which is the published rule at k = 1. The variance of a rounded denominator of admissions is left out: 4/n^2 is under one
part in a thousand of the variance of the rate wherever there are 1,000 admissions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import (
    INVESTIGATED_FLOOR,
    Share,
    byar_limits,
    wilson_limits,
    z_value,
)

CELL_VARIANCE = 4
INTERVAL_FROM = 20


class Rounded(Protocol):
    """A count made of rounded cells only: their sum, how many they are, and whether the sum may be shown."""

    @property
    def rounded(self) -> int | None: ...
    @property
    def cells(self) -> int: ...
    @property
    def shown(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a share: the rounded number and the number of cells in it."""

    number: int
    cells: int


def public_rate(events: Rounded, population: Rounded, *, per: int = 1000, confidence: float = 0.95) -> Estimate:
    """Events per `per` of the population from rounded counts, with widened limits.

    No value where either count is blank or not shown, or the population is nought; no limits below 20 events.
    """
    blank = refusal(events, population)
    if blank:
        return missing(blank)
    number, whole = require_count(events.shown or 0, "events"), require_count(population.shown or 0, "population")
    if not whole:
        return missing(Reason.ZERO_DENOMINATOR)
    scale = per / whole
    if number < INTERVAL_FROM:
        return Estimate(number * scale, reason=Reason.NO_INTERVAL)
    lower, upper = byar_limits(number, widened(z_value(confidence), number, events.cells))
    return Estimate(number * scale, max(0.0, lower) * scale, upper * scale)


def widened(z: float, number: int, cells: int) -> float:
    """The quantile for a sum of `cells` rounded cells: z sqrt((v + 4k)/v)."""
    return z * sqrt((number + CELL_VARIANCE * cells) / number)


def refusal(*counts: Rounded) -> Reason | None:
    """Why no figure can be made of these counts, or `None`."""
    if any(count.rounded is None for count in counts):
        return Reason.BLANK
    return Reason.FEW_EVENTS if any(count.shown is None for count in counts) else None


def public_share(categories: Sequence[Rounded], part: int, *, confidence: float = 0.95) -> Estimate:
    """The share (0 to 1) of `categories[part]` among all the categories of one split, from rounded counts.

    The denominator is the sum of the rounded categories, never a separately rounded total. Not shown where that sum is below 20, where
    a category is blank, or where the part itself is not shown.
    """
    if any(count.rounded is None for count in categories):
        return missing(Reason.BLANK)
    others = [count for place, count in enumerate(categories) if place != part]
    mine = Part(categories[part].rounded or 0, categories[part].cells)
    rest = Part(sum(count.rounded or 0 for count in others), sum(count.cells for count in others))
    if mine.number + rest.number < INTERVAL_FROM:
        return missing(Reason.SMALL_DENOMINATOR)
    return missing(Reason.FEW_EVENTS) if categories[part].shown is None else share_of(mine, rest, confidence)


def share_of(part: Part, rest: Part, confidence: float) -> Estimate:
    """`part` over `part + rest`. Wilson's limits, each moved outwards by the rounding's standard error in quadrature.

    The rounding adds the variance 4[(1-p)^2 a + p^2 b]/D^2 for a cells in the part and b in the rest (a = 1 is the published rule).
    """
    whole = part.number + rest.number
    value, z = part.number / whole, z_value(confidence)
    extra = CELL_VARIANCE * ((1 - value) ** 2 * part.cells + value**2 * rest.cells) / whole**2
    low, high = wilson_limits(part.number, whole, z)
    lower = value - sqrt((value - low) ** 2 + z * z * extra)
    upper = value + sqrt((high - value) ** 2 + z * z * extra)
    return Estimate(value, max(0.0, lower), min(1.0, upper))


def public_share_with_bounds(
    yes: Rounded, no: Rounded, not_investigated: Rounded, floor: float = INVESTIGATED_FLOOR
) -> Share:
    """The public form of `rates.share_with_bounds`, from the three rounded categories of one split.

    Below the floor of investigated cases only the bounds; nothing below a sum of 20, where one of the three is blank, or where the
    cases themselves are too few to show.
    """
    share = public_share((yes, no), 0)
    categories = (yes, no, not_investigated)
    if any(count.rounded is None for count in categories):
        return Share(missing(Reason.BLANK), None, None, None)
    a, b, c = (count.rounded or 0 for count in categories)
    total = a + b + c
    if total < INTERVAL_FROM or yes.shown is None:
        return Share(
            missing(Reason.SMALL_DENOMINATOR if total < INTERVAL_FROM else Reason.FEW_EVENTS), None, None, None
        )
    covered = (a + b) / total
    return Share(share if covered >= floor else missing(Reason.NOT_INVESTIGATED), a / total, (a + c) / total, covered)
