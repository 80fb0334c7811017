"""Every refusal and fault below /fhir as an OperationOutcome; and which forms of answer are offered there at all.

An answer about an address that is absent is that about one that is hidden, to the last byte: only faults of ours carry a number.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from registry.access import Kind
from registry.errors import KINDS, Problem, RegistryError

AREA = "fhir"
MEDIA_TYPE = "application/fhir+json; fhirVersion=4.0"
FHIR_VERSION = "4.0"

ISSUE_TYPES: Mapping[int, str] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    411: "required",
    412: "conflict",
    413: "too-long",
    414: "too-long",
    415: "not-supported",
    416: "not-supported",
    422: "processing",
    429: "throttled",
    431: "too-long",
    500: "exception",
    503: "transient",
    507: "no-store",
}
"""R4's issue type for each status that is answered."""

WORDS: Mapping[int, str] = {
    401: "Send a valid token: Authorization: Bearer, then the token.",
    404: "There is nothing here for you. Check the address; it may also not be yours to see.",
    405: "This address does not take that method; Allow names those it takes. "
    "A case is withdrawn by verificationStatus entered-in-error, never deleted.",
    406: "Answers are FHIR R4 in JSON only: ask for application/fhir+json.",
    413: "That is too large. Send fewer entries at once, or a file to $submit-cases.",
    415: "Send FHIR R4 in JSON, as application/fhir+json or application/json in UTF-8, as it is or packed with gzip.",
    500: "Something went wrong on our side. Try again; if it persists, report the number of this request",
    503: "The service cannot answer just now. Try again after the seconds that Retry-After says; with the same "
    "Bundle.identifier that is safe.",
}
"""What is said where the error itself has no words of its own."""


class NotAcceptable(RegistryError):  # noqa: N818 -- the name is that of HTTP
    """Only forms are asked for that are not offered."""

    status = 406


def issue(code: str, text: str, expressions: Sequence[str] = (), *, severity: str = "error") -> dict[str, Any]:
    """One issue that has no rule of the dataset: about the request, never about a value in it."""
    told: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": text}}
    return told | {"expression": list(expressions)} if expressions else told


def outcome(issues: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def respond(request: Request, found: Problem) -> Response:
    """The problem as an OperationOutcome. Written here and not by the models: it must come out whatever else is broken."""
    response = told_response(found.status, told(found, request.state.request_id))
    actor = getattr(request.state, "actor", None)
    if found.status == 403 and actor is not None and actor.kind is Kind.CLIENT:
        response.headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'
    return response


def told_response(status: int, outcome: dict[str, Any]) -> Response:
    return Response(orjson.dumps(outcome), status, media_type=MEDIA_TYPE)


def told(found: Problem, number: str = "") -> dict[str, Any]:
    """A problem as an OperationOutcome; `number` is told with a fault of ours alone."""
    code = ISSUE_TYPES.get(found.status, "invalid" if found.status < 500 else "exception")
    severity = "fatal" if found.status >= 500 else "error"
    faults = [issue(code, f"{fault.words} ({fault.pointer})", severity=severity) for fault in found.errors]
    return outcome([issue(code, _words(found, number), severity=severity), *faults])


def _words(found: Problem, number: str) -> str:
    own = found.detail != KINDS[found.status].detail
    words = found.detail if own else WORDS.get(found.status, found.detail)
    return f"{words}: {number}." if found.status == 500 and not own else words


class OnlyJson:
    """ASGI middleware: whoever asks below /fhir for XML, Turtle or another release of FHIR alone is refused at once."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_fhir(scope["path"]) and not acceptable(Request(scope)):
            raise NotAcceptable
        await self.app(scope, receive, send)


def is_fhir(path: str) -> bool:
    return path == f"/{AREA}" or path.startswith(f"/{AREA}/")


def acceptable(request: Request) -> bool:
    """Whether an answer in JSON is one of the forms asked for. `_format` goes before Accept, as R4 says."""
    wanted = QueryParams(request.scope["query_string"]).get("_format")
    if wanted is not None:
        return is_json_format(wanted)
    ranges = [each for each in request.headers.get("accept", "").split(",") if each.strip()]
    return not ranges or any(_offered(each) for each in ranges)


def is_json_format(wanted: str) -> bool:
    """`_format=json`, `application/json` or `application/fhir+json`; a plus sign may have come as a blank."""
    media, parameters = _media_type(wanted.replace("fhir json", "fhir+json"))
    return media in ("json", "application/json", "application/fhir+json", "text/json") and _our_release(parameters)


def _offered(wanted: str) -> bool:
    media, parameters = _media_type(wanted)
    refused = "xml" in media or "turtle" in media or "ttl" in media
    return not refused and _our_release(parameters) and parameters.get("q", "1").strip("0.") != ""


def _our_release(parameters: Mapping[str, str]) -> bool:
    return parameters.get("fhirversion", FHIR_VERSION) in (FHIR_VERSION, "4.0.1")


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case and its parameters; `text` may be anything."""
    media, *rest = text.split(";")
    pairs = (part.partition("=") for part in rest)
    return media.strip().lower(), {name.strip().lower(): value.strip(' "').lower() for name, _, value in pairs}
