"""Who may do what: the signed tenant context, forced row-level security, column-wise grants.

Nothing is granted to anybody but what stands here. No role may truncate, reference or make triggers; nobody but the worker deletes.
"""

from collections.abc import Iterable

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = ("case", "rca", "activity", "activity_strata", "organisation_profile", "wales_quarter")
RECORDS = tuple(f"{kind}_record" for kind in KINDS)
VERSIONS = tuple(f"{kind}_version" for kind in KINDS)
OUTCOMES = ("finding", "tally")
TENANT_TABLES = ("submission", "payload", *OUTCOMES, "progress", "match_map", *RECORDS, *VERSIONS)

# What the outcome of a submission may change in it: never its bytes' digest, its key, its sender.
SUBMISSION_OUTCOME = (
    "state", "map_version", "finished_at", "rows", "new", "changed", "unchanged", "withdrawn", "refused", "absent", "gained",
    "errors", "warnings", "faulty_rows", "changed_fields",
)  # fmt: skip
RECORD_STANDING = ("version", "content_mac", "withdrawn_at", "withdraw_reason")
CASE_STANDING = ("nhs_key", "attributed_id", "attribution", "attribution_since")

UUID7 = "select uuidv7()"
# Before Postgres 18: milliseconds since 1970 over the first 48 bits of a random id, then version 7 (RFC 9562, 5.7).
UUID7_BEFORE_18 = """
    select encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6),
            52, 1), 53, 1),
        'hex')::uuid
"""

CONTEXT_KEY = """
create table sec.context_key (
    id smallint primary key default 1 check (id = 1),
    -- The key of HMAC-SHA-256 (RFC 2104), padded to the block of 64 bytes: with 0x36 within, with 0x5c without.
    inner_pad bytea not null check (octet_length(inner_pad) = 64),
    outer_pad bytea not null check (octet_length(outer_pad) = 64)
)
"""

# The tenants of this transaction, from app.ctx = 'ids|expiry|hmac of ids|expiry'. Anything else gives none. Expiry is
# compared with the start of the transaction, so that a long load does not lose its rows. Nothing is read from a context
# before its MAC has been checked, so no cast can fail on what an attacker wrote.
TENANTS = """
create function sec.tenants() returns integer[]
language plpgsql stable security definer parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    parts text[] := string_to_array(current_setting('app.ctx', true), '|');
    pads sec.context_key;
    mac bytea;
begin
    if array_length(parts, 1) is distinct from 3 then
        return '{}';
    end if;
    select * into pads from sec.context_key;
    mac := sha256(pads.outer_pad || sha256(pads.inner_pad || convert_to(parts[1] || '|' || parts[2], 'UTF8')));
    if (encode(mac, 'hex') = parts[3]) is not true then
        return '{}';
    end if;
    if to_timestamp(parts[2]::bigint) <= now() then
        return '{}';
    end if;
    return string_to_array(parts[1], ',')::integer[];
end
$$
"""

SYSTEM = """
insert into register.organisation (id, code, name, kind, nation)
values (0, 'SYSTEM', 'The registry itself', 'system', 'England')
"""


def upgrade() -> None:
    op.execute("alter default privileges revoke execute on functions from public")
    op.execute("create schema if not exists sec")
    op.execute(CONTEXT_KEY)
    op.execute(TENANTS)
    _uuid7()
    op.execute(SYSTEM)
    for table in (*TENANT_TABLES, "audit"):
        _isolate(table)
    _policy("audit", "hat_national", "tenant_id = 0", "tenant_id = 0")
    _policy("audit", "hat_auditor", "true", "false")
    op.execute("grant execute on function sec.tenants() to hat_app")
    _grant_app()
    _grant_jobs()
    _grant_national()
    _grant_reader_and_auditor()


def _uuid7() -> None:
    """Ids that grow with time, so that a load appends to its indexes, and that cannot be guessed."""
    version = int(str(op.get_bind().scalar(text("show server_version_num"))))
    body = UUID7 if version >= 180000 else UUID7_BEFORE_18
    op.execute(f"create function records.uuid7() returns uuid language sql volatile as $${body}$$")
    op.execute("grant execute on function records.uuid7() to hat_app, hat_jobs")


