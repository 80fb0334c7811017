"""Attribution between trusts: what was copied and when, how many are reported without being told, what the office sees of a pair.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COPIED = (("since", MOMENT), ("copied_version", sa.Integer()), ("changed_at", MOMENT))


def upgrade() -> None:
    for name, of_type in COPIED:
        op.add_column("attributed_case", sa.Column(name, of_type, nullable=True), schema="records")
    op.add_column("offered_pair", sa.Column("decided_at", MOMENT, nullable=True), schema="records")
    _attributed_count()
    _pair_side()
    op.execute("grant update (since, copied_version, changed_at) on records.attributed_case to hat_jobs")
    op.execute("grant update (decided_at) on records.offered_pair to hat_jobs")
    # The registry office decides on pairs as on disputes.
    op.execute("grant update (state, changed_by, changed_at) on linkage.pair to hat_national")


def _attributed_count() -> None:
    op.create_table(
        "attributed_count",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("untold", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["register.organisation.id"], name=op.f("fk_attributed_count_tenant_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_attributed_count")),
        schema="records",
    )
    op.execute("alter table records.attributed_count enable row level security")
    op.execute("alter table records.attributed_count force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in (("hat_app", own), ("hat_jobs", "true")):
        op.execute(
            f"create policy {role} on records.attributed_count as permissive for all to {role} "
            f"using ({rows}) with check ({rows})"
        )
    op.execute("grant select on records.attributed_count to hat_app")
    op.execute("grant select, insert, update (untold) on records.attributed_count to hat_jobs")


def _pair_side() -> None:
    op.create_table(
        "pair_side",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("attributed_id", sa.Integer(), nullable=False),
        sa.Column("copied_version", sa.Integer(), nullable=False),
        sa.Column("age", sa.SmallInteger(), nullable=True),
        sa.Column("vte_type", sa.Text(), nullable=True),
        sa.Column("admission_date", sa.Date(), nullable=True),
        sa.Column("discharge_date", sa.Date(), nullable=True),
        sa.Column("diagnosis_date", sa.Date(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pair_id"], ["linkage.pair.id"], name=op.f("fk_pair_side_pair_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pair_id", "organisation_id", name=op.f("pk_pair_side")),
        schema="linkage",
    )
    op.execute("grant select, insert, update, delete on linkage.pair_side to hat_jobs")
    op.execute("grant select on linkage.pair_side to hat_national")


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
