"""The worked numbers of statistics.md 1.3 and 1.4, and the edges."""

import pytest

from registry.statistics.estimate import Reason
from registry.statistics.standardisation import direct_rate, expected_count, standardised_ratio


@pytest.mark.parametrize(
    ("observed", "expected", "ratio", "limits", "wide"),
    [
        (64, 52.97212492, 1.208182607, (0.930401331, 1.542846913), (0.794232485, 1.752047618)),
        (5, 6.671047647, 0.749507463, (0.243363033, 1.749100396), (0.110832926, 2.466590867)),
        (144, 78.75475535, 1.828461016, (1.542000826, 2.152689312), (1.393325157, 2.350242149)),
        (0, 0.311716247, 0, (0, 11.834094258), (0, 22.160395345)),
    ],
)
def test_worked_ratios(
    observed: int, expected: float, ratio: float, limits: tuple[float, float], wide: tuple[float, float]
) -> None:
    found = standardised_ratio(observed, expected)
    wider = standardised_ratio(observed, expected, confidence=0.998)
    assert found.value == pytest.approx(ratio, rel=1e-8)
    assert (found.lower, found.upper) == pytest.approx(limits, rel=1e-8)
    assert (wider.lower, wider.upper) == pytest.approx(wide, rel=1e-8)


def test_expected_counts_are_sums_of_reference_rates() -> None:
    assert expected_count([100, 0, 50], [10, 4, 1], [1000, 0, 200]) == pytest.approx(1.25)
    assert expected_count([], [], []) == 0


def test_a_stratum_without_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="merge it"):
        expected_count([3], [0], [0])
    with pytest.raises(ValueError, match=r"zip\(\)"):
        expected_count([3], [0, 1], [10, 20])


def test_nothing_expected_has_a_reason() -> None:
    assert standardised_ratio(0, 0).reason is Reason.NOTHING_EXPECTED
    assert standardised_ratio(2, 0).reason is Reason.EVENTS_WITHOUT_POPULATION
    assert standardised_ratio(2, 0).value is None
    with pytest.raises(ValueError, match="0 or more"):
        standardised_ratio(2, float("nan"))


def test_a_direct_rate_on_its_own_population_is_the_crude_one() -> None:
    found = direct_rate([30, 70], [1000, 4000], [1000, 4000])
    assert found.value == pytest.approx(20)
    assert found.lower == pytest.approx(16.27, abs=0.01)  # Byar's limits of 100: 81.36 and 121.63
    assert found.upper == pytest.approx(24.33, abs=0.01)


def test_a_direct_rate_weighs_its_strata() -> None:
    assert direct_rate([10, 10], [1000, 500], [1, 3]).value == pytest.approx((10 + 3 * 20) / 4)
    assert direct_rate([10, 10], [1000, 500], [100, 300]).upper == pytest.approx(
        direct_rate([10, 10], [1000, 500], [1, 3]).upper
    )


def test_few_events_and_empty_strata_give_no_direct_rate() -> None:
    assert direct_rate([4, 5], [100, 100], [1, 1]).reason is Reason.FEW_EVENTS
    assert direct_rate([40, 0], [100, 0], [1, 1]).reason is Reason.ZERO_DENOMINATOR
    assert direct_rate([40, 0], [100, 0], [1, 0]).value == pytest.approx(400)
    with pytest.raises(ValueError, match="empty"):
        direct_rate([40], [100], [0])
    with pytest.raises(ValueError, match="0 or more"):
        direct_rate([40], [100], [-1])
