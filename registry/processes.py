"""The processes of one machine: Postgres, web and worker, started, watched and ended together by `hat up`.

- The supervisor holds the port and hands it to the web, so nobody else can take it and callers wait while the web starts again.
- One supervisor a data folder, by a lock. A second lock is inherited by web and worker: while one of an earlier run lives, the next
  waits for it. They end by themselves when the supervisor dies, since it holds the other end of their standard input.
- Postgres outlives a killed supervisor and is adopted by the next one.
- The logs of web and worker are files in the data folder.
"""

import contextlib
import fcntl
import http.client
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from registry import database, embedded, logs, register
from registry.access import OPERATOR
from registry.embedded import EmbeddedPostgresError, Server
from registry.settings import Secrets, Settings, role_url
from registry.store import SYSTEM_TENANT, Store

log = logging.getLogger(__name__)

ATTACHED = "--attached"
"""The option that has a child end with its starter."""
WEB, WORKER = "web", "worker"
COMMANDS = {WEB: "serve", WORKER: "work"}

LEAVING_SECONDS = 20.0
STOP_SECONDS = 15.0
READY_SECONDS = 60.0
POLL_SECONDS = 0.1
STEADY_SECONDS = 60.0
LONGEST_PAUSE = 30.0


class ProcessError(RuntimeError):
    """The registry cannot be started here; the words say why and what to do."""


@dataclass(slots=True)
class Child:
    """One of our processes: what it is now, how often in a row it died young, and when it may be started again."""

    name: str
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    deaths: int = 0
    started: float = 0.0
    due: float = 0.0

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Running:
    """What `running` started. `watch` keeps it alive until it is interrupted."""

    settings: Settings
    postgres: Server | None
    children: tuple[Child, ...]
    lock: int = field(repr=False)
    listening: socket.socket = field(repr=False)
    postgres_due: float = 0.0
    """When a Postgres that could not start is to be tried again."""

    @property
    def address(self) -> str:
        return self.settings.base_url

    def watch(self) -> None:
        """Start again whatever dies, until KeyboardInterrupt (Ctrl-C, or an ordered end)."""
        while True:
            self.look_after()
            time.sleep(POLL_SECONDS)

    def look_after(self) -> None:
        """Start again what has died; one that dies young again and again after a longer pause each time."""
        self._look_after_postgres()
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and not child.alive():
                self._mourn(child, now)
            if child.process is None and now >= child.due:
                self._start(child)

    def _look_after_postgres(self) -> None:
        """One that cannot start, as on a full disk, is tried again later: web and worker say meanwhile that the database is away."""
        now = time.monotonic()
        if self.postgres is None or now < self.postgres_due or self.postgres.alive():
            return
        log.warning("Postgres has ended and is started again")
        try:
            self.postgres = embedded.start(self.settings.postgres_dir)
        except EmbeddedPostgresError as error:
            log.error("%s", error)
            self.postgres_due = time.monotonic() + LONGEST_PAUSE / 3

    def _mourn(self, child: Child, now: float) -> None:
        assert child.process is not None
        log.warning(
            "%s has ended with %s and is started again; see %s", child.name, child.process.returncode, child.log
        )
        _close(child)
        child.deaths = 0 if now - child.started > STEADY_SECONDS else child.deaths + 1
        child.due = now + min(LONGEST_PAUSE, 0.25 * 2**child.deaths)

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        port = self.listening.fileno()
        options, handles = (["--listening", str(port)], [port]) if child.name == WEB else ([], [])
        with logs.opened(child.log) as into:
            child.process = subprocess.Popen(  # noqa: S603 (our own program, our own arguments)
                [sys.executable, "-m", "registry", COMMANDS[child.name], ATTACHED, *options],
                env=os.environ | environment(self.settings),
                stdin=subprocess.PIPE,
                stdout=into,
                stderr=into,
                pass_fds=(self.lock, *handles),
                start_new_session=True,  # Ctrl-C is for us; they end in their turn
            )

    def begin(self) -> None:
        """Start web and worker. Raises ProcessError if the web does not answer."""
        for child in self.children:
            self._start(child)
        until = time.monotonic() + READY_SECONDS
        web = self.children[0]
        while not _answers(self.settings):
            if not web.alive() or time.monotonic() > until:
                raise ProcessError(f"The web process did not start. Its log is {web.log}.")
            time.sleep(POLL_SECONDS)

    def end(self) -> None:
        """End web and worker, then Postgres."""
        for child in self.children:
            if child.alive():
                assert child.process is not None
                child.process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for child in self.children:
            _end(child, max(0.0, until - time.monotonic()))
        if self.postgres is not None:
            self.postgres.stop()


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Everything started: database made, migrated and filled with the starting register, web and worker at work; ended at the end.

    SIGTERM and SIGHUP end the block as Ctrl-C does, with KeyboardInterrupt; during the end itself all three are left unheard.
    Raises ProcessError, EmbeddedPostgresError, DatabaseError or SettingsError in words that say what to do.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _interrupted_by_signals(), _alone(settings) as lock, listen(settings) as listening:
        folder = settings.data_dir / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        postgres = None if settings.database_url else embedded.start(settings.postgres_dir)
        children = tuple(Child(name, folder / f"{name}.log") for name in COMMANDS)
        here = Running(settings, postgres, children, lock, listening)
        try:
            prepare(settings, postgres)
            here.begin()
            yield here
        finally:
            with _deaf():
                here.end()


