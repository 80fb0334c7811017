"""Migrations that a running registry does not notice: each is linted, waits for nobody long, and takes the rows of the last release along."""

import re
import threading
from pathlib import Path

import psycopg
import pytest

import migrations
from registry import database as making
from registry.database import LIMITS, DatabaseError
from registry.embedded import Server
from registry.settings import role_url
from tests.conftest import Database
from tests.deploy.linting import HARNESS, faults, revisions, statements

NEW = "Nothing was released before it, so every table that it touches is empty wherever it runs."
ACCEPTED = {
    "0007": {"require-concurrent-index-creation": NEW},
    "0009": {"require-concurrent-index-creation": NEW},
    "0010": {"require-concurrent-index-creation": NEW, "constraint-missing-not-valid": NEW},
    "0011": {
        "adding-serial-primary-key-field": NEW,
        "ban-drop-column": NEW,
        "ban-drop-constraint": NEW,
        "ban-drop-not-null": NEW,
        "constraint-missing-not-valid": NEW,
    },
    "0013": {"prefer-identity": NEW},
    "0018": {"require-concurrent-index-creation": NEW},
    "0019": {"require-concurrent-index-creation": NEW, "constraint-missing-not-valid": NEW},
    "0022": {"require-concurrent-index-creation": NEW},
}
"""Which rules a migration breaks, each with its reason. From the first release on: none, but for a step that comes one release after
nothing used any more what it takes away."""
TASTE = {"prefer-bigint-over-int", "prefer-bigint-over-smallint"}
"""Numbers of organisations, counts of a file's rows and shares of a scale are small for good."""

UNSAFE = {
    "adding-required-field": "alter table records.submission add column checked_by text not null;",
    "require-concurrent-index-creation": "create index ix_new on records.submission (kind);",
    "constraint-missing-not-valid": "alter table records.submission add constraint c check (rows >= 0);",
    "adding-foreign-key-constraint": "alter table records.submission add constraint f foreign key (tenant_id) references register.organisation (id);",
    "renaming-column": "alter table records.submission rename column kind to what;",
    "ban-drop-column": "alter table records.submission drop column door;",
    "changing-column-type": "alter table records.submission alter column rows type bigint;",
    "ban-drop-table": "drop table records.progress;",
}
SAFE = "alter table records.submission add column noted text; create table records.new (id bigint primary key, words text);"


def test_every_migration_is_safe_or_says_why_it_may_be(server: Server, secrets_folder: Path, template: str, tmp_path: Path) -> None:  # fmt: skip
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute("drop database if exists hat_linted with (force)")
    making.create(server.admin_url, secrets_folder, "hat_linted")
    url = role_url(server.address("hat_linted"), secrets_folder, "hat_migrator")
    found = {revision: faults(sql, tmp_path) - TASTE for revision, sql in statements(url)}
    assert {revision: rules for revision, rules in found.items() if rules} == {
        revision: set(reasons) for revision, reasons in ACCEPTED.items()
    }
    assert list(found) == revisions()


@pytest.mark.parametrize("rule", UNSAFE)
def test_what_would_stop_a_running_registry_is_found(rule: str, tmp_path: Path) -> None:
    assert rule in faults(UNSAFE[rule], tmp_path)


def test_what_adds_and_touches_nothing_passes(tmp_path: Path) -> None:
    assert faults(SAFE, tmp_path) - TASTE <= {"prefer-text-field"}


def test_the_linter_is_told_of_the_limits_that_migrations_really_have() -> None:
    seconds = LIMITS["hat_migrator"][1]
    assert f"statement_timeout = '{seconds}s'" in HARNESS
    assert "lock_timeout = '2s'" in HARNESS


def test_whoever_holds_a_table_is_waited_for_a_while_and_never_cut_off(database: Database) -> None:
    """A reader's transaction goes on; the migration gives its place up, comes back, and gets its turn when the reader has gone."""
    with psycopg.connect(database.admin_url) as reader:
        reader.execute("lock table sec.context_key in access exclusive mode")
        url = database.url("hat_migrator")
        with pytest.raises(DatabaseError, match="3 tries"):
            making.migrate(url, database.secrets, tries=3, pause=0, lock_milliseconds=30)
        done = threading.Thread(
            target=making.migrate, args=(url, database.secrets), kwargs={"tries": 100, "pause": 0.05}
        )
        done.start()
        assert reader.execute("select count(*) from sec.context_key").fetchone() == (1,)
        reader.commit()
        done.join(60)
        assert not done.is_alive()


def test_each_says_how_it_is_taken_back_or_why_it_is_not() -> None:
    """What a newer step holds would mostly be lost: the way back is a backup then, which the drill takes."""
    for path in sorted((Path(migrations.__file__).parent / "versions").glob("0*.py")):
        down = path.read_text("utf-8").partition("def downgrade() -> None:")[2]
        refused = re.search(r'raise NotImplementedError\(\s*"[A-Z].{20,}', down)
        assert refused or re.search(r"^    (?:op\.|for )", down, re.MULTILINE), path.name
