"""A file with one unit of FHIR on each line, as batches to settle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ingest.check import Context
from ingest.fhir import apart
from ingest.fhir.checked import CheckedUnits
from ingest.fhir.issue import Issue
from ingest.fhir.lines import Lines, look_over, read_chunk
from registry.submissions.corrections import Corrections
from registry.submissions.units.amending import amended
from registry.submissions.units.batch import CHUNK, Batch
from registry.submissions.units.expected import expected
from schemas.dictionary import key


@dataclass(frozen=True, slots=True)
class Units:
    """A spooled file of units."""

    lines: Lines
    context: Context
    remarks: Sequence[Issue] = ()

    @property
    def unreadable(self) -> Sequence[Issue]:
        return self.lines.unreadable

    @property
    def total(self) -> int:
        return self.lines.total

    def batches(self, after: int) -> Iterator[Batch]:
        """The units after so many, checked, in chunks."""
        for read in apart.chunks(self.lines, self.context, after=after):
            ordinals = range(read.units[0].ordinal, read.units[-1].ordinal + 1)
            yield Batch(ordinals, ordinals, read.units, read.checked, expected(read.entries))

    def amended(self, batch: Batch, corrections: Sequence[Corrections]) -> Batch:
        """The units checked again with what was corrected online put in. A chunk with such a unit is read again here: what another
        process has read comes without its text."""
        checked = batch.checked
        assert isinstance(checked, CheckedUnits)
        if not any(
            each.meets(checked.checked(each.kind).typed[key(each.kind)[0]]) for each in _of(checked, corrections)
        ):
            return batch
        [chunk] = [each for each in self.lines.chunks if each.last == batch.ordinals.stop - 1]
        units = read_chunk(self.lines.path, chunk, self.context.sender, after=batch.ordinals.start - 1)
        return replace(batch, units=units, checked=amended(units, checked, corrections, self.context))


def _of(checked: CheckedUnits, corrections: Sequence[Corrections]) -> Iterator[Corrections]:
    return (each for each in corrections if each.kind in checked.kinds)


def open_lines(path: Path, context: Context) -> Units:
    """Open a spooled file and look where its units are."""
    return Units(look_over(path, CHUNK), context)
