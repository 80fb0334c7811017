"""Signing in: second factors, recovery codes, guesses, the identities of a provider; sessions know how strong they are.

Sessions that stood before have proven a password only: their people sign in again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("second_factor", "recovery_code", "guess", "provider_identity", "provider_flow")


def upgrade() -> None:
    op.add_column("session", sa.Column("strong_at", MOMENT, nullable=True), schema="register")
    op.add_column("session", sa.Column("how", sa.Text(), nullable=True), schema="register")
    _second_factor()
    _recovery_code()
    _guess()
    _provider_identity()
    _provider_flow()
    for table in TABLES:
        op.execute(f"grant select, insert, update on register.{table} to hat_app")
    # The worker tells people that their second factor was taken away, and forgets what is over; it reads no more than that takes.
    op.execute("grant select (person_id, reset_at, reset_by) on register.second_factor to hat_jobs")
    op.execute("grant select (last_at), delete on register.guess to hat_jobs")
    op.execute("grant select (begun_at), delete on register.provider_flow to hat_jobs")


def _second_factor() -> None:
    op.create_table(
        "second_factor",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("secret_ct", sa.LargeBinary(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("set_up_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("reset_at", MOMENT, nullable=True),
        sa.Column("reset_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_second_factor_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factor")),
        schema="register",
    )


def _recovery_code() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("over_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_recovery_code_person_id")),
        sa.PrimaryKeyConstraint("person_id", "code_digest", name=op.f("pk_recovery_code")),
        schema="register",
    )


def _guess() -> None:
    op.create_table(
        "guess",
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("subject_mac", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.CheckConstraint("about in ('name', 'person', 'address')", name=op.f("ck_guess_about")),
        sa.PrimaryKeyConstraint("about", "subject_mac", name=op.f("pk_guess")),
        schema="register",
    )


def _provider_identity() -> None:
    op.create_table(
        "provider_identity",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("linked_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_provider_identity_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_identity")),
        schema="register",
    )
    op.create_index(
        op.f("ix_provider_identity_person_id"), "provider_identity", ["person_id"], unique=False, schema="register"
    )
    op.create_index(
        "ix_provider_identity_standing",
        "provider_identity",
        ["issuer", "subject"],
        unique=True,
        schema="register",
        postgresql_where=sa.text("ended_at is null"),
    )


def _provider_flow() -> None:
    op.create_table(
        "provider_flow",
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_digest", sa.LargeBinary(), nullable=True),
        sa.Column("next", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("browser_digest", name=op.f("pk_provider_flow")),
        schema="register",
    )


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table register.{table}")
    op.drop_column("session", "strong_at", schema="register")
    op.drop_column("session", "how", schema="register")
