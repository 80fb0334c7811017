"""The people of one organisation, as its lead manages them: listed, given other roles, shut out and let in again.

All of it ends at the organisation's own door: roles elsewhere are neither shown nor touched, and whoever has no role here is as if
there were no such person. Nobody changes their own roles, and an organisation that has a lead keeps one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import ORGANISATION_ROLES, Actor, Role
from registry.accounts import note, people, second_factor
from registry.errors import Conflict, NotFound, Unprocessable
from registry.store.audit import Change
from registry.store.own_people import own_person
from registry.store.tables import membership, organisation, person, session

STALE = (
    "Somebody changed this person's roles since you opened the page. Nothing was changed. Look at them, then decide."
)
LAST_LEAD = "This is the last lead of the organisation. Make somebody else its lead first."
ONESELF = "Nobody changes their own roles or shuts themselves out. Ask another lead, or the registry."


class Standing(StrEnum):
    """How somebody stands with an organisation."""

    OPEN = "open"
    SHUT_OUT = "shut out"
    CLOSED = "closed"
    """The registry closed the account."""


@dataclass(frozen=True, slots=True)
class Own:
    """One person, as the organisation knows them. `roles` are those held here; of somebody shut out, those that come back."""

    person_id: UUID
    name: str
    address: str
    roles: tuple[Role, ...]
    standing: Standing

    @property
    def fingerprint(self) -> str:
        """The roles as a form was opened with them."""
        return "+".join(self.roles)


_LISTED = text("""
    select p.id, coalesce(o.known_as, p.display_name) as name, coalesce(o.address, p.email, p.user_name) as address,
           p.disabled_at is not null as closed, held.roles, o.roles_before
      from register.person p
      left join (select person_id, array_agg(role) as roles from register.membership
                  where organisation_id = :organisation and ended_at is null group by person_id) held on held.person_id = p.id
      left join register.own_person o on o.person_id = p.id and o.organisation_id = :organisation
     where (held.roles is not null or o.disabled_at is not null) and p.id = coalesce(:person, p.id)
     order by lower(coalesce(o.known_as, p.display_name)), p.id
""")


def listed(connection: Connection, organisation_id: int) -> list[Own]:
    """Everybody with a role at an organisation, and those whom it has shut out; by name."""
    return _read(connection, organisation_id, None)


def one(connection: Connection, organisation_id: int, person_id: UUID) -> Own:
    """One of them. Raises NotFound for anybody else."""
    found = _read(connection, organisation_id, person_id)
    if not found:
        raise NotFound
    return found[0]


def _read(connection: Connection, organisation_id: int, person_id: UUID | None) -> list[Own]:
    rows = connection.execute(_LISTED, {"organisation": organisation_id, "person": person_id})
    return [
        Own(
            row.id,
            row.name,
            row.address,
            in_order(row.roles or row.roles_before),
            Standing.CLOSED if row.closed else Standing.OPEN if row.roles else Standing.SHUT_OUT,
        )
        for row in rows
    ]


def in_order(roles: Iterable[str]) -> tuple[Role, ...]:
    """Roles by their names, in the order of the table of roles; what is no role of an organisation is left out."""
    held = set(roles)
    return tuple(role for role in ORGANISATION_ROLES if role.value in held)


def role_faults(roles: Collection[Role], address: str, domains: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong with giving somebody of this address these roles. Links to cases go to the allowed domains only; so does this."""
    if not roles:
        return [("roles", "Choose at least one role")]
    if Role.CONSULTANT_REVIEWER in roles and address.rpartition("@")[2].lower() not in domains:
        return [("roles", "A consultant reviewer needs an address in one of the domains for consultants")]
    return []


def change_roles(
    connection: Connection,
    organisation_id: int,
    person_id: UUID,
    roles: Collection[Role],
    *,
    seen: str,
    domains: Collection[str],
    by: Actor,
) -> None:
    """Let somebody have these roles here and no others; sessions end with a role that ends.

    `seen` is the fingerprint of what the form was opened with. Raises NotFound, Conflict (moved on since; oneself; the last lead),
    Unprocessable.
    """
    known = _managed(connection, organisation_id, person_id, by)
    if known.standing is not Standing.OPEN or known.fingerprint != seen:
        raise Conflict(STALE)
    if not roles:
        raise Unprocessable(errors=[("roles", "Choose at least one role. To end all of them, disable the person")])
    new = set(roles) - set(known.roles)
    if wrong := role_faults(roles, known.address, domains if Role.CONSULTANT_REVIEWER in new else (_domain(known),)):
        raise Unprocessable(errors=wrong)
    before = people.roles_of(connection, person_id)
    for role in in_order(new):
        people.hold(connection, person_id, role, organisation_id, by=by)
    gone = set(known.roles) - set(roles)
    _end(connection, organisation_id, person_id, gone)
    if new or gone:
        detail = {"given": [role.value for role in in_order(new)], "ended": [role.value for role in in_order(gone)]}
        _note(connection, by, "roles changed", organisation_id, person_id, detail, before)


