"""The public pages on the running service, as their readers wait for them, with 10,000 and with 1,000,000 cases behind the release.

They read the frozen release alone, whose size depends on places and months and never on cases; so the two must not differ. Measured are
the first reading of each page after a release, when nothing is kept yet, and reading at random once it is.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx2 as httpx
import psycopg

from registry.measures import MEASURES
from tests.bench.measure import Cluster, Figure, beside
from tests.conftest import Database
from tests.registry.web.released import nation, publish
from tests.running import free_port, service

TRUSTS, MONTHS = 143, 60
FEW, MANY = 10_000, 1_000_000
READS, TURNS = 300, 4
BAR = 50.0
RATIO = 1.2


def public_pages(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """The slowest twentieth of the pages of one mix: measures, regions, funnel, trusts, files.

    The two releases take turns, so that what else the machine does falls on both alike.
    """
    with _running(cluster, folder) as browser:
        releases, first, spent = {}, {}, {FEW: [0.0], MANY: [0.0]}
        for cases in (FEW, MANY):
            releases[cases] = _publish(cluster, cases)
            addresses = _addresses(browser)
            first[cases] = sorted(_open(browser, each) for each in addresses)
        for _ in range(TURNS):
            for cases, release in releases.items():
                _make_latest(cluster, release)
                spent[cases] += _read(browser, addresses)
        plain = sorted(_open(browser, "/accessibility") for _ in range(READS))
    few, many = (_slow(spent[cases]) for cases in (FEW, MANY))
    name = f"a public page with {MANY:,} cases behind it, 95th percentile"
    yield beside(
        f"{name}, first reading after a release", _slow(first[MANY]), "the bar of 200 ms", 200, bar=1.0, unit="ms"
    )
    yield beside(name, many, "the bar of 50 ms", BAR, bar=1.0, unit="ms")
    yield beside(f"{name}, beside {FEW:,} cases", many, f"with {FEW:,} cases", few, bar=RATIO, unit="ms")
    yield beside(
        f"{name}, beside a page without figures", many, "the page on accessibility", _slow(plain), bar=5.0, unit="ms"
    )


def _slow(spent: list[float]) -> float:
    return sorted(spent)[int(len(spent) * 0.95)]


def _publish(cluster: Cluster, cases: int) -> UUID:
    given = nation(TRUSTS - 2, MONTHS, mean=cases / TRUSTS / MONTHS)
    return publish(Database("hat", "", cluster.admin, cluster.settings.secrets_dir), given)


def _make_latest(cluster: Cluster, release: UUID) -> None:
    with psycopg.connect(cluster.admin, autocommit=True) as admin:
        admin.execute("update published.release set latest = (id = %s)", [release])


def _read(browser: httpx.Client, addresses: list[str]) -> list[float]:
    """Every page once, so that it is kept, and then so many at random."""
    chance = random.Random(1)
    for each in addresses:
        _open(browser, each)
    return [_open(browser, chance.choice(addresses)) for _ in range(READS)]


def _addresses(browser: httpx.Client) -> list[str]:
    codes = [line.split(",")[0] for line in browser.get("/figures/trusts.csv").text.splitlines()[1 : TRUSTS + 1]]
    found = [
        "/",
        "/figures",
        "/figures/trusts",
        "/figures/compare",
        "/figures/regions/y58",
        "/about/data",
        "/about/patients",
    ]
    for measure in MEASURES:
        found += [f"/figures/{measure}", f"/figures/{measure}/regions", f"/figures/{measure}.csv"]
    return [*found, *(f"/figures/trusts/{code}" for code in sorted(set(codes)))]


def _open(browser: httpx.Client, address: str) -> float:
    """Milliseconds until the whole answer is there."""
    started = time.perf_counter()
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return (time.perf_counter() - started) * 1e3


@contextmanager
def _running(cluster: Cluster, folder: Path) -> Iterator[httpx.Client]:
    port = free_port()
    here = cluster.settings.model_copy(
        update={"port": port, "base_url": f"http://127.0.0.1:{port}", "data_dir": folder / uuid4().hex}
    )
    with service(here) as running, httpx.Client(base_url=running.address, timeout=60) as browser:
        yield browser
