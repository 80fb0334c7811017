"""The tables of the release desk: audits and approvals of drafts, what a release keeps to be rebuilt from, its files and its revisions.

Beside them what keeps the past of records and of pairs, so that they can be counted again as they were at a cut.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from registry.store.columns import Moment
from registry.store.tables import metadata, person, publication, released

audit_run = Table(
    "audit_run",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("publication_id", Uuid, ForeignKey(publication.c.id), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    # How far it is, for whoever waits: what is being done, and how much of it.
    Column("stage", Text, nullable=False, server_default=text("''")),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("total", Integer, nullable=False, server_default=text("0")),
    Column("told_at", Moment),
    Column("finished_at", Moment),
    # Of what was audited; the report names it too.
    Column("data_hash", Text),
    Column("report", LargeBinary),
    Column("report_digest", Text),
    Column("signature", Text),
    CheckConstraint("state in ('waiting', 'running', 'passed', 'failed')", name="state"),
    Index(None, "publication_id"),
    schema="release",
)

approval = Table(
    "approval",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    Column("person_id", Uuid, ForeignKey(person.c.id), primary_key=True),
    Column("name", Text, nullable=False),
    Column("approved_at", Moment, nullable=False),
    # What was approved: exactly these figures.
    Column("data_hash", Text, nullable=False),
    schema="release",
)

# The register as it was when a draft was prepared: by these regions and these first and last months it was counted.
kept_organisation = Table(
    "kept_organisation",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("nation", Text, nullable=False),
    Column("region_code", Text),
    Column("region_name", Text),
    Column("live_from", Date),
    Column("closed_on", Date),
    Column("activity_only", Boolean, nullable=False),
    schema="release",
)

draft_file = Table(
    "draft_file",
    metadata,
    Column("publication_id", Uuid, ForeignKey(publication.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    schema="release",
)

# --- published

file = Table(
    "file",
    metadata,
    Column("release_id", Uuid, ForeignKey(released.c.id), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    schema="published",
)

# One line for each table of the grid: how its published cells differ from the release before, and why. Of published numbers only.
revision = Table(
    "revision",
    metadata,
    Column("release_id", Uuid, ForeignKey(released.c.id), primary_key=True),
    Column("quantity", Text, primary_key=True),
    Column("geography_kind", Text, primary_key=True),
    Column("period_kind", Text, primary_key=True),
    Column("split", Text, primary_key=True),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("gone", Integer, nullable=False),
    Column("became_final", Integer, nullable=False),
    # new_months, became_final, returns_revised, register_changed, definition_changed, held
    Column("reasons", ARRAY(Text), nullable=False),
    # So many repeat an earlier release.
    Column("held", Integer, nullable=False, server_default=text("0")),
    schema="published",
)

# --- the past

record_past = Table(
    "record_past",
    metadata,
    Column("tenant_id", Integer, nullable=False),
    Column("id", Uuid, nullable=False, server_default=text("records.uuid7()")),
    Column("kind", Text, nullable=False),
    Column("record_id", Uuid, nullable=False),
    # So it stood until then.
    Column("until", Moment, nullable=False, server_default=func.now()),
    Column("withdrawn_at", Moment),
    # Of cases only.
    Column("attributed_id", Integer),
    Column("attribution", Text),
    Column("attribution_since", Moment),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index(None, "tenant_id", "record_id", "until"),
    schema="records",
)

pair_past = Table(
    "pair_past",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("first_tenant_id", Integer, nullable=False),
    Column("first_case_id", Uuid, nullable=False),
    Column("second_tenant_id", Integer, nullable=False),
    Column("second_case_id", Uuid, nullable=False),
    Column("days_apart", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("found_at", Moment, nullable=False),
    # So it stood until then.
    Column("until", Moment, nullable=False, server_default=func.now()),
    schema="linkage",
)
