"""How far two readers of the same cases agree: percent, Cohen's kappa and Gwet's AC1, always all three beside the margins.

Source: statistics.md 5.1. Kappa alone misleads where nearly all cases are judged alike. `table[i][j]` counts the cases that the first
reader put into category i and the second into category j.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from registry.statistics.estimate import Estimate, Reason, missing, require_count
from registry.statistics.rates import proportion, z_value

PAIRS_FROM = 30


@dataclass(frozen=True, slots=True)
class Agreement:
    """`pairs` cases read twice; the share in which both agree; kappa and AC1 (-1 to 1) with standard errors; both readers' margins."""

    pairs: int
    agreement: Estimate
    kappa: Estimate
    kappa_error: float | None
    ac1: Estimate
    ac1_error: float | None
    first: tuple[int, ...]
    second: tuple[int, ...]


def agreement(table: Sequence[Sequence[int]], *, confidence: float = 0.95) -> Agreement:
    """All figures of one square table. Below 30 cases read twice only the percent agreement. Raises `ValueError` if it is not square."""
    size, pairs = _size(table)
    first = tuple(int(sum(row)) for row in table)
    second = tuple(int(sum(column)) for column in zip(*table, strict=True))
    share = proportion(sum(int(table[i][i]) for i in range(size)), pairs, confidence=confidence)
    if pairs < PAIRS_FROM:
        few = missing(Reason.FEW_PAIRS)
        return Agreement(pairs, share, few, None, few, None, first, second)
    kappa, kappa_error = cohen_kappa(table)
    ac1, ac1_error = gwet_ac1(table)
    return Agreement(
        pairs,
        share,
        _with_limits(kappa, kappa_error, confidence),
        kappa_error,
        _with_limits(ac1, ac1_error, confidence),
        ac1_error,
        first,
        second,
    )


def _size(table: Sequence[Sequence[int]]) -> tuple[int, int]:
    size = len(table)
    if size < 2 or any(len(row) != size for row in table):
        raise ValueError("a table of agreement is square, of two or more categories")
    return size, sum(require_count(count, "pairs") for row in table for count in row)


def _with_limits(value: float | None, error: float | None, confidence: float) -> Estimate:
    if value is None:
        return missing(Reason.ONE_CATEGORY)
    if error is None:
        return Estimate(value)
    width = z_value(confidence) * error
    return Estimate(value, max(-1.0, value - width), min(1.0, value + width))


def cohen_kappa(
    table: Sequence[Sequence[int]], weights: Sequence[Sequence[float]] | None = None
) -> tuple[float | None, float | None]:
    """Kappa and its large-sample standard error (Fleiss, Cohen and Everitt); `weights` from `quadratic_weights` for ordered categories.

    `(None, None)` where nobody was rated, or both readers put everything into one category: 0/0.
    """
    size, pairs = _size(table)
    if not pairs:
        return None, None
    weight = weights if weights is not None else [[float(i == j) for j in range(size)] for i in range(size)]
    p = [[count / pairs for count in row] for row in table]
    rows = [sum(row) for row in p]
    columns = [sum(column) for column in zip(*p, strict=True)]
    places = [(i, j) for i in range(size) for j in range(size)]
    observed = sum(weight[i][j] * p[i][j] for i, j in places)
    chance = sum(weight[i][j] * rows[i] * columns[j] for i, j in places)
    if 1 - chance <= 1e-12:
        return None, None
    of_row = [sum(weight[i][j] * columns[j] for j in range(size)) for i in range(size)]
    of_column = [sum(weight[i][j] * rows[i] for i in range(size)) for j in range(size)]
    spread = sum(
        p[i][j] * (weight[i][j] * (1 - chance) - (of_row[i] + of_column[j]) * (1 - observed)) ** 2 for i, j in places
    )
    middle = (observed * chance - 2 * chance + observed) ** 2
    variance = max(0.0, (spread - middle) / (pairs * (1 - chance) ** 4))
    return (observed - chance) / (1 - chance), sqrt(variance)


def quadratic_weights(categories: int) -> list[list[float]]:
    """1 for the same category, falling with the square of the distance, 0 for the farthest."""
    if categories < 2:
        raise ValueError("weights need two or more categories")
    return [[1 - ((i - j) / (categories - 1)) ** 2 for j in range(categories)] for i in range(categories)]


def gwet_ac1(table: Sequence[Sequence[int]]) -> tuple[float | None, float | None]:
    """AC1 and its standard error (Gwet 2008, over cases, as irrCAC gives it); `(None, None)` where nobody was rated. One category throughout gives 1."""
    size, pairs = _size(table)
    if not pairs:
        return None, None
    p = [[count / pairs for count in row] for row in table]
    shares = [(sum(p[i]) + sum(row[i] for row in p)) / 2 for i in range(size)]
    observed = sum(p[i][i] for i in range(size))
    chance = sum(share * (1 - share) for share in shares) / (size - 1)
    value = (observed - chance) / (1 - chance)
    squares = 0.0
    for i in range(size):
        for j in range(size):
            expected = ((1 - shares[i]) + (1 - shares[j])) / 2 / (size - 1)
            own = (float(i == j) - chance) / (1 - chance)
            moved = own - 2 * (1 - value) * (expected - chance) / (1 - chance)
            squares += table[i][j] * (moved - value) ** 2
    return value, sqrt(squares) / pairs
