"""Bulk and online live together: what a person entered or corrected online stands until the sender's own system says the same, or the
sender says that a file is to stand over it.

`<kind>_record.corrected` names those fields. A form adds to them; a file that agrees, or that is to stand over them, takes them away.
A blank in a file says nothing against what was entered online; any other value that differs is told, whether it is kept out or stands.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, text

from ingest.check import FINDINGS, ROW, WITHDRAWAL, Context, check_frame
from ingest.fhir.unit import Unit
from registry.store.prepared import Prepared
from registry.store.records import CORRECTED_KINDS, column_of
from registry.submissions.keys import TenantKeys
from registry.submissions.opened import Opened, opened
from schemas.codes import WithdrawReason
from schemas.dictionary import fields, key
from schemas.record import RecordKind
from schemas.rules import register

ERASED = (WithdrawReason.OPT_OUT.value, WithdrawReason.OBJECTION.value)
"""A record withdrawn at a patient's wish is refused as it comes (`erased_at_wish`); nothing of it is put into a file."""

TERMED = frozenset({"nhs_number", "birth_date"})
"""What is erased of a case after a term; no case is without a birth date before."""

_ANY = Prepared(
    "select "
    + " or ".join(
        f"exists (select from records.{kind.value}_record where tenant_id = :tenant and corrected is not null)"
        for kind in CORRECTED_KINDS
    )
    + " as held"
)


# --- what forms have said


def remember(connection: Connection, kind: RecordKind, tenant_id: int, written: Iterable[tuple[UUID, int]]) -> None:
    """Note what forms have said: of a first version every field with a value, of a later one the fields that it changed.

    `written` are records and the versions that forms gave them.
    """
    pairs = list(written)
    if not pairs or kind not in CORRECTED_KINDS:
        return
    connection.execute(
        text(
            f"""
            update records.{kind.value}_record r
               set corrected = (select array_agg(distinct name order by name)
                                  from unnest(coalesce(r.corrected, '{{}}') || coalesce(v.changed, {_filled(kind)})) as name
                                 where name <> all(:keys))
              from unnest(cast(:records as uuid[]), cast(:versions as integer[])) as w(record_id, version)
              join records.{kind.value}_version v on v.record_id = w.record_id and v.version = w.version
             where r.tenant_id = :tenant and v.tenant_id = :tenant and r.id = w.record_id
            """
        ),
        {
            "tenant": tenant_id,
            "keys": list(key(kind)),
            "records": [record for record, _ in pairs],
            "versions": [version for _, version in pairs],
        },
    )


def _filled(kind: RecordKind) -> str:
    """The SQL of the names of the fields in which a version has a value."""
    tests = ", ".join(f"case when v.\"{column_of(each)}\" is not null then '{each.name}' end" for each in fields(kind))
    return f"array_remove(array[{tests}], null)"


# --- what a file says to it


def any_corrected(connection: Connection, tenant_id: int) -> bool:
    """Whether anything of a trust was entered or corrected online."""
    [row] = _ANY(connection, tenant=tenant_id)
    return bool(row.held)


@dataclass(frozen=True, slots=True)
class _Met:
    """A row that meets a record with fields corrected online: the text that stands for each, and those in which the row differs or
    agrees. What it leaves blank is neither."""

    row: int
    key: str
    stands: dict[str, str | None]
    clashes: tuple[str, ...]
    agrees: tuple[str, ...]


