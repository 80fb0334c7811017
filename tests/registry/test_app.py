import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from registry import app as application
from registry.settings import Settings
from registry.store import Store
from registry.web.bodies import StrictRoute

BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application.create_app(Settings(base_url=BASE_URL), Store({}))


@pytest.fixture(scope="module")
def http(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=BASE_URL)


def test_the_interface_describes_itself(http: TestClient) -> None:
    described = http.get("/api/openapi.json").json()
    assert described["info"]["title"] == "HAT registry"
    for path, operations in described["paths"].items():
        assert path.startswith(("/api/", "/fhir/")), "pages are not part of the interface"
        for operation in operations.values():
            assert "application/problem+json" in operation["responses"]["4XX"]["content"]


def test_there_is_no_page_from_another_host(http: TestClient) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert http.get(path).status_code == 404


def test_static_files_are_kept_for_as_long_as_their_address_is_good(http: TestClient) -> None:
    year = "public, max-age=31536000, immutable"
    assert http.get("/static/nhsuk-10.6.1/nhsuk-frontend.min.css").headers["cache-control"] == year
    assert http.get("/static/site.css?v=1").headers["cache-control"] == year
    plain = http.get("/static/site.css")
    assert plain.headers["cache-control"] == "public, max-age=300"
    assert http.get("/static/site.css", headers={"If-None-Match": plain.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../app.py", "/static/%2e%2e/app.py", "/static/"])
def test_nothing_else_is_served_as_a_file(http: TestClient, path: str) -> None:
    response = http.get(path)
    assert response.status_code == 404
    assert "<h1" in response.text


def test_a_file_cannot_be_written(http: TestClient) -> None:
    response = http.post("/static/site.css")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_every_json_body_comes_through_the_strict_reader() -> None:
    for router in application.MACHINES + application.PAGES:
        for route in router.routes:
            assert not isinstance(route, APIRoute) or route.body_field is None or isinstance(route, StrictRoute)
