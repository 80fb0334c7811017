"""The exact figures of one organisation for itself: every measure over the months that enter and are final."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from registry.disclosure.grid import Count
from registry.measures import MEASURES, CellKey, ExactCounts, Figure, Measure
from registry.publications.cells import TrustMonth, admissions_of
from registry.statistics.rates import INVESTIGATED_FLOOR


@dataclass(frozen=True, slots=True)
class Own:
    """The figures of a period by measure. `months` enter and are final of `taking_part`; `provisional` enter and may still change."""

    figures: tuple[tuple[Measure, Figure], ...]
    months: int
    provisional: int
    taking_part: int


def own_figures(rows: Iterable[TrustMonth], floor: float = INVESTIGATED_FLOOR) -> Own:
    """Every measure that is made of an organisation's own counts, over these months of it. Without a month that enters each says so."""
    known = list(rows)
    final = [row for row in known if row.final]
    counts = exact_counts(final, floor)
    made = ((measure, measure.own(counts)) for measure in MEASURES.values())
    return Own(
        tuple((measure, figure) for measure, figure in made if figure is not None),
        len(final),
        sum(row.enters and row.provisional for row in known),
        len(known),
    )


def exact_counts(rows: Iterable[TrustMonth], floor: float = INVESTIGATED_FLOOR) -> ExactCounts:
    """The sums of these months in every cell that a measure may be made of."""
    months = list(rows)
    cells: defaultdict[CellKey, int] = defaultdict(int)
    for row in months:
        for (split, category), number in row.own.items():
            cells[CellKey(Count.HAT_CASES, split, category)] += number
    for (split, category), number in admissions_of(months).items():
        cells[CellKey(Count.ADMISSIONS, split, category)] = number
    return ExactCounts(cells, len(months), floor)
