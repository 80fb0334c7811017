"""Held cells: a release may repeat what an earlier one published, where a revision would tell too much beside it.

`held_from` is the number of the release whose number, or blank, a cell repeats; null: it is of its own time.

An offset is frozen once a number was published by it, of its own cell or of another that has the same offset. Where there has been nothing
but a blank it may still be drawn again: a trust that returns late may need it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None

GUARD_OFFSET = """
create or replace function release.guard_offset() returns trigger language plpgsql as $$
begin
    if exists (
        select from published.release r join published.cell c on c.release_id = r.id and c.cell_id = new.cell_id
        where c.value is not null
    ) or exists (
        select from release.exact_cell e join published.cell c on (c.release_id, c.cell_id) = (e.publication_id, e.cell_id)
        where e.offset_of = new.cell_id and c.value is not null
    ) then
        raise exception 'the offset of a published cell is frozen';
    end if;
    return new;
end
$$
"""


def upgrade() -> None:
    for schema, table in (("release", "draft_cell"), ("published", "cell")):
        op.add_column(table, sa.Column("held_from", sa.Integer()), schema=schema)
    op.add_column(
        "revision", sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False), schema="published"
    )
    op.create_index(
        op.f("ix_exact_cell_offset_of"), "exact_cell", ["offset_of"], schema="release",
        postgresql_where=sa.text("offset_of is not null"),
    )  # fmt: skip
    op.execute(GUARD_OFFSET)


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
