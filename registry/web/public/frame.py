"""How every public page is made: what is released, as the public role sees it; made once for each release and kept in this process.

A release never changes, so a page of it is kept under its id, address and language. Only what was answered with 200 to somebody who is not
signed in is kept: what is not there is looked for anew each time, a draft is never kept, and the room is bounded.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any
from uuid import UUID
from zlib import compress, decompress

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from registry.access import Kind
from registry.errors import NotFound
from registry.publications import published, whole
from registry.publications.published import Release
from registry.publications.whole import Whole
from registry.store import Store
from registry.web.actor import who
from registry.web.pages import render

READER = "hat_reader"
FRESH = "public, max-age=300"
ROOM = 32 * 1024 * 1024  # bytes of pages that a process keeps, compressed: a drawing is a tenth of itself then
LEVEL = 1
RELEASES = 2
"""So many releases are kept as a whole: the latest, and the one before it while requests end."""

Address = tuple[str, ...]


class Kept:
    """What a process keeps of releases: pages within `ROOM`, the least used given up first, and whole releases."""

    def __init__(self, room: int = ROOM) -> None:
        self._lock = Lock()
        self._pages: OrderedDict[tuple[UUID, Address], bytes] = OrderedDict()
        self._wholes: OrderedDict[UUID, Whole] = OrderedDict()
        self._room = room
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes of the pages that are kept, as they are kept."""
        return self._used

    def page(self, release: Release, address: Address) -> bytes | None:
        with self._lock:
            found = self._pages.get((release.id, address))
            if found is not None:
                self._pages.move_to_end((release.id, address))
        return None if found is None else decompress(found)

    def keep_page(self, release: Release, address: Address, content: bytes) -> None:
        small = compress(content, LEVEL)
        if release.draft or len(small) > self._room:
            return
        with self._lock:
            self._used += len(small) - len(self._pages.pop((release.id, address), b""))
            self._pages[release.id, address] = small
            while self._used > self._room:
                _, given_up = self._pages.popitem(last=False)
                self._used -= len(given_up)

    def whole(self, connection: Connection, release: Release) -> Whole:
        """The release as a whole; a draft is read each time."""
        with self._lock:
            found = self._wholes.get(release.id)
        if found is not None:
            return found
        found = whole.read(connection, release)
        if not release.draft:
            with self._lock:
                self._wholes[release.id] = found
                while len(self._wholes) > RELEASES:
                    self._wholes.popitem(last=False)
        return found


def kept(request: Request) -> Kept:
    """What this application keeps."""
    state = request.app.state
    if not hasattr(state, "kept"):
        state.kept = Kept()
    found: Kept = state.kept
    return found


@contextmanager
def reading(request: Request) -> Iterator[tuple[Connection, Release | None]]:
    """What is released, as the public role sees it."""
    store: Store = request.app.state.store
    with store.readonly(role=READER) as connection:
        yield connection, published.latest(connection)


Make = Callable[[Connection, Whole], Mapping[str, Any]]


def released_page(
    request: Request, template: str, make: Make, *asked: str, before: bool = True, **words: Any
) -> Response:
    """A page of the latest release. `make` gives its words; `asked` is all of the query that it depends on, as it was understood.

    Before the first release the template gets `release=None` and `words` alone; without `before` there is no page yet (NotFound).
    """
    stranger = who(request).kind is not Kind.PERSON
    address = (request.url.path, *asked)
    with reading(request) as (connection, release):
        if release is None:
            if not before:
                raise NotFound
            return page(request, template, release=None, translatable=True, **words)
        content = kept(request).page(release, address) if stranger else None
        made = None if content is not None else make(connection, kept(request).whole(connection, release))
    if content is None:
        response = page(request, template, release=release, translatable=True, **(words | dict(made or {})))
        if not stranger:
            return response
        content = bytes(response.body)
        kept(request).keep_page(release, address, content)
    return download(request, content, "text/html; charset=utf-8")


def released_file(request: Request, media_type: str, make: Callable[[Connection, Whole], bytes]) -> Response:
    """A file of the latest release. Raises NotFound before the first."""
    address = (request.url.path,)
    with reading(request) as (connection, release):
        current = required(release)
        content = kept(request).page(current, address)
        if content is None:
            content = make(connection, kept(request).whole(connection, current))
            kept(request).keep_page(current, address, content)
    return download(request, content, media_type)


CSV, JSON = "text/csv; charset=utf-8", "application/json"


def page(request: Request, template: str, **words: Any) -> Response:
    """A public page: kept for five minutes by whoever is not signed in. `translatable` says that it stands below /cy too."""
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
