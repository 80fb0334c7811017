"""The tables of the registry's own operation: which timeline of the database it works on."""

from sqlalchemy import Column, Integer, Table, func

from registry.store.columns import Moment
from registry.store.tables import metadata

timeline = Table(
    "timeline",
    metadata,
    # Postgres numbers them: a restore to a point in time, and a standby that takes over, begin a new one.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("adopted_at", Moment, nullable=False, server_default=func.now()),
    schema="register",
)
