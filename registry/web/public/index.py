"""The start page, and all measures at a glance by theme."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.measures import HAT_RATE_OVERNIGHT, MEASURES, PREVENTABLE_SHARE, RISK_ASSESSMENT, THEMES
from registry.publications.whole import Whole
from registry.web.public.frame import released_page
from registry.web.public.shown import in_area

router = APIRouter()

FIRST = (HAT_RATE_OVERNIGHT, PREVENTABLE_SHARE, RISK_ASSESSMENT)
"""What the start page tells: one of each kind."""


@router.get("/")
@router.get("/cy")
def start(request: Request) -> Response:
    """What this is, and the latest figures in sentences."""

    def words(_: Connection, whole: Whole) -> Mapping[str, Any]:
        return {"found": [in_area(whole, measure, "") for measure in FIRST]}

    return released_page(request, "public/start.html", words)


@router.get("/figures")
@router.get("/cy/figures")
def figures(request: Request) -> Response:
    """All measures by theme, each with its latest figure."""

    def words(_: Connection, whole: Whole) -> Mapping[str, Any]:
        found = {measure.ident: in_area(whole, measure, "") for measure in MEASURES.values()}
        return {"found": found, "regions": whole.of_kind("region")}

    return released_page(request, "public/figures.html", words, themes=THEMES, measures=MEASURES.values())
