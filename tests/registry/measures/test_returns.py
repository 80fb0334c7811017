"""Numbers of organisations need no protection: shares of them are exact."""

import pytest

from registry.measures import (
    RETURNS_LATE,
    RETURNS_NIL,
    RETURNS_RECEIVED,
    RISK_ASSESSMENT_PROVIDERS,
    Counts,
    ExactCounts,
    together,
)
from registry.statistics.estimate import Reason


def test_returns_by_hand() -> None:
    """Two regions: 8 of 10 and 15 of 15 came; 2 of 20 timed ones late; 3 of 240 of a year nil."""
    one = Counts(
        numbers={"returns_due": 10, "returns_in": 8, "returns_partial": 1, "returns_timed": 7, "returns_late": 2}
    )
    other = Counts(
        numbers={"returns_due": 15, "returns_in": 15, "returns_partial": 0, "returns_timed": 13, "returns_late": 0}
    )
    received = RETURNS_RECEIVED.figure(together([one, other]))
    assert received.estimate.value == pytest.approx(23 / 25)
    assert received.estimate.lower is None
    assert [(each.code, each.number.words) for each in received.further] == [("returns_partial", "1")]
    late = RETURNS_LATE.figure(together([one, other]))
    assert late.estimate.value == pytest.approx(0.1)
    assert (late.top.words, late.bottom.words) == ("2", "20")
    nil = RETURNS_NIL.figure(Counts(numbers={"year_returns_in": 240, "year_returns_nil": 3}))
    assert nil.estimate.value == pytest.approx(0.0125)


def test_providers_at_target_as_published_for_one_quarter() -> None:
    """120 of 216 providers (domain.md 4): 55.6%."""
    figure = RISK_ASSESSMENT_PROVIDERS.figure(
        Counts(numbers={"quarter_providers": 216, "quarter_providers_at_target": 120})
    )
    assert figure.estimate.value == pytest.approx(0.5556, abs=5e-5)
    assert (figure.top.words, figure.bottom.words) == ("120", "216")


def test_nothing_due_is_no_figure() -> None:
    figure = RETURNS_RECEIVED.figure(Counts(numbers={"returns_due": 0, "returns_in": 0}))
    assert (figure.estimate.value, figure.estimate.reason) == (None, Reason.ZERO_DENOMINATOR)
    assert RETURNS_RECEIVED.figure(Counts()).estimate.reason is Reason.BLANK
    assert RETURNS_RECEIVED.own(ExactCounts({}, 12)) is None
