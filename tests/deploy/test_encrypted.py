"""A Postgres on another machine: with `sslmode=verify-full` nothing is said to a server that does not show the right certificate.

The Postgres of these tests knows no TLS, so a front takes it off before it, as the protocol has it; the driver is the real one.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from registry.settings import Settings
from registry.store import Store
from tests.deploy.proxy import NAME, certificate

REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
"""SSLRequest, with which a client of Postgres asks for TLS before it says anything."""


@contextmanager
def front(port: int, folder: Path) -> Iterator[int]:
    """A server that speaks TLS with the certificate of `folder` and hands on what is said to `port`; gives its own port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def take() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    threading.Thread(target=_serve, args=(caller, context, port), daemon=True).start()

        threading.Thread(target=take, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _serve(caller: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with caller, suppress(OSError):
        if caller.recv(8, socket.MSG_WAITALL) != REQUEST:
            return
        caller.sendall(b"S")
        with (
            context.wrap_socket(caller, server_side=True) as inner,
            socket.create_connection(("127.0.0.1", port)) as beyond,
        ):
            back = threading.Thread(target=_pump, args=(beyond, inner), daemon=True)
            back.start()
            _pump(inner, beyond)
            beyond.shutdown(socket.SHUT_RDWR)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)


def _asks(settings: Settings, host: str, port: int, authority: Path) -> int:
    address = f"postgresql://{host}:{port}{urlsplit(str(settings.database_url)).path}"
    url = f"{address}?sslmode=verify-full&sslrootcert={authority}&gssencmode=disable"
    store = Store.from_settings(settings.model_copy(update={"database_url": url}))
    try:
        with store.readonly() as connection:
            return int(connection.exec_driver_sql("select 1").scalar_one())
    finally:
        store.dispose()


@pytest.fixture
def port(settings: Settings) -> int:
    return urlsplit(str(settings.database_url)).port or 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    certificate(tmp_path)
    return tmp_path


def test_a_server_with_the_right_certificate_is_spoken_to(settings: Settings, port: int, folder: Path) -> None:
    with front(port, folder) as encrypted:
        assert _asks(settings, NAME, encrypted, folder / "certificate.pem") == 1


def test_another_authority_s_certificate_is_refused(settings: Settings, port: int, folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    certificate(other)
    with front(port, folder) as encrypted, pytest.raises(OperationalError, match="certificate verify failed"):
        _asks(settings, NAME, encrypted, other / "certificate.pem")


def test_a_certificate_for_another_name_is_refused(settings: Settings, port: int, folder: Path) -> None:
    with front(port, folder) as encrypted, pytest.raises(OperationalError, match="does not match host name"):
        _asks(settings, "127.0.0.1", encrypted, folder / "certificate.pem")


def test_a_server_without_tls_is_refused(settings: Settings, port: int, folder: Path) -> None:
    with pytest.raises(OperationalError, match="does not support SSL"):
        _asks(settings, "127.0.0.1", port, folder / "certificate.pem")
