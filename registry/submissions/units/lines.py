"""A file with one unit of FHIR on each line, read line by line: never more of it is in memory than the units of a chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ingest.check import Context
from ingest.fhir.checked import check_units
from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.parsing import parse
from ingest.fhir.reading import read_unit
from ingest.fhir.unit import Unit
from registry.submissions.units.batch import CHUNK, Batch
from registry.submissions.units.expected import expected
from schemas.rules import fhir as rules

LONGEST = 1_000_000
LIMIT = "1 MB"
CHUNK_BYTES = 64_000_000
"""A chunk ends before it has read more than this."""
_HEAD = 64
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """A spooled file of units. Blank lines are none."""

    path: Path
    context: Context
    total: int
    unreadable: Sequence[Issue] = ()
    remarks: Sequence[Issue] = ()

    def batches(self, after: int) -> Iterator[Batch]:
        """The units after so many, checked, in chunks."""
        with self.path.open("rb") as file:
            lines = enumerate(_lines(file), 1)
            for _ in range(after):
                next(lines)
            while units := self._chunk(lines):
                ordinals = range(units[0].ordinal, units[-1].ordinal + 1)
                yield Batch(ordinals, ordinals, units, check_units(units, self.context), expected(units))

    def _chunk(self, lines: Iterator[tuple[int, bytes | None]]) -> list[Unit]:
        units: list[Unit] = []
        size = 0
        for ordinal, line in lines:
            units.append(self._unit(ordinal, line))
            size += len(line or b"")
            if len(units) == CHUNK or size > CHUNK_BYTES - LONGEST:
                break
        return units

    def _unit(self, ordinal: int, line: bytes | None) -> Unit:
        """The unit of a line; whatever stands there, it is one, if only a faulty one."""
        if line is None:
            return Unit(ordinal, issues=[fault(rules.TOO_LARGE, "Bundle", limit=LIMIT)])
        value, issues = parse(line)
        if value is None:
            return Unit(ordinal, issues=issues)
        unit = read_unit(value, ordinal)
        unit.issues[:0] = issues
        if unit.organisation not in (None, self.context.sender):
            unit.issues.append(fault(rules.NOT_GRANTED, unit.organisation_at))
        if not unit.records and not unit.faulty:
            unit.issues.append(fault(rules.NO_UNIT, unit.root))
        return unit


def open_lines(path: Path, context: Context) -> Lines:
    """Open a spooled file and count its units."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(0)
        total = sum(1 for _ in _lines(file))
    _, wrong = parse(head) if not total or not _may_be_json(head) else (None, [])
    return Lines(path, context, total, wrong)


def _may_be_json(head: bytes) -> bool:
    """Whether the file can hold lines of JSON at all: bytes of another encoding and XML cannot."""
    return (
        b"\x00" not in head
        and head[:1] not in (b"\xff", b"\xfe")
        and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    )


def _lines(file: IO[bytes]) -> Iterator[bytes | None]:
    """The lines that are not blank; None for one that is too long, of which no more is held than the limit."""
    while line := file.readline(LONGEST + 2):
        if len(line.rstrip(b"\r\n")) > LONGEST:
            _skip(file, line)
            yield None
        elif line.strip(_BLANK):
            yield line


def _skip(file: IO[bytes], line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST)
