"""Measures: the counts that each needs, and what a refresh has to touch.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context. A record that is added is found by the
time of its version; what changes without one (attribution, withdrawal, identifiers, pairs, readings) is noted by triggers, none of which
a load of new records meets.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TRUST_MONTH = (
    ("admissions_by_group", postgresql.ARRAY(sa.Integer())),
    ("overnight_by_group", postgresql.ARRAY(sa.Integer())),
    ("timeliness", sa.Text()),
    ("case_finding_sources", sa.SmallInteger()),
)

# Owned by the owner of the tables: who changes a record need not be allowed to see what was touched.
TOUCH_CASE = """
create function figures.touch_case() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into figures.touched (reporter_id, case_id, organisation_id) values (old.tenant_id, old.id, old.attributed_id);
    return null;
end
$$
"""
TOUCH_REVIEW = """
create function figures.touch_review() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into figures.touched (reporter_id, local_case_id) values (new.tenant_id, new.local_case_id);
    return null;
end
$$
"""
TOUCH_READING = """
create function figures.touch_reading() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into figures.touched (reporter_id, case_id) values (new.tenant_id, new.case_id);
    return null;
end
$$
"""
TOUCH_PAIR = """
create function figures.touch_pair() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into figures.touched (reporter_id, case_id)
    select tenant_id, case_id
    from (values (new.first_tenant_id, new.first_case_id), (new.second_tenant_id, new.second_case_id),
                 (old.first_tenant_id, old.first_case_id), (old.second_tenant_id, old.second_case_id)) as t (tenant_id, case_id)
    where tenant_id is not null;
    return null;
end
$$
"""
TRIGGERS = (
    """
    create trigger touched after update of withdrawn_at, attributed_id, attribution, attribution_since, nhs_key on records.case_record
    for each row when ((old.withdrawn_at, old.attributed_id, old.attribution, old.attribution_since, old.nhs_key)
        is distinct from (new.withdrawn_at, new.attributed_id, new.attribution, new.attribution_since, new.nhs_key))
    execute function figures.touch_case()
    """,
    """
    create trigger touched after update of withdrawn_at on records.rca_record
    for each row when (old.withdrawn_at is distinct from new.withdrawn_at) execute function figures.touch_review()
    """,
    "create trigger touched after insert on records.reading for each row execute function figures.touch_reading()",
    "create trigger touched after insert or delete or update of state on linkage.pair for each row execute function figures.touch_pair()",
)


def upgrade() -> None:
    for name, of_type in TRUST_MONTH:
        op.add_column("trust_month", sa.Column(name, of_type, nullable=True), schema="figures")
    coded: sa.Column[bool] = sa.Column(
        "coded_candidates_returned", sa.Boolean(), server_default=sa.text("false"), nullable=False
    )
    op.add_column("trust_month", coded, schema="figures")
    op.create_check_constraint(
        op.f("ck_trust_month_timeliness"), "trust_month", "timeliness in ('in_time', 'late')", schema="figures"
    )
    op.create_table(
        "report_count",
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("reported", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["register.organisation.id"], name=op.f("fk_report_count_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "month", "reported", name=op.f("pk_report_count")),
        schema="figures",
    )
    op.create_table(
        "touched",
        sa.Column("reporter_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("local_case_id", sa.Text(), nullable=True),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        schema="figures",
    )
    for table in ("report_count", "touched"):
        op.execute(f"grant select, insert, update, delete on figures.{table} to hat_jobs")
    _places()
    _indexes()
    for statement in (TOUCH_CASE, TOUCH_REVIEW, TOUCH_READING, TOUCH_PAIR, *TRIGGERS):
        op.execute(statement)


def _places() -> None:
    """The board of a trust, so that figures of boards can be sums of rounded trusts."""
    for schema, table in (("release", "draft_place"), ("published", "place")):
        for name in ("icb", "icb_name"):
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True), schema=schema)


def _indexes() -> None:
    """Few rows are in either, and a load of a trust's own cases writes to none."""
    op.create_index(
        "ix_case_record_elsewhere",
        "case_record",
        ["attributed_id"],
        schema="records",
        postgresql_where=sa.text("attributed_id <> tenant_id"),
    )
    op.create_index(
        "ix_case_record_proposed",
        "case_record",
        ["attribution_since"],
        schema="records",
        postgresql_where=sa.text("attribution = 'proposed'"),
    )


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
