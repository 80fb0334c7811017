"""How long something took, in whole days: quartiles, and the median with limits from order statistics.

Source: statistics.md 5.2. The registry holds only people who had the event within the window, so there is no survival curve and no
hazard from cases alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from registry.statistics.estimate import Estimate, Reason, missing, require_count


@dataclass(frozen=True, slots=True)
class Times:
    """`number` times; the lower and upper quartile (type 7); the median with limits that hold with `coverage` or more."""

    number: int
    lower_quartile: float | None
    median: Estimate
    upper_quartile: float | None
    coverage: float | None


def times(days: Sequence[int], *, confidence: float = 0.95) -> Times:
    """The figures of these times. No limits where so few cannot reach the confidence. Raises `ValueError` for a negative time."""
    ordered = sorted(require_count(each, "days") for each in days)
    if not ordered:
        return Times(0, None, missing(Reason.BLANK), None, None)
    quartiles = [float(each) for each in np.quantile(ordered, [0.25, 0.5, 0.75])]
    ranks = median_ranks(len(ordered), confidence)
    if ranks is None:
        return Times(len(ordered), quartiles[0], Estimate(quartiles[1], reason=Reason.DEPENDENT), quartiles[2], None)
    low, high, coverage = ranks
    median = Estimate(quartiles[1], float(ordered[low - 1]), float(ordered[high - 1]))
    return Times(len(ordered), quartiles[0], median, quartiles[2], coverage)


def median_ranks(number: int, confidence: float = 0.95) -> tuple[int, int, float] | None:
    """The ranks (from 1) between which the median lies with at least the confidence, the same from both ends, and how surely.

    `None` where even the smallest and the largest of so many do not reach it.
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    low = int(binom.ppf((1 - confidence) / 2, number, 0.5)) if number else 0
    while low > 0:
        coverage = 1 - 2 * float(binom.cdf(low - 1, number, 0.5))
        if coverage >= confidence:
            return low, number + 1 - low, coverage
        low -= 1
    return None


@dataclass(frozen=True, slots=True)
class Incidence:
    """Share of people who had the event by each time, where death comes first for others; never one minus a survival curve."""

    at: tuple[int, ...]
    share: tuple[float, ...]


def cumulative_incidence(people: int, events: Sequence[int], deaths: Sequence[int]) -> Incidence:
    """By day since discharge: events on day d of those neither dead nor with the event, times the share still so (Aalen-Johansen).

    `people` were discharged; `events[d]` and `deaths[d]` count those on day d whose first happening it was. All others are followed to
    the end. Raises `ValueError` where more happened than there were people.
    """
    if sum(require_count(each, "events") for each in events) + sum(
        require_count(each, "deaths") for each in deaths
    ) > require_count(people, "people"):
        raise ValueError("more happened than there were people")
    days = max(len(events), len(deaths))
    total, so_far = 0, []
    for day in range(days):
        total += events[day] if day < len(events) else 0
        so_far.append(total / people if people else 0.0)
    return Incidence(tuple(range(days)), tuple(so_far) if people else ())
