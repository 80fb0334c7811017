"""A block as arrays: which variables and rows stand for which trust, month and category, in all its releases. -1 is none.

The last axis of every array is the release, so that a step can be taken in all of them together: the history of a cell then moves as a
whole, and its offset can give way. A variable that several releases share stands once. Only the search for certificates looks at this; a
certificate is checked without it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from registry.disclosure.audit.block import Whole
from registry.disclosure.audit.drawing import Drawn, View
from registry.disclosure.audit.panes import TOTAL, Group, Part
from registry.disclosure.grid import CATEGORIES, Split

NONE = -1


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows and targets of published cells, of the same shape."""

    rows: Whole
    targets: Whole


@dataclass(frozen=True, slots=True)
class Parts:
    """One split. `variables` by place, month, category; `monthly` by region, month, category; `yearly` by place and category.

    The places of `variables` and `yearly` are trusts for a split that trusts have, else regions.
    """

    variables: Whole
    monthly: Cells
    yearly: Cells


@dataclass(frozen=True, slots=True)
class Sheet:
    """Totals by trust and month. `region` is the place of each trust's region.

    `standing` tells trusts' months apart by the releases in which they are published and final; `final` are final wherever published.
    """

    totals: Whole
    region: Whole
    standing: Whole
    final: NDArray[np.bool_]
    own: Cells
    years: Cells
    months: Cells
    of_trusts: dict[Split, Parts]
    of_months: dict[Split, Parts]
    of_years: dict[Split, Parts]


def sheets(drawn: Drawn) -> Iterator[Sheet]:
    """The arrays of a block: all releases together, then, where there are several, each by itself."""
    views = [view for view in drawn.views if view.totals]
    if views:
        yield _sheet(drawn, views)
    if len(views) > 1:
        for view in views:
            yield _sheet(drawn, [view])


def _sheet(drawn: Drawn, views: list[View]) -> Sheet:
    trusts = sorted({trust for view in views for trust, _ in view.totals})
    months = sorted({when for view in views for _, when in view.totals if when is not None})
    latest = {trust: region for view in views for trust, region in view.pane.region_of.items()}
    regions = sorted({latest[trust] for trust in trusts})
    laid = _Layout(drawn, views, trusts, months, regions)
    splits: dict[tuple[bool, bool], dict[Split, Parts]] = {}
    for split in dict.fromkeys(split for view in views for split in view.parts):
        splits.setdefault(drawn.fine[split], {})[split] = laid.parts(split)
    return Sheet(
        totals=_once(laid.variables(trusts, months)),
        region=np.array([regions.index(latest[trust]) for trust in trusts], dtype=np.int64),
        standing=laid.standing(),
        final=laid.final(),
        own=laid.cells(trusts, months, TOTAL),
        years=laid.of_years(trusts, TOTAL),
        months=laid.cells(regions, months, TOTAL),
        of_trusts=splits.get((True, True), {}),
        of_months=splits.get((False, True), {}),
        of_years=splits.get((False, False), {}),
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    drawn: Drawn
    views: list[View]
    trusts: list[str]
    months: list[date]
    regions: list[str]

    def variables(self, places: list[str], periods: list[date]) -> Whole:
        found = [[[view.totals.get((p, m), NONE) for view in self.views] for m in periods] for p in places]
        return np.array(found, dtype=np.int64).reshape(len(places), len(periods), len(self.views))

    def standing(self) -> Whole:
        states = np.array([[[_state(view, (t, m)) for view in self.views] for m in self.months] for t in self.trusts])
        states = states.reshape(len(self.trusts), len(self.months), len(self.views))
        result: Whole = (states * 3 ** np.arange(len(self.views), dtype=np.int64)).sum(axis=-1)
        return result

    def final(self) -> NDArray[np.bool_]:
        found = [[all(_state(view, (t, m)) != 1 for view in self.views) for m in self.months] for t in self.trusts]
        return np.array(found, dtype=np.bool_).reshape(len(self.trusts), len(self.months))

    def cells(self, places: list[str], periods: Iterable[date | None], part: Part) -> Cells:
        """Rows and targets of one part by place and period."""
        when = list(periods)
        found = [[[self._place(view, (p, each), part) for view in self.views] for each in when] for p in places]
        made = np.array(found, dtype=np.int64).reshape(len(places), len(when), len(self.views), 2)
        return Cells(made[..., 0], made[..., 1])

    def of_years(self, places: list[str], part: Part) -> Cells:
        made = self.cells(places, [None], part)
        return Cells(made.rows[:, 0], made.targets[:, 0])

    def parts(self, split: Split) -> Parts:
        by_trust, by_month = self.drawn.fine[split]
        places = self.trusts if by_trust else self.regions
        periods: list[date | None] = list(self.months) if by_month else [None]
        empty = [NONE] * len(CATEGORIES[split])
        found = [
            [[view.parts.get(split, {}).get((p, m), empty) for view in self.views] for m in periods] for p in places
        ]
        variables = np.array(found, dtype=np.int64).swapaxes(-1, -2)
        monthly = [self.cells(self.regions, self.months, (split, each)) for each in CATEGORIES[split]]
        yearly = [self.of_years(places, (split, each)) for each in CATEGORIES[split]]
        return Parts(_once(variables), _stacked(monthly), _stacked(yearly))

    def _place(self, view: View, group: Group, part: Part) -> tuple[int, int]:
        for home in (view.pane.trusts, view.pane.regions):
            one = home.get(group, {}).get(part)
            if one is not None:
                return self.drawn.places.get((one.cell.id, view.pane.release), (NONE, NONE))
        return NONE, NONE


def _state(view: View, where: Group) -> int:
    """0 not published, 1 provisional, 2 final."""
    return 0 if where not in view.totals else 1 + view.pane.is_final(where)


def _stacked(cells: list[Cells]) -> Cells:
    return Cells(np.stack([each.rows for each in cells], axis=-2), np.stack([each.targets for each in cells], axis=-2))


def _once(variables: Whole) -> Whole:
    """Variables that stand for an earlier release too, taken out of the later."""
    made = variables.copy()
    for later in range(1, made.shape[-1]):
        for earlier in range(later):
            made[..., later][made[..., later] == made[..., earlier]] = NONE
    return made
