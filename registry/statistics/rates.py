"""Rates and proportions of exact counts, with their limits.

Sources: statistics.md 1.1 and 1.2. The limits of a count are exact Poisson limits below 10 events and Byar's approximation from 10, as
published by the UK Health Security Agency (PHEindicatormethods 2.1.0); the small step between 9 and 10 is part of that convention.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from scipy.special import gammaincinv

from registry.statistics.estimate import Estimate, Reason, missing, require_count

BYAR_FROM = 10
INVESTIGATED_FLOOR = 0.80


def z_value(confidence: float) -> float:
    """The two-sided standard normal quantile: 1.959964 for 0.95. Raises `ValueError` outside (0, 1)."""
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    return NormalDist().inv_cdf(1 - (1 - confidence) / 2)


def count_limits(events: int, confidence: float = 0.95) -> tuple[float, float]:
    """Lower and upper limit of the mean of a Poisson count: exact below 10 events, Byar from 10."""
    events = require_count(events, "events")
    z = z_value(confidence)
    return exact_limits(events, confidence) if events < BYAR_FROM else byar_limits(events, z)


def exact_limits(events: int, confidence: float) -> tuple[float, float]:
    """Exact Poisson limits. chi2inv(p, 2x)/2 is the inverse of the regularised incomplete gamma function at shape x."""
    tail = (1 - confidence) / 2
    lower = float(gammaincinv(events, tail)) if events else 0.0
    return lower, float(gammaincinv(events + 1, 1 - tail))


def byar_limits(events: int, z: float) -> tuple[float, float]:
    """Byar's approximation for `events` of 1 or more, at the standard normal quantile `z`."""
    above = events + 1
    lower = events * (1 - 1 / (9 * events) - z / (3 * sqrt(events))) ** 3
    upper = above * (1 - 1 / (9 * above) + z / (3 * sqrt(above))) ** 3
    return lower, upper


def rate(events: int, population: int, *, per: int = 1000, confidence: float = 0.95) -> Estimate:
    """Events per `per` of the population, with limits.

    More events than population is legal (events are not a subset of admissions); no population gives no value. Refuses negative and
    non-integer counts.
    """
    events, population = require_count(events, "events"), require_count(population, "population")
    if population == 0:
        return missing(Reason.ZERO_DENOMINATOR)
    lower, upper = count_limits(events, confidence)
    scale = per / population
    return Estimate(events * scale, lower * scale, upper * scale)


def proportion(part: int, whole: int, *, confidence: float = 0.95) -> Estimate:
    """The share `part / whole` (0 to 1) with Wilson's limits. For true subsets only: raises `ValueError` if part exceeds whole."""
    part, whole = require_count(part, "part"), require_count(whole, "whole")
    if whole == 0:
        return missing(Reason.ZERO_DENOMINATOR)
    if part > whole:
        raise ValueError("a part must not exceed its whole")
    return Estimate(part / whole, *wilson_limits(part, whole, z_value(confidence)))


def wilson_limits(part: float, whole: float, z: float) -> tuple[float, float]:
    """Wilson's score limits at the standard normal quantile `z`, kept within 0 and 1 against rounding noise."""
    square = z * z
    spread = z * sqrt(square + 4 * part * (1 - part / whole))
    low = (2 * part + square - spread) / (2 * (whole + square))
    high = (2 * part + square + spread) / (2 * (whole + square))
    return (0.0 if part == 0 else max(0.0, low)), (1.0 if part == whole else min(1.0, high))


@dataclass(frozen=True, slots=True)
class Share:
    """A share among investigated cases, and what it could be if none or all of the uninvestigated were so.

    `share.value` is `None` below the floor of investigated cases, or where nothing was investigated. `least` and `most` are bounds
    (not confidence limits) over all cases; `investigated` is the part of all cases that was investigated.
    """

    share: Estimate
    least: float | None
    most: float | None
    investigated: float | None


def share_with_bounds(yes: int, no: int, not_investigated: int, floor: float = INVESTIGATED_FLOOR) -> Share:
    """The share of `yes` among investigated cases (`yes + no`), with its bounds; below `floor` investigated only the bounds.

    `no` holds every investigated case that is not a `yes`, also the unclassifiable; cases found not to be hospital-associated belong
    in none of the three (counting.md 4.4). Refuses negative and non-integer counts.
    """
    investigated = require_count(yes, "yes") + require_count(no, "no")
    total = investigated + require_count(not_investigated, "not_investigated")
    if total == 0:
        return Share(missing(Reason.ZERO_DENOMINATOR), None, None, None)
    covered = investigated / total
    share = proportion(yes, investigated) if investigated and covered >= floor else missing(Reason.NOT_INVESTIGATED)
    return Share(share, yes / total, (yes + not_investigated) / total, covered)
