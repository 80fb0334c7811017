"""Notices: what a person is told of, by which way, and what was sent; and the people of an organisation as its lead manages them.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _invitation()
    _own_person()
    op.execute("grant select, insert, update on register.invitation, register.own_person to hat_app")
    _told()
    op.create_index(
        "ix_case_event_told",
        "case_event",
        ["at"],
        schema="records",
        postgresql_where=sa.text("what in ('assigned', 'consultant answered')"),
    )
    _grant_jobs()


def _told() -> None:
    op.create_table(
        "told",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["register.organisation.id"], name=op.f("fk_told_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "about", name=op.f("pk_told")),
        schema="records",
    )
    op.create_index(op.f("ix_told_told_at"), "told", ["told_at"], schema="records")
    op.execute("alter table records.told enable row level security")
    op.execute("alter table records.told force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in (("hat_app", own), ("hat_jobs", "true")):
        op.execute(
            f"create policy {role} on records.told as permissive for all to {role} using ({rows}) with check ({rows})"
        )
    op.execute("grant select on records.told to hat_app")


def _grant_jobs() -> None:
    """The worker tells, sends and forgets."""
    op.execute("grant select, insert, delete on records.told to hat_jobs")
    op.execute("grant select (id, state, prepared_by) on release.publication to hat_jobs")
    op.execute("grant select (added_at) on register.person to hat_jobs")
    op.execute("grant select on register.invitation to hat_jobs")
    op.execute("grant update (address, name) on register.invitation to hat_jobs")


def _invitation() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("once", sa.Text(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_invitation_organisation_id")
        ),
        sa.ForeignKeyConstraint(["invited_by"], ["register.person.id"], name=op.f("fk_invitation_invited_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("link_digest", name=op.f("uq_invitation_link_digest")),
        schema="register",
    )
    op.create_index(
        "ix_invitation_open",
        "invitation",
        ["organisation_id", "address"],
        unique=True,
        schema="register",
        postgresql_where=sa.text("accepted_at is null and withdrawn_at is null"),
    )


def _own_person() -> None:
    op.create_table(
        "own_person",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("known_as", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("roles_before", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_own_person_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_own_person_person_id")),
        sa.PrimaryKeyConstraint("organisation_id", "person_id", name=op.f("pk_own_person")),
        schema="register",
    )
    op.create_index(op.f("ix_own_person_person_id"), "own_person", ["person_id"], schema="register")


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
