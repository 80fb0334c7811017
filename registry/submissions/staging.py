"""The rows of one submission on their way in: sealed, copied to a temporary table, ready for one set-wise upsert.

COPY is refused on a table with row-level security, so rows go to a temporary table that is dropped with the transaction.
"""

from collections.abc import Iterator, Sequence

import polars as pl
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

from ingest.check import ROW
from registry import identifiers
from registry.store import copy_in
from registry.store.records import VERSION, columns_of, derived_columns
from registry.submissions.keys import TenantKeys
from schemas.dictionary import Field, fields, key
from schemas.record import RecordKind

STAGING = "staged"
CONTENT_MAC = "content_mac"
MATCHED = "nhs_number"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
_BETWEEN = b"\x1f"
_NOTHING = "\x00"


def content_columns(kind: RecordKind) -> tuple[str, ...]:
    """The columns of a version that come from the sender or are derived from what came."""
    return (*_clear_columns(kind), *_sealed_columns(kind))


def _clear_columns(kind: RecordKind) -> tuple[str, ...]:
    clear = (each.name for each in fields(kind) if not each.item.identifying)
    return (*clear, *(name for name, _ in derived_columns(kind)))


def _identifying(kind: RecordKind) -> tuple[Field, ...]:
    return tuple(each for each in fields(kind) if each.item.identifying)


def _sealed_columns(kind: RecordKind) -> tuple[str, ...]:
    return tuple(name for each in _identifying(kind) for name in columns_of(each))


def staged_columns(kind: RecordKind) -> tuple[str, ...]:
    return (*content_columns(kind), CONTENT_MAC, ROW)


def create(connection: Connection, kind: RecordKind) -> None:
    """An empty temporary table for the rows, gone at the end of the transaction."""
    version = VERSION[kind]
    typed = [f'"{name}" {version.c[name].type.compile(_DIALECT)}' for name in content_columns(kind)]
    # Every row brings the id that its record will have if it is a new one.
    columns = ", ".join(
        [f'"{ROW}" integer', *typed, f"{CONTENT_MAC} bytea", "record_id uuid not null default records.uuid7()"]
    )
    connection.execute(text(f"create temp table {STAGING} ({columns}) on commit drop"))


def fill(connection: Connection, kind: RecordKind, blocks: Iterator[bytes]) -> None:
    """COPY prepared blocks into the temporary table."""
    columns = ", ".join(f'"{name}"' for name in staged_columns(kind))
    for each in blocks:
        # One COPY a batch: each stays far below the statement timeout, however large the file.
        copy_in(connection, f"copy {STAGING} ({columns}) from stdin (format csv)", [each])
    # Only what is joined on: statistics of sixty wide columns cost as much as the COPY itself.
    joined = ", ".join(f'"{name}"' for name in (ROW, *key(kind)))
    connection.execute(text(f"analyze {STAGING} ({joined})"))


def block(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> bytes:
    """Typed rows as COPY's CSV: what is clear as it is, then what identifies, sealed at its place, then the content's digest.

    The clear part is printed once, for COPY and for the digest; no clear field can hold a line break.
    """
    printed = (_printed(pl.col(name), frame.schema[name]).alias(name) for name in _clear_columns(kind))
    clear = _lines(frame.select(printed))
    digests = identifiers.macs(keys.content, _contents(clear, frame, kind))
    hidden = _sealed(frame, kind, tenant_id, keys)
    lines = _lines(pl.DataFrame([*hidden, _hex(CONTENT_MAC, digests), frame[ROW]]))
    return b"\n".join(map(b",".join, zip(clear, lines, strict=True))) + b"\n"


def _lines(frame: pl.DataFrame) -> list[bytes]:
    return frame.write_csv(include_header=False).encode().split(b"\n")[:-1]


def _contents(clear: list[bytes], frame: pl.DataFrame, kind: RecordKind) -> list[bytes]:
    """All fields of each row in their one typed form, so `01/02/2025` and `2025-02-01` are the same content."""
    hidden = frame.select(
        pl.col(each.name).cast(pl.String).fill_null(_NOTHING).cast(pl.Binary) for each in _identifying(kind)
    )
    return list(map(_BETWEEN.join, zip(clear, *(column.to_list() for column in hidden), strict=True)))


def _printed(column: pl.Expr, dtype: pl.DataType | type[pl.DataType]) -> pl.Expr:
    """A column as COPY reads it."""
    if isinstance(dtype, pl.List):
        return pl.when(column.is_not_null()).then(pl.lit("{") + column.list.join(",") + pl.lit("}"))
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return column


def _sealed(frame: pl.DataFrame, kind: RecordKind, tenant_id: int, keys: TenantKeys) -> list[pl.Series]:
    """The identifying fields as ciphertext and digest. The key that finds a person again is the NHS number's digest too."""
    record_keys = frame.select(_record_key(kind)).to_series().to_list()
    columns = []
    for each in _identifying(kind):
        values = frame[each.name].cast(pl.String).to_list()
        aads = identifiers.cell_aads(tenant_id, kind.value, record_keys, each.name)
        if each.name == MATCHED:
            digests = identifiers.match_keys(keys.match, values)
        else:
            digests = identifiers.mac_column(keys.change, values, aads)
        columns.append(_hex(f"{each.name}_ct", identifiers.seal_column(keys.data, values, aads, version=keys.version)))
        columns.append(_hex(f"{each.name}_mac", digests))
    return columns


def _record_key(kind: RecordKind) -> pl.Expr:
    """The text that names a record for good; sealed values are bound to it."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in key(kind)], separator=_BETWEEN.decode())


def _hex(name: str, values: Sequence[bytes | None]) -> pl.Series:
    """Bytes as Postgres reads them from text."""
    column = pl.Series(name, values, dtype=pl.Binary)
    return pl.select((pl.lit("\\x") + column.bin.encode("hex")).alias(name)).to_series()
