import re
from collections.abc import Mapping
from html import unescape
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from registry.access import Right, Role, Scope
from registry.accounts import clients
from registry.settings import Settings
from registry.store import Store
from tests.registry.accounts.make import (
    ALL_SCOPES,
    TOKEN_URL,
    database_now,
    ec_key,
    have_access,
    jwk,
    jwks,
    registered,
    rsa_key,
    two_keys,
)
from tests.registry.web.visitors import House, house, send, token_of, words_of

INDEX = "/admin/clients"
RIGHT: Mapping[str, str | list[str]] = {
    "name": "Datix at RRV",
    "role": "trust_uploader",
    "organisations": "RRV RH5",
    "scopes": ["system/Bundle.c", "system/bulk-submit"],
    "jwks": two_keys(),
}


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def chief(full: House) -> TestClient:
    return full.administrator()


def sent(chief: TestClient, path: str, fields: Mapping[str, str | list[str]], *, seen: str = "") -> httpx.Response:
    return chief.post(path, data={"form_token": token_of(chief.get(seen or path)), **fields})


def faulty_fields(answer: httpx.Response) -> list[str]:
    """The fields that the error summary leads to; each must be in the page."""
    assert answer.status_code == 422
    assert "<title>Error: " in answer.text
    fields = re.findall(r'<a href="#([\w-]+)"', answer.text.split("nhsuk-error-summary", 1)[1].split("<form", 1)[0])
    assert all(f'id="{field}"' in answer.text for field in fields)
    return fields


def test_a_client_is_registered_and_its_id_is_shown(full: House, chief: TestClient) -> None:
    assert 'href="/admin/clients"' in chief.get("/admin").text
    page = words_of(chief.get(INDEX))
    assert "There are none." in page
    answer = sent(chief, INDEX, RIGHT)
    assert answer.status_code == 303
    with full.store.readonly() as connection:
        [made] = clients.clients(connection)
    assert answer.headers["location"] == f"{INDEX}/{made.id}?done=registered"
    assert (made.name, made.role, made.organisations) == ("Datix at RRV", Role.TRUST_UPLOADER, ("RH5", "RRV"))
    assert (made.scopes, made.kids) == ((Scope.BUNDLE_CREATE, Scope.BULK_SUBMIT), ("rsa", "ec"))
    shown = words_of(chief.get(answer.headers["location"]))
    for words in (
        "The client was registered.",
        str(made.id),
        TOKEN_URL,
        "system/Bundle.c, system/bulk-submit",
        "rsa, ec",
    ):
        assert words in shown
    assert "Datix at RRV Trust uploader RH5, RRV" in words_of(chief.get(INDEX))


def test_a_registered_client_has_access(full: House, chief: TestClient) -> None:
    sent(chief, INDEX, RIGHT)
    with full.store.readonly() as connection:
        [made] = clients.clients(connection)
    secret = have_access(full, made.id, database_now(full))
    with full.store.readonly() as connection:
        actor = clients.actor(connection, secret)
    assert actor
    assert set(actor.tenants(Right.SUBMIT)) == {full.ids[code] for code in ("RRV", "RH5", "RA4")}
    assert actor.scopes == frozenset({Scope.BUNDLE_CREATE, Scope.BULK_SUBMIT})


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"name": ""}, ["name"]),
        ({"role": "administrator"}, ["role"]),
        ({"role": "national_lead"}, ["role"]),
        ({"organisations": ""}, ["organisations"]),
        ({"organisations": "RRV ZZZ"}, ["organisations"]),
        ({"scopes": []}, ["scopes"]),
        ({"scopes": ["system/*.*"]}, ["scopes"]),
        ({"jwks": ""}, ["jwks"]),
        ({"jwks": jwks(jwk(rsa_key(1024), "a"), jwk(ec_key("P-256"), "b"))}, ["jwks", "jwks"]),
        ({"name": "", "role": "", "scopes": [], "jwks": "{", "organisations": ""}, ["name", "role", "organisations", "scopes", "jwks"]),
    ],
)  # fmt: skip
def test_all_faults_of_a_client_at_once(
    chief: TestClient, admin: psycopg.Connection, changed: dict[str, str | list[str]], wrong: list[str]
) -> None:
    assert faulty_fields(sent(chief, INDEX, {**RIGHT, **changed})) == wrong
    assert admin.execute("select count(*) from register.client").fetchone() == (0,)


