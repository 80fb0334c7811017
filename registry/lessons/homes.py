"""To which organisation a moderator belongs, recorded when they are appointed: one of two moderators must belong elsewhere than the author."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from registry.access import Actor, Role
from registry.accounts import note
from registry.errors import NotFound, Unprocessable
from registry.register import organisation_by_code
from registry.store.lessons import moderator_home
from registry.store.tables import membership, organisation, person

_KIN = text(
    """
    with recursive kin (id) as (
        select cast(:one as integer)
        union
        select case when s.predecessor_id = kin.id then s.successor_id else s.predecessor_id end
        from register.succession s join kin on kin.id in (s.predecessor_id, s.successor_id)
    )
    select id from kin
    """
)


@dataclass(frozen=True, slots=True)
class Appointed:
    """A moderator and the organisation they belong to, if it is recorded."""

    person_id: UUID
    user_name: str
    display_name: str
    code: str | None
    organisation: str | None


def appointed(connection: Connection) -> list[Appointed]:
    """Everybody who moderates, by name."""
    rows = connection.execute(
        select(person.c.id, person.c.user_name, person.c.display_name, organisation.c.code, organisation.c.name)
        .join(membership, membership.c.person_id == person.c.id)
        .outerjoin(moderator_home, moderator_home.c.person_id == person.c.id)
        .outerjoin(organisation, organisation.c.id == moderator_home.c.organisation_id)
        .where(
            membership.c.role == Role.MODERATOR.value, membership.c.ended_at.is_(None), person.c.disabled_at.is_(None)
        )
        .order_by(person.c.display_name, person.c.user_name)
    )
    return [Appointed(*row) for row in rows]


def record(connection: Connection, person_id: UUID, code: str, *, by: Actor, at: datetime) -> None:
    """Record where a moderator belongs. Raises NotFound for somebody who is none, Unprocessable for a code that is not in the register."""
    if person_id not in {each.person_id for each in appointed(connection)}:
        raise NotFound
    found = organisation_by_code(connection, code)
    if found is None:
        raise Unprocessable(errors=[("code", "Enter the ODS code of an organisation of the register")])
    values = {"organisation_id": found.id, "recorded_by": by.label, "recorded_at": at}
    kept = insert(moderator_home).values(person_id=person_id, **values)
    connection.execute(kept.on_conflict_do_update(index_elements=["person_id"], set_=values))
    note(connection, by, "moderator's organisation recorded", "person", person_id, {"organisation": found.id})


def home_of(connection: Connection, person_id: UUID | None) -> int | None:
    """The organisation that somebody belongs to; None where none is recorded."""
    found: int | None = connection.scalar(
        select(moderator_home.c.organisation_id).where(moderator_home.c.person_id == person_id)
    )
    return found


def kin(connection: Connection, tenant: int) -> frozenset[int]:
    """An organisation with all that were merged with it, before or since: none of them is another trust."""
    return frozenset(connection.scalars(_KIN, {"one": tenant}))
