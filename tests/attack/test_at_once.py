"""Two things at the same moment: one code used by many in several processes, and somebody shut out while they sign in and while they send."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier, Event
from uuid import UUID, uuid4

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry import submissions
from registry.access import OPERATOR, Role
from registry.accounts import people, sessions
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.web.forgery import FORM_HEADER, cookie_name
from tests.make import cases, csv_bytes
from tests.registry.web.programs import screened
from tests.registry.web.visitors import HASH, House, house, token_of
from tests.running import free_port, service

pytestmark = pytest.mark.slow

MANY = 8


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    made = house(settings, store)
    screened(made)
    return made


def half(full: House, person: UUID) -> str:
    """The cookie of somebody who gave a password and no code yet."""
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return sessions.begin(connection, sessions.Account(person, HASH)) or ""


def disable(full: House, person: UUID) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, person, by=OPERATOR)


def all_at_once(each: Callable[[int], int], count: int) -> list[int]:
    """Begun at the same moment."""
    ready = Barrier(count, timeout=120)

    def begin(which: int) -> int:
        ready.wait()
        return each(which)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))


def test_of_many_who_give_one_code_to_several_processes_one_comes_in(settings: Settings, store: Store) -> None:
    port = free_port()
    changed = {"port": port, "base_url": f"http://127.0.0.1:{port}", "web_processes": 2}
    here = settings.model_copy(update=changed)
    full = house(here, store)
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    with service(here):
        clients = [client(here, half(full, anna)) for _ in range(MANY)]
        pages = [each.get("/second-factor") for each in clients]
        code = full.code("anna")

        def give(which: int) -> int:
            form = {"form_token": token_of(pages[which]), "code": code}
            return clients[which].post("/second-factor", data=form).status_code

        found = all_at_once(give, MANY)
        assert found.count(303) == 1, found
        assert set(found) <= {303, 401, 429}
        inside = [each for each, status in zip(clients, found, strict=True) if each.get("/account").status_code == 200]
        assert len(inside) == 1
        late = client(here, half(full, anna))
        form = {"form_token": token_of(late.get("/second-factor")), "code": code}
        assert late.post("/second-factor", data=form).status_code in (401, 429), "nor by anybody afterwards"
        for each in (*clients, late):
            each.close()


def client(settings: Settings, secret: str) -> httpx.Client:
    headers = {"Sec-Fetch-Site": "same-origin"}
    made = httpx.Client(base_url=settings.base_url, timeout=60, headers=headers)
    made.cookies.set(cookie_name(settings.base_url), secret, domain="127.0.0.1", path="/")
    return made


@pytest.mark.parametrize("turn", range(4))
def test_whoever_is_shut_out_while_signing_in_is_not_in(full: House, turn: int) -> None:
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    browsers, tokens = [full.browser() for _ in range(1 + turn)], []
    for each in browsers:
        each.cookies.set("hat", half(full, anna), domain="127.0.0.1", path="/")
        tokens.append(token_of(each.get("/second-factor")))
    code = full.code("anna")

    def act(which: int) -> int:
        if which == len(browsers):
            disable(full, anna)
            return 0
        return browsers[which].post("/second-factor", data={"form_token": tokens[which], "code": code}).status_code

    assert set(all_at_once(act, len(browsers) + 1)) <= {0, 303, 401}
    assert [each.get("/account").status_code for each in browsers] == [303] * len(browsers)


def test_whoever_is_shut_out_while_sending_sends_no_more(full: House, admin: psycopg.Connection) -> None:
    """What began before is whole and has its receipt; nothing that began after is taken."""
    anna = full.person("anna", (Role.TRUST_UPLOADER, "RRV"))
    browsers = [signed_in(full, anna) for _ in range(3)]
    out, under_way = Event(), Event()
    content = csv_bytes(cases(11))

    def send(browser: TestClient) -> list[tuple[bool, int]]:
        answered: list[tuple[bool, int]] = []
        while True:
            after = out.is_set()
            answered.append((after, deliver(browser, content)))
            under_way.set()
            if after:
                return answered

    with ThreadPoolExecutor(len(browsers)) as pool:
        sending = [pool.submit(send, each) for each in browsers]
        assert under_way.wait(120)
        disable(full, anna)
        out.set()
        answered = [each for one in sending for each in one.result(240)]
    assert {status for _, status in answered} <= {201, 202, 401, 429}, answered
    assert {status for after, status in answered if after} == {401}
    taken = sum(status in (201, 202) for _, status in answered)
    assert taken >= 1, "nothing is shown by this"
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))
    rows = admin.execute("select state, count(*) from records.submission group by state").fetchall()
    assert rows == [("accepted", taken)]


def signed_in(full: House, person: UUID) -> TestClient:
    browser = full.signed_in(person)
    browser.headers[FORM_HEADER] = token_of(browser.get("/account"))
    return browser


def deliver(browser: TestClient, content: bytes) -> int:
    return browser.post(
        "/api/submissions",
        params={"kind": "case", "opt_out_screened": "true"},
        content=content,
        headers={"Content-Type": "text/csv", "Idempotency-Key": uuid4().hex},
    ).status_code
