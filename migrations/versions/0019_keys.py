"""Keys: their versions and how far a rotation has got, a second column for the match key, and what the worker may re-seal.

As in 0002: nothing is granted but what stands here.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
MOMENT = sa.DateTime(timezone=True)
# As they stood: the columns of `records` that are sealed under a trust's data key.
SEALED = """
    select c.oid::regclass::text, a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'records'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
       and (a.attname like '%\\_ct' or (c.relname = 'payload' and a.attname = 'sealed'))
     order by 1, 2
"""
# A person is another one where the keys of one version differ, or where there is a key of any version or no longer.
TOUCHED = """
    create trigger touched after update of withdrawn_at, attributed_id, attribution, attribution_since, nhs_key, nhs_key_2
        on records.case_record
    for each row when (
        (old.withdrawn_at, old.attributed_id, old.attribution, old.attribution_since)
            is distinct from (new.withdrawn_at, new.attributed_id, new.attribution, new.attribution_since)
        or old.nhs_key <> new.nhs_key or old.nhs_key_2 <> new.nhs_key_2
        or coalesce(old.nhs_key, old.nhs_key_2) is null <> (coalesce(new.nhs_key, new.nhs_key_2) is null))
    execute function figures.touch_case()
"""


def upgrade() -> None:
    _versions()
    _rotations()
    op.add_column("data_key", sa.Column("state", sa.Text(), server_default="seals", nullable=False), schema="register")
    op.create_check_constraint(op.f("ck_data_key_state"), "data_key", "state in ('opens', 'seals')", schema="register")
    _second_match_column()
    op.execute("grant insert, update, delete on register.data_key to hat_jobs")
    for table, column in op.get_bind().execute(sa.text(SEALED)).all():
        op.execute(f"grant update ({column}) on {table} to hat_jobs")
    op.execute("grant select (secret_ct), update (secret_ct) on register.second_factor to hat_jobs")


def _versions() -> None:
    op.create_table(
        "key_version",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("made_at", MOMENT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_key_version")),
        sa.CheckConstraint("kind in ('master', 'match')", name=op.f("ck_key_version_kind")),
        sa.CheckConstraint("state in ('filling', 'in use', 'clearing', 'over')", name=op.f("ck_key_version_state")),
        sa.CheckConstraint("place in ('nhs_key', 'nhs_key_2')", name=op.f("ck_key_version_place")),
        schema="register",
    )
    in_use = sa.text("state = 'in use'")
    op.create_index(
        "ix_key_version_in_use", "key_version", ["kind"], unique=True, schema="register", postgresql_where=in_use
    )
    op.execute(
        "insert into register.key_version (kind, version, state, place) "
        "values ('master', 1, 'in use', null), ('match', 1, 'in use', 'nhs_key')"
    )
    op.execute("grant select on register.key_version to hat_app, hat_jobs")
    op.execute("grant insert, update on register.key_version to hat_jobs")


def _rotations() -> None:
    op.create_table(
        "key_rotation",
        sa.Column("id", sa.Integer(), sa.Identity(start=1), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("waits_for", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("at_organisation", sa.Integer(), nullable=True),
        sa.Column("at_table", sa.Text(), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("moved_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_rotation")),
        sa.CheckConstraint("kind in ('master', 'data', 'match')", name=op.f("ck_key_rotation_kind")),
        schema="register",
    )
    op.create_index(
        "ix_key_rotation_open", "key_rotation", [sa.text("(finished_at is null)")], unique=True, schema="register",
        postgresql_where=sa.text("finished_at is null"),
    )  # fmt: skip
    op.execute("grant select, insert, update on register.key_rotation to hat_jobs")


def _second_match_column() -> None:
    op.add_column("case_record", sa.Column("nhs_key_2", sa.LargeBinary(), nullable=True), schema="records")
    op.create_index(
        "ix_case_record_nhs_key_2", "case_record", ["nhs_key_2"], schema="records", postgresql_using="hash",
        postgresql_where=sa.text("nhs_key_2 is not null"),
    )  # fmt: skip
    op.execute("grant update (nhs_key_2) on records.case_record to hat_app, hat_jobs")
    op.execute("drop trigger touched on records.case_record")
    op.execute(TOUCHED)


def downgrade() -> None:
    raise NotImplementedError("What is under a newer version of a key could not be opened: restore a backup instead.")
