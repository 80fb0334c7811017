"""Rows of one file that stand for the same record or person: only the whole file tells. Some forty bytes a row are held."""

from functools import cache

import numpy as np
import polars as pl

from ingest.check import FINDINGS, ROW, WITHDRAWAL
from schemas.dictionary import fields, key
from schemas.record import RecordKind
from schemas.rule import CATALOGUE, Rule, Scope


@cache
def repeat_rules(kind: RecordKind) -> tuple[Rule, ...]:
    return tuple(rule for rule in CATALOGUE if rule.scope is Scope.ROWS and kind.value in rule.kinds)


class Repeats:
    """Hears every batch of typed rows; at the end tells which rows are repeated, and how."""

    def __init__(self, kind: RecordKind) -> None:
        self._kind = kind
        self._held: dict[int, list[pl.DataFrame]] = {rule.number: [] for rule in repeat_rules(kind)}

    def hear(self, typed: pl.DataFrame) -> None:
        for rule in repeat_rules(self._kind):
            self._held[rule.number].append(_hashes(typed, self._kind, rule))

    def findings(self) -> pl.DataFrame:
        """The repeated rows as findings (`row`, `place`, `rule`). What was held is let go."""
        place = {each.name: number for number, each in enumerate(fields(self._kind))}
        found = [pl.DataFrame(schema=FINDINGS)]
        for rule in repeat_rules(self._kind):
            rows = _repeated(self._held.pop(rule.number), rule)
            shown_at = rule.fields[0] if rule.same else key(self._kind)[0]
            found.append(
                rows.select(
                    ROW,
                    pl.lit(place[shown_at], dtype=pl.UInt16).alias("place"),
                    pl.lit(rule.number, dtype=pl.UInt16).alias("rule"),
                )
            )
        return pl.concat(found).sort(ROW, "place", "rule")


def _hashes(typed: pl.DataFrame, kind: RecordKind, rule: Rule) -> pl.DataFrame:
    """Row, a number for what is equal in repeated rows, and the day that must be near, where the rule has one.

    Rows in which a part is empty or unreadable are left out; and, where a rule asks after the person, rows that withdraw their
    record: that is how a repeated one is mended.
    """
    same = rule.same or key(kind)
    day = [] if rule.within_days is None else [pl.col(rule.fields[0]).cast(pl.Int32).alias("day")]
    asked = typed.filter(pl.col(WITHDRAWAL).is_null()) if rule.same and WITHDRAWAL in typed.columns else typed
    complete = asked.drop_nulls([*same, *rule.fields[: len(day)]])
    return complete.select(ROW, pl.struct(same).hash(seed=rule.number).alias("hash"), *day)


def _repeated(held: list[pl.DataFrame], rule: Rule) -> pl.DataFrame:
    """The rows whose hash occurs again (so near, where the rule says how near).

    The hashes alone are sorted first, in place; then only the rows of the few that repeat are brought together.
    """
    again = _twice(held)
    found = [frame.filter(pl.col("hash").is_in(again.implode())) for frame in held] if again.len() else []
    held.clear()
    if not found:
        return pl.DataFrame(schema={ROW: pl.UInt32})
    whole = pl.concat(found)
    if rule.within_days is None:
        return whole
    ordered = whole.sort("hash", "day")
    follows = (pl.col("hash") == pl.col("hash").shift()) & (pl.col("day") - pl.col("day").shift() <= rule.within_days)
    return ordered.filter(follows.fill_null(value=False) | follows.shift(-1).fill_null(value=False))


def _twice(held: list[pl.DataFrame]) -> pl.Series:
    """The hashes that occur more than once: eight bytes a row while it looks."""
    hashes = np.empty(sum(frame.height for frame in held), dtype=np.uint64)
    start = 0
    for frame in held:
        hashes[start : start + frame.height] = frame["hash"].to_numpy()
        start += frame.height
    hashes.sort()
    return pl.Series(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]), dtype=pl.UInt64)
