"""Everything in the database that is sealed under a trust's data key, and the place that each cell is bound to.

What is sealed and does not stand here would be lost with the next rotation; a test compares this list with all columns of all tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, text
from sqlalchemy.dialects import postgresql

from registry import identifiers
from registry.store import SYSTEM_TENANT
from registry.store.desk import (
    action,
    attributed_case,
    attribution,
    case_event,
    consultant_link,
    draft,
    outbox,
    sign_off,
)
from registry.store.lessons import learning_edition, learning_point, learning_subscriber, moderation, screening_list
from registry.store.records import VERSION, column_of, record_key
from registry.store.signing_in import second_factor
from registry.store.tables import payload, submission
from schemas.dictionary import fields, key
from schemas.record import RecordKind

Found = Row[Any]
Place = Callable[[Found], str]
"""What names a row in the place of its cells."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One table. `kind` names it in the place of a cell, `cells` has the names of its columns there; `named_by` are the columns that
    `place` needs beside the key."""

    table: Table
    kind: str
    cells: Mapping[str, str]
    place: Place
    named_by: Sequence[str] = ()

    @property
    def of_trusts(self) -> bool:
        """Whether its rows are trusts'; else they are the registry's own."""
        return "tenant_id" in self.table.c

    @property
    def key(self) -> tuple[str, ...]:
        """Its primary key, without the trust."""
        return tuple(column.name for column in self.table.primary_key if column.name != "tenant_id")

    def left(self) -> str:
        """The SQL of whether any cell of a row `t` is sealed under another version than `:version`."""
        return " or ".join(f"get_byte(t.{name}, 0) <> :version" for name in self.cells)


def _cells(table: Table) -> dict[str, str]:
    return {column.name: column.name.removesuffix("_ct") for column in table.columns if column.name.endswith("_ct")}


def _by(*names: str, between: str = "/") -> Place:
    return lambda row: between.join(str(row._mapping[name]) for name in names)


def _plain(table: Table, *names: str) -> Sealed:
    return Sealed(table, table.name, _cells(table), _by(*(names or ("id",))))


def _version(kind: RecordKind) -> Sealed:
    names = key(kind)
    cells = {column_of(each): each.name for each in fields(kind) if each.item.identifying}
    return Sealed(
        VERSION[kind], kind.value, cells, lambda row: record_key([row._mapping[name] for name in names]), names
    )


SEALED: tuple[Sealed, ...] = (
    *(each for kind in RecordKind if (each := _version(kind)).cells),
    Sealed(submission, "submission", _cells(submission), _by("idempotency_key"), ("idempotency_key",)),
    Sealed(draft, "draft", _cells(draft), _by("person_id", "kind", "case_key", between="\x1f")),
    Sealed(second_factor, "second_factor", {"secret_ct": "secret_ct"}, _by("person_id")),
    _plain(attribution, "case_id"),
    _plain(learning_edition, "point_id", "edition"),
    *map(_plain, (case_event, action, consultant_link, attributed_case, sign_off, outbox, learning_point, moderation)),
    _plain(learning_subscriber),
    Sealed(screening_list, "screening_list", _cells(screening_list), lambda row: str(row.tenant_id), ("tenant_id",)),
    Sealed(payload, "payload", {"sealed": "sealed"}, lambda row: str(row.submission_id), ("part",)),
)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
PARTS = 16
"""So many parts of files, of a megabyte each, are in hand at once."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The keys of a trust while they are rotated: all by version, and the one under which everything is to be."""

    tenant_id: int
    opens: Mapping[int, bytes]
    data: bytes
    version: int


def reseal(
    connection: Connection, each: Sealed, keys: Opened, after: Sequence[str] | None, most: int
) -> tuple[int, list[str] | None]:
    """Seal the next rows of a table anew that are not under the newest key, at most `most`, from after a key on.

    Gives how many, and the last one's key; None at the table's end. Rows that somebody else has in hand are left out.
    """
    if not each.key and after is not None:
        return 0, None
    limit = min(most, PARTS) if each.table is payload else most
    rows = connection.execute(text(_next(each, after is not None)), _asked(each, keys, after) | {"limit": limit}).all()
    for name, of in each.cells.items():
        _put(connection, each, keys, name, [row for row in rows if row._mapping[name] is not None], of)
    if len(rows) < limit or not each.key:
        return len(rows), None
    return len(rows), [str(rows[-1]._mapping[name]) for name in each.key]


