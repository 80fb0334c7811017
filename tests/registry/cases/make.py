"""What the tests of cases ask of the database past all rights."""

import psycopg
from psycopg import sql

from registry.settings import Secrets, Settings
from registry.store import Store, audit


def contents(admin: psycopg.Connection) -> dict[str, list[str]]:
    """Every row of every table that a job may write, as text: two equal answers mean that nothing changed between them."""
    tables = admin.execute(
        "select schemaname, tablename from pg_tables where schemaname in ('records', 'linkage', 'figures') order by 1, 2"
    ).fetchall()
    found = {}
    for name in tables:
        rows = sql.SQL("select t::text from {} t order by 1").format(sql.Identifier(*name))
        found[".".join(name)] = [row[0] for row in admin.execute(rows)]
    return found


def chain_holds(store: Store, settings: Settings, *tenants: int) -> bool:
    """Whether every audit entry of these trusts is as it was written."""
    key = Secrets.load(settings.secrets_dir, ["audit"])["audit"]
    with store.readonly(role="hat_auditor") as connection:
        return not any(audit.verify(connection, tenant, key) for tenant in tenants)


def actions(admin: psycopg.Connection, tenant: int) -> list[str]:
    """What the log of a trust says was done, in order."""
    rows = admin.execute("select action from records.audit where tenant_id = %s order by sequence", [tenant])
    return [row[0] for row in rows]
