"""Operation: on which timeline of the database the registry works.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CURRENT = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"


def upgrade() -> None:
    op.create_table(
        "timeline",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_timeline")),
        schema="register",
    )
    op.execute(f"insert into register.timeline (number) select {CURRENT}")
    op.execute("grant select on register.timeline to hat_app, hat_jobs")
    # Whoever adopts a timeline ends all sessions.
    op.execute("grant insert on register.timeline to hat_jobs")
    op.execute("grant select, update (ended_at) on register.session to hat_jobs")


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
