"""The tables of the rotation of keys: which versions of the master and the match key there are, and how far a rotation has got.

They hold no key. A trust's wrapped data keys stand in `register.data_key`.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.store.columns import Moment, now
from registry.store.tables import metadata

key_version = Table(
    "key_version",
    metadata,
    Column("kind", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    # filling: of a match key whose column is not complete yet. clearing: of one whose column is being emptied. over: nothing is under it.
    Column("state", Text, nullable=False),
    # Of a match key: the column of the cases that it stands in, while it stands in one.
    Column("place", Text),
    now("made_at"),
    PrimaryKeyConstraint("kind", "version"),
    CheckConstraint("kind in ('master', 'match')", name="kind"),
    CheckConstraint("state in ('filling', 'in use', 'clearing', 'over')", name="state"),
    CheckConstraint("place in ('nhs_key', 'nhs_key_2')", name="place"),
    Index("ix_key_version_in_use", "kind", unique=True, postgresql_where=text("state = 'in use'")),
    schema="register",
)

key_rotation = Table(
    "key_rotation",
    metadata,
    Column("id", Integer, Identity(start=1), primary_key=True),
    # master, data, match
    Column("kind", Text, nullable=False),
    # Of a data key: the one trust whose key is rotated; null: all.
    Column("organisation_id", Integer),
    # What it does now; registry.keys.rotation says what each stage is.
    Column("stage", Text, nullable=False),
    # Transactions (virtual ids) that may have begun before the stage did: nothing is moved until they have ended. Null: not looked for yet.
    Column("waits_for", ARRAY(Text)),
    # How far it has walked: the trust, the table, and the last key it has seen there.
    Column("at_organisation", Integer),
    Column("at_table", Text),
    Column("after", JSONB(none_as_null=True)),
    Column("done", BigInteger, nullable=False, server_default=text("0")),
    Column("begun_by", Text, nullable=False),
    now("begun_at"),
    now("moved_at"),
    Column("finished_at", Moment),
    # One at a time.
    Index(
        "ix_key_rotation_open", text("(finished_at is null)"), unique=True, postgresql_where=text("finished_at is null")
    ),
    CheckConstraint("kind in ('master', 'data', 'match')", name="kind"),
    schema="register",
)
