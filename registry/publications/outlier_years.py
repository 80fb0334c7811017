"""Which financial years have no cycle of outliers yet, and what each of them waits for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, false, func, literal, select, union_all

from registry.publications import case_mix, outlier_policy, reference_rates
from registry.store.outliers import outlier_cycle, reference
from registry.store.tables import trust_month

NO_POLICY = "no outlier policy has been adopted"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A year of which something is counted and which has no cycle. `why`: what it waits for; empty where it can be computed now."""

    year: date
    why: str
    reference_can_be_frozen: bool = False
    """All that is missing is the reference of the year before, and that year is final."""


def waiting(connection: Connection) -> list[Waiting]:
    """The years without a cycle, the latest first. Four questions, however many years there are."""
    standing = connection.execute(
        union_all(
            select(outlier_cycle.c.year, literal(True).label("computed")),
            select(reference.c.year, literal(False).label("computed")),
        )
    ).all()
    computed = {each.year for each in standing if each.computed}
    frozen = {each.year for each in standing if not each.computed}
    years = [year for year in case_mix.years(connection) if year not in computed]
    final = _final_months(connection)
    adopted = outlier_policy.current(connection) is not None
    return [_waiting(year, final, frozen, adopted=adopted) for year in years]


def _final_months(connection: Connection) -> Mapping[date, int]:
    """Of each financial year, by its first day, how many months are counted and may not change any more. A month of which nothing enters
    a rate is not counted."""
    c = trust_month.c
    open_still = func.coalesce(func.bool_or(c.provisional), false())
    months = connection.execute(select(c.month).group_by(c.month).having(open_still.is_(False), func.bool_or(c.enters)))
    found: dict[date, int] = {}
    for month in months.scalars():
        year = date(month.year - (month.month < 4), 4, 1)
        found[year] = found.get(year, 0) + 1
    return found


def _waiting(year: date, final: Mapping[date, int], frozen: set[date], *, adopted: bool) -> Waiting:
    before = reference_rates.before(year)
    missing = [
        f"only {final.get(one, 0)} of the 12 months of {_words(one)} are counted and final, and {for_what}"
        for one, for_what, needed in (
            (year, "a part of a year is not judged", True),
            (before, "without that year there is no reference to judge by", before not in frozen),
        )
        if needed and final.get(one, 0) < case_mix.MONTHS
    ]
    unfrozen = not missing and before not in frozen
    if unfrozen:
        missing.append(f"the reference rates of {_words(before)} are not frozen")
    if not adopted:
        missing.append(NO_POLICY)
    return Waiting(year, "; ".join(missing), unfrozen)


def _words(year: date) -> str:
    return f"April {year.year} to March {year.year + 1}"
