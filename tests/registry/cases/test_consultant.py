"""A one-time link to one case: only to allowed addresses, only with its code, only once, only so long, and taken back at any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest

from registry.access import Right, Role
from registry.cases import consultant, domains, one_time, states
from registry.cases.consultant import MOST_TRIES, Asked
from registry.cases.desk import Desk, open_desk, unseal
from registry.cases.states import CaseState
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.settings import Settings
from registry.store import Store
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import actions, chain_holds
from tests.registry.cases.reviews import case_in
from tests.registry.submissions.make import keys

ADDRESS = "A.Consultant@trust.example"


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    made = place(settings, store)
    with made.desk(made.person("lead", Role.TRUST_LEAD)) as desk:
        domains.allow(desk, "@Trust.example")
    return made


@pytest.fixture
def case(here: Place, admin: psycopg.Connection) -> UUID:
    return case_in(here, admin, CaseState.RCA_OPEN)


@pytest.fixture
def asked(here: Place, case: UUID) -> Asked:
    with here.desk() as desk:
        return consultant.ask(desk, case, ADDRESS, seen=CaseState.RCA_OPEN)


@contextmanager
def outside(here: Place, asked: Asked, at: datetime = AT) -> Iterator[Desk]:
    """The desk as whoever holds the link has it."""
    with here.store.transaction(tenants=(here.tenant,)) as connection:
        by = one_time.actor(here.tenant, asked.link_id)
        yield open_desk(connection, keys(here.settings), here.settings, here.tenant, by=by, at=at)


def enter(here: Place, asked: Asked, code: str | None = None, at: datetime = AT) -> str | None:
    with outside(here, asked, at) as desk:
        return one_time.enter(desk, asked.secret, asked.code if code is None else code)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


# --- addresses


def test_only_domains_are_allowed_and_each_can_be_ended(here: Place) -> None:
    with here.desk() as desk:
        for no_domain in ("", "trust", "a b.example", "name@trust.example", "-.example", "x" * 250 + ".example"):
            with pytest.raises(Unprocessable):
                domains.allow(desk, no_domain)
        domains.allow(desk, "other.example")
        assert domains.allowed(desk.connection, here.tenant) == ("other.example", "trust.example")
        domains.disallow(desk, "other.example")
        assert domains.allowed(desk.connection, here.tenant) == ("trust.example",)
        with pytest.raises(NotFound):
            domains.disallow(desk, "other.example")
        domains.allow(desk, "other.example")
        assert len(domains.allowed(desk.connection, here.tenant)) == 2


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "a@elsewhere.example", "a@trust.example.evil.example", "a@sub.trust.example", "a@b@trust.example",
     "a@trust.example\nBcc: x@evil.example", "<a@trust.example>", "a" * 65 + "@trust.example"],
)  # fmt: skip
def test_a_link_goes_to_an_allowed_address_and_nowhere_else(here: Place, case: UUID, address: str) -> None:
    with here.desk() as desk:
        with pytest.raises(Unprocessable) as refused:
            consultant.ask(desk, case, address)
        assert [each.pointer for each in refused.value.errors] == ["address"]
        assert states.of(desk.connection, here.tenant, case).state is CaseState.RCA_OPEN


# --- the letter


def test_the_letter_has_the_link_and_nothing_of_the_patient(
    here: Place, asked: Asked, admin: psycopg.Connection
) -> None:
    row = admin.execute("select id, subject, body, to_ct, body_ct, person_id from records.outbox").fetchone()
    assert row is not None
    assert row[2] is None
    assert row[5] is None
    with here.desk() as desk:
        to, body = unseal(desk, "outbox", row[0], "to", row[3]), unseal(desk, "outbox", row[0], "body", row[4])
    assert to == ADDRESS
    assert f"{here.settings.base_url}/answer/RRV/{asked.secret}" in (body or "")
    for hidden in (asked.code, "HAT-", " A ", "2025", "1951"):
        assert hidden not in f"{row[1]} {body}"


def test_neither_link_nor_code_nor_address_is_kept_in_clear(
    here: Place, asked: Asked, admin: psycopg.Connection
) -> None:
    for table in ("consultant_link", "outbox", "case_event", "audit"):
        rows = " ".join(row[0] for row in admin.execute(f"select t::text from records.{table} t").fetchall())
        for secret in (asked.secret, asked.code, ADDRESS):
            assert secret not in rows
            assert secret.encode().hex() not in rows


# --- opening


def test_with_its_code_a_link_is_opened_once(here: Place, asked: Asked, case: UUID) -> None:
    session = enter(here, asked)
    assert session
    with outside(here, asked) as desk:
        link = one_time.in_session(desk, asked.secret, session)
        assert link is not None
        assert link.case_id == case
        assert one_time.in_session(desk, asked.secret, asked.secret) is None
        assert one_time.in_session(desk, session, session) is None
    assert enter(here, asked) is None
    assert chain_holds(here.store, here.settings, here.tenant)


def test_a_session_ends_with_its_hours(here: Place, asked: Asked) -> None:
    session = enter(here, asked) or ""
    for hours, holds in ((here.settings.session_hours - 1, True), (here.settings.session_hours, False)):
        with outside(here, asked, AT + timedelta(hours=hours)) as desk:
            assert (one_time.in_session(desk, asked.secret, session) is not None) is holds


def test_after_five_wrong_codes_a_link_is_dead_and_a_new_code_lets_it_live(
    here: Place, asked: Asked, case: UUID
) -> None:
    for _ in range(MOST_TRIES):
        assert enter(here, asked, wrong(asked.code)) is None
    with pytest.raises(NotFound):
        enter(here, asked)
    with here.desk() as desk:
        assert consultant.links(desk, case)[0].words(AT) == "shut after wrong codes"
        code = consultant.new_code(desk, case, asked.link_id)
    assert enter(here, asked) is None or code == asked.code
    assert enter(here, asked, code)


def test_wrong_codes_count_even_where_a_session_is_open(here: Place, asked: Asked) -> None:
    assert enter(here, asked)
    for _ in range(MOST_TRIES):
        assert enter(here, asked) is None
    with pytest.raises(NotFound):
        enter(here, asked)


def test_a_new_code_ends_the_session_of_the_one_before(here: Place, asked: Asked, case: UUID) -> None:
    session = enter(here, asked) or ""
    with here.desk() as desk:
        code = consultant.new_code(desk, case, asked.link_id)
    with outside(here, asked) as desk:
        assert one_time.in_session(desk, asked.secret, session) is None
    assert enter(here, asked, code)


def test_a_code_may_be_typed_with_blanks(here: Place, asked: Asked) -> None:
    assert enter(here, asked, f" {asked.code[:4]} {asked.code[4:]} ")


# --- its end


def test_a_link_is_over_after_its_days(here: Place, asked: Asked) -> None:
    days = timedelta(days=here.settings.counting.one_time_link_days)
    with pytest.raises(NotFound):
        enter(here, asked, at=AT + days)
    assert enter(here, asked, at=AT + days - timedelta(seconds=1))


def test_a_case_that_is_taken_back_shuts_its_link(here: Place, asked: Asked, case: UUID) -> None:
    session = enter(here, asked) or ""
    with here.desk() as desk:
        consultant.take_back(desk, case, seen=CaseState.WITH_CONSULTANT)
        assert states.of(desk.connection, here.tenant, case).state is CaseState.RCA_OPEN
    with outside(here, asked) as desk:
        link = one_time.in_session(desk, asked.secret, session)
        assert link is not None
        assert not link.open_at(AT)
        with pytest.raises(Conflict):
            one_time.answered(desk, link)
        with pytest.raises(NotFound):
            one_time.enter(desk, asked.secret, asked.code)


def test_asking_again_ends_the_earlier_link(here: Place, asked: Asked, case: UUID) -> None:
    with here.desk() as desk:
        again = consultant.ask(desk, case, ADDRESS, seen=CaseState.WITH_CONSULTANT)
        assert [each.words(AT) for each in consultant.links(desk, case)] == ["not opened yet", "taken back"]
    with pytest.raises(NotFound):
        enter(here, asked)
    assert enter(here, again)


def test_an_answer_gives_the_case_back_and_uses_the_link_up(
    here: Place, asked: Asked, case: UUID, admin: psycopg.Connection
) -> None:
    session = enter(here, asked) or ""
    with outside(here, asked) as desk:
        link = one_time.in_session(desk, asked.secret, session)
        assert link is not None
        one_time.answered(desk, link)
        assert states.of(desk.connection, here.tenant, case).state is CaseState.RCA_OPEN
        assert one_time.in_session(desk, asked.secret, session) is None
    with pytest.raises(Conflict), outside(here, asked) as desk:
        one_time.answered(desk, link)
    with pytest.raises(NotFound):
        enter(here, asked)
    assert "consultant answered" in actions(admin, here.tenant)


# --- who


def test_whoever_holds_a_link_may_do_nothing_but_answer(here: Place, asked: Asked, case: UUID) -> None:
    by = one_time.actor(here.tenant, asked.link_id)
    assert [right for right in Right if by.tenants(right)] == [Right.OWN_ACCOUNT, Right.REVIEW_CASE]
    with outside(here, asked) as desk:
        for act in (
            lambda: consultant.ask(desk, case, ADDRESS),
            lambda: consultant.new_code(desk, case, asked.link_id),
            lambda: consultant.take_back(desk, case),
        ):
            with pytest.raises(Forbidden):
                act()


def test_only_who_may_edit_asks(here: Place, case: UUID) -> None:
    for by in (here.person("uploader", Role.TRUST_UPLOADER), here.person("elsewhere", Role.VTE_NURSE, "RH5")):
        with pytest.raises(Forbidden), here.desk(by) as desk:
            consultant.ask(desk, case, ADDRESS)


def test_with_an_account_only_the_cases_sent_to_one_s_own_address_are_seen(
    here: Place, asked: Asked, case: UUID, admin: psycopg.Connection
) -> None:
    other = case_in(here, admin, CaseState.RCA_OPEN, "B")
    with here.desk() as desk:
        consultant.ask(desk, other, "somebody.else@trust.example")
        assert [each.case_id for each in one_time.asked_of(desk, " a.consultant@TRUST.example ")] == [case]
        assert one_time.asked_of(desk, "") == []
        consultant.take_back(desk, case)
        assert one_time.asked_of(desk, ADDRESS) == []


def test_a_case_that_is_not_in_review_is_not_put_before_a_consultant(here: Place, admin: psycopg.Connection) -> None:
    for name, state in (("C", CaseState.CONFIRMED), ("D", CaseState.COMPLETE), ("E", CaseState.SECOND_READING)):
        with pytest.raises(Conflict, match="Nothing was changed"), here.desk() as desk:
            consultant.ask(desk, case_in(here, admin, state, name), ADDRESS)
