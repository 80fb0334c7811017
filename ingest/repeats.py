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
        self._held: list[pl.DataFrame] = []

    def hear(self, typed: pl.DataFrame) -> None:
        self._held.append(typed.select(_hashes(self._kind)))

    def findings(self) -> pl.DataFrame:
        """The repeated rows as findings (`row`, `place`, `rule`). What was held is let go."""
        place = {each.name: number for number, each in enumerate(fields(self._kind))}
        found = [pl.DataFrame(schema=FINDINGS)]
        for rule in repeat_rules(self._kind):
            rows = _repeated(self._held, rule)
            shown_at = rule.fields[0] if rule.same else key(self._kind)[0]
            if rows.len():
                found.append(pl.DataFrame({ROW: rows, "place": place[shown_at], "rule": rule.number}, schema=FINDINGS))
        self._held.clear()
        return pl.concat(found).sort(ROW, "place", "rule") if len(found) > 1 else found[0]


@cache
def _hashes(kind: RecordKind) -> tuple[pl.Expr, ...]:
    """The row; and for each rule, by its number, a number for what is equal in repeated rows, and the day that must be near, where the
    rule has one."""
    withdraws = any(each.name == WITHDRAWAL for each in fields(kind))
    made = [pl.col(ROW)]
    for rule in repeat_rules(kind):
        same = rule.same or key(kind)
        day = [] if rule.within_days is None else [rule.fields[0]]
        made.append(
            pl.when(_whole(rule, [*same, *day], withdraws=withdraws))
            .then(pl.struct(same).hash(seed=rule.number))
            .alias(_hash(rule))
        )
        made += [pl.col(name).cast(pl.Int32).alias(_day(rule)) for name in day]
    return tuple(made)


def _whole(rule: Rule, names: list[str], *, withdraws: bool) -> pl.Expr:
    """Rows in which a part is empty or unreadable are left out; and, where a rule asks after the person, rows that withdraw their
    record: that is how a repeated one is mended."""
    there = [pl.col(name).is_not_null() for name in names]
    return pl.all_horizontal(*there, *([pl.col(WITHDRAWAL).is_null()] if rule.same and withdraws else []))


def _hash(rule: Rule) -> str:
    return f"same {rule.number}"


def _day(rule: Rule) -> str:
    return f"day {rule.number}"


def _repeated(held: list[pl.DataFrame], rule: Rule) -> pl.Series:
    """The rows whose hash occurs again (so near, where the rule says how near).

    The hashes alone are sorted first, in place; then only the rows of the few that repeat are brought together.
    """
    same, day = _hash(rule), _day(rule)
    again = _twice([frame[same] for frame in held])
    if not again.len():
        return pl.Series(ROW, dtype=pl.UInt32)
    whole = pl.concat([frame.filter(pl.col(same).is_in(again.implode())) for frame in held])
    if rule.within_days is None:
        return whole[ROW]
    ordered = whole.sort(same, day)
    follows = (pl.col(same) == pl.col(same).shift()) & (pl.col(day) - pl.col(day).shift() <= rule.within_days)
    return ordered.filter(follows.fill_null(value=False) | follows.shift(-1).fill_null(value=False))[ROW]


def _twice(held: list[pl.Series]) -> pl.Series:
    """The hashes that occur more than once: eight bytes a row while it looks."""
    hashes = np.empty(sum(each.len() - each.null_count() for each in held), dtype=np.uint64)
    start = 0
    for each in held:
        there = each.drop_nulls() if each.null_count() else each
        hashes[start : start + there.len()] = there.to_numpy()
        start += there.len()
    hashes.sort()
    return pl.Series(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]), dtype=pl.UInt64)
