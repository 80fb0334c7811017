"""How people prove who they are beside their password: the second factor, its recovery codes, another's word; and who guessed how often.

They stand in `register` beside people and sessions. Secrets that must be read again are sealed under the registry's own data key at
`cell_aad(SYSTEM_TENANT, table, row, column)`; all others are kept as digests.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from registry.store.columns import Moment, now
from registry.store.tables import metadata, person

second_factor = Table(
    "second_factor",
    metadata,
    Column("person_id", Uuid, ForeignKey(person.c.id), primary_key=True),
    # Sealed. Null: taken away, and set up anew at the next sign-in.
    Column("secret_ct", LargeBinary),
    # The newest step (30 seconds each, counted from 1970) whose code was taken: no code of it or of an earlier one is taken again.
    Column("last_step", BigInteger, nullable=False),
    now("set_up_at"),
    # When somebody else took it away, and who: the person is told.
    Column("reset_at", Moment),
    Column("reset_by", Text),
    schema="register",
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False),
    Column("code_digest", LargeBinary, nullable=False),
    now("made_at"),
    # Used, or taken back when new ones were made.
    Column("over_at", Moment),
    PrimaryKeyConstraint("person_id", "code_digest"),
    schema="register",
)

guess = Table(
    "guess",
    metadata,
    # Of whom it counts: the user name that was typed, the person whose second factor was asked for, the address it came from.
    Column("about", Text, nullable=False),
    # Under a key: what was typed as a name may have been a password. Forgotten some hours after the last.
    Column("subject_mac", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    PrimaryKeyConstraint("about", "subject_mac"),
    CheckConstraint("about in ('name', 'person', 'address')", name="about"),
    schema="register",
)

provider_identity = Table(
    "provider_identity",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    # A subject is nobody by itself: another provider may have given the same to another person.
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False, index=True),
    now("linked_at"),
    Column("ended_at", Moment),
    Index("ix_provider_identity_standing", "issuer", "subject", unique=True, postgresql_where=text("ended_at is null")),
    schema="register",
)

provider_flow = Table(
    "provider_flow",
    metadata,
    # Of the secret in the browser's own cookie, from which state, nonce and verifier are worked out.
    Column("browser_digest", LargeBinary, primary_key=True),
    # Of a person who is signed in and is asked again; null: somebody signs in.
    Column("session_digest", LargeBinary),
    Column("next", Text, nullable=False),
    now("begun_at"),
    Column("used_at", Moment),
    schema="register",
)
