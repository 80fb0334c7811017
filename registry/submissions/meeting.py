"""The staged rows that meet a record of their trust: which one, and what the row does to it.

What is already held is looked up row by row of what came (`lateral … offset 0`), never the other way round: the planner
knows nothing yet of a table that has just been filled, and would read all that a trust holds once for each row it sends.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, text

from registry import identifiers
from registry.store.prepared import Prepared
from registry.store.records import column_of, record_key
from registry.submissions.keys import TenantKeys
from registry.submissions.request import Record, Reference
from registry.submissions.staging import BRIEF, CONTENT_MAC, MET, STAGING, identifying
from schemas.dictionary import fields, key
from schemas.record import RecordKind

# Said so that no index is looked into by it: every index of the records begins with the trust, and of a table of which the planner
# knows nothing yet it might take one in which the trust is all that is asked for. The policy of the table names the trust too.
OF_TRUST = "held.tenant_id + 0 = :tenant"
DIFFERS = "differs"
_OPENED_AT_ONCE = 2_000


def withdraws(kind: RecordKind) -> str:
    """The SQL of why a staged row withdraws its record; null where its kind cannot be withdrawn."""
    return "s.withdraw_reason" if any(each.name == "withdraw_reason" for each in fields(kind)) else "null::text"


def meeting(kind: RecordKind) -> str:
    """The query of the rows of `brief` that meet a record: row, record, its next version, what the row does, whether and why the
    record is withdrawn."""
    same_key = " and ".join(f'held."{name}" = s."{name}"' for name in key(kind))
    return f"""
            select s."row", r.id as record_id, r.version + 1 as version, r.withdrawn_at is not null as withdrawn,
                   r.withdraw_reason as withdrawn_as,
                   case when r.content_mac = s.{CONTENT_MAC} then '{Record.UNCHANGED}'
                        when {withdraws(kind)} is not null then '{Record.WITHDRAWN}'
                        else '{Record.CHANGED}' end as does
              from {BRIEF} s
             cross join lateral (
                   select held.id, held.version, held.content_mac, held.withdrawn_at, held.withdraw_reason
                     from records.{kind.value}_record held
                    where {OF_TRUST} and {same_key} offset 0) r
             where exists (select from records.{kind.value}_record where tenant_id = :tenant)
            """


def meet(connection: Connection, kind: RecordKind, reference: Reference, *, few: bool = False) -> None:
    """The temporary table `met`: what `meeting` gives. Of `few` rows it is one that the session keeps, as the staged rows are."""
    if few:
        _make_kept(connection, kind)
        _filling(kind)(connection, tenant=reference.tenant_id)
        return
    connection.execute(
        text(f"create temp table {MET} on commit drop as {meeting(kind)}"), {"tenant": reference.tenant_id}
    )
    connection.execute(text(f'create unique index on {MET} ("row")'))
    connection.execute(text(f"create index on {MET} (record_id)"))
    connection.execute(text(f"analyze {MET}"))


_IS_KEPT = Prepared(f"select to_regclass('pg_temp.{MET}') is not null as kept")


def _make_kept(connection: Connection, kind: RecordKind) -> None:
    """It falls with the other two, whichever kind they are of."""
    [there] = _IS_KEPT(connection)
    if not there.kept:
        empty = meeting(kind).replace(":tenant", "0")
        connection.execute(text(f"create temp table {MET} on commit delete rows as {empty} with no data"))


@cache
def _filling(kind: RecordKind) -> Prepared:
    return Prepared(f"insert into {MET} {meeting(kind)}")


def version_before(kind: RecordKind) -> str:
    """The SQL of the version that stands of the record that a row `x` of `met` meets."""
    return f"""cross join lateral (
                   select * from records.{kind.value}_version standing
                    where standing.tenant_id = :tenant and standing.record_id = x.record_id
                      and standing.version = x.version - 1 offset 0) v"""


def compare_sealed(connection: Connection, kind: RecordKind, reference: Reference, keys: TenantKeys) -> None:
    """The temporary table `differs`: the identifying fields in which changed rows differ from the version before.

    Only opening tells: no two seals of a value are alike.
    """
    connection.execute(text(f'create temp table {DIFFERS} ("row" integer, names text[]) on commit drop'))
    hidden = identifying(kind)
    if not hidden:
        return
    sealed = ", ".join(f"s.{column_of(each)}, v.{column_of(each)}" for each in hidden)
    changed = connection.execute(
        text(
            f"""
            select x."row", array[{", ".join(f's."{name}"::text' for name in key(kind))}], {sealed}
              from {MET} x join {STAGING} s using ("row") {version_before(kind)}
             where x.does <> '{Record.UNCHANGED}'
            """
        ),
        {"tenant": reference.tenant_id},
        execution_options={"yield_per": _OPENED_AT_ONCE},
    )
    for rows in changed.partitions():
        _note_differing(connection, kind, reference.tenant_id, keys, rows)
    connection.execute(text(f"analyze {DIFFERS}"))


def _note_differing(
    connection: Connection, kind: RecordKind, tenant_id: int, keys: TenantKeys, rows: Sequence[Row[Any]]
) -> None:
    numbers, key_fields, *sealed = zip(*rows, strict=True)
    names = differing(kind, tenant_id, keys, key_fields, sealed)
    connection.execute(
        text(
            f"insert into {DIFFERS} select number, string_to_array(names, ',') "
            "from unnest(cast(:numbers as integer[]), cast(:names as text[])) as u(number, names)"
        ),
        {"numbers": list(numbers), "names": [",".join(found) for found in names]},
    )


def differing(
    kind: RecordKind,
    tenant_id: int,
    keys: TenantKeys,
    key_fields: Sequence[Sequence[object]],
    sealed: Sequence[Sequence[bytes | None]],
) -> list[list[str]]:
    """For each row the identifying fields that differ; `sealed` has for each such field a column as sent and one as held."""
    record_keys = [record_key(values) for values in key_fields]
    names: list[list[str]] = [[] for _ in record_keys]
    for each, new, old in zip(identifying(kind), sealed[::2], sealed[1::2], strict=True):
        aads = identifiers.cell_aads(tenant_id, kind.value, record_keys, each.name)
        opened = (identifiers.open_column(keys.opens, cells, aads) for cells in (new, old))
        for found, one, other in zip(names, *opened, strict=True):
            if one != other:
                found.append(each.name)
    return names
