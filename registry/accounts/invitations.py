"""Invitations: an organisation's lead asks somebody in by e-mail address, and nothing comes of it until that person accepts.

Whether the address has an account already is told to nobody but the person: the same letter goes out, the same page opens, and the
lead's list shows the name and address that the lead wrote. Whoever has an account signs in and accepts as themselves; whoever has
none chooses a password. An account is never opened by an invitation, whoever has its link in hand.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.access import Actor, Kind, Right, Role
from registry.accounts import new_secret, note, people, secret_digest
from registry.accounts.actors import actor_of_person
from registry.accounts.own_people import Standing, in_order, listed, lock, role_faults
from registry.accounts.people import LONGEST
from registry.errors import Conflict, Forbidden, Gone, NotFound, Unprocessable
from registry.store.audit import Change, Detail
from registry.store.own_people import invitation, own_person
from registry.store.tables import organisation, person

HOLDS = timedelta(days=3)
MOST_OPEN = 200
"""Invitations of one organisation that may wait at a time."""
GONE = "This invitation was accepted or taken back, or its three days are over. Ask whoever invited you for a new one."
HAS_ACCOUNT = "There is an account for this address already. Sign in with it, then accept the invitation."
NOT_YOURS = "This invitation is for another address than that of your account. Sign out, or ask for one of your own."

_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_NOT_IN_USER_NAMES = re.compile(r"[^a-z0-9._@+-]")


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that waits for its answer."""

    id: UUID
    organisation_id: int
    organisation: str
    address: str
    name: str
    roles: tuple[Role, ...]
    invited_at: datetime
    expires_at: datetime

    @property
    def user_name(self) -> str:
        """What somebody new signs in with: the address, but for what no user name has."""
        return _NOT_IN_USER_NAMES.sub("-", self.address).strip("-._@+")


@dataclass(frozen=True, slots=True)
class Invited:
    """What a lead typed and chose. `once` names the form, so that one sent twice is one invitation."""

    name: str
    address: str
    roles: tuple[Role, ...]
    once: str


def faults(wanted: Invited, domains: Collection[str]) -> list[tuple[str, str]]:
    """What is wrong with an invitation, field by field."""
    wrong = []
    if not 2 <= len(wanted.name) <= LONGEST or not wanted.name.isprintable():
        wrong.append(("name", f"Enter the person's name, 2 to {LONGEST} characters long"))
    if len(wanted.address) > LONGEST or not _ADDRESS.fullmatch(wanted.address.lower()):
        wrong.append(("address", "Enter an e-mail address, such as name@nhs.net"))
        return wrong + ([] if wanted.roles else role_faults((), "", ()))
    return wrong + role_faults(wanted.roles, wanted.address, domains)


def invite(
    connection: Connection, organisation_id: int, wanted: Invited, *, domains: Collection[str], by: Actor
) -> str | None:
    """Lay an invitation and give the secret of its link; an earlier one of the address is taken back. None where the same form was sent before.

    Raises Unprocessable with every fault, Conflict for whoever is one of the organisation's people already.
    """
    if wrong := faults(wanted, domains):
        raise Unprocessable(errors=wrong)
    lock(connection, organisation_id)
    address = wanted.address.lower()
    _not_ours_already(connection, organisation_id, address)
    waiting = waiting_at(connection, organisation_id)
    if _sent_before(connection, organisation_id, wanted.once):
        return None
    if len(waiting) >= MOST_OPEN:
        raise Conflict("Too many invitations wait for their answer. Take some back first.")
    _take_back(connection, organisation_id, invitation.c.address == address)
    secret = new_secret()
    made = connection.scalar(
        insert(invitation)
        .values(
            organisation_id=organisation_id,
            address=address,
            name=wanted.name,
            roles=[role.value for role in wanted.roles],
            link_digest=secret_digest(secret),
            invited_by=by.id,
            once=wanted.once,
            expires_at=func.now() + HOLDS,
        )
        .returning(invitation.c.id)
    )
    roles = "+".join(wanted.roles)
    note(connection, by, "person invited", "invitation", made, {"organisation": organisation_id, "roles": roles})
    return secret


def _not_ours_already(connection: Connection, organisation_id: int, address: str) -> None:
    known = next((one for one in listed(connection, organisation_id) if one.address.lower() == address), None)
    if known is None:
        return
    if known.standing is Standing.SHUT_OUT:
        raise Conflict("This person was shut out of your organisation. Let them in again on their page.")
    raise Conflict("This person is one of your organisation's users already. Change their roles on their page.")


def _sent_before(connection: Connection, organisation_id: int, once: str) -> bool:
    same = (invitation.c.organisation_id == organisation_id, invitation.c.once == once)
    return connection.scalar(select(invitation.c.id).where(*same).limit(1)) is not None


