"""The rows of one submission on their way in: sealed, copied to a temporary table, ready for one set-wise upsert.

COPY is refused on a table with row-level security, so rows go to a temporary table that is dropped with the transaction.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

from ingest.check import ROW
from registry import identifiers
from registry.store.records import MATCH_COLUMN, VERSION, derived_columns
from registry.submissions.keys import TenantKeys
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind

STAGING = "staged"
CONTENT_MAC = "content_mac"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
_BETWEEN = "\x1f"
_NOTHING = "\x00"


def content_columns(kind: RecordKind) -> tuple[str, ...]:
    """The columns of a version that come from the sender or are derived from what came."""
    names = [name for each in fields(kind) for name in columns_of(each)]
    return (*names, *(name for name, _ in derived_columns(kind)))


def columns_of(each: Field) -> tuple[str, ...]:
    """The columns in which one field is kept."""
    return (f"{each.name}_ct", f"{each.name}_mac") if each.item.identifying else (each.name,)


def staged_columns(kind: RecordKind) -> tuple[str, ...]:
    match = (MATCH_COLUMN,) if kind is RecordKind.CASE else ()
    return (ROW, *content_columns(kind), CONTENT_MAC, *match)


def create(connection: Connection, kind: RecordKind) -> None:
    """An empty temporary table for the rows, gone at the end of the transaction."""
    version = VERSION[kind]
    typed = [f'"{name}" {version.c[name].type.compile(_DIALECT)}' for name in content_columns(kind)]
    match = [f"{MATCH_COLUMN} bytea"] if kind is RecordKind.CASE else []
    columns = ", ".join([f'"{ROW}" integer', *typed, f"{CONTENT_MAC} bytea", *match])
    connection.execute(text(f"create temp table {STAGING} ({columns}) on commit drop"))


def fill(connection: Connection, kind: RecordKind, blocks: Iterator[bytes]) -> None:
    """COPY prepared blocks into the temporary table."""
    columns = ", ".join(f'"{name}"' for name in staged_columns(kind))
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor:
        for block in blocks:
            # One COPY a batch: each stays far below the statement timeout, however large the file.
            with cursor.copy(f"copy {STAGING} ({columns}) from stdin (format csv)") as copy:
                copy.write(block)
    connection.execute(text(f"analyze {STAGING}"))


def block(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> bytes:
    """Typed rows as COPY's CSV: identifying fields sealed at their place, every other as it is."""
    record_keys = frame.select(_record_key(kind)).to_series().to_list()
    sealed = [
        column
        for each in fields(kind)
        if each.item.identifying
        for column in _sealed(frame, each, tenant_id, record_keys, keys)
    ]
    extra = [_content_mac(frame, kind, keys)]
    if kind is RecordKind.CASE:
        matches = identifiers.match_keys(keys.match, frame["nhs_number"].to_list())
        extra.append(_hex(MATCH_COLUMN, matches))
    whole = frame.with_columns(sealed + extra).select(
        _printed(pl.col(name), dtype).alias(name) for name, dtype in _dtypes(frame, kind, sealed + extra)
    )
    return whole.write_csv(include_header=False).encode()


def _record_key(kind: RecordKind) -> pl.Expr:
    """The text that names a record for good; sealed values are bound to it."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in key(kind)], separator=_BETWEEN)


def _dtypes(
    frame: pl.DataFrame, kind: RecordKind, added: Sequence[pl.Series]
) -> list[tuple[str, pl.DataType | type[pl.DataType]]]:
    known: dict[str, pl.DataType | type[pl.DataType]] = dict(frame.schema)
    known |= {series.name: series.dtype for series in added}
    return [(name, known[name]) for name in staged_columns(kind)]


def _printed(column: pl.Expr, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A column as COPY reads it."""
    if isinstance(dtype, pl.List):
        return pl.when(column.is_not_null()).then(pl.lit("{") + column.list.join(",") + pl.lit("}"))
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return column


def _sealed(
    frame: pl.DataFrame, each: Field, tenant_id: int, record_keys: list[str], keys: TenantKeys
) -> tuple[pl.Series, pl.Series]:
    values = frame[each.name].cast(pl.String).to_list()
    aads = identifiers.cell_aads(tenant_id, each.kind.value, record_keys, each.name)
    return (
        _hex(f"{each.name}_ct", identifiers.seal_column(keys.data, values, aads, version=keys.version)),
        _hex(f"{each.name}_mac", identifiers.mac_column(keys.change, values, aads)),
    )


def _hex(name: str, values: Sequence[bytes | None]) -> pl.Series:
    """Bytes as Postgres reads them from text."""
    column = pl.Series(name, values, dtype=pl.Binary)
    return pl.select((pl.lit("\\x") + column.bin.encode("hex")).alias(name)).to_series()


def _content_mac(frame: pl.DataFrame, kind: RecordKind, keys: TenantKeys) -> pl.Series:
    """A keyed digest of all fields of each row in their one typed form, so `01/02/2025` and `2025-02-01` are the same."""
    printed = [
        _printed(pl.col(each.name), each.holds.dtype).cast(pl.String).fill_null(_NOTHING) for each in fields(kind)
    ]
    contents = frame.select(pl.concat_str(printed, separator=_BETWEEN)).to_series().to_list()
    return _hex(CONTENT_MAC, identifiers.mac_column(keys.content, contents, [b""] * len(contents)))
