"""Stretches of whole months that figures are asked for: a month, a quarter, a financial or a calendar year."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_CODE = re.compile(r"([12]\d{3})(?:-(fy)|-(0[1-9]|1[0-2])(-q)?)?", re.ASCII)


class Span(StrEnum):
    """How long a period is."""

    MONTH = "month"
    QUARTER = "quarter"
    FINANCIAL_YEAR = "financial year"
    CALENDAR_YEAR = "calendar year"

    @property
    def months(self) -> int:
        return {Span.MONTH: 1, Span.QUARTER: 3}.get(self, 12)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """`first` is the first day of its first month."""

    first: date
    span: Span

    @property
    def code(self) -> str:
        """As it stands in an address: `2025-09`, `2025-07-q`, `2025-fy`, `2025`."""
        if self.span is Span.FINANCIAL_YEAR:
            return f"{self.first.year}-fy"
        if self.span is Span.CALENDAR_YEAR:
            return f"{self.first.year}"
        return f"{self.first:%Y-%m}" + ("-q" if self.span is Span.QUARTER else "")

    @property
    def words(self) -> str:
        """As it stands in a sentence: `September 2025`, `July to September 2025`, `April 2025 to March 2026`, `2025`."""
        last = self.months[-1]
        if self.span is Span.MONTH:
            return f"{self.first:%B %Y}"
        if self.span is Span.QUARTER:
            return f"{self.first:%B} to {last:%B %Y}"
        return f"{self.first:%B %Y} to {last:%B %Y}" if self.span is Span.FINANCIAL_YEAR else f"{self.first.year}"

    @property
    def months(self) -> tuple[date, ...]:
        return tuple(months_on(self.first, place) for place in range(self.span.months))

    @property
    def end(self) -> date:
        """The first day after it."""
        return months_on(self.first, self.span.months)

    @property
    def before(self) -> "Period":
        """The same stretch a year earlier."""
        return Period(months_on(self.first, -12), self.span)

    def holds(self, month: date) -> bool:
        return self.first <= month < self.end


def months_on(month: date, number: int) -> date:
    """The first day of the month so many months later."""
    years, place = divmod(month.year * 12 + month.month - 1 + number, 12)
    return date(years, place + 1, 1)


def parsed(code: str) -> Period:
    """The period that a code names. Raises ValueError for anything else."""
    found = _CODE.fullmatch(code)
    if found is None:
        raise ValueError("this is no period")
    year, financial, month, quarter = int(found[1]), found[2], found[3], found[4]
    if month is not None:
        return containing(date(year, int(month), 1), Span.QUARTER if quarter else Span.MONTH)
    return Period(date(year, 4, 1), Span.FINANCIAL_YEAR) if financial else Period(date(year, 1, 1), Span.CALENDAR_YEAR)


def containing(day: date, span: Span) -> Period:
    """The period of that length that holds a day. Financial years begin in April."""
    if span is Span.FINANCIAL_YEAR:
        return Period(date(day.year if day.month >= 4 else day.year - 1, 4, 1), span)
    if span is Span.CALENDAR_YEAR:
        return Period(date(day.year, 1, 1), span)
    month = day.month - (day.month - 1) % 3 if span is Span.QUARTER else day.month
    return Period(date(day.year, month, 1), span)


def among(months: Iterable[date], span: Span) -> tuple[Period, ...]:
    """The periods of one length in which any of the months lies, the latest first."""
    return tuple(sorted({containing(month, span) for month in months}, reverse=True))
