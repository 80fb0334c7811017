"""Machine clients (SMART Backend Services): registered with their public keys, they exchange a signed assertion for an access token.

A client has one role for one or more organisations, as an API token has, and scopes beside. An access token is opaque, kept as a digest,
and holds for five minutes or until its client is disabled. All clocks are the database's.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import ANYBODY, PROGRAM_ROLES, Actor, Role, Scope
from registry.accounts import actors, assertions, new_secret, note, secret_digest
from registry.accounts import keys as public_keys
from registry.accounts.assertions import Fault, Proven, UnprovenError
from registry.accounts.keys import Keys
from registry.errors import NotFound, Unprocessable
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.audit import Change
from registry.store.tables import assertion_seen, client, client_access, client_organisation, organisation, person

PREFIX = "hatc_"
LONGEST_NAME = 100
HOLDS: Final = timedelta(minutes=5)
INVALID_CLIENT = "invalid_client"
INVALID_SCOPE = "invalid_scope"


@dataclass(frozen=True, slots=True)
class Client:
    """A client as a list shows it; `kids` are the names of its keys."""

    id: UUID
    name: str
    role: Role
    organisations: tuple[str, ...]
    scopes: tuple[Scope, ...]
    kids: tuple[str, ...]
    made_by: str
    made_at: datetime
    keys_replaced_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Access:
    """An access token, told this once, and what it holds."""

    secret: str
    client_id: UUID
    scopes: tuple[Scope, ...]
    expires_in: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no token is given, in the word of RFC 6749, 5.2. Every assertion that is not believed has the same."""

    error: str


# --- administration


