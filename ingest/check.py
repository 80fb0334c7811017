"""The one validator: a frame of text goes in; a typed frame and a frame of findings come out, for every door alike.

A cell that is there but cannot be read is *marked*. A rule runs only where none of its fields is marked, so nothing is
called missing or contradictory that is there. All expressions of a record kind are built once and evaluated together.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import polars as pl

from schemas.codelist import Nation
from schemas.counting import TRANSFER_HOURS, derive_case
from schemas.dictionary import Field, fields, key
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope
from schemas.rules import cell  # importing the package fills the catalogue
from schemas.values import CodesType, DateTimeType, DateType, MonthType, month_first

ROW = "row"
WITHDRAWAL = "withdraw_reason"
FINDINGS = {ROW: pl.UInt32, "place": pl.UInt16, "rule": pl.UInt16}


@dataclass(frozen=True, slots=True)
class Context:
    """What the check must know besides the rows: who sends, when it was received, and the codes matched for this trust.

    `codes` maps a field to `{local code in lower case: code}`. `synthetic` data may hold test NHS numbers. A clot found
    `transfer_hours` or less after a transfer is asked about.
    """

    nation: Nation
    sender: str
    on: date
    synthetic: bool = False
    transfer_hours: int = TRANSFER_HOURS
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """`typed` has `row`, every field typed and the derived columns; `findings` has `row`, `place` (the field's number in
    `fields(kind)`) and `rule`."""

    typed: pl.DataFrame
    findings: pl.DataFrame

    def standing(self) -> pl.DataFrame:
        """The rows without an error."""
        return self.typed.filter(~pl.col(ROW).is_in(self.faulty().implode()))

    def faulty(self) -> pl.Series:
        """The rows with at least one error, once each."""
        return self.findings.filter(pl.col("rule").is_in(error_rules()))[ROW].unique()


@cache
def error_rules() -> tuple[int, ...]:
    return tuple(rule.number for rule in CATALOGUE if rule.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The expressions of one record kind in one nation, built once."""

    fields: tuple[Field, ...]
    read: tuple[pl.Expr, ...]
    row_rules: tuple[Rule, ...]
    withdraws: bool


@cache
def _plan(kind: RecordKind, nation: Nation) -> _Plan:
    mine = [rule for rule in CATALOGUE if kind.value in rule.kinds]
    all_fields = fields(kind)
    return _Plan(
        fields=all_fields,
        read=tuple(each.holds.read(pl.col(_text(each.name)), nation).alias(each.name) for each in all_fields),
        row_rules=tuple(rule for rule in mine if rule.scope is Scope.ROW),
        withdraws=any(each.name == WITHDRAWAL for each in all_fields),
    )


def _text(name: str) -> str:
    """The column that holds a field's text beside its typed value."""
    return f"{name} as sent"


def _mark(name: str) -> str:
    return f"{name} unreadable"


def check_frame(text: pl.DataFrame, kind: RecordKind, context: Context, swapped: Collection[str] = ()) -> Checked:
    """Check rows of text: columns `row` and any of the kind's fields, blank cells null. Every fault of every row at once.

    `swapped` names the columns in which some date of the file can only be month first: nothing in them is read.
    """
    plan = _plan(kind, context.nation)
    sent = _sent(text, plan, context)
    typed = _typed(sent, plan, swapped)
    facts = _facts(typed, kind, plan, context)
    flags = facts.select(ROW, *_flags(plan, context, kind))
    findings = pl.concat([_unreadable(facts, plan, context, kind, swapped), _flagged(flags)])
    ordered = findings.sort(ROW, "place", "rule")
    kept = [ROW, *(each.name for each in plan.fields), *_derived_names(facts, plan)]
    return Checked(typed=facts.select(kept), findings=ordered)


def _sent(text: pl.DataFrame, plan: _Plan, context: Context) -> pl.DataFrame:
    """Every field as a column of text under its text name; this trust's local codes put into the dataset's own."""
    there = set(text.columns)
    columns = [
        (pl.col(each.name) if each.name in there else pl.lit(None, dtype=pl.String)).alias(_text(each.name))
        for each in plan.fields
    ]
    sent = text.select(pl.col(ROW).cast(pl.UInt32), *columns)
    matched = [
        _matched(pl.col(_text(each.name)), each, context.codes[each.name]).alias(_text(each.name))
        for each in plan.fields
        if context.codes.get(each.name)
    ]
    return sent.with_columns(matched)


def _matched(text: pl.Expr, each: Field, codes: Mapping[str, str]) -> pl.Expr:
    """This trust's codes put into the dataset's own; in a cell that lists several, one by one."""
    if not isinstance(each.holds, CodesType):
        return text.str.to_lowercase().replace_strict(dict(codes), default=text)
    one = pl.element().str.strip_chars()
    ours = one.str.to_lowercase().replace_strict(dict(codes), default=one)
    return text.str.split("|").list.eval(ours).list.join("|")


def _typed(sent: pl.DataFrame, plan: _Plan, swapped: Collection[str]) -> pl.DataFrame:
    """The readings beside the text, and a mark where a cell is there but was not read."""
    read = sent.with_columns(plan.read)
    refused = [pl.lit(None, dtype=each.holds.dtype).alias(each.name) for each in plan.fields if each.name in swapped]
    if refused:
        read = read.with_columns(refused)
    return read.with_columns(
        (pl.col(_text(each.name)).is_not_null() & pl.col(each.name).is_null()).alias(_mark(each.name))
        for each in plan.fields
    )


