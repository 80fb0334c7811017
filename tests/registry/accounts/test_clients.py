import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

import registry
from registry.access import OPERATOR, Kind, Right, Role, Scope
from registry.accounts import clients
from registry.accounts.assertions import Fault
from registry.accounts.clients import Access, Refusal
from registry.errors import NotFound, Unprocessable
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.accounts.broken import AT, broken
from tests.registry.accounts.make import (
    ALL_SCOPES,
    TOKEN_URL,
    Private,
    claims,
    database_now,
    ec_key,
    header,
    jwk,
    jwks,
    registered,
    rsa_key,
    seconds,
    signed,
    two_keys,
)
from tests.registry.web.visitors import House, house

SCOPE = " ".join(ALL_SCOPES)
REFUSED = Refusal("invalid_client")


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


@pytest.fixture
def client(full: House) -> UUID:
    return registered(full)


def exchange(full: House, assertion: str, *, scope: str = SCOPE, at: datetime = AT, **more: Any) -> Access | Refusal:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return clients.exchange(connection, assertion, scope, TOKEN_URL, at, **more)


def access(full: House, client_id: UUID, **more: Any) -> Access:
    """An access token that holds now."""
    now = database_now(full)
    found = exchange(full, signed(header(), claims(client_id, now)), at=now, **more)
    assert isinstance(found, Access)
    return found


def the_actor(full: House, secret: str) -> Any:
    with full.store.readonly() as connection:
        return clients.actor(connection, secret)


def last_entry(admin: psycopg.Connection) -> tuple[Any, ...]:
    row = admin.execute(
        "select actor, action, object_id, detail from records.audit where tenant_id = 0 order by sequence desc limit 1"
    ).fetchone()
    assert row
    return row


def rule_of_refusal(admin: psycopg.Connection) -> str:
    _, action, _, detail = last_entry(admin)
    assert action == "access refused"
    assert set(detail) == {"rule"}
    return str(detail["rule"])


# --- a right assertion


@pytest.mark.parametrize(("algorithm", "kid"), [("RS384", "rsa"), ("RS512", "rsa"), ("ES384", "ec")])
def test_a_right_assertion_gives_a_token_for_five_minutes(
    full: House, client: UUID, admin: psycopg.Connection, algorithm: str, kid: str
) -> None:
    now = database_now(full)
    key = rsa_key() if kid == "rsa" else ec_key()
    found = exchange(full, signed(header(alg=algorithm, kid=kid), claims(client, now), key), at=now)
    assert isinstance(found, Access)
    assert (found.client_id, found.expires_in, found.scopes) == (client, 300, tuple(Scope))
    actor = the_actor(full, found.secret)
    assert (actor.kind, actor.id, actor.label) == (Kind.CLIENT, client, f"client:{client}")
    assert actor.scopes == frozenset(Scope)
    assert last_entry(admin) == (f"client:{client}", "access given", str(client), {"scopes": list(ALL_SCOPES)})


@pytest.mark.parametrize(("algorithm", "kid"), [("RS384", "rsa"), ("RS512", "rsa"), ("ES384", "ec")])
def test_assertions_of_another_library_are_taken(full: House, client: UUID, algorithm: str, kid: str) -> None:
    key = RSAKey.import_key(rsa_key()) if kid == "rsa" else ECKey.import_key(ec_key())
    told = claims(client, AT, iat=seconds(AT), nbf=seconds(AT))
    made = jwt.encode({"alg": algorithm, "kid": kid}, told, key, algorithms=[algorithm])
    assert isinstance(exchange(full, made), Access)


def test_a_token_and_an_assertion_s_number_are_kept_as_digests(
    full: House, client: UUID, admin: psycopg.Connection
) -> None:
    assertion = signed(header(), claims(client, AT, jti="number-of-an-assertion"))
    found = exchange(full, assertion)
    assert isinstance(found, Access)
    for table in ("register.client_access", "register.assertion_seen", "records.audit"):
        kept = str(admin.execute(f"select t::text from {table} t".encode()).fetchall())
        for secret in (found.secret, assertion, "number-of-an-assertion", found.secret.encode().hex()):
            assert secret not in kept


# --- each rule broken once


