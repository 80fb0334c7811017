"""Certificates: two possible worlds between which a target moves. Whoever has the published numbers can check one without a solver.

`verify` and `verify_all` are the check. They use only the rows, the bounds and the targets of the block, nothing of how a certificate was
found, and every certificate of a report has passed them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from registry.disclosure.audit.block import Block, Whole


@dataclass(frozen=True, slots=True)
class Change:
    """What differs from the block's base world: places of variables, and by how much each."""

    places: Whole
    amounts: Whole

    def applied(self, base: Whole) -> Whole:
        world = base.copy()
        np.add.at(world, self.places, self.amounts)
        return world


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two worlds of one target, as changes of the same base world: the target is `width` higher in `high` than in `low`."""

    target: int
    width: int
    low: Change
    high: Change


def change(before: Whole, after: Whole) -> Change:
    """The change from one world to another."""
    places = np.flatnonzero(before != after)
    return Change(places, (after - before)[places])


NO_CHANGE = Change(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def verify(certificate: Certificate, block: Block, base: Whole) -> bool:
    """Whether both worlds are possible and the target lies as far apart in them as the certificate says."""
    low, high = certificate.low.applied(base), certificate.high.applied(base)
    weights = block.targets[[certificate.target], :]
    moved = int((weights @ (high - low))[0])
    return block.possible(low) and block.possible(high) and moved == certificate.width


def verify_all(certificates: Sequence[Certificate], block: Block, base: Whole) -> NDArray[np.bool_]:
    """`verify` of many certificates at once."""
    if not certificates:
        return np.zeros(0, dtype=np.bool_)
    low = possible_after([each.low for each in certificates], block, base)
    high = possible_after([each.high for each in certificates], block, base)
    wanted = block.targets[[each.target for each in certificates], :]
    moved = wanted.multiply(
        (_columns([each.high for each in certificates], block) - _columns([each.low for each in certificates], block)).T
    ).sum(axis=1)
    told = np.array([each.width for each in certificates])
    result: NDArray[np.bool_] = low & high & (np.asarray(moved).ravel() == told)
    return result


def possible_after(changes: Sequence[Change], block: Block, base: Whole) -> NDArray[np.bool_]:
    """For each change whether it leads from the base world to a possible one."""
    moved = _columns(changes, block).tocsc()
    here = _within(moved, base, block.lower, block.upper)
    there = _within((block.matrix @ moved).tocsc(), block.matrix @ base, block.low, block.high)
    return here & there & block.possible(base)


def _within(moved: sparse.csc_array, base: Whole, low: Whole, high: Whole) -> NDArray[np.bool_]:
    """For each column whether base + column lies within the bounds; only entries that move can leave them."""
    after = base[moved.indices] + moved.data
    outside = (after < low[moved.indices]) | (after > high[moved.indices])
    column = np.repeat(np.arange(moved.shape[1]), np.diff(moved.indptr))
    result: NDArray[np.bool_] = np.bincount(column[outside], minlength=moved.shape[1]) == 0
    return result


def _columns(changes: Sequence[Change], block: Block) -> sparse.csc_array:
    starts = np.cumsum([0, *(each.places.size for each in changes)])
    places = np.concatenate([each.places for each in changes]) if changes else np.zeros(0, dtype=np.int64)
    amounts = np.concatenate([each.amounts for each in changes]) if changes else np.zeros(0, dtype=np.int64)
    made = sparse.csc_array((amounts, places, starts), shape=(block.variables, len(changes)))
    made.sum_duplicates()
    return made


def digest(name: str, witnesses: Sequence[tuple[Whole, Sequence[Certificate]]]) -> str:
    """SHA-256 of a block's name, its base worlds and the certificates from each, in the order of their targets."""
    made = sha256(name.encode())
    for base, certificates in witnesses:
        made.update(base.astype("<i8").tobytes())
        for each in sorted(certificates, key=lambda one: one.target):
            head = np.array([each.target, each.width], dtype=np.int64)
            for numbers in (head, each.low.places, each.low.amounts, each.high.places, each.high.amounts):
                made.update(np.int64(numbers.size).tobytes() + numbers.astype("<i8").tobytes())
    return made.hexdigest()
