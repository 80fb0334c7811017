"""The result of every statistic: a number with its limits, or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum
from operator import index
from typing import SupportsIndex

LARGEST = 2**53
"""Up to here every whole number has a float of its own; no count of people comes near."""


class Reason(StrEnum):
    """Why a value or its interval is not given. The text is stable: it is published beside the blank."""

    ZERO_DENOMINATOR = "zero denominator"
    NO_INTERVAL = "count below 20: no interval"
    FEW_EVENTS = "fewer than 10"
    SMALL_DENOMINATOR = "denominator below 20"
    NOT_INVESTIGATED = "too few investigated"
    BLANK = "no figure to calculate from"
    NOTHING_EXPECTED = "nothing expected"
    EVENTS_WITHOUT_POPULATION = "events where the denominator has nobody"
    FEW_POINTS = "not enough data"
    NO_SPREAD = "no variation to compare with"
    ONE_CATEGORY = "one category throughout"
    FEW_PAIRS = "fewer than 30 rated twice"
    NO_OVERLAP = "no case is in both sources"
    DEPENDENT = "not reached by enough cases"
    NOT_FITTED = "the calculation comes to no end on these numbers"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its lower and upper limit; each is `None` where it is undefined, with the reason. Never NaN or infinite."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    reason: Reason | None = None


def missing(reason: Reason) -> Estimate:
    """An estimate without value, for the given reason."""
    return Estimate(None, None, None, reason)


def require_count(number: SupportsIndex, name: str) -> int:
    """`number` as an `int`, if it is a whole number of 0 or more; those of numpy's arrays are too.

    Raises `TypeError` for anything but an integer (also `bool` and 3.0), `ValueError` for a negative one and one beyond 2^53. The
    number itself is not in the message: it may be an unprotected count.
    """
    if isinstance(number, bool):
        raise TypeError(f"{name} must be a whole number")
    try:
        count = index(number)
    except TypeError:
        raise TypeError(f"{name} must be a whole number") from None
    if count < 0:
        raise ValueError(f"{name} must not be negative")
    if count > LARGEST:
        raise ValueError(f"{name} is larger than any count")
    return count
