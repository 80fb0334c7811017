"""What figures are made of: the published cells of one place and period, or the exact counts of one organisation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from registry.disclosure.grid import Count, Split
from registry.disclosure.protected import ProtectedCount, State, blank, total
from registry.statistics.rates import INVESTIGATED_FLOOR

TOTAL = "total"


class CellKey(NamedTuple):
    """What a cell counts, whatever its place and period. A tuple, since a page looks up tens of thousands of them."""

    quantity: Count
    split: str = TOTAL
    category: str = TOTAL


def cases(split: Split, *categories: str) -> tuple[CellKey, ...]:
    """The cells of cases in these categories of a split."""
    return tuple(CellKey(Count.HAT_CASES, split, category) for category in categories)


EVERY = {count: CellKey(count) for count in Count}
"""The total of each quantity."""
CASES, ADMISSIONS = EVERY[Count.HAT_CASES], EVERY[Count.ADMISSIONS]
OVERNIGHT_CASES, OVERNIGHT_ADMISSIONS = (CellKey(count, Split.STAY, "overnight") for count in Count)
PREVENTABLE, NOT_PREVENTABLE, NOT_INVESTIGATED = cases(
    Split.PREVENTABILITY, "preventable", "not_preventable", "not_investigated"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """What is published about one place and period: protected cells, numbers that need no protection, and whether it may change.

    Below `investigated_floor` a share among investigated cases has its bounds only.
    """

    cells: Mapping[CellKey, ProtectedCount] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    provisional: bool = False
    investigated_floor: float = INVESTIGATED_FLOOR

    def cell(self, key: CellKey) -> ProtectedCount:
        """The cell; where it is absent, whatever the total is, and without a total no complete return."""
        found = self.cells.get(key)
        if found is not None:
            return found
        every = self.cells.get(EVERY[key.quantity])
        return every if every is not None and every.rounded is None else blank(State.NO_RETURN)

    def sum(self, keys: Iterable[CellKey]) -> ProtectedCount:
        """Several cells as one; a blank among them leaves it blank."""
        parts = [self.cell(key) for key in keys]
        absent = [part for part in parts if part.rounded is None]
        return absent[0] if absent else total(parts)


def together(parts: Iterable[Counts], add: Callable[[Iterable[ProtectedCount]], ProtectedCount] = total) -> Counts:
    """Several places (or, with `add=window`, several periods) as one: the sum of their rounded cells and of their numbers."""
    known = list(parts)
    if len(known) == 1 and add is total:
        return known[0]
    keys = {key for each in known for key in each.cells}
    names = {name for each in known for name in each.numbers}
    return Counts(
        {key: add(each.cell(key) for each in known) for key in keys},
        {name: sum(each.numbers.get(name, 0) for each in known) for name in names},
        any(each.provisional for each in known),
        max((each.investigated_floor for each in known), default=INVESTIGATED_FLOOR),
    )


@dataclass(frozen=True, slots=True)
class ExactCounts:
    """The exact counts of one organisation in the months that enter, `months` of them. Never public."""

    cells: Mapping[CellKey, int]
    months: int
    investigated_floor: float = INVESTIGATED_FLOOR

    def sum(self, keys: Iterable[CellKey]) -> int:
        return sum(self.cells.get(key, 0) for key in keys)
