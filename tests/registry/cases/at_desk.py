"""A trust's desk for tests: people of a trust, its cases by their own number, and what the tests do there in one call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from registry.access import Actor, Role
from registry.accounts.actors import actor_of_person
from registry.cases.desk import Desk, open_desk
from registry.settings import Settings
from registry.store import Store
from registry.store.records import RECORD
from schemas.record import RecordKind
from tests.registry.submissions.make import keys
from tests.registry.web.visitors import House, house

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)
OURS, THEIRS = "RRV", "RH5"


@dataclass(frozen=True)
class Place:
    """The registry with one nurse of a trust at her desk."""

    house: House
    nurse: Actor
    tenant: int

    @property
    def store(self) -> Store:
        return self.house.store

    @property
    def settings(self) -> Settings:
        return self.house.settings

    def person(self, name: str, role: Role = Role.VTE_NURSE, code: str = OURS) -> Actor:
        made = self.house.person(name, (role, code))
        with self.store.readonly(tenants=(self.tenant,)) as connection:
            return actor_of_person(connection, made)

    @contextmanager
    def desk(self, by: Actor | None = None, at: datetime = AT, settings: Settings | None = None) -> Iterator[Desk]:
        given = settings or self.settings
        with self.store.transaction(tenants=(self.tenant,)) as connection:
            yield open_desk(connection, keys(given), given, self.tenant, by=by or self.nurse, at=at)

    def case(self, local_case_id: str) -> UUID:
        record = RECORD[RecordKind.CASE]
        with self.store.readonly(tenants=(self.tenant,)) as connection:
            found: UUID = connection.execute(
                select(record.c.id).where(record.c.local_case_id == local_case_id)
            ).scalar_one()
        return found


def place(settings: Settings, store: Store) -> Place:
    full = house(settings, store)
    made = full.person("nurse", (Role.VTE_NURSE, OURS))
    with store.readonly(tenants=(full.ids[OURS],)) as connection:
        return Place(full, actor_of_person(connection, made), full.ids[OURS])
