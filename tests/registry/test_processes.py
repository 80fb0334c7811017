"""`hat up` as people use it: started, asked, killed in every part, interrupted, started again. Real processes, real Postgres."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from registry import embedded, logs, processes
from registry.processes import ProcessError
from registry.settings import Settings, load
from tests.conftest import Database

CANARY = "canary9434765919"


@dataclass(frozen=True)
class Up:
    """A running `hat up`."""

    process: "subprocess.Popen[str]"
    port: int
    folder: Path

    def status(self, path: str = "/") -> int:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as asked:
            asked.request("GET", path)
            return asked.getresponse().status

    def child(self, command: str) -> psutil.Process | None:
        """Web or worker, by the command it runs."""
        for each in psutil.Process(self.process.pid).children():
            with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
                if command in each.cmdline():
                    return each
        return None

    def log(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.log").read_text("utf-8")


def _until(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder; whatever Postgres still runs in it at the end is ended."""
    root = Path(tempfile.mkdtemp(prefix="hat-test-"))
    yield root
    if (root / "postgres" / "data" / "postmaster.pid").exists():
        embedded.start(root / "postgres").stop()
    shutil.rmtree(root)


def _command(folder: Path, port: int, **more: str) -> "subprocess.Popen[str]":
    environment = {"HAT_DATA_DIR": str(folder), "HAT_PORT": str(port), "HOME": str(folder), **more}
    command = [sys.executable, "-m", "registry", "up"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def _up(folder: Path, port: int = 0, **more: str) -> Iterator[Up]:
    """`hat up`, ready; interrupted at the end if it still runs, and its parts are waited for."""
    port = port or _free_port()
    process = _command(folder, port, **more)
    assert process.stdout is not None
    line = process.stdout.readline()
    if f"http://127.0.0.1:{port}" not in line:
        process.kill()
        pytest.fail(f"it did not start: {line}{process.communicate()[1]}")
    parts = psutil.Process(process.pid).children()
    try:
        yield Up(process, port, folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        psutil.wait_procs(parts, timeout=60)


@pytest.mark.slow
def test_it_starts_answers_ends_cleanly_and_keeps_its_data(folder: Path) -> None:
    with _up(folder) as first:
        assert first.status() == 200
        assert first.status(f"/nothing?number={CANARY}") == 404
        again = _command(folder, first.port)
        assert "already runs" in again.communicate(timeout=60)[1]
        assert again.returncode == 1
        with psycopg.connect(embedded.start(folder / "postgres").admin_url, dbname="hat", autocommit=True) as admin:
            assert admin.execute("select count(*) from register.organisation where code <> 'SYSTEM'").fetchone() == (
                143,
            )
            admin.execute("update register.organisation set town = 'Elsewhere' where code = 'RJZ'")
        parts = psutil.Process(first.process.pid).children()
        first.process.send_signal(signal.SIGTERM)
        said, complaints = first.process.communicate(timeout=60)
        assert (first.process.returncode, said, complaints) == (0, "The registry has ended.\n", "")
        assert not any(each.is_running() for each in parts)
        assert not (folder / "postgres" / "data" / "postmaster.pid").exists()
        assert CANARY not in first.log("web") + first.log("worker")
        assert "Traceback" not in first.log("web") + first.log("worker")
    with _up(folder, first.port) as second:
        assert second.status() == 200
        with psycopg.connect(embedded.start(folder / "postgres").admin_url, dbname="hat") as admin:
            towns = admin.execute("select town from register.organisation where code = 'RJZ'").fetchall()
            assert towns == [("Elsewhere",)]


def _kill_and_wait_for_another(here: Up, command: str) -> None:
    before = here.child(command)
    assert before is not None
    before.kill()
    _until(lambda: here.child(command) not in (before, None))


@pytest.mark.slow
def test_whatever_dies_is_started_again(folder: Path) -> None:
    with _up(folder) as here:
        for command in ("serve", "work"):
            _kill_and_wait_for_another(here, command)
            assert here.status() == 200
        server = embedded.start(folder / "postgres")
        psutil.Process(server.pid).kill()
        _until(lambda: here.status() == 200 and embedded.start(folder / "postgres").pid != server.pid)


@pytest.mark.slow
def test_a_postgres_that_cannot_start_is_tried_again_and_nothing_else_ends(folder: Path) -> None:
    with _up(folder) as here:
        parts = [here.child("serve"), here.child("work")]
        server = embedded.start(folder / "postgres")
        control = folder / "postgres" / "data" / "global" / "pg_control"
        control.rename(control.with_suffix(".aside"))
        psutil.Process(server.pid).kill()
        log = folder / "postgres" / "postgres.log"
        _until(lambda: here.status() == 503 and "pg_control" in log.read_text("utf-8"))
        control.with_suffix(".aside").rename(control)
        _until(lambda: here.status() == 200)
        assert [here.child("serve"), here.child("work")] == parts


@pytest.mark.slow
def test_after_the_supervisor_was_killed_its_parts_end_and_the_next_adopts_postgres(folder: Path) -> None:
    with _up(folder) as first:
        parts = [first.child("serve"), first.child("work")]
        server = embedded.start(folder / "postgres")
        first.process.kill()
        first.process.wait()
        with _up(folder, first.port) as second:
            assert second.status() == 200
            assert not any(each is not None and each.is_running() for each in parts)
            assert embedded.start(folder / "postgres").pid == server.pid
    assert not (folder / "postgres" / "data" / "postmaster.pid").exists()


@pytest.mark.slow
def test_an_outside_postgres_is_migrated_used_and_left_running(database: Database, folder: Path) -> None:
    url, secrets = database.address, str(database.secrets)
    with _up(folder, HAT_DATABASE_URL=url, HAT_SECRETS_DIR=secrets, HAT_CRASH_SAFE="false") as here:
        assert here.status() == 200
        assert not (folder / "postgres").exists()
    with psycopg.connect(database.admin_url) as admin:
        assert admin.execute("select count(*) from register.job_run where finished_at is not null").fetchone() != (0,)


def test_a_taken_port_is_told_and_nothing_is_started(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = _command(folder, port)
        _, complaints = process.communicate(timeout=60)
    assert process.returncode == 1
    assert complaints.startswith(f"Port {port} of 127.0.0.1 cannot be had: Address already in use. ")
    assert not (folder / "postgres").exists()


def test_settings_that_were_given_are_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = load(data_dir=tmp_path, port=9999, counting={"match_days": 21}, base_url="https://registry.example")
    handed = processes.environment(given)
    assert json.loads(handed["HAT_COUNTING"])["match_days"] == 21
    for name, value in handed.items():
        monkeypatch.setenv(name, value)
    assert load() == given


def test_a_port_of_another_machine_cannot_be_had() -> None:
    with pytest.raises(ProcessError, match="set HAT_PORT"):
        processes.listen(Settings(host="192.0.2.1", base_url="https://registry.example"))


def test_what_is_written_to_a_connection_is_sent_at_once() -> None:
    """asyncio sees to that for sockets that it knows to be TCP; those that are accepted are what the one listened on is."""
    with processes.listen(Settings(port=_free_port())) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP


def test_a_log_tells_of_a_fault_its_kind_and_place_and_never_its_words() -> None:
    program = (
        "import logging, threading\n"
        "from registry import logs\n"
        "logs.without_words()\n"
        f"def fail(): raise ValueError('{CANARY}')\n"
        "try:\n    fail()\nexcept ValueError:\n    logging.getLogger('x').exception('it failed')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "fail()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("ValueError") == 3
    assert done.stderr.count(" fail") >= 3
    assert CANARY not in done.stderr


def test_a_large_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 3)
    path = tmp_path / "web.log"
    for words in (b"one.", b"two.", b"three"):
        with logs.opened(path) as handle, open(handle, "wb", closefd=False) as file:
            file.write(words)
    assert (path.read_bytes(), (tmp_path / "web.log.1").read_bytes()) == (b"three", b"two.")
    assert path.stat().st_mode & 0o777 == 0o600
