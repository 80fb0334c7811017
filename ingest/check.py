"""The one validator: a frame of text goes in; a typed frame and a frame of findings come out, for every door alike.

A cell that is there but cannot be read is *marked*. A rule runs only where none of its fields is marked, so nothing is
called missing or contradictory that is there. All expressions of a record kind are built once and evaluated together.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache

import polars as pl

from schemas.codelist import Nation
from schemas.counting import DERIVED, TRANSFER_HOURS, derive_case, derived_from
from schemas.dictionary import Field, fields, key
from schemas.finding import Severity
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Scope
from schemas.rules import cell  # importing the package fills the catalogue
from schemas.values import CodesType, CodeType, DateTimeType, DateType, FieldType, MonthType, month_first

ROW = "row"
WITHDRAWAL = "withdraw_reason"
FEW_ROWS = 200
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
        if not self.findings.height:
            return self.typed
        return self.typed.filter(~pl.col(ROW).is_in(self.faulty().implode()))

    def faulty(self) -> pl.Series:
        """The rows with at least one error, once each."""
        return self.findings.filter(pl.col("rule").is_in(error_rules()))[ROW].unique()


@cache
def error_rules() -> tuple[int, ...]:
    return tuple(rule.number for rule in CATALOGUE if rule.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True)
class _Flag:
    """One thing that can be wrong with a row: at which field, by which rule, and the expression that is true there (null is no fault).

    It is silent where one of `silent_where` is marked, and in a withdrawn row unless it is `always` looked for. Few rows are like that, so
    what is said for all of them is kept short.
    """

    place: int
    rule: int
    when: pl.Expr
    silent_where: tuple[str, ...] = ()
    always: bool = False
    needs_text_of: str | None = None

    def among(self, marked: Collection[str], *, withdrawn: bool) -> pl.Expr:
        """The expression in a frame in which these fields are marked somewhere, with or without withdrawn rows."""
        when = self.when
        if doubtful := [name for name in self.silent_where if name in marked]:
            when = when & ~pl.any_horizontal(pl.col(_mark(name)) for name in doubtful)
        return when & pl.col("_asked") if withdrawn and not self.always else when


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """The expressions of one record kind in one nation, built once: putting them together costs more than running them.

    `coded` are the fields with one code a cell, which are read by their distinct cells.
    """

    fields: tuple[Field, ...]
    names: tuple[str, ...]
    coded: tuple[Field, ...]
    read: Mapping[str, pl.Expr]
    flags: tuple[_Flag, ...]
    withdraws: bool


@cache
def _plan(kind: RecordKind, nation: Nation) -> _Plan:
    every = fields(kind)
    coded = tuple(each for each in every if isinstance(each.holds, CodeType))
    return _Plan(
        fields=every,
        names=tuple(each.name for each in every),
        coded=coded,
        read={
            each.name: each.holds.read(pl.col(_text(each.name)), nation).alias(each.name)
            for each in every
            if each not in coded
        },
        flags=tuple(_flags(kind, nation)),
        withdraws=any(each.name == WITHDRAWAL for each in every),
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
    blank = _blank(sent, plan)
    typed = _typed(sent, plan, context.nation, swapped, blank)
    marked = _marked(typed, plan)
    derived = _derived(typed, kind)
    facts = _known(typed, plan, context, marked).hstack(derived)
    flagged = _flagged(facts, plan, blank, marked)
    findings = pl.concat([*_unreadable(facts, plan, context, kind, swapped, marked), *flagged])
    ordered = findings.sort(ROW, "place", "rule") if findings.height > 1 else findings
    return Checked(typed=facts[[ROW, *plan.names, *derived.columns]], findings=ordered)


def _sent(text: pl.DataFrame, plan: _Plan, context: Context) -> pl.DataFrame:
    """Every field as a column of text under its text name; this trust's local codes put into the dataset's own."""
    there, absent = set(text.columns), pl.Series([None], dtype=pl.String).new_from_index(0, text.height)
    columns = [
        (text.get_column(each.name) if each.name in there else absent).alias(_text(each.name)) for each in plan.fields
    ]
    sent = pl.DataFrame([text.get_column(ROW).cast(pl.UInt32), *columns])
    matched = [
        _matched(pl.col(_text(each.name)), each, context.codes[each.name]).alias(_text(each.name))
        for each in plan.fields
        if context.codes.get(each.name)
    ]
    return sent.with_columns(matched) if matched else sent


def _matched(text: pl.Expr, each: Field, codes: Mapping[str, str]) -> pl.Expr:
    """This trust's codes put into the dataset's own; in a cell that lists several, one by one."""
    if not isinstance(each.holds, CodesType):
        return text.str.to_lowercase().replace_strict(dict(codes), default=text)
    one = pl.element().str.strip_chars()
    ours = one.str.to_lowercase().replace_strict(dict(codes), default=one)
    return text.str.split("|").list.eval(ours).list.join("|")


def _blank(sent: pl.DataFrame, plan: _Plan) -> frozenset[str]:
    """The fields of which no row has a text: nothing is read in them, and nothing that needs a text is looked for."""
    empty = sent.null_count().row(0)[1:]
    return frozenset(name for name, count in zip(plan.names, empty, strict=True) if count == sent.height)


def _typed(
    sent: pl.DataFrame, plan: _Plan, nation: Nation, swapped: Collection[str], blank: Collection[str]
) -> pl.DataFrame:
    """The readings beside the text."""
    if sent.height <= FEW_ROWS:
        read = sent.hstack(list(_few_typed(sent, plan, nation, blank)))
    else:
        nothing = [pl.lit(None, dtype=each.holds.dtype).alias(each.name) for each in plan.fields if each.name in blank]
        reading = [each for name, each in plan.read.items() if name not in blank]
        read = sent.with_columns(*nothing, *reading, *_codes(sent, plan, nation, blank))
    refused = [pl.lit(None, dtype=each.holds.dtype).alias(each.name) for each in plan.fields if each.name in swapped]
    return read.with_columns(refused) if refused else read


def _few_typed(sent: pl.DataFrame, plan: _Plan, nation: Nation, blank: Collection[str]) -> Iterator[pl.Series]:
    """The same readings of few rows, whose cells cost less than an expression for each field."""
    together = _together(sent, plan, nation, blank)
    for each in plan.fields:
        text = sent.get_column(_text(each.name))
        if each.name in together:
            yield together[each.name]
        elif each.name in blank:
            yield pl.Series(each.name, [None], each.holds.dtype).new_from_index(0, sent.height)
        else:
            assert isinstance(each.holds, CodeType)
            cells = text.to_list()
            codes = each.holds.spelt(list(set(cells)), nation)
            read = text.alias(each.name)
            yield read if codes is None else pl.Series(each.name, [codes.get(cell) for cell in cells], pl.String)


def _together(sent: pl.DataFrame, plan: _Plan, nation: Nation, blank: Collection[str]) -> dict[str, pl.Series]:
    """Fields of one type read as one column, one beneath the other, and the columns of all types at once."""
    alike: dict[FieldType, list[str]] = {}
    for each in plan.fields:
        if each.name in plan.read and each.name not in blank:
            alike.setdefault(each.holds, []).append(each.name)
    if not alike:
        return {}
    cells = {
        str(at): [cell for name in names for cell in sent.get_column(_text(name)).to_list()]
        for at, names in enumerate(alike.values())
    }
    longest = max(map(len, cells.values()))
    # Made equally long by what is there already: a null would be one more thing to look out for.
    columns = [pl.Series(at, own + own[-1:] * (longest - len(own)), pl.String) for at, own in cells.items()]
    values = pl.DataFrame(columns).select(_reading(tuple(alike), nation))
    return {
        name: values.get_column(str(at)).slice(place * sent.height, sent.height).alias(name)
        for at, names in enumerate(alike.values())
        for place, name in enumerate(names)
    }


@lru_cache(maxsize=64)
def _reading(types: tuple[FieldType, ...], nation: Nation) -> tuple[pl.Expr, ...]:
    """The readings of columns that are called by their place among the types."""
    return tuple(holds.read(pl.col(str(at)), nation).alias(str(at)) for at, holds in enumerate(types))


def _codes(sent: pl.DataFrame, plan: _Plan, nation: Nation, blank: Collection[str]) -> Iterator[pl.Expr]:
    """The fields with one code a cell. One question for the distinct cells of all of them: each has its price."""
    coded = [each for each in plan.coded if each.name not in blank]
    if not coded:
        return
    distinct = sent.select(pl.col([_text(each.name) for each in coded]).unique().implode()).row(0)
    for each, cells in zip(coded, distinct, strict=True):
        assert isinstance(each.holds, CodeType)
        codes, text = each.holds.spelt(cells, nation), pl.col(_text(each.name))
        as_code = text if codes is None else text.replace_strict(codes, default=None, return_dtype=pl.String)
        yield as_code.alias(each.name)


def _marked(typed: pl.DataFrame, plan: _Plan) -> frozenset[str]:
    """The fields in which some cell is there but was not read."""
    return frozenset(
        each.name
        for each in plan.fields
        if typed.get_column(each.name).null_count() > typed.get_column(_text(each.name)).null_count()
    )


def _derived(typed: pl.DataFrame, kind: RecordKind) -> pl.DataFrame:
    """What is worked out from the typed fields."""
    if kind is not RecordKind.CASE:
        return pl.DataFrame()
    derived = derive_case(typed[list(derived_from())])
    return derived[[name for name, _ in DERIVED]]


def _known(typed: pl.DataFrame, plan: _Plan, context: Context, marked: Collection[str]) -> pl.DataFrame:
    """What the rules may speak of besides what is derived: the typed fields, the marks of those that have any, and the context."""
    # As sent: a reason that is there but cannot be read is the one fault of its row.
    asked = pl.col(_text(WITHDRAWAL)).is_null() if plan.withdraws else pl.lit(value=True)
    marks = (
        (pl.col(_text(name)).is_not_null() & pl.col(name).is_null()).alias(_mark(name))
        for name in plan.names
        if name in marked
    )
    return typed.with_columns(
        pl.lit(context.on).alias("_on"),
        pl.lit(context.nation.value).alias("_nation"),
        pl.lit(context.sender).alias("_sender"),
        pl.lit(context.synthetic).alias("_synthetic"),
        pl.lit(context.transfer_hours).alias("_transfer_hours"),
        asked.alias("_asked"),
        *marks,
    )


def _always_asked(kind: RecordKind) -> tuple[str, ...]:
    """The fields that are looked at also where a record is withdrawn."""
    return (*key(kind), WITHDRAWAL)


def _flags(kind: RecordKind, nation: Nation) -> Iterator[_Flag]:
    """Everything that can be wrong with a row."""
    place = {each.name: number for number, each in enumerate(fields(kind))}
    keys = _always_asked(kind)
    for each in fields(kind):
        always = each.name in keys
        text, value = pl.col(_text(each.name)), pl.col(each.name)
        if each.required:
            yield _Flag(place[each.name], cell.MISSING.number, text.is_null(), always=always)
        for rule, when in each.holds.cautions(nation):
            standing = value.is_not_null() & when(text, value)
            yield _Flag(place[each.name], rule.number, standing, always=always, needs_text_of=each.name)
    for rule in CATALOGUE:
        if rule.scope is Scope.ROW and kind.value in rule.kinds:
            assert rule.check is not None, f"{rule.id} looks at a row and has no check"
            yield _Flag(place[rule.fields[0]], rule.number, rule.check(), silent_where=rule.fields)


def _flagged(
    facts: pl.DataFrame, plan: _Plan, blank: Collection[str], marked: Collection[str]
) -> Iterator[pl.DataFrame]:
    """What is wrong with the rows. First it is only counted; what is not there at all is not looked for."""
    flags, when, counting = _asking(plan, frozenset(blank), frozenset(marked))
    counts = facts.select(counting).row(0)
    raised = [(flag, each) for flag, each, count in zip(flags, when, counts, strict=True) if count]
    if raised:
        rows = facts.select(pl.col(ROW).filter(each).implode().alias(str(at)) for at, (_, each) in enumerate(raised))
        for (flag, _), found in zip(raised, rows.row(0), strict=True):
            yield _findings(pl.Series(ROW, found, pl.UInt32), flag.place, flag.rule)


@lru_cache(maxsize=64)
def _asking(
    plan: _Plan, blank: frozenset[str], marked: frozenset[str]
) -> tuple[tuple[_Flag, ...], tuple[pl.Expr, ...], tuple[pl.Expr, ...]]:
    """The flags to look for, their expressions, and the counts of these. Files of one sender have the same fields blank each time."""
    withdrawn = plan.withdraws and WITHDRAWAL not in blank
    flags = tuple(each for each in plan.flags if each.needs_text_of not in blank)
    when = tuple(each.among(marked, withdrawn=withdrawn) for each in flags)
    return flags, when, tuple(each.sum().alias(str(at)) for at, each in enumerate(when))


def _findings(rows: pl.Series, place: int, rule: int) -> pl.DataFrame:
    return pl.DataFrame({ROW: rows}).select(
        ROW, pl.lit(place, dtype=pl.UInt16).alias("place"), pl.lit(rule, dtype=pl.UInt16).alias("rule")
    )


def _unreadable(
    facts: pl.DataFrame,
    plan: _Plan,
    context: Context,
    kind: RecordKind,
    swapped: Collection[str],
    marked: Collection[str],
) -> Iterator[pl.DataFrame]:
    """Why each marked cell could not be read: the first explanation of its type that holds."""
    yield pl.DataFrame(schema=FINDINGS)
    for place, each in enumerate(plan.fields):
        if each.name in marked:
            asked = pl.lit(value=True) if each.name in _always_asked(kind) else pl.col("_asked")
            cells = facts.filter(pl.col(_mark(each.name)) & asked)
            yield _explained(cells, place, each, context.nation, each.name in swapped)


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
