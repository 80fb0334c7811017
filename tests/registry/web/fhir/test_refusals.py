"""What is answered below /fhir when nothing is done: one shape, no number of ours but with faults, nothing of what was sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from fhir.resources.R4B.operationoutcome import OperationOutcome
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from registry.web import edge, problems
from registry.web.bodies import StrictRoute
from registry.web.fhir import refusals
from tests.registry.web.small import BASE_URL, CANARY, RAISED, Body, small_app

STATUS = {
    "conflict": (409, "conflict"),
    "not-found": (404, "not-found"),
    "too-many": (429, "throttled"),
    "nul": (400, "invalid"),
    "deadlock": (503, "transient"),
    "no-connection": (503, "transient"),
    "pool": (503, "transient"),
    "disk": (507, "no-store"),
    "integrity": (500, "exception"),
    "value": (500, "exception"),
    "recursion": (500, "exception"),
}

router = APIRouter(prefix="/fhir/r4", route_class=StrictRoute)


@router.get("/raise/{name}")
def raise_to_sender(name: str) -> None:
    raise RAISED[name]


@router.post("/things")
def write(body: Body) -> dict[str, int]:
    return {"count": body.count}


@pytest.fixture(scope="module")
def http() -> Iterator[TestClient]:
    app = small_app()
    app.user_middleware.append(Middleware(refusals.OnlyJson))
    problems.install(app, {refusals.AREA: refusals.respond})
    app.include_router(router)
    with TestClient(app, base_url=BASE_URL) as client:
        yield client


def told(response: Any) -> list[dict[str, Any]]:
    """The issues of an answer that is a valid OperationOutcome and holds nothing of what was sent."""
    assert response.headers["content-type"] == refusals.MEDIA_TYPE
    assert CANARY not in response.text
    OperationOutcome.model_validate(response.json())
    issues: list[dict[str, Any]] = response.json()["issue"]
    assert issues
    return issues


@pytest.mark.parametrize(("name", "expected"), STATUS.items())
def test_what_is_raised_becomes_an_outcome(http: TestClient, name: str, expected: tuple[int, str]) -> None:
    response = http.get(f"/fhir/r4/raise/{name}")
    assert (response.status_code, told(response)[0]["code"]) == expected
    assert ("retry-after" in response.headers) == (response.status_code in (429, 503))


def test_a_fault_of_ours_tells_its_number_and_nothing_else(http: TestClient) -> None:
    response = http.get("/fhir/r4/raise/value", headers={"X-Request-Id": "theirs"})
    (issue,) = told(response)
    number = response.headers[edge.OWN_NUMBER]
    assert (issue["severity"], response.headers["x-request-id"]) == ("fatal", "theirs")
    assert number in issue["details"]["text"]


def test_refusals_of_the_framework_have_the_same_shape(http: TestClient) -> None:
    assert told(http.get(f"/fhir/{CANARY}"))[0]["code"] == "not-found"
    wrong_method = http.delete("/fhir/r4/things")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")
    assert told(wrong_method)[0]["code"] == "not-supported"
    wrong_body = http.post("/fhir/r4/things", json={"kind": CANARY, "count": 1})
    assert (wrong_body.status_code, len(told(wrong_body))) == (422, 2)


def test_refusals_of_the_layers_have_the_same_shape(http: TestClient) -> None:
    assert told(http.get("/fhir/r4/%00"))[0]["code"] == "invalid"
    assert told(http.get("/fhir/r4/things", headers=[(b"X-Any", b"a\x1bb")]))[0]["code"] == "invalid"
    assert told(http.post("/fhir/r4/things", headers={"Origin": "http://evil.example"}))[0]["code"] == "forbidden"
    for content in (b"x" * 2 * edge.MIB, iter([b"x" * edge.MIB] * 2)):
        response = http.post("/fhir/r4/things", content=content, headers={"Content-Type": "application/json"})
        assert (response.status_code, told(response)[0]["code"]) == (413, "too-long")


def test_absent_and_hidden_are_the_same_to_the_last_byte(http: TestClient) -> None:
    assert http.get("/fhir/nowhere").content == http.get("/fhir/r4/raise/not-found").content


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml",
        "application/xml, text/turtle",
        "application/fhir+json; fhirVersion=3.0",
        "application/json;q=0",
        "application/fhir+xml, application/json;q=0.0",
    ],
)
def test_forms_that_are_not_offered_are_refused(http: TestClient, accept: str) -> None:
    response = http.post("/fhir/r4/things", json={"kind": "case", "count": 1}, headers={"Accept": accept})
    assert (response.status_code, told(response)[0]["code"]) == (406, "not-supported")


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
        "application/json, application/fhir+xml;q=0.9",
        "application/fhir+xml, */*;q=0.1",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "application/fhir+ndjson",
    ],
)
def test_forms_that_are_offered_are_given(http: TestClient, accept: str) -> None:
    response = http.post("/fhir/r4/things", json={"kind": "case", "count": 1}, headers={"Accept": accept})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("json", 200),
        ("application/json", 200),
        ("application/fhir%2Bjson", 200),
        ("application/fhir+json", 200),
        ("application/fhir+json;fhirVersion=4.0", 200),
        ("xml", 406),
        ("application/fhir+xml", 406),
        ("ttl", 406),
        ("html", 406),
        ("application/fhir+json;fhirVersion=5.0", 406),
    ],
)
def test_format_goes_before_accept(http: TestClient, wanted: str, status: int) -> None:
    accept = "application/fhir+xml" if status == 200 else "application/fhir+json"
    path = f"/fhir/r4/things?_format={wanted}"
    response = http.post(path, json={"kind": "case", "count": 1}, headers={"Accept": accept})
    assert response.status_code == status


def test_other_areas_are_not_asked_for_their_form(http: TestClient) -> None:
    assert http.get("/api/things/a", headers={"Accept": "application/fhir+xml"}).status_code == 200
    assert http.get("/api/nowhere").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("given", ["a1b2", "urn:uuid:8c1f", "A" * 64])
def test_a_senders_own_numbers_come_back(http: TestClient, given: str) -> None:
    response = http.get("/fhir/nowhere", headers={"X-Request-Id": given, "X-Correlation-Id": given})
    assert (response.headers["x-request-id"], response.headers["x-correlation-id"]) == (given, given)
    assert response.headers[edge.OWN_NUMBER] != given


@pytest.mark.parametrize("given", ["", "A" * 65, "a b", "<script>", "a,b", 'x"y'])
def test_numbers_that_are_no_harmless_token_do_not_come_back(http: TestClient, given: str) -> None:
    response = http.get("/fhir/nowhere", headers={"X-Request-Id": given, "X-Correlation-Id": given})
    assert response.headers["x-request-id"] == response.headers[edge.OWN_NUMBER]
    assert "x-correlation-id" not in response.headers


def test_elsewhere_no_number_of_a_sender_comes_back(http: TestClient) -> None:
    response = http.get("/api/things/a", headers={"X-Request-Id": "theirs", "X-Correlation-Id": "theirs"})
    assert "theirs" not in response.headers.values()
