"""What units have done to the register: which record each of them stands for, in which version, and what happened to it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from registry.submissions.request import Record
from schemas.record import RecordKind

ORDER = tuple(RecordKind)
"""The kinds, each after those that it is compared with: a review comes after its case."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The record that a row of a unit stands for: its version after the row, and what the row did to it."""

    record_id: UUID
    version: int
    did: Record

    @property
    def held(self) -> int:
        """The version that stood before; 0 where there was none."""
        return self.version if self.did is Record.UNCHANGED else self.version - 1


@dataclass(frozen=True, slots=True)
class KindSettled:
    """The rows of one kind: by ordinal what each stands for, how many more records stand, how often each field changed."""

    standings: Mapping[int, Standing]
    gained: int
    changed_fields: Mapping[str, int]


@dataclass(slots=True)
class Settled:
    """All that has been settled of some units."""

    standings: dict[RecordKind, dict[int, Standing]] = field(default_factory=dict)
    gained: Counter[RecordKind] = field(default_factory=Counter)
    changed_fields: Counter[str] = field(default_factory=Counter)
    stale: set[int] = field(default_factory=set)
    """The units that name a version which is not held. Nothing of them is stored."""

    def standing(self, kind: RecordKind, ordinal: int) -> Standing | None:
        """What a unit's record of a kind stands for; None where it has none, or none of it is stored."""
        return self.standings.get(kind, {}).get(ordinal)

    def did(self, ordinal: int) -> Record | None:
        """What a unit did: what it did to its case, or to its review where that is all it changed. None: it is not stored."""
        found = [each.did for kind in ORDER if (each := self.standing(kind, ordinal)) is not None]
        return next((did for did in found if did is not Record.UNCHANGED), found[0] if found else None)

    def ordinals(self) -> set[int]:
        """The units that are stored."""
        return {ordinal for each in self.standings.values() for ordinal in each}

    def add(self, kind: RecordKind, settled: KindSettled) -> None:
        self.standings.setdefault(kind, {}).update(settled.standings)
        self.gained[kind] += settled.gained
        self.changed_fields.update(settled.changed_fields)

    def take_in(self, other: "Settled") -> None:
        for kind, standings in other.standings.items():
            self.add(kind, KindSettled(standings, other.gained[kind], {}))
        self.changed_fields.update(other.changed_fields)
        self.stale |= other.stale
