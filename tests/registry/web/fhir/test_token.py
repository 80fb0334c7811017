import re
from collections.abc import Mapping
from uuid import UUID

import httpx2 as httpx
import psycopg
import pytest
from starlette.testclient import TestClient

from registry.access import OPERATOR, Actor, Kind, Role, Scope
from registry.accounts import clients, tokens
from registry.errors import Forbidden
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from registry.web.actor import needs_scope
from registry.web.fhir.token import ASSERTION, FORM, PATH, token_url
from tests.registry.accounts.make import (
    ALL_SCOPES,
    TOKEN_URL,
    claims,
    database_now,
    ec_key,
    have_access,
    header,
    registered,
    signed,
)
from tests.registry.web.visitors import House, house

HIDDEN = "/fhir/r4/nowhere"
"""Below /fhir whoever is known is answered 404 there, a stranger 401."""


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def client(full: House) -> UUID:
    return registered(full)


@pytest.fixture
def http(full: House) -> TestClient:
    """A program: it says nothing of where its requests come from."""
    browser = full.browser()
    browser.headers.pop("Sec-Fetch-Site")
    return browser


def fields(full: House, whose: UUID, **changed: str | None) -> dict[str, str]:
    made = {
        "grant_type": "client_credentials",
        "scope": "system/Bundle.c system/bulk-submit",
        "client_assertion_type": ASSERTION,
        "client_assertion": signed(header(), claims(whose, database_now(full))),
    }
    return {name: value for name, value in (made | changed).items() if value is not None}


def error_of(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status
    told = answer.json()
    assert set(told) == {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert ("www-authenticate" in answer.headers) == (status == 401)
    return str(told["error"])


def asks(http: TestClient, secret: str, path: str = HIDDEN) -> int:
    return http.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code


def test_an_assertion_is_exchanged_for_a_token(full: House, http: TestClient, client: UUID) -> None:
    answer = http.post(PATH, data=fields(full, client))
    assert answer.status_code == 200
    told = answer.json()
    assert re.fullmatch(r"hatc_[A-Za-z0-9_-]{43}", told.pop("access_token"))
    assert told == {"token_type": "bearer", "expires_in": 300, "scope": "system/Bundle.c system/bulk-submit"}
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert token_url(full.settings) == TOKEN_URL


def test_the_form_may_name_its_characters_and_hold_more(full: House, http: TestClient, client: UUID) -> None:
    sent = httpx.QueryParams(fields(full, client, client_id=str(client), other="1"))
    answer = http.post(PATH, content=str(sent), headers={"Content-Type": f"{FORM}; charset=UTF-8"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"client_assertion": None}, 400, "invalid_request"),
        ({"client_assertion": ""}, 400, "invalid_request"),
        ({"client_assertion_type": None}, 400, "invalid_request"),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, 401, "invalid_client"),
        ({"client_assertion": "x.y.z"}, 401, "invalid_client"),
        ({"client_id": "somebody else"}, 401, "invalid_client"),
        ({"scope": None}, 400, "invalid_scope"),
        ({"scope": "system/*.*"}, 400, "invalid_scope"),
    ],
)
def test_refusals_are_those_of_rfc_6749(
    full: House, http: TestClient, client: UUID, changed: dict[str, str | None], status: int, error: str
) -> None:
    assert error_of(http.post(PATH, data=fields(full, client, **changed)), status) == error


def test_what_is_no_form_or_holds_a_field_twice_is_refused(full: House, http: TestClient, client: UUID) -> None:
    sent = fields(full, client)
    whole = str(httpx.QueryParams(sent))
    of_form = {"Content-Type": FORM}
    for answer in (
        http.post(PATH, json=sent),
        http.post(PATH, files={name: (None, value) for name, value in sent.items()}),
        http.post(PATH),
        http.post(f"{PATH}?{whole}", headers=of_form),
        http.post(PATH, content=whole + "&scope=system/Bundle.c", headers=of_form),
        http.post(PATH, content=whole + "&grant_type=client_credentials", headers=of_form),
        http.post(PATH, content=whole + "&other=%FF", headers=of_form),
        http.post(PATH, content=whole + "".join(f"&more{n}=1" for n in range(30)), headers=of_form),
        http.post(PATH, content=whole, headers={"Content-Type": f"{FORM}; charset=utf-16"}),
    ):
        assert error_of(answer, 400) == "invalid_request"
    assert http.post(PATH, data=sent).status_code == 200  # none of them used the assertion up
    assert http.post(PATH, content=whole + "&more=" + "x" * 40_000, headers=of_form).status_code == 413
    assert http.get(PATH).status_code == 405


