"""How every public page is made: what is released, as the public role sees it; pages and files that may be kept for five minutes."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.errors import NotFound
from registry.publications import published
from registry.publications.published import Release
from registry.store import Store
from registry.web.actor import who
from registry.web.pages import render

READER = "hat_reader"
FRESH = "public, max-age=300"


@contextmanager
def reading(request: Request) -> Iterator[tuple[Connection, Release | None]]:
    """What is released, as the public role sees it."""
    store: Store = request.app.state.store
    with store.readonly(role=READER) as connection:
        yield connection, published.latest(connection)


def page(request: Request, template: str, **words: Any) -> Response:
    """A public page: kept for five minutes by whoever is not signed in."""
    who(request)
    response = render(request, template, **words)
    response.headers.setdefault("Cache-Control", FRESH)
    return response


def required(release: Release | None) -> Release:
    if release is None:
        raise NotFound
    return release


def download(request: Request, content: bytes, media_type: str) -> Response:
    """A file with an ETag of its content; 304 for whoever has it already."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": FRESH}
    given = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in given or "*" in given:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
