"""Comparing trusts: exact funnel limits and overdispersion, never a league table.

Sources: statistics.md 3.1 and 3.2 (Spiegelhalter 2005). The limits are control limits of a count about its expectation, not confidence
limits of an estimate. Below ten trusts, or where phi is at most 1, the unadjusted exact limits stand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import asin, ceil, exp, inf, log, sqrt

import numpy as np
from scipy.special import pdtr, pdtrik
from scipy.stats import binom, rankdata

from registry.statistics.estimate import require_count

ALERT, ALARM = 0.025, 0.001
"""The tails beyond which a trust is an alert (about 2 standard deviations) and an alarm (3)."""
Z_ALERT, Z_ALARM = 1.959964, 3.090232
TRUSTS_FROM = 10
MOST_EXPECTED = 1e9
WIDEST = 700
"""Beyond this a number on the log scale has no number that it stands for."""


def binomial_limit(share: float, whole: int, tail: float) -> float:
    """The limit of a share among `whole` at a tail probability, interpolated between the two counts around it, within 0 and 1."""
    whole = require_count(whole, "whole")
    if not whole:
        raise ValueError("a funnel has no limit where there is nobody")
    if not 0 <= share <= 1:
        raise ValueError("a share lies between 0 and 1")
    return min(1.0, max(0.0, _interpolated(binom(whole, share), tail) / whole))


def ratio_limit(expected: float, tail: float) -> float:
    """The limit of observed over expected at a tail probability, interpolated as above, at least 0."""
    if not 0 < expected <= MOST_EXPECTED:
        raise ValueError("expected must be above 0, and not beyond a thousand million")
    _require_tail(tail)
    # what scipy.stats.poisson does for ppf and cdf, without making a distribution each time: a chart asks hundreds of times
    count = max(0.0, ceil(float(pdtrik(tail, expected))))
    count = count - 1 if count and float(pdtr(count - 1, expected)) >= tail else count
    here, before = float(pdtr(count, expected)), float(pdtr(count - 1, expected)) if count else 0.0
    return max(0.0, (count - (here - tail) / (here - before)) / expected)


def _require_tail(tail: float) -> None:
    if not 0 < tail < 1:
        raise ValueError("a tail lies between 0 and 1")


def _interpolated(distribution: object, tail: float) -> float:
    """r - alpha, where r is the smallest count with F(r) >= tail and alpha = (F(r) - tail)/(F(r) - F(r-1))."""
    _require_tail(tail)
    count = float(distribution.ppf(tail))  # type: ignore[attr-defined] # scipy ships no types
    here, before = (float(distribution.cdf(each)) for each in (count, count - 1))  # type: ignore[attr-defined] # as above
    return count - (here - tail) / (here - before)


class Scale(StrEnum):
    """On which scale trusts are compared, and what is done with the outermost before overdispersion is estimated."""

    LOG_TRUNCATED = "log ratio, outermost tenths left out"
    ROOT_WINSORISED = "square root of the ratio, outermost tenths drawn in"
    SHARE_WINSORISED = "arcsine of the share, outermost tenths drawn in"


@dataclass(frozen=True, slots=True)
class Overdispersion:
    """`phi`: the mean squared z of the `trusts` that were kept. `tau2`: the variance between trusts, on the scale used."""

    trusts: int
    phi: float
    tau2: float


def overdispersion(
    observed: Sequence[int], expected: Sequence[float], scale: Scale, *, weights: Sequence[float] | None = None
) -> Overdispersion | None:
    """How much more trusts differ than chance, from observed and expected counts (or parts and wholes of a share).

    `weights` stand for the expected counts in the standard errors, where a count carries more than its own variance. `None` without
    trusts. Raises `ValueError` for the log scale with an observed 0 (use the square root), nothing expected, or a part above its whole.
    """
    observed = [require_count(count, "observed") for count in observed]
    expected = [float(each) for each in expected]
    if len(observed) != len(expected) or (weights is not None and len(weights) != len(expected)):
        raise ValueError("each trust has an observed and an expected count")
    if not all(0 < each < inf for each in [*expected, *(weights if weights is not None else ())]):
        raise ValueError("something must be expected of every trust")
    if scale is Scale.SHARE_WINSORISED and any(part > whole for part, whole in zip(observed, expected, strict=True)):
        raise ValueError("a part must not exceed its whole")
    if not observed:
        return None
    z, errors = _scores(observed, expected, scale, weights)
    kept = _truncated(z) if scale is Scale.LOG_TRUNCATED else np.full(len(z), fill_value=True)
    if scale is not Scale.LOG_TRUNCATED:
        z = np.clip(z, *np.quantile(z, [0.1, 0.9]))
    number = int(kept.sum())
    if not number:
        return None
    phi = float((z[kept] ** 2).sum() / number)
    weight = 1 / errors[kept] ** 2
    spare = weight.sum() - (weight**2).sum() / weight.sum()
    excess = number * phi - (number - 1)
    return Overdispersion(number, phi, float(excess / spare) if excess > 0 and spare > 0 else 0.0)


def _scores(
    observed: Sequence[int], expected: Sequence[float], scale: Scale, weights: Sequence[float] | None = None
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """z-scores and standard errors of the trusts on a scale."""
    whole = np.asarray(expected, dtype=float)
    weight = whole if weights is None else np.asarray(weights, dtype=float)
    if scale is Scale.SHARE_WINSORISED:
        target = asin(sqrt(sum(observed) / sum(expected)))
        value = np.arcsin(np.sqrt(np.asarray(observed) / whole)) - target
        error = 1 / (2 * np.sqrt(weight))
    elif scale is Scale.ROOT_WINSORISED:
        value, error = np.sqrt(np.asarray(observed) / whole) - 1, 1 / (2 * np.sqrt(weight))
    else:
        if 0 in observed:
            raise ValueError("the logarithm of 0 is not a number; use the square-root scale")
        value, error = np.log(np.asarray(observed) / whole), 1 / np.sqrt(weight)
    return value / error, error


def _truncated(z: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The trusts whose rank is in neither the first nor the last tenth: floor(10 rank/(n + 1)) from 1 to 8.

    Trusts that are alike share the mean of their ranks, so that none is dropped for its place in the list.
    """
    tenth = np.floor(np.asarray(rankdata(z), dtype=float) * 10 / (len(z) + 1))
    kept: np.ndarray[tuple[int], np.dtype[np.bool_]] = (tenth > 0) & (tenth < 9)
    return kept


def overdispersed_limits(expected: float, tau2: float, z: float, scale: Scale) -> tuple[float, float]:
    """Lower and upper limit of observed over expected with the additive variance between trusts, at the normal quantile `z`.

    Raises `ValueError` where so little is expected that the upper limit is no number any more.
    """
    if not 0 < expected < inf or not 0 <= tau2 < inf:
        raise ValueError("expected must be above 0 and tau2 at least 0")
    if scale is Scale.LOG_TRUNCATED:
        width = z * sqrt(1 / expected + tau2)
        if width > WIDEST:
            raise ValueError("too little is expected for a limit")
        return exp(-width), exp(width)
    if scale is Scale.ROOT_WINSORISED:
        width = z * sqrt(1 / (4 * expected) + tau2)
        return max(0.0, 1 - width) ** 2, (1 + width) ** 2
    raise ValueError("a share has no ratio limits")


def funnel_z(observed: int, expected: float, tau2: float = 0.0) -> float | None:
    """The z-score of a trust on the log scale with the variance between trusts; `None` for an observed 0."""
    if not 0 < expected < inf:
        raise ValueError("expected must be above 0")
    return log(observed / expected) / sqrt(1 / expected + tau2) if require_count(observed, "observed") else None
