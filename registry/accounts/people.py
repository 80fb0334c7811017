"""People: created, given roles, disabled. A person may hold several roles for several organisations."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import NATIONAL_ROLES, ORGANISATION_ROLES, Actor, Role
from registry.accounts import note
from registry.errors import Conflict, NotFound, Unprocessable
from registry.store.audit import Change
from registry.store.tables import membership, organisation, person, session, single_use_link

_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,98}[a-z0-9]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST = 100  # letters of a name or address
Held = tuple[Role, int | None]
"""A role, for an organisation by its id or for the nation."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A role that somebody holds, for the nation where no organisation is named."""

    id: UUID
    role: Role
    organisation_id: int | None
    code: str | None
    organisation: str | None


@dataclass(frozen=True, slots=True)
class Person:
    id: UUID
    user_name: str
    display_name: str
    email: str | None
    disabled_at: datetime | None
    has_password: bool
    memberships: tuple[Membership, ...]


def faults(user_name: str, display_name: str, email: str | None) -> Iterator[tuple[str, str]]:
    """What is wrong with the particulars of a person, field by field."""
    if not _USER_NAME.fullmatch(user_name.lower()):
        yield "user_name", "Enter a user name of 3 to 100 letters, digits and . _ - + @, such as an NHS e-mail address"
    if not 2 <= len(display_name) <= LONGEST or not display_name.isprintable():
        yield "display_name", f"Enter the person's name, 2 to {LONGEST} characters long"
    if email and (not _EMAIL.fullmatch(email) or len(email) > LONGEST):
        yield "email", "Enter an e-mail address such as name@nhs.net, or leave it empty"


def create(
    connection: Connection,
    *,
    user_name: str,
    display_name: str,
    email: str | None = None,
    roles: Collection[Held] = (),
    by: Actor,
) -> UUID:
    """A new person with these roles, without a password: one entry. Raises Unprocessable, or Conflict for a user name that is taken."""
    made = add(connection, user_name=user_name, display_name=display_name, email=email)
    for role, organisation_id in roles:
        hold(connection, made, role, organisation_id, by=by)
    given = [[role.value, organisation_id] for role, organisation_id in roles]
    note(connection, by, "person created", "person", made, {"roles": given}, Change(None, roles_of(connection, made)))
    return made


def add(connection: Connection, *, user_name: str, display_name: str, email: str | None = None) -> UUID:
    """As `create`, without roles and unaudited: for those who audit the whole of which it is a part."""
    if wrong := list(faults(user_name, display_name, email)):
        raise Unprocessable(errors=wrong)
    made: UUID | None = connection.scalar(
        insert_or(person)
        .values(user_name=user_name.lower(), display_name=display_name, email=email or None)
        .on_conflict_do_nothing(index_elements=["user_name"])
        .returning(person.c.id)
    )
    if made is None:
        raise Conflict("Somebody has this user name already. Choose another, or give that person the role.")
    return made


def grant(
    connection: Connection, person_id: UUID, role: Role, organisation_id: int | None = None, *, by: Actor
) -> None:
    """Give a role, for an organisation or for the nation; one entry. As `hold`."""
    give(connection, person_id, [(role, organisation_id)], by=by)


def give(connection: Connection, person_id: UUID, roles: Collection[Held], *, by: Actor) -> None:
    """Give roles, each for an organisation or for the nation: one entry for all. As `hold`."""
    before = roles_of(connection, person_id)
    for role, organisation_id in roles:
        hold(connection, person_id, role, organisation_id, by=by)
    change = Change(before, roles_of(connection, person_id))
    given = [[role.value, organisation_id] for role, organisation_id in roles]
    note(connection, by, "role given", "person", person_id, {"roles": given}, change)


def hold(connection: Connection, person_id: UUID, role: Role, organisation_id: int | None, *, by: Actor) -> None:
    """Let somebody have a role, unaudited: for those who audit the whole of which it is a part. What is already held stays; with a new
    role sessions end.

    Raises Unprocessable where role and organisation do not go together, Conflict for one's own roles: an administrator who wants
    to see cases needs another who gives the role.
    """
    if by.id == person_id:
        raise Conflict("Nobody gives a role to themselves. Ask another administrator.")
    if role not in (ORGANISATION_ROLES if organisation_id is not None else NATIONAL_ROLES):
        raise Unprocessable(
            "This role is held for an organisation." if organisation_id is None else "This role is national."
        )
    held = insert_or(membership).values(person_id=person_id, role=role.value, organisation_id=organisation_id)
    given = held.on_conflict_do_update(
        index_elements=["person_id", "role", "organisation_id"],
        set_={"ended_at": None},
        where=membership.c.ended_at.is_not(None),
    )
    if connection.scalar(given.returning(membership.c.id)) is not None:
        end_sessions(connection, person_id)


def roles_of(connection: Connection, person_id: UUID) -> list[list[object]]:
    """The roles that somebody holds now, each with the organisation's id, in order: what a change of them is told by."""
    held = select(membership.c.role, membership.c.organisation_id).where(
        membership.c.person_id == person_id, membership.c.ended_at.is_(None)
    )
    rows = connection.execute(held.order_by(membership.c.role, membership.c.organisation_id))
    return [[row.role, row.organisation_id] for row in rows]


