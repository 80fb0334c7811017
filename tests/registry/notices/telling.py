"""People who are told, for tests: a trust's people with addresses, the worker's runs, and what each person has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import insert, update

from registry import notices
from registry.access import Actor, Role
from registry.accounts import people
from registry.accounts.actors import actor_of_person
from registry.notices import own
from registry.notices.kinds import tenants_of
from registry.settings import MailRules, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.desk import notice, outbox
from registry.store.tables import organisation, person
from tests.registry.cases.at_desk import OURS, Place, place
from tests.registry.submissions.make import keys
from tests.registry.web.visitors import House

AT = datetime(2026, 2, 2, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """A trust at work, and the way past all rights."""

    place: Place
    admin: psycopg.Connection

    @property
    def settings(self) -> Settings:
        return self.place.settings

    @property
    def ids(self) -> Mapping[str, int]:
        return self.place.house.ids

    def person(self, name: str, role: Role, code: str | None = OURS, email: str | None = "") -> UUID:
        """Somebody with an address of their own, unless it is None."""
        made = self.place.house.person(name, (role, code))
        self.address(made, f"{name}@ward.example" if email == "" else email)
        return made

    def address(self, person: UUID, email: str | None) -> None:
        self.admin.execute("update register.person set email = %s where id = %s", [email, person])

    def actor(self, person: UUID) -> Actor:
        with self.place.store.readonly() as connection:
            return actor_of_person(connection, person)

    def run(self, at: datetime = AT, **settings: Any) -> Mapping[str, int]:
        given = self.settings.model_copy(update=settings)
        return notices.tell(self.place.store, keys(given), given, at)

    def digest(self, at: datetime = AT) -> Mapping[str, int]:
        return notices.digest(self.place.store, keys(self.settings), self.settings, at)

    def send(self, at: datetime = AT, mail: MailRules | None = None) -> Mapping[str, int]:
        given = self.settings.model_copy(update={"mail": mail}) if mail else self.settings
        return notices.send_waiting(self.place.store, keys(given), given, at)

    def words(self, person: UUID, *, unread: bool = True) -> list[str]:
        """What a person's page of notices says."""
        actor = self.actor(person)
        with self.place.store.readonly(tenants=tenants_of(actor)) as connection:
            return [each.words for each in own.listed(connection, actor) if not (unread and each.read)]

    def rows(self, query: str, *given: object) -> list[tuple[Any, ...]]:
        return self.admin.execute(query.encode(), given).fetchall()

    def letters(self) -> list[tuple[Any, ...]]:
        """Letters to people: to whom, about what, in which words."""
        return self.rows(
            "select person_id, subject, body from records.outbox where person_id is not null order by made_at, id"
        )


def told(settings: Settings, store: Store, admin: psycopg.Connection) -> Told:
    here = place(settings, store)
    assert here.nurse.id is not None
    made = Told(here, admin)
    made.address(here.nurse.id, "nurse@ward.example")
    return made


def owe(full: House, person_name: str, at: datetime) -> None:
    """Something for each job of notices to do, whenever it runs: a missing return, a notice and letters that wait, one that went long ago."""
    tenant = full.ids[OURS]
    with full.store.transaction(tenants=(SYSTEM_TENANT, tenant)) as connection:
        found = people.person_by_name(connection, person_name).id
        connection.execute(update(person).where(person.c.id == found).values(email="nurse@ward.example"))
        connection.execute(update(organisation).where(organisation.c.id == tenant).values(live_from=at.date()))
        unread = {
            "tenant_id": tenant,
            "person_id": found,
            "kind": "letter_failed",
            "count": 1,
            "link": "/trust/worklist",
        }
        connection.execute(insert(notice).values(unread | {"made_at": at + timedelta(days=3900)}))
        letter = {"tenant_id": SYSTEM_TENANT, "person_id": found, "subject": "Words", "body": "Words", "made_at": at}
        connection.execute(insert(outbox), [letter | {"sent_at": None}, letter | {"sent_at": at}])
