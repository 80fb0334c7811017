"""From a person, a session or a machine client to the actor: roles, organisations, and those that were merged into them by today.

Each is one statement, since every request asks it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from registry.access import Actor, Kind, Role, Scope
from registry.store.prepared import Prepared

# From the day of a merger whoever acts for the successor acts for its predecessors, and for theirs.
_HELD = """
    select jsonb_agg(jsonb_build_array(role, organisation_id)) from (
        with recursive held (role, organisation_id) as (
            {roles}
             union
            select held.role, merged.predecessor_id from held join register.succession merged
                on merged.successor_id = held.organisation_id
               and merged.effective_on <= (now() at time zone 'Europe/London')::date)
        select role, organisation_id from held) as each
"""
_PERSON_HELD = _HELD.format(
    roles="""select m.role, m.organisation_id from register.membership m
              where m.person_id = p.id and m.ended_at is null"""
)
_CLIENT_HELD = _HELD.format(
    roles="select c.role, its.organisation_id from register.client_organisation its where its.client_id = c.id"
)

_PERSON = Prepared(
    "select p.display_name as name, ({held}) as held from register.person p where p.id = :id".replace(
        "{held}", _PERSON_HELD
    )
)
_SESSION = Prepared(
    """
    select p.id, p.display_name as name, ({held}) as held, s.last_seen_at < now() - cast(:seen as interval) as stale,
           s.strong_at > now() - cast(:fresh as interval) as fresh, s.how
      from register.session s join register.person p on p.id = s.person_id
     where s.id_digest = :digest and p.disabled_at is null and s.ended_at is null and s.strong_at is not null
       and s.last_seen_at > now() - cast(:idle as interval) and s.created_at > now() - cast(:absolute as interval)
    """.replace("{held}", _PERSON_HELD)
)
_CLIENT = Prepared(
    "select c.name, c.role, c.scopes, ({held}) as held from register.client c where c.id = :id".replace(
        "{held}", _CLIENT_HELD
    )
)


def actor_of_person(connection: Connection, person_id: UUID, session: bytes | None = None) -> Actor:
    """A person as an actor, with whatever roles are held now; disabled or not is the caller's question."""
    (found,) = _PERSON(connection, id=person_id)
    return _person(person_id, found, session)


def actor_of_session(connection: Connection, digest: bytes, **limits: Any) -> tuple[Actor, bool] | None:
    """Whose living session this is, and whether its last sight has to be written anew; `limits` are `idle`, `absolute`, `fresh` and `seen`.

    None where it has ended, expired or never was, where its person is disabled, or has proven no more than a password yet.
    """
    for found in _SESSION(connection, digest=digest, **limits):
        by = _person(found.id, found, digest)
        return replace(by, fresh=found.fresh, by_provider=found.how == "provider"), found.stale
    return None


def _person(person_id: UUID, found: Any, session: bytes | None) -> Actor:
    held = [(Role(role), organisation_id) for role, organisation_id in found.held or ()]
    roles = frozenset(role for role, _ in held)
    return Actor(Kind.PERSON, person_id, found.name, roles, _by_organisation(held), session)


def actor_of_client(connection: Connection, client_id: UUID, scopes: Iterable[str] | None = None) -> Actor:
    """A machine client as an actor, its one role for each of its organisations; limited to the scopes of its access token, by default to all that it has."""
    (found,) = _CLIENT(connection, id=client_id)
    held = [(Role(role), organisation_id) for role, organisation_id in found.held or ()]
    allowed = frozenset(map(Scope, found.scopes if scopes is None else scopes))
    return Actor(
        Kind.CLIENT, client_id, found.name, frozenset({Role(found.role)}), _by_organisation(held), scopes=allowed
    )


def _by_organisation(held: Iterable[tuple[Role, int | None]]) -> dict[int, frozenset[Role]]:
    found: dict[int, frozenset[Role]] = {}
    for role, organisation_id in held:
        if organisation_id is not None:
            found[organisation_id] = found.get(organisation_id, frozenset()) | {role}
    return found
