"""The books of a possible world while it is changed: how much room each row has left, and whether a change may be made.

Where a cell stands on different numbers in several releases, its secret offset may give way when the numbers move: `tried` moves it as
little as is needed.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from registry.disclosure.audit.block import Block, Whole
from registry.disclosure.audit.drawing import Drawn
from registry.disclosure.grid import CATEGORIES, WITHIN
from registry.disclosure.rounding import BASE

PLENTY = 10**6


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a world that raises a target by `amount` (or lowers it, whichever was asked)."""

    amount: int
    places: Whole
    changes: Whole


@dataclass(frozen=True, slots=True)
class Offsets:
    """The offsets of cells with several rows: variable, and the rows of each one after another from `starts`."""

    variables: Whole
    rows: Whole
    starts: Whole
    member: Whole


def offsets_of(drawn: Drawn) -> Offsets:
    """Each offset with its rows in all releases."""
    rows: dict[str, set[int]] = {name: set() for name in drawn.offsets}
    for (name, _), place in drawn.places.items():
        if name in rows:
            rows[name].add(place.row)
    lengths = [len(rows[name]) for name in drawn.offsets]
    return Offsets(
        np.array(list(drawn.offsets.values()), dtype=np.int64),
        np.array([row for name in drawn.offsets for row in sorted(rows[name])], dtype=np.int64),
        np.cumsum([0, *lengths[:-1]], dtype=np.int64) if lengths else np.zeros(0, dtype=np.int64),
        np.repeat(np.arange(len(lengths)), lengths),
    )


@dataclass(frozen=True, slots=True)
class Ties:
    """What only regions' years have must follow what months have: sums that must come to nothing, and who may give way in each.

    `cells` is the row of the published cell of each variable, by which its room is judged.
    """

    rows: Whole
    followers: tuple[Whole, ...]
    cells: tuple[Whole, ...]
    columns: sparse.csc_array


def ties_of(drawn: Drawn) -> Ties:
    """The ties in an order in which each can be settled after those before it: the same cases first, then the parts of a whole."""
    block = drawn.block
    cell_of: dict[int, int] = {}
    found: list[tuple[bool, int, Whole]] = []
    yearly = {split for split, fine in drawn.fine.items() if fine == (False, False)}
    bound = {part for part, whole in WITHIN.items() if WITHIN.get(whole) == part}
    free: set[int] = set()
    fixed: set[int] = set()
    for view in drawn.views:
        for split in yearly & view.parts.keys():
            for (place, when), variables in view.parts[split].items():
                for category, variable in zip(CATEGORIES[split], variables, strict=True):
                    (fixed if (split, category) in bound else free).add(variable)
                    one = view.pane.regions.get((place, when), {}).get((split, category))
                    there = drawn.places.get((one.cell.id, view.pane.release)) if one is not None else None
                    cell_of[variable] = there.row if there is not None else -1
    for row in np.flatnonzero((block.low == 0) & (block.high == 0)):
        inside = slice(block.matrix.indptr[row], block.matrix.indptr[row + 1])
        group = block.matrix.indices[inside][block.matrix.data[inside] > 0]
        if group.size == 1 and int(group[0]) in fixed:
            found.append((False, int(row), group.astype(np.int64)))
        elif group.size > 1 and set(map(int, group)) <= free | fixed:
            found.append((True, int(row), np.array([each for each in group if int(each) in free], dtype=np.int64)))
    found.sort(key=lambda tie: tie[:2])
    return Ties(
        np.array([row for _, row, _ in found], dtype=np.int64),
        tuple(group for _, _, group in found),
        tuple(np.array([cell_of[int(each)] for each in group], dtype=np.int64) for _, _, group in found),
        block.matrix.tocsc(),
    )


@dataclass(frozen=True, slots=True)
class Ledger:
    """One world of one block. `room_up` and `room_down` have one entry more than there are rows: where there is no row, there is room."""

    block: Block
    offsets: Offsets
    ties: Ties
    world: Whole
    sums: Whole
    room_up: Whole
    room_down: Whole

    def tried(self, move: Move) -> "Ledger | None":
        """The world after a move, or `None` where it is not possible."""
        delta = np.zeros_like(self.world)
        np.add.at(delta, move.places, move.changes)
        world, sums = self.world + delta, self.sums + self.block.matrix @ delta
        touched = world[move.places]
        if (touched < self.block.lower[move.places]).any() or (touched > self.block.upper[move.places]).any():
            return None
        if sums[self.ties.rows].any():
            self._settle(world, sums)
        if self.offsets.variables.size:
            shift = _give_way(self.block, self.offsets, world, sums)
            world[self.offsets.variables] += shift
            sums[self.offsets.rows] += shift[self.offsets.member]
        if (world < self.block.lower).any() or (sums < self.block.low).any() or (sums > self.block.high).any():
            return None
        return opened(self.block, self.offsets, self.ties, world, sums)

    def _settle(self, world: Whole, sums: Whole) -> None:
        """Let the categories of regions' years follow, in place: in each tie the one with the most room takes all."""
        for row, followers, cells in zip(self.ties.rows, self.ties.followers, self.ties.cells, strict=True):
            over = int(sums[row])
            if over and followers.size:
                room = (self.room_down if over > 0 else self.room_up)[cells]
                chosen = followers[int(np.argmax(np.minimum(room, world[followers]) if over > 0 else room))]
                world[chosen] -= over
                column = slice(self.ties.columns.indptr[chosen], self.ties.columns.indptr[chosen + 1])
                sums[self.ties.columns.indices[column]] -= over * self.ties.columns.data[column]


def opened(block: Block, offsets: Offsets, ties: Ties, world: Whole, sums: Whole | None = None) -> Ledger:
    """The books of a world."""
    totals = block.matrix @ world if sums is None else sums
    up, down = np.minimum(block.high - totals, PLENTY), np.minimum(totals - block.low, PLENTY)
    if offsets.variables.size:
        drawn = world[offsets.variables]
        up[offsets.rows] = _with_offset(offsets, up, drawn)
        down[offsets.rows] = _with_offset(offsets, down, BASE - 1 - drawn)
    last = np.array([PLENTY], dtype=np.int64)
    return Ledger(block, offsets, ties, world, totals, np.concatenate([up, last]), np.concatenate([down, last]))


def _with_offset(offsets: Offsets, room: Whole, spare: Whole) -> Whole:
    """The room of a row if all rows of its cell move together and the offset gives way."""
    together = np.minimum.reduceat(room[offsets.rows], offsets.starts) + spare
    result: Whole = together[offsets.member]
    return result


def _give_way(block: Block, offsets: Offsets, world: Whole, sums: Whole) -> Whole:
    """The smallest shift of each offset that brings all rows of its cell inside; nothing where none does."""
    drawn = world[offsets.variables]
    least = np.maximum.reduceat((block.low - sums)[offsets.rows], offsets.starts)
    most = np.minimum.reduceat((block.high - sums)[offsets.rows], offsets.starts)
    least, most = np.maximum(least, -drawn), np.minimum(most, BASE - 1 - drawn)
    shift: Whole = np.where(least <= most, np.clip(0, least, most), 0)
    return shift