@dataclass(slots=True)
class Corrections:
    """What was corrected online of one kind, put to the rows of one submission. `overwrite`: the rows stand over it.

    Made after the trust's submissions of the kind were locked, so that no form is saved between this and the rows' settling.
    """

    connection: Connection
    kind: RecordKind
    tenant_id: int
    keys: TenantKeys
    context: Context
    overwrite: bool
    _marked: pl.Series = field(init=False)
    _released: dict[int, _Met] = field(init=False, default_factory=dict)
    met: bool = field(init=False, default=False)
    """Whether any row so far meets a record with such a field."""

    def __post_init__(self) -> None:
        self._marked = pl.Series(_marked(self.connection, self.kind, self.tenant_id), dtype=pl.String)

    def meets(self, record_keys: pl.Series) -> bool:
        """Whether any of these keys is that of such a record."""
        return bool(record_keys.is_in(self._marked.implode()).any())

    def amend(self, frame: pl.DataFrame, swapped: frozenset[str] = frozenset()) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows of text with what stands put in, and what is to be told of them (`row`, `place`, `rule`). `swapped` as `check_frame` takes
        it."""
        met = self._meet(frame, swapped)
        return (frame if self.overwrite or not met else _put_in(frame, met)), self._told(met)

    def amend_units(self, units: Sequence[Unit]) -> pl.DataFrame:
        """The same for units, into whose records it is put."""
        met = self._meet(_frame(units, self.kind), frozenset())
        records = {unit.ordinal: unit.records for unit in units}
        for each in () if self.overwrite else met:
            held = records[each.row][self.kind]
            put = {name: value for name, value in each.stands.items() if value is not None}
            kept = {name: value for name, value in held.items() if name not in each.stands}
            records[each.row][self.kind] = kept | put
        return self._told(met)

    def release(self, rows: Collection[int]) -> None:
        """After these rows were stored: their fields that agree are the sender's own again, and so are all that they overwrite."""
        released = [each for row in rows if (each := self._released.get(row)) is not None]
        if released:
            names = [",".join(each.stands if self.overwrite else each.agrees) for each in released]
            self.connection.execute(
                text(
                    f"""
                    update records.{self.kind.value}_record r
                       set corrected = nullif(array(select unnest(r.corrected)
                                                    except select unnest(string_to_array(w.names, ',')) order by 1), '{{}}')
                      from unnest(cast(:keys as text[]), cast(:names as text[])) as w(record_key, names)
                     where r.tenant_id = :tenant and r.{key(self.kind)[0]} = w.record_key
                    """
                ),
                {"tenant": self.tenant_id, "keys": [each.key for each in released], "names": names},
            )

    @property
    def none(self) -> bool:
        """Whether nothing of the trust was entered or corrected online, so that there is nothing to put to any row."""
        return not self._marked.len()

    def may_release(self) -> list[int]:
        """The rows that agree in some field, or overwrite one."""
        return list(self._released)

    def _meet(self, frame: pl.DataFrame, swapped: frozenset[str]) -> list[_Met]:
        (name,) = key(self.kind)
        if not self._marked.len() or name not in frame.columns:
            return []
        some = frame.filter(pl.col(name).is_in(self._marked.implode()))
        if not some.height:
            return []
        met = list(self._compared(some, swapped & set(frame.columns)))
        self.met |= bool(met)
        self._released |= {each.row: each for each in met if each.agrees or self.overwrite}
        return met

    def _compared(self, some: pl.DataFrame, swapped: frozenset[str]) -> Iterator[_Met]:
        """Each row beside its record. Both are read by the one validator, so that a date is the same however it is written."""
        (name,) = key(self.kind)
        held = opened(self.connection, self.keys, self.tenant_id, self.kind, some[name].to_list(), corrected_only=True)
        rows = [row for row in some.to_dicts() if _is_to_stand(held.get(row[name]))]
        stands = [_stands(held[row[name]]) for row in rows]
        sent = self._typed(rows, swapped)
        kept = self._typed([row | put for row, put in zip(rows, stands, strict=True)], frozenset())
        for row, put, ours, theirs in zip(rows, stands, sent, kept, strict=True):
            differs = [each for each in put if ours[each] != theirs[each] or (ours[each] is None and row.get(each))]
            said = [each for each in differs if row.get(each) is not None or self.overwrite]
            agrees = tuple(each for each in put if each not in differs)
            yield _Met(row[ROW], row[name], put, tuple(said), agrees)

    def _typed(self, rows: Sequence[dict[str, Any]], swapped: frozenset[str]) -> list[dict[str, Any]]:
        names = [each.name for each in fields(self.kind)]
        columns = [pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names]
        numbers = pl.Series(ROW, range(len(rows)), dtype=pl.UInt32)
        return check_frame(pl.DataFrame([numbers, *columns]), self.kind, self.context, swapped).typed.to_dicts()

    def _told(self, met: Sequence[_Met]) -> pl.DataFrame:
        rule = register.CORRECTION_OVERWRITTEN if self.overwrite else register.CORRECTED_ONLINE
        place = {each.name: number for number, each in enumerate(fields(self.kind))}
        told = [(each.row, place[name], rule.number) for each in met for name in each.clashes]
        return pl.DataFrame(told, schema=FINDINGS, orient="row").sort(ROW, "place")


def _marked(connection: Connection, kind: RecordKind, tenant_id: int) -> list[str]:
    """The keys of the records of which something was entered or corrected online."""
    if kind not in CORRECTED_KINDS:
        return []
    return [row.name for row in _marking(kind)(connection, tenant=tenant_id)]


@cache
def _marking(kind: RecordKind) -> Prepared:
    (name,) = key(kind)
    return Prepared(
        f"select {name} as name from records.{kind.value}_record where tenant_id = :tenant and corrected is not null"
    )


def _is_to_stand(held: Opened | None) -> bool:
    return held is not None and held.text.get(WITHDRAWAL) not in ERASED


def _stands(held: Opened) -> dict[str, str | None]:
    """The text that stands for each field corrected. An identifier that was erased when its time was over does not stand as a blank."""
    erased = TERMED if not held.text.keys() & TERMED else frozenset()
    return {name: held.text.get(name) for name in held.corrected - erased}


def _put_in(frame: pl.DataFrame, met: Sequence[_Met]) -> pl.DataFrame:
    """The rows with the text that stands in place of theirs, in their order."""
    named = {name for each in met for name in each.stands}
    wider = frame.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in sorted(named - set(frame.columns)))
    by_row = {each.row: each.stands for each in met}
    chosen = wider.filter(pl.col(ROW).is_in(list(by_row)))
    put = [row | by_row[row[ROW]] for row in chosen.to_dicts()]
    others = wider.filter(~pl.col(ROW).is_in(list(by_row)))
    return pl.concat([others, pl.DataFrame(put, schema=wider.schema)]).sort(ROW)


def _frame(units: Sequence[Unit], kind: RecordKind) -> pl.DataFrame:
    """The text of the units' records of a kind."""
    records = [(unit.ordinal, unit.records[kind]) for unit in units if kind in unit.records]
    columns = [
        pl.Series(each.name, [record.get(each.name) for _, record in records], dtype=pl.String) for each in fields(kind)
    ]
    return pl.DataFrame([pl.Series(ROW, [ordinal for ordinal, _ in records], dtype=pl.UInt32), *columns])
