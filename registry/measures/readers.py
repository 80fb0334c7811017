"""How far two readers of the same cases agree: the percentage, and from 30 cases on Gwet's AC1 and Cohen's kappa beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from registry.disclosure.protected import total
from registry.measures.counts import CellKey, Counts, ExactCounts
from registry.measures.figures import Figure, Further, Number
from registry.measures.making import exactly, protected
from registry.statistics.agreement import Agreement, agreement
from registry.statistics.estimate import Estimate, Reason, missing
from registry.statistics.public import public_share


@dataclass(frozen=True, slots=True)
class Agreeing:
    """The cells of a table of two by two: both said yes, the first reader only, the second only, neither."""

    both: CellKey
    first: CellKey
    second: CellKey
    neither: CellKey
    numbers: tuple[str, ...] = field(default=(), init=False)

    @property
    def cells(self) -> tuple[CellKey, ...]:
        return self.both, self.first, self.second, self.neither

    def public(self, counts: Counts) -> Figure:
        """Kappa and AC1 come without limits: what the rounding adds to theirs is not known."""
        both, first, second, neither = (counts.cell(key) for key in self.cells)
        if any(each.rounded is None for each in (both, first, second, neither)):
            return Figure(missing(Reason.BLANK), protected(both), protected(neither))
        alike, apart = total((both, neither)), total((first, second))
        share = public_share((alike, apart), 0)
        made = _made([each.rounded or 0 for each in (both, first, second, neither)])
        shown = () if share.value is None else _further(made, limits=False)
        return Figure(share, protected(alike), protected(total((alike, apart))), further=shown)

    def exact(self, counts: ExactCounts) -> Figure:
        cells = [counts.sum([key]) for key in self.cells]
        made = _made(cells)
        top, bottom = exactly(cells[0] + cells[3]), exactly(sum(cells))
        if not counts.months:
            return Figure(missing(Reason.BLANK), top, bottom)
        return Figure(made.agreement, top, bottom, further=_further(made, limits=True))


def _made(cells: Sequence[int]) -> Agreement:
    both, first, second, neither = cells
    return agreement([[both, first], [second, neither]])


def _further(made: Agreement, *, limits: bool) -> tuple[Further, ...]:
    return (
        Further("ac1", "Gwet's AC1", _statistic(made.ac1, limits)),
        Further("kappa", "Cohen's kappa", _statistic(made.kappa, limits)),
    )


def _statistic(estimate: Estimate, limits: bool) -> Number:
    if estimate.value is None:
        reason = estimate.reason.value if estimate.reason else "not available"
        return Number(reason, "[x]")
    spread = f" ({estimate.lower:.2f} to {estimate.upper:.2f})" if limits and estimate.lower is not None else ""
    return Number(f"{estimate.value:.2f}{spread}", f"{estimate.value:.4f}")
