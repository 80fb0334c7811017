"""A file with one unit of FHIR on each line, as batches to settle."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.check import Context
from ingest.fhir import apart
from ingest.fhir.issue import Issue
from ingest.fhir.lines import Lines, look_over
from registry.submissions.units.batch import CHUNK, Batch
from registry.submissions.units.expected import expected


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


def open_lines(path: Path, context: Context) -> Units:
    """Open a spooled file and look where its units are."""
    return Units(look_over(path, CHUNK), context)
