"""How Alembic reaches the database: the connection that `registry.database.migrate` hands over, else (on the command line,
`alembic revision --autogenerate`) the one of the settings, as `hat_migrator`."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

import registry.store.desk
import registry.store.figures
import registry.store.keys
import registry.store.lessons
import registry.store.notices
import registry.store.operation
import registry.store.outliers
import registry.store.own_people
import registry.store.releases
import registry.store.signing_in  # noqa: F401 (declares tables)
from registry import settings
from registry.store.connections import address, engine
from registry.store.tables import metadata

SCHEMAS = {table.schema for table in metadata.tables.values()}


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Compare what the metadata declares; `sec` and the version table are made by hand."""
    return kind != "schema" or name in SCHEMAS


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_name=_ours,
        version_table="migration",
        version_table_schema="sec",
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _run_from_command_line() -> None:
    chosen = settings.load()
    url = settings.role_url(address(chosen), chosen.secrets_dir, "hat_migrator")
    with engine(url, "hat_migrator", pooled=False).connect() as connection:
        connection.exec_driver_sql("set role hat_owner")
        _run(connection)


handed: Connection | None = context.config.attributes.get("connection")
if handed is not None:
    _run(handed)
else:
    _run_from_command_line()
