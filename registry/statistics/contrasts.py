"""Before and after: two periods compared by their counts, so that a reader can recompute every figure.

Source: statistics.md 4.1 and 4.2. A ratio below 1 says that the second period had fewer. No continuity correction is made.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

from scipy.stats import beta, binomtest, chi2_contingency, fisher_exact

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import wilson_limits, z_value


@dataclass(frozen=True, slots=True)
class Contrast:
    """An estimate with the name of its method, and the two-sided p where the method gives one."""

    method: str
    estimate: Estimate
    p: float | None = None


def rate_ratio(
    before: int, population_before: int, after: int, population_after: int, *, confidence: float = 0.95
) -> Contrast:
    """The ratio of two rates with exact conditional limits: Clopper-Pearson on the share of events that fall into the second period.

    No value without a population, or without an event before; then its lower limit still says something. p is exact conditional.
    """
    a, b = require_count(after, "events"), require_count(before, "events")
    n1, n0 = require_count(population_after, "population"), require_count(population_before, "population")
    method = "exact conditional"
    if not n0 or not n1:
        return Contrast(method, missing(Reason.ZERO_DENOMINATOR))
    if not a + b:
        return Contrast(method, missing(Reason.BLANK))
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, a, b + 1)) if a else 0.0
    high = float(beta.ppf(1 - tail, a + 1, b)) if b else 1.0
    scale = n0 / n1
    lower = low / (1 - low) * scale
    upper = None if high == 1 else high / (1 - high) * scale
    value = a / b * scale if b else None
    p = float(binomtest(a, a + b, n1 / (n0 + n1)).pvalue)
    return Contrast(method, Estimate(value, lower, upper, None if b else Reason.ZERO_DENOMINATOR), p)


def wald_rate_ratio(
    before: int, population_before: int, after: int, population_after: int, *, confidence: float = 0.95
) -> Contrast:
    """The ratio of two rates with limits symmetric on the log scale, SE = sqrt(1/a + 1/b). No limits with a 0."""
    return _wald("Wald, rates", before, population_before, after, population_after, confidence, risk=False)


def risk_ratio(before: int, whole_before: int, after: int, whole_after: int, *, confidence: float = 0.95) -> Contrast:
    """The ratio of two shares of true subsets, SE = sqrt(1/a - 1/n + 1/b - 1/m) on the log scale. No limits with a 0."""
    _require_parts(before, whole_before, after, whole_after)
    return _wald("Wald, risks", before, whole_before, after, whole_after, confidence, risk=True)


def _wald(method: str, b: int, n0: int, a: int, n1: int, confidence: float, *, risk: bool) -> Contrast:
    for count in (a, b, n0, n1):
        require_count(count, "counts")
    if not n0 or not n1 or not b:
        return Contrast(method, missing(Reason.ZERO_DENOMINATOR))
    value = (a / n1) / (b / n0)
    if not a:
        return Contrast(method, Estimate(0.0, reason=Reason.NO_INTERVAL))
    error = sqrt(1 / a + 1 / b - (1 / n1 + 1 / n0 if risk else 0))
    width = z_value(confidence) * error
    return Contrast(method, Estimate(value, exp(log(value) - width), exp(log(value) + width)))


def odds_ratio(before: int, whole_before: int, after: int, whole_after: int, *, confidence: float = 0.95) -> Contrast:
    """The sample odds ratio with limits symmetric on the log scale (Woolf), and Fisher's exact p. No limits with an empty cell."""
    _require_parts(before, whole_before, after, whole_after)
    cells = tuple(int(each) for each in (after, whole_after - after, before, whole_before - before))
    p = float(fisher_exact([cells[:2], cells[2:]]).pvalue) if whole_before and whole_after else None
    if not cells[1] or not cells[2]:
        return Contrast("Woolf", missing(Reason.ZERO_DENOMINATOR), p)
    value = cells[0] * cells[3] / (cells[1] * cells[2])
    if not all(cells):
        return Contrast("Woolf", Estimate(value, reason=Reason.NO_INTERVAL), p)
    width = z_value(confidence) * sqrt(sum(1 / each for each in cells))
    return Contrast("Woolf", Estimate(value, exp(log(value) - width), exp(log(value) + width)), p)


def share_difference(
    before: int, whole_before: int, after: int, whole_after: int, *, confidence: float = 0.95
) -> Contrast:
    """The share after minus the share before, with Newcombe's limits from the two Wilson intervals."""
    _require_parts(before, whole_before, after, whole_after)
    if not whole_before or not whole_after:
        return Contrast("Newcombe", missing(Reason.ZERO_DENOMINATOR))
    z, one, other = z_value(confidence), after / whole_after, before / whole_before
    low1, high1 = wilson_limits(after, whole_after, z)
    low0, high0 = wilson_limits(before, whole_before, z)
    value = one - other
    lower = value - sqrt((one - low1) ** 2 + (high0 - other) ** 2)
    upper = value + sqrt((high1 - one) ** 2 + (other - low0) ** 2)
    return Contrast("Newcombe", Estimate(value, lower, upper))


def share_tests(before: int, whole_before: int, after: int, whole_after: int) -> dict[str, float]:
    """Two-sided p of two shares by name of method: Fisher, chi-square corrected by Yates, chi-square. Empty where a margin is 0."""
    _require_parts(before, whole_before, after, whole_after)
    table = [[after, whole_after - after], [before, whole_before - before]]
    if not all(map(sum, table)) or not all(map(sum, zip(*table, strict=True))):
        return {}
    return {
        "Fisher": float(fisher_exact(table).pvalue),
        "chi-square, continuity-corrected": float(chi2_contingency(table, correction=True).pvalue),
        "chi-square": float(chi2_contingency(table, correction=False).pvalue),
    }


def _require_parts(before: int, whole_before: int, after: int, whole_after: int) -> None:
    for part, whole in ((before, whole_before), (after, whole_after)):
        if require_count(part, "part") > require_count(whole, "whole"):
            raise ValueError("a part must not exceed its whole")
