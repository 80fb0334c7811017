"""Chunks of a file read and checked in processes of their own, while this one does something else with those before.

Reading is most of the work on a file of FHIR, and all of it in Python. Each process is asked for one chunk at a time over a pipe of
its own.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ingest.check import Context
from ingest.child import Child, answer_with
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.lines import Chunk, Lines, read_chunk
from ingest.fhir.packing import outline
from ingest.fhir.unit import Entry, Unit

PROCESSES = 2
WORTH_IT = 5_000
"""A file with fewer units is read sooner than the processes are there."""


@dataclass(frozen=True, slots=True)
class Read:
    """A chunk: its units, of which those that came from another process are outlines, the entries of those that expect a version,
    and what the checks say."""

    units: Sequence[Unit]
    entries: Sequence[tuple[int, Sequence[Entry]]]
    checked: CheckedUnits


def chunks(lines: Lines, context: Context, *, after: int = 0, processes: int | None = None) -> Iterator[Read]:
    """The units after so many, checked, in the chunks of the file; `processes` 0: in this one.

    Raises OSError where a process ends before its work does.
    """
    wanted = [chunk for chunk in lines.chunks if chunk.last > after]
    several = PROCESSES if lines.total - after >= WORTH_IT else 0
    if not (several if processes is None else processes):
        for chunk in wanted:
            units = read_chunk(lines.path, chunk, context.sender, after=after)
            yield Read(units, _expecting(units), check_units(units, context))
        return
    with ExitStack() as started:
        readers = [
            started.enter_context(Child(__name__, Read, (lines.path, context)))
            for _ in range(min(processes or several, len(wanted)))
        ]
        yield from _in_turn(readers, wanted, after)


def _expecting(units: Sequence[Unit]) -> list[tuple[int, Sequence[Entry]]]:
    return [(unit.ordinal, unit.entries) for unit in units if any(each.if_match is not None for each in unit.entries)]


def _in_turn(readers: Sequence[Child[Read]], wanted: Sequence[Chunk], after: int) -> Iterator[Read]:
    """Each chunk from the process that was asked for it, which is asked for its next at once."""
    for reader, chunk in zip(readers, wanted, strict=False):
        reader.ask((chunk, after))
    for place in range(len(wanted)):
        reader = readers[place % len(readers)]
        answer = reader.answer()
        if place + len(readers) < len(wanted):
            reader.ask((wanted[place + len(readers)], after))
        yield answer


def serve() -> None:
    """In such a process: read chunks as they are asked for, until nobody asks any more."""
    gc.disable()
    answer_with(_read)


def _read(given: tuple[Path, Context], asked: tuple[Chunk, int]) -> Read:
    gc.collect()  # what came of the chunk before, which is on its way
    (path, context), (chunk, after) = given, asked
    units = read_chunk(path, chunk, context.sender, after=after)
    return Read([outline(unit) for unit in units], _expecting(units), check_units(units, context).packed())