def is_left(connection: Connection, each: Sealed, keys: Opened) -> bool:
    """Whether anything of a table is sealed under another version than the newest."""
    query = f"select exists (select from {each.table.fullname} t where {_whose(each)} ({each.left()}))"  # noqa: S608 (names of ours)
    return bool(connection.scalar(text(query), _asked(each, keys, None)))


def _whose(each: Sealed) -> str:
    return "t.tenant_id = :tenant and" if each.of_trusts else ""


def _asked(each: Sealed, keys: Opened, after: Sequence[str] | None) -> dict[str, object]:
    asked: dict[str, object] = {"version": keys.version}
    if each.of_trusts:
        asked["tenant"] = keys.tenant_id
    return asked | {f"after_{name}": value for name, value in zip(each.key, after or (), strict=after is not None)}


def _next(each: Sealed, goes_on: bool) -> str:
    names = dict.fromkeys((*each.key, *each.named_by, *each.cells))
    columns = ", ".join(f"t.{name}" for name in names)
    last = ", not exists (select from records.payload p where (p.tenant_id, p.submission_id) = (t.tenant_id, t.submission_id) and p.part > t.part) as last"
    keys = ", ".join(f"t.{name}" for name in each.key)
    further = ", ".join(f"cast(:after_{name} as {_type(each.table, name)})" for name in each.key)
    return f"""
        select {columns}{last if each.table is payload else ""} from {each.table.fullname} t
         where {_whose(each)} ({each.left()}) {f"and ({keys}) > ({further})" if goes_on else ""}
         {f"order by {keys}" if keys else ""} limit :limit for update of t skip locked
    """  # noqa: S608 (names of ours)


def _type(table: Table, name: str) -> str:
    return table.c[name].type.compile(_DIALECT)


def _put(connection: Connection, each: Sealed, keys: Opened, name: str, rows: Sequence[Found], of: str) -> None:
    if not rows:
        return
    made = _parts(keys, rows) if each.table is payload else _sealed(each, keys, name, rows, of)
    arrays = ", ".join(f"cast(:{part} as {_type(each.table, part)}[])" for part in each.key)
    same = " and ".join(
        [_whose(each).removesuffix(" and"), *(f"t.{part} = n.{part}" for part in each.key)]
    ).removeprefix(" and ")
    source = f"unnest({arrays + ', ' if arrays else ''}cast(:cells as bytea[])) as n({', '.join([*each.key, 'cell'])})"
    given: dict[str, object] = {part: [row._mapping[part] for row in rows] for part in each.key}
    if each.of_trusts:
        given["tenant"] = keys.tenant_id
    put = f"update {each.table.fullname} t set {name} = n.cell from {source} where {same}"  # noqa: S608 (names of ours)
    connection.execute(text(put), given | {"cells": made})


def _sealed(each: Sealed, keys: Opened, name: str, rows: Sequence[Found], of: str) -> list[bytes | None]:
    tenant = keys.tenant_id if each.of_trusts else SYSTEM_TENANT
    places = identifiers.cell_aads(tenant, each.kind, [each.place(row) for row in rows], of)
    clear = identifiers.open_cells(keys.opens, [bytes(row._mapping[name]) for row in rows], places)
    return identifiers.seal_cells(keys.data, clear, places, version=keys.version)


def _parts(keys: Opened, rows: Sequence[Found]) -> list[bytes | None]:
    made: list[bytes | None] = []
    for row in rows:
        place = identifiers.canonical("hat", "payload", keys.tenant_id, row.submission_id.bytes)
        clear = identifiers.open_part(keys.opens, bytes(row.sealed), place, row.part, last=row.last)
        made.append(identifiers.seal_part(keys.data, clear, place, row.part, last=row.last, version=keys.version))
    return made
