"""Releases: audited, approved by two, embargoed, revised; the report of each audit; what a release is rebuilt from.

As in 0002: nothing is granted but what stands here, rows of a trust are bound to the signed context. What a person's code promises is
promised here once more: nothing becomes public without a passed audit of exactly these figures and two people who did not prepare
them; no offset is drawn anew once its cell was published; what was released is never changed.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NATIONAL = "hat_national"

# A draft of an earlier time was audited by nobody, so none goes on.
DISCARD_DRAFTS = (
    "delete from release.draft_cell where publication_id in (select id from release.publication where state = 'draft')",
    "delete from release.draft_denominator where publication_id in (select id from release.publication where state = 'draft')",
    "delete from release.draft_place where publication_id in (select id from release.publication where state = 'draft')",
    "delete from release.exact_cell where publication_id in (select id from release.publication where state = 'draft')",
    "update release.publication set state = 'discarded' where state = 'draft'",
)

STATES = (
    "state in ('draft', 'asked', 'refused', 'audited', 'approved', 'released', 'superseded', 'discarded')",
    "state in ('draft', 'released', 'superseded', 'discarded')",
)

GUARD = """
create function release.guard_publication() returns trigger language plpgsql as $$
begin
    if new.data_hash is distinct from old.data_hash and old.state not in ('draft', 'asked') then
        raise exception 'the figures of a publication do not change once they were audited';
    end if;
    if new.state = old.state then
        return new;
    end if;
    if (old.state, new.state) not in (
        ('draft', 'asked'), ('asked', 'audited'), ('asked', 'refused'), ('audited', 'approved'), ('approved', 'released'),
        ('released', 'superseded'), ('draft', 'discarded'), ('asked', 'discarded'), ('refused', 'discarded'),
        ('audited', 'discarded'), ('approved', 'discarded')
    ) then
        raise exception 'a publication does not go from % to %', old.state, new.state;
    end if;
    if new.state in ('audited', 'approved', 'released') and not exists (
        select from release.audit_run a
        where a.publication_id = new.id and a.state = 'passed' and a.data_hash = new.data_hash
    ) then
        raise exception 'these figures have not passed an audit';
    end if;
    if new.state in ('approved', 'released') and (
        select count(*) from release.approval p
        where p.publication_id = new.id and p.data_hash = new.data_hash and p.person_id is distinct from new.prepared_by
    ) < 2 then
        raise exception 'these figures have not been approved by two people who did not prepare them';
    end if;
    return new;
end
$$
"""

GUARD_NEW = """
create function release.guard_new() returns trigger language plpgsql as $$
begin
    raise exception 'a publication begins as a draft';
end
$$
"""

GUARD_APPROVAL = """
create function release.guard_approval() returns trigger language plpgsql as $$
begin
    if not exists (
        select from release.publication p
        where p.id = new.publication_id and p.state = 'audited' and p.data_hash = new.data_hash
          and p.prepared_by is distinct from new.person_id
    ) then
        raise exception 'only audited figures are approved, as they are, by people who did not prepare them';
    end if;
    return new;
end
$$
"""

GUARD_OFFSET = """
create function release.guard_offset() returns trigger language plpgsql as $$
begin
    if exists (
        select from published.release r join published.cell c on c.release_id = r.id and c.cell_id = new.cell_id
    ) then
        raise exception 'the offset of a published cell is frozen';
    end if;
    return new;
end
$$
"""

GUARD_KEPT = """
create function release.guard_kept() returns trigger language plpgsql as $$
begin
    if exists (
        select from (select distinct publication_id from gone) g join release.publication p on p.id = g.publication_id
        where p.state in ('approved', 'released', 'superseded')
    ) then
        raise exception 'what a release was made of is kept';
    end if;
    return null;
end
$$
"""

GUARD_PUBLISHED = """
create function release.guard_published() returns trigger language plpgsql as $$
begin
    if exists (
        select from (select distinct release_id from added) a left join release.publication p on p.id = a.release_id
        where p.state is distinct from 'approved'
    ) then
        raise exception 'only what is approved is published, and nothing is added to it later';
    end if;
    return null;
end
$$
"""

KEEP_RECORD = """
create function records.keep_record_past() returns trigger language plpgsql as $$
begin
    insert into records.record_past (tenant_id, kind, record_id, withdrawn_at)
    values (old.tenant_id, tg_argv[0], old.id, old.withdrawn_at);
    return null;
end
$$
"""

KEEP_CASE = """
create function records.keep_case_past() returns trigger language plpgsql as $$
begin
    insert into records.record_past (
        tenant_id, kind, record_id, withdrawn_at, attributed_id, attribution, attribution_since
    ) values (
        old.tenant_id, 'case', old.id, old.withdrawn_at, old.attributed_id, old.attribution, old.attribution_since
    );
    return null;
