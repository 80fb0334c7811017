"""Exact figures are a trust's own: a trust sees its own aggregates and no other's; the nation's analysts see all of them."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OWN = "organisation_id = any((select sec.tenants())::integer[])"


def upgrade() -> None:
    op.execute("grant usage on schema figures to hat_app")
    for table in ("trust_month", "case_count"):
        op.execute(f"alter table figures.{table} enable row level security")
        op.execute(f"alter table figures.{table} force row level security")
        op.execute(f"grant select on figures.{table} to hat_app")
        op.execute(f"create policy hat_app on figures.{table} as permissive for select to hat_app using ({OWN})")
        op.execute(f"create policy hat_jobs on figures.{table} as permissive for all to hat_jobs using (true)")
        op.execute(
            f"create policy hat_national on figures.{table} as permissive for select to hat_national using (true)"
        )
    op.execute("grant delete on release.draft_place to hat_national")
    # The mode of the opt-out stands beside every figure, so it is recorded with each release.
    op.execute("grant select on register.opt_out_mode to hat_national")


def downgrade() -> None:
    """Refused: exact figures without their isolation are open."""
    raise NotImplementedError("Isolation is never taken back: restore a backup instead.")
