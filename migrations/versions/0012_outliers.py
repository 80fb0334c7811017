"""Outliers: what was detected, from which figures, and what came of it; case mix: exact counts by stratum and frozen reference rates.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context. A trust sees its own years, the
notices that were given to it and its answers; of another's, of verdicts and of steps nothing. Nothing of a snapshot can be changed.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OWN = "organisation_id = any((select sec.tenants())::integer[])"
COUNTED = ("trust_year", "stratum_count")
GIVEN = ("outlier_notice", "outlier_response")
NATIONAL = (
    "reference",
    "reference_rate",
    "outlier_policy",
    "outlier_cycle",
    "outlier",
    "outlier_step",
    "outlier_notice",
)


def upgrade() -> None:
    _tables()
    for table in (*COUNTED, *GIVEN):
        op.execute(f"alter table figures.{table} enable row level security")
        op.execute(f"alter table figures.{table} force row level security")
        op.execute(f"create policy hat_app on figures.{table} as permissive for select to hat_app using ({OWN})")
        op.execute(
            f"create policy hat_national on figures.{table} as permissive for all to hat_national "
            "using (true) with check (true)"
        )
        op.execute(f"grant select on figures.{table} to hat_app")
    for table in COUNTED:
        op.execute(
            f"create policy hat_jobs on figures.{table} as permissive for all to hat_jobs using (true) with check (true)"
        )
        op.execute(f"grant select, insert, update, delete on figures.{table} to hat_jobs")
    # The worker tells the lead of a trust that something waits for an answer.
    for table in GIVEN:
        op.execute(f"create policy hat_jobs on figures.{table} as permissive for select to hat_jobs using (true)")
        op.execute(f"grant select on figures.{table} to hat_jobs")
    op.execute("grant select on figures.reference, figures.reference_rate to hat_jobs")
    op.execute(
        f"create policy hat_app_answers on figures.outlier_response as permissive for insert to hat_app with check ({OWN})"
    )
    op.execute("grant insert on figures.outlier_response to hat_app")
    _grant_national()


def _grant_national() -> None:
    """It adds; it changes where an outlier stands and what came of a notice, nothing else; and deletes nothing."""
    named = ", ".join(f"figures.{table}" for table in (*COUNTED, *GIVEN, *NATIONAL))
    op.execute(f"grant select on {named} to hat_national")
    op.execute(f"grant insert on {', '.join(f'figures.{table}' for table in NATIONAL)} to hat_national")
    op.execute("grant update (state, steps) on figures.outlier to hat_national")
    op.execute("grant update (respond_by, outcome, outcome_at) on figures.outlier_notice to hat_national")


def _tables() -> None:
    op.create_table(
        "trust_year",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("admissions", sa.Integer(), nullable=False),
        sa.Column("strata_admissions", sa.Integer(), nullable=True),
        sa.Column("sources", sa.SmallInteger(), nullable=True),
        sa.Column("coded_months", sa.SmallInteger(), nullable=False),
        sa.Column("coded_candidates", sa.Integer(), nullable=False),
        sa.Column("coded_cases", sa.Integer(), nullable=False),
        sa.Column("reference_year", sa.Date(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("expected", sa.Double(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("basis in ('age, sex and group', 'group')", name=op.f("ck_trust_year_basis")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_trust_year_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "year", name=op.f("pk_trust_year")),
        schema="figures",
    )
    op.create_table(
        "stratum_count",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("age_band", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("admission_group", sa.Text(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("admissions", sa.Integer(), nullable=True),
        sa.Column("expected", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_stratum_count_organisation_id")
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "year", "age_band", "sex", "admission_group", name=op.f("pk_stratum_count")
        ),
        schema="figures",
    )
    op.create_table(
        "reference",
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("trusts", sa.Integer(), nullable=False),
        sa.Column("trusts_with_strata", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("admissions", sa.Integer(), nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.Column("frozen_by_name", sa.Text(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_reference")),
        schema="figures",
    )
    op.create_table(
        "reference_rate",
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("age_band", sa.Text(), nullable=False),
        sa.Column("sex", sa.Text(), nullable=False),
        sa.Column("admission_group", sa.Text(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("admissions", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["year"], ["figures.reference.year"], name=op.f("fk_reference_rate_year")),
        sa.PrimaryKeyConstraint("year", "age_band", "sex", "admission_group", name=op.f("pk_reference_rate")),
        schema="figures",
    )
    op.create_table(
        "outlier_policy",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_by_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_outlier_policy")),
        schema="figures",
    )
    op.create_table(
        "outlier_cycle",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("reference_year", sa.Date(), nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        sa.Column("reference_hash", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("scale", sa.Text(), nullable=True),
        sa.Column("phi", sa.Double(), nullable=True),
        sa.Column("tau2", sa.Double(), nullable=True),
        sa.Column("computed_by", sa.Text(), nullable=False),
        sa.Column("computed_by_name", sa.Text(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_version"], ["figures.outlier_policy.version"], name=op.f("fk_outlier_cycle_policy_version")
        ),
        sa.ForeignKeyConstraint(
            ["reference_year"], ["figures.reference.year"], name=op.f("fk_outlier_cycle_reference_year")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlier_cycle")),
        sa.UniqueConstraint("year", name=op.f("uq_outlier_cycle_year")),
        schema="figures",
    )
    op.create_table(
        "outlier",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("cycle_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("months", sa.SmallInteger(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("alert_low", sa.Double(), nullable=True),
        sa.Column("alert_high", sa.Double(), nullable=True),
        sa.Column("alarm_low", sa.Double(), nullable=True),
        sa.Column("alarm_high", sa.Double(), nullable=True),
        sa.Column("ascertainment", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("steps", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(verdict in ('alert', 'alarm')) = (state is not null and side is not null)",
            name=op.f("ck_outlier_flagged"),
        ),
        sa.CheckConstraint("side in ('low', 'high')", name=op.f("ck_outlier_side")),
        sa.CheckConstraint(
            "state in ('detected', 'data_checked', 'provider_notified', 'provider_response', 'confirmed', 'not_confirmed', 'published')",
            name=op.f("ck_outlier_state"),
        ),
        sa.CheckConstraint("verdict in ('within', 'alert', 'alarm', 'cannot_assess')", name=op.f("ck_outlier_verdict")),
        sa.ForeignKeyConstraint(["cycle_id"], ["figures.outlier_cycle.id"], name=op.f("fk_outlier_cycle_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_outlier_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outlier")),
        sa.UniqueConstraint("cycle_id", "organisation_id", name=op.f("uq_outlier_cycle_id_organisation_id")),
        schema="figures",
    )
    op.create_table(
        "outlier_step",
        sa.Column("outlier_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state in ('detected', 'data_checked', 'provider_notified', 'provider_response', 'confirmed', 'not_confirmed', 'published')",
            name=op.f("ck_outlier_step_state"),
        ),
        sa.ForeignKeyConstraint(["outlier_id"], ["figures.outlier.id"], name=op.f("fk_outlier_step_outlier_id")),
        sa.PrimaryKeyConstraint("outlier_id", "number", name=op.f("pk_outlier_step")),
        schema="figures",
    )
    op.create_table(
        "outlier_notice",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("outlier_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("reference_year", sa.Date(), nullable=False),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Double(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("alert_low", sa.Double(), nullable=False),
        sa.Column("alert_high", sa.Double(), nullable=False),
        sa.Column("alarm_low", sa.Double(), nullable=False),
        sa.Column("alarm_high", sa.Double(), nullable=False),
        sa.Column("ascertainment", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("respond_by", sa.Date(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_outlier_notice_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "outlier_id", name=op.f("pk_outlier_notice")),
        schema="figures",
    )
    op.create_table(
        "outlier_response",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("outlier_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("data_right", sa.Boolean(), nullable=False),
        sa.Column("responded_by", sa.Text(), nullable=False),
        sa.Column("responded_by_name", sa.Text(), nullable=False),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id", "outlier_id"],
            ["figures.outlier_notice.organisation_id", "figures.outlier_notice.outlier_id"],
            name=op.f("fk_outlier_response_organisation_id_outlier_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_outlier_response_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "outlier_id", "number", name=op.f("pk_outlier_response")),
        schema="figures",
    )


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
