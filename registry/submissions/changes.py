"""What a submission changes: which records, in which fields, and how many cases of each month. Keys and names of fields, never a value.

Asked of the staged rows after they were settled, so a rehearsal is asked before it is rolled back, and what was found is kept after.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select, text

from registry.store.desk import month_effect, record_change
from registry.store.prepared import Prepared
from registry.submissions.meeting import version_before, withdraws
from registry.submissions.outcome import insert_many
from registry.submissions.request import Record, Reference
from registry.submissions.settling import Difference
from registry.submissions.staging import BRIEF, MET
from schemas.counting import CaseScope
from schemas.dictionary import field as field_of
from schemas.dictionary import key
from schemas.record import RecordKind
from schemas.values import MonthType

LISTED = 10_000
"""So many changed records are listed; all are counted."""
BETWEEN = " / "


@dataclass(frozen=True, slots=True)
class Change:
    """One record that is changed or withdrawn: the row of the sheet, its key, and the names of the fields that change.

    `kept` are fields in which the file says otherwise and which stay as they were corrected online.
    """

    row: int
    key: str
    does: str
    fields: list[str]
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a file of cases does to one month: records that come, change or go, and how many more cases in scope the month has."""

    month: date
    new: int
    changed: int
    withdrawn: int
    gained: int

    @property
    def moves(self) -> bool:
        """Whether records came or went, or the month has more or fewer cases."""
        return bool(self.new or self.withdrawn or self.gained)


@dataclass(frozen=True, slots=True)
class Changes:
    """All that was found out, to be kept."""

    listed: list[Change]
    months: list[Effect]


NONE = Changes([], [])


def found(connection: Connection, kind: RecordKind, reference: Reference, difference: Difference) -> Changes:
    """What the rows that were just settled, with this difference, change. Ask before a rehearsal is rolled back."""
    tenant = {"tenant": reference.tenant_id}
    changes: list[Change] = []
    months: list[Effect] = []
    if difference.changed or difference.withdrawn:
        rows = connection.execute(text(_listing(kind)), tenant | {"most": LISTED})
        changes = [Change(row.row, row.key, row.does, list(row.fields or ())) for row in rows]
    if kind is RecordKind.CASE and (changes or difference.new):
        months = [Effect(*row) for row in _EFFECT(connection, **tenant)]
    return Changes(changes, months)


def keep(connection: Connection, reference: Reference, changes: Changes) -> None:
    """Keep what was found with the submission."""
    add(connection, reference, changes.listed)
    months = [_named(each) | {"month": each.month.isoformat()} for each in changes.months]
    insert_many(connection, month_effect, reference, months)


def add(connection: Connection, reference: Reference, changes: Sequence[Change], *, after: int = 0) -> None:
    """Add changes to those that are listed, of which there are `after` so far, as long as there is room."""
    numbered = enumerate(changes[: max(LISTED - after, 0)], after + 1)
    rows = [_named(each) | {"number": number} for number, each in numbered]
    insert_many(connection, record_change, reference, rows)


def _named(each: Change | Effect) -> dict[str, Any]:
    """The members by name. `asdict` copies what is in them, which takes ten times as long."""
    return {name: getattr(each, name) for name in each.__dataclass_fields__}


def page(connection: Connection, reference: Reference, *, start: int, limit: int) -> list[Change]:
    """The listed changes in the order of the sheet, from the one after `start`."""
    c = record_change.c
    rows = connection.execute(
        select(c.row, c.key, c.does, c.fields, c.kept)
        .where(c.tenant_id == reference.tenant_id, c.submission_id == reference.id, c.number > start)
        .order_by(c.number)
        .limit(limit)
    )
    return [Change(*row) for row in rows]


def listed(connection: Connection, reference: Reference) -> int:
    """How many changes are listed."""
    c = record_change.c
    counted = select(func.count()).where(c.tenant_id == reference.tenant_id, c.submission_id == reference.id)
    return connection.execute(counted).scalar_one()


def effects(connection: Connection, reference: Reference) -> list[Effect]:
    """What the submission does to each month, the newest first."""
    c = month_effect.c
    rows = connection.execute(
        select(c.month, c.new, c.changed, c.withdrawn, c.gained)
        .where(c.tenant_id == reference.tenant_id, c.submission_id == reference.id)
        .order_by(c.month.desc())
    )
    return [Effect(*row) for row in rows]


def _listing(kind: RecordKind) -> str:
    return f"""
            select s."row", {written_key(kind, "s")} as key, x.does, v.changed as fields
              from {MET} x join {BRIEF} s using ("row")
             cross join lateral (
                   select changed from records.{kind.value}_version settled
                    where settled.tenant_id = :tenant and settled.record_id = x.record_id
                      and settled.version = x.version offset 0) v
             where x.does <> '{Record.UNCHANGED}'
             order by s."row" limit :most
            """


def written_key(kind: RecordKind, of: str) -> str:
    """The SQL of a record's key as people write it, from the columns of a table."""
    return f"concat_ws('{BETWEEN}', {', '.join(_written(kind, name, of) for name in key(kind))})"


def _written(kind: RecordKind, name: str, of: str) -> str:
    month = isinstance(field_of(kind, name).holds, MonthType)
    return f"to_char({of}.\"{name}\", 'YYYY-MM')" if month else f'{of}."{name}"::text'


_SENDER = "(select code from register.organisation where id = :tenant)"
_OWN = f"coalesce({{}}.attributed_organisation, {_SENDER}) = {_SENDER}"
_DOES = f"""coalesce(x.does, case when {withdraws(RecordKind.CASE)} is null then '{Record.NEW}' else '{Record.WITHDRAWN}' end)"""
# A case counts in the month where it stands now, and no longer in the one where it stood before.
_EFFECT = Prepared(f"""
    with touched as (
        select s.index_month as month, {_DOES} as does,
               (s.scope = '{CaseScope.IN}' and s.withdraw_reason is null and {_OWN.format("s")})::integer as gain
          from {BRIEF} s left join {MET} x using ("row")
         where x.does is distinct from '{Record.UNCHANGED}'
        union all
        select v.index_month, '', -(v.scope = '{CaseScope.IN}' and not x.withdrawn and {_OWN.format("v")})::integer
          from {MET} x {version_before(RecordKind.CASE)}
         where x.does <> '{Record.UNCHANGED}'
    )
    select month, count(*) filter (where does = '{Record.NEW}') as new, count(*) filter (where does = '{Record.CHANGED}') as changed,
           count(*) filter (where does = '{Record.WITHDRAWN}') as withdrawn, sum(gain) as gained
      from touched where month is not null
     group by month
    having count(*) filter (where does <> '') > 0 or sum(gain) <> 0
     order by month
""")
