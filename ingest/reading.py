"""A reading: the rows of a file that stand, in batches, and the findings about the rest. Memory stays that of one batch."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from ingest.check import ROW, Checked, Context, check_frame, error_rules, month_first_columns, slashed_fields
from ingest.repeats import Repeats
from schemas.dictionary import Field, fields
from schemas.finding import Finding, Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE

Amend = Callable[[pl.DataFrame, frozenset[str]], tuple[pl.DataFrame, pl.DataFrame]]
"""Rows of text, and the columns in which dates are month first, to the rows as they are to be checked and findings about them."""

LISTED = 10_000
BATCH_ROWS = 20_000


class Source(Protocol):
    """What every reader returns: frames of text with `row` and field columns, and the sender's own name of each place."""

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    @property
    def counts(self) -> Mapping[tuple[int, str | None], int]: ...

    @property
    def refused(self) -> bool: ...

    @property
    def rows(self) -> int | None: ...

    @property
    def month_first_possible(self) -> bool:
        """Whether a date that can only be month first may be in it. True costs one more reading of the file."""
        ...

    def frames(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]: ...

    def place(self, row: int, field: str) -> tuple[int, str | None, str | None]: ...


@dataclass(slots=True)
class Report:
    """What was found: all faults counted by rule and field, the first 10,000 listed, the faulty rows by number."""

    rows: int = 0
    tally: Counter[tuple[int, str]] = field(default_factory=Counter)
    listed: list[Finding] = field(default_factory=list)
    faulty: list[pl.Series] = field(default_factory=list)
    refused_whole: bool = False

    @property
    def errors(self) -> int:
        return sum(count for (rule, _), count in self.tally.items() if CATALOGUE[rule].severity is Severity.ERROR)

    @property
    def warnings(self) -> int:
        return sum(self.tally.values()) - self.errors

    def faulty_rows(self) -> pl.Series:
        """The sheet's numbers of all rows with an error, in order."""
        return pl.concat([pl.Series(ROW, dtype=pl.UInt32), *self.faulty]).unique().sort()


class Reading:
    """One file being read: iterate `batches()` to the end, then `report` is whole."""

    def __init__(self, source: Source, kind: RecordKind, context: Context) -> None:
        self.source = source
        self.kind = kind
        self.context = context
        self.repeated_faulty = pl.Series(ROW, dtype=pl.UInt32)
        self.report = Report(refused_whole=source.refused, listed=list(source.findings[:LISTED]))
        for (rule, _), count in source.counts.items():
            self.report.tally[rule, ""] += count

    def batches(
        self,
        *,
        rows: int = BATCH_ROWS,
        seen: Callable[[int, int], None] | None = None,
        amend: Amend | None = None,
    ) -> Iterator[Checked]:
        """Checked rows, batch by batch; `seen` hears (rows checked, rows in all), `amend` may put other text in before the check.

        After the last batch `repeated_faulty` names rows of earlier batches that turned out to be repeated.
        """
        if self.source.refused:
            return
        swapped = self._swapped(rows)
        repeats = Repeats(self.kind)
        for frame in self.source.frames(rows):
            if amend is not None:
                frame, told = amend(frame, swapped)
                self.note(told)
            checked = check_frame(frame, self.kind, self.context, swapped)
            repeats.hear(checked.typed)
            self._note(checked, frame.height)
            if seen is not None:
                seen(self.report.rows, self.source.rows or 0)
            del frame
            yield checked
            del checked  # or two batches would be held while the next one is read
        self.repeated_faulty = self.add(repeats.findings())

    def _swapped(self, rows: int) -> frozenset[str]:
        """The columns in which any date of the whole file can only be month first."""
        found: frozenset[str] = frozenset()
        if self.source.month_first_possible:
            for frame in self.source.frames(rows):
                found |= month_first_columns(frame, slashed_fields(self.kind))
        return found

    def _note(self, checked: Checked, rows: int) -> None:
        self.report.rows += rows
        if not checked.findings.height:
            return
        self.note(checked.findings)
        self.report.faulty.append(checked.faulty())

    def add(self, findings: pl.DataFrame) -> pl.Series:
        """Take in findings that were made elsewhere about the same rows. Gives the rows that now have an error."""
        if not findings.height:
            return pl.Series(ROW, dtype=pl.UInt32)
        self.note(findings)
        faulty = findings.filter(pl.col("rule").is_in(error_rules()))[ROW].unique()
        self.report.faulty.append(faulty)
        return faulty

    def note(self, findings: pl.DataFrame) -> None:
        """Count findings (row, place, rule) and list them while there is room, in the sender's own words of place."""
        all_fields = fields(self.kind)
        counted = findings.group_by("rule", "place").len()
        for rule, place, count in counted.iter_rows():
            self.report.tally[rule, all_fields[place].name] += count
        room = LISTED - len(self.report.listed)
        for row, place, rule in findings.head(max(room, 0)).iter_rows():
            self.report.listed.append(self.finding(row, all_fields[place], rule))

    def finding(self, row: int, each: Field, rule: int) -> Finding:
        """One finding at the sender's own place, in the rule's words."""
        _, letter, heading = self.source.place(row, each.name)
        return CATALOGUE[rule].finding(
            row=row,
            column=letter,
            heading=heading,
            field=each.name,
            wanted=each.holds.wanted_in(self.context.nation),
        )
