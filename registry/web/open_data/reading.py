"""The releases, their files and their revisions, as the public role reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from starlette.requests import Request

from registry.errors import NotFound
from registry.publications import published
from registry.publications.published import Release
from registry.store import Store
from registry.store.releases import file
from registry.store.tables import released

READER = "hat_reader"


@dataclass(frozen=True, slots=True)
class Listed:
    """One release in the list of all."""

    number: int
    title: str
    note: str
    as_at: datetime
    released_at: datetime
    latest: bool


@dataclass(frozen=True, slots=True)
class Signed:
    """What proves a release: the digests of its figures and of the report of its audit, and the signature over both, in hexadecimal."""

    code_version: str
    note: str
    data_hash: str | None
    report_digest: str | None
    signature: str | None


@dataclass(frozen=True, slots=True)
class File:
    """One file of a release without its content."""

    name: str
    media_type: str
    digest: str
    size: int


@contextmanager
def reading(request: Request) -> Iterator[Connection]:
    store: Store = request.app.state.store
    with store.readonly(role=READER) as connection:
        yield connection


def releases(connection: Connection) -> tuple[Listed, ...]:
    """All of them, the latest first."""
    c = released.c
    query = select(c.number, c.title, c.note, c.as_at, c.released_at, c.latest).order_by(c.number.desc())
    return tuple(Listed(*row) for row in connection.execute(query))


def release_of(connection: Connection, which: str) -> Release:
    """`latest`, or a release by its number. Raises NotFound."""
    if which == "latest":
        found = published.latest(connection)
    else:
        known = which.isascii() and which.isdecimal() and len(which) < 10 and not which.startswith("0")
        found = published.numbered(connection, int(which)) if known else None
    if found is None:
        raise NotFound
    return found


def signed(connection: Connection, release: Release) -> Signed:
    columns = (released.c[name] for name in Signed.__slots__)
    return Signed(*connection.execute(select(*columns).where(released.c.id == release.id)).one())


def files(connection: Connection, release: Release) -> tuple[File, ...]:
    """Those of one release, by name."""
    c = file.c
    query = select(c.name, c.media_type, c.digest, c.size).where(c.release_id == release.id).order_by(c.name)
    return tuple(File(*row) for row in connection.execute(query))


def content(connection: Connection, release: Release, name: str) -> bytes:
    """A file's bytes. Raises NotFound."""
    mine = (file.c.release_id == release.id) & (file.c.name == name)
    found = connection.scalar(select(file.c.content).where(mine))
    if found is None:
        raise NotFound
    return bytes(found)
