"""The password of somebody who is signed in, asked again before a deliberate act; wrong ones are noted and counted."""

from datetime import timedelta

from sqlalchemy import Connection, func, select

from registry.access import Actor
from registry.accounts import note
from registry.store import SYSTEM_TENANT
from registry.store.tables import audit, person

MOST_WRONG = 5
WAIT = timedelta(minutes=15)
_REFUSED = "password asked again: wrong"


def kept_hash(connection: Connection, by: Actor) -> str | None:
    """The hash to compare with; None for somebody who is disabled or has no password."""
    found: str | None = connection.scalar(
        select(person.c.password_hash).where(person.c.id == by.id, person.c.disabled_at.is_(None))
    )
    return found


def too_often(connection: Connection, by: Actor) -> bool:
    """Whether it was wrong five times within a quarter of an hour."""
    wrong = select(func.count()).where(
        audit.c.tenant_id == SYSTEM_TENANT,
        audit.c.object_id == str(by.id),
        audit.c.action == _REFUSED,
        audit.c.at > func.now() - WAIT,
    )
    return (connection.scalar(wrong) or 0) >= MOST_WRONG


def refused(connection: Connection, by: Actor) -> None:
    """Note that it was wrong. What was typed is not kept."""
    note(connection, by, _REFUSED, "person", by.id, {})
