import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from registry.web import edge
from registry.web.forgery import FORM_FIELD, FORM_HEADER, cookie_name
from tests.registry.web.small import BASE_URL, SECURE_URL, UPLOAD_LIMIT, client

SESSION = "s" * 43
ORIGIN = {"Origin": BASE_URL}


@pytest.fixture(scope="module")
def http() -> TestClient:
    return client()


def signed_in(base_url: str = BASE_URL) -> TestClient:
    made = client(base_url)
    made.cookies.set(cookie_name(base_url), SESSION)
    return made


@pytest.mark.parametrize(
    "path", ["/page", "/api/things/a", "/nowhere", "/api/nowhere", "/api/raise/value", "/api/things/%00", "/raise/disk"]
)
def test_every_answer_has_the_security_headers(http: TestClient, path: str) -> None:
    response = http.get(path)
    for name, value in edge.HEADERS.items():
        assert response.headers[name] == value
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])


def test_the_policy_allows_nothing_inline_and_no_other_host() -> None:
    assert "default-src 'none'" in edge.POLICY
    for loose in ("unsafe", "data:", "http:", "https:", "*"):
        assert loose not in edge.POLICY


def test_transport_security_is_promised_over_https_only(http: TestClient) -> None:
    assert "strict-transport-security" not in http.get("/page").headers
    assert client(SECURE_URL).get("/page").headers["strict-transport-security"] == edge.STRICT_TRANSPORT


def test_the_request_number_is_ours_and_new_each_time(http: TestClient) -> None:
    given = {"X-Request-Id": "forged"}
    first, second = (http.get("/page", headers=given).headers["x-request-id"] for _ in range(2))
    assert "forged" not in (first, second)
    assert first != second


@pytest.mark.parametrize(
    "address",
    [
        "/api/things/%00",
        "/api/things/a%0Ab",
        "/api/things/%ED%A0%80",  # a lone surrogate
        "/api/things/%FF",
        "/api/things/%C2%85",  # a control character beyond ASCII
        "/api/things/a?page=1&page=2",
        "/api/things/a?page=1&p%61ge=2",
        "/api/things/a?page=%00",
        "/api/things/a?%00=1",
        "/api/things/a?page=%ED%A0%80",
        "/api/things/a?" + "&".join(f"p{n}=1" for n in range(51)),
    ],
)
def test_the_text_gate_refuses(http: TestClient, address: str) -> None:
    response = http.get(address)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


def test_the_text_gate_lets_honest_text_pass(http: TestClient) -> None:
    response = http.get("/api/things/Ysbyty%20Gl%C3%A2n%20%F0%9F%8F%A5?page=2&q=a+b%26c")
    assert response.json() == {"name": "Ysbyty Glân 🏥", "page": 2}


def test_a_control_character_in_a_header_is_refused(http: TestClient) -> None:
    assert http.get("/api/things/a", headers=[(b"Idempotency-Key", b"a\x00b")]).status_code == 400
    assert http.get("/api/things/a", headers=[(b"Idempotency-Key", b"a\x1bb")]).status_code == 400


def blocks(total: int) -> Iterator[bytes]:
    yield from (b"x" * 65536 for _ in range(total // 65536))


@pytest.mark.parametrize("path", ["/api/things/a", "/form", "/api/raw"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_beyond_the_limit_is_refused_declared_or_not(http: TestClient, path: str, declared: bool) -> None:
    size = 2 * UPLOAD_LIMIT
    content = b"x" * size if declared else blocks(size)
    kind = {"/form": "multipart/form-data; boundary=b", "/api/raw": "text/csv"}.get(path, "application/json")
    response = http.post(path, content=content, headers={"Content-Type": kind})
    assert response.status_code == 413
    assert response.headers["content-security-policy"] == edge.POLICY
    if path.startswith("/api"):
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == "/problems/too-large"
        assert response.headers["content-length"] == str(len(response.content))
    else:
        assert "<h1" in response.text


def test_a_multipart_file_beyond_the_limit_is_refused(http: TestClient) -> None:
    response = http.post("/form", files={"file": ("a.csv", b"x" * (UPLOAD_LIMIT + 1))})
    assert response.status_code == 413


def test_a_route_may_take_more_than_the_rest(http: TestClient) -> None:
    size = edge.BODY_LIMIT * 2
    assert http.post("/api/raw", content=b"x" * size).json() == {"bytes": size}
    assert http.post("/api/raw", content=blocks(size)).json() == {"bytes": size}
    assert http.post("/api/things/a", content=b"x" * size).status_code == 413


def test_the_cookie_is_bound_to_the_host_over_https_only() -> None:
    assert cookie_name(SECURE_URL) == "__Host-hat"
    assert cookie_name(BASE_URL) == "hat"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": BASE_URL + "0"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Authorization": "Bearer x"}, 403),
        ({"Origin": BASE_URL}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
    ],
)
def test_an_unsafe_request_with_the_cookie_must_come_from_our_pages(headers: dict[str, str], status: int) -> None:
    response = signed_in().post("/api/raw", content=b"x", headers=headers)
    assert response.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Authorization": "Bearer x", "Origin": "http://elsewhere.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),  # signing in by another site's form
        ({"Origin": "http://evil.example"}, 403),
    ],
)
def test_without_the_cookie_only_a_foreign_browser_is_refused(
    http: TestClient, headers: dict[str, str], status: int
) -> None:
    assert http.post("/api/raw", content=b"x", headers=headers).status_code == status


def test_reading_is_never_refused_for_its_origin() -> None:
    assert signed_in().get("/page", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_a_form_needs_its_sessions_token() -> None:
    http = signed_in()
    token = http.get("/token").json()
    assert len(token) == 43
    assert SESSION not in token
    assert http.post("/form", data={FORM_FIELD: token, "a": "1"}, headers=ORIGIN).status_code == 200
    assert http.post("/form", data={"a": "1"}, headers=ORIGIN | {FORM_HEADER: token}).status_code == 200
    assert http.post("/form", data={"a": "1"}, headers=ORIGIN).status_code == 403
    assert http.post("/form", data={FORM_FIELD: token[:-1], "a": "1"}, headers=ORIGIN).status_code == 403
    assert http.post("/form", data={FORM_FIELD: ""}, headers=ORIGIN).status_code == 403
    assert http.post("/form", data={FORM_FIELD: "é"}, headers=ORIGIN).status_code == 403
    files = {"file": ("a.csv", b"1")}
    assert http.post("/form", data={FORM_FIELD: token}, files=files, headers=ORIGIN).json()["size"] == 1
    assert http.post("/form", files=files, headers=ORIGIN).status_code == 403


def test_another_sessions_token_is_refused() -> None:
    token = signed_in().get("/token").json()
    other = client()
    other.cookies.set("hat", "t" * 43)
    assert other.post("/form", data={FORM_FIELD: token}, headers=ORIGIN).status_code == 403


def test_a_token_is_neither_given_nor_asked_for_without_a_session(http: TestClient) -> None:
    assert http.get("/token").json() == ""
    assert http.post("/form", data={"user": "a"}).status_code == 200


def test_pages_are_not_stored_unless_they_say_so_and_never_with_a_session(http: TestClient) -> None:
    assert http.get("/page").headers["cache-control"] == "no-store"
    assert http.get("/api/things/a").headers["cache-control"] == "no-store"
    assert http.get("/public").headers["cache-control"] == "public, max-age=60"
    assert "Cookie" in http.get("/public").headers["vary"]
    assert signed_in().get("/public").headers["cache-control"] == "no-store"
