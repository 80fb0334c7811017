"""Spans reach a collector that speaks OTLP over HTTP, hold templates only, and without an endpoint there are none."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from registry.operation import traces
from registry.operation.traces import Traces
from registry.settings import TraceRules
from registry.web.counted import NOWHERE, Counted

CANARY = "canary-of-an-address"


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector on loopback: its address, and what it was sent."""
    taken: list[ExportTraceServiceRequest] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/traces", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _app(kept: Traces) -> Starlette:
    def case(request: Request) -> Response:
        return Response("found")

    def failing(request: Request) -> Response:
        raise ValueError(CANARY)

    routes = [Route("/cases/{number}", case), Route("/failing", failing)]
    return Starlette(routes=routes, middleware=[Middleware(Counted, traces=kept)])


def test_a_collector_is_told_of_requests_by_their_templates() -> None:
    with collector() as (endpoint, taken):
        kept = traces.begin(TraceRules(endpoint=endpoint), "web")
        with TestClient(_app(kept), raise_server_exceptions=False) as http:
            assert http.get(f"/cases/{CANARY}", params={"q": CANARY}).status_code == 200
            assert http.get(f"/{CANARY}").status_code == 404
            assert http.get("/failing").status_code == 500
        kept.end()
    spans = [span for each in taken for of in each.resource_spans for scope in of.scope_spans for span in scope.spans]
    assert {span.name for span in spans} == {"GET /cases/{number}", f"GET {NOWHERE}", "GET /failing"}
    facts = {span.name: {each.key: each.value for each in span.attributes} for span in spans}
    assert facts["GET /cases/{number}"]["http.response.status_code"].int_value == 200
    assert facts["GET /failing"]["error.type"].string_value == "ValueError"
    assert not [each for each in taken if CANARY.encode() in each.SerializeToString()]
    resources = {
        each.value.string_value for one in taken for of in one.resource_spans for each in of.resource.attributes
    }
    assert "hat-web" in resources


def test_without_an_endpoint_nothing_of_opentelemetry_is_imported() -> None:
    program = (
        "import sys; from registry.operation import traces; from registry.settings import TraceRules\n"
        "kept = traces.begin(TraceRules(), 'web')\n"
        "with kept.span('x') as describe: describe('y', {})\n"
        "kept.end(); assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "endpoint", ["collector:4318", "ftp://collector", "http://user:secret@collector", "http://collector/?key=1"]
)
def test_an_endpoint_is_an_address_without_secrets(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        TraceRules(endpoint=endpoint)
