"""The trust filter in the code, by itself: row-level security is bypassed, and still each page and list shows its own trust's rows only.

The application runs on a store whose `hat_app` is a superuser, whom no policy binds. Another trust's rows are in every table, each
with a canary in its texts. Every route that asks for a right over an organisation is asked, so a new page is covered when it comes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import func, select
from starlette.routing import Mount
from starlette.testclient import TestClient

from registry import submissions
from registry.access import ORGANISATION_ROLES, PUBLIC, ROUTES, holders
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import submission
from registry.web.actor import name_of
from registry.web.forgery import FORM_FIELD
from tests.attack.rows import fill
from tests.conftest import Database
from tests.make import csv_bytes, valid_case
from tests.registry.submissions.make import AT, keys, send
from tests.registry.web.programs import program, screened
from tests.registry.web.visitors import House, house, token_of

OWN, OTHER = "RRV", "RH5"
CANARY = "canary-of-another-trust"
ABSENT = "00000000-0000-4000-8000-000000000000"
NUMBER = re.compile(rb'once" value="[0-9a-f]+"|' + ABSENT.encode())
"""What differs between two answers to the same question."""


@dataclass(frozen=True)
class Bare:
    """An application without row-level security, its person and program of one trust, and submissions of both trusts."""

    house: House
    person: TestClient
    program: TestClient
    own: tuple[UUID, ...]
    others: tuple[UUID, ...]
    own_cases: tuple[UUID, ...]
    other_cases: tuple[UUID, ...]

    def meant(self, path: str, *, own: bool) -> tuple[UUID, ...]:
        """What of a trust an address names: submissions or cases; nothing where it names neither."""
        if "{submission_id}" in path:
            return self.own if own else self.others
        if "{case_id}" in path:
            return self.own_cases if own else self.other_cases
        return ()

    def ask(self, method: str, path: str, query: Mapping[str, str] | None = None) -> list[httpx.Response]:
        """As the program, under the addresses for programs; as the person everywhere."""
        fields = {FORM_FIELD: token_of(self.person.get("/trust/upload")), "mode": "all-or-nothing"}
        form = fields if method == "POST" else None
        clients = [self.person, self.program] if path.startswith("/api") else [self.person]
        return [client.request(method, path, params=query, data=form) for client in clients]


def _file(name: str) -> bytes:
    """A good row, a faulty one, and a column nobody knows."""
    rows = [
        valid_case(local_case_id="C-1"),
        valid_case(local_case_id="C-2", sex=f"{name}-code", admission_group="medical"),
    ]
    return csv_bytes([row | {f"{name}-heading": "x"} for row in rows])


def _send_both(store: Store, settings: Settings, tenant: int, name: str) -> tuple[UUID, ...]:
    sent = [
        send(store, settings, tenant, _file(name), mode=submissions.Mode.ACCEPT_GOOD_ROWS, rehearsal=rehearsal, at=AT)
        for rehearsal in (True, False)
    ]
    return tuple(each.id for each in sent)


@pytest.fixture
def bare(database: Database, settings: Settings, store: Store, admin: psycopg.Connection) -> Iterator[Bare]:
    full = house(settings, store)
    screened(full)
    fill(admin, full.ids[OTHER], CANARY)
    own, others = (
        _send_both(store, settings, full.ids[code], name) for code, name in ((OWN, "our-own"), (OTHER, CANARY))
    )
    given = Secrets.load(database.secrets, ["context", "audit"])
    urls = {"hat_app": database.admin_url, "hat_reader": database.url("hat_reader")}
    open_to_all = Store(urls, context_key=given["context"], audit_key=given["audit"])
    without = House(settings, open_to_all, full.ids)
    try:
        person = without.signed_in(without.person("everything", *((role, OWN) for role in ORGANISATION_ROLES)))
        found = (_cases(admin, full.ids[code]) for code in (OWN, OTHER))
        yield Bare(without, person, program(without, OWN), own, others, *found)
    finally:
        open_to_all.dispose()


def _cases(admin: psycopg.Connection, tenant: int) -> tuple[UUID, ...]:
    """A trust's cases; ids that are the same for every trust say nothing of whose they are."""
    rows = admin.execute(
        "select id from records.case_record r where tenant_id = %s and not exists"
        " (select from records.case_record o where o.id = r.id and o.tenant_id <> r.tenant_id)",
        [tenant],
    )
    return tuple(row[0] for row in rows)


