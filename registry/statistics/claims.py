"""A published ratio held against itself: whether its interval, its p and its number of events can belong together.

Source: statistics.md 4.2. All on the log scale, where the interval of a ratio is symmetric and its standard error is that of counts.
"""

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import NormalDist

from registry.statistics.estimate import Estimate, require_count
from registry.statistics.rates import z_value

WIDEST = 700
"""Beyond this a number on the log scale has no number that it stands for."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What follows from parts of a claim for the others; `None` where a part is not given.

    `centre`: the geometric middle of the interval, which should be the ratio. `p_of_interval`: the p that the interval gives.
    `interval_of_p`: the interval that the p gives. `least_error`: the smallest standard error that so many events can have however they
    are split between the periods, and `narrowest` the interval that it gives.
    """

    centre: float | None = None
    p_of_interval: float | None = None
    interval_of_p: Estimate | None = None
    least_error: float | None = None
    narrowest: Estimate | None = None
    narrower_than_possible: bool = False


def check_ratio(
    ratio: float,
    *,
    lower: float | None = None,
    upper: float | None = None,
    p: float | None = None,
    events: int | None = None,
    confidence: float = 0.95,
) -> Checked:
    """Hold a published ratio of two counts of events against its interval, its two-sided p and its events in both periods together.

    Raises `ValueError` for a ratio or limit that is not above 0, limits out of order, a p outside 0 to 1, or fewer than 2 events.
    """
    limits = [limit for limit in (lower, upper) if limit is not None]
    if not all(0 < number < inf for number in (ratio, *limits)) or limits != sorted(limits):
        raise ValueError("a ratio and its limits are above 0, the lower limit first")
    if (p is not None and not 0 < p < 1) or (events is not None and require_count(events, "events") < 2):
        raise ValueError("p lies between 0 and 1, and there are two events or more")
    z = z_value(confidence)
    found: dict[str, object] = {}
    width = None
    if lower is not None and upper is not None and upper > lower:
        width = log(upper / lower) / (2 * z)
        found["centre"] = sqrt(lower * upper)
        found["p_of_interval"] = 2 * NormalDist().cdf(-abs(log(ratio)) / width)
    if p is not None and ratio != 1:
        found["interval_of_p"] = _of_p(ratio, p, z)
    if events is not None:
        # 1/a + 1/b is smallest where the events are split in halves: 4/events
        least = 2 / sqrt(events)
        found |= {"least_error": least, "narrowest": _around(ratio, least, z)}
        found["narrower_than_possible"] = width is not None and width < least
    return Checked(**found)  # type: ignore[arg-type] # each name goes with its own type above


def _of_p(ratio: float, p: float, z: float) -> Estimate | None:
    """The interval that a p gives; `None` where the p is so near 1 that its interval is wider than numbers."""
    deviations = -NormalDist().inv_cdf(p / 2)
    error = abs(log(ratio)) / deviations if deviations > 0 else inf
    return _around(ratio, error, z) if abs(log(ratio)) + z * error < WIDEST else None


def _around(ratio: float, error: float, z: float) -> Estimate:
    return Estimate(ratio, exp(log(ratio) - z * error), exp(log(ratio) + z * error))
