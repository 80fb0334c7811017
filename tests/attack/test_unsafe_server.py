"""Nothing starts on a Postgres that may lose what was acknowledged: each thing that it must not be is tried, and said."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from registry import database as making
from registry import embedded
from registry.embedded.program import account_for, program_for
from registry.settings import Settings, load
from registry.store.connections import DATABASE
from tests.running import ROOT, environment_of, free_port

pytestmark = pytest.mark.slow

SECONDS = 120


@pytest.fixture(scope="module")
def safe() -> Iterator[Settings]:
    """A registry on a Postgres that is stopped, to be started again as it must not be."""
    root = Path(tempfile.mkdtemp(prefix="hat-unsafe-"))
    root.chmod(0o755)  # as root, pg_checksums runs as somebody else
    server = embedded.start(root / "postgres")
    try:
        settings = load(data_dir=root, port=free_port(), demo=True)
        making.prepare(server.admin_url, settings.secrets_dir)
        server.stop()
        yield settings
    finally:
        server.stop()
        shutil.rmtree(root)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_with_this_off_is_refused(safe: Settings, name: str) -> None:
    _is_refused(safe, name, {name: "off"})


def test_a_role_for_which_a_commit_does_not_wait_is_refused(safe: Settings) -> None:
    """Of Postgres itself nothing is wrong then; what counts is what holds for who writes."""
    server = embedded.start(safe.postgres_dir)
    _every_role(server.admin_url, "set synchronous_commit = off")
    server.stop()
    try:
        _is_refused(safe, "synchronous_commit", {})
    finally:
        server = embedded.start(safe.postgres_dir)
        _every_role(server.admin_url, "reset synchronous_commit")
        server.stop()


def _every_role(url: str, change: str) -> None:
    with psycopg.connect(url, dbname=DATABASE, autocommit=True) as admin:
        for role in ("hat_app", "hat_jobs"):
            admin.execute(f"alter role {role} {change}".encode())


def test_a_server_without_checksums_is_refused(safe: Settings) -> None:
    _checksums(safe, "--disable")
    try:
        _is_refused(safe, "data_checksums", {})
    finally:
        _checksums(safe, "--enable")


def _checksums(settings: Settings, change: str) -> None:
    folder = settings.postgres_dir
    account = account_for(folder)
    program = program_for(folder, folder, account) / "bin" / "pg_checksums"
    done = subprocess.run(
        [str(program), change, "-D", str(folder / "data")],
        user=account.uid if account else None, group=account.gid if account else None, cwd="/",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _is_refused(settings: Settings, name: str, given: dict[str, str]) -> None:
    """Web and worker end at once and say what is off."""
    server = embedded.start(settings.postgres_dir, settings=given)
    try:
        for process in [_started(settings, command) for command in ("serve", "work")]:
            said, complained = process.communicate(timeout=SECONDS)
            assert process.returncode == 1, (said, complained)
            assert name in said + complained
    finally:
        server.stop()


def _started(settings: Settings, command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "registry", command],
        cwd=ROOT,
        env=environment_of(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
