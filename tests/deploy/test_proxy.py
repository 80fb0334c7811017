"""The deployed proxy configuration, in a real nginx before the real service."""

import socket
import ssl
from collections.abc import Iterator

import httpx2 as httpx
import pytest

from registry.settings import Settings
from tests.deploy.proxy import NAME, Proxy, proxy
from tests.running import service

pytestmark = pytest.mark.slow


@pytest.fixture
def before(settings: Settings) -> Iterator[Proxy]:
    with service(settings) as running, proxy(running.address) as started:
        yield started


def test_the_proxy_keeps_what_the_service_need_not(before: Proxy) -> None:
    """One story, since each start of the service costs seconds."""
    _pages_come_over_tls(before)
    _plain_http_leads_to_tls(before)
    _another_name_is_told_nothing(before)
    _what_is_for_the_supervisor_is_not_there(before)
    _too_large_is_refused(before)
    _what_may_be_two_requests_is_refused(before)
    _half_a_head_is_cut_off(before)
    _old_tls_is_refused(before)
    _guessing_is_slowed(before)


def _client(before: Proxy) -> httpx.Client:
    return httpx.Client(base_url=before.address, verify=before.tls, timeout=30)


def _pages_come_over_tls(before: Proxy) -> None:
    with _client(before) as http:
        page = http.get("/", headers={"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"})
    assert page.status_code == 200
    assert page.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "nginx/" not in page.headers["server"]


def _plain_http_leads_to_tls(before: Proxy) -> None:
    answer = httpx.get(f"http://{NAME}:{before.redirect}/figures?area=x", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (308, f"https://{NAME}/figures?area=x")


def _another_name_is_told_nothing(before: Proxy) -> None:
    with _client(before) as http:
        assert http.get("/", headers={"Host": "elsewhere.example"}).status_code == 421


def _what_is_for_the_supervisor_is_not_there(before: Proxy) -> None:
    with _client(before) as http:
        assert {http.get(path).status_code for path in ("/healthz", "/readyz")} == {404}


def _too_large_is_refused(before: Proxy) -> None:
    with _client(before) as http:
        assert http.post("/sign-in", content=b"x" * 70_000).status_code == 413


def _line(before: Proxy) -> ssl.SSLSocket:
    return before.tls.wrap_socket(socket.create_connection(("127.0.0.1", before.port), 30), server_hostname=NAME)


def _what_may_be_two_requests_is_refused(before: Proxy) -> None:
    both = (
        f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /sign-in HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    with _line(before) as line:
        line.sendall(both.encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 400")


def _half_a_head_is_cut_off(before: Proxy) -> None:
    with _line(before) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ")
        while line.recv(4096):  # the end comes within the line's own thirty seconds, or this raises
            continue


def _old_tls_is_refused(before: Proxy) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", before.port), 30) as plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname=NAME)


def _guessing_is_slowed(before: Proxy) -> None:
    with _client(before) as http:
        found = [http.get("/sign-in").status_code for _ in range(15)]
    assert found[0] == 200
    assert found[-1] == 429
