"""Bulk and online live together: what a person entered or corrected online stands until the sender's own system says the same, or the
sender says that a file is to stand over it.

`<kind>_record.corrected` names those fields. A form adds to them; a file that agrees, or that is to stand over them, takes them away.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, text

from registry.store.records import CORRECTED_KINDS, column_of
from schemas.dictionary import fields, key
from schemas.record import RecordKind


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
