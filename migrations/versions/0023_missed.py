"""Why doses were missed: one optional answer of a review, with several codes. What was stored before has none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rca_version", sa.Column("missed_dose_reasons", postgresql.ARRAY(sa.Text()), nullable=True), schema="records"
    )


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
