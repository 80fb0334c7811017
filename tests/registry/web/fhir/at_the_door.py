"""Programs that send FHIR: requests as they make them, and what must be true of every answer."""

from typing import Any
from uuid import uuid4

import httpx2 as httpx
import orjson
import psycopg
from fhir.resources.R4B import get_fhir_model_class
from starlette.testclient import TestClient

from tests.make import nhs_number
from tests.registry.accounts.make import ALL_SCOPES, database_now, have_access, registered
from tests.registry.web.visitors import House

BASE = "/fhir/r4"
JSON = "application/fhir+json"
ANSWER = "application/fhir+json; fhirVersion=4.0"

CANARY = "Ochterlony"
CANARIES = (CANARY, nhs_number(777_777), "1931-07-19", "Quillfeather")
"""Values of one invented patient, none of which may be in any answer."""


def post(
    client: TestClient, resource: object, path: str = "", *, method: str = "POST", **headers: str
) -> httpx.Response:
    """A resource, or bytes, sent with the declaration; `headers` with underscores for dashes."""
    content = resource if isinstance(resource, bytes) else orjson.dumps(resource)
    given = {"Content-Type": JSON, "Opt-Out-Screened": "true"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return client.request(method, f"{BASE}{path}", content=content, headers=given)


def outcome(answer: httpx.Response, status: int) -> list[dict[str, Any]]:
    """The issues of a refusal: a valid OperationOutcome, the worst first, without a value."""
    assert answer.status_code == status, answer.text
    return issues(answer)


def issues(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"] == ANSWER
    body = answer.json()
    get_fhir_model_class("OperationOutcome").model_validate(body)
    found: list[dict[str, Any]] = body["issue"]
    assert "diagnostics" not in answer.text
    ranks = [["fatal", "error", "warning", "information"].index(each["severity"]) for each in found]
    assert ranks == sorted(ranks)
    for canary in CANARIES:
        assert canary not in answer.text
        assert canary not in str(answer.headers)
    return found


def rules(found: list[dict[str, Any]]) -> set[str]:
    """The numbers of the rules that were broken."""
    return {each["details"]["coding"][0]["code"] for each in found if "coding" in each["details"]}


def entries(answer: httpx.Response, kind: str = "transaction") -> list[dict[str, Any]]:
    """The responses in a response Bundle."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ANSWER
    body = answer.json()
    get_fhir_model_class("Bundle").model_validate(body)
    assert body["type"] == f"{kind}-response"
    return [entry["response"] for entry in body["entry"]]


def kept(admin: psycopg.Connection) -> dict[str, int]:
    """How many rows every table of the trusts' data has, the audit log too."""
    named = admin.execute(
        "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables "
        "where schemaname in ('records', 'audit') order by 1"
    ).fetchall()
    counts = {}
    for (name,) in named:
        row = admin.execute(f"select count(*) from {name}").fetchone()
        assert row is not None
        counts[name] = row[0]
    return counts


def machine(full: House, *codes: str, scope: str = " ".join(ALL_SCOPES)) -> TestClient:
    """A machine client with an access token of these scopes."""
    http = full.browser()
    http.headers.pop("Sec-Fetch-Site")
    secret = have_access(full, registered(full, *codes), database_now(full), scope)
    http.headers["Authorization"] = f"Bearer {secret}"
    return http


def new_name() -> str:
    return f"urn:uuid:{uuid4()}"