def test_all_assertions_that_are_not_believed_have_one_answer(
    full: House, http: TestClient, client: UUID, admin: psycopg.Connection
) -> None:
    now = database_now(full)
    gone = registered(full)
    admin.execute("update register.client set disabled_at = now() where id = %s", [gone])
    used = fields(full, client)
    assert http.post(PATH, data=used).status_code == 200
    assertions = [
        used["client_assertion"],
        signed(header(alg="none"), claims(client, now), b""),
        signed(header(kid="unknown"), claims(client, now)),
        signed(header(alg="ES384"), claims(client, now), ec_key()),
        signed(header(), claims(gone, now)),
        signed(header(), claims(UUID(int=7), now)),
        signed(header(), claims(client, now, aud=full.settings.base_url)),
        "nothing",
    ]
    answers = [http.post(PATH, data=used | {"client_assertion": one}) for one in assertions]
    assert {error_of(one, 401) for one in answers} == {"invalid_client"}
    assert len({one.content for one in answers}) == 1


def test_an_assertion_is_refused_by_another_application_on_the_same_database(
    full: House, http: TestClient, client: UUID
) -> None:
    sent = fields(full, client)
    assert http.post(PATH, data=sent).status_code == 200
    elsewhere = House(full.settings, Store.from_settings(full.settings), full.ids)
    try:
        assert error_of(elsewhere.browser().post(PATH, data=sent), 401) == "invalid_client"
    finally:
        elsewhere.store.dispose()


# --- what the token opens


def test_a_token_is_known_below_fhir_and_nowhere_else(full: House, http: TestClient, client: UUID) -> None:
    secret = http.post(PATH, data=fields(full, client)).json()["access_token"]
    assert asks(http, secret) == 404
    assert asks(http, secret + "x") == 401
    for path in ("/api/me", "/api/submissions", "/api/nowhere", "/api/fhir/r4"):
        assert asks(http, secret, path) == 401, path
    for page in ("/trust", "/admin", "/account"):
        answer = http.get(page, headers={"Authorization": f"Bearer {secret}"})
        assert answer.headers["location"].startswith("/sign-in"), page


def test_api_tokens_open_fhir_as_before(full: House, http: TestClient) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = tokens.make(
            connection, name="Any", role=Role.TRUST_UPLOADER, organisations=[full.ids["RRV"]], by=OPERATOR,
            made_by=full.person("somebody"),
        )  # fmt: skip
    assert (asks(http, secret), asks(http, secret, "/api/me")) == (404, 200)


def test_a_token_that_is_over_opens_nothing(
    full: House, http: TestClient, client: UUID, admin: psycopg.Connection
) -> None:
    secret = have_access(full, client, database_now(full))
    assert asks(http, secret) == 404
    admin.execute("update register.client_access set expires_at = now() - interval '1 second'")
    assert asks(http, secret) == 401


def test_a_disabled_client_s_token_ends_at_once(full: House, http: TestClient, client: UUID) -> None:
    secret = have_access(full, client, database_now(full))
    assert asks(http, secret) == 404
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        clients.disable(connection, client, by=OPERATOR)
    assert asks(http, secret) == 401


def test_a_scope_that_is_not_held_is_refused() -> None:
    def holding(kind: Kind, *scopes: Scope | None) -> Actor:
        held = None if None in scopes else frozenset(scope for scope in scopes if scope)
        return Actor(kind, UUID(int=1), "Any", frozenset({Role.TRUST_UPLOADER}), scopes=held)

    needs_scope(holding(Kind.CLIENT, Scope.BUNDLE_CREATE), Scope.BUNDLE_CREATE)
    for kind in (Kind.PERSON, Kind.TOKEN):
        needs_scope(holding(kind, None), Scope.BUNDLE_CREATE)
    for held in ((), (Scope.CONDITION_READ_SEARCH,)):
        with pytest.raises(Forbidden, match="lacks the scope"):
            needs_scope(holding(Kind.CLIENT, *held), Scope.BUNDLE_CREATE)


def test_a_token_opens_what_its_scopes_name_and_no_more(full: House, http: TestClient, client: UUID) -> None:
    secret = have_access(full, client, database_now(full), "system/Condition.rs")
    assert asks(http, secret, "/fhir/r4/Condition") == 200
    for scope in ("system/Bundle.c", "system/QuestionnaireResponse.crus"):
        secret = have_access(full, client, database_now(full), scope)
        refused = http.get("/fhir/r4/Condition", headers={"Authorization": f"Bearer {secret}"})
        assert refused.status_code == 403
        assert refused.json()["resourceType"] == "OperationOutcome"
        assert "system/Condition.rs" in refused.json()["issue"][0]["details"]["text"]


def test_a_browser_that_is_signed_in_needs_its_form_s_token(full: House, client: UUID) -> None:
    chief = full.administrator()
    sent: Mapping[str, str] = fields(full, client)
    assert chief.post(PATH, data=sent).status_code == 403
    assert chief.post(PATH, json=sent).status_code == 403


def test_the_scopes_are_those_of_the_interface() -> None:
    assert ALL_SCOPES == (
        "system/Bundle.c", "system/Condition.rs", "system/QuestionnaireResponse.crus", "system/MeasureReport.crus",
        "system/bulk-submit",
    )  # fmt: skip
    assert all(scope.words for scope in Scope)
