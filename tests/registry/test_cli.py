"""The `hat` command: quick to ask, clear in what it says, and doing what it says on a real database."""

import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from typer.testing import CliRunner, Result

from registry import __main__ as hat
from registry.jobs import TIMETABLE
from registry.register import starting_register
from registry.settings import LOGINS, Settings
from registry.submissions import Mode
from schemas import publish
from schemas.record import RecordKind
from tests.conftest import Database

SLOW = ("alembic", "apscheduler", "cryptography", "fastapi", "httpx2", "numpy", "polars", "psycopg", "sqlalchemy", "uvicorn", "schemas", "ingest")  # fmt: skip


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        "HAT_DATA_DIR": str(settings.data_dir),
        "HAT_SECRETS_DIR": str(settings.secrets_dir),
        "HAT_DATABASE_URL": str(settings.database_url),
    }


def _run(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(hat.program, arguments, env=environment, catch_exceptions=False)


def _hat(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "registry", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


# --- asking


@pytest.mark.parametrize("arguments", [["--help"], ["submit", "--help"], ["database", "create", "--help"]])
def test_asking_for_help_imports_nothing_slow(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "registry", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "typer" in imported
    slow = (
        SLOW if len(arguments) > 1 else (*SLOW, "pydantic")
    )  # typer itself asks pydantic about a command's parameters
    assert sorted(name for name in imported if name.partition(".")[0] in slow) == []
    assert {name for name in imported if name.startswith("registry.")} <= {"registry.__main__"}


def test_every_command_has_words_of_its_own() -> None:
    result = _run({"COLUMNS": "200"}, "--help")
    commands = ("up", "serve", "work", "run", "demo", "submit", "publish", "database", "user", "register", "audit")
    for command in commands:
        assert re.search(rf"│ {command} +[A-Z].*\.", result.output), command


def test_what_the_command_line_offers_is_what_there_is() -> None:
    assert get_args(hat.Kind) == tuple(RecordKind)
    assert get_args(hat.Mode) == tuple(Mode)
    assert get_args(hat.JobName) == tuple(job.name for job in TIMETABLE)


@pytest.mark.parametrize("arguments", [["fly"], ["run", "nothing"], ["submit", "absent.csv", "--kind", "case"]])
def test_a_wrong_command_is_said(arguments: list[str]) -> None:
    done = _hat({}, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "from registry.settings import *; make_secrets(load().secrets_dir)"], env={"HAT_DATA_DIR": str(tmp_path)}, check=True)  # fmt: skip
    done = _hat({"HAT_DATA_DIR": str(tmp_path)}, "database", "migrate")
    assert done.returncode == 1
    assert done.stderr == (
        "There is no database yet. Run `hat up`, which starts the embedded Postgres, or set HAT_DATABASE_URL.\n"
    )


def test_a_database_that_is_away_is_said_without_a_trace(settings: Settings, environment: dict[str, str]) -> None:
    done = _hat(environment | {"HAT_DATABASE_URL": "postgresql://127.0.0.1:9/hat"}, "run", "runs")
    assert done.returncode == 1
    assert done.stderr == "The database cannot be reached, or cannot do this (OperationalError).\n"


# --- the database


def test_a_database_is_made_migrated_and_found_right(
    database: Database, tmp_path: Path, admin: psycopg.Connection
) -> None:
    environment = {
        "HAT_SECRETS_DIR": str(database.secrets),
        "HAT_DATA_DIR": str(tmp_path),
        "HAT_DATABASE_URL": database.address.replace(database.name, f"{database.name}_new"),
    }
    try:
        assert _run(environment, "database", "create", "--admin-url", database.admin_url).exit_code == 0
        assert _run(environment, "database", "migrate").exit_code == 0
        assert _run(environment, "database", "migrate").exit_code == 0
        checked = _run(environment, "database", "check")
        assert "fsync is off" in checked.output  # the tests' server gives durability up
        assert checked.exit_code == 1
    finally:
        admin.execute(f"drop database if exists {database.name}_new with (force)")


def test_a_role_that_cannot_sign_in_is_named(environment: dict[str, str]) -> None:
    result = _run(environment | {"HAT_DATABASE_URL": "postgresql://127.0.0.1:9/hat"}, "database", "check")
    assert result.exit_code == 1
    assert all(f"{role} cannot sign in to postgresql://127.0.0.1:9/hat." in result.output for role in LOGINS)


# --- people, register, audit


def test_a_first_administrator_gets_a_link(environment: dict[str, str], admin: psycopg.Connection) -> None:
    result = _run(environment, "user", "create-admin", "Chief")
    assert re.search(r"^http://127\.0\.0\.1:8080/set-password/[\w-]{43}$", result.output, re.MULTILINE)
    assert admin.execute("select user_name from register.person").fetchall() == [("chief",)]
    again = _run(environment, "user", "reset", "chief")
    assert "/set-password/" in again.output
    assert again.output != result.output


def test_what_cannot_be_done_for_a_user_is_said(environment: dict[str, str]) -> None:
    assert _hat(environment, "user", "reset", "nobody").returncode == 1
    assert _hat(environment, "user", "reset-factor", "nobody").returncode == 1
    done = _hat(environment, "user", "create-admin", "x")
    assert done.returncode == 1
    assert "user_name: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_register_is_imported(environment: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "organisations.csv"
    path.write_bytes(starting_register())
    assert "143 organisations joined, 0 were changed." in _run(environment, "register", "import", str(path)).output
    assert "0 organisations joined, 0 were changed." in _run(environment, "register", "import", str(path)).output


def test_the_audit_log_is_verified_also_against_anchors(
    environment: dict[str, str], tmp_path: Path, admin: psycopg.Connection
) -> None:
    anchors = tmp_path / "anchors.json"
    _run(environment, "user", "create-admin", "chief")
    first = _run(environment, "audit", "verify", "--anchors", str(anchors))
    assert (first.exit_code, "2 entries of 1 chains, 0 faults." in first.output) == (0, True)
    assert json.loads(anchors.read_text("ascii"))["0"]["sequence"] == 2
    admin.execute("delete from records.audit where sequence = 2")
    assert _run(environment, "audit", "verify").exit_code == 0  # a cut end shows only against an anchor
    cut = _run(environment, "audit", "verify", "--anchors", str(anchors))
    assert (cut.exit_code, "the entry noted elsewhere is missing" in cut.output) == (1, True)
    admin.execute("update records.audit set actor = 'another' where sequence = 1")
    assert "entry 1: this entry" in _run(environment, "audit", "verify").output


# --- jobs and the dataset


@pytest.mark.parametrize("job", [job.name for job in TIMETABLE])
def test_any_job_is_run_by_hand_and_shows_its_effect(
    environment: dict[str, str], job: str, admin: psycopg.Connection
) -> None:
    for _ in range(2):
        result = _run(environment, "run", job)
        assert result.exit_code == 0, result.output
    recorded = admin.execute("select job, fault from register.job_run where finished_at is not null").fetchall()
    assert recorded == [(job, None)] * 2


def test_a_job_is_run_as_on_a_day_which_must_have_come(environment: dict[str, str], admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into register.job_run (job, due, claimed_by) values ('old', '2026-01-02', 'x'), ('new', '2026-03-02', 'x')"
    )
    result = _run(environment, "run", "runs", "--date", "2026-05-01")
    assert re.search(r"forgotten +│ +1 ", result.output)
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    assert _run(environment, "run", "runs", "--date", tomorrow.isoformat()).exit_code == 2
    assert date.fromisoformat("2026-05-01") < tomorrow


def test_the_dataset_is_published_where_it_is_committed(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish.write, "__defaults__", (tmp_path,))
    result = _run(environment, "publish")
    assert result.exit_code == 0
    assert set(result.output.split()) == {path.name for path in tmp_path.rglob("*.*")}
    assert "case.csv" in result.output