def prepare(settings: Settings, postgres: Server | None) -> None:
    """Make and migrate the embedded database, or migrate the outside one; import the starting register where there is none."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if postgres is not None:
        database.prepare(postgres.admin_url, settings.secrets_dir)
    elif settings.database_url is not None:
        url = role_url(settings.database_url, settings.secrets_dir, "hat_migrator")
        database.migrate(url, settings.secrets_dir)
    store = Store.from_settings(settings)
    try:
        if settings.crash_safe:
            with store.readonly() as connection:
                database.require_safe(connection)
        with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
            if not register.organisations(connection):
                secrets = Secrets.load(settings.secrets_dir, ["master"])
                register.import_register(connection, register.starting_register(), secrets=secrets, by=OPERATOR)
    finally:
        store.dispose()


def environment(settings: Settings) -> dict[str, str]:
    """The settings that were given, as variables for another process of the same installation."""
    given = settings.model_dump(mode="json", include=settings.model_fields_set)
    return {
        f"HAT_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if value is not None
    }


# --- one at a time


@contextmanager
def _alone(settings: Settings) -> Iterator[int]:
    """Be the only supervisor of the data folder, with nothing left of an earlier one; gives the lock that children inherit."""
    with (settings.data_dir / "up.lock").open("wb") as own, (settings.data_dir / "parts.lock").open("wb") as inherited:
        if not _taken(own.fileno()):
            raise ProcessError(f"The registry already runs on {settings.data_dir}, at {settings.base_url}.")
        until = time.monotonic() + LEAVING_SECONDS
        while not _taken(inherited.fileno()):
            if time.monotonic() > until:
                raise ProcessError(f"Processes of an earlier run still work on {settings.data_dir}. End them first.")
            time.sleep(POLL_SECONDS)
        yield inherited.fileno()


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def listen(settings: Settings) -> socket.socket:
    """The port of the settings, listened on. Raises ProcessError where it is taken, or is not ours to take."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named by its protocol, for only then asyncio sends at once what is written: else each answer on a kept connection, which is
    # written in two parts, waits 40 ms for the other side's acknowledgement of the first.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise ProcessError(
            f"Port {settings.port} of {settings.host} cannot be had: {error.strerror}. "
            "End the program that uses it, or set HAT_PORT to another."
        ) from None
    return listening


def _answers(settings: Settings) -> bool:
    """Whether the web process answers; while it starts, callers wait at the open port."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (compared, not bound)
    asked = http.client.HTTPConnection(host, settings.port, timeout=1)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(asked):
        asked.request("GET", "/static/favicon.svg")
        return asked.getresponse().status < 500
    return False


# --- signals and ends


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with _handling({signal.SIGTERM: interrupt, signal.SIGHUP: interrupt, signal.SIGINT: interrupt}):
        yield


@contextmanager
def _deaf() -> Iterator[None]:
    """An end that has begun is gone through with."""
    with _handling(dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGINT), signal.SIG_IGN)):
        yield


@contextmanager
def _handling(handlers: "dict[signal.Signals, Callable[[int, object], None] | signal.Handlers]") -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: Child, patience: float) -> None:
    if child.process is None:
        return
    try:
        child.process.wait(patience)
    except subprocess.TimeoutExpired:
        log.warning("%s does not end and is killed", child.name)
        child.process.kill()
        child.process.wait()
    _close(child)


def _close(child: Child) -> None:
    if child.process is not None and child.process.stdin is not None:
        child.process.stdin.close()
    child.process = None


def end_with_starter() -> None:
    """In a child: end as ordered once the starter's end of our standard input is closed, as it is when the starter dies."""

    def wait() -> None:
        while os.read(0, 4096):  # not by sys.stdin, whose lock would be held when we end for another reason
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="starter", daemon=True).start()
