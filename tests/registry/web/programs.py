"""Programs at the doors: clients with a token, and a file sent as they send one."""

from uuid import uuid4

import httpx2 as httpx
from starlette.testclient import TestClient

from registry import register
from registry.access import OPERATOR, Role
from registry.accounts import tokens
from registry.register import Mode, OptOut
from registry.store import SYSTEM_TENANT
from tests.make import cases, csv_bytes
from tests.registry.web.visitors import House

CSV = "text/csv"


def screened(house: House) -> None:
    """Let senders in England declare the national data opt-out with each file."""
    with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.set_opt_out(connection, OptOut("England", Mode.SCREENED), by=OPERATOR)


def program(house: House, *codes: str, role: Role = Role.TRUST_UPLOADER) -> TestClient:
    """A client with a token for some organisations."""
    name = f"somebody-{uuid4().hex[:8]}"
    person = house.person(name)
    with house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        token = tokens.make(
            connection,
            name=name,
            role=role,
            organisations=[house.ids[code] for code in codes],
            by=OPERATOR,
            made_by=person,
        )
    client = house.browser()
    client.headers = httpx.Headers({"Authorization": f"Bearer {token}"})
    return client


def send_file(
    client: TestClient, content: bytes = b"", *, key: str = "", media: str = CSV, **parameters: str
) -> httpx.Response:
    """`POST /api/submissions` with a raw body; by default three good cases, screened, under a new key."""
    asked = {"kind": "case", "opt_out_screened": "true"} | parameters
    return client.post(
        "/api/submissions",
        params={name: value for name, value in asked.items() if value},
        content=content or csv_bytes(cases(3)),
        headers={"Content-Type": media, "Idempotency-Key": key or uuid4().hex},
    )