def test_each_broken_rule_is_refused_alike_and_noted(full: House, client: UUID, admin: psycopg.Connection) -> None:
    for words, assertion, fault in broken(client):
        assert exchange(full, assertion) == REFUSED, words
        assert rule_of_refusal(admin) == fault, words
    assert admin.execute("select count(*) from register.client_access").fetchone() == (0,)
    assert admin.execute("select count(*) from register.assertion_seen").fetchone() == (0,)


def test_what_was_sent_is_not_in_the_audit_log(full: House, client: UUID, admin: psycopg.Connection) -> None:
    for _, assertion, _ in broken(client):
        exchange(full, assertion)
    kept = str(admin.execute("select t::text from records.audit t where action = 'access refused'").fetchall())
    for sent in ("eyJ", "elsewhere", "jwks.json", TOKEN_URL):
        assert sent not in kept


def test_a_key_for_one_algorithm_is_for_no_other(full: House, admin: psycopg.Connection) -> None:
    bound = registered(full, document=jwks(jwk(rsa_key(), "rsa", alg="RS512")))
    assert exchange(full, signed(header(), claims(bound, AT))) == REFUSED
    assert rule_of_refusal(admin) == Fault.KEY
    assert isinstance(exchange(full, signed(header(alg="RS512"), claims(bound, AT))), Access)


def test_keys_that_were_never_registered_are_not_used_even_if_they_stand_in_the_database(
    full: House, client: UUID, admin: psycopg.Connection
) -> None:
    """Registration refuses two keys of one name and a key on P-256; verifying does not lean on that alone."""
    rows: list[tuple[str, dict[str, Any], Private, Fault]] = [
        (jwks(jwk(rsa_key(), "rsa"), jwk(rsa_key(2048, 1), "rsa")), header(), rsa_key(), Fault.KEY),
        (jwks(jwk(ec_key("P-256"), "ec")), header(alg="ES384", kid="ec"), ec_key("P-256"), Fault.SIGNATURE),
    ]
    for document, head, key, fault in rows:
        admin.execute("update register.client set jwks = %s where id = %s", [document, client])
        assert exchange(full, signed(head, claims(client, AT), key)) == REFUSED
        assert rule_of_refusal(admin) == fault


def test_one_client_s_key_signs_for_no_other(full: House, client: UUID) -> None:
    other = registered(full, "RH5", document=jwks(jwk(rsa_key(2048, 1), "rsa")))
    assert exchange(full, signed(header(), claims(other, AT))) == REFUSED
    assert exchange(full, signed(header(), claims(client, AT), rsa_key(2048, 1))) == REFUSED
    assert isinstance(exchange(full, signed(header(), claims(other, AT), rsa_key(2048, 1))), Access)


# --- clocks


@pytest.mark.parametrize("off", [-59, -10, 0, 10, 60])
def test_a_client_s_clock_may_be_a_minute_off(full: House, client: UUID, off: int) -> None:
    theirs = AT + timedelta(seconds=off)
    told = {"iat": seconds(theirs), "nbf": seconds(theirs), "exp": seconds(theirs + timedelta(minutes=5))}
    assert isinstance(exchange(full, signed(header(), claims(client, AT, **told))), Access)
    if off <= 30:  # further ahead it shows in `iat` only
        told = {"exp": told["exp"]}
        assert isinstance(exchange(full, signed(header(), claims(client, AT, **told))), Access)


def test_an_assertion_that_has_just_expired_is_taken(full: House, client: UUID) -> None:
    just = claims(client, AT, exp=seconds(AT - timedelta(seconds=59)))
    assert isinstance(exchange(full, signed(header(), just)), Access)


def test_seconds_may_have_a_fraction(full: House, client: UUID) -> None:
    assert isinstance(exchange(full, signed(header(), claims(client, AT, exp=seconds(AT) + 59.5))), Access)


def test_an_audience_may_be_a_list_of_one_and_a_type_be_written_small(full: House, client: UUID) -> None:
    assert isinstance(exchange(full, signed(header(typ="jwt"), claims(client, AT, aud=[TOKEN_URL]))), Access)


def test_headers_that_mean_nothing_here_are_let_pass(full: House, client: UUID) -> None:
    assert isinstance(exchange(full, signed(header(x5t="abc", unknown=1), claims(client, AT))), Access)