end
$$
"""

KEEP_PAIR = """
create function linkage.keep_pair_past() returns trigger language plpgsql as $$
begin
    insert into linkage.pair_past (
        first_tenant_id, first_case_id, second_tenant_id, second_case_id, days_apart, state, found_at
    ) values (
        old.first_tenant_id, old.first_case_id, old.second_tenant_id, old.second_case_id, old.days_apart, old.state,
        old.found_at
    );
    return null;
end
$$
"""

PUBLISHED = ("cell", "denominator", "place", "file", "revision")
OTHER_KINDS = ("rca", "activity", "activity_strata", "organisation_profile", "wales_quarter")


def upgrade() -> None:
    for statement in DISCARD_DRAFTS:
        op.execute(statement)
    _change_tables()
    _release_tables()
    _published_tables()
    _past_tables()
    _guards()
    _rights()


def _column(table: str, schema: str, *column: sa.Column[Any]) -> None:
    for each in column:
        op.add_column(table, each, schema=schema)


def _change_tables() -> None:
    op.drop_constraint("ck_publication_two_people", "publication", schema="release")
    op.drop_constraint("ck_publication_state", "publication", schema="release")
    op.create_check_constraint(op.f("ck_publication_state"), "publication", STATES[0], schema="release")
    op.drop_column("publication", "released_by", schema="release")
    op.alter_column("publication", "prepared_by", nullable=True, schema="release")
    _column(
        "publication",
        "release",
        sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("data_hash", sa.Text()),
        sa.Column("embargo_until", MOMENT),
        sa.Column("counted_to", MOMENT),
    )
    op.drop_constraint("pk_cell_offset", "cell_offset", schema="release")
    op.create_primary_key(op.f("pk_cell_offset"), "cell_offset", ["cell_id", "attempt"], schema="release")
    attempt = sa.Column("attempt", sa.SmallInteger(), nullable=False, server_default=sa.text("0"))
    _column("exact_cell", "release", attempt, sa.Column("offset_of", sa.Text()))
    _column("draft_place", "release", sa.Column("successor", sa.Text()))
    _column("place", "published", sa.Column("successor", sa.Text()))
    _column(
        "release",
        "published",
        sa.Column("note", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("code_version", sa.Text(), nullable=False, server_default=sa.text("''")),
        *(sa.Column(name, sa.Text()) for name in ("data_hash", "report_digest", "signature")),
    )


def _of(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["publication_id"], ["release.publication.id"], name=op.f(f"fk_{table}_publication_id")
    )


def _release_tables() -> None:
    op.create_table(
        "audit_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("stage", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("told_at", MOMENT),
        sa.Column("finished_at", MOMENT),
        sa.Column("data_hash", sa.Text()),
        sa.Column("report", sa.LargeBinary()),
        sa.Column("report_digest", sa.Text()),
        sa.Column("signature", sa.Text()),
        sa.CheckConstraint("state in ('waiting', 'running', 'passed', 'failed')", name=op.f("ck_audit_run_state")),
        _of("audit_run"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_run")),
        schema="release",
    )
    op.create_index(op.f("ix_audit_run_publication_id"), "audit_run", ["publication_id"], schema="release")
    op.create_table(
        "approval",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=False),
        sa.Column("data_hash", sa.Text(), nullable=False),
        _of("approval"),
        sa.ForeignKeyConstraint(["person_id"], ["register.person.id"], name=op.f("fk_approval_person_id")),
        sa.PrimaryKeyConstraint("publication_id", "person_id", name=op.f("pk_approval")),
        schema="release",
    )
    op.create_table(
        "kept_organisation",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("code", "name", "kind", "nation")),
        *(sa.Column(name, sa.Text()) for name in ("region_code", "region_name")),
        *(sa.Column(name, sa.Date()) for name in ("live_from", "closed_on")),
        sa.Column("activity_only", sa.Boolean(), nullable=False),
        _of("kept_organisation"),
        sa.PrimaryKeyConstraint("publication_id", "id", name=op.f("pk_kept_organisation")),
        schema="release",
    )
    op.create_table(
        "draft_file",
        sa.Column("publication_id", sa.Uuid(), nullable=False),
        *_file_columns(),
        _of("draft_file"),
        sa.PrimaryKeyConstraint("publication_id", "name", name=op.f("pk_draft_file")),
        schema="release",
    )


def _file_columns() -> list[sa.Column[Any]]:
    return [
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "media_type", "digest")),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    ]


def _published_tables() -> None:
    def of(table: str) -> sa.ForeignKeyConstraint:
        return sa.ForeignKeyConstraint(["release_id"], ["published.release.id"], name=op.f(f"fk_{table}_release_id"))

    op.create_table(
        "file",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        *_file_columns(),
        of("file"),
        sa.PrimaryKeyConstraint("release_id", "name", name=op.f("pk_file")),
        schema="published",
    )
    key = ("quantity", "geography_kind", "period_kind", "split")
    op.create_table(
        "revision",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in key),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("new", "changed", "gone", "became_final")),
        sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False),
        of("revision"),
        sa.PrimaryKeyConstraint("release_id", *key, name=op.f("pk_revision")),
        schema="published",
    )


def _past_tables() -> None:
    op.create_table(
        "record_past",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), server_default=sa.text("records.uuid7()"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("until", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("attributed_id", sa.Integer()),
        sa.Column("attribution", sa.Text()),
        sa.Column("attribution_since", MOMENT),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_record_past")),
        schema="records",
    )
    op.create_index(
        op.f("ix_record_past_tenant_id_record_id_until"),
        "record_past",
        ["tenant_id", "record_id", "until"],
        schema="records",
    )
    _isolate("record_past")
    op.create_table(
        "pair_past",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("first_tenant_id", sa.Integer(), nullable=False),
        sa.Column("first_case_id", sa.Uuid(), nullable=False),
        sa.Column("second_tenant_id", sa.Integer(), nullable=False),
        sa.Column("second_case_id", sa.Uuid(), nullable=False),
        sa.Column("days_apart", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_past")),
        schema="linkage",
    )


def _isolate(table: str) -> None:
    """As migration 0002 does for its neighbours."""
    op.execute(f"alter table records.{table} enable row level security")
    op.execute(f"alter table records.{table} force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    for role, rows in (("hat_app", own), ("hat_jobs", "true")):
        op.execute(
            f"create policy {role} on records.{table} as permissive for all to {role} using ({rows}) with check ({rows})"
        )


def _guards() -> None:
    for function in (GUARD, GUARD_NEW, GUARD_APPROVAL, GUARD_OFFSET, GUARD_KEPT, GUARD_PUBLISHED):
        op.execute(function)
    for function in (KEEP_RECORD, KEEP_CASE, KEEP_PAIR):
        op.execute(function)
    op.execute(
        "create trigger guard before update on release.publication for each row execute function release.guard_publication()"
    )
    op.execute(
        "create trigger guard_new before insert on release.publication for each row when (new.state <> 'draft') "
        "execute function release.guard_new()"
    )
    op.execute(
        "create trigger guard before insert on release.approval for each row execute function release.guard_approval()"
    )
    op.execute(
        "create trigger guard before insert on release.cell_offset for each row when (new.attempt > 0) "
        "execute function release.guard_offset()"
    )
    for event in ("update", "delete"):
        op.execute(
            f"create trigger guard_{event} after {event} on release.exact_cell referencing old table as gone "
            "for each statement execute function release.guard_kept()"
        )
    for table in PUBLISHED:
        op.execute(
            f"create trigger guard after insert on published.{table} referencing new table as added for each statement "
            f"when (current_user = '{NATIONAL}') execute function release.guard_published()"
        )
    _keep_past()


def _keep_past() -> None:
    case = ("withdrawn_at", "attributed_id", "attribution", "attribution_since")
    changed = " or ".join(f"old.{name} is distinct from new.{name}" for name in case)
    op.execute(
        f"create trigger keep_past after update on records.case_record for each row when ({changed}) "
        "execute function records.keep_case_past()"
    )
    for kind in OTHER_KINDS:
        op.execute(
            f"create trigger keep_past after update on records.{kind}_record for each row "
            f"when (old.withdrawn_at is distinct from new.withdrawn_at) execute function records.keep_record_past('{kind}')"
        )
    op.execute(
        "create trigger keep_past after update on linkage.pair for each row when (old.state is distinct from new.state) "
        "execute function linkage.keep_pair_past()"
    )
    op.execute(
        "create trigger keep_past_deleted after delete on linkage.pair for each row execute function linkage.keep_pair_past()"
    )


def _grant(what: str, tables: Iterable[str], role: str) -> None:
    op.execute(f"grant {what} on {', '.join(tables)} to {role}")


def _rights() -> None:
    new = ("audit_run", "approval", "kept_organisation", "draft_file")
    _grant("select, insert", [f"release.{table}" for table in new], NATIONAL)
    _grant("select, insert", ["published.file", "published.revision"], NATIONAL)
    _grant("select", ["published.file", "published.revision"], "hat_reader")
    told = (
        "state",
        "stage",
        "done",
        "total",
        "told_at",
        "finished_at",
        "data_hash",
        "report",
        "report_digest",
        "signature",
    )
    _grant(f"update ({', '.join(told)})", ["release.audit_run"], NATIONAL)
    _grant("update (note, data_hash, embargo_until)", ["release.publication"], NATIONAL)
    _grant("delete", ["release.draft_file", "release.kept_organisation"], NATIONAL)
    _grant("select, insert", ["records.record_past"], "hat_app, hat_jobs")
    _grant("select, insert", ["linkage.pair_past"], "hat_jobs")
    _grant("insert", ["linkage.pair_past"], NATIONAL)
    # Up to when what was recorded is counted: a release keeps it, to be counted again.
    _grant("select", ["register.job_mark"], NATIONAL)


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
