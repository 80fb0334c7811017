"""Drawing from a seeded generator, whole columns at a time."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_BODIES = 1_000_000


def draw(rng: np.random.Generator, count: int, weights: Mapping[str | None, float]) -> pl.Series:
    """A column of the keys, each as often as its weight says; `None` is an empty cell."""
    shares = np.array(list(weights.values()), dtype=np.float64)
    places = rng.choice(len(shares), size=count, p=shares / shares.sum())
    return pl.Series(list(weights), dtype=pl.String).gather(places)


def draw_by(
    rng: np.random.Generator, groups: pl.Series, weights: Mapping[str, Mapping[str | None, float]]
) -> pl.Series:
    """As `draw`, with the weights of each row's group. Every group that occurs must have its weights."""
    frame = pl.DataFrame({"group": groups})
    drawn = {group: draw(rng, groups.len(), shares) for group, shares in weights.items()}
    chosen = pl.coalesce(pl.when(pl.col("group") == group).then(column) for group, column in drawn.items())
    return frame.select(chosen.alias("drawn")).to_series()


def happens(rng: np.random.Generator, count: int, share: float | Floats) -> Bools:
    """True for about `share` of the rows."""
    return rng.random(count) < share


def days_about(rng: np.random.Generator, count: int, median: float | Floats, spread: float, most: int) -> Ints:
    """Whole days, log-normal about a median, from 0 to `most`."""
    days = np.exp(np.log(median) + spread * rng.standard_normal(count))
    return np.minimum(days.astype(np.int64), most)


def invented_nhs_numbers(rng: np.random.Generator, count: int) -> pl.Series:
    """As many different numbers that begin with 999 and carry a right check digit. There are about 909,000.

    The check digit is 11 less the remainder of the weighted sum by 11, where 11 stands for 0 and a 10 is never issued.
    """
    bodies = np.arange(_BODIES)
    sums = np.full(_BODIES, 9 * (10 + 9 + 8))
    for place, weight in enumerate(range(7, 1, -1)):
        sums += weight * (bodies // 10 ** (5 - place) % 10)
    check = -sums % 11
    valid = 9_990_000_000 + bodies[check < 10] * 10 + check[check < 10]
    return pl.Series(rng.choice(valid, size=count, replace=False)).cast(pl.String)
