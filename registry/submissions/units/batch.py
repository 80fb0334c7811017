"""Units of a file that are checked and settled together, whatever they came as."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from ingest.check import Context
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.unit import Unit
from registry.submissions.corrections import Corrections
from registry.submissions.units.expected import Expected
from registry.submissions.units.settled import Settled
from registry.submissions.units.settling import Units
from schemas.rules import fhir as rules

CHUNK = 1_000
"""Units that are checked together and committed together."""


class Checked(Units, Protocol):
    """Checked units that can also say what is wrong with each."""

    def issues(self, ordinal: int) -> list[Issue]: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Units that follow each other. `numbers`: by which number the sender finds each again and `checked` knows it; `ordinals`: their
    places in the file, counted from 1."""

    ordinals: range
    numbers: Sequence[int]
    units: Sequence[Unit]
    checked: Checked
    expected: Expected
    text: pl.DataFrame | None = None
    """Of rows of a sheet: their text."""

    def issues(self, place: int, settled: Settled) -> list[Issue]:
        """All that is wrong with the unit at a place of the batch."""
        number = self.numbers[place]
        if number in settled.stale:
            return [*stale(self.units[place]), *self.checked.issues(number)]
        return self.checked.issues(number)


def stale(unit: Unit) -> list[Issue]:
    """What is said of a unit that names a version which is not held."""
    return [fault(rules.IF_MATCH_FAILED, f"{unit.root}.entry.request.ifMatch")]


class Contents(Protocol):
    """A file that was opened: what is wrong with it as a whole, or its units."""

    @property
    def unreadable(self) -> Sequence[Issue]:
        """Why none of it can be read; empty for a file with units."""
        ...

    @property
    def remarks(self) -> Sequence[Issue]:
        """What else is said of the file as a whole."""
        ...

    @property
    def total(self) -> int:
        """How many units there are."""
        ...

    def batches(self, after: int) -> Iterator[Batch]:
        """The units after so many."""
        ...

    def amended(self, batch: Batch, corrections: Sequence[Corrections]) -> Batch:
        """A batch checked again with what was corrected online put in."""
        ...

    @property
    def context(self) -> Context:
        """What the check knows besides the units."""
        ...
