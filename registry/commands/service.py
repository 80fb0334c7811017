"""`hat up`, `serve`, `work` and `run`: the registry's processes."""

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event

import typer
import uvicorn
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from registry import claims, database, jobs, logs, processes, timeline
from registry.commands.siblings import Port, Server, Siblings
from registry.commands.timely import Timely
from registry.demo import marking, running, setting
from registry.operation import exposed
from registry.operation.traces import begin
from registry.settings import Settings, load
from registry.store import Store

log = logging.getLogger(__name__)

WEB_ROLES = ("hat_app", "hat_reader", "hat_national")
GRACE_SECONDS = 10


def up() -> None:
    """Start everything and keep it going until Ctrl-C."""
    logs.without_words(logging.WARNING)
    settings = marking.as_demonstration(load())
    try:
        with processes.running(settings) as here:
            typer.echo(f"The registry is at {here.address} (Ctrl-C ends it). Its data are in {settings.data_dir}.")
            here.watch()
    except KeyboardInterrupt:
        typer.echo("The registry has ended.")


def demo(months: int, releases: int) -> None:
    """Start the demonstration, made first where there is none."""
    logs.without_words(logging.WARNING)
    running.run(load(), months, releases=releases)


def demo_code(user_name: str) -> bool:
    """Show the code of a demonstration's sign-in; gives whether there is one of that name."""
    found = setting.code_of(load().data_dir, user_name, datetime.now(UTC))
    if found is None:
        typer.echo(
            "No sign-in of the demonstration has this user name. They stand in accounts.json in the data folder."
        )
        return False
    typer.echo(f"{found[0]}  (for {found[1]} seconds more; each code is good once)")
    return True


def serve(*, attached: bool, listening: int | None, beside: bool = False) -> None:
    """The web process, and as many more `beside` it as the settings say. `listening` is the handle of a port that its starter holds."""
    logs.without_words(lines=True)
    settings = load()
    counts = exposed.together(settings, first=not beside)
    port = Port(fileno=processes.listen(settings).detach() if listening is None else listening)
    if attached:
        processes.end_with_starter()
    # First of all the others, so that all are ready at about the same time.
    with Siblings(0 if beside else settings.web_processes - 1, port) as others:
        _answer(settings, port, others, None if beside else counts)


def _answer(settings: Settings, port: Port, others: Siblings, counts: Path | None) -> None:
    """Answer at the port. The counts of all web processes in the folder `counts` are shown at theirs."""
    # Not before it is settled that they count together.
    from registry.app import create_app
    from registry.operation.requests import count_connections

    count_connections()
    traces = begin(settings.traces, processes.WEB)
    store = Store.from_settings(settings, roles=WEB_ROLES, shared_by=settings.web_processes)
    _refuse_unfit(store, settings)
    # The access log would hold addresses with what people searched for; the service's own audit says who did what.
    config = uvicorn.Config(
        create_app(settings, store, traces),
        http=Timely,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=1,
    )
    with _web_numbers(settings, store, counts):
        Server(config, others).run(sockets=[port])
    store.dispose()
    traces.end()


@contextmanager
def _web_numbers(settings: Settings, store: Store, counts: Path | None) -> Iterator[None]:
    if counts is None:
        yield
        return
    from registry.operation.keys import keys
    from registry.operation.machine import Machine
    from registry.operation.standby import standby

    shown = exposed.of_web(counts, Machine(settings), standby(store), keys(store))
    with exposed.at(settings.metrics.host, settings.metrics.web_port, shown):
        yield


@contextmanager
def _worker_numbers(settings: Settings, means: jobs.Means) -> Iterator[None]:
    if settings.metrics.worker_port is None:
        yield
        return
    from registry.operation.machine import Machine
    from registry.operation.work import Work

    shown = exposed.of_worker(Machine(settings), Work(means.store, means.tally))
    with exposed.at(settings.metrics.host, settings.metrics.worker_port, shown):
        yield


def _refuse_unfit(store: Store, settings: Settings) -> None:
    """A database that is away for the moment may be there when somebody asks; one that nobody adopted, or that may lose what was
    acknowledged, is not served."""
    try:
        with store.readonly() as connection:
            timeline.require_adopted(connection)
            if settings.crash_safe:
                database.require_safe(connection)
    except OperationalError:
        log.warning("the database cannot be reached yet")


def _refuse_unfit_for_work(means: jobs.Means, settings: Settings) -> None:
    """A worker waits beside a copy that nobody adopted, and says so; it does not work on a database that may lose its work."""
    if not settings.crash_safe:
        return
    try:
        with means.store.readonly(role=claims.JOBS) as connection:
            database.require_safe(connection)
    except OperationalError:
        log.warning("the database cannot be reached yet")


def work(*, attached: bool) -> None:
    """The worker process. A run that does not end in time is left: its work is rolled back and taken over."""
    logs.without_words(lines=True)
    settings = load()
    means = jobs.open_means(settings)
    _refuse_unfit_for_work(means, settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if attached:
        processes.end_with_starter()
    with _worker_numbers(settings, means):
        ended = jobs.work(jobs.TIMETABLE, means, stop)
    means.traces.end()
    if not ended:
        os._exit(0)  # an ordinary end would wait for the thread of that run
    means.store.dispose()


def run(name: str, day: date | None) -> bool:
    """Run one job now, or as it would have run on a day, and show its effect; gives whether it ended well."""
    job = jobs.job_named(name)
    assert job is not None, "the command line offers the timetable's names only"
    means = jobs.open_means(load())
    try:
        return _show(jobs.attempt(job, claims.clock(means.store), means, at=job.when.on(day) if day else None))
    finally:
        means.store.dispose()


def _show(outcome: jobs.Outcome | None) -> bool:
    console = Console()
    if outcome is None:
        console.print("A run of this job is at work. Wait until it has ended.")
        return False
    if outcome.effect is None:
        console.print(f"It failed: {outcome.fault or 'the connection to the database was lost'}.")
        return False
    table = Table("Effect", "Count")
    for what, count in outcome.effect.items():
        table.add_row(what.replace("_", " "), f"{count:,}")
    console.print(table if outcome.effect else "There was nothing to do.")
    return True
