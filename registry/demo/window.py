"""Months and the time that the demonstration covers."""

from dataclasses import dataclass
from datetime import date, timedelta


def months_after(month: date, count: int) -> date:
    """The first day of the month `count` months later; earlier where it is negative."""
    place = month.year * 12 + month.month - 1 + count
    return date(place // 12, place % 12 + 1, 1)


def last_day(month: date) -> date:
    return months_after(month, 1) - timedelta(days=1)


def between(first: date, last: date) -> tuple[date, ...]:
    """The months from one to another, both included; none where the last is before the first."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return tuple(months_after(first, place) for place in range(count))


@dataclass(frozen=True, slots=True)
class Window:
    """The months of admission that are sent, up to the last whole one before the day `on` of sending."""

    months: int
    on: date

    @property
    def last(self) -> date:
        return months_after(self.on.replace(day=1), -1)

    @property
    def first(self) -> date:
        return months_after(self.last, 1 - self.months)

    def age(self, month: date) -> int:
        """How many months a month lies before the last one, which is 0."""
        return (self.last.year - month.year) * 12 + self.last.month - month.month


def financial_years(first: date, last: date) -> tuple[date, ...]:
    """The first days of the financial years that hold the months from one to another."""
    begin = first.year if first.month >= 4 else first.year - 1
    end = last.year if last.month >= 4 else last.year - 1
    return tuple(date(year, 4, 1) for year in range(begin, end + 1))
