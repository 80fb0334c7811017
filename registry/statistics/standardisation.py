"""Case mix: indirectly and directly standardised figures.

Sources: statistics.md 1.3 and 1.4. Strata are age band by sex by group of admission, the same on both sides; whatever is unknown is a
stratum of its own on both sides. Two indirectly standardised ratios have different weights: each compares with 1 only, never with another.
"""

from collections.abc import Sequence
from math import inf, sqrt

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import byar_limits, count_limits, z_value

DIRECT_FROM = 10
LEAST_EXPECTED = 1e-9
"""An expectation below this is rounding noise: one event among a thousand million such trusts."""


def expected_count(
    population: Sequence[int], reference_events: Sequence[int], reference_population: Sequence[int]
) -> float:
    """Events that the reference rates would give in these strata: the sum of n_s X_s/N_s.

    Raises `ValueError` where lengths differ, or a stratum has people but no reference population: merge it with its neighbour.
    """
    total = 0.0
    for own, events, reference in zip(population, reference_events, reference_population, strict=True):
        found, people = require_count(events, "reference events"), require_count(own, "population")
        if people == 0:
            continue
        if require_count(reference, "reference population") == 0:
            raise ValueError("a stratum has people but no reference population; merge it with its neighbour")
        total += people * found / int(reference)
    return total


def standardised_ratio(observed: int, expected: float, *, confidence: float = 0.95) -> Estimate:
    """Observed over expected, with the limits of the observed count (`rates.count_limits`) over the expected one.

    No value where nothing was expected; if something was observed there the reason says so, since one side of the data is wrong.
    """
    observed = require_count(observed, "observed")
    if not 0 <= expected < inf:
        raise ValueError("expected must be 0 or more, and finite")
    if expected < LEAST_EXPECTED:
        return missing(Reason.EVENTS_WITHOUT_POPULATION if observed else Reason.NOTHING_EXPECTED)
    lower, upper = count_limits(observed, confidence)
    return Estimate(observed / expected, lower / expected, upper / expected)


def direct_rate(
    events: Sequence[int],
    population: Sequence[int],
    standard: Sequence[float],
    *,
    per: int = 1000,
    confidence: float = 0.95,
) -> Estimate:
    """The rate per `per` that the standard population would have, with Dobson's limits around Byar's.

    DSR = sum w x/n / sum w; Var = sum w^2 x/n^2 / (sum w)^2; limits DSR + sqrt(Var/O) (limit of O - O). Not given below 10 events
    in all, nor where a stratum with weight has nobody. Raises `ValueError` where lengths differ or weights are negative or all nought.
    """
    weight, rate, variance = 0.0, 0.0, 0.0
    for cases, people, share in zip(events, population, standard, strict=True):
        require_count(cases, "events")
        if not 0 <= share < inf:
            raise ValueError("a standard population must be 0 or more, and finite")
        if share and require_count(people, "population") == 0:
            return missing(Reason.ZERO_DENOMINATOR)
        weight += share
        if share:
            rate += share * cases / people
            variance += share * share * cases / people**2
    if weight == 0:
        raise ValueError("the standard population is empty")
    observed = int(sum(events))
    if observed < DIRECT_FROM:
        return missing(Reason.FEW_EVENTS)
    lower, upper = byar_limits(observed, z_value(confidence))
    value, step = rate / weight, sqrt(variance / observed) / weight
    return Estimate(value * per, (value + step * (lower - observed)) * per, (value + step * (upper - observed)) * per)
