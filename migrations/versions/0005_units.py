"""The outcome of units: what became of each case of a file, and the response to a single transaction."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLES = ("hat_app", "hat_jobs")


def upgrade() -> None:
    op.add_column("submission", sa.Column("gained_beside", postgresql.JSONB()), schema="records")
    op.create_table(
        "unit_outcome",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in (
                "accepted", "unchanged", "rejected", "new", "changed", "withdrawn", "errors", "warnings", "informations",
            )
        ),
        *(sa.Column(name, postgresql.JSONB(), nullable=False) for name in ("gained", "changed_fields", "tally")),
        sa.Column("faulty", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["register.organisation.id"], name=op.f("fk_unit_outcome_tenant_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "submission_id"],
            ["records.submission.tenant_id", "records.submission.id"],
            name=op.f("fk_unit_outcome_tenant_id_submission_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "submission_id", "first", name=op.f("pk_unit_outcome")),
        schema="records",
    )  # fmt: skip
    _isolate()


def _isolate() -> None:
    """As migration 0002 does for its neighbours: forced, bound to the signed context; added to, never changed."""
    op.execute("alter table records.unit_outcome enable row level security")
    op.execute("alter table records.unit_outcome force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in zip(ROLES, (own, "true"), strict=True):
        op.execute(
            f"create policy {role} on records.unit_outcome as permissive for all to {role} using ({rows}) with check ({rows})"
        )
        op.execute(f"grant select, insert on records.unit_outcome to {role}")
        op.execute(f"grant update (gained_beside) on records.submission to {role}")


def downgrade() -> None:
    op.drop_table("unit_outcome", schema="records")
    op.drop_column("submission", "gained_beside", schema="records")
