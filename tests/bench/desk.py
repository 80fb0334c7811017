"""The pages of the desk on the running service, with 100,000 cases held: worklist and case page, twenty people at once."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx2 as httpx
import psycopg

from registry.access import Role
from registry.cases import take_in_work
from registry.settings import Secrets
from registry.store import SYSTEM_TENANT
from tests.bench import load
from tests.bench.measure import Cluster, Figure, beside
from tests.bench.rows import write_cases
from tests.registry.web.visitors import House, whole_session
from tests.registry.web.visitors import house as fill
from tests.running import free_port, service

OURS = "RH5"
"""A trust with a predecessor, so that every list is made of two trusts' cases."""
CASES = 100_000
OPEN_SHARE = 0.2
"""Of the cases something is still to be done with: more than any trust has open."""
USERS = 20
WARMING = 8.0
"""Seconds until each process and connection has seen the statements of a page."""
SECONDS = 20.0
THINKING = 1.0
"""Seconds between two pages of one person: a fast one."""
BAR = 100.0


@dataclass(frozen=True)
class Desk:
    """The service with the trust's cases, and a browser for each person."""

    browsers: tuple[httpx.Client, ...]
    cases: tuple[str, ...]


def pages(cluster: Cluster, folder: Path) -> Iterator[Figure]:
    """The slowest twentieth of each page, as the browser waits for it."""
    with _running(cluster, folder) as desk:
        chance = random.Random(1)
        lists = ("", "?whose=overdue", "?whose=mine", "?whose=nobody", "?state=rca_open", *_further(desk.browsers[0]))
        yield _figure("the worklist", desk, lambda: f"/trust/worklist{chance.choice(lists)}")
        yield _figure("the page of a case", desk, lambda: f"/trust/cases/{chance.choice(desk.cases)}")
        months = [f"?month=2024-{month:02d}" for month in range(1, 13)]
        queries = ("", "?state=closed", "?vte_type=dvt", "?specialty=340", *months)
        yield _figure("the list of cases", desk, lambda: f"/trust/cases{chance.choice(queries)}")


def _figure(name: str, desk: Desk, address: Callable[[], str]) -> Figure:
    _all_read(desk, address, WARMING)
    spent = sorted(_all_read(desk, address, SECONDS))
    assert len(spent) > USERS * SECONDS / THINKING / 2
    return beside(
        f"{name} with {CASES:,} cases, {USERS} people reading a page a second, 95th percentile",
        spent[int(len(spent) * 0.95)] * 1e3,
        "the bar of 100 ms",
        BAR,
        bar=1.0,
        unit="ms",
    )


def _all_read(desk: Desk, address: Callable[[], str], seconds: float) -> list[float]:
    """How long each page took, with all people at it for so long."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(USERS) as people:
        return [one for found in people.map(lambda each: _read(each, address, until), desk.browsers) for one in found]


def _read(browser: httpx.Client, address: Callable[[], str], until: float) -> list[float]:
    """How long each page took one person."""
    chance, spent = random.Random(id(browser)), []
    time.sleep(chance.random() * THINKING)
    while time.monotonic() < until:
        spent.append(_open(browser, address()))
        time.sleep(max(0.0, THINKING - spent[-1]))
    return spent


def _open(browser: httpx.Client, address: str) -> float:
    started = time.monotonic()
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return time.monotonic() - started


def _further(browser: httpx.Client) -> list[str]:
    """Places deep in the worklist: the last dates there are, and what has none."""
    return [f"?after=2026-{month:02d}-01_{uuid4()}" for month in (1, 6, 12)] + [f"?after=-_{uuid4()}"]


@contextmanager
def _running(cluster: Cluster, folder: Path) -> Iterator[Desk]:
    port = free_port()
    here = cluster.settings.model_copy(
        update={"port": port, "base_url": f"http://127.0.0.1:{port}", "data_dir": folder / uuid4().hex}
    )
    full: House = fill(here, cluster.store)
    path = folder / "desk.csv"
    write_cases(path, CASES, start=7_000_000)
    load.store(cluster, path, CASES, full.ids[OURS])
    people = [full.person(f"nurse-{place}-{uuid4().hex[:6]}", (Role.VTE_NURSE, OURS)) for place in range(USERS)]
    cases = _at_work(cluster, full.ids[OURS], [str(each) for each in people])
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secrets = [whole_session(connection, each) for each in people]
    with service(here) as running:
        browsers = tuple(
            httpx.Client(base_url=running.address, cookies={"hat": secret}, timeout=60) for secret in secrets
        )
        try:
            yield Desk(browsers, cases)
        finally:
            for each in browsers:
                each.close()


def _at_work(cluster: Cluster, tenant: int, people: list[str]) -> tuple[str, ...]:
    """All cases taken in, most of them over, the rest in every open state, with and without a person; gives some of them."""
    keys = Secrets.load(cluster.settings.secrets_dir, ["master", "match"])
    take_in_work(cluster.store, keys, cluster.settings, datetime.now(UTC))
    with psycopg.connect(cluster.admin, autocommit=True) as admin:
        admin.execute(
            """
            update records.case_work set
                   state = case when random() > %(open)s then 'closed'
                                else (array['suspected', 'confirmed', 'rca_open', 'with_consultant', 'second_reading'])
                                     [1 + floor(random() * 5)::int] end,
                   due_on = case when random() < 0.02 then null else date '2026-01-01' + (random() * 400)::int end,
                   assigned_to = case when random() < 0.5 then (cast(%(people)s as uuid[]))[1 + floor(random() * %(count)s)::int] end
             where tenant_id = %(tenant)s
            """,
            {"open": OPEN_SHARE, "people": people, "count": len(people), "tenant": tenant},
        )
        admin.execute("vacuum analyze")
        rows = admin.execute(
            "select case_id::text from records.case_work where tenant_id = %s order by random() limit 2000", [tenant]
        ).fetchall()
    return tuple(row[0] for row in rows)
