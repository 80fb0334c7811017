"""A small nation to attack: the demonstration with a few senders, made once, then copied for whoever needs one."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx2 as httpx
import psycopg
from rich.console import Console
from starlette.testclient import TestClient

from registry.access import OPERATOR, Role
from registry.accounts import people
from registry.demo.making import ahead, make
from registry.demo.marking import begin
from registry.demo.scene import members
from registry.demo.setting import ACCOUNTS
from registry.embedded import Server
from registry.settings import LOGINS, Settings, load
from registry.store import SYSTEM_TENANT, Store
from tests.attack.door import open_door
from tests.conftest import Database, copy_of
from tests.registry.web.visitors import HASH, House

OWN, OTHER = "RJZ", "RTH"
"""Two trusts with people, tokens and data of their own."""
SENDERS = (OWN, OTHER, "7A4", "8ZZ01")
MONTHS = 3
NAME = "hat_nation"
STRANGER, DISABLED, ELSEWHERE, REVIEWER = "stranger", "disabled", f"{OTHER.lower()}.lead", "rjz.reviewer"


@dataclass(frozen=True)
class Demonstration:
    """A database that nobody uses any more, and the sign-ins that go with it."""

    database: str
    accounts: tuple[Mapping[str, str], ...] = field(repr=False)


def demonstrate(server: Server, secrets: Path, template: str, folder: Path) -> Demonstration:
    """Make it, at a door of its own that is closed again; it is so small that nothing of it waits for a worker."""
    with copy_of(server, secrets, template) as made:
        store = Store.from_settings(settings := settings_of(made, folder), roles=LOGINS)
        few = [each for each in members() if each.code in SENDERS]
        try:
            with ThreadPoolExecutor(2) as pool, open_door(House(settings, store, {}), "") as door:
                prepared = ahead(begin(settings, MONTHS, datetime.now(UTC).date()), few, pool)
                make(settings.model_copy(update={"base_url": door.address}), prepared, Console(quiet=True))
        finally:
            store.dispose()
        _keep(server, made.name)
    told = json.loads((settings.data_dir / ACCOUNTS).read_text("utf-8"))
    return Demonstration(NAME, tuple(told["accounts"]))


def _keep(server: Server, name: str) -> None:
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(f"create database {NAME} template {name} strategy file_copy".encode())


def settings_of(database: Database, folder: Path, port: int = 8000) -> Settings:
    return load(
        data_dir=folder / "data", secrets_dir=database.secrets, database_url=database.address, demo=True, port=port
    )


@dataclass(frozen=True)
class Nation:
    """One copy of it: everybody who can come to its doors."""

    house: House
    admin: psycopg.Connection
    people: Mapping[str, UUID]
    tokens: Mapping[str, str] = field(repr=False)

    def browser(self, name: str) -> TestClient:
        """A person's browser, signed in; a stranger's, or that of somebody who has been shut out since."""
        if name == STRANGER:
            return self.house.browser()
        opened = self.house.signed_in(self.people[name])
        assert opened.get("/account").status_code == 200, name
        if name == DISABLED:
            with self.house.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
                people.disable(connection, self.people[name], by=OPERATOR)
        return opened

    def program(self, name: str) -> TestClient:
        """A program with the API token that the demonstration gave to an account."""
        client = self.house.browser()
        client.headers = httpx.Headers({"Authorization": f"Bearer {self.tokens[name]}"})
        return client

    def tenant(self, code: str) -> int:
        return self.house.ids[code]


@contextmanager
def copied(server: Server, secrets: Path, demonstration: Demonstration, folder: Path) -> Iterator[Nation]:
    """A copy of the demonstration, with a consultant and somebody who is shut out."""
    with copy_of(server, secrets, demonstration.database) as database:
        store = Store.from_settings(settings := settings_of(database, folder), roles=LOGINS)
        try:
            with psycopg.connect(database.admin_url, autocommit=True) as admin:
                ids: dict[str, int] = dict(admin.execute("select code, id from register.organisation").fetchall())
                made = House(settings, store, ids)
                # the password by which a `House` signs people in
                admin.execute("update register.person set password_hash = %s", [HASH])
                found = dict(admin.execute("select user_name, id from register.person").fetchall())
                for name, role in ((DISABLED, Role.VTE_NURSE), (REVIEWER, Role.CONSULTANT_REVIEWER)):
                    found[name] = made.person(name, (role, OWN))
                given = {each["user_name"]: each["api_token"] for each in demonstration.accounts if each["api_token"]}
                yield Nation(made, admin, found, given)
        finally:
            store.dispose()
