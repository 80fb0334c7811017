"""Units on their way from one process to another: put away as bytes, and taken out only where something is to be said of them."""

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.fhir.elements import UNUSABLE
from ingest.fhir.unit import Unit

_STANDS_FOR_UNUSABLE = "unusable"


class Packed(Mapping[int, Unit]):
    """Units by their ordinals. Only what a process of this program packed itself is ever unpacked."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._packed = {unit.ordinal: _pack(unit) for unit in units}

    def __getitem__(self, ordinal: int) -> Unit:
        unit: Unit = _Unpickler(io.BytesIO(self._packed[ordinal])).load()
        return unit

    def __iter__(self) -> Iterator[int]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def outline(unit: Unit) -> Unit:
    """A unit without what it says: enough for its place in a file and its name there."""
    return Unit(unit.ordinal, root=unit.root, identifier=unit.identifier, records={kind: {} for kind in unit.records})


def _pack(unit: Unit) -> bytes:
    if not unit.issues:  # then there is nothing unusable in it, and the quick way will do
        return pickle.dumps(unit, pickle.HIGHEST_PROTOCOL)
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(unit)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """`UNUSABLE` is known by its identity, which would be lost."""

    def persistent_id(self, held: Any) -> str | None:
        return _STANDS_FOR_UNUSABLE if held is UNUSABLE else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, _: Any) -> str:
        return UNUSABLE
