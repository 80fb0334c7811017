"""What people were told of already: one row for each thing of each kind, so that nothing is said twice, whoever reads it when."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from registry.store.columns import Moment
from registry.store.tables import metadata, organisation

told = Table(
    "told",
    metadata,
    # The organisation that it is about; the registry's own for what concerns the nation.
    Column("tenant_id", Integer, ForeignKey(organisation.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    # Which thing it was: ids, dates and states; never a value of a patient. Kept for 400 days.
    Column("about", Text, nullable=False),
    Column("told_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "kind", "about"),
    Index(None, "told_at"),
    schema="records",
)
