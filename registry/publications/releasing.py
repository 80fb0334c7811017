"""Releasing: a second person makes a draft public. What is released is the draft as it was prepared, to the last digit.

From here on the public pages see only the `published` tables: whatever they show is made from protected cells.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, literal, select, update
from sqlalchemy.engine import Row

from registry.access import Actor, Kind
from registry.errors import Conflict, Forbidden, NotFound
from registry.publications.protecting import RELEASE_LOCK, discard_drafts
from registry.store import SYSTEM_TENANT, audit
from registry.store.tables import (
    cell,
    denominator,
    draft_cell,
    draft_denominator,
    draft_place,
    place,
    publication,
    released,
)

COPIES = ((draft_cell, cell), (draft_denominator, denominator), (draft_place, place))


def release(connection: Connection, *, by: Actor, publication_id: UUID, at: datetime) -> None:
    """Release a draft: freeze it, copy it to what is public, and let it replace the latest release.

    Raises NotFound for a draft that is not there, Conflict for one that is no longer a draft, Forbidden for its preparer and for
    whoever is not a named person.
    """
    draft = _draft(connection, publication_id)
    if by.kind is not Kind.PERSON or by.id is None:
        raise Forbidden("A release is prepared and released by named people, signed in.")
    if by.id == draft.prepared_by:
        raise Forbidden("You prepared these figures. Another person has to release them.")
    connection.execute(update(publication).where(publication.c.state == "released").values(state="superseded"))
    connection.execute(update(released).where(released.c.latest).values(latest=False))
    connection.execute(
        update(publication)
        .where(publication.c.id == publication_id)
        .values(state="released", released_by=by.id, released_by_name=by.name, released_at=at)
    )
    _publish(connection, draft, by, at)
    _note(connection, by, "publication.release", publication_id)


def discard(connection: Connection, *, by: Actor, publication_id: UUID) -> None:
    """Discard a draft; what is public stays as it is. Raises NotFound and Conflict as `release` does."""
    _draft(connection, publication_id)
    discard_drafts(connection)
    _note(connection, by, "publication.discard", publication_id)


def _draft(connection: Connection, publication_id: UUID) -> Row[tuple[object, ...]]:
    connection.execute(select(func.pg_advisory_xact_lock(RELEASE_LOCK)))
    found = connection.execute(select(publication).where(publication.c.id == publication_id)).one_or_none()
    if found is None:
        raise NotFound
    if found.state != "draft":
        raise Conflict("These figures are no longer a draft: they were released, replaced or discarded meanwhile.")
    return found


def _publish(connection: Connection, draft: Row[tuple[object, ...]], by: Actor, at: datetime) -> None:
    head = {
        "id": draft.id, "number": draft.number, "title": draft.title, "as_at": draft.cut_at, "released_at": at,
        "definition": draft.definition, "grid_version": draft.grid_version, "rules": draft.rules,
        "prepared_by_name": draft.prepared_by_name, "released_by_name": by.name, "latest": True,
    }  # fmt: skip
    connection.execute(insert(released).values(**head))
    for source, target in COPIES:
        names = [column.name for column in target.columns if column.name != "release_id"]
        rows = select(literal(draft.id), *(source.c[name] for name in names)).where(source.c.publication_id == draft.id)
        connection.execute(insert(target).from_select(["release_id", *names], rows))


def _note(connection: Connection, by: Actor, action: str, about: UUID) -> None:
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action=action, object_type="publication",
        object_id=str(about),
    )  # fmt: skip
