"""Moves between possible worlds that leave most published numbers where they are.

* `month`: a case more in one month of a trust, one less in another of its months, and the reverse in another trust: only four cells move.
* `year_part`: in one month, a case of one category more and of another less, the reverse in another trust: four yearly cells move.
* `month_part`: the same with two months of each trust in place of two trusts in each month: four cells of the region's months move.
* `flat_month`, `flat_year`: the same for splits that only regions have.

Where there is no such step, one that needs more room is offered: a case from another month or trust (`transfers`), or one counted under
another category. Where the months of a step are not published, or not final, in the same releases, the years of these releases move too,
and need room. `months` and `year_parts` look at many targets at once. Each gives the few largest steps of a target, the largest first: room
and what categories hold decide how large; the books (`ledger`) decide whether it stands. Those of many targets are put together only when
they are tried: of most nothing but the first is.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from registry.disclosure.audit.block import Whole
from registry.disclosure.audit.ledger import Ledger, Move
from registry.disclosure.audit.sheets import NONE, Parts, Sheet
from registry.disclosure.audit.steps import Sums, fullest_first, held_of, largest, room_either_way, rooms_of
from registry.disclosure.audit.transfers import month_total, year
from registry.disclosure.grid import CATEGORIES, WITHIN, Split

Step = Callable[[], Move]
"""A step that is put together when it is tried."""
Found = list[list[Step]]


def months(sheet: Sheet, trusts: Whole, when: Whole, books: Ledger, sign: int, most: int) -> Found:
    """Steps for the totals of these trusts' months."""
    more, less = rooms_of(books, sheet.own.rows, sign)
    there = (sheet.totals != NONE).any(axis=-1)
    more, less = np.where(there, more, 0), np.where(there, less, 0)
    steps = np.minimum(more[trusts, when, None, None], more[None, :, :])
    steps = np.minimum(steps, less[trusts, None, :])
    steps = np.minimum(steps, less[:, when].T[:, :, None])
    other = (sheet.standing[trusts, when][:, None] != sheet.standing[trusts])[:, None, :]
    other = other | (sheet.standing[:, when].T[:, :, None] != sheet.standing[None, :, :])
    either = room_either_way(books, sheet.years.rows)
    steps = np.where(other, np.minimum(steps, np.minimum(either[trusts, None], either[None, :])[:, :, None]), steps)
    for split in sheet.of_trusts.values():
        held = held_of(books, split.variables)
        if sign > 0:
            shared = np.minimum(held[trusts, None, :, :], held[:, when].transpose(1, 0, 2)[:, :, None, :])
        else:
            shared = np.minimum(held[trusts, when][:, None, None, :], held[None, :, :, :])
        spare = room_either_way(books, split.yearly.rows)
        spare = np.minimum(spare[trusts, None, :], spare[None, :, :])[:, :, None, :]
        steps = np.minimum(steps, np.where(other[..., None], np.minimum(shared, spare), shared).sum(axis=-1))
    steps *= (sheet.region[trusts, None] == sheet.region[None, :])[:, :, None]
    steps[np.arange(trusts.size), trusts, :] = 0
    steps[np.arange(trusts.size), :, when] = 0
    return [
        [
            partial(_swap_months, sheet, books, int(t), int(m), o, then, sign, step)
            for o, then, step in largest(each, most)
        ]
        for t, m, each in zip(trusts, when, steps, strict=True)
    ]


def month(sheet: Sheet, t: int, m: int, books: Ledger, sign: int, most: int) -> Sequence[Move | Step]:
    """Steps for the total of one trust's month: between two months of two trusts, else against one other month, or one other trust."""
    found = months(sheet, np.array([t]), np.array([m]), books, sign, most)[0]
    return found or [
        *month_total(sheet, int(sheet.region[t]), m, books, sign, 1, only=t),
        *(year(sheet, t, books, sign, 1, only=m) if sheet.final[t, m] else ()),
    ]


def _swap_months(sheet: Sheet, books: Ledger, t: int, m: int, other: int, then: int, sign: int, step: int) -> Move:
    """`step` cases from (t, then) and (other, m) to (t, m) and (other, then), or back."""
    to, away = [(t, m), (other, then)], [(t, then), (other, m)]
    if sign < 0:
        to, away = away, to
    sums = Sums(step)
    for split in sheet.of_trusts.values():
        held = held_of(books, split.variables)
        shared = np.minimum(held[away[0]], held[away[1]])
        if sheet.standing[t, m] != sheet.standing[t, then] or sheet.standing[other, m] != sheet.standing[other, then]:
            spare = room_either_way(books, split.yearly.rows)
            shared = np.minimum(shared, np.minimum(spare[t], spare[other]))
        shares = fullest_first(shared, step)
        for corners, way in ((to, 1), (away, -1)):
            for corner in corners:
                sums.add(split.variables[corner], way * shares[:, None])
    for corners, way in ((to, 1), (away, -1)):
        for corner in corners:
            sums.add(sheet.totals[corner], way * step)
    return sums.move()


