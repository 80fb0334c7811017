"""Every refusal and every fault, in one shape: problem+json (RFC 9457) under /api, an error page for people. An area of machines may
have a shape of its own, as /fhir has: `install` is told it.

Nothing that a request carried is ever in an answer: the words come from the tables here and from our own errors. What goes
wrong inside is logged by kind and place, never by message, since messages of the database quote values.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy.exc
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Mount

from registry.errors import Fault, Problem, RegistryError, Unavailable, for_status, of_database, problem
from registry.web.pages import render

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
KEPT_HEADERS = ("retry-after",)  # of those a framework's refusal brings

Shape = Callable[[Request, Problem], Response]
"""How a problem is written in one area."""

log = logging.getLogger(__name__)

# Kinds of field fault whose words come from our own declaration alone; the words of all others may quote what was sent.
PLAIN_KINDS = frozenset(
    [
        "missing",
        "literal_error",
        "enum",
        "int_type",
        "int_parsing",
        "float_type",
        "float_parsing",
        "bool_type",
        "bool_parsing",
        "string_type",
        "string_too_short",
        "string_too_long",
        "string_pattern_mismatch",
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "too_short",
        "too_long",
        "list_type",
        "dict_type",
        "model_attributes_type",
        "extra_forbidden",
        "date_type",
        "datetime_type",
    ]
)


def problem_of(error: Exception) -> Problem:
    """What is answered for anything that was raised; what no line here knows is a fault of ours, 500."""
    match error:
        case RequestValidationError():
            return for_status(422, [field_fault(one) for one in error.errors()])
        case HTTPException() if isinstance(error.__cause__, RegistryError):
            return error.__cause__.problem()  # FastAPI wraps what the reader of a body raises
        case HTTPException():
            return for_status(error.status_code)
        case MultiPartException() | UnicodeError():
            return for_status(400)
        case sqlalchemy.exc.DBAPIError() if isinstance(error.orig, Exception):
            return problem_of(error.orig)
        case sqlalchemy.exc.TimeoutError():
            return Unavailable().problem()
        case psycopg.Error():
            return _of_database(error)
    return problem(error)


def _of_database(error: psycopg.Error) -> Problem:
    if error.sqlstate is None and isinstance(error, psycopg.DataError):
        return for_status(400)  # found by the driver itself: NUL in a text
    known = of_database(error.sqlstate) if error.sqlstate or _is_outage(error) else None
    return known.problem() if known else for_status(500)


def _is_outage(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def field_fault(fault: Mapping[str, Any]) -> Fault:
    """Where and what, without the input. The name of an unknown member is the sender's own word, so it is left out."""
    kind = str(fault["type"])
    place = [str(part) for part in fault["loc"]]
    if kind == "extra_forbidden":
        place = place[:-1]
    words = str(fault["msg"]) if kind in PLAIN_KINDS else "This is not as the interface describes it"
    return Fault("/" + "/".join(place), words)


def is_machine(path: str) -> bool:
    """Whether answers at this address are for programs."""
    return path in ("/api", "/fhir") or path.startswith(("/api/", "/fhir/"))


def request_id(request: Request) -> str:
    return str(getattr(request.state, "request_id", ""))


def respond(request: Request, found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as this address's audience reads it."""
    if not is_machine(request.url.path):
        response = _page(request, found)
    else:
        response = _shape(request)(request, found)
        if found.status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
    response.headers.update(found.headers() | dict(headers or {}))
    return response


def _shape(request: Request) -> Shape:
    shapes: Mapping[str, Shape] = getattr(request.app.state, "shapes", {})
    return shapes.get(request.url.path.split("/")[1], _json)


def _json(request: Request, found: Problem) -> Response:
    return JSONResponse(found.body() | _number(request, found), found.status, media_type=MEDIA_TYPE)


def _page(request: Request, found: Problem) -> Response:
    return render(
        request,
        "error.html",
        status=found.status,
        title=found.kind.title,
        detail=found.detail,
        errors=[fault.words for fault in found.errors],
        kind=found.kind,
        **_number(request, found),
        sign_in=found.status == HTTPStatus.UNAUTHORIZED,
    )


def _number(request: Request, found: Problem) -> dict[str, object]:
    """The number to quote, with faults of ours only: two refusals for the same reason are the same to the last byte."""
    return {"request_id": request_id(request)} if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR else {}


def answer(request: Request, error: Exception) -> Response:
    """What is sent for anything that was raised; faults of ours and of the database are noted in the log."""
    found = problem_of(error)
    if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request %s answered %d: %s", request_id(request), found.status, described(error))
    return respond(request, found, _headers(request, error))


def _headers(request: Request, error: Exception) -> dict[str, str]:
    if not isinstance(error, HTTPException):
        return {}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return {"Allow": ", ".join(allowed_methods(request))}
    return {name: value for name, value in (error.headers or {}).items() if name.lower() in KEPT_HEADERS}


def allowed_methods(request: Request) -> list[str]:
    """Every method the address takes (Starlette names those of the first route alone); for a file, reading."""
    routes = [route for route in request.app.routes if not isinstance(route, Mount)]
    scopes = {method: dict(request.scope) | {"method": method} for method in METHODS}
    found = [m for m in METHODS if any(route.matches(scopes[m])[0] == Match.FULL for route in routes)]
    return found or ["GET", "HEAD"]


def described(error: BaseException) -> str:
    """Kind and place of an exception and of its causes, without any of their messages."""
    kinds = [_kind(error)]
    cause = error.__cause__ or error.__context__
    while cause is not None and len(kinds) < 5:
        kinds.append(_kind(cause))
        cause = cause.__cause__ or cause.__context__
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = (f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{' from '.join(kinds)} at {' > '.join(places)}"


def _kind(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return type(error).__qualname__ + (f"[{state}]" if isinstance(state, str) else "")


def install(app: FastAPI, shapes: Mapping[str, Shape] | None = None) -> None:
    """Take the framework's own refusals over. What these do not catch, the edge does. `shapes` by the first part of the address."""
    app.state.shapes = dict(shapes or {})
    for kind in (HTTPException, RequestValidationError, RegistryError):
        app.add_exception_handler(kind, _handler)


async def _handler(request: Request, error: Exception) -> Response:
    return answer(request, error)
