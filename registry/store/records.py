"""The tables of the records themselves, drawn from the dataset: for each kind one row a record and one row a version.

`<kind>_record` says that a record exists and which version stands; `<kind>_version` holds what each version said, and is
only ever added to. A field of the dataset is a column of the version under its own name; an identifying field is
`<name>_ct`, sealed under the tenant's data key.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from registry.store.tables import metadata
from schemas.counting import DERIVED
from schemas.dictionary import Field, field, fields, key
from schemas.record import RecordKind

MATCH_COLUMNS = ("nhs_key", "nhs_key_2")
"""Where the keys stand under which the same person is found: one is complete at any time, the other has those of another version
while the match key is rotated, and is empty otherwise."""
CORRECTED_KINDS = (RecordKind.CASE, RecordKind.RCA)
"""What is entered and corrected online one record at a time."""

_SQL_TYPES: dict[type[pl.DataType], TypeEngine[Any]] = {
    pl.String: Text(),
    pl.Date: Date(),
    pl.Int16: SmallInteger(),
    pl.Int32: Integer(),
    pl.Float64: Double(),
    pl.Boolean: Boolean(),
}


_BETWEEN = "\x1f"


def record_key(values: Sequence[object]) -> str:
    """The text that names a record for good, of its key fields as the database gives them; sealed values are bound to it."""
    return _BETWEEN.join(map(str, values))


def person_of(record: str) -> str:
    """The SQL of the key of the person of a case: of the column that is complete, as of the same moment as the case itself."""
    first, second = (f"{record}.{name}" for name in MATCH_COLUMNS)
    return f"""(case when (select k.place from register.key_version k where k.kind = 'match' and k.state = 'in use') = '{MATCH_COLUMNS[1]}'
                     then {second} else {first} end)"""  # noqa: S608 (columns of ours)


def sql_type(dtype: pl.DataType | type[pl.DataType]) -> TypeEngine[Any]:
    """The column type in which a field's value is kept."""
    if isinstance(dtype, pl.Datetime):
        return DateTime(timezone=True)
    if isinstance(dtype, pl.List):
        return ARRAY(Text)
    base = dtype if isinstance(dtype, type) else type(dtype)
    return _SQL_TYPES[base]


def column_of(each: Field) -> str:
    """The name of the column in which a field is kept."""
    return f"{each.name}_ct" if each.item.identifying else each.name


def _field_column(each: Field) -> Column[Any]:
    return Column(column_of(each), LargeBinary if each.item.identifying else sql_type(each.holds.dtype))


def derived_columns(kind: RecordKind) -> tuple[tuple[str, pl.DataType], ...]:
    """What is worked out for each version beside what was sent."""
    return DERIVED if kind is RecordKind.CASE else ()


def _case_columns(kind: RecordKind) -> list[Column[Any]]:
    """What only a case has: the keys under which the same person is found, and the organisation it is attributed to."""
    if kind is not RecordKind.CASE:
        return []
    return [
        *(Column(name, LargeBinary) for name in MATCH_COLUMNS),
        Column("attributed_id", Integer, nullable=False),
        # own, proposed, accepted, disputed
        Column("attribution", Text, nullable=False),
        Column("attribution_since", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ]


def _corrected_column(kind: RecordKind) -> list[Column[Any]]:
    """The fields that a person corrected online after a file had said otherwise; null for all other records."""
    return [Column("corrected", ARRAY(Text))] if kind in CORRECTED_KINDS else []


def _record_table(kind: RecordKind) -> Table:
    keys = [Column(name, sql_type(field(kind, name).holds.dtype), nullable=False) for name in key(kind)]
    table = Table(
        f"{kind.value}_record",
        metadata,
        # No foreign key to the organisation: the version's submission has it, and one more check a row is felt.
        Column("tenant_id", Integer, nullable=False),
        Column("id", Uuid, nullable=False),
        *keys,
        Column("version", Integer, nullable=False),
        # A keyed digest of all that was sent: a record sent again unchanged is seen at once and nothing is written.
        Column("content_mac", LargeBinary, nullable=False),
        Column("withdrawn_at", DateTime(timezone=True)),
        Column("withdraw_reason", Text),
        Column("added_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        *_corrected_column(kind),
        *_case_columns(kind),
        PrimaryKeyConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", *key(kind)),
        schema="records",
    )
    if kind in CORRECTED_KINDS:
        # A trust has few of these; a file asks first whether there are any at all.
        Index(
            f"ix_{kind.value}_record_corrected",
            table.c.tenant_id,
            *(table.c[name] for name in key(kind)),
            postgresql_where=text("corrected is not null"),
        )
    if kind is RecordKind.CASE:
        # Only ever asked for one person's cases: half the cost of a tree, in which keys without any order land anywhere.
        for name in MATCH_COLUMNS:
            Index(
                f"ix_case_record_{name}",
                table.c[name],
                postgresql_using="hash",
                postgresql_where=text(f"{name} is not null"),
            )
        # Few: what is attributed to another organisation, and what waits for its answer.
        Index("ix_case_record_elsewhere", table.c.attributed_id, postgresql_where=text("attributed_id <> tenant_id"))
        Index("ix_case_record_proposed", table.c.attribution_since, postgresql_where=text("attribution = 'proposed'"))
    return table


def _version_table(kind: RecordKind) -> Table:
    contents = [_field_column(each) for each in fields(kind)]
    derived = [Column(name, sql_type(dtype)) for name, dtype in derived_columns(kind)]
    table = Table(
        f"{kind.value}_version",
        metadata,
        Column("tenant_id", Integer, nullable=False),
        Column("record_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        # No foreign keys: a version is written in one transaction with its record and its submission, by one statement
        # that takes their ids from the rows themselves; checking each row again costs a tenth of a whole load.
        Column("submission_id", Uuid, nullable=False),
        Column("door", Text, nullable=False),
        # The fields that differ from the version before; null in a first version.
        Column("changed", ARRAY(Text)),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        *contents,
        *derived,
        PrimaryKeyConstraint("tenant_id", "record_id", "version"),
        schema="records",
    )
    if kind in CORRECTED_KINDS:
        # Rows are added in the order of time, so that a few hundred bytes find the newest among millions.
        Index(f"ix_{kind.value}_version_recorded_at", table.c.recorded_at, postgresql_using="brin")
    return table


RECORD: dict[RecordKind, Table] = {kind: _record_table(kind) for kind in RecordKind}
VERSION: dict[RecordKind, Table] = {kind: _version_table(kind) for kind in RecordKind}
