"""What the staged rows do to the register: new, changed, unchanged or withdrawn, in a handful of set-wise statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from registry import identifiers
from registry.store.records import MATCH_COLUMN, column_of
from registry.submissions.keys import TenantKeys
from registry.submissions.request import Door, Record, Reference
from registry.submissions.staging import CONTENT_MAC, STAGING, content_columns, identifying, record_key
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind

MET = "met"
DIFFERS = "differs"
_OPENED_AT_ONCE = 2_000
# A staged row whose record is new.
_FIRST = f'not exists (select from {MET} where {MET}."row" = s."row")'


@dataclass(frozen=True, slots=True)
class Difference:
    """How many records the rows add, change, leave as they are or withdraw; how many of the trust's are not in the file;
    and how often each field changes."""

    new: int
    changed: int
    unchanged: int
    withdrawn: int
    absent: int
    changed_fields: dict[str, int]


def settle(connection: Connection, kind: RecordKind, reference: Reference, door: Door, keys: TenantKeys) -> Difference:
    """Write the staged rows. Nothing is written for a record whose content did not change."""
    _meet(connection, kind, reference)
    counts = _counts(connection, kind)
    absent = _absent(connection, kind, reference)
    _add_records(connection, kind, reference)
    _add_versions(connection, kind, reference, door)
    if counts.get(Record.CHANGED) or counts.get(Record.WITHDRAWN):
        _compare_sealed(connection, kind, reference, keys)
        _add_changed_versions(connection, kind, reference, door)
        _move_records(connection, kind, reference)
    return Difference(
        new=counts.get(Record.NEW, 0),
        changed=counts.get(Record.CHANGED, 0),
        unchanged=counts.get(Record.UNCHANGED, 0),
        withdrawn=counts.get(Record.WITHDRAWN, 0),
        absent=absent,
        changed_fields=_changed_fields(connection, kind, reference),
    )


def _same_key(kind: RecordKind, left: str, right: str) -> str:
    return " and ".join(f'{left}."{name}" = {right}."{name}"' for name in key(kind))


def _withdraws(kind: RecordKind) -> str:
    """The SQL of why a staged row withdraws its record; null where its kind cannot be withdrawn."""
    return "s.withdraw_reason" if any(each.name == "withdraw_reason" for each in fields(kind)) else "null::text"


def _meet(connection: Connection, kind: RecordKind, reference: Reference) -> None:
    """The staged rows that meet a record: which one, its next version, and what the row does to it."""
    connection.execute(
        text(
            f"""
            create temp table {MET} on commit drop as
            select s."row", r.id as record_id, r.version + 1 as version,
                   case when r.content_mac = s.{CONTENT_MAC} then '{Record.UNCHANGED}'
                        when {_withdraws(kind)} is not null then '{Record.WITHDRAWN}'
                        else '{Record.CHANGED}' end as does
              from {STAGING} s
              join records.{kind.value}_record r on r.tenant_id = :tenant and {_same_key(kind, "r", "s")}
            """
        ),
        {"tenant": reference.tenant_id},
    )
    connection.execute(text(f'create unique index on {MET} ("row")'))
    connection.execute(text(f"analyze {MET}"))


def _counts(connection: Connection, kind: RecordKind) -> dict[str, int]:
    """How many staged rows do what. One that withdraws what was never there is kept as a withdrawn record."""
    rows = connection.execute(
        text(
            f"""
            select does, count(*) as records from {MET} group by does
            union all
            select case when {_withdraws(kind)} is null then '{Record.NEW}' else 'first and {Record.WITHDRAWN}' end, count(*)
              from {STAGING} s where {_FIRST} group by 1
            """
        )
    )
    counts = {row.does: row.records for row in rows}
    never_there = counts.pop(f"first and {Record.WITHDRAWN}", 0)
    return counts | {Record.WITHDRAWN.value: counts.get(Record.WITHDRAWN, 0) + never_there}


def _absent(connection: Connection, kind: RecordKind, reference: Reference) -> int:
    """The trust's standing records that the file does not name. They stay as they are."""
    count = connection.execute(
        text(
            f"""
            select (select count(*) from records.{kind.value}_record
                     where tenant_id = :tenant and withdrawn_at is null)
                 - (select count(*) from {MET} x join records.{kind.value}_record r
                        on r.tenant_id = :tenant and r.id = x.record_id and r.withdrawn_at is null)
            """
        ),
        {"tenant": reference.tenant_id},
    ).scalar_one()
    return int(count)


