"""The trail: each entry names its request and session; and nothing that matters is written by the service without an entry.

Who writes one of these tables as `hat_app` owes the trust's chain an entry. The debt is a row that is due when the transaction commits:
a deferred trigger looks whether the newest entry of the chain is this transaction's own, and refuses the commit if not. Neither trigger
can be reached by the role. Workers with roles of their own (erasure, carrying over between trusts) write their entries by themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# As they stood: what a trust says of its patients and months, and what is decided on it.
OWING = (
    "case_version", "rca_version", "activity_version", "activity_strata_version", "organisation_profile_version",
    "wales_quarter_version", "submission", "case_event", "sign_off", "attribution", "action", "reading",
    "consultant_link", "learning_point", "allowed_domain",
)  # fmt: skip

OWE = """
create function sec.owe() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    if session_user = 'hat_app' then
        insert into sec.owed (tenants) values (sec.tenants());
    end if;
    return null;
end $$
"""
# The same where a statement may well touch no row, as that of a file which is sent again under its key: nothing is owed then.
# Not for the version tables: their rows are the large ones, which Postgres would keep a second time to show them to the trigger.
OWE_ROWS = """
create function sec.owe_rows() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
    if session_user = 'hat_app' and exists (select from touched) then
        insert into sec.owed (tenants) values (sec.tenants());
    end if;
    return null;
end $$
"""
# A row that is seen and whose writer is still at work is one's own; also what a savepoint wrote.
PAY = """
create function sec.pay() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
declare
    tenant integer;
    writer bigint;
    own bigint := pg_current_xact_id()::text::bigint;
begin
    delete from sec.owed where id = new.id;
    foreach tenant in array new.tenants loop
        select a.xmin::text::bigint into writer
          from records.audit a where a.tenant_id = tenant order by a.sequence desc limit 1;
        if found then
            writer := (own >> 32 << 32) + writer;
            if writer > own + 2147483648 then
                writer := writer - 4294967296;
            elsif writer < own - 2147483648 then
                writer := writer + 4294967296;
            end if;
            if writer >= own and pg_xact_status(writer::text::xid8) = 'in progress' then
                return null;
            end if;
        end if;
    end loop;
    raise exception 'nothing is written here without an entry in the audit log' using errcode = 'HA001';
end $$
"""


def upgrade() -> None:
    for column in ("request_id", "session"):
        op.add_column("audit", sa.Column(column, sa.Text()), schema="records")
    op.execute(
        "create unlogged table sec.owed (id bigint generated always as identity primary key, tenants integer[] not null)"
    )
    op.execute(OWE)
    op.execute(OWE_ROWS)
    op.execute(PAY)
    # The deferred trigger looks at the chain as the owner, whom the policies bind too: it sees what the context names.
    op.execute(
        "create policy hat_owner on records.audit as permissive for select to hat_owner "
        "using (tenant_id = any((select sec.tenants())::integer[]))"
    )
    op.execute(
        "create constraint trigger pay after insert on sec.owed deferrable initially deferred "
        "for each row execute function sec.pay()"
    )
    for table in OWING:
        if table.endswith("_version"):
            op.execute(
                f"create trigger owe after insert or update on records.{table} for each statement execute function sec.owe()"
            )
            continue
        for when in ("insert",) if table == "submission" else ("insert", "update"):
            op.execute(
                f"create trigger owe_{when} after {when} on records.{table} "
                "referencing new table as touched for each statement execute function sec.owe_rows()"
            )


def downgrade() -> None:
    raise NotImplementedError("What stands in it would be lost: restore a backup instead.")
