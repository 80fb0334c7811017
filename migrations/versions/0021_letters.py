"""Why a letter did not leave; and an administrator may have the registry's own tried again.

As in 0002: nothing is granted but what stands here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("reason", sa.Text(), nullable=True), schema="records")
    op.execute("grant update (reason) on records.outbox to hat_jobs")
    op.execute("grant update (tries, tried_at) on records.outbox to hat_app")


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