def take(connection: Connection, person_id: UUID, membership_id: UUID, *, by: Actor) -> None:
    """End a role, and the person's sessions with it. Raises NotFound for one that the person does not hold, Conflict for the last administrator's."""
    before = roles_of(connection, person_id)
    ended = connection.execute(
        update(membership)
        .where(membership.c.id == membership_id, membership.c.person_id == person_id, membership.c.ended_at.is_(None))
        .values(ended_at=func.now())
        .returning(membership.c.role, membership.c.organisation_id)
    ).one_or_none()
    if ended is None:
        raise NotFound
    end_sessions(connection, person_id)
    if ended.role == Role.ADMINISTRATOR.value:
        _keep_an_administrator(connection)
    change = Change(before, roles_of(connection, person_id))
    note(connection, by, "role ended", "person", person_id, {"roles": [[ended.role, ended.organisation_id]]}, change)


def disable(connection: Connection, person_id: UUID, *, by: Actor) -> None:
    """Shut somebody out: sessions and links end in the same transaction. Raises as `take`."""
    found = update(person).where(person.c.id == person_id, person.c.disabled_at.is_(None))
    if connection.execute(found.values(disabled_at=func.now())).rowcount == 0:
        raise NotFound
    shut_out(connection, person_id)
    if any(held.role is Role.ADMINISTRATOR for held in person_by_id(connection, person_id).memberships):
        _keep_an_administrator(connection)
    note(connection, by, "person disabled", "person", person_id, {})


def enable(connection: Connection, person_id: UUID, *, by: Actor) -> None:
    """Let somebody in again, with the password and roles as they were. Raises NotFound where nobody is disabled."""
    found = update(person).where(person.c.id == person_id, person.c.disabled_at.is_not(None))
    if connection.execute(found.values(disabled_at=None)).rowcount == 0:
        raise NotFound
    note(connection, by, "person enabled", "person", person_id, {})


def set_password(connection: Connection, person_id: UUID, password_hash: str, *, by: Actor) -> None:
    """Keep a password's hash (`passwords.hashed`, made before the transaction opens); sessions and links end."""
    keep_password(connection, person_id, password_hash)
    note(connection, by, "password set", "person", person_id, {})


def keep_password(connection: Connection, person_id: UUID, password_hash: str) -> None:
    """As `set_password`, unaudited: for those who audit the whole of which it is a part."""
    connection.execute(update(person).where(person.c.id == person_id).values(password_hash=password_hash))
    shut_out(connection, person_id)


def shut_out(connection: Connection, person_id: UUID) -> None:
    """End all sessions and all unused links of somebody."""
    end_sessions(connection, person_id)
    unused = update(single_use_link).where(
        single_use_link.c.person_id == person_id, single_use_link.c.used_at.is_(None)
    )
    connection.execute(unused.values(expires_at=func.now()))


def end_sessions(connection: Connection, person_id: UUID) -> None:
    """Let somebody sign in again, wherever they are."""
    alive = update(session).where(session.c.person_id == person_id, session.c.ended_at.is_(None))
    connection.execute(alive.values(ended_at=func.now()))


def _keep_an_administrator(connection: Connection) -> None:
    """Nobody may lock the last door from inside. The lock makes two who leave at once do it one after the other."""
    connection.execute(select(func.pg_advisory_xact_lock(0x4841_5402)))
    left = (
        select(func.count())
        .select_from(membership.join(person, person.c.id == membership.c.person_id))
        .where(membership.c.role == Role.ADMINISTRATOR.value)
        .where(membership.c.ended_at.is_(None), person.c.disabled_at.is_(None))
    )
    if not connection.scalar(left):
        raise Conflict("This is the last administrator. Make somebody else an administrator first.")


def search(connection: Connection, words: str = "", *, limit: int = 200) -> tuple[Person, ...]:
    """People whose names hold the words, and those with a role at the organisation of that code; by name, at most `limit`."""
    here = (
        select(membership.c.person_id)
        .join(organisation, organisation.c.id == membership.c.organisation_id)
        .where(organisation.c.code == words.upper(), membership.c.ended_at.is_(None))
    )
    found = or_(
        person.c.user_name.contains(words.lower(), autoescape=True),
        person.c.display_name.icontains(words, autoescape=True),
        person.c.id.in_(here),
    )
    rows = connection.execute(select(person).where(found).order_by(person.c.user_name).limit(limit)).all()
    held = _memberships(connection, [row.id for row in rows])
    return tuple(_person(row, held.get(row.id, ())) for row in rows)


def person_by_id(connection: Connection, person_id: UUID) -> Person:
    """One person. Raises NotFound."""
    row = connection.execute(select(person).where(person.c.id == person_id)).one_or_none()
    if row is None:
        raise NotFound
    return _person(row, _memberships(connection, [person_id]).get(person_id, ()))


def person_by_name(connection: Connection, user_name: str) -> Person:
    """One person by the user name. Raises NotFound."""
    found: UUID | None = connection.scalar(select(person.c.id).where(person.c.user_name == user_name.lower()))
    if found is None:
        raise NotFound
    return person_by_id(connection, found)


def _person(row: Row[tuple[object, ...]], held: tuple[Membership, ...]) -> Person:
    return Person(
        row.id, row.user_name, row.display_name, row.email, row.disabled_at, row.password_hash is not None, held
    )


def _memberships(connection: Connection, people: list[UUID]) -> dict[UUID, tuple[Membership, ...]]:
    rows = connection.execute(
        select(membership, organisation.c.code, organisation.c.name)
        .outerjoin(organisation, organisation.c.id == membership.c.organisation_id)
        .where(membership.c.person_id.in_(people), membership.c.ended_at.is_(None))
        .order_by(organisation.c.code.nulls_first(), membership.c.role)
    )
    held: dict[UUID, tuple[Membership, ...]] = {}
    for row in rows:
        one = Membership(row.id, Role(row.role), row.organisation_id, row.code, row.name)
        held[row.person_id] = (*held.get(row.person_id, ()), one)
    return held
