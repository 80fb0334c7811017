"""Each request counted, traced and noted in the log, by the template of its route: what was asked for and by whom stands in the audit."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry import logs
from registry.operation import requests
from registry.operation.traces import Traces

log = logging.getLogger(__name__)

NOWHERE = "(none)"
"""The route of whatever led to none, or was refused before it was looked for."""
STATIC = "/static/"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BROKEN_OFF = 499
"""The status of a request to which no answer was sent, since its caller had gone."""


class Counted:
    """ASGI middleware, outermost of all, so that refusals and faults are counted as they are answered."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answered = [BROKEN_OFF]

        async def outward(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered[0] = message["status"]
            await send(message)

        began = time.perf_counter()
        with self._traces.span("request") as describe, requests.at_work.track_inprogress():
            try:
                await self._app(scope, receive, outward)
            finally:
                method, route, took = method_of(scope), route_of(scope), time.perf_counter() - began
                describe(f"{method} {route}", {"http.route": route, "http.response.status_code": answered[0]})
                requests.ended(method, route, answered[0], took)
                _note(method, route, answered[0], took)


def _note(method: str, route: str, status: int, took: float) -> None:
    if route != STATIC:
        facts = {"method": method, "route": route, "status": status, "milliseconds": round(took * 1000, 1)}
        log.info("answered", extra={logs.FACTS: facts})


def method_of(scope: Scope) -> str:
    """A method's name can be anything, as far as a caller goes."""
    return scope["method"] if scope["method"] in METHODS else "other"


def route_of(scope: Scope) -> str:
    """The template of the route that answered."""
    if scope["path"].startswith(STATIC):
        return STATIC
    return str(getattr(scope.get("route"), "path", NOWHERE))
