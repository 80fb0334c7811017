"""Intervals: what one published number says about its true count. The only part of the audit that depends on the scheme of protection.

Each gives the smallest and the largest true count, both possible. Source: statistics.md 6.1 and 6.4.
"""

from registry.disclosure.rounding import BASE

Interval = tuple[int, int]
SPREAD = BASE - 1
SMALL = 7  # the largest count that the HES rule hides


def rounded(value: int) -> Interval:
    """To an outsider: random rounding to base 5 is at most 4 away."""
    if value < 0 or value % BASE:
        raise ValueError("a rounded cell is a multiple of 5, and not negative")
    return max(0, value - SPREAD), value + SPREAD


def known_additions(turning: int) -> Interval:
    """To an insider who found n + U = `turning`: the offset alone is not known."""
    return max(0, turning - SPREAD), turning


def exact(value: int) -> Interval:
    return value, value


def hes(value: int | None) -> Interval:
    """The rule of Hospital Episode Statistics: `None` is the star of 1 to 7, 0 is 0, anything else the nearest 5."""
    if value is None:
        return 1, SMALL
    return (0, 0) if value == 0 else (max(SMALL + 1, value - 2), value + 2)


def midpoint_6(value: int) -> Interval:
    """Nought stays; else the middle of 1 to 6, 7 to 12 and so on: 3, 9, 15 …"""
    return (0, 0) if value == 0 else (value - 2, value + 3)


def flagged(critical: int, ceiling: int) -> Interval:
    """An outlier flag: the true count reached the critical value. `ceiling` is anything that no count exceeds."""
    return critical, ceiling


def unflagged(critical: int) -> Interval:
    """No outlier flag: the true count stayed below the critical value."""
    return 0, critical - 1
