"""The migrated database is what the tables say, and no right stands in it that is not meant."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import registry.store.records  # noqa: F401 (declares tables)
from registry.store.connections import engine
from registry.store.tables import metadata
from tests.conftest import Database

SCHEMAS = {table.schema for table in metadata.tables.values()}


def test_the_migrations_give_what_the_tables_say(database: Database) -> None:
    opened = engine(database.admin_url, "postgres", pooled=False)
    with opened.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS,
                "compare_server_default": True,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []
