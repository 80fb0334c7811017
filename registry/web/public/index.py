"""The start page, and all measures at a glance."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.measures import MEASURES
from registry.web.public.frame import page, reading
from registry.web.public.shown import shown

router = APIRouter()


@router.get("/")
def start(request: Request) -> Response:
    """What this is, and the latest figures in sentences."""
    with reading(request) as (connection, release):
        found = [shown(connection, release, measure, "")[0] for measure in MEASURES.values()] if release else []
    return page(request, "public/start.html", release=release, found=found)


@router.get("/figures")
def figures(request: Request) -> Response:
    """All measures, each with its latest figure."""
    with reading(request) as (connection, release):
        found = [shown(connection, release, measure, "")[0] for measure in MEASURES.values()] if release else []
    return page(request, "public/figures.html", release=release, found=found, measures=MEASURES.values())
