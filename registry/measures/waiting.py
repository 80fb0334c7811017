"""How long after discharge a thrombosis was found, from the number of cases in bands of days."""

from dataclasses import dataclass, field

from registry.disclosure.grid import DAYS_AFTER
from registry.measures.counts import CellKey, Counts, ExactCounts
from registry.measures.figures import Figure, Further, Number
from registry.measures.making import exactly, protected
from registry.statistics.bands import quantile_band
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.public import public_share
from registry.statistics.rates import proportion

BANDS = tuple(f"{first} to {last} days" for first, last in DAYS_AFTER)
QUARTILES = (
    ("lower_quartile", "A quarter were found within", 0.25),
    ("median", "Half were found within", 0.5),
    ("upper_quartile", "Three quarters were found within", 0.75),
)
MOST_OFF = 4
"""So far may a rounded cell be from the truth."""


@dataclass(frozen=True, slots=True)
class FoundAfter:
    """The share found in the first bands after discharge, `early` of them; and in which band the median and the quartiles lie."""

    bands: tuple[CellKey, ...]
    early: int
    numbers: tuple[str, ...] = field(default=(), init=False)

    @property
    def cells(self) -> tuple[CellKey, ...]:
        return self.bands

    def public(self, counts: Counts) -> Figure:
        """A quartile that rounding could move into another band is given with both."""
        part, rest = counts.sum(self.bands[: self.early]), counts.sum(self.bands[self.early :])
        every = counts.sum(self.bands)
        share = public_share((part, rest), 0)
        cells = [counts.cell(key) for key in self.bands]
        further = _quartiles([each.rounded or 0 for each in cells], [MOST_OFF * each.cells for each in cells])
        return Figure(share, protected(part), protected(every), further=further if share.value is not None else ())

    def exact(self, counts: ExactCounts) -> Figure:
        found = [counts.sum([key]) for key in self.bands]
        part, every = sum(found[: self.early]), sum(found)
        estimate: Estimate = proportion(part, every) if counts.months else missing(Reason.BLANK)
        return Figure(estimate, exactly(part), exactly(every), further=_quartiles(found, [0] * len(found)))


def _quartiles(counts: list[int], margins: list[int]) -> tuple[Further, ...]:
    found = [(code, title, quantile_band(counts, share, margins)) for code, title, share in QUARTILES]
    return tuple(Further(code, title, _band(*place)) for code, title, place in found if place is not None)


def _band(first: int, last: int) -> Number:
    """`15 to 30 days`; uncertain: `8 to 30 days (rounding leaves open where in it)`."""
    words = BANDS[first] if first == last else f"{DAYS_AFTER[first][0]} to {DAYS_AFTER[last][1]} days"
    return Number(words, f"{DAYS_AFTER[first][0]}-{DAYS_AFTER[last][1]}")
