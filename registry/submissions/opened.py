"""Records of a trust read back as the text that a file or a form would hold, what identifies included: their cells are opened here.

Showing what identifies to somebody is an act of its own, which the caller audits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, and_, null, select

from ingest.written import texts
from registry import identifiers
from registry.store.records import CORRECTED_KINDS, RECORD, VERSION, column_of, record_key
from registry.submissions.keys import TenantKeys
from schemas.dictionary import Field, field, fields, key
from schemas.record import RecordKind
from schemas.values import MonthType


@dataclass(frozen=True, slots=True)
class Opened:
    """One version of a record. `key` is the text of its key, `text` that of every field with a value, the key too. `corrected` are the
    fields that stand as a person entered or corrected them online."""

    id: UUID
    key: str
    version: int
    text: dict[str, str]
    withdrawn: bool
    corrected: frozenset[str]


def opened(
    connection: Connection,
    keys: TenantKeys,
    tenant_id: int,
    kind: RecordKind,
    record_keys: Sequence[str],
    *,
    version: int | None = None,
    corrected_only: bool = False,
) -> dict[str, Opened]:
    """Those of a trust's records with these keys that there are, by key: as they stand, or as a version said.

    Of kinds with one field as their key: cases, reviews, monthly returns. `corrected_only` leaves out records of which no field was
    entered or corrected online.
    """
    r, v = RECORD[kind], VERSION[kind]
    (name,) = key(kind)
    wanted = [_value(field(kind, name), each) for each in record_keys]
    marks = r.c.corrected if kind in CORRECTED_KINDS else null().label("corrected")
    contents = [v.c[column_of(each)] for each in fields(kind)]
    query = (
        select(r.c.id, v.c.version, r.c.withdrawn_at.is_not(None).label("withdrawn"), marks, *contents)
        .join(v, and_(v.c.tenant_id == r.c.tenant_id, v.c.record_id == r.c.id))
        .where(r.c.tenant_id == tenant_id, r.c[name].in_(wanted))
        .where(v.c.version == (r.c.version if version is None else version))
    )
    if corrected_only:
        query = query.where(r.c.corrected.is_not(None))
    found = (_opened(row, keys, tenant_id, kind) for row in connection.execute(query))
    return {each.key: each for each in found}


def _value(each: Field, text: str) -> str | date:
    return date.fromisoformat(f"{text}-01") if isinstance(each.holds, MonthType) else text


def _opened(row: Row[Any], keys: TenantKeys, tenant_id: int, kind: RecordKind) -> Opened:
    held = row._mapping
    place = record_key([held[name] for name in key(kind)])
    values = dict(_cells(held, keys, tenant_id, kind, place))
    text = texts(kind, values)
    return Opened(
        id=held["id"],
        key=text[key(kind)[0]],
        version=held["version"],
        text=text,
        withdrawn=held["withdrawn"],
        corrected=frozenset(held["corrected"] or ()),
    )


def _cells(held: Any, keys: TenantKeys, tenant_id: int, kind: RecordKind, place: str) -> Iterator[tuple[str, Any]]:
    for each in fields(kind):
        cell = held[column_of(each)]
        if each.item.identifying and cell is not None:
            aad = identifiers.cell_aad(tenant_id, kind.value, place, each.name)
            yield each.name, identifiers.open_sealed(keys.opens, cell, aad)
        else:
            yield each.name, cell
