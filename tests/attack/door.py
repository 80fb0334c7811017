"""The real door for tests that attack it: uvicorn on loopback in a thread, what it logs, raw requests, and the state of all data."""

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2 as httpx
import psycopg
import uvicorn
from psycopg import sql

from registry.app import create_app
from registry.commands.timely import Timely
from registry.store.tables import metadata
from tests.registry.web.visitors import House
from tests.running import free_port, until

RECEIPTS = frozenset(
    {
        "records.submission",
        "records.payload",
        "records.finding",
        "records.tally",
        "records.record_change",
        "records.month_effect",
        "records.audit",
    }
)
"""What grows when a file is received and refused: its receipt. All else stays as it is."""
CLOCKS = frozenset({"register.session", "register.api_token", "register.job_run"})


@dataclass
class Door:
    """A running service, a program's token for it, and everything it has logged."""

    address: str
    token: str = field(repr=False)
    logged: "Log"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=60, headers={"Authorization": f"Bearer {self.token}"})

    def raw(self, request: bytes) -> bytes:
        """What is answered to these very bytes, which no client would send; they ask for the connection to be closed."""
        parts = urlsplit(self.address)
        with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as connection:
            connection.sendall(request)
            answer = bytearray()
            while block := connection.recv(65536):
                answer += block
        return bytes(answer)

    def get(self, target: bytes) -> bytes:
        """A raw GET of a path as it stands."""
        host = urlsplit(self.address).netloc
        head = f"Host: {host}\r\nAuthorization: Bearer {self.token}\r\nConnection: close\r\n\r\n"
        return self.raw(b"GET " + target + b" HTTP/1.1\r\n" + head.encode())


class Log(logging.Handler):
    """Every line that any part of the service logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def open_door(house: House, token: str) -> Iterator[Door]:
    """The application of a house behind uvicorn, ended with the block."""
    port = free_port()
    settings = house.settings.model_copy(update={"port": port, "base_url": f"http://127.0.0.1:{port}"})
    config = uvicorn.Config(
        create_app(settings, house.store),
        host="127.0.0.1",
        port=port,
        http=Timely,
        log_config=None,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    log = Log()
    logging.getLogger().addHandler(log)
    thread.start()
    try:
        until(lambda: server.started, 20, "uvicorn does not start")
        yield Door(settings.base_url, token, log)
    finally:
        server.should_exit = True
        thread.join()
        logging.getLogger().removeHandler(log)


@dataclass(frozen=True)
class State:
    """A digest of every row of every table, by table."""

    rows: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, admin: psycopg.Connection) -> "State":
        tables = [table for table in metadata.sorted_tables if f"{table.schema}.{table.name}" not in CLOCKS]
        return cls(
            {f"{table.schema}.{table.name}": _digests(admin, table.schema or "", table.name) for table in tables}
        )

    def intact(self, after: "State") -> list[str]:
        """The tables in which anything was lost or changed; or added, but for receipts."""
        return [
            name
            for name, rows in self.rows.items()
            if (rows - after.rows[name] if name in RECEIPTS else rows != after.rows[name])
        ]

    def same(self, after: "State") -> list[str]:
        """The tables in which anything is different at all."""
        return [name for name, rows in self.rows.items() if rows != after.rows[name]]


def _digests(admin: psycopg.Connection, schema: str, name: str) -> frozenset[str]:
    query = sql.SQL("select md5(t::text) from {} t").format(sql.Identifier(schema, name))
    return frozenset(row[0] for row in admin.execute(query))
