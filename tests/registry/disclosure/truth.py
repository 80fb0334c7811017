"""The true world of a block of the synthetic nation: what the attacker looks for, laid out on his own variables."""

import numpy as np

from registry.disclosure.audit.block import Whole
from registry.disclosure.audit.drawing import Drawn, View
from registry.disclosure.grid import Count, Split
from tests.registry.disclosure.nation import Nation


def true_world(drawn: Drawn, count: Count, nations: dict[int, Nation], offsets: dict[str, int]) -> Whole:
    """The numbers of every view as they were at its release; where the attacker took a number for unchanged, the earliest."""
    world = np.full(drawn.block.variables, -1, dtype=np.int64)
    for view in reversed(drawn.views):
        made = nations[view.pane.release]
        for (trust, when), place in view.totals.items():
            assert when is not None
            world[place] = made.totals[count][made.trusts.index(trust), made.months.index(when)]
        for split, groups in view.parts.items():
            for group, places in groups.items():
                world[places] = _sum(made, count, split, view, drawn, group)
    for name, place in drawn.offsets.items():
        world[place] = offsets[name]
    assert (world >= 0).all()
    return world


def _sum(made: Nation, count: Count, split: Split, view: View, drawn: Drawn, group: tuple[str, object]) -> Whole:
    place, when = group
    by_trust, by_month = drawn.fine[split]
    rows = [i for i, code in enumerate(made.trusts) if (code == place if by_trust else made.regions[code] == place)]
    months = [
        i
        for i, month in enumerate(made.months)
        if (
            month == when
            if by_month
            else (made.trusts[rows[0]], month) in view.totals and view.pane.is_final((made.trusts[rows[0]], month))
        )
    ]
    total: Whole = made.parts[count, split][np.ix_(rows, months)].sum(axis=(0, 1))
    return total
