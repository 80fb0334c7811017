from datetime import date, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from registry import register
from registry.access import OPERATOR, TOKEN_ROLES, Actor, Kind, Right, Role
from registry.accounts import links, passwords, people, secret_digest, sessions, tokens
from registry.accounts.sessions import Account, Limits
from registry.errors import Conflict, Gone, NotFound, Unprocessable
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store, audit
from tests.registry.web.visitors import HASH, PASSWORD, House, house, whole_session

LIMITS = Limits(timedelta(minutes=30), timedelta(hours=12))


@pytest.fixture
def full(settings: Settings, store: Store) -> House:
    return house(settings, store)


def begun(full: House, person: UUID) -> str:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return whole_session(connection, person)


def actor_of(full: House, secret: str, limits: Limits = LIMITS) -> Actor | None:
    with full.store.transaction() as connection:
        return sessions.actor(connection, secret, limits)


# --- passwords


def test_a_password_matches_its_hash_alone() -> None:
    assert passwords.matches(HASH, PASSWORD)
    assert not passwords.matches(HASH, PASSWORD + " ")
    assert HASH.startswith("$argon2id$")
    assert passwords.hashed(PASSWORD) != HASH


def test_nobody_has_a_password() -> None:
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches(None, "")


@pytest.mark.parametrize(
    "password",
    [
        "short one",
        "x" * 129,
        "passwordpassword",
        "Password123456",
        "NHSthrombosis2026!",
        "qwertyuiop123",
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "registrynurse99",
        "Alice.Somerset1",
        "welcome-welcome-welcome",
    ],
)
def test_guessable_passwords_are_refused_in_words(password: str) -> None:
    found = list(passwords.faults(password, ("alice.somerset", "Alice Somerset")))
    assert len(found) == 1
    assert password not in found[0]


@pytest.mark.parametrize("password", [PASSWORD, "plum-kettle-vortex-9", "gT5#kk0w!zPq", "ünter brücken tönt es"])
def test_others_are_taken(password: str) -> None:
    assert not list(passwords.faults(password, ("alice.somerset", "Alice Somerset")))


# --- people


def test_names_are_compared_without_regard_to_case(full: House) -> None:
    full.person("anna.bell")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        with pytest.raises(Conflict):
            people.create(connection, user_name="Anna.Bell", display_name="Another", by=OPERATOR)
        assert people.person_by_name(connection, "ANNA.BELL").has_password


@pytest.mark.parametrize(
    ("user_name", "display_name", "email", "wrong"),
    [
        ("a", "Anna", None, ["user_name"]),
        ("an na", "A", "no address", ["user_name", "display_name", "email"]),
        ("anna<script>", "Anna\u202ex", None, ["user_name", "display_name"]),
        ("anna", "Anna", "a@b.uk", []),
    ],
)
def test_all_faults_of_a_person_at_once(user_name: str, display_name: str, email: str | None, wrong: list[str]) -> None:
    assert [field for field, _ in people.faults(user_name, display_name, email)] == wrong


def test_a_person_acts_for_several_organisations_in_several_roles(full: House) -> None:
    roles = (Role.TRUST_UPLOADER, "RRV"), (Role.TRUST_LEAD, "RRV"), (Role.VTE_NURSE, "7A4"), (Role.MODERATOR, None)
    actor = actor_of(full, begun(full, full.person("anna", *roles)))
    assert actor
    assert actor.roles == {Role.TRUST_UPLOADER, Role.TRUST_LEAD, Role.VTE_NURSE, Role.MODERATOR}
    assert actor.tenants(Right.SUBMIT) == tuple(sorted((full.ids["RRV"], full.ids["7A4"])))
    assert actor.tenants(Right.SIGN_OFF_RETURN) == (full.ids["RRV"],)
    assert actor.may(Right.MODERATE_LESSONS)


@pytest.mark.parametrize(("role", "code"), [(Role.TRUST_LEAD, None), (Role.NATIONAL_LEAD, "RRV"), (Role.PUBLIC, None)])
def test_a_role_goes_with_an_organisation_or_without(full: House, role: Role, code: str | None) -> None:
    with pytest.raises(Unprocessable):
        full.person("anna", (role, code))


