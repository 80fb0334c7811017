"""Case ascertainment: how many cases there are at least, from two sources that each saw some of them.

Source: statistics.md 5.3. What the figure takes for granted, to be printed beside it: a closed period, perfect linkage (a missed link
makes the number too high), independent sources (coding and reporting depend positively, which makes it a lower bound).
"""

from dataclasses import dataclass
from math import exp, sqrt

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import z_value


@dataclass(frozen=True, slots=True)
class Ascertainment:
    """`cases`: Chapman's number with limits; `error` its standard error; `first` and `second`: the share of them each source has."""

    cases: Estimate
    error: float | None
    first: float | None
    second: float | None


def two_sources(first: int, second: int, both: int, *, confidence: float = 0.95) -> Ascertainment:
    """Chapman's N = (n1+1)(n2+1)/(m+1) - 1 with the transformed logit limits (Sadinle 2009), which never go below the number seen.

    Nothing where no case is in both sources. Raises `ValueError` where more are in both than in one.
    """
    n1, n2, m = require_count(first, "first"), require_count(second, "second"), require_count(both, "both")
    if m > min(n1, n2):
        raise ValueError("no more can be in both sources than in one")
    if m == 0:
        return Ascertainment(missing(Reason.NO_OVERLAP), None, None, None)
    cases = (n1 + 1) * (n2 + 1) / (m + 1) - 1
    variance = (n1 + 1) * (n2 + 1) * (n1 - m) * (n2 - m) / ((m + 1) ** 2 * (m + 2))
    a, b, c = n1 - m + 0.5, n2 - m + 0.5, m + 0.5
    width = z_value(confidence) * sqrt(1 / c + 1 / a + 1 / b + c / (a * b))
    seen = n1 + n2 - m - 0.5
    estimate = Estimate(cases, seen + a * b / c * exp(-width), seen + a * b / c * exp(width))
    return Ascertainment(estimate, sqrt(variance), n1 / cases, n2 / cases)
