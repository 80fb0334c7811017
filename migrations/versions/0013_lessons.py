"""Learning: points from findings, who moderated them, the action library, summaries, subscriptions.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "learning_point", "learning_edition", "screening_list", "moderation", "moderation_event", "learning_subscriber",
)  # fmt: skip
UPDATES: dict[str, dict[str, tuple[str, ...]]] = {
    "hat_app": {
        "records.learning_point": (
            "theme", "stage", "factor", "done", "edition", "text_ct", "state", "reason", "note_ct", "changed_at",
        ),
        "records.screening_list": ("words_ct", "changed_by", "changed_at"),
        "records.moderation": (
            "theme", "stage", "factor", "done", "edition", "text_ct", "confirmed", "state", "author", "since",
        ),
        "records.learning_subscriber": ("email_ct", "email_mac", "themes", "asked_at", "confirmed_at", "ended_at"),
        "register.moderator_home": ("organisation_id", "recorded_by", "recorded_at"),
    },
    "hat_jobs": {
        "records.learning_point": ("text_ct", "note_ct", "state", "reason", "changed_at", "done"),
        "records.learning_edition": ("text_ct",),
        "records.moderation": ("text_ct", "state", "since", "done"),
        # An action that was under way when it was published, and is done since.
        "published.lesson": ("done",),
        "records.learning_subscriber": ("told", "email_ct", "email_mac", "ended_at"),
    },
    "hat_national": {
        "release.learning_summary": (
            "state", "introduction", "chosen", "version", "edited_by", "published_by", "published_at", "withdrawn_by",
            "withdrawn_at", "reason",
        ),
        "published.lesson": ("text", "taken_down_at", "taken_down_by", "reason"),
        "published.learning_summary": ("introduction", "counts", "withdrawn_at", "reason"),
    },
}  # fmt: skip
GRANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "hat_app": {"select, insert": (*(f"records.{table}" for table in TENANT_TABLES), "register.moderator_home")},
    "hat_jobs": {
        "select": (
            *(f"records.{table}" for table in TENANT_TABLES), "published.release", "published.cell", "published.place",
            "published.lesson", "published.learning_summary",
        ),
        "delete": ("records.learning_subscriber",),
        "select, insert": ("release.learning_summary",),
    },
    "hat_national": {
        "select": ("release.learning_summary",),
        "select, insert": ("published.lesson", "published.learning_summary"),
    },
    "hat_reader": {"select": ("published.lesson", "published.learning_summary")},
}  # fmt: skip


def upgrade() -> None:
    _tables()
    for table in TENANT_TABLES:
        _isolate(table)
    op.execute("grant usage on schema published, release to hat_jobs")
    for role, rights in GRANTS.items():
        for what, tables in rights.items():
            op.execute(f"grant {what} on {', '.join(tables)} to {role}")
    for role, changes in UPDATES.items():
        for table, columns in changes.items():
            named = ", ".join(f'"{column}"' for column in columns)
            op.execute(f"grant update ({named}) on {table} to {role}")


def _isolate(table: str) -> None:
    """As migration 0002 does for its neighbours."""
    op.execute(f"alter table records.{table} enable row level security")
    op.execute(f"alter table records.{table} force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in (("hat_app", own), ("hat_jobs", "true")):
        op.execute(
            f"create policy {role} on records.{table} as permissive for all to {role} using ({rows}) with check ({rows})"
        )


def _tables() -> None:
    op.create_table(
        "learning_point",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("text_ct", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note_ct", sa.LargeBinary(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_learning_point_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_learning_point")),
        schema="records",
    )
    op.create_index(
        op.f("ix_learning_point_tenant_id_case_id"),
        "learning_point",
        ["tenant_id", "case_id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "learning_edition",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("text_ct", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "point_id"],
            ["records.learning_point.tenant_id", "records.learning_point.id"],
            name=op.f("fk_learning_edition_tenant_id_point_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["register.organisation.id"], name=op.f("fk_learning_edition_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "point_id", "edition", name=op.f("pk_learning_edition")),
        schema="records",
    )
    op.create_table(
        "screening_list",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("words_ct", sa.LargeBinary(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_screening_list_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_screening_list")),
        schema="records",
    )
    op.create_table(
        "moderation",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_tenant", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("text_ct", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_moderation_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_moderation")),
        schema="records",
    )
    op.create_index(
        op.f("ix_moderation_tenant_id_state_since"),
        "moderation",
        ["tenant_id", "state", "since"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "moderation_event",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("moderation_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "moderation_id"],
            ["records.moderation.tenant_id", "records.moderation.id"],
            name=op.f("fk_moderation_event_tenant_id_moderation_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["register.organisation.id"], name=op.f("fk_moderation_event_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_moderation_event")),
        schema="records",
    )
    op.create_index(
        op.f("ix_moderation_event_tenant_id_moderation_id_id"),
        "moderation_event",
        ["tenant_id", "moderation_id", "id"],
        unique=False,
        schema="records",
    )
    op.create_table(
        "learning_subscriber",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("email_ct", sa.LargeBinary(), nullable=True),
        sa.Column("email_mac", sa.LargeBinary(), nullable=True),
        sa.Column("themes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["register.organisation.id"], name=op.f("fk_learning_subscriber_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_learning_subscriber")),
        schema="records",
    )
    op.create_index(
        "ix_learning_subscriber_email",
        "learning_subscriber",
        ["tenant_id", "email_mac"],
        unique=True,
        schema="records",
        postgresql_where=sa.text("email_mac is not null"),
    )
    op.create_table(
        "moderator_home",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_moderator_home_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_moderator_home_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_moderator_home")),
        schema="register",
    )
    op.create_table(
        "learning_summary",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("introduction", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("chosen", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("edited_by", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "published_by is null or not published_by = any(edited_by)", name=op.f("ck_learning_summary_two_people")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_learning_summary")),
        sa.UniqueConstraint("quarter", name=op.f("uq_learning_summary_quarter")),
        schema="release",
    )
    op.create_table(
        "lesson",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_down_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_down_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("text is null or taken_down_at is null", name=op.f("ck_lesson_gone_when_taken_down")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson")),
        schema="published",
    )
    op.create_index(
        op.f("ix_lesson_theme_published_at"), "lesson", ["theme", "published_at"], unique=False, schema="published"
    )
    op.create_table(
        "learning_summary",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Date(), nullable=False),
        sa.Column("introduction", sa.Text(), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("chosen", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_learning_summary")),
        sa.UniqueConstraint("quarter", name=op.f("uq_learning_summary_quarter")),
        schema="published",
    )


def downgrade() -> None:
    """Refused: what stands in it would be lost."""
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
