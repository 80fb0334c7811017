"""One block of the attacker's knowledge: whole numbers that are not known, and what is published about sums of them.

A *world* is one choice of the unknown numbers. It is possible when every number lies within its bounds and every row within its
interval. What the attacker does not know of a target is how far it can move from one possible world to another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Whole = NDArray[np.int64]
UNBOUNDED = 10**9


@dataclass(frozen=True, slots=True)
class Target:
    """One published number whose true count the attacker wants, as it stood in one release."""

    cell: str
    release: int
    value: int


@dataclass(frozen=True, slots=True)
class Block:
    """Variables with bounds, rows with intervals (`matrix` of rows by variables), and targets, each a sum of variables.

    `targets` is a matrix of targets by variables, `named` says what each is.
    """

    name: str
    lower: Whole
    upper: Whole
    matrix: sparse.csr_array
    low: Whole
    high: Whole
    targets: sparse.csr_array
    named: tuple[Target, ...]

    @property
    def variables(self) -> int:
        return int(self.lower.size)

    def fingerprint(self) -> str:
        """SHA-256 of everything in the block."""
        made = sha256(self.name.encode())
        for numbers in (self.lower, self.upper, self.low, self.high):
            made.update(numbers.astype("<i8").tobytes())
        for matrix in (self.matrix, self.targets):
            for part in (matrix.indptr, matrix.indices, matrix.data):
                made.update(part.astype("<i8").tobytes())
        made.update("|".join(f"{each.cell} {each.release}" for each in self.named).encode())
        return made.hexdigest()

    def possible(self, world: Whole) -> bool:
        """Whether a world agrees with all that is published."""
        inside = (self.lower <= world) & (world <= self.upper)
        sums = self.matrix @ world
        return bool(inside.all() and (self.low <= sums).all() and (sums <= self.high).all())


@dataclass(slots=True)
class Draft:
    """A block while it is drawn."""

    name: str
    lower: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    rows: list[tuple[tuple[int, ...], tuple[int, ...], int, int]] = field(default_factory=list)
    wanted: list[tuple[tuple[int, ...], Target]] = field(default_factory=list)
    _seen: dict[tuple[tuple[int, ...], tuple[int, ...], int, int], int] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)

    def variable(self, lower: int = 0, upper: int = UNBOUNDED) -> int:
        """A new unknown number."""
        self.lower.append(lower)
        self.upper.append(upper)
        return len(self.lower) - 1

    def variables(self, number: int) -> list[int]:
        return [self.variable() for _ in range(number)]

    def row(self, plus: Sequence[int], low: int, high: int, minus: Sequence[int] = ()) -> int:
        """low <= sum of `plus` - sum of `minus` <= high; the same row twice is one. Gives its place."""
        key = (tuple(plus), tuple(minus), low, high)
        if key not in self._seen:
            self._seen[key] = len(self.rows)
            self.rows.append(key)
        return self._seen[key]

    def target(self, members: Sequence[int], what: Target) -> int:
        """What the attacker wants; the same sum of the same cell in a later release is the same target. Gives its place."""
        key = (what.cell, tuple(members))
        if key not in self._known:
            self._known[key] = len(self.wanted)
            self.wanted.append((tuple(members), what))
        return self._known[key]

    def done(self) -> Block:
        width = len(self.lower)
        return Block(
            self.name,
            np.array(self.lower, dtype=np.int64),
            np.array(self.upper, dtype=np.int64),
            _matrix([(plus, minus) for plus, minus, _, _ in self.rows], width),
            np.array([row[2] for row in self.rows], dtype=np.int64),
            np.array([row[3] for row in self.rows], dtype=np.int64),
            _matrix([(members, ()) for members, _ in self.wanted], width),
            tuple(what for _, what in self.wanted),
        )


def _matrix(rows: Sequence[tuple[Sequence[int], Sequence[int]]], width: int) -> sparse.csr_array:
    starts = np.cumsum([0, *(len(plus) + len(minus) for plus, minus in rows)])
    columns = np.array([each for plus, minus in rows for each in (*plus, *minus)], dtype=np.int64)
    signs = [sign for plus, minus in rows for sign in (*(1,) * len(plus), *(-1,) * len(minus))]
    made = sparse.csr_array((np.array(signs, dtype=np.int64), columns, starts), shape=(len(rows), width))
    made.sum_duplicates()
    return made
