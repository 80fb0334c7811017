"""King's published triple held against itself (statistics.md 4.2), and the edges."""

import pytest

from registry.statistics.claims import check_ratio


def test_kings_triple_cannot_belong_together() -> None:
    found = check_ratio(0.88, lower=0.74, upper=0.98, p=0.014, events=425)
    assert found.centre == pytest.approx(0.852, abs=5e-4)
    assert found.p_of_interval == pytest.approx(0.074, abs=5e-4)
    assert found.interval_of_p is not None
    assert (found.interval_of_p.lower, found.interval_of_p.upper) == pytest.approx((0.795, 0.974), abs=6e-4)
    assert found.least_error == pytest.approx(0.0970, abs=5e-5)
    assert found.narrowest is not None
    assert (found.narrowest.lower, found.narrowest.upper) == pytest.approx((0.728, 1.064), abs=5e-4)
    assert found.narrower_than_possible


def test_a_claim_that_holds() -> None:
    """Plymouth's recomputed Wald interval: its middle is the ratio, and it is wide enough for its 393 events."""
    found = check_ratio(0.707, lower=0.5795, upper=0.8625, events=393)
    assert found.centre == pytest.approx(0.707, abs=5e-4)
    assert not found.narrower_than_possible


def test_parts_that_are_not_given_say_nothing() -> None:
    found = check_ratio(1.0, p=0.5)
    assert (found.centre, found.interval_of_p, found.narrowest) == (None, None, None)


@pytest.mark.parametrize(
    "given",
    [{"ratio": 0}, {"ratio": 1, "lower": 2, "upper": 1}, {"ratio": 1, "p": 1}, {"ratio": 1, "events": 1},
     {"ratio": 1, "lower": -1}],
)  # fmt: skip
def test_what_is_no_claim_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"ratio|p lies"):
        check_ratio(**given)  # type: ignore[arg-type] # the parameters are parametrized
