"""What only the whole file tells, gathered in a first reading: month-first columns and repeated rows.

Of each row eight or sixteen bytes are held, so a million rows cost some ten megabytes.
"""

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import polars as pl

from ingest.check import Repeats, month_first_columns, read_fields, row_hash, same_fields, slashed_fields
from schemas.codelist import Nation
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope


@cache
def repeat_rules(kind: RecordKind) -> tuple[Rule, ...]:
    return tuple(rule for rule in CATALOGUE if rule.scope is Scope.ROWS and kind.value in rule.kinds)


def survey(
    frames: Iterable[pl.DataFrame], kind: RecordKind, nation: Nation, seen: Callable[[int], None] | None = None
) -> tuple[Repeats, int]:
    """Read all frames of text once. Returns what repeats and the number of rows; `seen` hears the rows so far."""
    swapped: frozenset[str] = frozenset()
    held: dict[int, list[pl.DataFrame]] = {rule.number: [] for rule in repeat_rules(kind)}
    rows = 0
    for frame in frames:
        swapped |= month_first_columns(frame, slashed_fields(kind))
        for rule in repeat_rules(kind):
            held[rule.number].append(_hashes(frame, kind, nation, rule))
        rows += frame.height
        if seen is not None:
            seen(rows)
    hashes = {rule.number: _repeated(held.pop(rule.number), rule) for rule in repeat_rules(kind)}
    return Repeats(month_first=swapped, hashes={number: found for number, found in hashes.items() if found.len()}), rows


def _hashes(frame: pl.DataFrame, kind: RecordKind, nation: Nation, rule: Rule) -> pl.DataFrame:
    """The hash of each complete row under a rule, with its date as a day number where the rule looks at one."""
    date = () if rule.within_days is None else rule.fields[:1]
    typed = read_fields(frame, kind, nation, (*same_fields(rule, kind), *date))
    columns = [row_hash(rule, kind).alias("hash"), *(pl.col(name).cast(pl.Int32).alias("day") for name in date)]
    return typed.select(columns).drop_nulls()


def _repeated(held: list[pl.DataFrame], rule: Rule) -> pl.Series:
    """The hashes that occur more than once (so near, where the rule says how near)."""
    if not held:
        return pl.Series(dtype=pl.UInt64)
    rows = pl.concat(held)
    held.clear()
    if rule.within_days is None:
        ordered = np.sort(rows["hash"].to_numpy())
        return pl.Series(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    near = rows.sort("hash", "day").filter(
        (pl.col("hash") == pl.col("hash").shift()) & (pl.col("day") - pl.col("day").shift() <= rule.within_days)
    )
    return near["hash"].unique()
