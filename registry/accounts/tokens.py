"""Tokens with which programs call the interface: shown once, kept as a digest, for one role and one or more organisations."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, Date, Time, and_, cast, func, insert, literal, or_, select, update

from registry.access import ORGANISATION_ROLES, TOKEN_ROLES, Actor, Kind, Role
from registry.accounts import new_secret, note, secret_digest
from registry.errors import NotFound, Unprocessable
from registry.store.prepared import Prepared
from registry.store.tables import api_token, organisation, person, token_organisation

PREFIX = "hat_"
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a list shows it: all but the secret, which nobody can show again."""

    id: UUID
    name: str
    role: Role
    organisations: tuple[str, ...]
    made_by: str
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    lives: bool


def faults(name: str, role: Role | None, organisations: Collection[int]) -> Iterator[tuple[str, str]]:
    """What is wrong with the particulars of a token, field by field."""
    if not 2 <= len(name) <= LONGEST_NAME or not name.isprintable():
        yield "name", f"Enter a name that says which program uses it, 2 to {LONGEST_NAME} characters long"
    if role not in TOKEN_ROLES:
        yield "role", "Choose what the token may do"
    elif role in ORGANISATION_ROLES and not organisations:
        yield "organisations", "Enter the code of at least one organisation"
    elif role not in ORGANISATION_ROLES and organisations:
        yield "organisations", "This role is national: leave the organisations empty"


def make(
    connection: Connection, *, name: str, role: Role, organisations: Collection[int] = (),
    expires_on: date | None = None, by: Actor, made_by: UUID | None = None,
) -> str:  # fmt: skip
    """A new token; gives its secret, the only time. It holds to the end of `expires_on` in London, or until revoked.

    `made_by` is the person who answers for it; by default whoever asks. Raises Unprocessable for what `faults` finds.
    """
    if wrong := list(faults(name, role, organisations)):
        raise Unprocessable(errors=wrong)
    secret = PREFIX + new_secret()
    midnight = func.timezone("Europe/London", literal(expires_on, Date) + cast("24:00", Time))
    made = connection.scalar(
        insert(api_token)
        .values(
            token_digest=secret_digest(secret),
            name=name,
            role=role.value,
            made_by=made_by or by.id,
            expires_at=None if expires_on is None else midnight,
        )
        .returning(api_token.c.id)
    )
    for one in sorted(organisations):
        connection.execute(insert(token_organisation).values(token_id=made, organisation_id=one))
    note(connection, by, "token made", "token", made, {"role": role.value, "organisations": sorted(organisations)})
    return secret


def revoke(connection: Connection, token_id: UUID, *, by: Actor) -> None:
    """End a token at once. Raises NotFound for one that is not, or has been revoked."""
    living = update(api_token).where(api_token.c.id == token_id, api_token.c.revoked_at.is_(None))
    if connection.execute(living.values(revoked_at=func.now())).rowcount == 0:
        raise NotFound
    note(connection, by, "token revoked", "token", token_id, {})


_LIVES = and_(
    api_token.c.revoked_at.is_(None), or_(api_token.c.expires_at.is_(None), api_token.c.expires_at > func.now())
)


_BY_DIGEST = Prepared(
    """
        with recursive token as (
            select id, name, role from register.api_token
             where token_digest = :digest and revoked_at is null and (expires_at is null or expires_at > now())),
        held (organisation_id) as (
            select its.organisation_id from token join register.token_organisation its on its.token_id = token.id
             union
            select merged.predecessor_id from held join register.succession merged
                on merged.successor_id = held.organisation_id
               and merged.effective_on <= (now() at time zone 'Europe/London')::date)
        select id, name, role, array(select organisation_id from held) as organisations from token
        """
)


def actor(connection: Connection, secret: str) -> Actor | None:
    """Whom a token stands for; None where it is unknown, over or revoked. Its one role holds for each of its organisations, and from
    the day of a merger for their predecessors."""
    if not secret.startswith(PREFIX):
        return None
    for found in _BY_DIGEST(connection, digest=secret_digest(secret)):
        roles = frozenset({Role(found.role)})
        return Actor(Kind.TOKEN, found.id, found.name, roles, dict.fromkeys(found.organisations, roles))
    return None


def tokens(connection: Connection) -> tuple[Token, ...]:
    """All tokens, the newest first."""
    codes = (
        select(token_organisation.c.token_id, func.array_agg(organisation.c.code).label("codes"))
        .join(organisation, organisation.c.id == token_organisation.c.organisation_id)
        .group_by(token_organisation.c.token_id)
        .subquery()
    )
    rows = connection.execute(
        select(api_token, codes.c.codes, person.c.display_name, _LIVES.label("lives"))
        .join(person, person.c.id == api_token.c.made_by)
        .outerjoin(codes, codes.c.token_id == api_token.c.id)
        .order_by(api_token.c.made_at.desc(), api_token.c.name)
    )
    return tuple(
        Token(
            row.id, row.name, Role(row.role), tuple(sorted(row.codes or ())), row.display_name,
            row.made_at, row.expires_at, row.revoked_at, row.lives,
        )
        for row in rows
    )  # fmt: skip
