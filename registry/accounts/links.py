"""Links with which a person sets a password: one use, 24 hours. An administrator hands them over; no e-mail is needed."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, update

from registry.access import Actor, Role
from registry.accounts import new_secret, note, people, secret_digest
from registry.accounts.actors import actor_of_person
from registry.accounts.people import Person
from registry.errors import Gone, NotFound
from registry.store.tables import person, single_use_link

HOLDS = timedelta(hours=24)
PURPOSE = "password"
GONE = "This link was used already, or its 24 hours are over. Ask your administrator for a new one."


def make(connection: Connection, person_id: UUID, *, by: Actor) -> str:
    """A new link's secret; earlier ones end. Raises NotFound where nobody is, or somebody disabled."""
    known = select(person.c.id).where(person.c.id == person_id, person.c.disabled_at.is_(None)).with_for_update()
    if connection.execute(known).one_or_none() is None:
        raise NotFound
    earlier = update(single_use_link).where(
        single_use_link.c.person_id == person_id, single_use_link.c.used_at.is_(None)
    )
    connection.execute(earlier.values(expires_at=func.now()))
    secret = new_secret()
    connection.execute(
        insert(single_use_link).values(
            link_digest=secret_digest(secret),
            person_id=person_id,
            purpose=PURPOSE,
            expires_at=func.now() + HOLDS,
        )
    )
    note(connection, by, "password link made", "person", person_id, {})
    return secret


def holder(connection: Connection, secret: str) -> Person:
    """Whose link this is. Raises Gone for one that was used, is over, or never was: the answer does not say which."""
    found: UUID | None = connection.scalar(
        select(single_use_link.c.person_id)
        .join(person, person.c.id == single_use_link.c.person_id)
        .where(
            single_use_link.c.link_digest == secret_digest(secret),
            single_use_link.c.used_at.is_(None),
            single_use_link.c.expires_at > func.now(),
            person.c.disabled_at.is_(None),
        )
    )
    if found is None:
        raise Gone(GONE)
    return people.person_by_id(connection, found)


def use(connection: Connection, secret: str, password_hash: str) -> None:
    """Set the password, use the link up, end the person's sessions. Raises Gone as `holder`, also for the second of two at once."""
    owner = holder(connection, secret)
    unused = update(single_use_link).where(
        single_use_link.c.link_digest == secret_digest(secret), single_use_link.c.used_at.is_(None)
    )
    if connection.execute(unused.values(used_at=func.now())).rowcount == 0:
        raise Gone(GONE)
    people.set_password(connection, owner.id, password_hash, by=actor_of_person(connection, owner.id))


def create_admin(connection: Connection, *, user_name: str, display_name: str, by: Actor) -> str:
    """A first administrator, or one more; gives the secret of the link that sets the password. Raises as `people.create`."""
    roles = [(Role.ADMINISTRATOR, None)]
    made = people.create(connection, user_name=user_name, display_name=display_name, roles=roles, by=by)
    return make(connection, made, by=by)


def address(base_url: str, secret: str) -> str:
    """Where the link leads."""
    return f"{base_url}/set-password/{secret}"
