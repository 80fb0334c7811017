"""From a session, a token or a machine client to the actor: roles, organisations, and those that were merged into them by today."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Connection, Date, cast, func, select

from registry.access import Actor, Kind, Role, Scope
from registry.store.tables import (
    client,
    client_organisation,
    membership,
    person,
    succession,
)

_TODAY = cast(func.timezone("Europe/London", func.now()), Date)


def actor_of_person(connection: Connection, person_id: UUID, session: bytes | None = None) -> Actor:
    """A person as an actor, with whatever roles are held now; disabled or not is the caller's question."""
    name = connection.scalar(select(person.c.display_name).where(person.c.id == person_id))
    held = connection.execute(
        select(membership.c.role, membership.c.organisation_id).where(
            membership.c.person_id == person_id, membership.c.ended_at.is_(None)
        )
    ).all()
    organisations = _by_organisation((row.organisation_id, Role(row.role)) for row in held)
    return Actor(
        Kind.PERSON,
        person_id,
        str(name),
        frozenset(Role(row.role) for row in held),
        with_predecessors(connection, organisations),
        session,
    )


def actor_of_client(connection: Connection, client_id: UUID, scopes: Iterable[str] | None = None) -> Actor:
    """A machine client as an actor, its one role for each of its organisations; limited to the scopes of its access token, by default to all that it has."""
    found = connection.execute(
        select(client.c.name, client.c.role, client.c.scopes).where(client.c.id == client_id)
    ).one()
    role = Role(found.role)
    ids = connection.scalars(
        select(client_organisation.c.organisation_id).where(client_organisation.c.client_id == client_id)
    )
    organisations = with_predecessors(connection, _by_organisation((one, role) for one in ids))
    held = frozenset(map(Scope, found.scopes if scopes is None else scopes))
    return Actor(Kind.CLIENT, client_id, found.name, frozenset({role}), organisations, scopes=held)


def _by_organisation(held: Iterable[tuple[int | None, Role]]) -> dict[int, frozenset[Role]]:
    found: dict[int, frozenset[Role]] = {}
    for organisation_id, role in held:
        if organisation_id is not None:
            found[organisation_id] = found.get(organisation_id, frozenset()) | {role}
    return found


def with_predecessors(
    connection: Connection, organisations: Mapping[int, frozenset[Role]]
) -> dict[int, frozenset[Role]]:
    """From the day of a merger whoever acts for the successor acts for its predecessors, and for theirs."""
    found = dict(organisations)
    if not organisations:
        return found
    chain = (
        select(succession.c.predecessor_id, succession.c.successor_id)
        .where(succession.c.successor_id.in_(organisations), succession.c.effective_on <= _TODAY)
        .add_columns(succession.c.successor_id.label("holder"))
        .cte("chain", recursive=True)
    )
    further = select(succession.c.predecessor_id, succession.c.successor_id, chain.c.holder).where(
        succession.c.successor_id == chain.c.predecessor_id, succession.c.effective_on <= _TODAY
    )
    for row in connection.execute(select(chain.union(further))):
        found[row.predecessor_id] = found.get(row.predecessor_id, frozenset()) | organisations[row.holder]
    return found
