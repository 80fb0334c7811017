"""Rows of text judged by the one validator, with what it says given as rule numbers."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ingest.check import ROW, Checked, Context, check_frame
from ingest.repeats import Repeats
from schemas.codelist import Nation
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from tests.make import ON, valid

SENDER = "RJZ"


def text_frame(kind: RecordKind, rows: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The rows as columns of text beside their numbers from 2, null where a cell is blank."""
    names = [each.name for each in fields(kind)]
    columns = {name: [row.get(name) or None for row in rows] for name in names}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))
    return frame.with_row_index(ROW, offset=2)


def check(
    kind: RecordKind,
    rows: Sequence[Mapping[str, str]],
    *,
    nation: Nation = Nation.ENGLAND,
    on: date = ON,
    synthetic: bool = True,
) -> Checked:
    context = Context(nation=nation, sender=SENDER, on=on, synthetic=synthetic)
    return check_frame(text_frame(kind, rows), kind, context)


def broken(
    row: Mapping[str, str],
    kind: RecordKind,
    *,
    nation: Nation = Nation.ENGLAND,
    on: date = ON,
    synthetic: bool = True,
) -> set[int]:
    """The numbers of all rules that one row breaks."""
    return set(check(kind, [row], nation=nation, on=on, synthetic=synthetic).findings["rule"])


def repeated(kind: RecordKind, rows: Sequence[Mapping[str, str]]) -> list[tuple[int, int]]:
    """Row and rule number of every finding across rows, as if each row came in a batch of its own."""
    repeats = Repeats(kind)
    for number, row in enumerate(rows, 2):
        typed = check(kind, [row]).typed
        repeats.hear(typed.with_columns(pl.lit(number, dtype=pl.UInt32).alias(ROW)))
    return [(row, rule) for row, _, rule in repeats.findings().rows()]


def cell_findings(field: Field, cell: str, nation: Nation = Nation.ENGLAND) -> list[int]:
    """The numbers of the rules that one cell of a valid row breaks by itself."""
    row = {**valid(field.kind), field.name: cell}
    findings = check(field.kind, [row], nation=nation).findings
    place = [each.name for each in fields(field.kind)].index(field.name)
    return [number for number in findings.filter(pl.col("place") == place)["rule"] if number < 90]
