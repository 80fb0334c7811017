"""The migrated database is what the tables say, and no right stands in it that is not meant."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import migrations
import registry.store.desk
import registry.store.figures
import registry.store.lessons
import registry.store.notices
import registry.store.operation
import registry.store.outliers
import registry.store.own_people
import registry.store.releases
import registry.store.signing_in  # noqa: F401 (declares tables)
from registry.settings import Settings
from registry.store.connections import engine
from registry.store.tables import metadata
from tests.conftest import Database

ROOT = Path(migrations.__file__).parent.parent
SCHEMAS = {str(table.schema) for table in metadata.tables.values()}
OURS = "n.nspname in ('register', 'records', 'linkage', 'figures', 'release', 'published', 'sec')"

# Of the desk: what the service changes, column by column.
DESK = ("case_work", "draft", "action", "consultant_link", "allowed_domain", "attribution", "sign_off", "notice")
LEARNING = ("learning_point", "screening_list", "moderation", "learning_subscriber")
OUTLIERS = ("", "_policy", "_cycle", "_step", "_notice", "_response")

# role: {schema or schema.table: rights}. `r` select, `a` insert, `w` update, `d` delete; in lower case on the whole table, in
# upper case on some of its columns only.
RIGHTS = {
    "hat_app": {
        "register": "arw",
        "register.job_run": "r",
        "register.job_mark": "r",
        "register.client": "arW",
        "register.client_organisation": "ar",
        "register.client_access": "ar",
        "register.assertion_seen": "ar",
        "records": "ar",
        "records.submission": "arW",
        "records.progress": "arW",
        "records.*_record": "arW",
        **dict.fromkeys((f"records.{each}" for each in DESK), "arW"),
        "records.attributed_case": "rW",
        "records.offered_pair": "rW",
        "records.outbox": "arW",
        "records.attributed_count": "r",
        "records.told": "r",
        **dict.fromkeys((f"records.{each}" for each in LEARNING), "arW"),
        "register.moderator_home": "arW",
        "register.timeline": "r",
        "register.key_version": "r",
        "register.key_rotation": "",
        "figures.trust_month": "r",
        "figures.case_count": "r",
        **dict.fromkeys(("figures.trust_year", "figures.stratum_count", "figures.outlier_notice"), "r"),
        "figures.outlier_response": "ar",
    },
    "hat_jobs": {
        "register.organisation": "r",
        "register.succession": "r",
        "register.data_key": "adrw",
        **dict.fromkeys(("register.key_version", "register.key_rotation"), "arw"),
        "register.opt_out_mode": "r",
        "register.job_run": "adrw",
        "register.client_access": "dR",
        "register.assertion_seen": "dR",
        **dict.fromkeys(("register.guess", "register.provider_flow"), "dR"),
        "register.second_factor": "RW",
        "register.job_mark": "arw",
        "register.attribution_basis": "r",
        "register.notice_preference": "r",
        "register.timeline": "ar",
        "register.session": "rW",
        "register.membership": "r",
        "register.person": "R",
        "records": "ar",
        "records.submission": "arW",
        "records.payload": "adrW",
        "records.progress": "adrW",
        "records.*_record": "arW",
        **dict.fromkeys(("records.case_work", "records.case_event", "records.attribution"), "arW"),
        **dict.fromkeys(("records.attributed_case", "records.offered_pair", "records.attributed_count"), "arW"),
        **dict.fromkeys(("records.action", "records.consultant_link", "records.sign_off"), "rW"),
        **dict.fromkeys(("records.reading", "records.allowed_domain"), "r"),
        "records.draft": "drW",
        **dict.fromkeys(("records.notice", "records.outbox"), "adrW"),
        "records.told": "adr",
        "register.invitation": "rW",
        **dict.fromkeys(("records.learning_point", "records.learning_edition", "records.moderation"), "rW"),
        "records.screening_list": "rW",
        "records.moderation_event": "r",
        "records.learning_subscriber": "drW",
        **dict.fromkeys((f"published.{each}" for each in ("release", "cell", "place", "learning_summary")), "r"),
        "published.lesson": "rW",
        "release.learning_summary": "ar",
        "release.publication": "R",
        "linkage": "adrw",
        "linkage.pair_past": "ar",
        "figures": "adrw",
        **dict.fromkeys(("figures.reference", "figures.reference_rate"), "r"),
        **dict.fromkeys((f"figures.outlier{each}" for each in OUTLIERS), ""),
        **dict.fromkeys(("figures.outlier_notice", "figures.outlier_response"), "r"),
    },
    "hat_national": {
        "register.organisation": "ar",
        "register.succession": "r",
        "register.opt_out_mode": "r",
        "register.job_mark": "r",
        "records.audit": "aR",
        "figures": "r",
        **dict.fromkeys(("figures.report_count", "figures.touched"), ""),
        "figures.risk_assessment": "arw",
        "figures.official_import": "arw",
        **dict.fromkeys(("figures.reference", "figures.reference_rate"), "ar"),
        **dict.fromkeys((f"figures.outlier{each}" for each in OUTLIERS), "ar"),
        **dict.fromkeys(("figures.outlier", "figures.outlier_notice"), "arW"),
        "figures.outlier_response": "r",
        "linkage.pair": "rW",
        "linkage.pair_side": "r",
        "linkage.pair_past": "a",
        "linkage.dispute": "rW",
        "release": "ar",
        "release.publication": "arW",
        "release.draft_cell": "adrw",
        "release.draft_denominator": "adrw",
        "release.draft_place": "adr",
        "release.exact_cell": "adrw",
        "release.audit_run": "arW",
        "release.draft_file": "adr",
        "release.kept_organisation": "adr",
        "release.learning_summary": "rW",
        "published": "ar",
        **dict.fromkeys(("published.release", "published.lesson", "published.learning_summary"), "arW"),
    },
    "hat_reader": {"published": "r"},
    "hat_auditor": {"records.audit": "r"},
    "hat_migrator": {},
}


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "migrations"))


def test_the_migrations_give_what_the_tables_say(database: Database) -> None:
    opened = engine(database.admin_url, "postgres", pooled=False)
    with opened.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in SCHEMAS,
                "compare_server_default": True,
                "compare_type": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_they_are_one_line_without_branches() -> None:
    found = [each.revision for each in _script().walk_revisions()]
    assert found == sorted(found, reverse=True)
    assert len(_script().get_heads()) == 1


def test_alembic_finds_nothing_to_add_on_the_command_line(settings: Settings) -> None:
    """As a maintainer calls it, without alembic.ini, before `alembic revision --autogenerate`."""
    environment = {
        **os.environ,
        "HAT_DATABASE_URL": str(settings.database_url),
        "HAT_SECRETS_DIR": str(settings.secrets_dir),
        "HAT_DATA_DIR": str(settings.data_dir),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "alembic", "check"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "No new upgrade operations detected.")


# --- the catalogue


def _all(admin: psycopg.Connection, statement: str) -> list[tuple[object, ...]]:
    return admin.execute(statement.encode()).fetchall()


def test_every_table_with_a_tenant_is_forced_under_policies_for_all_commands(admin: psycopg.Connection) -> None:
    bound = _all(
        admin,
        "select c.relname, relrowsecurity, relforcerowsecurity, (select array_agg(r.rolname::text order by r.rolname) from pg_policy p, "
        "pg_roles r where polrelid = c.oid and r.oid = any(polroles) and polcmd = '*' and polpermissive "
        "and polqual is not null and polwithcheck is not null) "
        "from pg_class c join pg_namespace n on n.oid = relnamespace "
        f"where relkind in ('r', 'p') and {OURS} and exists (select 1 from pg_attribute "
        "where attrelid = c.oid and attname = 'tenant_id' and not attisdropped)",
    )
    declared = {table.name for table in metadata.sorted_tables if "tenant_id" in table.columns}
    assert {name for name, *_ in bound} == declared
    for name, enabled, forced, roles in bound:
        wanted = ["hat_app", "hat_jobs"]
        if name == "audit":
            wanted = ["hat_app", "hat_auditor", "hat_jobs", "hat_national"]
        assert (enabled, forced, roles) == (True, True, wanted), name


def test_what_the_service_may_see_is_decided_by_the_signed_context_alone(admin: psycopg.Connection) -> None:
    found = _all(
        admin,
        "select distinct n.nspname, pg_get_expr(polqual, polrelid), coalesce(pg_get_expr(polwithcheck, polrelid), '') "
        "from pg_policy p join pg_roles r on r.oid = any(polroles) join pg_class c on c.oid = polrelid "
        "join pg_namespace n on n.oid = relnamespace where rolname = 'hat_app' order by 1",
    )
    own = "= ANY (( SELECT sec.tenants() AS tenants)::integer[]))"
    figures = ("figures", f"(organisation_id {own}", "")  # read only
    answers = ("figures", None, f"(organisation_id {own}")  # added only: what a trust answers to a notice
    assert set(found) == {figures, answers, ("records", f"(tenant_id {own}", f"(tenant_id {own}")}


def test_exact_figures_that_the_service_reads_are_forced_too(admin: psycopg.Connection) -> None:
    found = _all(
        admin,
        f"select c.relname from pg_class c join pg_namespace n on n.oid = relnamespace where {OURS} and relkind in ('r', 'p') "
        "and n.nspname <> 'register' and has_any_column_privilege('hat_app', c.oid, 'select') "
        "and not (relrowsecurity and relforcerowsecurity)",
    )
    assert found == []


def test_no_policy_is_for_everybody(admin: psycopg.Connection) -> None:
    assert _all(admin, "select polname from pg_policy where 0 = any(polroles)") == []


def test_the_rights_are_these_and_no_others(admin: psycopg.Connection) -> None:
    """Truncate, references, trigger and maintain would show as D, x, t and m."""
    found: dict[str, dict[str, set[str]]] = {role: defaultdict(set) for role in RIGHTS}
    rows = _all(
        admin,
        "select n.nspname || '.' || relname, a.grantee::regrole::text, a.privilege_type, a.is_grantable, false "
        f"from pg_class c join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) a where {OURS} "
        "union all "
        "select n.nspname || '.' || relname, a.grantee::regrole::text, a.privilege_type, a.is_grantable, true "
        f"from pg_class c join pg_namespace n on n.oid = relnamespace join pg_attribute t on attrelid = c.oid, "
        f"aclexplode(attacl) a where {OURS}",
    )
    letters = {"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d"}
    for table, role, right, grantable, of_column in rows:
        if role == "hat_owner":
            continue
        assert not grantable
        letter = letters[str(right)]
        found[str(role)][str(table)].add(letter.upper() if of_column else letter)
    tables = [table.fullname for table in metadata.sorted_tables]
    for role, rights in RIGHTS.items():
        expected = {table: right for table in tables if (right := _expected(rights, table, role))}
        assert {table: "".join(sorted(each, key=str.lower)) for table, each in found[role].items()} == {
            table: "".join(sorted(right, key=str.lower)) for table, right in expected.items()
        }, role


def _expected(rights: dict[str, str], table: str, role: str) -> str:
    """The narrowest entry that names the table; the worker may erase what is sealed in a version, where something is."""
    schema = table.partition(".")[0]
    general = rights.get("records.*_record") if table.endswith("_record") else None
    found = rights[table] if table in rights else general or rights.get(schema) or ""
    sealed = any(column.name.endswith("_ct") for column in metadata.tables[table].columns)
    return f"{found}W" if role == "hat_jobs" and table.endswith("_version") and sealed else found


def test_the_worker_changes_nothing_in_a_version_but_what_is_sealed(admin: psycopg.Connection) -> None:
    found = _all(
        admin,
        "select attname from pg_attribute join pg_class c on c.oid = attrelid, aclexplode(attacl) a "
        "where relname like '%\\_version' and a.privilege_type = 'UPDATE'",
    )
    assert found
    assert all(str(name).endswith("_ct") for (name,) in found)


def test_everybody_may_nothing(admin: psycopg.Connection) -> None:
    everybody = "a.grantee = 0"
    tables = f"select relname from pg_class c join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) a where {OURS} and {everybody}"
    schemas = (
        f"select nspname from pg_namespace n, aclexplode(nspacl) a where ({OURS} or nspname = 'public') and {everybody}"
    )
    functions = (
        "select proname from pg_proc p join pg_namespace n on n.oid = pronamespace, "
        f"aclexplode(coalesce(proacl, acldefault('f', proowner))) a where {OURS} and {everybody}"
    )
    databases = (
        f"select datname from pg_database, aclexplode(datacl) a where datname = current_database() and {everybody}"
    )
    defaults = f"select 1 from pg_default_acl, aclexplode(defaclacl) a where {everybody}"
    for statement in (tables, schemas, functions, databases, defaults):
        assert _all(admin, statement) == [], statement


def test_functions_with_the_owners_rights_fix_their_search_path(admin: psycopg.Connection) -> None:
    found = _all(
        admin,
        f"select proname, proconfig from pg_proc p join pg_namespace n on n.oid = pronamespace where {OURS} and prosecdef",
    )
    noting = ("touch_case", "touch_pair", "touch_reading", "touch_review")
    fixed = ("owe", "owe_rows", "pay", "tenants", *noting)
    assert sorted(found) == [(name, ["search_path=pg_catalog, pg_temp"]) for name in fixed]


def test_views_run_with_the_rights_of_who_asks(admin: psycopg.Connection) -> None:
    views = _all(
        admin,
        f"select relname, reloptions from pg_class c join pg_namespace n on n.oid = relnamespace where relkind in ('v', 'm') and {OURS}",
    )
    assert [name for name, options in views if options != ["security_invoker=true"]] == []


def test_everything_belongs_to_an_owner_who_cannot_sign_in(admin: psycopg.Connection) -> None:
    owners = _all(
        admin,
        f"select distinct relowner::regrole::text from pg_class c join pg_namespace n on n.oid = relnamespace where {OURS} "
        f"union select proowner::regrole::text from pg_proc p join pg_namespace n on n.oid = pronamespace where {OURS} "
        f"union select nspowner::regrole::text from pg_namespace n where {OURS}",
    )
    assert owners == [("hat_owner",)]
    roles = _all(
        admin,
        "select rolname from pg_roles where rolname like 'hat\\_%' and (rolsuper or rolcreaterole or rolcreatedb "
        "or rolreplication or rolbypassrls or rolinherit and rolcanlogin or rolname = 'hat_owner' and rolcanlogin)",
    )
    assert roles == [("hat_backup",)]  # which copies the cluster and can connect to no database in it
    assert not admin.execute("select has_database_privilege('hat_backup', current_database(), 'connect')").fetchall()[
        0
    ][0]
    members = _all(
        admin,
        "select roleid::regrole::text, member::regrole::text, admin_option, inherit_option from pg_auth_members "
        "where roleid::regrole::text like 'hat%' or member::regrole::text like 'hat%'",
    )
    assert members == [("hat_owner", "hat_migrator", False, False)]


def test_every_key_of_a_trusts_table_leads_with_the_trust(admin: psycopg.Connection) -> None:
    """So that a clash tells nothing about another trust."""
    indexes = _all(
        admin,
        "select i.relname from pg_index x join pg_class i on i.oid = indexrelid join pg_class c on c.oid = indrelid "
        "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = indrelid and a.attnum = indkey[0] "
        "where n.nspname = 'records' and indisunique and attname <> 'tenant_id'",
    )
    assert indexes == []


def test_every_reference_between_trusts_tables_carries_the_trust(admin: psycopg.Connection) -> None:
    """So that no row can point at one that its writer cannot see."""
    references = _all(
        admin,
        "select conname from pg_constraint k join pg_class c on c.oid = conrelid join pg_namespace n on n.oid = c.relnamespace "
        "join pg_class t on t.oid = confrelid join pg_namespace m on m.oid = t.relnamespace "
        "join pg_attribute a on a.attrelid = conrelid and a.attnum = conkey[1] "
        "join pg_attribute b on b.attrelid = confrelid and b.attnum = confkey[1] "
        "where contype = 'f' and n.nspname = 'records' and m.nspname = 'records' "
        "and (a.attname, b.attname) <> ('tenant_id', 'tenant_id')",
    )
    assert references == []


# --- ids that grow with time


@pytest.mark.parametrize("body", ["UUID7", "UUID7_BEFORE_18"])
def test_ids_grow_with_time_and_are_of_version_7(admin: psycopg.Connection, body: str) -> None:
    """Both bodies of `records.uuid7()`, for the server at hand and for one before 18."""
    module = next(each.module for each in _script().walk_revisions() if each.revision == "0002")
    admin.execute(
        f"create function pg_temp.made() returns uuid language sql volatile as $${getattr(module, body)}$$".encode()
    )
    row = admin.execute(
        "with made as (select g, pg_temp.made() as id from generate_series(1, 2000) g) "
        "select count(distinct id), bool_and(substr(id::text, 15, 1) = '7'), bool_and(substr(id::text, 20, 1) in ('8', '9', 'a', 'b')), "
        "min(abs(extract(epoch from uuid_extract_timestamp(id) - clock_timestamp()))) < 5 from made"
    ).fetchone()
    assert row == (2000, True, True, True)


def test_the_service_makes_ids(database: Database) -> None:
    with psycopg.connect(database.url("hat_app")) as connection:
        row = connection.execute("select records.uuid7() < records.uuid7()").fetchone()
    assert row is not None
