"""Stage 1: certificates without a solver. From a possible world, each target is stepped up and down until it has moved far enough.

The first step of all targets of a kind is looked for at once; those that one step up and one down do not move far enough are stepped
again from where they came to, as often as it takes or as it goes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from registry.disclosure.audit import moves, transfers
from registry.disclosure.audit.block import Whole
from registry.disclosure.audit.certificates import Certificate, change
from registry.disclosure.audit.drawing import Drawn
from registry.disclosure.audit.ledger import Ledger, Move, offsets_of, opened, ties_of
from registry.disclosure.audit.sheets import NONE, Cells, Parts, Sheet, sheets

Steps = Callable[[Ledger, int, int], Sequence[Move | moves.Step]]
"""The steps of one target in one direction, given the books, the sign and how far it has to go."""


@dataclass(frozen=True, slots=True)
class Sought:
    """One target, the steps it can take, and the first of them in each direction where they were looked for together."""

    target: int
    steps: Steps
    first: dict[int, list[moves.Step]]


def search(drawn: Drawn, base: Whole, need: int, wanted: Sequence[int]) -> list[Certificate]:
    """A certificate for each wanted target for which steps were found."""
    books = opened(drawn.block, offsets_of(drawn), ties_of(drawn), base)
    left = set(wanted)
    found: list[Certificate] = []
    for laid in sheets(drawn):
        for each in _all(laid, books, need, left):
            if each.target in left and (certificate := _certificate(books, each, need)):
                left.discard(each.target)
                found.append(certificate)
    return found


def _certificate(books: Ledger, sought: Sought, need: int) -> Certificate | None:
    """Up as far as it takes, then down for what is left of it."""
    high, up = _climb(books, sought, 1, need)
    low, down = _climb(books, sought, -1, need - up) if up < need else (books, 0)
    if up + down < need:
        return None
    return Certificate(sought.target, up + down, change(books.world, low.world), change(books.world, high.world))


def _climb(books: Ledger, sought: Sought, sign: int, need: int) -> tuple[Ledger, int]:
    gone = 0
    offered: Sequence[Move | moves.Step] | None = sought.first.get(sign)
    while gone < need:
        steps = sought.steps(books, sign, need - gone) if offered is None else offered
        made = (each() if callable(each) else each for each in steps)
        taken = next(((tried, step.amount) for step in made if (tried := books.tried(step))), None)
        if taken is None:
            if offered is None or not offered:
                break
            offered = None
            continue
        books, gone, offered = taken[0], gone + taken[1], None
    return books, gone


def _all(sheet: Sheet, books: Ledger, need: int, left: set[int]) -> Iterator[Sought]:
    yield from _months(sheet, books, need, left)
    for parts in sheet.of_trusts.values():
        yield from _parts(sheet, parts, books, need, left)
    yield from _regional(sheet, left)
    yield from _totals(sheet, left)


def _months(sheet: Sheet, books: Ledger, need: int, left: set[int]) -> Iterator[Sought]:
    trusts, when, release = _open(sheet.own, left)
    together = {s: moves.months(sheet, trusts, when, books, s, need) for s in (1, -1)} if trusts.size else {}
    for place, (t, m, r) in enumerate(zip(trusts, when, release, strict=True)):
        first = {sign: found[place] for sign, found in together.items()}
        yield Sought(int(sheet.own.targets[t, m, r]), partial(moves.month, sheet, int(t), int(m)), first)


def _parts(sheet: Sheet, parts: Parts, books: Ledger, need: int, left: set[int]) -> Iterator[Sought]:
    trusts, which, release = _open(parts.yearly, left)
    both = (1, -1) if trusts.size else ()
    together = {s: moves.year_parts(sheet, parts, trusts, which, books, s, need) for s in both}
    for place, (t, c, r) in enumerate(zip(trusts, which, release, strict=True)):
        first = {sign: found[place] for sign, found in together.items()}
        steps = partial(moves.year_part, sheet, parts, int(t), int(c))
        yield Sought(int(parts.yearly.targets[t, c, r]), steps, first)
    for g, m, c, r in _places(parts.monthly, left):
        yield Sought(int(parts.monthly.targets[g, m, c, r]), partial(moves.month_part, sheet, parts, g, m, c), {})


def _regional(sheet: Sheet, left: set[int]) -> Iterator[Sought]:
    for parts in sheet.of_months.values():
        for g, m, c, r in _places(parts.monthly, left):
            yield Sought(int(parts.monthly.targets[g, m, c, r]), partial(moves.flat_month, parts, g, m, c), {})
    for split, parts in sheet.of_years.items():
        for g, c, r in _places(parts.yearly, left):
            steps = partial(moves.flat_year, sheet, split, g, c)
            yield Sought(int(parts.yearly.targets[g, c, r]), steps, {})


def _totals(sheet: Sheet, left: set[int]) -> Iterator[Sought]:
    for t, r in _places(sheet.years, left):
        yield Sought(int(sheet.years.targets[t, r]), partial(transfers.year, sheet, t), {})
    for g, m, r in _places(sheet.months, left):
        yield Sought(int(sheet.months.targets[g, m, r]), partial(transfers.month_total, sheet, g, m), {})


def _open(cells: Cells, left: set[int]) -> tuple[Whole, ...]:
    """Where the targets stand that are still to be decided."""
    return np.nonzero(np.isin(cells.targets, np.array(sorted(left), dtype=np.int64)) & (cells.targets != NONE))


def _places(cells: Cells, left: set[int]) -> Iterator[tuple[int, ...]]:
    return (tuple(map(int, place)) for place in zip(*_open(cells, left), strict=True))
