"""A CSV file's bytes as UTF-8 in blocks of whole lines, whatever encoding it was saved in. Memory is bounded by the block."""

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

BLOCK = 3 << 20
"""Bytes of a block, 10,000 to 20,000 rows of 40 columns: smaller ones cost whoever reads the frames their start, larger ones memory."""
LONGEST_LINE = 1 << 20
_PIECE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's characters are stored, and the length in bytes of the mark that says so."""

    name: str
    mark: int = 0


class Bytes(Protocol):
    """Anything that hands out up to so many bytes, fewer only at its end."""

    def read(self, size: int, /) -> bytes: ...


def detect(path: Path) -> Encoding | int:
    """The encoding that reads the whole file: by its mark, else strict UTF-8, else Windows-1252.

    If none does: the number of the line at which reading ends.
    """
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _MARKS:
        if start.startswith(mark):
            encoding = Encoding(name, len(mark))
            return _fault(path, encoding) or encoding
    if _fault(path, Encoding("utf-8")) is None:
        return Encoding("utf-8")
    return _fault(path, Encoding("cp1252")) or Encoding("cp1252")


def _fault(path: Path, encoding: Encoding) -> int | None:
    """The line at which the file stops being text in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding.name)()
    skips_ascii = encoding.name != "utf-16-le" and encoding.name != "utf-16-be"
    read = encoding.mark
    with path.open("rb") as file:
        file.seek(encoding.mark)
        while True:
            piece = file.read(_PIECE)
            pending = len(decoder.getstate()[0])
            try:
                if pending or not (skips_ascii and piece and piece.isascii()):
                    decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as fault:
                return _line_at(path, read - pending + fault.start)
            if not piece:
                return None
            read += len(piece)


def _line_at(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return 1 + sum(file.read(min(_PIECE, offset - at)).count(b"\n") for at in range(0, offset, _PIECE))


class _Recoded:
    """A file in another encoding, read as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._held = bytearray()
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and not self._ended:
            piece = self._file.read(_PIECE)
            self._ended = not piece
            self._held += self._decoder.decode(piece, final=self._ended).encode()
        out = bytes(self._held[:size])
        del self._held[:size]
        return out


@contextmanager
def opened(path: Path, encoding: Encoding, skip: int = 0) -> Iterator[Bytes]:
    """The file's text as UTF-8 without its mark, from the byte `skip` of that text."""
    with path.open("rb") as file:
        file.seek(encoding.mark)
        if encoding.name == "utf-8":
            file.seek(skip, 1)
            yield file
            return
        recoded = _Recoded(file, encoding.name)
        while skip:
            skip -= len(recoded.read(min(skip, _PIECE)))
        yield recoded


class Blocks:
    """Whole lines of a text, about `size` bytes at a time. What `unread` gives back comes first in the next block.

    A line longer than LONGEST_LINE may come cut, still longer than that, with the rest of it left out.
    """

    def __init__(self, source: Bytes, size: int = BLOCK) -> None:
        self._source = source
        self._size = size
        self._held = b""
        self.ended = False

    def unread(self, rest: bytes) -> None:
        self._held = rest + self._held

    def read(self) -> bytes:
        """The next lines; the last of the file gets its line end if it has none; b"" after it."""
        while not self.ended:
            known = len(self._held)
            self._held += self._more(self._size - known if known < self._size else self._size)
            cut = self._held.rfind(b"\n", known) + 1
            if cut:
                return self._take(cut)
            if len(self._held) - self._held.rfind(b"\n") > LONGEST_LINE + 1:
                return self._cut_line()
        if self._held and not self._held.endswith(b"\n"):
            self._held += b"\n"
        return self._take(len(self._held))

    def _more(self, size: int) -> bytes:
        piece = self._source.read(size)
        self.ended = not piece
        return piece

    def _cut_line(self) -> bytes:
        block = self._held[: self._held.rfind(b"\n") + 1 + LONGEST_LINE + 1] + b"\n"
        self._held = b""
        while not self.ended and b"\n" not in self._held:
            self._held = self._more(self._size)
        self._held = self._held.partition(b"\n")[2]
        return block

    def _take(self, size: int) -> bytes:
        block, self._held = self._held[:size], self._held[size:]
        return block
