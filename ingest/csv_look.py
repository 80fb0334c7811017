"""Looking over a block of CSV with whole-array arithmetic: which lines need the csv module, and which a closer look."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.characters import LONGEST_CELL
from ingest.csv_blocks import LONGEST_LINE
from ingest.csv_shape import Shape

Positions = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
_TAB, _NEWLINE, _RETURN, _SPACE, _QUOTE = 9, 10, 13, 32, 34


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in lines without quotes: the lines to judge one by one, the columns to trim, whether each line has its cells.

    `trim` is None (all of them) where lines do not have their cells.
    """

    suspects: tuple[int, ...]
    trim: tuple[int, ...] | None
    even: bool


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where things are: the bytes, the lines' starts and ends, the ends without carriage returns, the separators."""

    text: Octets
    starts: Positions
    ends: Positions
    closes: Positions
    marks: Positions
    odd: Positions


def plain_lines(block: bytes, shape: Shape) -> Flags:
    """Which lines need no csv module if a record starts with them: no quotes, or quotes just around whole cells.

    Such a cell holds no quote, separator or line end, so that taking its quotes away leaves the same cell.
    """
    text = np.frombuffer(block, np.uint8)
    quotes = text == _QUOTE
    newlines, returns = text == _NEWLINE, text == _RETURN
    marks = (text == ord(shape.separator)) | newlines | returns
    before = np.concatenate(([True], marks[:-1]))
    after = np.concatenate((marks[1:], [True]))
    inside = (np.cumsum(quotes, dtype=np.uint8) & 1).astype(np.bool_)  # wraps around at 256, which keeps odd and even
    unlike = (quotes & ((before == after) | (before != inside))) | (marks & inside)
    unlike[:-1] |= returns[:-1] & ~newlines[1:]
    ends = np.flatnonzero(newlines)
    plain: Flags = np.diff(ends, prepend=-1) <= LONGEST_LINE + 1
    plain[1:] &= ~inside[ends[:-1]]
    plain[np.searchsorted(ends, np.flatnonzero(unlike))] = False
    return plain


def look(plain: bytes, shape: Shape, unnamed: frozenset[int]) -> Look:
    """Look over lines without quotes. Every line with a fault, and every blank one, is among the suspects; so may be a few others."""
    lines = _lines(plain, shape)
    counts = np.diff(np.searchsorted(lines.marks, lines.ends), prepend=0)
    uneven = np.flatnonzero(counts != shape.width - 1)
    suspects = [
        np.searchsorted(lines.ends, lines.odd),
        np.flatnonzero(lines.closes - lines.starts > LONGEST_CELL),
        _perhaps_blank(lines, shape),
        uneven,
    ]
    if uneven.size:
        suspects.append(np.arange(lines.ends.size if unnamed else 0))
        trim = None
    else:
        suspects += _under_blank(lines, shape, unnamed)
        trim = _to_trim(lines, shape)
    return Look(tuple(np.unique(np.concatenate(suspects)).tolist()), trim, not uneven.size)


def _lines(plain: bytes, shape: Shape) -> _Lines:
    text = np.frombuffer(plain, np.uint8)
    low = np.flatnonzero(text < _SPACE)
    kinds = text[low]
    ends = low[kinds == _NEWLINE]
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    returns = low[kinds == _RETURN]
    odd = [returns[text[returns + 1] != _NEWLINE], low[(kinds != _NEWLINE) & (kinds != _RETURN) & (kinds != _TAB)]]
    return _Lines(
        text=text,
        starts=starts,
        ends=ends,
        closes=ends - ((ends > starts) & (text[ends - 1] == _RETURN)),
        marks=np.flatnonzero(text == ord(shape.separator)),
        odd=np.concatenate([*odd, *_odd_characters(plain, text)]),
    )


def _odd_characters(plain: bytes, text: Octets) -> list[Positions]:
    """Where control characters beyond the space may be, U+FFFD, U+FFFE or U+FFFF."""
    places: list[Positions] = []
    if b"\x7f" in plain:
        places.append(np.flatnonzero(text == 0x7F))
    if plain.isascii():
        return places
    if b"\xc2" in plain:
        second = np.flatnonzero(text == 0xC2) + 1
        places.append(second[text[second] < 0xA0])
    if b"\xef\xbf" in plain:
        third = np.minimum(np.flatnonzero(text == 0xEF) + 2, text.size - 1)
        places.append(third[(text[third - 1] == 0xBF) & (text[third] >= 0xBD)])
    return places


def _edge(octets: Octets) -> Flags:
    """Whether a byte may belong to white space: up to the space, or part of a character beyond ASCII."""
    edges: Flags = (octets - np.uint8(33)) >= 95
    return edges


def _perhaps_blank(lines: _Lines, shape: Shape) -> Positions:
    """Lines whose first and last byte may be those of a blank row."""
    mark = ord(shape.separator)
    first, last = lines.text[lines.starts], lines.text[np.maximum(lines.closes - 1, lines.starts)]
    return np.flatnonzero((_edge(first) | (first == mark)) & (_edge(last) | (last == mark)))


def _under_blank(lines: _Lines, shape: Shape, unnamed: frozenset[int]) -> list[Positions]:
    """Lines with anything in a cell under a blank heading."""
    marks = lines.marks.reshape(lines.ends.size, shape.width - 1)
    return [
        np.flatnonzero(
            (lines.closes if index == shape.width - 1 else marks[:, index])
            > (marks[:, index - 1] + 1 if index else lines.starts)
        )
        for index in sorted(unnamed)
    ]


def _to_trim(lines: _Lines, shape: Shape) -> tuple[int, ...]:
    """The columns in which a cell may begin or end with white space."""
    inner = max(shape.width - 1, 1)
    found = np.concatenate(
        (
            _edges(lines, lines.marks + 1, shape) % inner + 1,
            _edges(lines, lines.marks - 1, shape) % inner,
            np.minimum(_edges(lines, lines.starts, shape), 0),
            np.minimum(_edges(lines, lines.closes - 1, shape), 0) + shape.width - 1,
        )
    )
    return tuple(np.unique(found).tolist())


def _edges(lines: _Lines, at: Positions, shape: Shape) -> Positions:
    """Which of some bytes may belong to white space and are not the separator or line end of an empty cell."""
    octets = lines.text[at]
    found = np.flatnonzero(_edge(octets))
    kinds = octets[found]
    real: Positions = found[(kinds != ord(shape.separator)) & (kinds != _NEWLINE) & (kinds != _RETURN)]
    return real