def _facts(typed: pl.DataFrame, kind: RecordKind, plan: _Plan, context: Context) -> pl.DataFrame:
    """What the rules may speak of: the typed fields, what is derived from them, and the context as columns."""
    # As sent: a reason that is there but cannot be read is the one fault of its row.
    asked = pl.col(_text(WITHDRAWAL)).is_null() if plan.withdraws else pl.lit(value=True)
    known = typed.with_columns(
        pl.lit(context.on).alias("_on"),
        pl.lit(context.nation.value).alias("_nation"),
        pl.lit(context.sender).alias("_sender"),
        pl.lit(context.synthetic).alias("_synthetic"),
        pl.lit(context.transfer_hours).alias("_transfer_hours"),
        asked.alias("_asked"),
    )
    return derive_case(known) if kind is RecordKind.CASE else known


def _always_asked(kind: RecordKind) -> tuple[str, ...]:
    """The fields that are looked at also where a record is withdrawn."""
    return (*key(kind), WITHDRAWAL)


def _derived_names(facts: pl.DataFrame, plan: _Plan) -> list[str]:
    ours = {ROW, *(each.name for each in plan.fields)}
    return [
        name
        for name in facts.columns
        if name not in ours and not name.startswith("_") and not name.endswith((" as sent", " unreadable"))
    ]


def _flags(plan: _Plan, context: Context, kind: RecordKind) -> Iterable[pl.Expr]:
    """One true/false column for each thing that can be wrong with a row, named `place rule`."""
    place = {each.name: number for number, each in enumerate(plan.fields)}
    keys = _always_asked(kind)
    for each in plan.fields:
        asked = pl.lit(value=True) if each.name in keys else pl.col("_asked")
        if each.required:
            empty = pl.col(_text(each.name)).is_null() & asked
            yield empty.alias(_flag(place[each.name], cell.MISSING))
        for rule, when in each.holds.cautions(context.nation):
            standing = pl.col(each.name).is_not_null() & when(pl.col(_text(each.name)), pl.col(each.name)) & asked
            yield standing.fill_null(value=False).alias(_flag(place[each.name], rule))
    for rule in plan.row_rules:
        assert rule.check is not None, f"{rule.id} looks at a row and has no check"
        readable = ~pl.any_horizontal(pl.col(_mark(name)) for name in rule.fields)
        yield (rule.check().fill_null(value=False) & readable & pl.col("_asked")).alias(
            _flag(place[rule.fields[0]], rule)
        )


def _flag(place: int, rule: Rule) -> str:
    return f"{place} {rule.number}"


def _flagged(flags: pl.DataFrame) -> pl.DataFrame:
    """The true cells of the flag columns as findings. Only the columns that hold one are touched again."""
    names = flags.columns[1:]
    counts = flags.select(pl.col(names).sum()).row(0)
    found = [
        _findings(flags.filter(pl.col(name))[ROW], *map(int, name.split(" ")))
        for name, count in zip(names, counts, strict=True)
        if count
    ]
    return pl.concat([pl.DataFrame(schema=FINDINGS), *found])


def _findings(rows: pl.Series, place: int, rule: int) -> pl.DataFrame:
    return pl.DataFrame({ROW: rows}).select(
        ROW, pl.lit(place, dtype=pl.UInt16).alias("place"), pl.lit(rule, dtype=pl.UInt16).alias("rule")
    )


def _unreadable(
    facts: pl.DataFrame, plan: _Plan, context: Context, kind: RecordKind, swapped: Collection[str]
) -> pl.DataFrame:
    """Why each marked cell could not be read: the first explanation of its type that holds."""
    marks = [_mark(each.name) for each in plan.fields]
    counts = facts.select(pl.col(marks).sum()).row(0)
    found = [pl.DataFrame(schema=FINDINGS)]
    for place, (each, count) in enumerate(zip(plan.fields, counts, strict=True)):
        if count:
            asked = pl.lit(value=True) if each.name in _always_asked(kind) else pl.col("_asked")
            cells = facts.filter(pl.col(_mark(each.name)) & asked)
            found.append(_explained(cells, place, each, context.nation, each.name in swapped))
    return pl.concat(found)


def _explained(cells: pl.DataFrame, place: int, each: Field, nation: Nation, swapped: bool) -> pl.DataFrame:
    explanations = ((cell.MONTH_FIRST, _there),) if swapped else each.holds.faults(nation)
    text = pl.col(_text(each.name))
    first = pl.coalesce(pl.when(when(text)).then(pl.lit(rule.number, dtype=pl.UInt16)) for rule, when in explanations)
    return cells.select(ROW, pl.lit(place, dtype=pl.UInt16).alias("place"), first.alias("rule"))


def _there(text: pl.Expr) -> pl.Expr:
    return text.is_not_null()


def slashed_fields(kind: RecordKind) -> tuple[str, ...]:
    """The fields in which slashes are read as day first, so one month-first value makes the whole column doubtful."""
    return tuple(each.name for each in fields(kind) if isinstance(each.holds, DateType | DateTimeType | MonthType))


def month_first_columns(text: pl.DataFrame, names: Collection[str]) -> frozenset[str]:
    """Those of the named columns that hold a date which can only be month first."""
    there = [name for name in names if name in text.columns]
    if not there or not text.height:
        return frozenset()
    found = text.select(month_first(pl.col(name)).any().alias(name) for name in there).row(0, named=True)
    return frozenset(name for name, swapped in found.items() if swapped)