def _case_values(kind: RecordKind) -> tuple[str, str, str]:
    """Names, values and joins of what only a case has: match key and attribution."""
    if kind is not RecordKind.CASE:
        return "", "", ""
    names = f", {MATCH_COLUMN}, attributed_id, attribution"
    values = (
        f", s.{MATCH_COLUMN}, coalesce(o.id, :tenant), case when coalesce(o.id, :tenant) = :tenant "
        "then 'own' else 'proposed' end"
    )
    return names, values, "left join register.organisation o on o.code = s.attributed_organisation"


def _add_records(connection: Connection, kind: RecordKind, reference: Reference) -> None:
    keys = ", ".join(f'"{name}"' for name in key(kind))
    key_values = ", ".join(f's."{name}"' for name in key(kind))
    names, values, join = _case_values(kind)
    withdraw = _withdraws(kind)
    connection.execute(
        text(
            f"""
            insert into records.{kind.value}_record
                   (tenant_id, id, {keys}, version, content_mac, withdraw_reason, withdrawn_at{names})
            select :tenant, s.record_id, {key_values}, 1, s.{CONTENT_MAC},
                   {withdraw}, case when {withdraw} is not null then now() end{values}
              from {STAGING} s {join}
             where {_FIRST}
            """
        ),
        {"tenant": reference.tenant_id},
    )


def _add_versions(connection: Connection, kind: RecordKind, reference: Reference, door: Door) -> None:
    head, values, parameters = _version_parts(kind, reference, door)
    connection.execute(
        text(
            f"""
            {head}
            select :tenant, s.record_id, 1, :submission, :door, null, {values}
              from {STAGING} s
             where {_FIRST}
            """
        ),
        parameters,
    )


def _add_changed_versions(connection: Connection, kind: RecordKind, reference: Reference, door: Door) -> None:
    head, values, parameters = _version_parts(kind, reference, door)
    connection.execute(
        text(
            f"""
            {head}
            select :tenant, x.record_id, x.version, :submission, :door, {_changed(kind)}, {values}
              from {MET} x join {STAGING} s using ("row")
              join records.{kind.value}_version v
                on v.tenant_id = :tenant and v.record_id = x.record_id and v.version = x.version - 1
              left join {DIFFERS} d using ("row")
             where x.does <> '{Record.UNCHANGED}'
            """
        ),
        parameters,
    )


def _version_parts(kind: RecordKind, reference: Reference, door: Door) -> tuple[str, str, dict[str, object]]:
    """The head of an insert of versions, the values that come from the staged rows, and the parameters."""
    names = ", ".join(f'"{name}"' for name in content_columns(kind))
    values = ", ".join(f's."{name}"' for name in content_columns(kind))
    head = (
        f"insert into records.{kind.value}_version "
        f"(tenant_id, record_id, version, submission_id, door, changed, {names})"
    )
    return head, values, {"tenant": reference.tenant_id, "submission": reference.id, "door": door.value}


def _changed(kind: RecordKind) -> str:
    """The SQL of the names of the fields in which a staged row differs from the version before."""
    return f"array_remove(array[{', '.join(map(_test, fields(kind)))}], null)"


def _test(each: Field) -> str:
    differs = (
        f"'{each.name}' = any(d.names)"
        if each.item.identifying
        else f's."{each.name}" is distinct from v."{each.name}"'
    )
    return f"case when {differs} then '{each.name}' end"


