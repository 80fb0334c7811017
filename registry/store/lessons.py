"""The tables of learning that travels: what a trust offers, what moderators read of it, what is published, who is told.

A trust's own texts stand in `records` under its own key. What moderators read is a copy without the trust's name, under the registry's own
organisation (`SYSTEM_TENANT`) and its key, as subscribers' addresses are. What is published, and nothing before, stands in clear in
`published`; text that was taken down is gone there, and a line says that it was.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.store.columns import Moment, grown_id, now, tenant
from registry.store.tables import metadata, organisation, person


def _filed() -> list[Column[Any]]:
    """What a text is and what it is about, by codes."""
    return [
        # lesson, practice, action
        Column("kind", Text, nullable=False),
        # An inadequacy; where on the way it belongs; a contributory factor.
        Column("theme", Text, nullable=False),
        Column("stage", Text, nullable=False),
        Column("factor", Text, nullable=False),
        # The financial year of the index stay, by the calendar year in which it begins.
        Column("year", SmallInteger, nullable=False),
        # Of an action: whether it is done.
        Column("done", Boolean),
    ]


# --- a trust's own

learning_point = Table(
    "learning_point",
    metadata,
    tenant(),
    grown_id(),
    # The case whose review it came of; for its patient's wish. No other trust's row ever names it.
    Column("case_id", Uuid, nullable=False),
    Column("action_id", Uuid),
    *_filed(),
    # Grows with each change; what was approved is an edition, never the point.
    Column("edition", SmallInteger, nullable=False),
    Column("text_ct", LargeBinary),
    Column("state", Text, nullable=False),
    # Why it was sent back, withdrawn or taken down: a code; and what a moderator wrote about it.
    Column("reason", Text),
    Column("note_ct", LargeBinary),
    Column("made_by", Text, nullable=False),
    now("made_at"),
    now("changed_at"),
    # The copy that moderators read, which keeps this number when it is published.
    Column("copy_id", Uuid, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "case_id"),
    schema="records",
)

learning_edition = Table(
    "learning_edition",
    metadata,
    tenant(),
    Column("point_id", Uuid, nullable=False),
    Column("edition", SmallInteger, nullable=False),
    # The text as it was sent; nobody but the trust reads it.
    Column("text_ct", LargeBinary),
    # What the screen asked about and the author confirmed: sorts and places, never words.
    Column("confirmed", JSONB, nullable=False),
    Column("made_by", Text, nullable=False),
    now("made_at"),
    PrimaryKeyConstraint("tenant_id", "point_id", "edition"),
    ForeignKeyConstraint(["tenant_id", "point_id"], [learning_point.c.tenant_id, learning_point.c.id]),
    schema="records",
)

screening_list = Table(
    "screening_list",
    metadata,
    # A trust's own words that no text may hold: wards, sites, consultants; one a line.
    Column("tenant_id", Integer, ForeignKey(organisation.c.id), primary_key=True),
    Column("words_ct", LargeBinary),
    Column("changed_by", Text, nullable=False),
    now("changed_at"),
    schema="records",
)

# --- what moderators read: rows of the registry's own organisation

moderation = Table(
    "moderation",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    # For the rule that one of two belongs elsewhere, and to carry the answer back; shown to nobody.
    Column("from_tenant", Integer, nullable=False),
    Column("point_id", Uuid, nullable=False),
    *_filed(),
    Column("edition", SmallInteger, nullable=False),
    Column("text_ct", LargeBinary),
    Column("confirmed", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("since", Moment, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "state", "since"),
    schema="records",
)

moderation_event = Table(
    "moderation_event",
    metadata,
    tenant(),
    grown_id(),
    Column("moderation_id", Uuid, nullable=False),
    Column("edition", SmallInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    # The moderator's own organisation when they acted.
    Column("home_id", Integer),
    # offered, approved, returned, revised, withdrawn, published, taken_down
    Column("what", Text, nullable=False),
    Column("reason", Text),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "moderation_id"], [moderation.c.tenant_id, moderation.c.id]),
    Index(None, "tenant_id", "moderation_id", "id"),
    schema="records",
)

learning_subscriber = Table(
    "learning_subscriber",
    metadata,
    tenant(),
    grown_id(),
    # The address, sealed; and a keyed digest of it, so that nobody is subscribed twice. Both go when the subscription ends.
    Column("email_ct", LargeBinary),
    Column("email_mac", LargeBinary),
    # Inadequacies; none of them: everything.
    Column("themes", ARRAY(Text), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
    Column("ended_at", Moment),
    # The last summary of which this address was told.
    Column("told", Integer),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(
        "ix_learning_subscriber_email",
        "tenant_id",
        "email_mac",
        unique=True,
        postgresql_where=text("email_mac is not null"),
    ),
    schema="records",
)

moderator_home = Table(
    "moderator_home",
    metadata,
    # A moderator's own organisation, recorded when they are appointed.
    Column("person_id", Uuid, ForeignKey(person.c.id), primary_key=True),
    Column("organisation_id", Integer, ForeignKey(organisation.c.id), nullable=False),
    Column("recorded_by", Text, nullable=False),
    now("recorded_at"),
    schema="register",
)

# --- summaries, as they are made: nothing of a patient, and nothing that is not public already

learning_summary = Table(
    "learning_summary",
    metadata,
    # From 1, in the order of the quarters that were drafted.
    Column("number", Integer, primary_key=True),
    # The first day of the quarter.
    Column("quarter", Date, nullable=False, unique=True),
    # draft, proposed, published, discarded, withdrawn
    Column("state", Text, nullable=False),
    Column("introduction", Text, nullable=False),
    # Protected counts by theme, nation and year as they stood at the draft, and themes that are new: as they are shown.
    Column("counts", JSONB, nullable=False),
    # Published lessons and actions that were chosen.
    Column("chosen", ARRAY(Uuid), nullable=False),
    Column("version", Integer, nullable=False),
    now("drafted_at"),
    # People by their label; nobody publishes what they edited or proposed.
    Column("edited_by", ARRAY(Text), nullable=False),
    Column("published_by", Text),
    Column("published_at", Moment),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Moment),
    Column("reason", Text),
    CheckConstraint("published_by is null or not published_by = any(edited_by)", name="two_people"),
    schema="release",
)

# --- published

published_lesson = Table(
    "lesson",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("theme", Text, nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("done", Boolean),
    # Null once it was taken down.
    Column("text", Text),
    Column("published_at", Moment, nullable=False),
    Column("taken_down_at", Moment),
    # By which office, and why: a code.
    Column("taken_down_by", Text),
    Column("reason", Text),
    CheckConstraint("text is null or taken_down_at is null", name="gone_when_taken_down"),
    Index(None, "theme", "published_at"),
    schema="published",
)

published_summary = Table(
    "learning_summary",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("quarter", Date, nullable=False, unique=True),
    Column("introduction", Text),
    Column("counts", JSONB),
    # Their texts are looked up when the summary is shown, so that what was taken down is gone from it too.
    Column("chosen", ARRAY(Uuid), nullable=False),
    Column("published_at", Moment, nullable=False),
    Column("withdrawn_at", Moment),
    Column("reason", Text),
    schema="published",
)
