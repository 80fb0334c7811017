"""Exact aggregates as rates with their limits: for an organisation about itself, and for the nation's analysts. Never public.

A period has the months that enter it, top and bottom; a year leaves out provisional months, as every total does.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, select

from registry.publications.cells import TOTAL, Organisation, TrustMonth, year_months
from registry.publications.exact import read_months, read_organisations
from registry.statistics.estimate import Estimate
from registry.statistics.rates import Share, rate, share_with_bounds
from registry.store.tables import trust_month

OVERNIGHT = ("stay", "overnight")


@dataclass(frozen=True, slots=True)
class Exact:
    """One organisation's month or year. `held` is what is held for it, whether or not the months enter; `pending` cases are in no
    figure of its own. `months` is how many enter of `of`."""

    organisation: Organisation
    start: date
    months: int
    of: int
    provisional: bool
    cases: int
    admissions: int
    overnight_cases: int
    overnight_admissions: int
    held: int
    pending: int
    preventable: Share

    @property
    def rate(self) -> Estimate:
        """Cases per 1,000 admissions."""
        return rate(self.cases, self.admissions)

    @property
    def overnight_rate(self) -> Estimate:
        """Overnight cases per 1,000 overnight admissions."""
        return rate(self.overnight_cases, self.overnight_admissions)

    @property
    def outside(self) -> int:
        """Cases held that are in no rate, because their months do not enter."""
        return self.held - self.cases


def months(rows: Iterable[TrustMonth]) -> list[Exact]:
    """Every month by itself, provisional ones too."""
    return [_exact([row], [row], row.month, 1) for row in rows]


def financial_years(rows: Iterable[TrustMonth]) -> list[Exact]:
    """By financial year, without provisional months."""
    return _years(rows, lambda month: date(month.year if month.month >= 4 else month.year - 1, 4, 1))


def calendar_years(rows: Iterable[TrustMonth]) -> list[Exact]:
    """By calendar year, without provisional months."""
    return _years(rows, lambda month: date(month.year, 1, 1))


def _years(rows: Iterable[TrustMonth], start_of: Callable[[date], date]) -> list[Exact]:
    grouped: defaultdict[tuple[Organisation, date], list[TrustMonth]] = defaultdict(list)
    for row in rows:
        grouped[row.organisation, start_of(row.month)].append(row)
    return [
        _exact([row for row in inside if not row.provisional], inside, start, len(year_months(date(start.year, 4, 1))))
        for (_, start), inside in grouped.items()
    ]


def _exact(counted: list[TrustMonth], every: list[TrustMonth], start: date, of: int) -> Exact:
    inside = [row for row in counted if row.enters]
    split = {
        category: _cases(inside, ("preventability", category))
        for category in ("preventable", "not_preventable", "not_investigated")
    }
    return Exact(
        organisation=every[0].organisation,
        start=start,
        months=len(inside),
        of=of,
        provisional=any(row.provisional for row in every),
        cases=_cases(inside, (TOTAL, TOTAL)),
        admissions=sum(row.admissions for row in inside),
        overnight_cases=_cases(inside, OVERNIGHT),
        overnight_admissions=sum(row.overnight for row in inside),
        held=_cases(counted, (TOTAL, TOTAL)),
        pending=sum(row.pending for row in counted),
        preventable=share_with_bounds(split["preventable"], split["not_preventable"], split["not_investigated"]),
    )


def _cases(rows: list[TrustMonth], key: tuple[str, str]) -> int:
    return sum(row.own.get(key, 0) for row in rows)


def read(connection: Connection) -> list[TrustMonth]:
    """The exact months that this role may see, by organisation and month: under `hat_app` the tenants' own, under `hat_national` all."""
    found = read_months(connection, read_organisations(connection))
    return sorted(found, key=lambda row: (row.organisation.name, row.organisation.id, row.month))


def last_counted(rows: Iterable[TrustMonth]) -> datetime | None:
    """When the newest of some months was counted; `None` where there is none."""
    return max((row.counted_at for row in rows if row.counted_at is not None), default=None)


def counted_at(connection: Connection) -> datetime | None:
    """When the counts were made; `None` before the first time."""
    found: datetime | None = connection.scalar(select(func.max(trust_month.c.counted_at)))
    return found
