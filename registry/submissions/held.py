"""What trusts have sent, read back: one record, its versions, and pages of records by when they last changed.

Sealed fields are never opened here, so no key is needed. A record that is another trust's is as one that does not exist.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)

from registry.store.records import MATCH_COLUMNS, RECORD, VERSION
from registry.store.tables import organisation
from schemas.dictionary import fields, key
from schemas.record import RecordKind


@dataclass(frozen=True, slots=True)
class Held:
    """One version of one record. `values` has every field that does not identify, by name, in the type it holds."""

    kind: RecordKind
    tenant_id: int
    organisation: str
    id: UUID
    version: int
    at: datetime
    values: Mapping[str, Any]

    @property
    def withdrawn(self) -> bool:
        """Whether this version withdrew the record."""
        return self.values.get("withdraw_reason") is not None

    @property
    def place(self) -> "Place":
        return Place(self.at, self.id)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a record stands among all: by when it last changed, then by its id."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a record: the sender's own case number, or the month of a return; of any organisation where none is named."""

    value: str | date
    organisation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are asked for; what is None is not asked. Withdrawn ones are never among them.

    They last changed at `since` or later and before `before`. `person` is the key under which an NHS number is matched. `months`
    are the first months of the returns that are asked for, from the first to before the second.
    """

    kinds: tuple[RecordKind, ...]
    tenants: tuple[int, ...]
    ids: frozenset[UUID] | None = None
    keys: frozenset[Key] | None = None
    person: Sequence[bytes] | None = None
    since: datetime | None = None
    before: datetime | None = None
    months: tuple[date, date] | None = None


def standing(
    connection: Connection, kinds: Collection[RecordKind], tenants: Collection[int], record_id: UUID
) -> Held | None:
    """The version that stands of the record with this id, withdrawn or not; None where these trusts have none."""
    return next(iter(versions(connection, kinds, tenants, record_id, limit=1)), None)


def version(
    connection: Connection, kinds: Collection[RecordKind], tenants: Collection[int], record_id: UUID, number: int
) -> Held | None:
    """One version of a record."""
    found = versions(connection, kinds, tenants, record_id, below=number + 1, limit=1)
    return next((each for each in found if each.version == number), None)


def versions(
    connection: Connection,
    kinds: Collection[RecordKind],
    tenants: Collection[int],
    record_id: UUID,
    *,
    below: int | None = None,
    limit: int,
) -> list[Held]:
    """The versions of a record, the newest first; those before version `below` if it is given."""
    for kind in kinds:
        c = VERSION[kind].c
        query = _versions(kind).where(c.tenant_id.in_(tenants), c.record_id == record_id)
        earlier = query if below is None else query.where(c.version < below)
        rows = connection.execute(earlier.order_by(c.version.desc()).limit(limit)).all()
        if rows:
            return [_held(kind, row) for row in rows]
    return []


def page(connection: Connection, wanted: Wanted, *, after: Place | None = None, limit: int) -> list[Held]:
    """The records that are wanted as they stand, from the one that changed longest ago; at most `limit`, beginning after a place."""
    found = [_held(kind, row) for kind in wanted.kinds for row in connection.execute(_page(kind, wanted, after, limit))]
    return sorted(found, key=lambda each: each.place)[:limit]


def count(connection: Connection, wanted: Wanted) -> int:
    """How many records are wanted."""
    return sum(connection.scalar(_count(kind, wanted)) or 0 for kind in wanted.kinds)


def _contents(kind: RecordKind) -> list[Column[Any]]:
    return [VERSION[kind].c[each.name] for each in fields(kind) if not each.item.identifying]


def _versions(kind: RecordKind) -> Select[Any]:
    v = VERSION[kind]
    head = (v.c.tenant_id, organisation.c.code, v.c.record_id, v.c.version, v.c.recorded_at)
    return select(*head, *_contents(kind)).join(organisation, organisation.c.id == v.c.tenant_id)


def _held(kind: RecordKind, row: Sequence[Any]) -> Held:
    tenant_id, code, record_id, number, at = row[:5]
    names = [each.name for each in _contents(kind)]
    return Held(kind, tenant_id, code, record_id, number, at, dict(zip(names, row[5:], strict=True)))


def _page(kind: RecordKind, wanted: Wanted, after: Place | None, limit: int) -> Select[Any]:
    """Each trust's first records after the place, in the order of its index; then the first of all of them."""
    v = VERSION[kind].c
    tenants = func.unnest(literal(list(wanted.tenants), ARRAY(Integer))).table_valued("tenant_id").render_derived()
    conditions = _conditions(kind, wanted)
    if after is not None:
        conditions.append(tuple_(v.recorded_at, v.record_id) > tuple_(literal(after.at), literal(after.id)))
    first = (
        _versions(kind)
        .join(RECORD[kind], _stands(kind))
        .where(v.tenant_id == tenants.c.tenant_id, *conditions)
        .order_by(v.recorded_at, v.record_id)
        .limit(limit)
        .lateral("first")
    )
    whole = select(*first.c).select_from(tenants.join(first, true()))
    return whole.order_by(first.c.recorded_at, first.c.record_id).limit(limit)


def _count(kind: RecordKind, wanted: Wanted) -> Select[Any]:
    query = select(func.count()).select_from(VERSION[kind]).join(RECORD[kind], _stands(kind))
    return query.where(VERSION[kind].c.tenant_id.in_(wanted.tenants), *_conditions(kind, wanted))


def _stands(kind: RecordKind) -> ColumnElement[bool]:
    r, v = RECORD[kind].c, VERSION[kind].c
    return and_(r.tenant_id == v.tenant_id, r.id == v.record_id, r.version == v.version)


def _conditions(kind: RecordKind, wanted: Wanted) -> list[ColumnElement[bool]]:
    r, v = RECORD[kind].c, VERSION[kind].c
    found: list[ColumnElement[bool]] = [r.withdrawn_at.is_(None)]
    if wanted.ids is not None:
        found.append(r.id.in_(wanted.ids))
    if wanted.keys is not None:
        found.append(or_(*(_has_key(kind, each) for each in wanted.keys)) if wanted.keys else ~true())
    if wanted.person is not None:
        found.append(_of_person(kind, wanted.person))
    if wanted.since is not None:
        found.append(v.recorded_at >= wanted.since)
    if wanted.before is not None:
        found.append(v.recorded_at < wanted.before)
    if wanted.months is not None:
        first, end = wanted.months
        found.append(and_(r[key(kind)[0]] >= first, r[key(kind)[0]] < end))
    return found


def _has_key(kind: RecordKind, wanted: Key) -> ColumnElement[bool]:
    """Cases, reviews and monthly returns have one field as their key."""
    r = RECORD[kind].c
    same: ColumnElement[bool] = r[key(kind)[0]] == wanted.value
    if wanted.organisation is None:
        return same
    of_code = select(organisation.c.id).where(organisation.c.code == wanted.organisation).scalar_subquery()
    return and_(same, r.tenant_id == of_code)


def _of_person(kind: RecordKind, person: Sequence[bytes]) -> ColumnElement[bool]:
    """The person's cases, and the reviews of them."""
    r, case = RECORD[kind].c, RECORD[RecordKind.CASE].alias("of_person")
    if kind is RecordKind.CASE:
        return or_(*(r[name].in_(person) for name in MATCH_COLUMNS))
    same = and_(case.c.tenant_id == r.tenant_id, case.c.local_case_id == r.local_case_id)
    return exists().where(same, or_(*(case.c[name].in_(person) for name in MATCH_COLUMNS)))
