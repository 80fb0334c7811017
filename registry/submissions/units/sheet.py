"""A CSV whose rows are units. What only the whole file tells is known before the first chunk of it is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingest.check import (
    FINDINGS,
    ROW,
    WITHDRAWAL,
    Checked,
    Context,
    check_frame,
    error_rules,
    month_first_columns,
    slashed_fields,
)
from ingest.fhir.issue import Issue
from ingest.fhir.outcome import row_issue
from ingest.fhir.unit import Unit
from ingest.files import Sent, open_sent
from ingest.reading import BATCH_ROWS
from ingest.repeats import Repeats, repeat_rules
from ingest.tabular import Format
from registry.submissions.corrections import Corrections
from registry.submissions.units.batch import CHUNK, Batch
from schemas.dictionary import fields, key
from schemas.record import RecordKind
from schemas.rule import CATALOGUE

_NAMED = (RecordKind.CASE, RecordKind.RCA)


class Rows:
    """Checked rows of one kind; `row` is the sheet's own number."""

    def __init__(self, sheet: "Sheet", checked: Checked) -> None:
        self.kinds = (sheet.kind,)
        self.faulty: set[int] = set()
        self._sheet = sheet
        self._typed = checked.typed
        self._found: dict[int, list[tuple[int, int]]] = {}
        self.note(sheet.kind, checked.findings)

    def standing(self, kind: RecordKind) -> pl.DataFrame:
        """The rows without an error so far."""
        assert kind is self._sheet.kind
        return self._typed.filter(~pl.col(ROW).is_in(sorted(self.faulty)))

    def note(self, kind: RecordKind, findings: pl.DataFrame) -> None:
        assert kind is self._sheet.kind
        for row, place, rule in findings.select(ROW, "place", "rule").iter_rows():
            self._found.setdefault(row, []).append((place, rule))
            if rule in error_rules():
                self.faulty.add(row)

    def issues(self, ordinal: int) -> list[Issue]:
        """What is wrong with the row of that number, the worst first."""
        told = [self._sheet.issue(ordinal, place, rule) for place, rule in self._found.get(ordinal, ())]
        return sorted(told, key=lambda each: not each.error)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A spooled CSV. `repeated` are the findings about rows that only the whole file shows; `swapped` as `check_frame` takes it."""

    source: Sent
    kind: RecordKind
    context: Context
    total: int
    swapped: frozenset[str]
    repeated: pl.DataFrame
    unreadable: Sequence[Issue] = ()
    remarks: Sequence[Issue] = ()

    def batches(self, after: int) -> Iterator[Batch]:
        """The rows after so many, checked, in chunks."""
        done = 0
        for frame in self.source.frames(CHUNK):
            if done + frame.height > after:
                # A chunk is a frame, so a new start is where a frame begins, unless the frames are others than before.
                yield self._batch(frame.slice(max(after - done, 0)), max(after, done))
            done += frame.height

    def _batch(self, frame: pl.DataFrame, before: int) -> Batch:
        checked = check_frame(frame, self.kind, self.context, self.swapped)
        rows = Rows(self, checked)
        numbers = frame[ROW].to_list()
        rows.note(self.kind, self.repeated.filter(pl.col(ROW).is_in(frame[ROW].implode())))
        ordinals = range(before + 1, before + 1 + frame.height)
        units = list(map(self._unit, ordinals, self._identifiers(checked)))
        return Batch(ordinals, numbers, units, rows, {}, frame)

    def amended(self, batch: Batch, corrections: Sequence[Corrections]) -> Batch:
        """The rows checked again with what was corrected online put in."""
        assert batch.text is not None
        for each in corrections:
            text, told = each.amend(batch.text, self.swapped)
            batch = self._batch(text, batch.ordinals.start - 1)
            batch.checked.note(self.kind, told)
        return batch

    def _unit(self, ordinal: int, identifier: str | None) -> Unit:
        return Unit(ordinal, identifier=identifier, records={self.kind: {}})

    def _identifiers(self, checked: Checked) -> list[str | None]:
        """By what the sender knows each row."""
        typed = checked.typed
        if self.kind in _NAMED:
            return typed["local_case_id"].to_list()
        if self.kind is RecordKind.ACTIVITY:
            return typed["month"].dt.strftime("%Y-%m").to_list()
        return [None] * typed.height

    def issue(self, row: int, place: int, rule: int) -> Issue:
        """A finding at the sender's own place, in the rule's words."""
        each = fields(self.kind)[place]
        _, letter, heading = self.source.place(row, each.name)
        wanted = each.holds.wanted_in(self.context.nation)
        return row_issue(
            CATALOGUE[rule].finding(row=row, column=letter, heading=heading, field=each.name, wanted=wanted)
        )


def open_sheet(path: Path, kind: RecordKind, format: Format, context: Context, headings: Mapping[str, str]) -> Sheet:  # noqa: A002 (the name at every door)
    """Open a spooled file of rows and look through all of it for what no single row shows."""
    source = open_sent(path, kind, format, headings)
    nothing = pl.DataFrame(schema=FINDINGS)
    whole = list(map(row_issue, source.findings))
    if source.refused:
        return Sheet(source, kind, context, 0, frozenset(), nothing, unreadable=whole)
    swapped = _swapped(source, kind)
    repeats, total = Repeats(kind), 0
    names = _looked_at(kind)
    for frame in source.frames(BATCH_ROWS):
        there = [name for name in names if name in frame.columns]
        repeats.hear(check_frame(frame.select(ROW, *there), kind, context, swapped & set(there)).typed)
        total += frame.height
    return Sheet(source, kind, context, total, swapped, repeats.findings(), remarks=whole)


def _swapped(source: Sent, kind: RecordKind) -> frozenset[str]:
    """The columns in which any date of the whole file can only be month first."""
    found: frozenset[str] = frozenset()
    if source.month_first_possible:
        for frame in source.frames(BATCH_ROWS):
            found |= month_first_columns(frame, slashed_fields(kind))
    return found


def _looked_at(kind: RecordKind) -> list[str]:
    """The fields that show whether rows repeat each other."""
    asked = {*key(kind), WITHDRAWAL}
    for rule in repeat_rules(kind):
        asked |= {*rule.same, *rule.fields[: rule.within_days is not None]}
    return [each.name for each in fields(kind) if each.name in asked]
