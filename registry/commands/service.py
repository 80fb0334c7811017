"""`hat up`, `serve`, `work` and `run`: the registry's processes."""

import logging
import os
import signal
from datetime import date
from threading import Event

import typer
import uvicorn
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from registry import claims, jobs, logs, processes, timeline
from registry.commands.siblings import Port, Server, Siblings
from registry.commands.timely import Timely
from registry.demo import marking, running
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


def demo(months: int) -> None:
    """Start the demonstration, made first where there is none."""
    logs.without_words(logging.WARNING)
    running.run(load(), months)


def serve(*, attached: bool, listening: int | None, beside: bool = False) -> None:
    """The web process, and as many more `beside` it as the settings say. `listening` is the handle of a port that its starter holds."""
    logs.without_words()
    settings = load()
    port = Port(fileno=processes.listen(settings).detach() if listening is None else listening)
    if attached:
        processes.end_with_starter()
    # First of all the others, so that all are ready at about the same time.
    with Siblings(0 if beside else settings.web_processes - 1, port) as others:
        _answer(settings, port, others)


def _answer(settings: Settings, port: Port, others: Siblings) -> None:
    from registry.app import create_app

    store = Store.from_settings(settings, roles=WEB_ROLES, shared_by=settings.web_processes)
    _refuse_copies(store)
    # The access log would hold addresses with what people searched for; the service's own audit says who did what.
    config = uvicorn.Config(
        create_app(settings, store),
        http=Timely,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=1,
    )
    Server(config, others).run(sockets=[port])
    store.dispose()


def _refuse_copies(store: Store) -> None:
    """A database that is away for the moment may be there when somebody asks; one that nobody adopted is not served."""
    try:
        with store.readonly() as connection:
            timeline.require_adopted(connection)
    except OperationalError:
        log.warning("the database cannot be reached yet")


def work(*, attached: bool) -> None:
    """The worker process. A run that does not end in time is left: its work is rolled back and taken over."""
    logs.without_words()
    means = jobs.open_means(load())
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if attached:
        processes.end_with_starter()
    if not jobs.work(jobs.TIMETABLE, means, stop):
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
