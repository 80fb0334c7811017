"""Operation: on which timeline of the database the registry works; where an audit chain ends, found under its lock.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CURRENT = "('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer"


# A volatile function: each of its statements sees what was committed before that statement, so that the newest entry is looked for only
# once the lock is held. It runs with the rights of whoever calls it.
CHAIN_END = """
    create function records.chain_end(lock integer, tenant integer, out at timestamptz, out sequence bigint, out mac bytea)
    language plpgsql volatile security invoker set search_path = pg_catalog, pg_temp as $$
    begin
        perform pg_advisory_xact_lock(lock, tenant);
        select clock_timestamp(), newest.sequence, newest.mac into at, sequence, mac
          from (select) as always
          left join (
              select a.sequence, a.mac from records.audit a where a.tenant_id = tenant order by a.sequence desc limit 1
          ) as newest on true;
    end $$
"""


def upgrade() -> None:
    op.create_table(
        "timeline",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_timeline")),
        schema="register",
    )
    op.execute(f"insert into register.timeline (number) select {CURRENT}")
    op.execute("grant select on register.timeline to hat_app, hat_jobs")
    # Whoever adopts a timeline ends all sessions.
    op.execute("grant insert on register.timeline to hat_jobs")
    op.execute("grant select, update (ended_at) on register.session to hat_jobs")
    op.execute(CHAIN_END)
    op.execute("revoke all on function records.chain_end from public")
    op.execute("grant execute on function records.chain_end to hat_app, hat_jobs, hat_national")


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
