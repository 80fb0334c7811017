"""Rows of text judged by the dataset's own readings and rules, one expression at a time: small and plain on purpose."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import polars as pl

from schemas.codelist import Nation
from schemas.counting import derive_case
from schemas.dictionary import Field, fields
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule
from tests.make import ON

SENDER = "RJZ"


def text_frame(kind: RecordKind, rows: Sequence[Mapping[str, str]]) -> pl.DataFrame:
    """The rows as columns of stripped text, null where a cell is blank."""
    names = [each.name for each in fields(kind)]
    columns = {name: [row.get(name, "").strip() or None for row in rows] for name in names}
    return pl.DataFrame(columns, schema=dict.fromkeys(names, pl.String))


def typed_frame(
    kind: RecordKind,
    rows: Sequence[Mapping[str, str]],
    *,
    nation: Nation = Nation.ENGLAND,
    on: date = ON,
    sender: str = SENDER,
    synthetic: bool = True,
) -> pl.DataFrame:
    """The rows as typed columns with what is derived from them and the context of their submission."""
    texts = text_frame(kind, rows)
    typed = texts.select(each.holds.read(pl.col(each.name), nation).alias(each.name) for each in fields(kind))
    derived = derive_case(typed) if kind is RecordKind.CASE else typed
    return derived.with_columns(
        _on=pl.lit(on), _nation=pl.lit(nation.value), _sender=pl.lit(sender), _synthetic=pl.lit(synthetic)
    )


def row_rules(kind: RecordKind) -> list[Rule]:
    return [rule for rule in CATALOGUE if rule.check is not None and kind in rule.kinds]


def broken(
    row: Mapping[str, str],
    kind: RecordKind,
    *,
    nation: Nation = Nation.ENGLAND,
    on: date = ON,
    sender: str = SENDER,
    synthetic: bool = True,
) -> set[int]:
    """The numbers of all rules across fields that one row breaks. Every cell must be readable."""
    frame = typed_frame(kind, [row], nation=nation, on=on, sender=sender, synthetic=synthetic)
    unread = [name for name, cell in row.items() if cell.strip() and frame[name][0] is None]
    assert not unread, f"these cells cannot be read: {unread}"
    rules = row_rules(kind)
    verdicts = frame.select(rule.check().alias(str(rule.number)) for rule in rules if rule.check).row(0, named=True)
    return {int(number) for number, fault in verdicts.items() if fault}


def cell_findings(field: Field, cell: str, nation: Nation = Nation.ENGLAND) -> list[int]:
    """The numbers of the cell rules that one cell breaks: its fault if it cannot be read, else its cautions."""
    column = pl.DataFrame({"cell": [cell]}, schema={"cell": pl.String})
    text = pl.col("cell")
    if _one(column, field.holds.read(text, nation).is_null()):
        return [_first(column, field.holds.faults(nation))]
    return [rule.number for rule, when in field.holds.cautions(nation) if _one(column, when(text))]


def _first(column: pl.DataFrame, explanations: Iterable[tuple[Rule, object]]) -> int:
    for rule, when in explanations:
        assert callable(when)
        if _one(column, when(pl.col("cell"))):
            return rule.number
    raise AssertionError("an unreadable cell has no explanation")


def _one(column: pl.DataFrame, expression: pl.Expr) -> bool:
    return column.select(expression.fill_null(False)).item() is True
