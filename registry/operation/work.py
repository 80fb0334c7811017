"""What stands in the database: what waits, what was done, whether its log is archived. Counts of the whole nation, no trust by itself."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import OperationalError

from registry.operation.runs import Tally
from registry.store import Store

JOBS = "hat_jobs"

_SUBMISSIONS = text("select state, door, count(*) as n from records.submission group by state, door")
_WAITING = text(
    "select count(*) as n, coalesce(extract(epoch from now() - min(received_at)), 0) as oldest "
    "from records.submission where state = 'received'"
)
_LETTERS = text(
    "select count(*) filter (where given_up_at is null) as waiting, count(*) filter (where given_up_at is not null) as given_up "
    "from records.outbox where sent_at is null"
)
_RUNS = text(
    """select job, count(*) filter (where fault is null and finished_at is not null) as good,
              count(*) filter (where fault is not null) as failed, count(*) filter (where finished_at is null) as at_work,
              extract(epoch from max(finished_at) filter (where fault is null)) as last
         from register.job_run group by job"""
)
_SERVER = text(
    """select pg_database_size(current_database()) as bytes,
              extract(epoch from pg_postmaster_start_time()) as since,
              (select failed_count from pg_stat_archiver) as failed,
              (select archived_count from pg_stat_archiver) as archived,
              (select extract(epoch from last_archived_time) from pg_stat_archiver) as last,
              current_setting('archive_mode') as mode"""
)
_CONNECTIONS = text(
    "select usename, count(*) as n from pg_stat_activity where datname = current_database() and usename like 'hat\\_%' group by 1"
)


class Work(Collector):
    """Looks with the worker's role. Where the database is away it says that and nothing else."""

    def __init__(self, store: Store, tally: Tally) -> None:
        self._store = store
        self._tally = tally

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from _constant(self._tally)
        try:
            with self._store.readonly(role=JOBS) as connection:
                found = [*_submissions(connection), *_letters(connection), *_runs(connection), *_server(connection)]
        except OperationalError:
            yield _gauge("hat_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("hat_database_up", "Whether the database answers.", 1)
        yield from found


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def _by(name: str, words: str, labels: list[str], rows: Iterable[tuple[list[str], float]]) -> Metric:
    made = GaugeMetricFamily(name, words, labels=labels)
    for values, number in rows:
        made.add_metric(values, float(number))
    return made


def _constant(tally: Tally) -> Iterator[Metric]:
    ended, last = tally.read()
    steps = CounterMetricFamily("hat_worker_runs", "Runs of this worker since it started.", labels=["job", "outcome"])
    for (job, good), number in ended.items():
        steps.add_metric([job, "good" if good else "failed"], number)
    yield steps
    words = "When a run of this worker last ended well."
    yield _by("hat_worker_last_success_timestamp_seconds", words, ["job"], (([job], at) for job, at in last.items()))


def _submissions(connection: Connection) -> Iterator[Metric]:
    rows = connection.execute(_SUBMISSIONS).all()
    words = "Submissions in the register, by state and door."
    yield _by("hat_submissions", words, ["state", "door"], (([each.state, each.door], each.n) for each in rows))
    waiting = connection.execute(_WAITING).one()
    yield _gauge("hat_submissions_waiting", "Submissions received and not yet checked.", waiting.n)
    yield _gauge("hat_submissions_oldest_waiting_seconds", "How long the oldest of them has waited.", waiting.oldest)


def _letters(connection: Connection) -> Iterator[Metric]:
    found = connection.execute(_LETTERS).one()
    yield _gauge("hat_letters_waiting", "Letters that have not left yet.", found.waiting)
    yield _gauge("hat_letters_given_up", "Letters that nobody would take.", found.given_up)


def _runs(connection: Connection) -> Iterator[Metric]:
    """Runs are kept for ninety days."""
    rows = connection.execute(_RUNS).all()
    outcomes = (([each.job, name], getattr(each, name)) for each in rows for name in ("good", "failed", "at_work"))
    yield _by("hat_job_runs", "Runs on record, by job and outcome.", ["job", "outcome"], outcomes)
    last = (([each.job], each.last) for each in rows if each.last is not None)
    yield _by("hat_job_last_success_timestamp_seconds", "When a run last ended well.", ["job"], last)


def _server(connection: Connection) -> Iterator[Metric]:
    found = connection.execute(_SERVER).one()
    yield _gauge("hat_database_bytes", "The database's size.", found.bytes)
    yield _gauge("hat_database_start_timestamp_seconds", "When its server started.", found.since)
    if found.mode != "off":
        yield from _archive(found)
    rows = connection.execute(_CONNECTIONS).all()
    words = "Connections to the database, by role."
    yield _by("hat_database_connections", words, ["role"], (([each.usename], each.n) for each in rows))


def _archive(found: Row[tuple[object, ...]]) -> Iterator[Metric]:
    yield CounterMetricFamily("hat_log_segments_archived", "Segments of the log archived.", value=found.archived)
    yield CounterMetricFamily("hat_log_segments_failed", "Segments that could not be archived.", value=found.failed)
    if found.last is not None:
        yield _gauge("hat_log_last_archived_timestamp_seconds", "When one last was.", found.last)
