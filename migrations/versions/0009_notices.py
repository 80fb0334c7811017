"""Notices: what a person is told of, by which way, and what was sent.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
