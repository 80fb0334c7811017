"""Chunks of a file read and checked in processes of their own, while this one does something else with those before.

Reading is most of the work on a file of FHIR, and all of it in Python. Each process is asked for one chunk at a time over a pipe of
its own; when the asking process ends, in whatever way, the pipe does, and the process with it.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.check import Context
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
    with _readers(lines.path, context, min(processes or several, len(wanted))) as readers:
        yield from _in_turn(readers, wanted, after)


def _expecting(units: Sequence[Unit]) -> list[tuple[int, Sequence[Entry]]]:
    return [(unit.ordinal, unit.entries) for unit in units if any(each.if_match is not None for each in unit.entries)]


def _in_turn(readers: "Sequence[_Reader]", wanted: Sequence[Chunk], after: int) -> Iterator[Read]:
    """Each chunk from the process that was asked for it, which is asked for its next at once."""
    for reader, chunk in zip(readers, wanted, strict=False):
        reader.send((chunk, after))
    for place in range(len(wanted)):
        reader = readers[place % len(readers)]
        answer = reader.answer()
        if place + len(readers) < len(wanted):
            reader.send((wanted[place + len(readers)], after))
        yield answer


@contextmanager
def _readers(path: Path, context: Context, count: int) -> "Iterator[list[_Reader]]":
    """So many processes that read chunks of a file."""
    with ExitStack() as started:
        yield [started.enter_context(_Reader(path, context)) for _ in range(count)]


class _Reader:
    """A process that reads, and the two pipes to it."""

    def __init__(self, path: Path, context: Context) -> None:
        # Not `multiprocessing`, whose processes begin with all that this one did: here, the whole service.
        self._process = subprocess.Popen(  # noqa: S603 (this program itself)
            [sys.executable, "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asking = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._answering = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()
        self.send((path, context))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.close()
        self._answering.close()
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, asked: object) -> None:
        self._asking.send(asked)

    def answer(self) -> Read:
        """What came of the chunk that was asked for first."""
        try:
            content = self._answering.recv_bytes()
        except EOFError:
            raise OSError("a process that reads units ended") from None
        read = pickle.loads(content)  # noqa: S301 (from a process of our own, over a pipe of our own)
        if not isinstance(read, Read):
            raise OSError(f"a process that reads units could not: {read}")
        return read


def serve() -> None:
    """In such a process: read chunks as they are asked for, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the asking process's to answer
    asking = Connection(os.dup(0), writable=False)
    answering = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # whatever might be printed is no answer
    gc.disable()
    try:
        path, context = asking.recv()
        while True:
            chunk, after = asking.recv()
            answering.send_bytes(_told(path, chunk, after, context))
            gc.collect()
    except (EOFError, BrokenPipeError):
        return


def _told(path: Path, chunk: Chunk, after: int, context: Context) -> bytes:
    """A chunk as bytes; or the kind of what went wrong: words may hold a value."""
    told: Read | str
    try:
        units = read_chunk(path, chunk, context.sender, after=after)
        told = Read([outline(unit) for unit in units], _expecting(units), check_units(units, context).packed())
    except Exception as error:  # noqa: BLE001 (whatever it is, it is told where it can be dealt with)
        told = type(error).__name__
    return pickle.dumps(told, pickle.HIGHEST_PROTOCOL)
