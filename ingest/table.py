"""An opened file: its columns, what is wrong with its shape, and its rows as frames of text."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from ingest.faults import Faults
from ingest.headings import Column
from schemas.finding import Finding, Severity

Frames = Callable[[], Iterator[pl.DataFrame]]


def _nothing() -> Iterator[pl.DataFrame]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file that may be read several times over.

    `findings` lists at most a thousand faults of each rule of shape, `counts` has all of them by rule number and column letter. `rows` counts
    the rows below the headings that are not blank; it stands only for a file without errors. `sheet` is the workbook's sheet that was read.
    """

    columns: tuple[Column, ...] = ()
    findings: tuple[Finding, ...] = ()
    counts: Mapping[tuple[int, str | None], int] = field(default_factory=dict)
    rows: int | None = None
    heading_row: int | None = None
    sheet: str | None = None
    read: Frames = field(default=_nothing, repr=False)

    @property
    def refused(self) -> bool:
        """Whether a fault of shape keeps the whole file out."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def frames(self, rows: int = 20_000) -> Iterator[pl.DataFrame]:
        """The rows, at most so many to a frame, from the first each time it is called.

        Column `row` (UInt32) is the sheet's own row number; every other column is text named by its `Column.index`, trimmed,
        blank as null. Wholly blank rows are left out. Raises ValueError on a refused file.
        """
        if self.refused:
            raise ValueError("a refused file has no rows to read")
        return regroup(self.read(), rows)

    def column(self, field: str) -> Column | None:
        """The column that holds a field, if the file has it."""
        return next((column for column in self.columns if column.field == field), None)

    def place(self, row: int, field: str) -> tuple[int, str | None, str | None]:
        """Where a field of a row stands in the sender's sheet: row, column letter, heading (None: the file has no such column)."""
        column = self.column(field)
        return (row, None, None) if column is None else (row, column.letter, column.heading)


def refusal(faults: Faults, *, columns: tuple[Column, ...] = (), heading_row: int | None = None) -> Table:
    """A file that is not read further."""
    return Table(columns=columns, findings=tuple(faults.findings), counts=faults.total, heading_row=heading_row)


def schema(columns: Sequence[Column]) -> dict[str, type[pl.DataType]]:
    """The columns of every frame of a table."""
    return {"row": pl.UInt32, **{str(column.index): pl.String for column in columns}}


def regroup(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same frames, those with more than `rows` in several. They are not joined: that would cost memory and time."""
    for frame in frames:
        yield from (frame.slice(start, rows) for start in range(0, frame.height, rows))
