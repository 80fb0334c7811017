"""The band in which a quartile lies, where only the number in each band is known, and perhaps only within a margin.

The quantile is the smallest value that at least that share of all do not exceed (type 1), so it always lies in one band.
"""

from collections.abc import Sequence


def quantile_band(counts: Sequence[int], share: float, margins: Sequence[int] | None = None) -> tuple[int, int] | None:
    """The first and the last band in which the quantile may lie; the same one where it is certain. `None` where nobody was counted.

    `margins[j]`: how far the true number of a band may be from `counts[j]`. Raises `ValueError` for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError("a share lies between 0 and 1")
    if not sum(counts):
        return None
    allowed = margins if margins is not None else [0] * len(counts)
    low = [max(0, count - margin) for count, margin in zip(counts, allowed, strict=True)]
    high = [count + margin for count, margin in zip(counts, allowed, strict=True)]
    places = range(len(counts))
    first = next(j for j in places if _reached(sum(high[: j + 1]), sum(low[j + 1 :]), share))
    last = next((j for j in places if _reached(sum(low[: j + 1]), sum(high[j + 1 :]), share)), len(counts) - 1)
    return first, last


def _reached(up_to: int, beyond: int, share: float) -> bool:
    return up_to > 0 and up_to >= share * (up_to + beyond) - 1e-9
