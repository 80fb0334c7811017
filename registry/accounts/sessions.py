"""Signed-in people. The cookie holds a secret; the table its digest, and when it was made and last seen by the database's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select, update

from registry.access import ANYBODY, Actor
from registry.accounts import new_secret, note, secret_digest
from registry.accounts.actors import actor_of_person, actor_of_session
from registry.errors import NotFound
from registry.store.tables import person, session

SEEN_EVERY = timedelta(minutes=1)
"""A session's last sight is written this often at most, so that most requests only read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session holds without a request, and how long at all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Account:
    """What is compared at sign-in."""

    person_id: UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """One of a person's own sessions, as a list shows it. `handle` names it and opens nothing."""

    handle: str
    created_at: datetime
    last_seen_at: datetime
    current: bool


def account(connection: Connection, user_name: str) -> Account | None:
    """The account of that name, unless there is none or it is disabled."""
    row = connection.execute(
        select(person.c.id, person.c.password_hash).where(
            person.c.user_name == user_name.lower(), person.c.disabled_at.is_(None)
        )
    ).one_or_none()
    return Account(row.id, row.password_hash) if row else None


def begin(connection: Connection, found: Account) -> str | None:
    """A new session; gives its secret. None where the account was disabled or its password changed since it was compared."""
    still = select(person.c.id).where(
        person.c.id == found.person_id,
        person.c.disabled_at.is_(None),
        person.c.password_hash == found.password_hash,
    )
    if connection.execute(still.with_for_update(read=True, key_share=False)).one_or_none() is None:
        return None
    secret = new_secret()
    connection.execute(insert(session).values(id_digest=secret_digest(secret), person_id=found.person_id))
    by = actor_of_person(connection, found.person_id)
    note(connection, by, "signed in", "person", found.person_id, {})
    return secret


def refused(connection: Connection, found: Account | None) -> None:
    """Note a sign-in that failed. Which name was typed is not kept: it may have been a password."""
    note(connection, ANYBODY, "sign-in refused", "person", found.person_id if found else "unknown", {})


def actor(connection: Connection, secret: str, limits: Limits) -> Actor | None:
    """Whose session this is; None where it has ended, expired or never was, or its person is disabled."""
    digest = secret_digest(secret)
    found = actor_of_session(connection, digest, seen=SEEN_EVERY, idle=limits.idle, absolute=limits.absolute)
    if found is None:
        return None
    by, stale = found
    if stale:
        connection.execute(update(session).where(session.c.id_digest == digest).values(last_seen_at=func.now()))
    return by


def _alive(limits: Limits) -> ColumnElement[bool]:
    return and_(
        session.c.ended_at.is_(None),
        session.c.last_seen_at > func.now() - limits.idle,
        session.c.created_at > func.now() - limits.absolute,
    )


def own(connection: Connection, by: Actor, limits: Limits) -> tuple[Session, ...]:
    """A person's living sessions, the newest first."""
    rows = connection.execute(
        select(session).where(session.c.person_id == by.id, _alive(limits)).order_by(session.c.created_at.desc())
    )
    return tuple(
        Session(row.id_digest.hex(), row.created_at, row.last_seen_at, row.id_digest == by.session) for row in rows
    )


def replace(connection: Connection, secret: str) -> None:
    """End the session that a browser had before it got a new one; nothing if there was none."""
    old = update(session).where(session.c.id_digest == secret_digest(secret), session.c.ended_at.is_(None))
    connection.execute(old.values(ended_at=func.now()))


def end(connection: Connection, handle: str, *, by: Actor) -> None:
    """End one of one's own sessions. Raises NotFound for any other."""
    try:
        digest = bytes.fromhex(handle)
    except ValueError:
        raise NotFound from None
    alive = update(session).where(
        session.c.id_digest == digest, session.c.person_id == by.id, session.c.ended_at.is_(None)
    )
    if connection.execute(alive.values(ended_at=func.now())).rowcount == 0:
        raise NotFound
    note(connection, by, "session ended", "person", by.id, {})
