"""The web application: the edge, the routers, the static files."""

import logging
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from registry.operation.traces import NONE, Traces
from registry.settings import Settings
from registry.store import Store
from registry.web import (
    actor,
    admin,
    api,
    counted,
    edge,
    fhir,
    figures,
    guide,
    health,
    invitation,
    lessons,
    methods,
    notices,
    office,
    pages,
    problem_pages,
    problems,
    provider,
    public,
    release,
    second_factor,
    signin,
    team,
    trust,
)
from registry.web.evaluation import routers as evaluation_routers
from registry.web.fhir import refusals
from registry.web.open_data import pages as open_data
from registry.web.outliers import routers as outlier_routers
from registry.web.own import case_mix as own_case_mix
from registry.web.own import evaluation as own_evaluation

PAGES: tuple[APIRouter, ...] = (
    health.router,
    problem_pages.router,
    signin.router,
    second_factor.router,
    provider.router,
    admin.router,
    public.router,
    open_data.router,
    team.router,
    *evaluation_routers,
    *outlier_routers,
    own_evaluation.router,
    own_case_mix.router,
    release.router,
    lessons.router,
    office.router,
    figures.router,
    guide.router,
    invitation.router,
    notices.router,
    trust.router,
)  # for people; not part of the described interface
MACHINES: tuple[APIRouter, ...] = (*api.routers,)  # for programs; every route stands in /api/openapi.json
FHIR: tuple[APIRouter, ...] = (*fhir.routers,)  # described by their CapabilityStatement

YEAR = 365 * 24 * 3600  # seconds

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. What was sent is never repeated.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "A stable name a program may act on, and the address of a page that says what it means and what to do.",
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do."},
        "request_id": {
            "type": "string",
            "description": "With a fault of ours: give this number if you ask for help. It is X-Request-Id.",
        },
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}},
        },
    },
}
PROBLEM = {"description": "A refusal or a fault", "content": {problems.MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}
RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": PROBLEM, "5XX": PROBLEM}


def create_app(settings: Settings, store: Store, traces: Traces = NONE) -> FastAPI:
    """The service on these settings and this store; opens nothing and reads no environment."""
    app = FastAPI(
        title="HAT registry",
        version="1.0",
        description="The registry of hospital-associated thrombosis for England and Wales.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=RESPONSES,
        middleware=[
            Middleware(counted.Counted, traces=traces),
            *edge.layers(str(settings.base_url)),
            Middleware(refusals.OnlyJson),
        ],
    )
    # the parser's warnings quote bytes of what was sent
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    app.state.settings = settings
    app.state.store = store
    problems.install(app, {refusals.AREA: refusals.respond})
    for router in MACHINES:
        app.include_router(router)
    for router in (*FHIR, *PAGES):
        app.include_router(router, include_in_schema=False)
    app.add_api_route("/api/openapi.json", _description(app), include_in_schema=False)
    app.mount("/static", Static(directory=pages.STATIC), name="static")
    actor.install(app)
    methods.install(app)
    pages.environment()
    return app


def _description(app: FastAPI) -> Any:
    def openapi() -> JSONResponse:
        described = app.openapi()
        described.setdefault("components", {})["securitySchemes"] = api.SCHEMES
        return JSONResponse(described)

    return openapi


class Static(StaticFiles):
    """Files that browsers keep for a year where the address names their release or carries a digest of their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        fixed = path.startswith("nhsuk-") or scope["query_string"].startswith(b"v=")
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if fixed else "public, max-age=300"
        return response