def test_a_role_that_ended_is_gone_and_can_be_given_again(full: House) -> None:
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    secret = begun(full, anna)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        [held] = people.person_by_id(connection, anna).memberships
        people.take(connection, anna, held.id, by=OPERATOR)
    assert actor_of(full, secret) is None, "sessions end with a role"
    actor = actor_of(full, begun(full, anna))
    assert actor
    assert (actor.roles, dict(actor.organisations)) == (frozenset(), {})
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.grant(connection, anna, Role.VTE_NURSE, full.ids["RRV"], by=OPERATOR)
    assert (actor_of(full, begun(full, anna)) or actor).tenants(Right.EDIT_CASES) == (full.ids["RRV"],)


def test_another_persons_role_cannot_be_ended_through_ones_own(full: House) -> None:
    anna, bert = full.person("anna", (Role.VTE_NURSE, "RRV")), full.person("bert")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        [held] = people.person_by_id(connection, anna).memberships
        with pytest.raises(NotFound):
            people.take(connection, bert, held.id, by=OPERATOR)


def test_nobody_gives_a_role_to_themselves(full: House) -> None:
    chief = full.person("chief", (Role.ADMINISTRATOR, None))
    by = actor_of(full, begun(full, chief))
    assert by
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(Conflict):
        people.grant(connection, chief, Role.VTE_NURSE, full.ids["RRV"], by=by)


def test_the_last_administrator_stays(full: House) -> None:
    chief = full.person("chief", (Role.ADMINISTRATOR, None))
    with pytest.raises(Conflict), full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, chief, by=OPERATOR)
    full.person("second", (Role.ADMINISTRATOR, None))
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, chief, by=OPERATOR)


def test_people_are_found_by_name_and_organisation(full: House) -> None:
    full.person("anna.bell", (Role.VTE_NURSE, "RRV"))
    full.person("bert.bell", (Role.VTE_NURSE, "7A4"))
    with full.store.readonly() as connection:
        assert [one.user_name for one in people.search(connection, "Bell")] == ["anna.bell", "bert.bell"]
        assert [one.user_name for one in people.search(connection, "rrv")] == ["anna.bell"]
        assert people.search(connection, "%") == ()
        assert len(people.search(connection, "", limit=1)) == 1


# --- succession


def moved(admin: psycopg.Connection, day: str) -> None:
    admin.execute(f"update register.succession set effective_on = {day}")


def test_from_the_day_of_a_merger_the_successors_users_hold_the_predecessors_records(
    full: House, admin: psycopg.Connection
) -> None:
    secret = begun(full, full.person("anna", (Role.VTE_NURSE, "RH5")))
    today = "(now() at time zone 'Europe/London')::date"
    moved(admin, f"{today} + 1")
    assert (actor := actor_of(full, secret))
    assert actor.tenants(Right.EDIT_CASES) == (full.ids["RH5"],)
    moved(admin, today)
    assert (actor := actor_of(full, secret))
    assert set(actor.tenants(Right.EDIT_CASES)) == {
        full.ids["RH5"],
        full.ids["RA4"],
    }


def test_predecessors_of_predecessors_are_held_too_and_nothing_flows_back(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        register.succeed(connection, full.ids["RH5"], full.ids["RRV"], date(2024, 4, 1), by=OPERATOR)
    last = actor_of(full, begun(full, full.person("anna", (Role.TRUST_LEAD, "RRV"))))
    first = actor_of(full, begun(full, full.person("bert", (Role.TRUST_LEAD, "RA4"))))
    assert last
    assert set(last.organisations) == {full.ids["RRV"], full.ids["RH5"], full.ids["RA4"]}
    assert first
    assert set(first.organisations) == {full.ids["RA4"]}


# --- sessions


def test_a_session_is_kept_as_a_digest(full: House, admin: psycopg.Connection) -> None:
    secret = begun(full, full.person("anna"))
    assert len(secret) == 43
    alive = admin.execute("select id_digest from register.session where ended_at is null").fetchall()
    assert alive == [(secret_digest(secret),)]


@pytest.mark.parametrize(
    ("column", "ago", "holds"),
    [
        ("last_seen_at", "29 minutes", True),
        ("last_seen_at", "31 minutes", False),
        ("created_at", "11 hours 59 minutes", True),
        ("created_at", "12 hours 1 minute", False),
    ],
)
def test_a_session_ends_by_the_databases_clock(
    full: House, admin: psycopg.Connection, column: str, ago: str, holds: bool
) -> None:
    secret = begun(full, full.person("anna"))
    admin.execute(f"update register.session set {column} = now() - interval '{ago}'")
    assert (actor_of(full, secret) is not None) is holds


def test_being_seen_keeps_a_session_alive(full: House, admin: psycopg.Connection) -> None:
    secret = begun(full, full.person("anna"))
    for _ in range(3):
        admin.execute("update register.session set last_seen_at = last_seen_at - interval '20 minutes'")
        assert actor_of(full, secret)


def test_a_request_soon_after_another_writes_nothing(full: House, admin: psycopg.Connection) -> None:
    secret = begun(full, full.person("anna"))
    before = admin.execute("select xmin from register.session").fetchone()
    assert actor_of(full, secret)
    assert admin.execute("select xmin from register.session").fetchone() == before


def test_a_disabled_person_loses_sessions_and_links_in_the_same_transaction(
    full: House, admin: psycopg.Connection
) -> None:
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    secret, link = begun(full, anna), full.link(anna).rsplit("/", 1)[1]
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, anna, by=OPERATOR)
        assert connection.scalar(text("select count(*) from register.session where ended_at is null")) == 0
    assert actor_of(full, secret) is None
    assert begun(full, anna) == ""
    with full.store.readonly() as connection:
        assert sessions.account(connection, "anna") is None
        with pytest.raises(Gone):
            links.holder(connection, link)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.enable(connection, anna, by=OPERATOR)
    assert actor_of(full, secret) is None, "an old session does not come back"
    assert begun(full, anna)


