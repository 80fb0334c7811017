"""How the benchmarks measure: CPU seconds of this process and of the whole Postgres, peak memory, medians."""

import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import psycopg

from registry import database, embedded
from registry.embedded import Server
from registry.settings import LOGINS, Settings, load
from registry.store import Store

COPY = "copy plain from stdin (format csv, header, on_error ignore, log_verbosity silent)"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its yardstick. `bar` is what it must not exceed, as a ratio or in the figure's unit."""

    name: str
    figure: float
    unit: str
    yardstick: str
    yardstick_figure: float
    ratio: float
    bar: float

    @property
    def met(self) -> bool:
        return self.ratio <= self.bar


def beside(
    name: str, figure: float, yardstick: str, yardstick_figure: float, bar: float, unit: str = "µs a row"
) -> Figure:
    return Figure(name, figure, unit, yardstick, yardstick_figure, figure / yardstick_figure, bar)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A durable Postgres of the benchmarks' own, with a migrated registry in it."""

    server: Server
    settings: Settings
    store: Store
    admin: str

    def cpu(self) -> float:
        """CPU seconds of all Postgres processes so far, ended ones included."""
        postmaster = psutil.Process(self.server.pid)
        spent = postmaster.cpu_times()
        total = spent.user + spent.system + spent.children_user + spent.children_system
        for child in postmaster.children(recursive=True):
            try:
                own = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += own.user + own.system
        return total

    def spent(self, work: Callable[[], object]) -> float:
        """CPU seconds of client and server for a piece of work."""
        gc.collect()
        server, client = self.cpu(), time.process_time()
        work()
        return (self.cpu() - server) + (time.process_time() - client)


@contextmanager
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="hat-bench-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        server = embedded.start(root / "postgres", durable=True)
        try:
            database.prepare(server.admin_url, root / "secrets", "hat")
            settings = load(data_dir=root, secrets_dir=root / "secrets", database_url=server.address("hat"), demo=True)
            store = Store.from_settings(settings, roles=LOGINS)
            try:
                yield Cluster(server, settings, store, server.admin_url.rsplit("/", 1)[0] + "/hat")
            finally:
                store.dispose()
        finally:
            server.stop()


def copy_cpu(cluster: Cluster, path: Path, columns: str, rounds: int = 3) -> float:
    """Median CPU seconds of a plain COPY of the same file into a typed, logged table without an index."""

    # One connection for all rounds: what a backend spent can only be read while it lives.
    with psycopg.connect(cluster.admin, autocommit=True) as connection:

        def copy() -> None:
            with connection.cursor() as cursor, cursor.copy(COPY) as sink, path.open("rb") as file:
                while block := file.read(1 << 20):
                    sink.write(block)

        spent = []
        for _ in range(rounds):
            connection.execute("drop table if exists plain")
            connection.execute(f"create table plain ({columns})".encode())
            spent.append(cluster.spent(copy))
        connection.execute("drop table plain")
    return statistics.median(spent)


def peak_growth(program: str, *arguments: str) -> float:
    """Megabytes by which a Python process grew over idle at its peak, told by the process itself on its last line."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    return float(done.stdout.split()[-1])


def write(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(each) | {"met": each.met} for each in figures]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
