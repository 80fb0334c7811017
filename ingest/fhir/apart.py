"""Chunks of a file read and checked in processes of their own, while this one does something else with those before.

Reading is most of the work on a file of FHIR, and all of it in Python. Each process is asked for one chunk at a time over a pipe of
its own; when the asking process ends, in whatever way, the pipe does, and the process with it.
"""

import gc
import multiprocessing
import pickle
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from ingest.check import Context
from ingest.fhir.checked import CheckedUnits, check_units
from ingest.fhir.lines import Chunk, Lines, read_chunk
from ingest.fhir.packing import outline
from ingest.fhir.unit import Entry, Unit

PROCESSES = 2
WORTH_IT = 3_000
"""A file with fewer units is read sooner than the processes are there."""
_END_SECONDS = 5


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
    with _readers(lines.path, context, min(processes or several, len(wanted))) as readers:
        yield from _in_turn(readers, wanted, after)


def _expecting(units: Sequence[Unit]) -> list[tuple[int, Sequence[Entry]]]:
    return [(unit.ordinal, unit.entries) for unit in units if any(each.if_match is not None for each in unit.entries)]


def _in_turn(readers: Sequence[Connection], wanted: Sequence[Chunk], after: int) -> Iterator[Read]:
    """Each chunk from the process that was asked for it, which is asked for its next at once."""
    for reader, chunk in zip(readers, wanted, strict=False):
        reader.send((chunk, after))
    for place in range(len(wanted)):
        reader = readers[place % len(readers)]
        answer = _answer(reader)
        if place + len(readers) < len(wanted):
            reader.send((wanted[place + len(readers)], after))
        yield answer


def _answer(reader: Connection) -> Read:
    try:
        content = reader.recv_bytes()
    except EOFError:
        raise OSError("a process that reads units ended") from None
    was_on = gc.isenabled()
    gc.disable()  # nothing of what is taken out is garbage
    try:
        read = pickle.loads(content)  # noqa: S301 (from a process of our own, over a pipe of our own)
    finally:
        if was_on:
            gc.enable()
    if not isinstance(read, Read):
        raise OSError(f"a process that reads units could not: {read}")
    return read


@contextmanager
def _readers(path: Path, context: Context, count: int) -> Iterator[list[Connection]]:
    """So many processes that read chunks of a file."""
    spawning = multiprocessing.get_context("spawn")
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for _ in range(count):
            ours, theirs = spawning.Pipe()
            process: BaseProcess = spawning.Process(target=_serve, args=(theirs, path, context), daemon=True)
            process.start()
            theirs.close()
            started.append((process, ours))
        yield [ours for _, ours in started]
    finally:
        for process, ours in started:
            ours.close()
            process.terminate()
            process.join(_END_SECONDS)


def _serve(asked: Connection, path: Path, context: Context) -> None:
    """Read chunks as they are asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the asking process's to answer
    gc.disable()
    while True:
        try:
            chunk, after = asked.recv()
            asked.send_bytes(_told(path, chunk, after, context))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        gc.collect()


def _told(path: Path, chunk: Chunk, after: int, context: Context) -> bytes:
    """A chunk as bytes; or the kind of what went wrong: words may hold a value."""
    told: Read | str
    try:
        units = read_chunk(path, chunk, context.sender, after=after)
        told = Read([outline(unit) for unit in units], _expecting(units), check_units(units, context).packed())
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told where it can be dealt with)
        told = type(error).__name__
    return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