def _isolate(table: str) -> None:
    """Row-level security that binds the owner too. The sub-select makes it one evaluation a query."""
    op.execute(f"alter table records.{table} enable row level security")
    op.execute(f"alter table records.{table} force row level security")
    own = "tenant_id = any((select sec.tenants())::integer[])"
    _policy(table, "hat_app", own, own)
    _policy(table, "hat_jobs", "true", "true")


def _policy(table: str, role: str, using: str, check: str) -> None:
    op.execute(
        f"create policy {role} on records.{table} as permissive for all to {role} using ({using}) with check ({check})"
    )


def _grant(what: str, tables: Iterable[str], role: str) -> None:
    op.execute(f"grant {what} on {', '.join(tables)} to {role}")


def _records(*tables: str) -> list[str]:
    return [f"records.{table}" for table in tables]


def _update(columns: Iterable[str]) -> str:
    return "update ({})".format(", ".join(f'"{column}"' for column in columns))


def _sealed_columns(table: str) -> list[str]:
    """The columns of a version that identify: what a job erases when their time is over."""
    found = op.get_bind().execute(
        text(
            "select attname from pg_attribute where attrelid = to_regclass(:name) and attnum > 0 "
            "and attname like '%\\_ct' order by attnum"
        ),
        {"name": f"records.{table}"},
    )
    return [name for (name,) in found]


def _grant_records(role: str) -> None:
    """What it takes to receive and to check a submission; a version, a payload and a finding never change."""
    op.execute(f"grant usage on schema records, register to {role}")
    _grant("select, insert", _records(*TENANT_TABLES, "audit"), role)
    _grant(_update(SUBMISSION_OUTCOME), _records("submission"), role)
    _grant(_update(("stage", "done", "total", "at")), _records("progress"), role)
    _grant(_update(RECORD_STANDING), _records(*RECORDS), role)
    _grant(_update(CASE_STANDING), _records("case_record"), role)


def _grant_app() -> None:
    _grant_records("hat_app")
    op.execute("grant select, insert, update on all tables in schema register to hat_app")
    op.execute("revoke insert, update on register.job_run from hat_app")


def _grant_jobs() -> None:
    _grant_records("hat_jobs")
    _grant(_update(("payload_deleted_at",)), _records("submission"), "hat_jobs")
    _grant("delete", _records("payload", "progress"), "hat_jobs")
    for table in VERSIONS:
        if columns := _sealed_columns(table):
            _grant(_update(columns), _records(table), "hat_jobs")
    tables = ("organisation", "succession", "data_key", "opt_out_mode")
    _grant("select", [f"register.{table}" for table in tables], "hat_jobs")
    _grant("select, insert, update, delete", ["register.job_run"], "hat_jobs")
    op.execute("grant usage on schema linkage, figures to hat_jobs")
    op.execute("grant select, insert, update, delete on all tables in schema linkage, figures to hat_jobs")


def _grant_national() -> None:
    """Exact aggregates and releases, never a row. Of the audit log it may add to the registry's own chain only."""
    op.execute("grant usage on schema register, records, figures, release, published to hat_national")
    _grant("select", ["register.organisation", "register.succession"], "hat_national")
    _grant("insert", ["register.organisation"], "hat_national")
    op.execute("grant select on all tables in schema figures, release, published to hat_national")
    _grant("insert, update", ["figures.risk_assessment", "figures.official_import"], "hat_national")
    op.execute("grant insert on all tables in schema release, published to hat_national")
    released = ("state", "released_by", "released_by_name", "released_at")
    _grant(_update(released), ["release.publication"], "hat_national")
    drafts = ("draft_cell", "draft_denominator", "exact_cell")
    _grant("update, delete", [f"release.{table}" for table in drafts], "hat_national")
    _grant(_update(("latest",)), ["published.release"], "hat_national")
    _grant("insert, select (tenant_id, sequence, mac)", _records("audit"), "hat_national")


def _grant_reader_and_auditor() -> None:
    op.execute("grant usage on schema published to hat_reader")
    op.execute("grant select on all tables in schema published to hat_reader")
    op.execute("grant usage on schema records to hat_auditor")
    _grant("select", _records("audit"), "hat_auditor")


def downgrade() -> None:
    """Refused: tables without their isolation are open."""
    raise NotImplementedError("Isolation is never taken back: restore a backup instead.")