def test_no_session_begins_with_a_password_that_has_changed_meanwhile(full: House) -> None:
    anna = full.person("anna")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.set_password(connection, anna, "$argon2id$another", by=OPERATOR)
    assert begun(full, anna) == ""


def test_one_sees_and_ends_only_ones_own_sessions(full: House) -> None:
    anna, bert = full.person("anna"), full.person("bert")
    first, second, other = begun(full, anna), begun(full, anna), begun(full, bert)
    by = actor_of(full, second)
    assert by
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        assert [one.current for one in sessions.own(connection, by, LIMITS)] == [True, False]
        sessions.end(connection, secret_digest(first).hex(), by=by)
        for handle in (secret_digest(first).hex(), secret_digest(other).hex(), "no hex"):
            with pytest.raises(NotFound):
                sessions.end(connection, handle, by=by)
    assert actor_of(full, first) is None
    assert actor_of(full, other)


# --- links


def test_a_link_sets_the_password_once_and_ends_the_sessions(full: House) -> None:
    anna = full.person("anna")
    secret, link = begun(full, anna), full.link(anna).rsplit("/", 1)[1]
    changed = passwords.hashed("marmalade under seven bridges")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        assert links.holder(connection, link).id == anna
        links.use(connection, link, changed)
    assert actor_of(full, secret) is None
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(Gone):
        links.use(connection, link, changed)
    with full.store.readonly() as connection:
        assert sessions.account(connection, "anna") == Account(anna, changed)


def test_a_link_ends_after_24_hours_or_when_another_is_made(full: House, admin: psycopg.Connection) -> None:
    anna = full.person("anna")
    first, second = full.link(anna).rsplit("/", 1)[1], full.link(anna).rsplit("/", 1)[1]
    with full.store.readonly() as connection:
        with pytest.raises(Gone):
            links.holder(connection, first)
        assert links.holder(connection, second)
    admin.execute("update register.single_use_link set expires_at = expires_at - interval '24 hours'")
    with full.store.readonly() as connection, pytest.raises(Gone):
        links.holder(connection, second)