def _compare_sealed(connection: Connection, kind: RecordKind, reference: Reference, keys: TenantKeys) -> None:
    """Which identifying fields of the changed records differ. Only opening tells: no two seals of a value are alike."""
    connection.execute(text(f'create temp table {DIFFERS} ("row" integer, names text[]) on commit drop'))
    hidden = identifying(kind)
    if not hidden:
        return
    sealed = ", ".join(f"s.{column_of(each)}, v.{column_of(each)}" for each in hidden)
    changed = connection.execute(
        text(
            f"""
            select x."row", array[{", ".join(f's."{name}"::text' for name in key(kind))}], {sealed}
              from {MET} x join {STAGING} s using ("row")
              join records.{kind.value}_version v
                on v.tenant_id = :tenant and v.record_id = x.record_id and v.version = x.version - 1
             where x.does <> '{Record.UNCHANGED}'
            """
        ),
        {"tenant": reference.tenant_id},
        execution_options={"yield_per": _OPENED_AT_ONCE},
    )
    for rows in changed.partitions():
        _note_differing(connection, kind, reference.tenant_id, keys, rows)


def _note_differing(
    connection: Connection, kind: RecordKind, tenant_id: int, keys: TenantKeys, rows: Sequence[Row[Any]]
) -> None:
    """Keep the names of the identifying fields in which each row differs from the version before."""
    numbers, key_fields, *sealed = zip(*rows, strict=True)
    record_keys = [record_key(values) for values in key_fields]
    names: list[list[str]] = [[] for _ in rows]
    for each, new, old in zip(identifying(kind), sealed[::2], sealed[1::2], strict=True):
        aads = identifiers.cell_aads(tenant_id, kind.value, record_keys, each.name)
        pairs = zip(*(identifiers.open_column(keys.data, cells, aads) for cells in (new, old)), strict=True)
        for found, (one, other) in zip(names, pairs, strict=True):
            if one != other:
                found.append(each.name)
    connection.execute(
        text(
            f"insert into {DIFFERS} select number, string_to_array(names, ',') "
            "from unnest(cast(:numbers as integer[]), cast(:names as text[])) as u(number, names)"
        ),
        {"numbers": list(numbers), "names": [",".join(found) for found in names]},
    )


def _move_records(connection: Connection, kind: RecordKind, reference: Reference) -> None:
    """Let changed records stand in their new version. A withdrawal marks; a record sent again without a reason stands again."""
    withdraw = _withdraws(kind)
    attribution = ""
    join = ""
    if kind is RecordKind.CASE:
        join = "left join register.organisation o on o.code = s.attributed_organisation"
        moved = "r.attributed_id is distinct from coalesce(o.id, :tenant)"
        attribution = f"""
            , {MATCH_COLUMN} = s.{MATCH_COLUMN}
            , attributed_id = coalesce(o.id, :tenant)
            , attribution = case when not {moved} then r.attribution
                                 when coalesce(o.id, :tenant) = :tenant then 'own' else 'proposed' end
            , attribution_since = case when {moved} then now() else r.attribution_since end
        """.replace("r.attribut", "record.attribut")
    connection.execute(
        text(
            f"""
            update records.{kind.value}_record record
               set version = x.version
                 , content_mac = s.{CONTENT_MAC}
                 , withdraw_reason = {withdraw}
                 , withdrawn_at = case when {withdraw} is not null then coalesce(record.withdrawn_at, now()) end
                 {attribution}
              from {MET} x join {STAGING} s using ("row") {join}
             where record.tenant_id = :tenant and record.id = x.record_id
               and x.does <> '{Record.UNCHANGED}'
            """
        ),
        {"tenant": reference.tenant_id},
    )


def _changed_fields(connection: Connection, kind: RecordKind, reference: Reference) -> dict[str, int]:
    rows = connection.execute(
        text(
            f"""
            select name, count(*) as uses
              from {MET} x join records.{kind.value}_version v
                on v.tenant_id = :tenant and v.record_id = x.record_id and v.version = x.version
             cross join unnest(v.changed) as name
             where x.does <> '{Record.UNCHANGED}'
             group by name order by uses desc, name
            """
        ),
        {"tenant": reference.tenant_id},
    )
    return {row.name: row.uses for row in rows}
