"""Reading, checking, encrypting and storing cases, beside a plain COPY of the same file in the same run."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy.dialects import postgresql

from ingest.check import Context
from ingest.files import open_file
from registry import submissions
from registry.settings import Secrets
from registry.store.records import sql_type
from registry.submissions import Door, Format, Mode, Request
from schemas.codelist import Nation
from schemas.dictionary import fields
from schemas.record import RecordKind
from tests.bench.measure import Cluster, Figure, beside, copy_cpu, peak_growth
from tests.bench.rows import write_cases
from tests.registry.make import make_organisation

AT = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)
ROWS = 100_000
CODES = iter(f"R{first}{second}" for first in "BCDEFGH" for second in "0123456789")


def columns() -> str:
    """The typed columns of a plain table for the same file."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its constructor untyped
    return ", ".join(f'"{each.name}" {sql_type(each.holds.dtype).compile(dialect)}' for each in fields(RecordKind.CASE))


def checking(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """Reading and checking alone, one row in a hundred faulty, with all findings."""
    path = folder / "faulty.csv"
    write_cases(path, ROWS, faulty=0.01)
    yardstick = copy_cpu(cluster, path, columns())
    spent = statistics.median(_check(path) for _ in range(3))
    yield beside(
        "read and check 100,000 cases, 1 % faulty, all findings",
        spent / ROWS * 1e6,
        "plain COPY of the same file",
        yardstick / ROWS * 1e6,
        bar=3.0,
    )


def _check(path: Path) -> float:
    context = Context(nation=Nation.ENGLAND, sender="RJZ", on=AT.date(), synthetic=True)
    started = time.process_time()
    reading = open_file(path, RecordKind.CASE, Format.CSV.value, context)
    for batch in reading.batches():
        batch.standing()
    assert reading.report.rows == ROWS
    assert reading.report.errors > ROWS * 0.009
    return time.process_time() - started


def loading(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """From the received bytes to sealed rows in the real, indexed, versioned tables."""
    path = folder / "good.csv"
    write_cases(path, ROWS)
    yardstick = copy_cpu(cluster, path, columns())
    spent = statistics.median(cluster.spent(lambda: store(cluster, path, ROWS)) for _ in range(3))
    yield beside(
        f"receive, check, seal and store {ROWS:,} cases of {len(fields(RecordKind.CASE))} columns",
        spent / ROWS * 1e6,
        "plain COPY of the same file",
        yardstick / ROWS * 1e6,
        bar=10.0,
    )


def store(cluster: Cluster, path: Path, rows: int, tenant: int | None = None) -> None:
    """One submission as the worker does it, for a trust of its own unless one is given."""
    keys = Secrets.load(cluster.settings.secrets_dir, ["master", "match"])
    holder = tenant or make_organisation(cluster.store, cluster.settings, code=next(CODES))
    request = Request(
        tenant_id=holder,
        kind=RecordKind.CASE,
        format=Format.CSV,
        mode=Mode.ALL_OR_NOTHING,
        rehearsal=False,
        door=Door.API,
        actor="bench",
        role="trust_uploader",
        idempotency_key=uuid4().hex,
        opt_out_screened=True,
    )
    with cluster.store.transaction(tenants=(holder,)) as connection:
        opened = submissions.open_keys(connection, keys, holder)
        reference = submissions.receive(connection, request, opened, path, at=AT)
    submissions.work_one(cluster.store, reference, keys, cluster.settings, at=AT)
    with cluster.store.readonly(tenants=(holder,)) as connection:
        receipt = submissions.get(connection, reference)
    assert (receipt.state, receipt.new) == ("accepted", rows), receipt


def growth(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """What one more file costs a row with 10,000 cases held by its trust, and with 1,000,000."""
    few, many, more = folder / "few.csv", folder / "many.csv", folder / "more.csv"
    write_cases(few, 10_000, start=2_000_000)
    write_cases(many, 250_000)
    write_cases(more, 20_000, start=3_000_000)
    small = make_organisation(cluster.store, cluster.settings, code=next(CODES))
    store(cluster, few, 10_000, small)
    beside_few = cluster.spent(lambda: store(cluster, more, 20_000, small))
    large = make_organisation(cluster.store, cluster.settings, code=next(CODES))
    for part in range(4):
        write_cases(many, 250_000, start=part * 250_000)
        store(cluster, many, 250_000, large)
    beside_many = cluster.spent(lambda: store(cluster, more, 20_000, large))
    yield beside(
        "store a case with 1,000,000 held",
        beside_many / 20_000 * 1e6,
        "the same with 10,000 held",
        beside_few / 20_000 * 1e6,
        bar=1.3,
    )


PEAK = """
import re, sys
from datetime import date
from pathlib import Path
from ingest.check import Context
from ingest.files import open_file
from registry.submissions.keys import TenantKeys
from registry.submissions import staging
from schemas.codelist import Nation
from schemas.record import RecordKind

def peak():  # of this program alone: the figure of getrusage begins with that of the program that started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

data, match = bytes(range(32)), {"nhs_key": bytes(range(3, 35))}
keys = TenantKeys(data=data, version=1, opens={1: data}, root=bytes(range(1, 33)), content=bytes(range(2, 34)), match=match)
idle = peak()
context = Context(nation=Nation.ENGLAND, sender="RJZ", on=date(2026, 1, 20), synthetic=True)
reading = open_file(Path(sys.argv[1]), RecordKind.CASE, "csv", context)
for batch in reading.batches():
    for block in staging.blocks(batch.standing(), RecordKind.CASE, 1, keys):
        pass
    del batch
print(peak() - idle)
"""


def memory(_: Cluster, folder: Path) -> Iterator[Figure]:
    """Peak memory over idle of reading, checking and sealing, for a small file and for one of a million rows."""
    small, large = folder / "small.csv", folder / "large.csv"
    write_cases(small, 10_000)
    write_cases(large, 1_000_000)
    of_small, of_large = peak_growth(PEAK, str(small)), peak_growth(PEAK, str(large))
    yield beside("peak memory over idle, 1,000,000 rows", of_large, "the bar of 150 MB", 150.0, bar=1.0, unit="MB")
    yield beside(
        "peak memory over idle, 1,000,000 rows", of_large, "100,000 rows or fewer", of_small, bar=3.0, unit="MB"
    )
