"""Numbers on a port of their own, which no proxy leads to."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from registry.settings import Settings, SettingsError

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.registry import Collector

TOGETHER = "PROMETHEUS_MULTIPROC_DIR"
"""By this variable prometheus-client learns, as it is imported, that several processes count together."""


def together(settings: Settings, *, first: bool) -> Path | None:
    """Have the web processes of these settings count together, in a folder that the `first` of them makes anew; None without a port.

    To be called before anything imports prometheus-client; the siblings inherit it.
    """
    port = settings.metrics.web_port
    if port is None:
        return None
    folder = (settings.metrics.folder or settings.data_dir / "metrics") / str(port)
    if first:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ[TOGETHER] = str(folder)
    return folder


@contextmanager
def at(host: str, port: int | None, registry: "CollectorRegistry") -> Iterator[None]:
    """Answer `GET /metrics` from `registry` while the block lasts; nothing without a port. Raises SettingsError where it is taken."""
    if port is None:
        yield
        return
    from prometheus_client import start_http_server

    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise SettingsError(f"Port {port} of {host} for metrics cannot be had: {error.strerror}.") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def of_web(folder: Path, *more: "Collector") -> "CollectorRegistry":
    """The counts of all web processes together, those that have ended too, and what `more` collectors find at each look."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    from registry.operation.dead import Dead

    registry = CollectorRegistry()
    registry.register(Dead(folder))
    for each in more:
        registry.register(each)
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call] # it has no types; it registers itself
    return registry


def of_worker(*collectors: "Collector") -> "CollectorRegistry":
    """What `collectors` find at each look."""
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    for each in collectors:
        registry.register(each)
    return registry
