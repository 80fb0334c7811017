"""Which account somebody has whom a provider knows, and the flows by which they come. An administrator links them; nobody else does.

An address is never taken for a person: whoever has it at the provider may be another one tomorrow. Issuer and subject together are the key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import ANYBODY, Actor
from registry.accounts import note, secret_digest
from registry.accounts.people import end_sessions
from registry.accounts.provider import LONGEST_SUBJECT, Fault, Identity
from registry.errors import Conflict, NotFound, Unprocessable
from registry.store.signing_in import provider_flow, provider_identity

HOLDS = timedelta(minutes=10)
"""So long may somebody take at the provider."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What a browser had begun: where to go on, and whose session is to be proven anew, if it is no sign-in."""

    next: str
    session: bytes | None


@dataclass(frozen=True, slots=True)
class Linked:
    """An identity of a person's."""

    id: UUID
    issuer: str
    subject: str
    linked_at: datetime


# --- flows


def begin(connection: Connection, secret: str, going_to: str, session: bytes | None) -> None:
    """Keep that the browser with this secret was sent to the provider."""
    values = {"browser_digest": secret_digest(secret), "next": going_to, "session_digest": session}
    connection.execute(insert(provider_flow).values(**values))


def use(connection: Connection, secret: str) -> Flow | None:
    """What the browser had begun, once; None for a second time, too late, or another's."""
    alive = update(provider_flow).where(
        provider_flow.c.browser_digest == secret_digest(secret),
        provider_flow.c.used_at.is_(None),
        provider_flow.c.begun_at > func.now() - HOLDS,
    )
    row = connection.execute(
        alive.values(used_at=func.now()).returning(provider_flow.c.next, provider_flow.c.session_digest)
    ).one_or_none()
    return None if row is None else Flow(row.next, row.session_digest)


def forget(connection: Connection, at: datetime) -> int:
    """Delete flows that are over; for the worker."""
    return connection.execute(delete(provider_flow).where(provider_flow.c.begun_at < at - timedelta(days=1))).rowcount


# --- identities


def person_of(connection: Connection, who: Identity) -> UUID | None:
    """Whose account this is; None where nobody has linked it."""
    found: UUID | None = connection.scalar(
        select(provider_identity.c.person_id).where(
            provider_identity.c.issuer == who.issuer,
            provider_identity.c.subject == who.subject,
            provider_identity.c.ended_at.is_(None),
        )
    )
    return found


def of_person(connection: Connection, person_id: UUID) -> tuple[Linked, ...]:
    rows = connection.execute(
        select(provider_identity)
        .where(provider_identity.c.person_id == person_id, provider_identity.c.ended_at.is_(None))
        .order_by(provider_identity.c.linked_at)
    )
    return tuple(Linked(row.id, row.issuer, row.subject, row.linked_at) for row in rows)


def link(connection: Connection, who: Identity, person_id: UUID, *, by: Actor) -> None:
    """Let somebody in whom the provider knows. Raises Unprocessable, Conflict for one's own account and where it is linked already."""
    if by.id == person_id:
        raise Conflict("Nobody links their own account. Ask another administrator.")
    if not 1 <= len(who.subject) <= LONGEST_SUBJECT or not who.subject.isprintable():
        raise Unprocessable(errors=[("subject", "Enter the person's number at the provider")])
    made = insert_or(provider_identity).values(issuer=who.issuer, subject=who.subject, person_id=person_id)
    standing = made.on_conflict_do_nothing(
        index_elements=["issuer", "subject"], index_where=provider_identity.c.ended_at.is_(None)
    )
    if connection.scalar(standing.returning(provider_identity.c.id)) is None:
        raise Conflict("This number is linked to an account already.")
    note(connection, by, "identity linked", "person", person_id, {"issuer": who.issuer})


def unlink(connection: Connection, person_id: UUID, identity_id: UUID, *, by: Actor) -> None:
    """End an identity, and the person's sessions with it. Raises NotFound."""
    ended = update(provider_identity).where(
        provider_identity.c.id == identity_id,
        provider_identity.c.person_id == person_id,
        provider_identity.c.ended_at.is_(None),
    )
    if connection.execute(ended.values(ended_at=func.now())).rowcount == 0:
        raise NotFound
    end_sessions(connection, person_id)
    note(connection, by, "identity unlinked", "person", person_id, {})


def refused(connection: Connection, fault: Fault | str, person_id: UUID | None = None) -> None:
    """Note that somebody who came from the provider was not let in, and by which rule."""
    detail = {"step": "provider", "fault": str(fault)}
    note(connection, ANYBODY, "sign-in refused", "person", person_id or "unknown", detail)
