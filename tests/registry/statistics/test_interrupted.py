"""Interrupted time series: what was put into a series is found again, with errors that another calculation gives too."""

from math import exp, log

import numpy as np
import pytest

from registry.statistics.estimate import Reason
from registry.statistics.interrupted import interrupted


def series(level: float, slope: float) -> tuple[list[int], list[float]]:
    """48 months without chance: 8,000 admissions a month at 50 per 1,000, changed after 24."""
    people = [8000.0 + 40 * (at % 5) for at in range(48)]
    rates = [0.05 * exp(-0.003 * at) * (level * exp(log(slope) * (at - 24)) if at >= 24 else 1) for at in range(48)]
    return [round(n * r) for n, r in zip(people, rates, strict=True)], people


def test_what_was_put_in_is_found() -> None:
    events, people = series(0.8, 0.99)
    found = interrupted(events, people, 24)
    assert found.level is not None
    assert found.slope is not None
    assert found.level.ratio.value == pytest.approx(0.8, abs=0.005)
    assert found.slope.ratio.value == pytest.approx(0.99, abs=0.001)
    assert found.dispersion is not None
    assert found.dispersion < 0.05
    assert found.counterfactual[:24] == (None,) * 24
    assert (found.counterfactual[40] or 0) > (found.expected[40] or 0)


def test_the_errors_are_those_of_the_information_matrix() -> None:
    events, people = series(0.8, 0.99)
    found = interrupted(events, people, 24)
    assert found.level is not None
    at = np.arange(48)
    after = (at >= 24).astype(float)
    design = np.column_stack([np.ones(48), at + 1.0, after, after * (at - 24)])
    mu = np.array(found.expected, dtype=float)
    covariance = np.linalg.inv(design.T @ (design * mu[:, None]))
    assert found.level.poisson_error == pytest.approx(float(np.sqrt(covariance[2, 2])), rel=1e-6)
    assert found.dispersion is not None
    assert found.level.quasi_error == pytest.approx(found.level.poisson_error * found.dispersion**0.5, rel=1e-6)


def test_a_level_alone_and_a_phase_in() -> None:
    events, people = series(0.7, 1.0)
    found = interrupted(events, people, 24, slope=False, phase_in=range(24, 27))
    assert found.slope is None
    assert found.level is not None
    assert found.level.ratio.value == pytest.approx(0.7, abs=0.02)
    assert found.expected[25] is None


def test_seasons_are_taken_out() -> None:
    events, people = series(0.8, 1.0)
    waves = [round(count * (1 + 0.2 * np.sin(2 * np.pi * at / 12))) for at, count in enumerate(events)]
    plain, seasonal = interrupted(waves, people, 24), interrupted(waves, people, 24, harmonics=2)
    assert plain.dispersion is not None
    assert seasonal.dispersion is not None
    assert seasonal.dispersion < plain.dispersion / 5


def test_too_little_gives_a_reason() -> None:
    assert interrupted([5] * 23, [100.0] * 23, 12).reason is Reason.FEW_POINTS
    assert interrupted([0] * 12 + [5] * 12, [100.0] * 24, 12).reason is Reason.FEW_EVENTS
    assert interrupted([5] * 24, [0.0] + [100.0] * 23, 12).reason is Reason.FEW_POINTS
    for events, change in (([5] * 24, 0), ([5] * 24, 24), ([5] * 23, 3)):
        with pytest.raises(ValueError, match="series"):
            interrupted(events, [100.0] * 24, change)
