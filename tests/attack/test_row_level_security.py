"""Row-level security from the inside: what smuggled SQL can reach under each role of the registry.

Two trusts, A and B, have a row in every table. Everything here is tried as a role that has signed in to the real database.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from registry.settings import LOGINS, Secrets, Settings
from registry.store import Store
from registry.store.context import signed
from registry.store.tables import match_map, payload, submission
from tests.attack.rows import TENANT_TABLES, dump_everything, fill, identifier
from tests.conftest import Database
from tests.registry.make import make_organisation

CARRIED = ("attributed_case", "offered_pair", "attributed_count", "told")
"""What the worker alone adds: it carries it over from another trust."""


@dataclass(frozen=True, slots=True)
class Two:
    """Two trusts in one database, and the key that signs."""

    a: int
    b: int
    key: bytes
    now: int
    database: Database

    def context(self, *tenants: int, seconds: int = 60) -> str:
        return signed(self.key, tenants, self.now + seconds)


@pytest.fixture
def two(database: Database, store: Store, settings: Settings, admin: psycopg.Connection) -> Two:
    a, b = make_organisation(store, settings), make_organisation(store, settings, code="RAJ")
    fill(admin, a, "canary-of-a")
    fill(admin, b, "canary-of-b")
    row = admin.execute("select extract(epoch from now())::bigint").fetchone()
    assert row is not None
    return Two(a, b, Secrets.load(database.secrets, ["context"])["context"], row[0], database)


@pytest.fixture
def app(two: Two) -> Iterator[psycopg.Connection]:
    """A connection of `hat_app` in a transaction, as smuggled SQL would have it; no context yet."""
    with psycopg.connect(two.database.url("hat_app")) as connection:
        yield connection
        connection.rollback()


def _enter(connection: psycopg.Connection, value: str) -> None:
    connection.execute("select set_config('app.ctx', %s, true)", [value])


def _tenants(connection: psycopg.Connection, table: Table) -> list[int]:
    found = connection.execute(sql.SQL("select tenant_id from {} order by 1").format(identifier(table)))
    return [tenant for (tenant,) in found]


# --- reading


def test_with_its_context_a_trust_sees_its_own_and_no_other(app: psycopg.Connection, two: Two) -> None:
    for tenants in ((two.a,), (two.b,), (two.a, two.b)):
        _enter(app, two.context(*tenants))
        assert {table.name: _tenants(app, table) for table in TENANT_TABLES} == {
            table.name: list(tenants) for table in TENANT_TABLES
        }


def _never_signed(two: Two) -> dict[str, str]:
    own, other = two.context(two.a), two.context(two.b)
    mac = own.rpartition("|")[2]
    return {
        "empty": "",
        "blank": " ",
        "bars": "||",
        "more bars": "||||",
        "a bare id": f"{two.b}",
        "no mac": f"{two.b}|{two.now + 60}",
        "an empty mac": f"{two.b}|{two.now + 60}|",
        "no key": signed(bytes(32), (two.b,), two.now + 60),
        "another key": signed(b"k" * 32, (two.b,), two.now + 60),
        "our mac, their id": f"{two.b}|{two.now + 60}|{mac}",
        "our mac, theirs added": f"{two.a},{two.b}|{two.now + 60}|{mac}",
        "our mac, later": f"{two.a}|{two.now + 99999}|{mac}",
        "shifted bars": own.replace("|", ",", 1),
        "upper case": own.upper().replace(mac.upper(), mac.upper() if mac.upper() != mac else mac[::-1]),
        "not a number": f"x|y|{mac}",
        "out of range": f"{'9' * 40}|{'9' * 40}|{mac}",
        "two in one": f"{own}|{other}",
        "expired": two.context(two.b, seconds=-1),
        "expired just now": two.context(two.b, seconds=-60),
        "nobody": two.context(),
        "everybody": signed(b"k" * 32, range(1000), two.now + 60),
        "long": "1," * 500_000 + f"1|{two.now + 60}|{mac}",
    }


def test_without_a_valid_context_there_is_nothing(app: psycopg.Connection, two: Two) -> None:
    seen = {"none": [_tenants(app, table) for table in TENANT_TABLES]}
    for name, value in _never_signed(two).items():
        _enter(app, value)
        seen[name] = [_tenants(app, table) for table in TENANT_TABLES]
    assert seen == {name: [[]] * len(TENANT_TABLES) for name in seen}


def test_a_context_ends_with_its_transaction(app: psycopg.Connection, two: Two) -> None:
    _enter(app, two.context(two.a))
    assert _tenants(app, submission) == [two.a]
    app.commit()
    assert _tenants(app, submission) == []


def test_a_context_that_runs_out_holds_to_the_end_of_its_transaction_and_no_longer(
    app: psycopg.Connection, two: Two
) -> None:
    row = app.execute("select ceil(extract(epoch from now()))::bigint + 1").fetchone()
    assert row is not None
    value = signed(two.key, (two.a,), row[0])
    _enter(app, value)
    app.execute("select pg_sleep_until(to_timestamp(%s))", [row[0]])
    assert _tenants(app, submission) == [two.a]
    app.commit()
    _enter(app, value)
    assert _tenants(app, submission) == []


def test_what_is_left_in_a_session_does_not_reach_the_next_transaction(store: Store, two: Two) -> None:
    with store.transaction(tenants=(two.a,)) as connection:
        connection.execute(text("select set_config('app.ctx', current_setting('app.ctx'), false)"))
        left = connection.scalar(text("select pg_backend_pid()"))
    with store.transaction() as connection:
        assert connection.scalar(text("select pg_backend_pid()")) == left
        assert connection.scalar(select(func.count()).select_from(submission)) == 0


def test_prepared_statements_follow_the_context(store: Store, two: Two) -> None:
    for tenant in (two.a, two.b) * 8:  # the driver prepares a statement at its sixth use
        with store.readonly(tenants=(tenant,)) as connection:
            assert connection.scalars(select(submission.c.tenant_id)).all() == [tenant]


def test_the_owner_sees_nothing_either(two: Two) -> None:
    with psycopg.connect(two.database.url("hat_migrator")) as connection:
        connection.execute("set role hat_owner")
        assert [_tenants(connection, table) for table in TENANT_TABLES] == [[]] * len(TENANT_TABLES)
        connection.execute("set local row_security = off")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            _tenants(connection, submission)


def test_row_security_cannot_be_switched_off(app: psycopg.Connection, two: Two) -> None:
    _enter(app, two.context(two.a))
    app.execute("set local row_security = off")
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        _tenants(app, submission)


def test_a_cheap_function_in_a_condition_is_shown_own_rows_only(app: psycopg.Connection, two: Two) -> None:
    notices: list[str] = []
    app.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    app.execute(
        "create function pg_temp.leak(integer, text) returns boolean language plpgsql cost 0.0000001 as "
        "$$begin raise notice '% %', $1, $2; return true; end$$"
    )
    _enter(app, two.context(two.a))
    app.execute("select count(*) from records.submission where pg_temp.leak(tenant_id, file_name_ct::text)")
    app.execute("select count(*) from records.finding where pg_temp.leak(tenant_id, words)")
    assert [notice.split()[0] for notice in notices] == [str(two.a)] * 2


def test_a_view_of_ones_own_shows_own_rows_only(app: psycopg.Connection, two: Two) -> None:
    app.execute("create temporary view everything as select * from records.finding")
    _enter(app, two.context(two.a))
    assert app.execute("select tenant_id from pg_temp.everything").fetchall() == [(two.a,)]


def test_statistics_of_hidden_rows_are_hidden(app: psycopg.Connection, two: Two, admin: psycopg.Connection) -> None:
    admin.execute("analyze records.submission, records.finding")
    known = "select count(*) from pg_stats where schemaname = 'records'"
    assert admin.execute(known).fetchone() != (0,)
    assert app.execute(known).fetchone() == (0,)


def test_others_queries_do_not_show_their_context(store: Store, app: psycopg.Connection, two: Two) -> None:
    with store.transaction(tenants=(two.b,)) as connection:
        connection.execute(select(submission.c.id).where(submission.c.tenant_id == two.b))
        seen = app.execute("select string_agg(query, ' ') from pg_stat_activity where usename = 'hat_app'").fetchone()
        mac = str(connection.scalar(text("select current_setting('app.ctx')"))).rpartition("|")[2]
    assert seen is not None
    assert mac not in seen[0]


# --- writing


def _copied(table: Table, tenant: int) -> sql.Composed:
    """An insert of the visible row again, for another trust and with another uuid."""
    columns = [column.name for column in table.columns]
    replaced = {"tenant_id": sql.Literal(tenant), "id": sql.SQL("gen_random_uuid()")}
    return sql.SQL("insert into {} ({}) select {} from {}").format(
        identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(replaced.get(name, sql.Identifier(name)) for name in columns),
        identifier(table),
    )


def test_no_row_can_be_put_into_another_trust(app: psycopg.Connection, two: Two) -> None:
    for table in TENANT_TABLES:
        _enter(app, two.context(two.a))
        refused = "permission denied" if table.name in CARRIED else "row-level security"
        with pytest.raises(errors.InsufficientPrivilege, match=refused):
            app.execute(_copied(table, two.b))
        app.rollback()


def test_no_row_can_be_moved_changed_or_deleted_even_with_the_privilege(
    app: psycopg.Connection, two: Two, admin: psycopg.Connection
) -> None:
    """The policy alone, with the column-wise grants out of the way."""
    for name in map(identifier, TENANT_TABLES):
        admin.execute(sql.SQL("grant select, update, delete on {} to hat_app").format(name))
        _enter(app, two.context(two.a))
        theirs = sql.SQL("where tenant_id = {}").format(two.b)
        assert app.execute(sql.SQL("update {} set tenant_id = tenant_id {}").format(name, theirs)).rowcount == 0
        assert app.execute(sql.SQL("delete from {} {}").format(name, theirs)).rowcount == 0
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            app.execute(sql.SQL("update {} set tenant_id = {}").format(name, two.b))
        app.rollback()


def test_own_rows_are_neither_moved_nor_deleted_by_the_service(app: psycopg.Connection, two: Two) -> None:
    for table in TENANT_TABLES:
        for statement in ("update {} set tenant_id = tenant_id", "delete from {}", "truncate {}", "lock table {}"):
            _enter(app, two.context(two.a))
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(sql.SQL(statement).format(identifier(table)))
            app.rollback()


def test_what_was_said_cannot_be_said_otherwise(app: psycopg.Connection, two: Two) -> None:
    changes = (
        "submission set digest = ''", "submission set idempotency_key = 'x'", "submission set actor = 'x'",
        "payload set sealed = ''", "finding set words = 'x'", "tally set count = 0", "match_map set headings = '{}'",
        "case_version set sex = 'x'", "case_version set nhs_number_ct = null", "case_record set added_at = now()",
        "audit set actor = 'x'", "audit set mac = ''",
    )  # fmt: skip
    for change in changes:
        _enter(app, two.context(two.a))
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(f"update records.{change}".encode())
        app.rollback()


_SUBMITTED = (
    b"insert into records.submission (tenant_id, kind, format, mode, rehearsal, door, digest, size, state, actor, "
    b"opt_out_screened, dataset_version, definition, idempotency_key) select tenant_id, kind, format, mode, rehearsal, "
    b"door, digest, size, state, actor, opt_out_screened, dataset_version, definition, "
)
_AS_BEFORE = b" from records.submission"


UNTOLD = {
    "a receipt": (_SUBMITTED + b"'another'" + _AS_BEFORE).decode(),
    "a case's version": "insert into records.case_version select (jsonb_populate_record(v, '{\"version\": 99}')).* from records.case_version v",
    "a case's life": "update records.case_event set actor = actor",
    "a signature": "update records.sign_off set unlocked_at = now()",
}
FORGETTING = {
    "nothing": "select 1",
    "the context, emptied": "select set_config('app.ctx', '', true)",
    "an entry of long ago": "select * from records.audit",
    "constraints, later": "set constraints all deferred",
}


@pytest.mark.parametrize("forgetting", FORGETTING.values(), ids=FORGETTING.keys())
@pytest.mark.parametrize("untold", UNTOLD.values(), ids=UNTOLD.keys())
def test_nothing_that_matters_is_written_without_an_entry_in_the_audit_log(
    app: psycopg.Connection, two: Two, admin: psycopg.Connection, untold: str, forgetting: str
) -> None:
    admin.execute("grant insert, update on records.case_event, records.sign_off to hat_app")
    _enter(app, two.context(two.a))
    app.execute(untold.encode())
    app.execute(forgetting.encode())
    with pytest.raises(psycopg.Error, match="without an entry in the audit log"):
        app.commit()


def test_an_entry_pays_for_what_its_transaction_wrote_also_within_savepoints(app: psycopg.Connection, two: Two) -> None:
    entry = (
        "insert into records.audit (tenant_id, sequence, at, actor, role, action, object_type, object_id, detail, mac) "
        "select tenant_id, sequence + 1, at, actor, role, action, object_type, object_id, detail, mac from records.audit"
    )
    _enter(app, two.context(two.a))
    with app.transaction():
        app.execute(_SUBMITTED + b"'one more'" + _AS_BEFORE + b" limit 1")
    with app.transaction():
        app.execute(entry.encode())
    app.commit()
    _enter(app, two.context(two.a))
    app.execute(_SUBMITTED + b"'yet another'" + _AS_BEFORE + b" limit 1")
    with pytest.raises(psycopg.Error, match="without an entry in the audit log"):
        app.commit()


def test_a_foreign_key_does_not_tell_a_hidden_row_from_an_absent_one(
    store: Store, two: Two, admin: psycopg.Connection
) -> None:
    hidden = admin.execute(
        _SUBMITTED + b"'other'" + _AS_BEFORE + b" where tenant_id = %s returning id", [two.b]
    ).fetchone()
    absent = admin.execute("select gen_random_uuid()").fetchone()
    assert hidden is not None
    assert absent is not None
    answers = []
    for (each,) in (hidden, absent):
        row = {"tenant_id": two.a, "submission_id": each, "part": 1, "sealed": b""}
        with pytest.raises(IntegrityError) as caught, store.transaction(tenants=(two.a,)) as connection:
            connection.execute(insert(payload).values(row))
        answers.append(str(caught.value).replace(str(each), "…"))
    assert answers[0] == answers[1]


def test_a_unique_key_does_not_tell_what_another_trust_has(app: psycopg.Connection, two: Two) -> None:
    """The idempotency key that B has used is free for A; its own is not. (The catalogue test covers every other key.)"""
    copied = _SUBMITTED + b"'canary-of-b'" + _AS_BEFORE
    _enter(app, two.context(two.a))
    assert app.execute(copied).rowcount == 1
    app.rollback()
    _enter(app, two.context(two.b))
    with pytest.raises(errors.UniqueViolation):
        app.execute(copied)


# --- rising


RISES = (
    "set role hat_owner",
    "set role hat_migrator",
    "set role postgres",
    "set role pg_read_all_data",
    "set session authorization postgres",
    "alter role hat_app bypassrls",
    "alter role hat_app superuser",
    "create role mine",
    "grant hat_owner to hat_app",
    "select * from sec.context_key",
    "update sec.context_key set inner_pad = outer_pad",
    "select sec.tenants()",
    "create or replace function sec.tenants() returns integer[] language sql as $$select '{1,2}'::integer[]$$",
    "alter function sec.tenants() security invoker",
    "create function records.mine() returns integer language sql as 'select 1'",
    "create function public.mine() returns integer language sql as 'select 1'",
    "create table public.mine (n integer)",
    "create table records.mine (n integer)",
    "create view records.mine as select 1",
    "create schema mine",
    "create extension hstore",
    "create trigger mine before insert on records.submission for each row execute function suppress_redundant_updates_trigger()",
    "create policy mine on records.submission using (true)",
    "alter policy hat_app on records.submission using (true)",
    "drop policy hat_app on records.submission",
    "alter table records.submission disable row level security",
    "alter table records.submission no force row level security",
    "alter table records.submission owner to hat_app",
    "drop table records.submission",
    "create index mine on records.submission (state)",
    "copy (select 1) to '/dev/null'",
    "copy (select 1) to program 'true'",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/passwd')",
    "select rolpassword from pg_authid",
    "select * from pg_statistic",
    "alter system set log_statement = 'all'",
    "set session_replication_role = replica",
    "set log_statement = 'all'",
    "create publication mine for all tables",
)


@pytest.mark.parametrize("role", [role for role in LOGINS if role != "hat_migrator"])
def test_no_role_rises_above_itself(two: Two, role: str) -> None:
    answers = {}
    with psycopg.connect(two.database.url(role), autocommit=True) as connection:
        for statement in RISES:
            try:
                connection.execute(statement.encode())
                answers[statement] = "done"
            except psycopg.Error as error:
                answers[statement] = str(error.sqlstate)
    assert {statement: answer for statement, answer in answers.items() if answer != "42501"} == {}


def test_copy_cannot_go_round_the_policies(app: psycopg.Connection, two: Two) -> None:
    _enter(app, two.context(two.a))
    with pytest.raises(errors.FeatureNotSupported, match="row-level security"):
        app.execute("copy records.finding from stdin")


def test_the_migrator_is_nobody_until_it_acts_as_the_owner(two: Two) -> None:
    with psycopg.connect(two.database.url("hat_migrator")) as connection:
        for table in TENANT_TABLES:
            with pytest.raises(errors.InsufficientPrivilege):
                _tenants(connection, table)
            connection.rollback()
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("set role hat_app")


def test_temporary_things_shadow_nothing(app: psycopg.Connection, two: Two) -> None:
    app.execute(
        "create temporary table context_key as select 1::smallint as id, "
        "convert_to(repeat('6', 64), 'UTF8') as inner_pad, convert_to(repeat(chr(92), 64), 'UTF8') as outer_pad"
    )
    app.execute(
        "create function pg_temp.sha256(bytea) returns bytea language sql as $$select convert_to('x', 'UTF8')$$"
    )
    app.execute(
        "create function pg_temp.now() returns timestamptz language sql as $$select '1970-01-01'::timestamptz$$"
    )
    app.execute("create temporary table pg_class (relname text)")
    for path in ("pg_temp, pg_catalog", "pg_temp, sec, pg_catalog", "records, pg_temp"):
        app.execute(sql.SQL("set local search_path = {}").format(sql.SQL(path)))
        _enter(app, signed(bytes(32), (two.b,), two.now + 60))
        assert _tenants(app, submission) == []
        _enter(app, f"{two.b}|{two.now + 60}|78")
        assert _tenants(app, submission) == []
        _enter(app, two.context(two.b, seconds=-30))
        assert _tenants(app, submission) == []
    app.execute("reset search_path")
    assert app.execute("select count(*) > 100 from pg_class").fetchone() == (True,)


@pytest.mark.parametrize("role", ["hat_national", "hat_reader", "hat_auditor", "hat_migrator"])
def test_only_those_who_stage_make_temporary_tables(database: Database, role: str) -> None:
    with psycopg.connect(database.url(role)) as connection:
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("create temporary table mine (n integer)")
        connection.rollback()
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("create function pg_temp.mine() returns integer language sql as 'select 1'")


# --- the other roles


@pytest.mark.parametrize("role", ["hat_national", "hat_reader", "hat_auditor"])
def test_the_other_roles_read_no_row_even_with_a_signed_context(two: Two, role: str) -> None:
    with psycopg.connect(two.database.url(role)) as connection:
        for table in TENANT_TABLES:
            _enter(connection, two.context(two.a, two.b))
            if role == "hat_auditor" and table.name == "audit":
                assert _tenants(connection, table) == [two.a, two.b]
                continue
            if role == "hat_national" and table.name == "audit":
                assert _tenants(connection, table) == []  # it sees the ends of the registry's own chain only
                continue
            with pytest.raises(errors.InsufficientPrivilege):
                _tenants(connection, table)
            connection.rollback()


def test_the_national_desk_reads_no_words_of_the_audit_log(two: Two) -> None:
    with psycopg.connect(two.database.url("hat_national")) as connection:
        for column in ("at", "actor", "role", "action", "object_type", "object_id", "detail"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(sql.SQL("select {} from records.audit").format(sql.Identifier(column)))
            connection.rollback()


def test_the_worker_sees_all_trusts_and_erases_without_rewriting(two: Two) -> None:
    with psycopg.connect(two.database.url("hat_jobs")) as connection:
        assert _tenants(connection, submission) == [two.a, two.b]
        connection.execute("update records.case_version set nhs_number_ct = null")
        connection.execute("update records.case_record set nhs_key = null")
        connection.execute("delete from records.payload")
        connection.commit()
        refused = (
            "delete from records.submission", "delete from records.case_version", "delete from records.audit",
            "update records.case_version set sex = 'x'", "update records.audit set actor = 'x'",
            "truncate records.payload", "select password_hash from register.person", "select * from release.cell_offset",
        )  # fmt: skip
        for statement in refused:
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()


def test_a_rounding_offset_once_drawn_stays(database: Database) -> None:
    with psycopg.connect(database.url("hat_national")) as connection:
        connection.execute('insert into release.cell_offset (cell_id, attempt, "offset") values (%s, 0, 3)', ["cell"])
        connection.commit()
        for statement in ('update release.cell_offset set "offset" = 0', "delete from release.cell_offset"):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()


def test_two_people_release(database: Database, admin: psycopg.Connection) -> None:
    """The rule stands in the table itself, whatever the code says."""
    ann = admin.execute(
        "insert into register.person (user_name, display_name) values ('ann', 'Ann') returning id"
    ).fetchone()
    assert ann is not None
    columns = (
        "state, title, cut_at, code_version, definition, grid_version, rules, prepared_by, prepared_by_name, data_hash"
    )
    values = [date(2026, 1, 20), *ann]
    said = "insert into release.publication ({}) values ({}, 't', %s, '1', '1.0', 1, '{{}}', %s, 'Ann', 'abc') returning id"
    with psycopg.connect(database.url("hat_national")) as connection:
        with pytest.raises(errors.RaiseException):
            connection.execute(said.format(columns, "'released'").encode(), values)
        connection.rollback()
        made = connection.execute(said.format(columns, "'draft'").encode(), values).fetchone()
        connection.commit()
        for state in ("released", "approved", "audited", "superseded"):
            with pytest.raises(errors.RaiseException):
                connection.execute("update release.publication set state = %s where id = %s", [state, *(made or ())])
            connection.rollback()


# --- the floor under all of it


def test_the_first_layer_is_not_the_only_one(store: Store, two: Two) -> None:
    """A query whose author forgot the trust finds its own rows only."""
    with store.readonly(tenants=(two.a,)) as connection:
        assert connection.scalars(select(match_map.c.tenant_id)).all() == [two.a]


def test_a_dump_shows_what_is_in_the_tables(two: Two) -> None:
    """The canaries of the other tests are looked for with this; so it has to find them, in texts and in raw bytes."""
    dumped = dump_everything(two.database)
    assert b"canary-of-a" in dumped
    assert dumped.count(b"canary-of-b") > 2 * len(TENANT_TABLES)
    assert b"canary-of-a".hex().encode() in dumped
