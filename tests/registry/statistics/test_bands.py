"""Quartiles of banded times."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.bands import quantile_band


@pytest.mark.parametrize(
    ("counts", "share", "band"),
    [([1, 1, 1, 1], 0.5, 1), ([1, 1, 1], 0.5, 1), ([0, 0, 5], 0.25, 2), ([3, 1], 0.75, 0), ([3, 1], 0.76, 1)],
)
def test_by_hand(counts: list[int], share: float, band: int) -> None:
    assert quantile_band(counts, share) == (band, band)


def test_nobody_has_no_median_and_a_share_is_one() -> None:
    assert quantile_band([0, 0], 0.5) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_band([1], 1.0)


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=6), st.sampled_from([0.25, 0.5, 0.75]), st.randoms(use_true_random=False)
)  # fmt: skip
def test_the_band_holds_the_true_quantile_whatever_rounding_did(
    counts: list[int], share: float, chance: Random
) -> None:
    """The band of numpy's inverse of the distribution function, for true counts up to 4 away from those that are known."""
    if not sum(counts):
        return
    known = [max(0, count + chance.randint(-4, 4)) for count in counts]
    values = np.repeat(np.arange(len(counts)), counts)
    truth = int(np.quantile(values, share, method="inverted_cdf"))
    assert quantile_band(counts, share) == (truth, truth)
    found = quantile_band(known, share, [4] * len(known))
    assert found is None or found[0] <= truth <= found[1]
