"""The edge: what every request passes before, and every answer after, the rest of the service.

In this order: a request number of our own, the text gate, the origin check, then the routes; on the way back the security
headers, on refusals and faults too. `layers` gives the whole in the order the application wants it.
"""

import re
import secrets
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from registry.errors import Forbidden, Problem, for_status
from registry.logs import request_number
from registry.store import audit
from registry.web.forgery import cookie_name, forged, is_https, new_cookie
from registry.web.problems import answer, respond

MIB = 1024 * 1024
BODY_LIMIT = 1 * MIB  # bytes; a route that takes files says more: @router.post(…, max_body_size=UPLOAD_LIMIT)
UPLOAD_LIMIT = 256 * MIB
MAX_PARAMETERS = 50
STATIC_PATH = "/static/"
MIRRORING = "/fhir/"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
# Referrer-Policy is not no-referrer: under that a browser sends `Origin: null` with our own forms.
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MIRRORED = ("X-Request-Id", "X-Correlation-Id")
"""Below /fhir a sender's own numbers come back to it, where they are harmless; our own is in `OWN_NUMBER` there."""
OWN_NUMBER = "X-Registry-Request-Id"
REPEATED = frozenset({b"_lastUpdated", b"period"})
"""Parameters of R4 that are repeated below /fhir to name both ends of a time; whoever reads them reads all."""
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"

_HARMLESS = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_FOUL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
_FOUL_BUT_BREAKS = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


def layers(base_url: str) -> list[Middleware]:
    """The edge as the application's middleware, outermost first."""
    return [
        Middleware(Edge, base_url=base_url),
        Middleware(RequestBodyLimitMiddleware, max_body_size=BODY_LIMIT),
    ]


class Edge:
    """ASGI middleware. Every exception ends here: none reaches the server, whose log would print its message."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self.app = app
        self.base_url = base_url
        self.headers = HEADERS | ({"Strict-Transport-Security": STRICT_TRANSPORT} if is_https(base_url) else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = number
        request_number.set(number)
        request = Request(scope, receive)
        outward = _Outward(self, request, send)
        refusal = self.refusal(request)
        if refusal:
            await respond(request, refusal)(scope, receive, outward)
            return
        asked = audit.WITHIN.set(audit.Within(number, lambda: _session(request)))
        try:
            await self.app(scope, receive, outward)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 -- the last place: whatever was raised becomes one answer
            response = answer(request, error)
            if outward.started:
                raise ConnectionError("an answer broke off after its head was sent") from None
            await response(scope, receive, outward)
        finally:
            audit.WITHIN.reset(asked)

    def refusal(self, request: Request) -> Problem | None:
        if unclean(request.scope):
            return for_status(400)
        cookie = self.has_cookie(request)
        if forged(request.method, request.headers, has_cookie=cookie, base_url=self.base_url):
            return Forbidden("The request came from another site. Send it from the registry's own pages.").problem()
        return None

    def has_cookie(self, connection: HTTPConnection) -> bool:
        return cookie_name(self.base_url) in connection.cookies


def _session(request: Request) -> bytes | None:
    """The digest of the session, once it is known who asks."""
    return getattr(getattr(request.state, "actor", None), "session", None)


class _Outward:
    """Sends an answer with our headers; puts Starlette's own plain 413 into our shape."""

    def __init__(self, edge: Edge, request: Request, send: Send) -> None:
        self.edge = edge
        self.request = request
        self.send = send
        self.started = False
        self.replaced = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self.started:
            self.started = True
            if message["status"] == 413 and Headers(raw=message["headers"]).get("content-type", "").startswith("text/"):
                await self.replace()
                return
            self.dress(message)
        if not self.replaced:
            await self.send(message)

    async def replace(self) -> None:
        response = respond(self.request, for_status(413))

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.dress(message)
            await self.send(message)

        await response(self.request.scope, self.request.receive, send)
        self.replaced = True

    def dress(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers.update(self.edge.headers)
        headers["X-Request-Id"] = self.request.state.request_id
        path = self.request.url.path
        if path.startswith(MIRRORING):
            self.mirror(headers)
        if path.startswith(STATIC_PATH):
            return
        cookie = new_cookie(self.request, self.edge.base_url)
        if cookie is not None:
            headers.append("Set-Cookie", cookie)
        if cookie is not None or self.edge.has_cookie(self.request) or "cache-control" not in headers:
            headers["Cache-Control"] = "no-store"
        headers.add_vary_header("Cookie")

    def mirror(self, headers: MutableHeaders) -> None:
        headers[OWN_NUMBER] = self.request.state.request_id
        for name in MIRRORED:
            given = self.request.headers.get(name, "")
            if _HARMLESS.fullmatch(given):
                headers[name] = given


def unclean(scope: Scope) -> bool:
    """Whether path, query or headers hold what no honest client sends: bytes that are no UTF-8 once decoded (a lone
    surrogate is none), control characters, or a query parameter twice, of which each reader might take another."""
    path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return (
        not clean_bytes(unquote_to_bytes(path))
        or not _clean_query(scope["query_string"], REPEATED if scope["path"].startswith(MIRRORING) else frozenset())
        or any(_has_control(value) for _, value in headers)
    )


def clean_bytes(value: bytes) -> bool:
    try:
        return clean_text(value.decode("utf-8"), breaks=False)
    except UnicodeDecodeError:
        return False


def clean_text(value: str, *, breaks: bool) -> bool:
    """No lone surrogate and no control character; tab and line breaks pass where `breaks` says so."""
    return not (_FOUL_BUT_BREAKS if breaks else _FOUL).search(value)


def _clean_query(query: bytes, repeated: frozenset[bytes]) -> bool:
    parts = [part.replace(b"+", b" ") for part in query.split(b"&") if part]
    names = [name for part in parts if (name := unquote_to_bytes(part.partition(b"=")[0])) not in repeated]
    whole = all(clean_bytes(unquote_to_bytes(part)) for part in parts)
    return whole and len(parts) <= MAX_PARAMETERS and len(set(names)) == len(names)


def _has_control(value: bytes) -> bool:
    return any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in value)