def routes(bare: Bare) -> Iterator[tuple[str, str]]:
    """Method and path of every route that asks for a right over an organisation."""
    for route in iter_route_contexts(bare.person.app.routes):  # type: ignore[attr-defined] # FastAPI, which the client calls ASGIApp
        if isinstance(route.original_route, Mount):
            continue
        right = ROUTES.get(name_of(route.endpoint), PUBLIC)
        if right is not PUBLIC and holders(right) & set(ORGANISATION_ROLES):
            for method in sorted(set(route.methods or ()) & {"GET", "POST"}):
                yield method, route.path or ""


def _filled(path: str, ident: UUID | str) -> str:
    """An address that names something; whatever else it may name is not there."""
    named = path.replace("{submission_id}", str(ident)).replace("{case_id}", str(ident)).replace("{kind}", "case")
    return re.sub(r"\{[^}]*\}", ABSENT, named)


def _holds(answer: httpx.Response, *words: str) -> bool:
    said = str(answer.headers).lower() + answer.text.lower()
    return any(word.lower() in said for word in words)


def test_no_policy_binds_this_application(bare: Bare) -> None:
    own = bare.house.ids[OWN]
    with bare.house.store.readonly(tenants=(own,)) as connection:
        seen = connection.scalar(select(func.count(submission.c.tenant_id.distinct())))
    assert seen == 2


def test_every_page_and_list_shows_its_own_trust_only(bare: Bare) -> None:
    shown = 0
    strangers = [str(each) for each in (*bare.others, *bare.other_cases)]
    for method, path in routes(bare):
        if method != "GET":
            continue
        for ident in bare.meant(path, own=True) or [""]:
            for answer in bare.ask("GET", _filled(path, ident)):
                # 422: a page that wants to be asked about something, such as a case
                assert answer.status_code in (200, 303, 404, 409, 422), (path, answer.status_code)
                assert not _holds(answer, CANARY, *strangers), path
                shown += _holds(answer, "our-own", *map(str, bare.own))
    assert shown >= 8, "the pages show nothing of the trust's own: nothing is shown by this"


def test_what_is_another_s_answers_as_what_is_not_there(bare: Bare) -> None:
    asked = 0
    for method, path in routes(bare):
        for other in bare.meant(path, own=False):
            there, absent = (bare.ask(method, _filled(path, ident)) for ident in (other, ABSENT))
            for one, two in zip(there, absent, strict=True):
                assert (one.status_code, _same(one, other)) == (404, _same(two, ABSENT)), (method, path)
                asked += 1
    assert asked >= 10


def _same(answer: httpx.Response, ident: UUID | str) -> bytes:
    return NUMBER.sub(b"", answer.content.replace(str(ident).encode(), b""))


@pytest.mark.parametrize("name", ["before", "submission"])
def test_a_parameter_reaches_no_other_trust_either(bare: Bare, name: str) -> None:
    for method, path in routes(bare):
        if method != "GET" or bare.meant(path, own=True):
            continue
        for other, code in ((bare.others[0], OTHER), (bare.others[1], "7A4")):
            for query in ({name: str(other)}, {"organisation": code}, {name: str(other), "organisation": OTHER}):
                for answer in bare.ask("GET", _filled(path, ""), query):
                    assert not _holds(answer, CANARY, *map(str, bare.others)), (path, query)


def test_a_file_changes_and_counts_its_own_trust_s_records_only(bare: Bare, admin: psycopg.Connection) -> None:
    own, other = bare.house.ids[OWN], bare.house.ids[OTHER]
    words = "select local_case_id, version, content_mac, withdrawn_at from records.case_record where tenant_id = %s order by 1"
    before = admin.execute(words, [other]).fetchall()
    changed = [
        valid_case(local_case_id="C-1", discharge_date="2025-09-11", withdraw_reason=reason)
        for reason in ("", "duplicate")
    ]
    found = []
    for row in changed:
        receipt = send(bare.house.store, bare.house.settings, own, [row], at=AT)
        found.append((receipt.state, receipt.new, receipt.changed, receipt.withdrawn, receipt.absent))
    assert found == [("accepted", 0, 1, 0, 0), ("accepted", 0, 0, 1, 0)]
    assert admin.execute(words, [other]).fetchall() == before
    assert keys(bare.house.settings)
