"""People at the doors: an application on a real database with a few organisations, and browsers that are signed in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID

import httpx2 as httpx
from sqlalchemy import Connection, func, select, update
from starlette.testclient import TestClient

from registry import register
from registry.access import OPERATOR, Role
from registry.accounts import links, passwords, people, second_factor, sessions
from registry.app import create_app
from registry.identifiers import cell_aad, open_sealed
from registry.lessons.keys import own_keys
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.signing_in import second_factor as second_factor_table
from registry.store.tables import person, session

REGISTER = """code,name,kind,nation,region_code,region_name,icb_code,icb_name,town,latitude,longitude,closed_on,successor
RA4,Yeovil Hospital,nhs_trust,England,Y58,South West,,,Yeovil,50.9,-2.6,2023-03-31,RH5
RH5,Somerset Trust,nhs_trust,England,Y58,South West,,,Taunton,51.0,-3.1,,
RRV,University College Trust,nhs_trust,England,Y56,London,,,London,51.5,-0.1,,
7A4,Cardiff Board,local_health_board,Wales,W92000004,Wales,,,Cardiff,51.5,-3.2,,
"""
PASSWORD = "cobalt otters juggle quietly"
HASH = passwords.hashed(PASSWORD)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Everybody's authenticator app shows the codes of this."""


@dataclass(frozen=True)
class House:
    """The application, its store, and its organisations' ids by code."""

    settings: Settings
    store: Store
    ids: Mapping[str, int]

    def browser(self) -> TestClient:
        """A browser of nobody's; it says where its requests come from, as browsers do."""
        app = create_app(self.settings, self.store)
        headers = {"Sec-Fetch-Site": "same-origin"}
        return TestClient(app, base_url=self.settings.base_url, headers=headers, follow_redirects=False)

    def person(self, user_name: str, *roles: tuple[Role, str | None]) -> UUID:
        """Somebody with a password, an authenticator app and roles, each for an organisation's code or for the nation."""
        with self.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            made = people.create(connection, user_name=user_name, display_name=user_name.title(), by=OPERATOR)
            for role, code in roles:
                people.grant(connection, made, role, self.ids[code] if code else None, by=OPERATOR)
            people.set_password(connection, made, HASH, by=OPERATOR)
            second_factor.enrol(connection, own_keys(connection, self.secrets), made, SECRET)
        return made

    @property
    def secrets(self) -> Secrets:
        return Secrets.load(self.settings.secrets_dir, ["master", "match"])

    def code(self, user_name: str) -> str:
        """What this person's app shows now, however often it was used within this half minute."""
        with self.store.transaction() as connection:
            found = select(person.c.id).where(person.c.user_name == user_name.lower()).scalar_subquery()
            used = update(second_factor_table).where(second_factor_table.c.person_id == found).values(last_step=0)
            one = connection.execute(used.returning(second_factor_table)).one()
            keys = own_keys(connection, self.secrets)
        place = cell_aad(SYSTEM_TENANT, "second_factor", str(one.person_id), "secret_ct")
        return shown_by(open_sealed(keys.opens, one.secret_ct, place))

    def signs_in(
        self, browser: TestClient, user_name: str, password: str = PASSWORD, going_to: str = ""
    ) -> httpx.Response:
        """Both halves of signing in by the forms, setting up an app at the first time; the last answer."""
        asked = send(browser, "/sign-in", {"user_name": user_name, "password": password, "next": going_to})
        if asked.status_code != 303:
            return asked
        page = browser.get(asked.headers["location"])
        if page.status_code == 303:
            page = browser.get(page.headers["location"])
            secret = words_of(page).split(" as a time-based code: ")[1][:39].replace(" ", "")
            form = {"form_token": token_of(page), "next": going_to, "code": shown_by(secret)}
            return browser.post("/second-factor/set-up", data=form)
        form = {"form_token": token_of(page), "next": going_to, "code": self.code(user_name)}
        return browser.post("/second-factor", data=form)

    def long_ago(self) -> None:
        """Everybody who is signed in proved it with a code eleven minutes ago."""
        with self.store.transaction() as connection:
            connection.execute(update(session).values(strong_at=func.now() - timedelta(minutes=11)))

    def signed_in(self, person: UUID) -> TestClient:
        """A browser in which this person has signed in, without the half second that a password takes."""
        with self.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            secret = whole_session(connection, person)
        browser = self.browser()
        browser.cookies.set("hat", secret, domain="127.0.0.1", path="/")
        return browser

    def administrator(self) -> TestClient:
        return self.signed_in(self.person("chief", (Role.ADMINISTRATOR, None)))

    def link(self, person: UUID) -> str:
        """The path of a new link for a password."""
        with self.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            return links.address("", links.make(connection, person, by=OPERATOR))


def shown_by(secret: str) -> str:
    """What an authenticator app with this secret shows now."""
    return second_factor.code_of(secret, second_factor.step_at(datetime.now(UTC)))


def whole_session(connection: Connection, person: UUID) -> str:
    """The secret of a session of somebody who gave password and code just now; empty for somebody who may not come in."""
    begun = sessions.begin(connection, sessions.Account(person, HASH))
    half = sessions.half(connection, begun) if begun else None
    return (sessions.finish(connection, half, sessions.How.CODE) if half else None) or ""


def house(settings: Settings, store: Store) -> House:
    """The registry with the organisations above."""
    secrets = Secrets.load(settings.secrets_dir, ["master"])
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.import_register(connection, REGISTER.encode(), secrets=secrets, by=OPERATOR)
        ids = {one.code: one.id for one in register.organisations(connection)}
    return House(settings, store, ids)


def token_of(page: httpx.Response) -> str:
    """The form token in a page; empty where the page has none."""
    found = re.search(r'name="form_token" value="([^"]*)"', page.text)
    return found[1] if found else ""


def send(browser: TestClient, path: str, fields: Mapping[str, str] | None = None, *, seen: str = "") -> httpx.Response:
    """Open a page (the form's own, or `seen`), and send a form with the token that the page holds."""
    token = token_of(browser.get(seen or path))
    return browser.post(path, data={"form_token": token, **(fields or {})})


def words_of(page: httpx.Response) -> str:
    """What a person reads, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())
