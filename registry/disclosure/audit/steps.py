"""What all moves are made of: how much room there is, what a category holds, and the changes of a step put together."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from registry.disclosure.audit.block import Whole
from registry.disclosure.audit.ledger import PLENTY, Ledger, Move
from registry.disclosure.audit.sheets import NONE

TRIED = 3  # how many of the best steps are offered for each target


def rooms_of(books: Ledger, rows: Whole, sign: int) -> tuple[Whole, Whole]:
    """The room of rows in the direction asked, and in the other; for a target that shall fall the two change places."""
    up, down = books.room_up[rows].min(axis=-1), books.room_down[rows].min(axis=-1)
    return (up, down) if sign > 0 else (down, up)


def room_either_way(books: Ledger, rows: Whole) -> Whole:
    """The room of rows in whichever direction has less."""
    result: Whole = np.minimum(books.room_up[rows], books.room_down[rows]).min(axis=-1)
    return result


def held_of(books: Ledger, variables: Whole) -> Whole:
    """The least of the numbers of variables in all releases; nothing where there is none."""
    held = np.where(variables == NONE, PLENTY, books.world[variables]).min(axis=-1)
    result: Whole = np.where(held == PLENTY, 0, held)
    return result


def largest(steps: NDArray[np.int64], most: int) -> list[tuple[int, ...]]:
    """The places of the largest steps, each with the step, at most `most`; none that is nothing."""
    flat = np.minimum(steps, most).ravel()
    if flat.size > TRIED:
        first = np.argpartition(-flat, TRIED)[:TRIED]
        first = first[np.argsort(-flat[first], kind="stable")]
    else:
        first = np.argsort(-flat, kind="stable")
    return [(*map(int, np.unravel_index(each, steps.shape)), int(flat[each])) for each in first if flat[each] > 0]


def fullest_first(available: Whole, step: int) -> Whole:
    """`step` taken from what is available, place by place, the fullest first."""
    order = np.argsort(-available, kind="stable")
    before = np.concatenate([[0], np.cumsum(available[order])[:-1]])
    shares = np.zeros_like(available)
    shares[order] = np.clip(step - before, 0, available[order])
    return shares


@dataclass(slots=True)
class Sums:
    """The changes of a step while they are put together."""

    amount: int
    places: list[Whole] = field(default_factory=list)
    changes: list[Whole] = field(default_factory=list)

    def add(self, variables: Whole, change: Whole | int) -> None:
        """A change of variables, of their shape or one that fits it, where they are."""
        changes = np.broadcast_to(np.asarray(change, dtype=np.int64), variables.shape)
        there = (variables != NONE) & (changes != 0)
        self.places.append(variables[there])
        self.changes.append(changes[there])

    def move(self) -> Move:
        return Move(self.amount, np.concatenate(self.places), np.concatenate(self.changes))
