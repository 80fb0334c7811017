"""The people of one organisation as its lead manages them: invitations, and what stands about a person at that organisation alone.

They stand in `register` beside people and roles. What an organisation calls somebody, and whether it let them in, is its own: the
account, and roles elsewhere, are never read through these tables.
"""

from sqlalchemy import (
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
from sqlalchemy.dialects.postgresql import ARRAY

from registry.store.columns import Moment
from registry.store.tables import metadata, organisation, person

invitation = Table(
    "invitation",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), nullable=False),
    # In lower case. Emptied, as the name is, once the invitation is over: it serves to find the account and to send the letter.
    Column("address", Text),
    Column("name", Text),
    Column("roles", ARRAY(Text), nullable=False),
    Column("link_digest", LargeBinary, nullable=False, unique=True),
    # Whoever invites must still be their lead when it is accepted.
    Column("invited_by", Uuid, ForeignKey(person.c.id), nullable=False),
    # Names the form that was sent, so that one sent twice is one invitation.
    Column("once", Text, nullable=False),
    Column("invited_at", Moment, nullable=False, server_default=func.now()),
    Column("expires_at", Moment, nullable=False),
    Column("accepted_at", Moment),
    Column("withdrawn_at", Moment),
    # Of two invitations of one address at once, one waits for the other and takes it back.
    Index(
        "ix_invitation_open",
        "organisation_id",
        "address",
        unique=True,
        postgresql_where=text("accepted_at is null and withdrawn_at is null"),
    ),
    schema="register",
)

own_person = Table(
    "own_person",
    metadata,
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), nullable=False),
    Column("person_id", Uuid, ForeignKey(person.c.id), nullable=False),
    # As the organisation's lead wrote name and address. Null: as the account has it.
    Column("known_as", Text),
    Column("address", Text),
    # Shut out of this organisation, and the roles that come back when that ends.
    Column("disabled_at", Moment),
    Column("roles_before", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("organisation_id", "person_id"),
    Index(None, "person_id"),
    schema="register",
)
