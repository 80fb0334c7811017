"""The worked tables of statistics.md 5.1, and the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.agreement import agreement, cohen_kappa, gwet_ac1, quadratic_weights
from registry.statistics.estimate import Reason

PARADOX = [[88, 5], [6, 1]]
THREE = [[22, 6, 2], [5, 30, 8], [1, 9, 67]]


def test_the_kappa_paradox() -> None:
    found = agreement(PARADOX)
    assert found.agreement.value == pytest.approx(0.89)
    assert (found.kappa.value, found.kappa_error) == pytest.approx((0.0953947, 0.1416723), abs=5e-8)
    assert (found.ac1.value, found.ac1_error) == pytest.approx((0.8747794, 0.0394886), abs=5e-8)
    assert (found.first, found.second, found.pairs) == ((93, 7), (94, 6), 100)


def test_three_categories() -> None:
    assert cohen_kappa(THREE) == pytest.approx((0.6629457814, 0.0530182166), abs=5e-11)
    assert gwet_ac1(THREE) == pytest.approx((0.7019803884, 0.0486802415), abs=5e-11)
    assert cohen_kappa(THREE, quadratic_weights(3))[0] == pytest.approx(0.7793630948, abs=5e-11)


def test_one_category_throughout() -> None:
    found = agreement([[40, 0], [0, 0]])
    assert (found.kappa.value, found.kappa.reason) == (None, Reason.ONE_CATEGORY)
    assert found.ac1.value == 1
    assert found.agreement.value == 1


def test_few_pairs_show_agreement_only() -> None:
    found = agreement([[10, 2], [1, 16]])
    assert found.agreement.value == pytest.approx(26 / 29)
    assert found.kappa.reason is Reason.FEW_PAIRS
    assert found.ac1.reason is Reason.FEW_PAIRS
    assert agreement([[10, 2], [1, 17]]).kappa.value is not None


def test_nobody_rated() -> None:
    assert agreement([[0, 0], [0, 0]]).agreement.reason is Reason.ZERO_DENOMINATOR
    assert cohen_kappa([[0, 0], [0, 0]]) == (None, None)
    assert gwet_ac1([[0, 0], [0, 0]]) == (None, None)


@pytest.mark.parametrize("table", [[], [[1]], [[1, 2]], [[1, 2], [3]]])
def test_a_table_must_be_square(table: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="square"):
        agreement(table)


def test_counts_are_whole_and_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        agreement([[1, -1], [0, 3]])


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3))
def test_readers_may_change_places(table: list[list[int]]) -> None:
    turned = [list(column) for column in zip(*table, strict=True)]
    assert gwet_ac1(table) == pytest.approx(gwet_ac1(turned))
    one, other = cohen_kappa(table), cohen_kappa(turned)
    assert one == (None, None) or one == pytest.approx(other, abs=1e-9)
    assert one[0] is None or -1 - 1e-9 <= one[0] <= 1 + 1e-9
