"""Whether this database is the registry, or only a copy of it that came to life: restored from a backup, or a standby that took over.

Postgres begins a new timeline in both cases. Web and worker start on an adopted timeline only, so a copy that was restored to look at
it, or before anybody decided, counts nothing, writes to nobody and lets nobody in.
"""

from sqlalchemy import Connection, delete, func, insert, select, text, update

from registry.access import Actor
from registry.settings import SettingsError
from registry.store import SYSTEM_TENANT, audit
from registry.store.desk import outbox
from registry.store.operation import timeline
from registry.store.tables import client_access, session

NOT_ADOPTED = (
    "This database was restored, or took over from another, and nobody has said yet that it is the registry now. See that no other one is "
    "at work, and look at its counts; then `hat database adopt` ends all sessions and lets it start."
)
CURRENT = text("select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer")


def current(connection: Connection) -> int:
    """The number of the timeline that the server writes."""
    number: int = connection.execute(CURRENT).scalar_one()
    return number


def is_adopted(connection: Connection) -> bool:
    """Whether somebody said that the registry goes on here."""
    return connection.scalar(select(timeline.c.number).where(timeline.c.number == current(connection))) is not None


def require_adopted(connection: Connection) -> None:
    """Raises SettingsError, which says what to do, for a database that nobody adopted."""
    if not is_adopted(connection):
        raise SettingsError(NOT_ADOPTED)


def adopt(connection: Connection, by: Actor) -> dict[str, int]:
    """Take the current timeline as the registry's, under `hat_jobs`; gives what was ended in numbers.

    All sessions and access tokens end: some had ended already after the moment that was restored. Letters that had not left by then
    may have left since, so they are given up. Nothing to do where the timeline is adopted already.
    """
    if is_adopted(connection):
        return {}
    number = current(connection)
    connection.execute(insert(timeline).values(number=number))
    sessions = connection.execute(update(session).where(session.c.ended_at.is_(None)).values(ended_at=func.now()))
    tokens = connection.execute(delete(client_access))
    waiting = outbox.c.sent_at.is_(None) & outbox.c.given_up_at.is_(None)
    letters = connection.execute(update(outbox).where(waiting).values(given_up_at=func.now()))
    ended = {"sessions": sessions.rowcount, "access_tokens": tokens.rowcount, "letters": letters.rowcount}
    audit.record(
        connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="database adopted", object_type="timeline",
        object_id=str(number), detail=ended,
    )  # fmt: skip
    return ended