def test_a_private_key_is_refused_and_never_shown_again(chief: TestClient, admin: psycopg.Connection) -> None:
    private = RSAKey.import_key(rsa_key()).as_dict(private=True, kid="a")
    answer = sent(chief, INDEX, {**RIGHT, "jwks": jwks(private)})
    assert faulty_fields(answer) == ["jwks"]
    assert "is a private key" in words_of(answer)
    for member in ("d", "p", "q", "n"):
        assert str(private[member]) not in answer.text
    assert admin.execute("select count(*) from register.client").fetchone() == (0,)


def test_what_was_filled_in_is_kept_where_something_else_is_wrong(chief: TestClient) -> None:
    answer = sent(chief, INDEX, {**RIGHT, "name": "", "scopes": ["system/bulk-submit"]})
    area = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert area
    assert unescape(area[1]).strip() == two_keys()
    assert re.findall(r'value="(system/[^"]*)"[^>]* checked', answer.text) == ["system/bulk-submit"]


def test_keys_are_replaced(full: House, chief: TestClient) -> None:
    client = registered(full)
    page = f"{INDEX}/{client}"
    wrong = sent(chief, f"{page}/keys", {"jwks": jwks(jwk(rsa_key(1024), "weak"))}, seen=page)
    assert faulty_fields(wrong) == ["jwks"]
    answer = sent(chief, f"{page}/keys", {"jwks": jwks(jwk(rsa_key(2048, 1), "next"))}, seen=page)
    assert answer.headers["location"] == f"{page}?done=keys"
    shown = words_of(chief.get(answer.headers["location"]))
    assert "The keys were replaced." in shown
    assert "Keys next Keys replaced" in shown


def test_a_client_is_disabled_for_good(full: House, chief: TestClient) -> None:
    client = registered(full)
    page = f"{INDEX}/{client}"
    secret = have_access(full, client, database_now(full))
    answer = sent(chief, f"{page}/disable", {}, seen=page)
    assert answer.headers["location"] == f"{page}?done=disabled"
    shown = chief.get(answer.headers["location"])
    assert "The client was disabled." in words_of(shown)
    assert "/keys" not in shown.text
    with full.store.readonly() as connection:
        assert clients.actor(connection, secret) is None
    for action in ("disable", "keys"):
        assert sent(chief, f"{page}/{action}", {"jwks": two_keys()}, seen=INDEX).status_code == 404


def test_nobody_else_comes_in(full: House, chief: TestClient) -> None:
    lead = full.signed_in(full.person("x-ray", (Role.TRUST_LEAD, "RRV")))
    absent = lead.get("/nothing").content
    for path in (INDEX, f"{INDEX}/{registered(full)}"):
        answer = lead.get(path)
        assert (answer.status_code, answer.content) == (404, absent)
    assert chief.get(f"{INDEX}/{UUID(int=7)}").status_code == 404


def test_pages_need_no_script_and_every_field_has_its_label(full: House, chief: TestClient) -> None:
    for path in (INDEX, f"{INDEX}/{registered(full)}"):
        page = chief.get(path)
        assert page.status_code == 200
        assert page.text.count("<h1") == 1
        assert not re.search(r"<script(?![^>]* src=)|\sstyle=|\son\w+=|<style", page.text)
        for field in re.findall(r'<(?:input|textarea)\b[^>]*\sid="([^"]+)"', page.text):
            assert f'for="{field}"' in page.text
        for described in re.findall(r'aria-describedby="([^"]+)"', page.text):
            assert all(f'id="{one}"' in page.text for one in described.split())


def test_names_are_shown_as_text(full: House, chief: TestClient) -> None:
    document = jwks(jwk(rsa_key(), "<script>window.xss=1</script>"))
    answer = sent(chief, INDEX, {**RIGHT, "name": "<script>window.xss=1</script>", "jwks": document})
    for path in (INDEX, answer.headers["location"]):
        assert "<script>window" not in chief.get(path).text


def test_each_change_is_written_down(full: House, chief: TestClient, admin: psycopg.Connection) -> None:
    page = sent(chief, INDEX, {**RIGHT, "scopes": list(ALL_SCOPES)}).headers["location"].partition("?")[0]
    sent(chief, f"{page}/keys", {"jwks": two_keys()}, seen=page)
    send(chief, f"{page}/disable", seen=page)
    lines = admin.execute(
        "select action, role, object_id, detail from records.audit where object_type = 'client' order by sequence"
    ).fetchall()
    assert [action for action, *_ in lines] == ["client registered", "client keys replaced", "client disabled"]
    assert {(role, one) for _, role, one, _ in lines} == {("administrator", page.rpartition("/")[2])}
    assert lines[0][3]["organisations"] == sorted([full.ids["RRV"], full.ids["RH5"]])
    assert lines[0][3]["keys"] == 2
