"""A file with one unit of FHIR on each line, in chunks: where each begins is known after one look, so that any can be read by itself.

Never more of the file is in memory than a chunk.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from ingest.fhir.issue import Issue
from ingest.fhir.issue_types import fault
from ingest.fhir.parsing import parse
from ingest.fhir.reading import read_unit
from ingest.fhir.unit import Unit
from schemas.rules import fhir as rules

LONGEST = 1_000_000
LIMIT = "1 MB"
CHUNK_BYTES = 64_000_000
"""A chunk ends with the line that goes beyond this."""
_HEAD = 64
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Chunk:
    """`count` units from the one numbered `first`; the line of that begins at the byte `offset`."""

    first: int
    count: int
    offset: int

    @property
    def last(self) -> int:
        return self.first + self.count - 1


@dataclass(frozen=True, slots=True)
class Lines:
    """A file of units that was looked over. Blank lines are none. `unreadable`: why it holds no unit at all."""

    path: Path
    chunks: Sequence[Chunk]
    unreadable: Sequence[Issue] = ()

    @property
    def total(self) -> int:
        return self.chunks[-1].last if self.chunks else 0


def look_over(path: Path, units: int) -> Lines:
    """Find the chunks of a file, each of at most so many units."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(0)
        chunks = list(_chunks(file, units))
    _, wrong = parse(head) if not chunks or not _may_be_json(head) else (None, [])
    return Lines(path, chunks, wrong)


def _chunks(file: IO[bytes], most: int) -> Iterator[Chunk]:
    first, count, offset, size = 1, 0, 0, 0
    for at, line in _lines(file):
        if count == most or size > CHUNK_BYTES:
            yield Chunk(first, count, offset)
            first, count, size = first + count, 0, 0
        if not count:
            offset = at
        count += 1
        size += len(line or b"")
    if count:
        yield Chunk(first, count, offset)


def _may_be_json(head: bytes) -> bool:
    """Whether the file can hold lines of JSON at all: bytes of another encoding and XML cannot."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    return b"\x00" not in head and head[:1] not in (b"\xff", b"\xfe") and not start.startswith(b"<")


def read_chunk(path: Path, chunk: Chunk, sender: str, *, after: int = 0) -> list[Unit]:
    """The units of a chunk that come after so many of the file, sent by the organisation of that code."""
    with path.open("rb") as file:
        file.seek(chunk.offset)
        numbered = enumerate(islice(_lines(file), chunk.count), chunk.first)
        return [_unit(ordinal, line, sender) for ordinal, (_, line) in numbered if ordinal > after]


def _unit(ordinal: int, line: bytes | None, sender: str) -> Unit:
    """The unit of a line; whatever stands there, it is one, if only a faulty one."""
    if line is None:
        return Unit(ordinal, issues=[fault(rules.TOO_LARGE, "Bundle", limit=LIMIT)])
    value, issues = parse(line)
    if value is None:
        return Unit(ordinal, issues=issues)
    unit = read_unit(value, ordinal)
    unit.issues[:0] = issues
    if unit.organisation not in (None, sender):
        unit.issues.append(fault(rules.NOT_GRANTED, unit.organisation_at))
    if not unit.records and not unit.faulty:
        unit.issues.append(fault(rules.NO_UNIT, unit.root))
    return unit


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not blank, each with its place; None for one that is too long, of which no more is held than the limit."""
    at = file.tell()
    while line := file.readline(LONGEST + 2):
        length = len(line)
        if len(line.rstrip(b"\r\n")) > LONGEST:
            length += _skip(file, line)
            yield at, None
        elif line.strip(_BLANK):
            yield at, line
        at += length


def _skip(file: IO[bytes], line: bytes) -> int:
    """Go on to the end of a line that has begun; gives how many bytes that were."""
    skipped = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(LONGEST)
        skipped += len(line)
    return skipped
