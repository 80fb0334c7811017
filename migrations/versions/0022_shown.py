"""To whom identifiers were shown lately: what the notice of very many asks each minute."""

from alembic import op
from sqlalchemy import text

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_audit_shown", "audit", ["at"], schema="records", postgresql_where=text("action = 'identifiers shown'")
    )


def downgrade() -> None:
    op.drop_index("ix_audit_shown", "audit", schema="records")
