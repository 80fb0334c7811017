"""Monthly series for evaluations: of exact counts, for a trust about itself and for the nation's analysts; of rounded cells, for anybody.

A month that does not enter, or that may still change, is in no calculation and says so. Where several places are together, a month counts
those that enter it; `same` keeps to those that enter in every final month, so that nobody joins or leaves.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from registry.measures import CellKey, Counts
from registry.publications.cells import TOTAL, TrustMonth
from registry.statistics.evaluation import Observed

OVERNIGHT = ("stay", "overnight")
ALL = (TOTAL, TOTAL)
PROVISIONAL, NO_RETURN = "provisional", "no complete return"


def of_months(
    rows: Iterable[TrustMonth], *, overnight: bool, nation: bool = False, same: bool = False
) -> list[Observed]:
    """The series of one or several organisations on exact counts. `nation`: each event once, as the nation counts."""
    held = list(rows)
    if same:
        steady = _throughout(held)
        held = [row for row in held if row.organisation.id in steady]
    grouped: defaultdict[date, list[TrustMonth]] = defaultdict(list)
    for row in held:
        grouped[row.month].append(row)
    return [_month(month, inside, overnight=overnight, nation=nation) for month, inside in sorted(grouped.items())]


def _month(month: date, rows: list[TrustMonth], *, overnight: bool, nation: bool) -> Observed:
    inside = [row for row in rows if row.enters]
    key = OVERNIGHT if overnight else ALL
    events = sum((row.nation if nation else row.own).get(key, 0) for row in inside)
    population = sum(row.overnight if overnight else row.admissions for row in inside)
    why = PROVISIONAL if any(row.provisional for row in inside) else "" if inside else NO_RETURN
    return Observed(month, events, population, why, contributors=len(inside))


def _throughout(rows: list[TrustMonth]) -> set[int]:
    """Who enters in every month in which anybody does and that is final."""
    final = {row.month for row in rows if row.enters} - {row.month for row in rows if row.provisional}
    entered: defaultdict[int, set[date]] = defaultdict(set)
    for row in rows:
        if row.enters:
            entered[row.organisation.id].add(row.month)
    return {who for who, months in entered.items() if final <= months}


def of_cells(series: Mapping[date, Counts], top: CellKey, bottom: CellKey) -> list[Observed]:
    """The series of one area on rounded cells."""
    return [_rounded(month, counts, top, bottom) for month, counts in sorted(series.items())]


def _rounded(month: date, counts: Counts, top: CellKey, bottom: CellKey) -> Observed:
    events, population = counts.cell(top), counts.cell(bottom)
    who = counts.numbers.get("trusts")
    if events.rounded is None or population.rounded is None:
        return Observed(month, 0, 0, events.words if events.rounded is None else population.words, contributors=who)
    why = PROVISIONAL if counts.provisional else ""
    return Observed(month, events.rounded, population.rounded, why, events.cells, events.least, who)
