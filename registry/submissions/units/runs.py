"""Units in runs, so that the rows of a run can be settled together and nothing of the order sent is lost."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import polars as pl

from ingest.check import ROW
from schemas.dictionary import key
from schemas.record import RecordKind

END = 2**32 - 1
"""Comes after every unit."""

Frames = Mapping[RecordKind, pl.DataFrame]


def runs(frames: Frames) -> Iterator[dict[RecordKind, pl.DataFrame]]:
    """The rows by kind in as many runs as it takes: within a run no two units stand for the same record, and no review comes
    before the case that it belongs to. Most often that is one run."""
    if not frames:
        return
    if len({number for frame in frames.values() for number in (frame[ROW].min(), frame[ROW].max())}) == 1:
        yield dict(frames)  # a single unit
        return
    if not (any(_repeats(kind, frame) for kind, frame in frames.items()) or _review_first(frames)):
        yield dict(frames)
        return
    for first, after in pairwise([*_starts(frames), END]):
        inside = pl.col(ROW).is_between(first, after, closed="left")
        run = {kind: frame.filter(inside) for kind, frame in frames.items()}
        yield {kind: frame for kind, frame in run.items() if frame.height}


def _repeats(kind: RecordKind, frame: pl.DataFrame) -> bool:
    return frame.height > 1 and bool(frame.select(pl.struct(key(kind)).is_duplicated().any()).item())


def _review_first(frames: Frames) -> bool:
    """Whether some review comes before its case."""
    if RecordKind.CASE not in frames or RecordKind.RCA not in frames:
        return False
    cases, reviews = (frames[kind].select(ROW, "local_case_id") for kind in (RecordKind.CASE, RecordKind.RCA))
    together = reviews.join(cases, on="local_case_id", suffix="_of_case")
    return together.filter(pl.col(ROW) < pl.col(f"{ROW}_of_case")).height > 0


def _starts(frames: Frames) -> list[int]:
    """The units with which a run begins, the first of all included."""
    units: dict[int, list[tuple[RecordKind, tuple[object, ...]]]] = {}
    for kind, frame in frames.items():
        for ordinal, *values in frame.select(ROW, *key(kind)).iter_rows():
            units.setdefault(ordinal, []).append((kind, tuple(values)))
    starts: list[int] = []
    seen: set[tuple[RecordKind, tuple[object, ...]]] = set()
    for ordinal in sorted(units):
        wanted = units[ordinal]
        reviewed = {(RecordKind.RCA, values) for kind, values in wanted if kind is RecordKind.CASE}
        if not starts or not seen.isdisjoint(wanted) or not seen.isdisjoint(reviewed):
            starts.append(ordinal)
            seen.clear()
        seen.update(wanted)
    return starts
