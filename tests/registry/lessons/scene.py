"""A trust with a complete review, moderators of two trusts, a national lead; and what they do in one call each."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg

from registry.access import Actor, Role
from registry.accounts.actors import actor_of_person
from registry.cases import actions
from registry.cases.actions import Planned
from registry.cases.desk import Desk, open_desk
from registry.cases.states import CaseState
from registry.lessons import homes, keys, moderating, offering, published, publishing, sources
from registry.lessons.lists import Kind
from registry.lessons.moderating import Moderator
from registry.lessons.offering import Filed
from registry.lessons.published import Lesson
from registry.lessons.screen import Hit, Sort
from registry.lessons.transitions import State
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.cases.at_desk import OURS, THEIRS, Place, place
from tests.registry.cases.reviews import case_in
from tests.registry.submissions.make import keys as secrets_of

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
TEXT = "Doses on transfer are missed where two wards share a chart"
FILED = Filed("missed_doses", "transfer", "communication", TEXT)


@dataclass(frozen=True)
class Scene:
    """Everybody, and the case of a review that is complete."""

    place: Place
    case: UUID
    lead: Actor
    ours: Actor
    """A moderator of the trust that offers."""
    theirs: Actor
    others: Actor

    @property
    def store(self) -> Store:
        return self.place.store

    @property
    def secrets(self) -> Secrets:
        return secrets_of(self.place.settings)

    @contextmanager
    def desk(self, by: Actor | None = None, at: datetime = AT) -> Iterator[Desk]:
        """The trust's desk in a transaction that sees the registry's own rows too."""
        with self.store.transaction(tenants=(self.place.tenant, SYSTEM_TENANT)) as connection:
            yield open_desk(
                connection, self.secrets, self.place.settings, self.place.tenant, by=by or self.place.nurse, at=at
            )

    def offer(self, filed: Filed = FILED, kind: Kind = Kind.LESSON, action: UUID | None = None) -> UUID | Sequence[Hit]:
        with self.desk() as desk:
            own = keys.own_keys(desk.connection, self.secrets)
            given = sources.source(desk, self.case, kind, action)
            return offering.offer(desk, own, given, filed, sources.known(desk, self.case))

    def offered(self, filed: Filed = FILED, kind: Kind = Kind.LESSON, action: UUID | None = None) -> UUID:
        """The number of the moderators' copy of what is offered."""
        made = self.offer(filed, kind, action)
        assert isinstance(made, UUID), made
        return self.copy_of(made)

    def found(self, text: str) -> list[Sort]:
        """What the screen finds in a text that is offered; nothing is kept."""
        hits = self.offer(Filed("missed_doses", "transfer", "team", text))
        assert not isinstance(hits, UUID)
        return [each.sort for each in hits]

    def copy_of(self, point: UUID) -> UUID:
        with self.desk() as desk:
            return offering.find(desk, point).copy_id

    def revise(self, point: UUID, filed: Filed, seen: int) -> None:
        with self.desk() as desk:
            own = keys.own_keys(desk.connection, self.secrets)
            made = offering.revise(desk, own, point, filed, sources.known(desk, self.case), seen=seen)
            assert isinstance(made, offering.Point), made

    def point(self, copy: UUID) -> offering.Point:
        with self.desk() as desk:
            return next(each for each in offering.points(desk) if each.copy_id == copy)

    def approve(self, by: Actor, copy: UUID, seen: int = 1) -> State:
        with self.store.transaction(tenants=(SYSTEM_TENANT, self.place.tenant)) as connection:
            return moderating.approve(connection, self.moderator(by), copy, seen=seen, at=AT)

    def moderator(self, by: Actor) -> Moderator:
        with self.store.readonly() as connection:
            found = moderating.moderator(connection, by)
        assert found is not None
        return found

    def send_back(self, by: Actor, copy: UUID, reason: str = "person", note: str = "", seen: int = 1) -> None:
        with self.desk() as desk:
            moderating.send_back(desk.connection, desk.keys, self.moderator(by), copy, reason, note, seen=seen, at=AT)

    def read(self, by: Actor, copy: UUID) -> moderating.Read:
        with self.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
            return moderating.read(connection, keys.own_keys(connection, self.secrets), self.moderator(by), copy)

    def publish(self, copy: UUID, seen: int = 1, by: Actor | None = None, at: datetime = AT) -> None:
        tenants = (SYSTEM_TENANT, self.place.tenant)
        with self.store.transaction(tenants=tenants) as connection, self.store.transaction(role="hat_national") as n:
            own = keys.own_keys(connection, self.secrets)
            publishing.publish(connection, n, own, copy, by=by or self.lead, seen=seen, at=at)

    def take_down(self, copy: UUID, reason: str = "identifies", at: datetime = AT) -> None:
        tenants = (SYSTEM_TENANT, self.place.tenant)
        with self.store.transaction(tenants=tenants) as connection, self.store.transaction(role="hat_national") as n:
            publishing.take_down(connection, n, copy, reason, by=self.lead, at=at)

    def action(self) -> UUID:
        """An action of the review that is not done yet."""
        planned = Planned("Charts go with the patient", "ward_manager", date(2026, 3, 1), ("missed_doses",))
        with self.desk() as desk:
            actions.add(desk, self.case, planned)
            return actions.of_case(desk, self.case)[0].id

    def public(self) -> list[Lesson]:
        with self.store.readonly(role="hat_reader") as connection:
            return published.lessons(connection)

    def published(
        self, filed: Filed = FILED, kind: Kind = Kind.LESSON, action: UUID | None = None, at: datetime = AT
    ) -> UUID:
        """One that went all the way."""
        copy = self.offered(filed, kind, action)
        self.approve(self.theirs, copy)
        self.approve(self.ours, copy)
        self.publish(copy, at=at)
        return copy


def scene(settings: Settings, store: Store, admin: psycopg.Connection) -> Scene:
    here = place(settings, store)
    case = case_in(here, admin, CaseState.COMPLETE, "CASE-A", reviewed=True)
    people = [national(here, name, Role.MODERATOR) for name in ("marian", "nadia", "oscar")]
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        for person, code in zip(people, (OURS, THEIRS, "7A4"), strict=True):
            assert person.id is not None
            homes.record(connection, person.id, code, by=here.nurse, at=AT)
    return Scene(here, case, national(here, "leader", Role.NATIONAL_LEAD), *people)


def national(here: Place, name: str, *roles: Role) -> Actor:
    made = here.house.person(name, *((role, None) for role in roles))
    with here.store.readonly() as connection:
        return actor_of_person(connection, made)
