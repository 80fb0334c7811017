"""Somebody's access ends while what they sent is on its way, or waits: what was acknowledged is whole, and nothing more is taken from them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from registry import submissions
from registry.settings import Secrets, Settings
from registry.store import Store
from tests.make import cases, csv_bytes
from tests.registry.web.programs import program, screened, send_file
from tests.registry.web.visitors import House, house

ROWS = 11


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    """Where files of more than ten rows wait for the worker."""
    made = house(settings, store)
    screened(made)
    return House(settings.model_copy(update={"small_rows": 10}), store, made.ids)


def revoke_all(admin: psycopg.Connection) -> None:
    admin.execute("update register.api_token set revoked_at = now()")
    admin.commit()


def states(admin: psycopg.Connection) -> list[tuple[str, int]]:
    return admin.execute("select state, coalesce(new, 0) from records.submission").fetchall()


def work(full: House) -> None:
    keys = Secrets.load(full.settings.secrets_dir, ["master", "match"])
    submissions.work_waiting(full.store, keys, full.settings, datetime.now(UTC))


def sent_in_parts(client: TestClient, parts: list[bytes], between: Callable[[], None]) -> int:
    """Send one file in parts, with something happening between them; gives the status that was answered."""
    answered: list[int] = []
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if len(left) < len(parts):
            between()
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    headers = {**client.headers, "content-type": "text/csv", "idempotency-key": uuid4().hex, "host": "testserver"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/api/submissions", "raw_path": b"/api/submissions",
        "query_string": b"kind=case&opt_out_screened=true", "root_path": "", "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()], "state": {},
    }  # fmt: skip
    asyncio.run(client.app(scope, receive, send))  # type: ignore[arg-type] # plain dicts are what a server gives
    return answered[0]


def test_what_waits_is_worked_on_and_nothing_more_is_taken(full: House, admin: psycopg.Connection) -> None:
    client = program(full, "RRV")
    assert send_file(client, csv_bytes(cases(ROWS))).status_code == 202
    revoke_all(admin)
    assert send_file(client).status_code == 401
    work(full)
    assert states(admin) == [("accepted", ROWS)]


def test_an_upload_that_began_before_is_finished_whole(full: House, admin: psycopg.Connection) -> None:
    client = program(full, "RRV")
    whole = csv_bytes(cases(ROWS))
    halves = [whole[: len(whole) // 2], whole[len(whole) // 2 :]]
    assert sent_in_parts(client, halves, lambda: revoke_all(admin)) == 202
    work(full)
    assert states(admin) == [("accepted", ROWS)]
    assert sent_in_parts(client, halves, lambda: None) == 401
