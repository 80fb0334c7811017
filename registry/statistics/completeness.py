"""How complete a recent month is: completeness by delay from the reverse-time product limit, and the rule for provisional months.

Sources: statistics.md 5.2, counting.md 4.2. Recent months are cut off on the right: their late reports have not come yet. With N_j the
reports of delay j, r_j = N_j / (reports with delay of at most j, among the months where delay j can be observed), the share of all
reports that have come by delay d is F(d) = prod over j > d of (1 - r_j). It holds for delays up to the longest observed one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from registry.statistics.estimate import require_count

PROVISIONAL_DAYS = 120
COMPLETE_FROM = 0.95


def delay_triangle(
    reports: Mapping[tuple[date, int], int], months: Iterable[date], on: date
) -> tuple[tuple[int, ...], ...]:
    """One line for each month: the reports of delay 0, 1, 2 … whole months, as far as they can be observed on the day `on`.

    `reports` counts the cases by month of admission (its first day) and months until the first report. A delay is observable when its
    whole month has passed; reports of the month that is still running are left out.
    """
    return tuple(tuple(reports.get((month, delay), 0) for delay in range(_elapsed(month, on))) for month in months)


def _elapsed(month: date, on: date) -> int:
    return max(0, (on.year - month.year) * 12 + on.month - month.month)


def completeness_by_delay(triangle: Sequence[Sequence[int]]) -> tuple[float | None, ...]:
    """F(0), F(1) … up to the longest observed delay; the last is 1. `None` where no month tells anything about a longer delay.

    Refuses negative and non-integer counts.
    """
    longest = max((len(line) for line in triangle), default=0)
    curve: list[float | None] = []
    so_far: float | None = 1.0
    for delay in reversed(range(longest)):
        curve.append(so_far)
        so_far = _times(so_far, _reverse_hazard(triangle, delay))
    return tuple(reversed(curve))


def _reverse_hazard(triangle: Sequence[Sequence[int]], delay: int) -> float | None:
    observed = [line for line in triangle if len(line) > delay]
    known = sum(require_count(count, "reports") for line in observed for count in line[: delay + 1])
    return int(sum(line[delay] for line in observed)) / known if known else None


def _times(so_far: float | None, hazard: float | None) -> float | None:
    return None if so_far is None or hazard is None else so_far * (1 - hazard)


def completeness_of(month: date, on: date, curve: Sequence[float | None]) -> float | None:
    """The estimated completeness of a month on a day: F of its last whole month of delay; 0 while the month has not passed."""
    delay = _elapsed(month, on) - 1
    if delay < 0 or not len(curve):
        return 0.0 if delay < 0 else None
    return curve[min(delay, len(curve) - 1)]


def is_provisional(
    month: date,
    on: date,
    completeness: float | None,
    days: int = PROVISIONAL_DAYS,
    floor: float = COMPLETE_FROM,
) -> bool:
    """Whether a month still counts as provisional: under `days` since its last day, or not known to be complete to `floor`."""
    next_month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (on - next_month).days + 1 < days or completeness is None or completeness < floor
