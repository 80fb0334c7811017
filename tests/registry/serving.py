"""The application served over real sockets, with a worker beside it, for tests of what sends to it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import uvicorn

from registry import submissions
from registry.app import create_app
from registry.settings import Secrets, Settings, load
from registry.store import Store
from tests.conftest import Database
from tests.registry.web import programs
from tests.registry.web.visitors import House, house


@contextmanager
def registry_at_its_address(database: Database, store: Store, folder: Path) -> Iterator[House]:
    """A registry that answers at its address; files of more than five rows wait for a worker."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings = load(
        data_dir=folder / "data",
        secrets_dir=database.secrets,
        database_url=database.address,
        port=listening.getsockname()[1],
        small_rows=5,
    )
    made = house(settings, store)
    programs.screened(made)
    with served(made, listening):
        yield made


@contextmanager
def served(made: House, listening: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(create_app(made.settings, made.store), log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def worker(settings: Settings, store: Store) -> Iterator[None]:
    """Work on what waits, as `hat work` does."""
    stop, keys = Event(), Secrets.load(settings.secrets_dir, ["master", "match"])

    def work() -> None:
        while not stop.wait(0.02):
            submissions.work_waiting(store, keys, settings, datetime.now(UTC))

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
