"""A few rows of one kind, settled without a temporary table: they travel with each statement as one JSON document.

Making tables, looking into them and planning for them costs ten times what a single row does. These statements have a text of
their own for each kind and never change, so that the database keeps their plans.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import polars as pl
from sqlalchemy import Connection

from ingest.check import FINDINGS, ROW
from registry.store.prepared import Prepared
from registry.store.records import column_of
from registry.submissions import against_register, staging
from registry.submissions.corrections import remember
from registry.submissions.keys import TenantKeys
from registry.submissions.meeting import DIFFERS, differing, meeting, version_before
from registry.submissions.request import Door, Record, Reference
from registry.submissions.settling import (
    COUNTED_CHANGES,
    MOVED,
    adding_changed_versions,
    adding_records,
    adding_versions,
    moved,
    moving_records,
    not_met,
    version_parameters,
)
from registry.submissions.staging import BRIEF, MET, STAGING, identifying
from registry.submissions.units.settled import KindSettled, Standing
from schemas.dictionary import key
from schemas.record import RecordKind

MOST = 50
"""More rows than these are better off in a temporary table."""
SEALED = 6
"""In an answer of `_asking`: the column from which on stand the key and the sealed fields."""


class Few:
    """The rows of one kind on their way into the register."""

    def __init__(
        self,
        connection: Connection,
        kind: RecordKind,
        frame: pl.DataFrame,
        reference: Reference,
        door: Door,
        keys: TenantKeys,
    ) -> None:
        self._connection = connection
        self._kind = kind
        self._frame = frame
        self._reference = reference
        self._door = door
        self._keys = keys
        self._parameters = version_parameters(reference, door)
        self._document: str | None = None
        self._met: dict[int, Any] | None = None

    def findings(self) -> pl.DataFrame:
        """What the register says of the rows. It is asked at the same time which records they meet."""
        rows = _asking(self._kind)(self._connection, **self._asked("tenant"))
        self._met = {row.row: row for row in rows if row.row is not None}
        lines = rows[0].lines
        return against_register.found(lines) if lines else pl.DataFrame(schema=FINDINGS)

    def leave_out(self, rows: pl.Series) -> None:
        """Take rows with an error out."""
        self._frame = self._frame.filter(~pl.col(ROW).is_in(rows.implode()))
        self._document = None

    def held(self) -> dict[int, int]:
        """The versions that are held of the records that rows meet."""
        return {number: _standing(row).held for number, row in self._meet().items()}

    def settle(self) -> KindSettled:
        """Write the rows."""
        if not self._frame.height:
            return KindSettled({}, 0, {})
        met = self._meet()
        first = self._added(met)
        changing = [row for row in met.values() if row.does != Record.UNCHANGED]
        standings = {number: _standing(row) for number, row in met.items()} | dict.fromkeys(first)
        written: Sequence[Any] = ()
        if changing or (first and met):
            written = self._write_all(changing)
        elif first:
            written = _first(self._kind)(self._connection, **self._asked(*self._parameters))
        for row in written:
            if row.row in first:
                standings[row.row] = Standing(row.record_id, 1, first[row.row])
        gained = sum(did is Record.NEW for did in first.values()) + sum(map(_gained, met.values()))
        uses = written[0].uses if written else None
        stand = {number: each for number, each in standings.items() if each is not None}
        if self._door is Door.FORM:
            forms = [(each.record_id, each.version) for each in stand.values() if each.did is not Record.UNCHANGED]
            remember(self._connection, self._kind, self._reference.tenant_id, forms)
        return KindSettled(stand, gained, uses or {})

    def _meet(self) -> dict[int, Any]:
        """What the rows meet, by their numbers."""
        if self._met is None:
            self.findings()
        assert self._met is not None
        return {number: self._met[number] for number in self._frame[ROW] if number in self._met}

    def _added(self, met: dict[int, Any]) -> dict[int, Record]:
        """The rows that meet no record, and what each does: one that withdraws what was never there is kept as withdrawn."""
        reasons = "withdraw_reason" if "withdraw_reason" in self._frame.columns else pl.lit(None).alias("none")
        return {
            number: Record.NEW if reason is None else Record.WITHDRAWN
            for number, reason in self._frame.select(ROW, reasons).iter_rows()
            if number not in met
        }

    def _write_all(self, changing: Sequence[Any]) -> Sequence[Any]:
        names: list[list[str]] = [[] for _ in changing]
        if changing and identifying(self._kind):
            key_fields, *sealed = zip(*(row[SEALED:] for row in changing), strict=True)
            names = differing(self._kind, self._reference.tenant_id, self._keys, key_fields, sealed)
        differs = {"numbers": [row.row for row in changing], "names": [",".join(each) for each in names]}
        return _all(self._kind)(self._connection, **(self._asked(*self._parameters) | differs))

    def _asked(self, *names: str) -> dict[str, object]:
        if self._document is None:
            self._document = staging.document(self._frame, self._kind, self._reference.tenant_id, self._keys)
        return {name: self._parameters[name] for name in names} | {"rows": self._document}


def _standing(row: Any) -> Standing:
    did = Record(row.does)
    return Standing(row.record_id, row.version - 1 if did is Record.UNCHANGED else row.version, did)


def _gained(row: Any) -> int:
    """How many more records stand: one that was withdrawn and comes back, one less where one is withdrawn."""
    if row.withdrawn:
        return int(row.does == Record.CHANGED)
    return -int(row.does == Record.WITHDRAWN)


@cache
def _staged(kind: RecordKind) -> str:
    return f"""
        with {STAGING} as materialized (select sent.*, records.uuid7() as record_id from {staging.recordset(kind)}),
             {BRIEF} as not materialized (select * from {STAGING})"""


@cache
def _with_met(kind: RecordKind) -> str:
    return f"{_staged(kind)}, {MET} as materialized ({meeting(kind)})"


@cache
def _asking(kind: RecordKind) -> Prepared:
    """What is found against the rows, in each line, and beside it what each row meets; of one that meets a record also the key and the
    sealed fields, as sent and as held. At least one line, which may name no row."""
    questions = against_register.questions(kind)
    lines = (
        "null::jsonb"
        if questions is None
        else f"(select jsonb_agg(jsonb_build_array(place, rule, rows)) from ({questions}) as asked)"
    )
    sealed = "".join(
        f", s.{column_of(each)}, v.{column_of(each)} as held_{column_of(each)}" for each in identifying(kind)
    )
    keys = ", ".join(f's."{name}"::text' for name in key(kind))
    return Prepared(
        f"""{_with_met(kind)},
             meeting as (
                select x."row", x.record_id, x.version, x.withdrawn, x.does, array[{keys}] as keys{sealed}
                  from {MET} x join {STAGING} s using ("row") {version_before(kind)})
        select {lines} as lines, meeting.* from (select) as always left join meeting on true"""
    )


@cache
def _first(kind: RecordKind) -> Prepared:
    """Write rows none of which meets a record."""
    return Prepared(
        f"""{_staged(kind)},
             records_added as ({adding_records(kind, "true")}), versions_added as ({adding_versions(kind, "true")})
        select "row", record_id, null as uses from {STAGING}"""
    )


@cache
def _all(kind: RecordKind) -> Prepared:
    """Write rows some of which change the record that they meet."""
    return Prepared(
        f"""{_with_met(kind)},
             {DIFFERS} as (
                select number as "row", string_to_array(names, ',') as names
                  from unnest(cast(:numbers as integer[]), cast(:names as text[])) as u(number, names)),
             {MOVED} as materialized ({moved(kind)}),
             records_added as ({adding_records(kind, not_met())}), versions_added as ({adding_versions(kind, not_met())}),
             added as ({adding_changed_versions(kind)}), records_moved as ({moving_records(kind)})
        select "row", record_id, (select jsonb_object_agg(name, uses) from ({COUNTED_CHANGES}) as counted) as uses
          from {STAGING}"""
    )