def test_there_is_no_link_for_nobody(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection, pytest.raises(NotFound):
        links.make(connection, uuid4(), by=OPERATOR)


def test_the_first_administrator_comes_in_by_a_link(full: House) -> None:
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        secret = links.create_admin(connection, user_name="chief", display_name="The chief", by=OPERATOR)
        found = links.holder(connection, secret)
    assert [one.role for one in found.memberships] == [Role.ADMINISTRATOR]
    assert not found.has_password
    assert links.address("https://hat.example", secret) == f"https://hat.example/set-password/{secret}"


# --- tokens


def made(full: House, role: Role, *codes: str, expires_on: date | None = None) -> str:
    chief = full.person(f"chief-{uuid4().hex[:6]}")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        return tokens.make(
            connection, name="A program", role=role, organisations=[full.ids[code] for code in codes],
            expires_on=expires_on, by=OPERATOR, made_by=chief,
        )  # fmt: skip


def actor_of_token(full: House, secret: str) -> Actor | None:
    with full.store.readonly() as connection:
        return tokens.actor(connection, secret)


def test_a_token_is_kept_as_a_digest_and_acts_for_its_organisations(full: House, admin: psycopg.Connection) -> None:
    secret = made(full, Role.TRUST_UPLOADER, "RH5", "7A4")
    assert secret.startswith("hat_")
    assert admin.execute("select token_digest from register.api_token").fetchall() == [(secret_digest(secret),)]
    actor = actor_of_token(full, secret)
    assert actor
    assert actor.kind is Kind.TOKEN
    assert set(actor.tenants(Right.SUBMIT)) == {full.ids["RH5"], full.ids["RA4"], full.ids["7A4"]}


@pytest.mark.parametrize("secret", ["", "hat_", "hat_unknown", "unknown", "hat_" + "\x00" * 3])
def test_an_unknown_token_is_nobody(full: House, secret: str) -> None:
    assert actor_of_token(full, secret) is None


def test_a_token_ends_when_revoked(full: House) -> None:
    secret = made(full, Role.NATIONAL_ANALYST)
    actor = actor_of_token(full, secret)
    assert actor
    assert actor.id
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        tokens.revoke(connection, actor.id, by=OPERATOR)
        with pytest.raises(NotFound):
            tokens.revoke(connection, actor.id, by=OPERATOR)
    assert actor_of_token(full, secret) is None
    with full.store.readonly() as connection:
        [listed] = tokens.tokens(connection)
    assert not listed.lives


def test_a_token_holds_to_the_end_of_its_last_day_in_london(full: House, admin: psycopg.Connection) -> None:
    secret = made(full, Role.NATIONAL_ANALYST, expires_on=date(2026, 7, 1))
    [(ends,)] = admin.execute("select expires_at at time zone 'UTC' from register.api_token").fetchall()
    assert ends.isoformat() == "2026-07-01T23:00:00"
    admin.execute("update register.api_token set expires_at = now() - interval '1 second'")
    assert actor_of_token(full, secret) is None
    admin.execute("update register.api_token set expires_at = now() + interval '1 minute'")
    assert actor_of_token(full, secret)


@pytest.mark.parametrize("role", sorted(set(Role) - set(TOKEN_ROLES)))
def test_no_token_is_what_only_people_are(full: House, role: Role) -> None:
    with pytest.raises(Unprocessable):
        made(full, role)


@pytest.mark.parametrize(("role", "codes"), [(Role.TRUST_UPLOADER, []), (Role.NATIONAL_LEAD, ["RRV"])])
def test_a_tokens_role_goes_with_organisations_or_without(full: House, role: Role, codes: list[str]) -> None:
    with pytest.raises(Unprocessable) as refused:
        made(full, role, *codes)
    assert [fault.pointer for fault in refused.value.errors] == ["organisations"]


# --- audit


def test_every_write_leaves_its_line_in_the_chain(full: House, admin: psycopg.Connection) -> None:
    anna = full.person("anna", (Role.VTE_NURSE, "RRV"))
    begun(full, anna)
    full.link(anna)
    made(full, Role.TRUST_UPLOADER, "RRV")
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.disable(connection, anna, by=OPERATOR)
        people.enable(connection, anna, by=OPERATOR)
        sessions.refused(connection, None)
    lines = admin.execute("select actor, action from records.audit where tenant_id = 0 order by sequence").fetchall()
    assert [action for _, action in lines] == [
        "register imported", "person created", "role given", "password set", "password accepted", "signed in", "password link made",
        "person created", "password set", "token made", "person disabled", "person enabled", "sign-in refused",
    ]  # fmt: skip
    assert ("person:" + str(anna), "signed in") in lines
    key = Secrets.load(full.settings.secrets_dir, ["audit"])["audit"]
    with full.store.readonly(tenants=[SYSTEM_TENANT]) as connection:
        assert audit.verify(connection, SYSTEM_TENANT, key) == []


def test_what_cannot_be_audited_does_not_happen(full: House) -> None:
    """Without the context of SYSTEM_TENANT the policy refuses the line, and the whole transaction with it."""
    with pytest.raises(DBAPIError, match="row-level security"), full.store.transaction() as connection:
        people.create(connection, user_name="ghost", display_name="Ghost", by=OPERATOR)
    with full.store.readonly() as connection, pytest.raises(NotFound):
        people.person_by_name(connection, "ghost")
