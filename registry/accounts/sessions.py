"""Signed-in people. The cookie holds a secret; the table its digest, and when it was made and last seen by the database's clock.

A session begins with a password and is worth nothing but the way to its second half: only a code, a recovery code or the word of a
provider makes it `strong`, under a new id. It gets a new id again whenever that is proven anew.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, select, update

from registry.access import ANYBODY, Actor
from registry.accounts import new_secret, note, secret_digest
from registry.accounts.actors import actor_of_person, actor_of_session
from registry.errors import NotFound
from registry.store.signing_in import second_factor
from registry.store.tables import person, session

SEEN_EVERY = timedelta(minutes=1)
"""A session's last sight is written this often at most, so that most requests only read."""
HALF_HOLDS = timedelta(minutes=10)
"""So long may somebody look for the phone after the password."""


class How(StrEnum):
    """What somebody proved beside a password, or in its place."""

    CODE = "code"
    RECOVERY = "recovery code"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session holds without a request, and how long at all; for how long what was proven beside the password is fresh."""

    idle: timedelta
    absolute: timedelta
    fresh: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Account:
    """What is compared at sign-in."""

    person_id: UUID
    password_hash: str | None


@dataclass(frozen=True, slots=True)
class Half:
    """A session whose person has given a password and nothing else yet."""

    digest: bytes
    person_id: UUID
    user_name: str
    has_factor: bool
    reset_at: datetime | None
    """When somebody else took the second factor away, if it has not been set up since."""


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


# --- begun with a password


def begin(connection: Connection, found: Account) -> str | None:
    """The first half of a session; gives its secret. None where the account was disabled or its password changed since it was compared."""
    still = _open(found.person_id).where(person.c.password_hash == found.password_hash)
    if connection.execute(still).one_or_none() is None:
        return None
    secret = new_secret()
    connection.execute(insert(session).values(id_digest=secret_digest(secret), person_id=found.person_id))
    note(connection, actor_of_person(connection, found.person_id), "password accepted", "person", found.person_id, {})
    return secret


def half(connection: Connection, secret: str) -> Half | None:
    """The session that waits for its second half; None where there is none (any more)."""
    row = connection.execute(
        select(session.c.person_id, person.c.user_name, second_factor.c.secret_ct, second_factor.c.reset_at)
        .join(person, person.c.id == session.c.person_id)
        .outerjoin(second_factor, second_factor.c.person_id == session.c.person_id)
        .where(session.c.id_digest == secret_digest(secret), _waits(), person.c.disabled_at.is_(None))
    ).one_or_none()
    if row is None:
        return None
    has = row.secret_ct is not None
    return Half(secret_digest(secret), row.person_id, row.user_name, has, None if has else row.reset_at)


def _waits() -> ColumnElement[bool]:
    return and_(
        session.c.ended_at.is_(None), session.c.strong_at.is_(None), session.c.created_at > func.now() - HALF_HOLDS
    )


def finish(connection: Connection, begun: Half, how: How) -> str | None:
    """The whole session, under a new id; gives its secret. None where the half was used or is over, or the account disabled since."""
    used = update(session).where(session.c.id_digest == begun.digest, _waits()).values(ended_at=func.now())
    if connection.execute(used).rowcount == 0:
        return None
    return enter(connection, begun.person_id, how)


def enter(connection: Connection, person_id: UUID, how: How) -> str | None:
    """A whole session for somebody who has proven all that is asked; gives its secret. None where the account is disabled."""
    if connection.execute(_open(person_id)).one_or_none() is None:
        return None
    secret = new_secret()
    values = {"id_digest": secret_digest(secret), "person_id": person_id, "strong_at": func.now(), "how": how.value}
    connection.execute(insert(session).values(**values))
    note(connection, actor_of_person(connection, person_id), "signed in", "person", person_id, {"how": how.value})
    return secret


def _open(person_id: UUID) -> Select[tuple[UUID]]:
    found = select(person.c.id).where(person.c.id == person_id, person.c.disabled_at.is_(None))
    return found.with_for_update(read=True, key_share=False)


def renew(connection: Connection, by: Actor, how: How) -> str:
    """The same session under a new id, since its person proved anew who they are; gives its secret. Its 12 hours run on.

    Raises NotFound for a session that has ended meanwhile.
    """
    old = update(session).where(session.c.id_digest == by.session, session.c.ended_at.is_(None))
    begun = connection.execute(old.values(ended_at=func.now()).returning(session.c.created_at)).one_or_none()
    if begun is None:
        raise NotFound
    secret = new_secret()
    values = {"id_digest": secret_digest(secret), "person_id": by.id, "created_at": begun.created_at}
    connection.execute(insert(session).values(**values, strong_at=func.now(), how=how.value))
    note(connection, by, "second factor confirmed", "person", by.id, {"how": how.value})
    return secret


def carry_over(connection: Connection, by: Actor) -> str:
    """The same session under a new id, since its person's roles have changed; how strong it is stays. Raises as `renew`."""
    secret = new_secret()
    ended = update(session).where(session.c.id_digest == by.session).values(ended_at=func.now())
    row = connection.execute(ended.returning(session.c.created_at, session.c.strong_at, session.c.how)).one_or_none()
    if row is None:
        raise NotFound
    values = {"id_digest": secret_digest(secret), "person_id": by.id, "created_at": row.created_at}
    connection.execute(insert(session).values(**values, strong_at=row.strong_at, how=row.how))
    return secret


def refused(connection: Connection, found: Account | None) -> None:
    """Note a sign-in that failed. Which name was typed is not kept: it may have been a password."""
    note(connection, ANYBODY, "sign-in refused", "person", found.person_id if found else "unknown", {})


def refused_code(connection: Connection, begun: Half) -> None:
    """Note that the second half of a sign-in failed. What was typed is not kept."""
    note(connection, ANYBODY, "sign-in refused", "person", begun.person_id, {"step": "second factor"})


# --- looked up and ended


def actor(connection: Connection, secret: str, limits: Limits) -> Actor | None:
    """Whose session this is; None where it has ended, expired or never was, lacks its second half, or its person is disabled."""
    digest = secret_digest(secret)
    given = {"idle": limits.idle, "absolute": limits.absolute, "fresh": limits.fresh}
    found = actor_of_session(connection, digest, seen=SEEN_EVERY, **given)
    if found is None:
        return None
    by, stale = found
    if stale:
        connection.execute(update(session).where(session.c.id_digest == digest).values(last_seen_at=func.now()))
    return by


def _alive(limits: Limits) -> ColumnElement[bool]:
    return and_(
        session.c.ended_at.is_(None),
        session.c.strong_at.is_not(None),
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


def end_others(connection: Connection, *, by: Actor) -> None:
    """End all of one's own sessions but this one."""
    others = update(session).where(
        session.c.person_id == by.id, session.c.id_digest != by.session, session.c.ended_at.is_(None)
    )
    ended = connection.execute(others.values(ended_at=func.now())).rowcount
    note(connection, by, "other sessions ended", "person", by.id, {"sessions": ended})