# --- used once


def test_an_assertion_is_used_once(full: House, client: UUID, admin: psycopg.Connection) -> None:
    assertion = signed(header(), claims(client, AT))
    assert isinstance(exchange(full, assertion), Access)
    for later in (AT, AT + timedelta(minutes=4)):
        assert exchange(full, assertion, at=later) == REFUSED
        assert rule_of_refusal(admin) == Fault.REPLAYED
    assert last_entry(admin)[2] == str(client)


def test_another_assertion_with_the_same_number_is_refused_too(full: House, client: UUID) -> None:
    told = claims(client, AT)
    assert isinstance(exchange(full, signed(header(), told)), Access)
    later = told | {"exp": told["exp"] + 30}
    assert exchange(full, signed(header(alg="ES384", kid="ec"), later, ec_key())) == REFUSED


def test_numbers_of_different_clients_have_nothing_to_do_with_each_other(full: House, client: UUID) -> None:
    for one in (client, registered(full, "RH5")):
        assert isinstance(exchange(full, signed(header(), claims(one, AT, jti="1"))), Access)


def test_a_refused_scope_uses_the_assertion_up(full: House, client: UUID) -> None:
    assertion = signed(header(), claims(client, AT))
    assert exchange(full, assertion, scope="system/*.*") == Refusal("invalid_scope")
    assert exchange(full, assertion) == REFUSED


def test_of_many_at_once_one_is_taken(full: House, client: UUID) -> None:
    assertion = signed(header(), claims(client, AT))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: exchange(full, assertion), range(8)))
    assert sorted(type(one).__name__ for one in found) == ["Access", *["Refusal"] * 7]


ELSEWHERE = """
import sys
from datetime import datetime
from registry.accounts import clients
from registry.settings import load
from registry.store import Store
assertion, scope, url, at = sys.argv[1:]
store = Store.from_settings(load())
with store.transaction(tenants=[0]) as connection:
    found = clients.exchange(connection, assertion, scope, url, datetime.fromisoformat(at))
store.dispose()
print(type(found).__name__)
"""


def test_an_assertion_that_one_process_took_is_refused_by_another(full: House, client: UUID) -> None:
    assertions = [signed(header(), claims(client, AT)) for _ in range(2)]
    assert isinstance(exchange(full, assertions[0]), Access)
    assert [_elsewhere(full, one) for one in assertions] == ["Refusal", "Access"]
    assert exchange(full, assertions[1]) == REFUSED


def _elsewhere(full: House, assertion: str) -> str:
    """What another process of the service makes of it."""
    environment = os.environ | {
        "HAT_DATABASE_URL": str(full.settings.database_url),
        "HAT_SECRETS_DIR": str(full.settings.secrets_dir),
    }
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, assertion, SCOPE, TOKEN_URL, AT.isoformat()],
        cwd=Path(registry.__file__).parents[1], env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout.strip()


# --- scopes and organisations


def test_only_what_is_asked_for_and_held_is_given(full: House) -> None:
    client = registered(full, scopes=("system/Bundle.c", "system/Condition.rs"))
    asked = "system/Bundle.c system/bulk-submit system/Bundle.c openid"
    assert access(full, client, scope=asked).scopes == (Scope.BUNDLE_CREATE,)


@pytest.mark.parametrize(
    "asked", ["", " ", "system/bulk-submit", "system/Condition.*", "system/*.read", "SYSTEM/BUNDLE.C"]
)
def test_where_nothing_would_be_given_the_scope_is_refused(full: House, admin: psycopg.Connection, asked: str) -> None:
    client = registered(full, scopes=("system/Bundle.c",))
    assert exchange(full, signed(header(), claims(client, AT)), scope=asked) == Refusal("invalid_scope")
    assert last_entry(admin) == (f"client:{client}", "access refused", str(client), {"rule": "scope"})


def test_scopes_do_not_widen_a_role_and_roles_no_scope(full: House) -> None:
    client = registered(full, role=Role.VTE_NURSE, scopes=("system/Condition.rs",))
    actor = the_actor(full, access(full, client).secret)
    assert actor.may(Right.EDIT_CASES)
    assert not actor.may(Right.MANAGE_TOKENS)
    assert actor.allows(Scope.CONDITION_READ_SEARCH)
    assert not actor.allows(Scope.BUNDLE_CREATE)


