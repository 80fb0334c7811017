"""A funnel of rounded counts, for the public: where trusts would lie by chance, the rounding and the usual variety between trusts.

Sources: statistics.md 3.1, 3.2 and 6.3 item 5. The variance of a count about its expectation E is E, that of its rounding 4 for each of
its k cells; so E stands in the limits as E^2/(E + 4k), which makes them wider by sqrt((E + 4k)/E). Where trusts differ by more than that,
the variance between them is added (Spiegelhalter). No trust is an outlier by these limits: that is decided on exact counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from registry.statistics.funnels import (
    ALARM,
    ALERT,
    TRUSTS_FROM,
    Z_ALARM,
    Z_ALERT,
    Overdispersion,
    Scale,
    overdispersed_limits,
    overdispersion,
    ratio_limit,
)
from registry.statistics.public import CELL_VARIANCE, Rounded

EXPECTED_FROM = 1
"""Where fewer are expected nothing is drawn (statistics.md 1.3): one case more or less would be another ratio."""


@dataclass(frozen=True, slots=True)
class Band:
    """Limits of a rate: within `low` and `high` 95 in 100 lie by chance, within `lowest` and `highest` 998 in 1,000."""

    lowest: float
    low: float
    high: float
    highest: float


@dataclass(frozen=True, slots=True)
class PublicFunnel:
    """`centre` is events per person over all trusts; `spread` the overdispersion, where it was taken into the limits."""

    centre: float
    cells: int
    scale: Scale
    found: Overdispersion | None

    @property
    def spread(self) -> Overdispersion | None:
        """What was added for the variety between trusts: nothing with fewer than ten, or where they vary as chance would have it."""
        return self.found if self.found is not None and self.found.phi > 1 and self.found.tau2 > 0 else None

    def band(self, population: float) -> Band | None:
        """The limits of the rate of a trust of this size; `None` where less than one event is expected."""
        expected = self.centre * population
        if not expected >= EXPECTED_FROM:
            return None
        wide = effective(expected, self.cells)
        if self.spread is not None:
            inner, outer = (overdispersed_limits(wide, self.spread.tau2, z, self.scale) for z in (Z_ALERT, Z_ALARM))
        else:
            inner, outer = (_exact(expected, wide, tail) for tail in (ALERT, ALARM))
        return Band(outer[0] * self.centre, inner[0] * self.centre, inner[1] * self.centre, outer[1] * self.centre)


def effective(expected: float, cells: int) -> float:
    """The expected count that has, without rounding, the relative variance of `expected` with the rounding of so many cells."""
    return expected**2 / (expected + CELL_VARIANCE * cells)


def _exact(expected: float, wide: float, tail: float) -> tuple[float, float]:
    """The exact limits of observed over expected, each moved outwards by the rounding's share of the standard deviation."""
    by = sqrt(expected / wide)
    low, high = ratio_limit(expected, tail), ratio_limit(expected, 1 - tail)
    return max(0.0, 1 - (1 - low) * by), 1 + (high - 1) * by


def public_funnel(events: Sequence[Rounded], population: Sequence[Rounded]) -> PublicFunnel | None:
    """The funnel of these trusts, from all that have a count and somebody in the population, also those too few to show.

    `None` where that leaves no events. The square-root scale where a rounded count is 0, which has no logarithm.
    """
    pairs = [
        (top.rounded, bottom.rounded, top.cells)
        for top, bottom in zip(events, population, strict=True)
        if top.rounded is not None and bottom.rounded
    ]
    observed = [number for number, _, _ in pairs]
    if not sum(observed):
        return None
    cells = max(each for _, _, each in pairs)
    centre = sum(observed) / sum(whole for _, whole, _ in pairs)
    expected = [centre * whole for _, whole, _ in pairs]
    scale = Scale.ROOT_WINSORISED if 0 in observed else Scale.LOG_TRUNCATED
    weights = [effective(each, cells) for each in expected]
    found = overdispersion(observed, expected, scale, weights=weights) if len(pairs) >= TRUSTS_FROM else None
    return PublicFunnel(centre, cells, scale, found)
