"""The registry as a service of its own, and people who come to it with a browser."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from itertools import count
from pathlib import Path

from playwright.sync_api import Browser

from registry.notices.carriers import folder_of
from registry.settings import Settings
from registry.store import Store
from tests.journeys import guide_pictures
from tests.journeys.browsing import SECONDS, Visitor, chromium, visitor
from tests.registry.web.programs import screened
from tests.registry.web.visitors import PASSWORD, House, house
from tests.running import ROOT, Service, environment_of, free_port, service, until

PICTURES = ROOT / "build" / "screenshots"
"""A folder for each journey: kept with what CI made."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """The service, the browser, and where files and pictures lie. `met`: the names of all that people met on its pages."""

    service: Service
    house: House
    browser: Browser
    folder: Path
    pictures: Path
    scripts: bool = True
    met: set[str] = field(default_factory=set)
    broken_off: bool = False
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Pictures are numbered through the journey, whoever takes them."""

    @contextmanager
    def signed_in(self, name: str, *, scripts: bool | None = None, phone: bool = False) -> Iterator[Visitor]:
        with self.window(name, scripts=scripts, phone=phone) as person:
            person.open("/sign-in")
            person.signs_in(name, PASSWORD)
            yield person

    @contextmanager
    def window(self, name: str, *, scripts: bool | None = None, phone: bool = False) -> Iterator[Visitor]:
        with_scripts = self.scripts if scripts is None else scripts
        address = self.service.address
        with visitor(self.browser, name, address, self.pictures, scripts=with_scripts, phone=phone) as person:
            person.numbers = self.numbers
            person.app = self.house.code
            try:
                yield person
            except BaseException:
                self.broken_off = True
                raise
            self.met |= person.met

    def run(self, *jobs: str) -> None:
        """By hand, as an operator does what the worker would do in its time."""
        for job in jobs:
            command = [sys.executable, "-m", "registry", "run", job]
            ran = subprocess.run(
                command, env=environment_of(self.service.settings), cwd=ROOT, capture_output=True, check=False
            )
            assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()

    def letter_to(self, address: str) -> str:
        """What the worker sent to an address; the first, if there are several."""
        folder = folder_of(self.service.settings)
        found: list[str] = []

        def came() -> bool:
            sent = [message_from_bytes(each.read_bytes(), policy=default) for each in sorted(folder.glob("*.eml"))]
            found.extend(each.get_content() for each in sent if each["To"] == address)
            return bool(found)

        until(came, SECONDS / 1000, f"no letter came to {address}", pause=0.5)
        return found[0]


@contextmanager
def world(settings: Settings, store: Store, folder: Path, journey: str, *, scripts: bool = True) -> Iterator[World]:
    """A demonstration on this store: senders in England may declare the opt-out, and nobody has signed in yet."""
    port = free_port()
    here = settings.model_copy(update={"port": port, "base_url": f"http://127.0.0.1:{port}", "demo": True})
    full = house(here, store)
    screened(full)
    with chromium() as browser, service(here) as running:
        made = World(running, full, browser, folder, PICTURES / journey, scripts)
        yield made
        if not made.broken_off:
            guide_pictures.tells_the_truth(journey, made.met)
