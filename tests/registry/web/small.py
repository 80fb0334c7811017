"""A small application behind the real edge, with routes that do what handlers do and what they should not."""

import errno
from typing import Annotated, Literal
from uuid import UUID

import psycopg
import sqlalchemy.exc
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import FormData, UploadFile
from starlette.testclient import TestClient

from registry.access import Actor, Kind, Role
from registry.errors import Conflict, NotFound, TooMany
from registry.settings import Settings
from registry.web import edge, problems
from registry.web.bodies import StrictRoute, submitted_form, whole_body
from registry.web.forgery import form_token
from registry.web.pages import render

BASE_URL = "http://127.0.0.1:8000"
SECURE_URL = "https://registry.example.org"
UPLOAD_LIMIT = 4 * edge.MIB
UNPACKED_LIMIT = edge.MIB
CANARY = "9434765919"


NURSE = Actor(Kind.PERSON, UUID(int=1), "A. <i>Nurse</i>", frozenset({Role.VTE_NURSE}))


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["case", "rca"]
    count: int = Field(ge=0, le=2_147_483_647)


RAISED: dict[str, Exception] = {
    "conflict": Conflict("The key was used for another file."),
    "not-found": NotFound(),
    "too-many": TooMany(retry_after=7),
    "nul": psycopg.DataError("PostgreSQL text fields cannot contain NUL"),
    "range": psycopg.errors.NumericValueOutOfRange(CANARY),
    "deadlock": psycopg.errors.DeadlockDetected(CANARY),
    "shutdown": psycopg.errors.AdminShutdown(CANARY),
    "no-connection": psycopg.OperationalError(f"connection failed for {CANARY}"),
    "wrapped": sqlalchemy.exc.OperationalError(
        f"select '{CANARY}'", {"number": CANARY}, psycopg.OperationalError(CANARY)
    ),
    "pool": sqlalchemy.exc.TimeoutError("pool"),
    "disk-of-database": psycopg.errors.DiskFull(CANARY),
    "disk": OSError(errno.ENOSPC, "No space left", CANARY),
    "integrity": psycopg.errors.CheckViolation(CANARY),
    "value": ValueError(CANARY),
    "recursion": RecursionError(CANARY),
    "encoding": UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
}

api = APIRouter(prefix="/api", route_class=StrictRoute)
people = APIRouter()


@api.get("/things/{name}")
def thing(name: str, page: int = 1) -> dict[str, object]:
    return {"name": name, "page": page}


@api.post("/things/{name}")
def write(name: str, body: Body) -> dict[str, object]:
    return {"name": name, "count": body.count}


@api.post("/raw", max_body_size=UPLOAD_LIMIT)
async def raw(request: Request) -> dict[str, int]:
    total = 0
    async for block in request.stream():
        total += len(block)
    return {"bytes": total}


@api.post("/unpacked")
async def unpacked(request: Request) -> dict[str, int]:
    return {"bytes": len(await whole_body(request, UNPACKED_LIMIT))}


@api.get("/raise/{name}")
def raise_to_machine(name: str) -> None:
    raise RAISED[name]


@people.get("/raise/{name}")
def raise_to_person(name: str) -> None:
    raise RAISED[name]


@people.get("/page")
def page(request: Request) -> HTMLResponse:
    request.state.actor = NURSE
    return render(request, "error.html", title="A page", detail="<script>window.xss=1</script>")


@people.get("/public")
def public(request: Request) -> HTMLResponse:
    response = render(request, "error.html", title="Figures", detail="Public")
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


@people.get("/token")
def token(request: Request) -> str:
    return form_token(request)


@people.post("/form", max_body_size=UPLOAD_LIMIT)
def form(form: Annotated[FormData, Depends(submitted_form)]) -> dict[str, object]:
    file = form.get("file")
    size = file.size if isinstance(file, UploadFile) else 0
    return {"names": sorted(form), "size": size}


def small_app(base_url: str = BASE_URL) -> FastAPI:
    app = FastAPI(middleware=edge.layers(base_url), openapi_url=None, docs_url=None, redoc_url=None)
    app.state.settings = Settings(base_url=base_url, demo=True)
    problems.install(app)
    app.include_router(api)
    app.include_router(people)
    return app


def client(base_url: str = BASE_URL) -> TestClient:
    return TestClient(small_app(base_url), base_url=base_url)
