"""The worker may also erase the sealed name of a submitted file when the file's time is over."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("grant update (file_name_ct) on records.submission to hat_jobs")


def downgrade() -> None:
    op.execute("revoke update (file_name_ct) on records.submission from hat_jobs")
