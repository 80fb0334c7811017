"""Interrupted time series: the change of level and of slope after a programme began, by segmented Poisson regression.

Source: statistics.md 4.3. log E[y_t] = log n_t + b0 + b1 t + b2 post_t + b3 (t - t0)+ (and harmonics of the year where asked for).
Index months by admission of the index stay: a clot found up to three months after the change belongs to an earlier stay. t0 and any
phase-in are declared before the figures are seen; months are never dropped to get a result.
"""

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import exp, inf, isfinite, pi

import numpy as np
import statsmodels.api as sm
from numpy.linalg import LinAlgError
from statsmodels.stats.stattools import durbin_watson
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import z_value

POINTS_EACH_SIDE = 12
HAC_LAG = 3
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Change:
    """A coefficient on the log scale with its standard errors: Poisson's, quasi-Poisson's, and robust to autocorrelation (lag 3)."""

    log_ratio: float
    poisson_error: float
    quasi_error: float
    robust_error: float
    ratio: Estimate
    """Of the quasi-Poisson error."""


@dataclass(frozen=True, slots=True)
class Segments:
    """`level` and `slope` (a month) are ratios after to before; `reason` says why there are none.

    `expected` are the fitted events of every month, `counterfactual` those of the months after if nothing had changed. `dispersion` is
    Pearson's chi-square over its degrees of freedom; `durbin_watson` is near 2 without autocorrelation.
    """

    level: Change | None
    slope: Change | None
    expected: tuple[float | None, ...] = ()
    counterfactual: tuple[float | None, ...] = ()
    dispersion: float | None = None
    durbin_watson: float | None = None
    reason: Reason | None = None


def interrupted(
    events: Sequence[int],
    population: Sequence[float],
    change: int,
    *,
    phase_in: Collection[int] = (),
    harmonics: int = 0,
    slope: bool = True,
    confidence: float = 0.95,
) -> Segments:
    """Fit the segments to a monthly series in which the change came before the month at place `change` (from 0).

    `phase_in` are places declared to be neither before nor after; they and months of nobody are not fitted. `slope=False` fits a change
    of level only. `harmonics` (0 to 2) are pairs of sine and cosine of the year. Fewer than 12 months on a side, no event on one, months
    that lie on the line exactly, or numbers that no regression ends on: nothing but the reason. Raises `ValueError` where lengths
    differ, the change lies outside, or a population is negative or without end.
    """
    events = [require_count(each, "events") for each in events]
    if not all(0 <= people < inf for people in population):
        raise ValueError("a population is a number of 0 or more")
    if len(events) != len(population) or not 0 < change < len(events) or not 0 <= harmonics <= 2:
        raise ValueError("a series has a population for each month, a change within it, and at most two harmonics")
    places = [at for at, people in enumerate(population) if people > 0 and at not in set(phase_in)]
    sides = ([at for at in places if at < change], [at for at in places if at >= change])
    if any(len(side) < POINTS_EACH_SIDE for side in sides):
        return Segments(None, None, reason=Reason.FEW_POINTS)
    if any(not sum(events[at] for at in side) for side in sides):
        return Segments(None, None, reason=Reason.FEW_EVENTS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PerfectSeparationWarning)
            return _fitted(events, population, places, change, harmonics, slope=slope, confidence=confidence)
    except PerfectSeparationWarning:
        return Segments(None, None, reason=Reason.NO_SPREAD)
    except (ValueError, OverflowError, LinAlgError):  # the iteration left what numbers can hold
        return Segments(None, None, reason=Reason.NOT_FITTED)


def _fitted(
    events: Sequence[int],
    population: Sequence[float],
    places: Sequence[int],
    change: int,
    harmonics: int,
    *,
    slope: bool,
    confidence: float,
) -> Segments:
    """The segments fitted to the months at `places`. Raises what statsmodels does, and `ValueError` where a result is not a number."""
    design = _design(np.array(places), change, harmonics, slope=slope)
    y = np.array([events[at] for at in places], dtype=float)
    offset = np.log(np.array([population[at] for at in places], dtype=float))
    model = sm.GLM(y, design, family=sm.families.Poisson(), offset=offset)
    plain = model.fit()
    quasi = model.fit(scale="X2")
    robust = model.fit(cov_type="HAC", cov_kwds={"maxlags": HAC_LAG, "use_correction": False})
    z = z_value(confidence)
    changes = [
        Change(
            float(plain.params[at]),
            float(plain.bse[at]),
            float(quasi.bse[at]),
            float(robust.bse[at]),
            _ratio(float(plain.params[at]), float(quasi.bse[at]), z),
        )
        for at in ((2, 3) if slope else (2,))
    ]
    without = design.copy()
    without[:, 2 : 4 if slope else 3] = 0
    fitted = plain.predict(design, offset=offset)
    otherwise = plain.predict(without, offset=offset)
    if not (np.isfinite(otherwise).all() and isfinite(plain.pearson_chi2)):
        raise ValueError("a fitted month is not a number")
    return Segments(
        level=changes[0],
        slope=changes[1] if slope else None,
        expected=_placed(places, fitted, len(events)),
        counterfactual=_placed(
            [at for at in places if at >= change],
            [month for at, month in zip(places, otherwise, strict=True) if at >= change],
            len(events),
        ),
        dispersion=float(plain.pearson_chi2 / plain.df_resid),
        durbin_watson=float(durbin_watson(plain.resid_pearson)),
    )


def _design(places: np.ndarray, change: int, harmonics: int, *, slope: bool) -> np.ndarray:
    after = (places >= change).astype(float)
    columns = [np.ones(len(places)), places + 1.0, after]
    if slope:
        columns.append(after * (places - change))
    for order in range(1, harmonics + 1):
        angle = 2 * pi * order * (places + 1) / MONTHS
        columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)


def _ratio(log_ratio: float, error: float, z: float) -> Estimate:
    if not np.isfinite([log_ratio, error]).all():
        return missing(Reason.NOT_FITTED)
    return Estimate(exp(log_ratio), exp(log_ratio - z * error), exp(log_ratio + z * error))


def _placed(places: Sequence[int], numbers: Sequence[float], length: int) -> tuple[float | None, ...]:
    found: list[float | None] = [None] * length
    for at, number in zip(places, numbers, strict=True):
        found[at] = float(number)
    return tuple(found)