def year_parts(sheet: Sheet, split: Parts, trusts: Whole, which: Whole, books: Ledger, sign: int, most: int) -> Found:
    """Steps for the yearly categories of these trusts."""
    more, less = rooms_of(books, split.yearly.rows, sign)
    held = held_of(books, split.variables) * sheet.final[:, :, None]
    steps = np.minimum(more[trusts, which, None, None], less[trusts, None, :])
    steps = np.minimum(steps, np.minimum(less[:, which].T[:, :, None], more[None, :, :]))
    mine, theirs = held[trusts], held[:, :, which].transpose(2, 0, 1)
    if sign > 0:
        shared = np.minimum(mine[:, None, :, :], theirs[:, :, :, None])
    else:
        own = np.take_along_axis(mine, which[:, None, None], axis=2)
        shared = np.minimum(own[:, None, :, :], held[None, :, :, :])
    steps = np.minimum(steps, shared.sum(axis=2))
    steps *= (sheet.region[trusts, None] == sheet.region[None, :])[:, :, None]
    steps[np.arange(trusts.size), trusts, :] = 0
    steps[np.arange(trusts.size), :, which] = 0
    found: Found = []
    for t, c, each in zip(trusts, which, steps, strict=True):
        offered: list[Step] = []
        for other, instead, step in largest(each, most):
            offered.append(partial(_swap_year_parts, split, held, int(t), other, int(c), instead, step, sign))
        found.append(offered)
    return found


def _swap_year_parts(split: Parts, held: Whole, t: int, other: int, c: int, instead: int, step: int, sign: int) -> Move:
    pairs = (held[t, :, instead], held[other, :, c]) if sign > 0 else (held[t, :, c], held[other, :, instead])
    return _swap_parts(split.variables[[t, other]], c, instead, fullest_first(np.minimum(*pairs), step), sign)


def year_part(sheet: Sheet, split: Parts, t: int, c: int, books: Ledger, sign: int, most: int) -> Sequence[Move | Step]:
    """Steps for one yearly category of a trust: with another trust, else by itself where the region's months have room."""
    found = year_parts(sheet, split, np.array([t]), np.array([c]), books, sign, most)[0]
    return found or _recounted(sheet, split, books, sign, c, (sheet.region >= 0)[:, None] & _only(sheet, t, None))


def month_part(sheet: Sheet, split: Parts, g: int, m: int, c: int, books: Ledger, sign: int, most: int) -> list[Move]:
    """Steps for one category of a region's month: with another month, else by itself where the trusts' years have room."""
    found = _month_pairs(sheet, split, g, m, c, books, sign, most)
    return found or _recounted(sheet, split, books, sign, c, (sheet.region == g)[:, None] & _only(sheet, None, m))


def _only(sheet: Sheet, t: int | None, m: int | None) -> NDArray[np.bool_]:
    """The trusts' months of one trust, or of one month."""
    rows, columns = np.indices(sheet.standing.shape)
    chosen: NDArray[np.bool_] = (rows == (rows if t is None else t)) & (columns == (columns if m is None else m))
    return chosen


def _recounted(sheet: Sheet, split: Parts, books: Ledger, sign: int, c: int, where: NDArray[np.bool_]) -> list[Move]:
    """Steps of one case of one trust's month from one category to another, for which year and region's month have room."""
    held = held_of(books, split.variables)
    up, down = rooms_of(books, split.yearly.rows, 1)
    up_there, down_there = (each[sheet.region] for each in rooms_of(books, split.monthly.rows, 1))
    up, down = np.minimum(up[:, None, :], up_there), np.minimum(down[:, None, :], down_there)
    if sign > 0:
        room = np.minimum(np.minimum(up[:, :, [c]], down), held)
    else:
        room = np.minimum(np.minimum(down[:, :, [c]], up), held[:, :, [c]])
    room = room * where[:, :, None]
    room[:, :, c] = 0
    found = []
    for t, m, instead, _ in largest(room, 1):
        sums = Sums(1)
        sums.add(split.variables[t, m, c], sign)
        sums.add(split.variables[t, m, instead], -sign)
        found.append(sums.move())
    return found