def faults(
    name: str, role: Role | None, organisations: Collection[int], scopes: Collection[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with the particulars of a client, field by field; `keys.read` tells about its keys."""
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        yield "name", f"Enter a name that says which program it is, 2 to {LONGEST_NAME} characters long"
    if role not in PROGRAM_ROLES:
        yield "role", "Choose what the client may do"
    if not organisations:
        yield "organisations", "Enter the code of at least one organisation"
    if not scopes or not set(scopes) <= set(Scope):
        yield "scopes", "Choose at least one scope"


def register(
    connection: Connection, *, name: str, role: Role = Role.TRUST_UPLOADER, organisations: Collection[int],
    scopes: Collection[str], jwks: str, by: Actor, made_by: UUID | None = None,
) -> UUID:  # fmt: skip
    """A new client; gives its client_id. `jwks` is the document of its public keys; `made_by` as in `tokens.make`.

    Raises Unprocessable for what `faults` and `keys.read` find.
    """
    found = public_keys.read(jwks)
    wrong = [*faults(name, role, organisations, scopes), *(("jwks", words) for words in found.faults)]
    if wrong or found.keys is None:
        raise Unprocessable(errors=wrong)
    held = sorted(set(scopes))
    made = connection.execute(
        insert(client)
        .values(name=name, role=role.value, jwks=found.keys, scopes=held, made_by=made_by or by.id)
        .returning(client.c.id)
    ).scalar_one()
    for one in sorted(organisations):
        connection.execute(insert(client_organisation).values(client_id=made, organisation_id=one))
    detail = {
        "role": role.value,
        "organisations": sorted(organisations),
        "scopes": held,
        "keys": len(found.keys["keys"]),
    }
    note(connection, by, "client registered", "client", made, detail, Change(None, [detail, found.keys]))
    return UUID(str(made))


def replace_keys(connection: Connection, client_id: UUID, jwks: str, *, by: Actor) -> None:
    """Put another document of keys in the place of the one held. In a rotation it holds the old key and the new one, later the new alone.

    Raises Unprocessable for what `keys.read` finds, NotFound for a client that is not, or is disabled.
    """
    found = public_keys.read(jwks)
    if found.keys is None:
        raise Unprocessable(errors=[("jwks", words) for words in found.faults])
    before = connection.scalar(select(client.c.jwks).where(client.c.id == client_id).with_for_update())
    living = update(client).where(client.c.id == client_id, client.c.disabled_at.is_(None))
    if connection.execute(living.values(jwks=found.keys, keys_replaced_at=func.now())).rowcount == 0:
        raise NotFound
    change = Change(before, found.keys)
    note(connection, by, "client keys replaced", "client", client_id, {"keys": len(found.keys["keys"])}, change)


def disable(connection: Connection, client_id: UUID, *, by: Actor) -> None:
    """Shut a client out; its access tokens end at once. Raises NotFound for one that is not, or is disabled already."""
    living = update(client).where(client.c.id == client_id, client.c.disabled_at.is_(None))
    if connection.execute(living.values(disabled_at=func.now())).rowcount == 0:
        raise NotFound
    note(connection, by, "client disabled", "client", client_id, {})


def clients(connection: Connection) -> tuple[Client, ...]:
    """All clients, the newest first."""
    codes = (
        select(client_organisation.c.client_id, func.array_agg(organisation.c.code).label("codes"))
        .join(organisation, organisation.c.id == client_organisation.c.organisation_id)
        .group_by(client_organisation.c.client_id)
        .subquery()
    )
    rows = connection.execute(
        select(client, codes.c.codes, person.c.display_name)
        .join(person, person.c.id == client.c.made_by)
        .outerjoin(codes, codes.c.client_id == client.c.id)
        .order_by(client.c.made_at.desc(), client.c.name)
    )
    return tuple(
        Client(
            row.id, row.name, Role(row.role), tuple(sorted(row.codes or ())), tuple(map(Scope, row.scopes)),
            tuple(key["kid"] for key in row.jwks["keys"]), row.display_name, row.made_at, row.keys_replaced_at, row.disabled_at,
        )
        for row in rows
    )  # fmt: skip


def client_by_id(connection: Connection, client_id: UUID) -> Client:
    """One client. Raises NotFound."""
    found = next((one for one in clients(connection) if one.id == client_id), None)
    if found is None:
        raise NotFound
    return found


# --- assertions for access


def exchange(
    connection: Connection, assertion: str, scope: str, token_url: str, at: datetime, *, client_id: str | None = None
) -> Access | Refusal:
    """An access token for a signed assertion: for those of the scopes asked for that the client has.

    `token_url` is what `aud` must be; `at` is now. `client_id`, where it was sent too, must be the assertion's. The transaction is to be
    committed after a refusal as well: the assertion is used up, and what was refused stands in the audit log, without the assertion.
    """
    known = None
    try:
        claimed = assertions.read(assertion)
        if client_id not in (None, str(claimed.client_id)):
            raise UnprovenError(Fault.CLIENT)
        keys = _keys(connection, claimed.client_id)
        known = claimed.client_id if keys is not None else None
        _use_up(connection, claimed.client_id, assertions.prove(claimed, keys, token_url, at))
    except UnprovenError as broken:
        note(connection, ANYBODY, "access refused", "client", known or "unknown", {"rule": broken.fault.value})
        return Refusal(INVALID_CLIENT)
    return _give(connection, claimed.client_id, scope, at)


def _keys(connection: Connection, client_id: UUID) -> Keys | None:
    held: Keys | None = connection.scalar(
        select(client.c.jwks).where(client.c.id == client_id, client.c.disabled_at.is_(None))
    )
    return held


def _use_up(connection: Connection, client_id: UUID, proven: Proven) -> None:
    """The insert decides: of the same assertion twice at once, in whatever processes, the second waits and is refused."""
    digest = secret_digest(proven.jti)
    row = insert_or(assertion_seen).values(client_id=client_id, jti_digest=digest, expires_at=proven.until)
    if connection.scalar(row.on_conflict_do_nothing().returning(assertion_seen.c.client_id)) is None:
        raise UnprovenError(Fault.REPLAYED)


def _give(connection: Connection, client_id: UUID, scope: str, at: datetime) -> Access | Refusal:
    by = actors.actor_of_client(connection, client_id)
    granted = tuple(one for one in Scope if by.allows(one) and one.value in scope.split(" "))
    if not granted:
        note(connection, by, "access refused", "client", client_id, {"rule": "scope"})
        return Refusal(INVALID_SCOPE)
    secret = PREFIX + new_secret()
    scopes = [one.value for one in granted]
    connection.execute(
        insert(client_access).values(
            token_digest=secret_digest(secret), client_id=client_id, scopes=scopes, expires_at=at + HOLDS
        )
    )
    note(connection, by, "access given", "client", client_id, {"scopes": scopes})
    return Access(secret, client_id, granted, int(HOLDS.total_seconds()))


def actor(connection: Connection, secret: str) -> Actor | None:
    """Whom an access token stands for, limited to its scopes; None where it is unknown or over, or its client disabled."""
    if not secret.startswith(PREFIX):
        return None
    row = connection.execute(
        select(client_access.c.client_id, client_access.c.scopes)
        .join(client, client.c.id == client_access.c.client_id)
        .where(
            client_access.c.token_digest == secret_digest(secret),
            client_access.c.expires_at > func.now(),
            client.c.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else actors.actor_of_client(connection, row.client_id, row.scopes)


def forget(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:  # noqa: ARG001 (a job's signature)
    """Forget the access tokens and the assertions whose time is over."""
    with store.transaction(role="hat_jobs") as connection:
        accesses = connection.execute(delete(client_access).where(client_access.c.expires_at < at)).rowcount
        seen = connection.execute(delete(assertion_seen).where(assertion_seen.c.expires_at < at)).rowcount
    return {"accesses": accesses, "assertions": seen}
