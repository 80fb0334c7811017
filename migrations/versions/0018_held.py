"""Held cells: a release may repeat what an earlier one published, where a revision would tell too much beside it.

`held_from` is the number of the release whose number, or blank, a cell repeats; null: it is of its own time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema, table in (("release", "draft_cell"), ("published", "cell")):
        op.add_column(table, sa.Column("held_from", sa.Integer()), schema=schema)
    op.add_column(
        "revision", sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False), schema="published"
    )


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