def _domain(known: Own) -> str:
    return known.address.rpartition("@")[2].lower()


def shut_out(connection: Connection, organisation_id: int, person_id: UUID, *, by: Actor) -> None:
    """End somebody's roles here and all their sessions, in one transaction. Raises as `change_roles`."""
    known = _managed(connection, organisation_id, person_id, by)
    if known.standing is not Standing.OPEN:
        raise Conflict(STALE)
    _keep(
        connection,
        organisation_id,
        person_id,
        disabled_at=func.now(),
        roles_before=[role.value for role in known.roles],
    )
    before = people.roles_of(connection, person_id)
    _end(connection, organisation_id, person_id, known.roles)
    ended = {"ended": [role.value for role in known.roles]}
    _note(connection, by, "person shut out", organisation_id, person_id, ended, before)


def let_in(
    connection: Connection, organisation_id: int, person_id: UUID, *, domains: Collection[str], by: Actor
) -> None:
    """Give somebody who was shut out the same roles again. Raises as `change_roles`."""
    known = _managed(connection, organisation_id, person_id, by)
    if known.standing is not Standing.SHUT_OUT:
        raise Conflict(STALE)
    if wrong := role_faults(known.roles, known.address, domains):
        raise Unprocessable(errors=wrong)
    _keep(connection, organisation_id, person_id, disabled_at=None, roles_before=[])
    before = people.roles_of(connection, person_id)
    for role in known.roles:
        people.hold(connection, person_id, role, organisation_id, by=by)
    given = {"given": [role.value for role in known.roles]}
    _note(connection, by, "person let in again", organisation_id, person_id, given, before)


def _note(
    connection: Connection,
    by: Actor,
    action: str,
    organisation_id: int,
    person_id: UUID,
    detail: dict[str, list[str]],
    before: list[list[object]],
) -> None:
    """One entry for all roles that were given and ended at once."""
    change = Change(before, people.roles_of(connection, person_id))
    note(connection, by, action, "person", person_id, {"organisation": organisation_id, **detail}, change)


def reset_factor(connection: Connection, organisation_id: int, person_id: UUID, *, by: Actor) -> None:
    """Take away the second factor of somebody who acts for this organisation alone: an organisation does not weaken an account that
    opens another's doors. Raises NotFound where there is none, Conflict (oneself; roles elsewhere)."""
    known = _managed(connection, organisation_id, person_id, by)
    if known.standing is not Standing.OPEN:
        raise Conflict(STALE)
    elsewhere = select(membership.c.id).where(
        membership.c.person_id == person_id,
        membership.c.ended_at.is_(None),
        membership.c.organisation_id.is_distinct_from(organisation_id),
    )
    if connection.execute(elsewhere.limit(1)).one_or_none() is not None:
        raise Conflict("Only the registry resets the second factor of this person. Ask its administrator.")
    second_factor.reset(connection, person_id, by=by)


def lock(connection: Connection, organisation_id: int) -> None:
    """Whoever changes the people of an organisation waits for whoever is at it."""
    connection.execute(
        select(organisation.c.id).where(organisation.c.id == organisation_id).with_for_update(key_share=True)
    )


def _managed(connection: Connection, organisation_id: int, person_id: UUID, by: Actor) -> Own:
    lock(connection, organisation_id)
    known = one(connection, organisation_id, person_id)
    if by.id == person_id:
        raise Conflict(ONESELF)
    return known


def _keep(connection: Connection, organisation_id: int, person_id: UUID, **values: object) -> None:
    kept = insert_or(own_person).values(organisation_id=organisation_id, person_id=person_id, **values)
    connection.execute(kept.on_conflict_do_update(index_elements=["organisation_id", "person_id"], set_=values))


def _end(connection: Connection, organisation_id: int, person_id: UUID, roles: Collection[Role]) -> None:
    if not roles:
        return
    held = (membership.c.organisation_id == organisation_id, membership.c.ended_at.is_(None))
    connection.execute(
        update(membership)
        .where(*held, membership.c.person_id == person_id, membership.c.role.in_([role.value for role in roles]))
        .values(ended_at=func.now())
    )
    alive = update(session).where(session.c.person_id == person_id, session.c.ended_at.is_(None))
    connection.execute(alive.values(ended_at=func.now()))
    if Role.TRUST_LEAD in roles:
        left = (
            select(func.count())
            .select_from(membership.join(person, person.c.id == membership.c.person_id))
            .where(*held, membership.c.role == Role.TRUST_LEAD.value, person.c.disabled_at.is_(None))
        )
        if not connection.scalar(left):
            raise Conflict(LAST_LEAD)
