"""Cells that count the same months of the same trusts: one quantity under several names, which has to be drawn once only.

A year of which one month is final is that month; a region's month for which one trust returned is that trust's. Drawn twice, with two
offsets, such a number would have fewer candidates (statistics.md 6.3, item 6). So the offset goes with what is counted: it is that of the
narrowest of these cells, a trust's before a region's, a month's before a year's, for as long as they count the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from registry.disclosure.grid import GeographyKind, Period, PeriodKind, financial_year, month
from registry.publications.cells import TRUST_KINDS, Entry, TrustMonth

Place = tuple[GeographyKind, str, Period]
Contents = frozenset[tuple[str, date]]
_ORDER = [
    (GeographyKind.TRUST, PeriodKind.MONTH),
    (GeographyKind.TRUST, PeriodKind.FINANCIAL_YEAR),
    (GeographyKind.REGION, PeriodKind.MONTH),
    (GeographyKind.REGION, PeriodKind.FINANCIAL_YEAR),
]


def shared_offsets(found: Iterable[Entry], months: Iterable[TrustMonth]) -> dict[str, str]:
    """For each cell that has the offset of another, the name of that other."""
    contents = _contents(months)
    alike: defaultdict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for entry in found:
        cell = entry.cell
        inside = contents.get((cell.geography.kind, cell.geography.code, cell.period))
        if entry.count is not None and inside:
            alike[inside, cell.count, cell.split, cell.category].append(entry)
    shared: dict[str, str] = {}
    for group in alike.values():
        first, *others = sorted(group, key=_rank)
        shared |= {other.cell.id: first.cell.id for other in others}
    return shared


def _rank(entry: Entry) -> int:
    return _ORDER.index((entry.cell.geography.kind, entry.cell.period.kind))


def _contents(months: Iterable[TrustMonth]) -> Mapping[Place, Contents]:
    """What each place and period counts: the months of trusts that enter, in a trust's year the final ones of them."""
    held: defaultdict[Place, set[tuple[str, date]]] = defaultdict(set)
    for row in months:
        own = row.organisation
        if not row.enters or own.kind not in TRUST_KINDS:
            continue
        places: list[Place] = [(GeographyKind.TRUST, own.code, month(row.month))]
        if row.final:
            places.append((GeographyKind.TRUST, own.code, financial_year(row.month)))
        if own.region_code:
            places += [(GeographyKind.REGION, own.region_code, of(row.month)) for of in (month, financial_year)]
        for place in places:
            held[place].add((own.code, row.month))
    return {place: frozenset(inside) for place, inside in held.items()}
