"""A draft on its way through the release desk, as people click it."""

import re
from datetime import date

import httpx2 as httpx
from starlette.testclient import TestClient

from registry.access import Role
from registry.publications import auditing
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.web.open_data.making import files
from tests.registry.publications.make import AT, hold_counts, safe, split_counts
from tests.registry.web.visitors import House, house, send, token_of

MARCH = date(2025, 3, 1)


def two_trusts(settings: Settings, store: Store, few: int = 9) -> House:
    """The registry with March 2025 of two trusts: 40 cases of 8,000 admissions, and `few` of 2,000."""
    made = house(settings, store)
    with store.transaction(role="hat_jobs") as connection:
        many = split_counts(40, overnight=30, preventable=8, not_investigated=2)
        hold_counts(connection, made.ids["RRV"], MARCH, many)
        rest = split_counts(few, overnight=few * 2 // 3, preventable=1, not_investigated=few * 4 // 9)
        hold_counts(connection, made.ids["RH5"], MARCH, rest, admissions=2_000, overnight=900)
    return made


def prepared(browser: TestClient, note: str = "") -> str:
    """The address of a new draft."""
    answer = send(browser, "/team/publications", {"note": note}, seen="/team")
    assert answer.status_code == 303, answer.text[-3000:]
    return str(answer.headers["location"])


def audited(doors: House, browser: TestClient, address: str) -> None:
    """Asked for by somebody, done as the worker does it, but for the verdict itself."""
    assert send(browser, f"{address}/audit", seen=address).status_code == 303
    keys = Secrets.load(doors.settings.secrets_dir, ["offset", "signing"])
    assert auditing.work(doors.store, keys, doors.settings, AT, files=files, judge=safe)["audited"] == 1


def approve(browser: TestClient, address: str, *, seen: str | None = None, code: str = "") -> httpx.Response:
    """What is on the page is approved; `seen` stands for another page that was looked at."""
    page = browser.get(address)
    found = re.search(r'name="seen" value="([0-9a-f]*)"', page.text)
    digest = seen if seen is not None else found[1] if found else ""
    data = {"form_token": token_of(page), "seen": digest, "code": code}
    return browser.post(f"{address}/approve", data=data)


def released(doors: House, analyst: TestClient, address: str) -> None:
    """Audited, approved by two others, public."""
    audited(doors, analyst, address)
    for name in ("first", "second"):
        person = doors.signed_in(doors.person(f"{name}.{address[-6:]}", (Role.NATIONAL_LEAD, None)))
        answer = approve(person, address)
    assert answer.headers["location"] == "/team?done=released"
