"""Machine clients: their public keys, their access tokens, and the assertions that were used."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _client()
    _client_organisation()
    _client_access()
    _assertion_seen()
    op.execute(
        "grant select, insert on register.client, register.client_organisation, register.client_access, "
        "register.assertion_seen to hat_app"
    )
    op.execute("grant update (jwks, keys_replaced_at, disabled_at) on register.client to hat_app")
    # The worker forgets what is over, and reads no more than that takes.
    op.execute("grant select (expires_at), delete on register.client_access, register.assertion_seen to hat_jobs")


def _client() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("jwks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("keys_replaced_at", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["register.person.id"], name=op.f("fk_client_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        schema="register",
    )


def _client_organisation() -> None:
    op.create_table(
        "client_organisation",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["register.client.id"], name=op.f("fk_client_organisation_client_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_client_organisation_organisation_id")
        ),
        sa.PrimaryKeyConstraint("client_id", "organisation_id", name=op.f("pk_client_organisation")),
        schema="register",
    )


def _client_access() -> None:
    op.create_table(
        "client_access",
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["register.client.id"], name=op.f("fk_client_access_client_id")),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_client_access")),
        schema="register",
    )


def _assertion_seen() -> None:
    op.create_table(
        "assertion_seen",
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("jti_digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["register.client.id"], name=op.f("fk_assertion_seen_client_id")),
        sa.PrimaryKeyConstraint("client_id", "jti_digest", name=op.f("pk_assertion_seen")),
        schema="register",
    )


def downgrade() -> None:
    for table in ("assertion_seen", "client_access", "client_organisation", "client"):
        op.execute(f"drop table register.{table}")