def _month_pairs(sheet: Sheet, split: Parts, g: int, m: int, c: int, books: Ledger, sign: int, most: int) -> list[Move]:
    """Steps for a category of a region's month."""
    more, less = rooms_of(books, split.monthly.rows, sign)
    held = held_of(books, split.variables)
    if sign > 0:
        pairs = np.minimum(held[:, m][:, None, :], held[:, :, c][:, :, None])
    else:
        pairs = np.minimum(held[:, m, c][:, None, None], held)
    spare = room_either_way(books, split.yearly.rows)
    spare = np.minimum(spare, spare[:, [c]])[:, None, :]
    pairs = np.where((sheet.standing != sheet.standing[:, [m]])[:, :, None], np.minimum(pairs, spare), pairs)
    pairs = pairs * (sheet.region == g)[:, None, None]
    steps = np.minimum(pairs.sum(axis=0), more[g, m, c])
    steps = np.minimum(steps, np.minimum(less[g, m][None, :], np.minimum(less[g, :, c][:, None], more[g])))
    steps[m, :] = 0
    steps[:, c] = 0
    found = []
    for then, instead, step in largest(steps, most):
        shares = fullest_first(pairs[:, then, instead], step)
        found.append(_swap_parts(split.variables[:, [m, then]].swapaxes(0, 1), c, instead, shares, sign))
    return found


def _swap_parts(variables: Whole, which: int, instead: int, shares: Whole, sign: int) -> Move:
    """Of the first row of `variables` (by places, categories) more of one category and less of another, of the second the reverse."""
    sums = Sums(int(shares.sum()))
    for row, category, way in ((0, which, 1), (0, instead, -1), (1, which, -1), (1, instead, 1)):
        sums.add(variables[row, :, category], sign * way * shares[:, None])
    return sums.move()


def flat_month(split: Parts, g: int, m: int, which: int, books: Ledger, sign: int, most: int) -> list[Move]:
    """Steps for a category of a region's month, of a split that only regions have: against another category and another month."""
    more, less = rooms_of(books, split.monthly.rows, sign)
    held = held_of(books, split.variables)[g]
    taken = np.minimum(held[m][None, :], held[:, which][:, None]) if sign > 0 else np.minimum(held[m, which], held)
    steps = np.minimum(
        np.minimum(more[g, m, which], less[g, m][None, :]), np.minimum(less[g, :, which][:, None], more[g])
    )
    steps = np.minimum(steps, taken)
    steps[m, :] = 0
    steps[:, which] = 0
    return [
        _swap_parts(split.variables[g][[m, then]][:, None, :], which, instead, np.array([step]), sign)
        for then, instead, step in largest(steps, most)
    ]


def _flat_pairs(split: Parts, g: int, which: int, books: Ledger, sign: int, most: int) -> list[Move]:
    """Steps for a category of a region's year: against another category, or alone where the split does not divide all."""
    more, less = rooms_of(books, split.yearly.rows, sign)
    held = held_of(books, split.variables)[g, 0]
    steps = np.minimum(more[g, which], less[g])
    steps = np.minimum(steps, held if sign > 0 else held[which])
    steps[which] = 0
    found = []
    for instead, step in largest(steps, most):
        sums = Sums(step)
        sums.add(split.variables[g, 0, [which, instead]], sign * step * np.array([[1], [-1]]))
        found.append(sums.move())
    alone = min(int(more[g, which]), most, int(held[which]) if sign < 0 else most)
    if alone > 0:
        sums = Sums(alone)
        sums.add(split.variables[g, 0, which], sign * alone)
        found.append(sums.move())
    return found


def flat_year(sheet: Sheet, split: Split, g: int, which: int, books: Ledger, sign: int, most: int) -> list[Move]:
    """Steps for a category of a region's year; one that holds the same cases as a category of trusts moves with that."""
    part = (split, CATEGORIES[split][which])
    same = WITHIN.get(part)
    if same is None or WITHIN.get(same) != part or same[0] not in sheet.of_trusts:
        return _flat_pairs(sheet.of_years[split], g, which, books, sign, most)
    where = (sheet.region == g)[:, None] & sheet.final
    return _recounted(sheet, sheet.of_trusts[same[0]], books, sign, CATEGORIES[same[0]].index(same[1]), where)
