"""Making the demonstration on a service that runs: set up, send, count, release. Interrupted, it is taken up where it stopped."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn
from sqlalchemy import Connection

from registry.accounts import people
from registry.demo import learning, outlying, publishing
from registry.demo.generating import SEED, Returns, make_returns
from registry.demo.late import sendings
from registry.demo.marking import Mark
from registry.demo.risk_file import risk_assessment_file
from registry.demo.scene import Member
from registry.demo.sending import DemonstrationError, Sent, send_all
from registry.demo.setting import Setting, SigningIn, accounts, read_accounts, set_up, take_up, write_accounts
from registry.demo.window import Window
from registry.demo.written import Batch
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is made while the database starts: sign-ins with their slow hashes, and the returns, for so many releases and a draft."""

    everybody: Sequence[Member]
    window: Window
    signing_in: Future[SigningIn]
    returns: Future[Returns]
    releases: int


def ahead(mark: Mark, everybody: Sequence[Member], pool: Executor) -> Ahead:
    """Begin with what needs no database."""
    window = Window(mark.months, mark.day)
    returns = pool.submit(make_returns, everybody, months=mark.months, on=mark.day)
    return Ahead(everybody, window, pool.submit(accounts), returns, mark.releases)


class Stages:
    """The stages on a console, each with its bar and its seconds; a line for each where no bar can be drawn."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
        self._console = console
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)

    def __enter__(self) -> "Stages":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @contextmanager
    def stage(self, words: str, total: int = 1) -> Iterator[TaskID]:
        """One stage; its line tells how long it took once it is over."""
        began = time.monotonic()
        task = self._progress.add_task(words, total=total, told="")
        yield task
        told = f"{time.monotonic() - began:.1f} s"
        self._progress.update(task, completed=total, told=told)
        if not self._console.is_terminal:
            self._console.print(f"{words}: {told}")

    def on(self, task: TaskID, files: int) -> None:
        self._progress.advance(task, files)


def make(settings: Settings, prepared: Ahead, console: Console) -> None:
    """Everything from the register to the release, on the service at `settings.base_url`.

    Raises DemonstrationError where something is not taken as it should be.
    """
    store = Store.from_settings(settings, publishing.ROLES)
    secrets = Secrets.load(settings.secrets_dir, publishing.KEYS)
    try:
        with Stages(console) as stages:
            with stages.stage("Register, people and tokens"):
                setting = _setting(store, secrets, settings, prepared)
            with stages.stage("Invented returns"):
                made = prepared.returns.result()
                times = sendings(prepared.everybody, made, prepared.releases + 1)
            sent = _send(settings, times[0], setting, stages, "Returns sent as CSV")
            with stages.stage("Official risk assessments"):
                content = risk_assessment_file(prepared.everybody, made.months, prepared.window, seed=SEED)
                publishing.import_risk_assessments(store, setting.people, content)
            with stages.stage("Pairs and counts"):
                counted = publishing.count(store, secrets, settings)
            for number, files in enumerate(times[1:], 1):
                if publishing.releases(store) < number:
                    with stages.stage(f"Release {number}: prepared by one, audited, approved by two others"):
                        publishing.publish(store, setting.people, secrets, settings, lambda: datetime.now(UTC))
                sent = sent.and_then(_send(settings, files, setting, stages, "Late returns, cases and reviews"))
                with stages.stage("Counted again"):
                    counted = publishing.count(store, secrets, settings)
            with stages.stage("The next release handed to the audit"):
                publishing.hand_in(store, setting.people, secrets, settings, datetime.now(UTC))
            with stages.stage("Learning: offered, read by two, published"):
                learning.travel(learning.Stage(store, secrets, settings, setting.people, datetime.now(UTC)))
            with stages.stage("Outliers of a year, where two years are final"):
                outlying.judge(store, setting.people, datetime.now(UTC))
    finally:
        store.dispose()
    console.print(f"{sent.rows:,} rows in {sent.files:,} files; {counted['cases']:,} cases counted.")


def _setting(store: Store, secrets: Secrets, settings: Settings, prepared: Ahead) -> Setting:
    """Set up now, or as it was set up before. The sign-ins are written before the commit, so none is ever lost."""
    on = datetime.now(UTC).date() + timedelta(days=1)
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        before = read_accounts(settings.data_dir)
        setting = take_up(connection, prepared.everybody, before, on) if before else None
        if setting is None:
            _refuse_another(connection)
            signing_in = prepared.signing_in.result()
            setting = set_up(connection, prepared.everybody, prepared.window, signing_in, on, secrets=secrets)
        write_accounts(settings.data_dir, settings.base_url, setting.accounts)
    return setting


def _refuse_another(connection: Connection) -> None:
    """Nothing invented goes into a registry that people use."""
    if people.search(connection, limit=1):
        raise DemonstrationError("This database holds a registry that is no demonstration. Use another, or none.")


def _send(settings: Settings, files: Sequence[Batch], setting: Setting, stages: Stages, words: str) -> Sent:
    with stages.stage(words, len(files)) as task:
        return send_all(settings.base_url, files, setting.senders, seen=lambda _: stages.on(task, 1))