def test_a_client_acts_for_its_organisations_and_those_merged_into_them(full: House) -> None:
    secret = access(full, registered(full, "RH5")).secret
    assert set(the_actor(full, secret).tenants(Right.SUBMIT)) == {full.ids["RH5"], full.ids["RA4"]}


# --- the life of a token and of a client


def test_an_access_token_ends_after_five_minutes(full: House, client: UUID, admin: psycopg.Connection) -> None:
    secret = access(full, client).secret
    admin.execute("update register.client_access set expires_at = expires_at - interval '4 minutes 30 seconds'")
    assert the_actor(full, secret)
    admin.execute("update register.client_access set expires_at = expires_at - interval '31 seconds'")
    assert the_actor(full, secret) is None


def test_who_is_disabled_has_no_access_from_that_moment(full: House, client: UUID, admin: psycopg.Connection) -> None:
    secret = access(full, client).secret
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        clients.disable(connection, client, by=OPERATOR)
    assert the_actor(full, secret) is None
    assert exchange(full, signed(header(), claims(client, AT))) == REFUSED
    assert rule_of_refusal(admin) == Fault.CLIENT
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        for again in (client, uuid4()):
            with pytest.raises(NotFound):
                clients.disable(connection, again, by=OPERATOR)
            with pytest.raises(NotFound):
                clients.replace_keys(connection, again, two_keys(), by=OPERATOR)


def test_keys_are_rotated(full: House, client: UUID) -> None:
    old, new = (header(), rsa_key()), (header(kid="next"), rsa_key(2048, 1))

    def taken() -> list[bool]:
        assertions = [signed(head, claims(client, AT), key) for head, key in (old, new)]
        return [isinstance(exchange(full, one), Access) for one in assertions]

    assert taken() == [True, False]
    for document, expected in (
        (jwks(jwk(rsa_key(), "rsa"), jwk(rsa_key(2048, 1), "next")), [True, True]),
        (jwks(jwk(rsa_key(2048, 1), "next")), [False, True]),
    ):
        with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
            clients.replace_keys(connection, client, document, by=OPERATOR)
        assert taken() == expected
    with full.store.readonly() as connection:
        [listed] = clients.clients(connection)
    assert listed.kids == ("next",)
    assert listed.keys_replaced_at is not None


def test_a_document_that_does_not_stand_changes_nothing(full: House, client: UUID) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(Unprocessable):
        clients.replace_keys(connection, client, jwks(jwk(rsa_key(1024), "rsa")), by=OPERATOR)
    assert isinstance(exchange(full, signed(header(), claims(client, AT))), Access)


def test_a_client_that_does_not_stand_is_not_registered(full: House, admin: psycopg.Connection) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(Unprocessable) as refused:
        clients.register(
            connection,
            name="",
            role=Role.ADMINISTRATOR,
            organisations=[],
            scopes=["system/*.*"],
            jwks="{}",
            by=OPERATOR,
        )
    wrong = [fault.pointer for fault in refused.value.errors]
    assert wrong == ["name", "role", "organisations", "scopes", "jwks"]
    assert admin.execute("select count(*) from register.client").fetchone() == (0,)


@pytest.mark.parametrize("secret", ["", "hat_", "hatc_", "hatc_" + "x" * 43, "hat_" + "x" * 43])
def test_nobody_has_a_token_that_was_never_given(full: House, client: UUID, secret: str) -> None:
    access(full, client)
    assert the_actor(full, secret) is None


def test_what_is_over_is_forgotten_and_nothing_else(full: House, client: UUID, admin: psycopg.Connection) -> None:
    exchange(full, signed(header(), claims(client, AT)))
    secret = access(full, client).secret
    none = Secrets.load(full.settings.secrets_dir, [])
    ago = AT + timedelta(minutes=4, seconds=59)
    assert clients.forget(full.store, none, full.settings, ago) == {"accesses": 0, "assertions": 0}
    now = database_now(full)
    assert clients.forget(full.store, none, full.settings, now) == {"accesses": 1, "assertions": 1}
    assert clients.forget(full.store, none, full.settings, now) == {"accesses": 0, "assertions": 0}
    assert the_actor(full, secret)
