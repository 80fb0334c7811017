"""Units into the register: all records of a unit, or none of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import polars as pl
from sqlalchemy import Connection

from ingest.check import ROW, error_rules
from registry.submissions.keys import TenantKeys
from registry.submissions.request import Door, Reference
from registry.submissions.units.expected import Expected, meets
from registry.submissions.units.few import MOST, Few
from registry.submissions.units.many import Many
from registry.submissions.units.runs import Frames, runs
from registry.submissions.units.settled import ORDER, Settled
from schemas.record import RecordKind


class Units(Protocol):
    """Units that were checked, whatever they came as. The `row` of every frame is the unit's number."""

    @property
    def kinds(self) -> Collection[RecordKind]: ...

    def standing(self, kind: RecordKind) -> pl.DataFrame:
        """The typed rows of a kind, of units without an error so far."""
        ...

    def note(self, kind: RecordKind, findings: pl.DataFrame) -> None:
        """Take in findings (`row`, `place`, `rule`) made elsewhere; units with an error no longer stand."""
        ...


NOTHING_EXPECTED: Expected = {}


def settle_units(
    connection: Connection,
    reference: Reference,
    checked: Units,
    door: Door,
    keys: TenantKeys,
    expected: Expected = NOTHING_EXPECTED,
    *,
    undone: bool = False,
) -> Settled:
    """Write the units that stand, in their order; what the register says against them is noted in `checked`.

    The case and the review of a unit stand or fall together. A review is compared with its own unit's case as held already. A unit
    that expects another version than the one held is not written, and named in what comes back. `undone`: the caller undoes all of it
    if a unit fell, so that nothing has to be made good here; of units that fell nothing is in what comes back.
    """
    frames = {kind: checked.standing(kind) for kind in ORDER if kind in checked.kinds}
    work = _Work(connection, reference, checked, door, keys, expected, undone)
    settled = Settled()
    for run in runs({kind: frame for kind, frame in frames.items() if frame.height}):
        settled.take_in(work.settle(run))
    return settled


@dataclass(frozen=True, slots=True)
class _Work:
    """Runs of units, of which no two stand for the same record."""

    connection: Connection
    reference: Reference
    checked: Units
    door: Door
    keys: TenantKeys
    expected: Expected
    undone: bool

    def settle(self, frames: Frames) -> Settled:
        out: list[int] = []
        stale: set[int] = set()
        while True:
            with _Savepoint(self.connection, needed=len(frames) > 1 and not self.undone) as savepoint:
                settled, fallen = self._attempt(frames, out)
                stale |= settled.stale
                if self.undone and fallen:
                    return Settled(stale=stale)
                if not fallen:
                    settled.stale = stale
                    return settled
                savepoint.undo()
            out += fallen

    def _attempt(self, frames: Frames, out: Sequence[int]) -> tuple[Settled, list[int]]:
        """Settle kind by kind, without the units that are `out`. Gives also those that fell after something of them was written:
        then nothing of this attempt may stay, and only what was found against them has been noted."""
        settled, fallen = Settled(), set[int]()
        told: list[tuple[RecordKind, pl.DataFrame]] = []
        left_out = pl.Series(ROW, out, dtype=pl.UInt32)
        for kind, frame in frames.items():
            rows = frame.filter(~pl.col(ROW).is_in(left_out.implode())) if left_out.len() else frame
            if rows.height:
                work = self._work(kind, rows)
                found = work.findings()
                faulty = self._faulty(kind, work, found, settled)
                told.append((kind, found))
                fallen |= settled.ordinals() & set(faulty)
                if faulty.len():
                    work.leave_out(faulty)
                    left_out = pl.concat([left_out, faulty])
                settled.add(kind, work.settle())
        for kind, found in told:
            self._note(kind, found, fallen)
        return settled, sorted(fallen)

    def _faulty(self, kind: RecordKind, work: Few | Many, found: pl.DataFrame, settled: Settled) -> pl.Series:
        """The rows that may not be written."""
        faulty = found.filter(pl.col("rule").is_in(error_rules()))[ROW].unique() if found.height else found[ROW]
        wanted = self.expected.get(kind)
        if not wanted:
            return faulty
        held = work.held()
        stale = {number for number, version in wanted.items() if not meets(version, held.get(number, 0))}
        settled.stale |= stale
        return pl.concat([faulty, pl.Series(ROW, sorted(stale), dtype=pl.UInt32)]).unique()

    def _note(self, kind: RecordKind, found: pl.DataFrame, fallen: Collection[int]) -> None:
        """Note what was found; where units fell, of these only: the others are asked again."""
        chosen = found.filter(pl.col(ROW).is_in(list(fallen))) if fallen and found.height else found
        if chosen.height:
            self.checked.note(kind, chosen)

    def _work(self, kind: RecordKind, frame: pl.DataFrame) -> Few | Many:
        work = Few if frame.height <= MOST else Many
        return work(self.connection, kind, frame, self.reference, self.door, self.keys)


class _Savepoint:
    """A savepoint, where one is needed: what is done in the block stays unless it is undone or the block raises."""

    def __init__(self, connection: Connection, *, needed: bool) -> None:
        self._transaction = connection.begin_nested() if needed else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transaction is not None and self._transaction.is_active:
            if error is None:
                self._transaction.commit()
            else:
                self._transaction.rollback()

    def undo(self) -> None:
        """Undo what was done in the block. Without a savepoint there is nothing that could have to be."""
        if self._transaction is not None:
            self._transaction.rollback()
