"""`/guide`: how to work with the registry, step by step, for the two who do most of it. Anybody may read it.

Every name of a button, link or field in a guide, and every picture, comes from pages that a journey of the tests walks through; a guide
that says what is not so fails them.
"""

import struct
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import NotFound
from registry.web.actor import who
from registry.web.pages import STATIC, render

router = APIRouter(prefix="/guide")

GUIDES: Final = MappingProxyType({"nurse": "For the VTE nurse", "data-manager": "For the data manager"})
"""The guides by the last part of their address."""
TEMPLATES: Final = MappingProxyType({"nurse": "guide/nurse.html", "data-manager": "guide/data_manager.html"})
FRESH: Final = "public, max-age=300"


@router.get("")
def index(request: Request) -> Response:
    """Which guides there are."""
    return _page(request, "guide/index.html", guides=list(GUIDES.items()))


@router.get("/{reader}")
def one(request: Request, reader: str) -> Response:
    """One guide."""
    if reader not in TEMPLATES:
        raise NotFound
    rules = request.app.state.settings.counting
    return _page(request, TEMPLATES[reader], heading=GUIDES[reader], size_of=size_of, rules=rules)


def size_of(picture: str) -> tuple[int, int]:
    """Width and height of a picture in pixels, from the head of its PNG. FileNotFoundError where there is none of the name."""
    with (STATIC / "guide" / f"{picture}.png").open("rb") as file:
        width, height = struct.unpack(">II", file.read(24)[16:])
    return width, height


def _page(request: Request, template: str, **words: Any) -> Response:
    who(request)
    response = render(request, template, **words)
    response.headers.setdefault("Cache-Control", FRESH)
    return response
