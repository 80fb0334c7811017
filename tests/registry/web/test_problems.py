import logging

import pytest
from starlette.testclient import TestClient

from tests.registry.web.small import CANARY, client

STATUS = {
    "conflict": 409,
    "not-found": 404,
    "too-many": 429,
    "nul": 400,
    "range": 400,
    "encoding": 400,
    "deadlock": 503,
    "shutdown": 503,
    "no-connection": 503,
    "wrapped": 503,
    "pool": 503,
    "disk-of-database": 507,
    "disk": 507,
    "integrity": 500,
    "value": 500,
    "recursion": 500,
}


@pytest.fixture(scope="module")
def http() -> TestClient:
    return client()


@pytest.mark.parametrize(("name", "status"), STATUS.items())
def test_an_exception_becomes_one_shape_for_programs_and_a_page_for_people(
    http: TestClient, caplog: pytest.LogCaptureFixture, name: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG, "registry")
    machine, person = http.get(f"/api/raise/{name}"), http.get(f"/raise/{name}")
    assert (machine.status_code, person.status_code) == (status, status)
    assert machine.headers["content-type"] == "application/problem+json"
    assert machine.json()["status"] == status
    assert set(machine.json()) >= {"type", "title", "status", "detail"}
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    assert machine.json()["detail"] in person.text
    for text in (machine.text, person.text, caplog.text):
        assert CANARY not in text


@pytest.mark.parametrize("name", ["deadlock", "no-connection", "wrapped", "pool", "too-many"])
def test_what_may_be_repeated_says_when(http: TestClient, name: str) -> None:
    assert int(http.get(f"/api/raise/{name}").headers["retry-after"]) > 0


def test_a_fault_is_logged_by_kind_and_place_under_the_number_that_is_shown(
    http: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = http.get("/raise/value")
    number = response.headers["x-request-id"]
    assert number in response.text
    assert number in caplog.text
    assert "ValueError" in caplog.text
    assert "small.py:" in caplog.text


def test_a_database_fault_is_logged_with_its_state(http: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    http.get("/api/raise/integrity")
    assert "CheckViolation[23514]" in caplog.text


def test_absent_and_hidden_are_the_same_to_the_last_byte(http: TestClient) -> None:
    assert http.get("/api/nowhere").content == http.get("/api/raise/not-found").content
    assert http.get("/nowhere").content == http.get("/raise/not-found").content


def test_an_unknown_method_names_every_method_there_is(http: TestClient) -> None:
    response = http.delete("/api/things/a")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    assert response.json()["type"] == "/problems/method-not-allowed"
    assert http.head("/api/things/a").headers["allow"] == "GET, POST"


def test_a_person_asking_with_the_wrong_method_gets_a_page(http: TestClient) -> None:
    response = http.get("/form")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert "<h1" in response.text


def test_a_wrong_body_is_described_without_what_was_sent(http: TestClient) -> None:
    body = {"kind": CANARY, "count": CANARY + "x", CANARY: 1}
    response = http.post("/api/things/a", json=body)
    assert response.status_code == 422
    assert CANARY not in response.text
    pointers = {fault["pointer"] for fault in response.json()["errors"]}
    assert pointers == {"/body/kind", "/body/count", "/body"}


def test_a_wrong_parameter_is_described_without_what_was_sent(http: TestClient) -> None:
    response = http.get(f"/api/things/a?page={CANARY}x")
    assert response.status_code == 422
    assert CANARY not in response.text
    assert response.json()["errors"][0]["pointer"] == "/query/page"


def test_an_address_is_never_repeated(http: TestClient) -> None:
    for path in (f"/api/{CANARY}", f"/{CANARY}", f"/form/{CANARY}?x={CANARY}"):
        assert CANARY not in http.get(path).text


def test_a_body_that_is_no_json_is_refused(http: TestClient) -> None:
    response = http.post("/api/things/a", content=b"kind=case", headers={"Content-Type": "text/plain"})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