def waiting_at(connection: Connection, organisation_id: int) -> list[Invitation]:
    """The invitations of an organisation that may still be accepted, the newest first."""
    rows = connection.execute(
        _open().where(invitation.c.organisation_id == organisation_id).order_by(invitation.c.invited_at.desc())
    )
    return [_read(row) for row in rows]


def withdraw(connection: Connection, organisation_id: int, invitation_id: UUID, *, by: Actor) -> None:
    """Take an invitation back: its link is dead. Raises NotFound for one that does not wait here."""
    if _take_back(connection, organisation_id, invitation.c.id == invitation_id) == 0:
        raise NotFound
    note(connection, by, "invitation taken back", "invitation", invitation_id, {"organisation": organisation_id})


def _take_back(connection: Connection, organisation_id: int, which: ColumnElement[bool]) -> int:
    standing = update(invitation).where(
        invitation.c.organisation_id == organisation_id,
        which,
        invitation.c.accepted_at.is_(None),
        invitation.c.withdrawn_at.is_(None),
    )
    return connection.execute(standing.values(withdrawn_at=func.now(), address=None, name=None)).rowcount


# --- accepted


def find(connection: Connection, secret: str) -> Invitation:
    """The invitation of a link. Raises Gone for one that is over or never was, and where whoever invited may do so no longer."""
    return _found(connection, secret, lock_it=False)[0]


def _found(connection: Connection, secret: str, *, lock_it: bool) -> tuple[Invitation, Actor]:
    query = _open().where(invitation.c.link_digest == secret_digest(secret))
    row = connection.execute(query.with_for_update(of=invitation) if lock_it else query).one_or_none()
    if row is None:
        raise Gone(GONE)
    host = actor_of_person(connection, row.invited_by)
    if row.organisation_id not in host.tenants(Right.MANAGE_OWN_PEOPLE):
        raise Gone(GONE)
    return _read(row), host


def join(connection: Connection, secret: str, password_hash: str) -> UUID:
    """Accept as somebody new: an account with this password and the roles. Raises Gone; Conflict where the address has an account."""
    found, host = _found(connection, secret, lock_it=True)
    if _accounts_of(connection, found.address):
        raise Conflict(HAS_ACCOUNT)
    made = people.add(connection, user_name=found.user_name, display_name=found.name, email=found.address)
    people.keep_password(connection, made, password_hash)
    _enter(connection, found, made, host, new=True)
    return made


def accept(connection: Connection, secret: str, *, by: Actor) -> None:
    """Accept as the person who is signed in. Raises Gone; Forbidden for an account of another address."""
    found, host = _found(connection, secret, lock_it=True)
    if by.id is None or by.kind is not Kind.PERSON or by.id not in _accounts_of(connection, found.address):
        raise Forbidden(NOT_YOURS)
    if by.id == host.id:
        raise Conflict("Nobody gives a role to themselves.")
    _enter(connection, found, by.id, host, new=False)


def _accounts_of(connection: Connection, address: str) -> list[UUID | None]:
    held = or_(person.c.user_name == address, func.lower(person.c.email) == address)
    return list(connection.scalars(select(person.c.id).where(held)))


def _enter(connection: Connection, found: Invitation, person_id: UUID, host: Actor, *, new: bool) -> None:
    """One entry for the account, where it is new, and its roles: of whoever accepted, and who had invited them."""
    before = None if new else people.roles_of(connection, person_id)
    for role in found.roles:
        people.hold(connection, person_id, role, found.organisation_id, by=host)
    values: dict[str, Any] = {"known_as": found.name, "address": found.address, "disabled_at": None, "roles_before": []}
    kept = insert_or(own_person).values(organisation_id=found.organisation_id, person_id=person_id, **values)
    connection.execute(kept.on_conflict_do_update(index_elements=["organisation_id", "person_id"], set_=values))
    over = update(invitation).where(invitation.c.id == found.id)
    connection.execute(over.values(accepted_at=func.now(), address=None, name=None))
    detail: dict[str, Detail] = {
        "invitation": str(found.id),
        "invited_by": host.label,
        "organisation": found.organisation_id,
        "roles": [role.value for role in found.roles],
        "new_account": new,
    }
    change = Change(before, people.roles_of(connection, person_id))
    note(connection, actor_of_person(connection, person_id), "invitation accepted", "person", person_id, detail, change)


def _open() -> Select[Any]:
    return (
        select(invitation, organisation.c.name.label("organisation"))
        .join(organisation, organisation.c.id == invitation.c.organisation_id)
        .where(
            invitation.c.accepted_at.is_(None),
            invitation.c.withdrawn_at.is_(None),
            invitation.c.expires_at > func.now(),
        )
    )


def _read(row: Row[tuple[object, ...]]) -> Invitation:
    return Invitation(
        row.id, row.organisation_id, row.organisation, row.address, row.name, in_order(row.roles), row.invited_at, row.expires_at
    )  # fmt: skip


def address(base_url: str, secret: str) -> str:
    """Where a link leads."""
    return f"{base_url}/invitation/{secret}"
