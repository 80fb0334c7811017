"""Notices as letters: at once, once a day or not, as each person wants; one letter a person; only what they may see; numbers and links."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from registry.access import OPERATOR, Role
from registry.accounts import people
from registry.notices import ways
from registry.notices.kinds import Way
from registry.settings import Settings
from registry.store import SYSTEM_TENANT, Store
from tests.registry.cases.at_desk import OURS, THEIRS
from tests.registry.notices.telling import AT, Told, told


@pytest.fixture
def here(settings: Settings, store: Store, admin: psycopg.Connection) -> Told:
    return told(settings, store, admin)


def attributed(here: Told, code: str = OURS, cases: int = 1) -> None:
    """Told of at once, unless somebody wants it otherwise."""
    for _ in range(cases):
        here.admin.execute(
            "insert into records.attributed_case (tenant_id, reporter_id, reported_case_id) values (%s, %s, %s)",
            [here.ids[code], here.ids["7A4"], uuid4()],
        )


def unreplied(here: Told) -> None:
    """Told of once a day, unless somebody wants it otherwise."""
    here.admin.execute(
        "insert into records.outbox (tenant_id, subject, made_at, given_up_at) values (%s, 'x', %s, %s)",
        [here.place.tenant, AT, AT],
    )


def want(here: Told, person: UUID, **wanted: Way) -> None:
    with here.place.store.transaction() as connection:
        ways.choose(connection, person, wanted)


def nurse(here: Told) -> UUID:
    assert here.place.nurse.id is not None
    return here.place.nurse.id


def test_a_letter_holds_numbers_and_links_and_nothing_else(here: Told) -> None:
    attributed(here, cases=3)
    assert here.run(base_url="https://registry.example")["letters"] == 1
    [(person, subject, body)] = here.letters()
    assert (person, subject) == (nurse(here), "Something waits for you in the HAT registry")
    assert body == (
        "University College Trust\n\n"
        "- 3 cases that other organisations reported for yours wait for an answer:\n"
        "  https://registry.example/trust/attributed\n\n"
        "What you are written about, and how often, is yours to choose:\n"
        "https://registry.example/notices/preferences\n"
    )


def test_everything_of_one_moment_is_one_letter_a_person(here: Told) -> None:
    both = here.person("both", Role.VTE_NURSE)
    with here.place.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        people.grant(connection, both, Role.VTE_NURSE, here.ids[THEIRS], by=OPERATOR)
    attributed(here)
    attributed(here, THEIRS, 2)
    assert here.run()["letters"] == 2
    body = next(body for person, _, body in here.letters() if person == both)
    assert (
        body.index("Somerset Trust")
        < body.index("- 2 cases")
        < body.index("University College Trust")
        < body.index("- 1 case")
    )


def test_nobody_gets_two_within_the_pause_and_nothing_is_left_out(here: Told) -> None:
    attributed(here)
    here.run()
    attributed(here)
    assert here.run(AT + timedelta(minutes=14))["letters"] == 0
    assert here.run(AT + timedelta(minutes=15))["letters"] == 1
    assert "- 2 cases" in here.letters()[-1][2], "what is unread is counted together"
    assert here.run(AT + timedelta(minutes=40))["letters"] == 0


def test_once_a_day_comes_once_a_day(here: Told) -> None:
    unreplied(here)
    assert here.run()["letters"] == 0
    assert here.digest(AT + timedelta(hours=1)) == {"letters": 1}
    [(person, subject, body)] = here.letters()
    assert (person, subject) == (nurse(here), "Your day in the HAT registry")
    assert "1 letter of your organisation could not be delivered" in body
    for later in (timedelta(hours=1), timedelta(days=1)):
        assert here.digest(AT + later) == {"letters": 0}


@pytest.mark.parametrize(("way", "at_once", "daily"), [(Way.AT_ONCE, 1, 0), (Way.DAILY, 0, 1), (Way.NEVER, 0, 0)])
@pytest.mark.parametrize(("kind", "make"), [("attributed", attributed), ("letter_failed", unreplied)])
def test_each_kind_comes_as_it_is_wanted(
    here: Told, kind: str, make: Callable[[Told], None], way: Way, at_once: int, daily: int
) -> None:
    want(here, nurse(here), **{kind: way})
    make(here)
    assert here.run()["letters"] == at_once
    assert here.digest(AT + timedelta(hours=1))["letters"] == daily
    assert len(here.words(nurse(here))) == 1, "in the page it always stands"


def test_what_was_read_is_not_written_about(here: Told) -> None:
    unreplied(here)
    here.run()
    here.admin.execute("update records.notice set read_at = %s", [AT])
    assert here.digest(AT + timedelta(hours=1))["letters"] == 0


@pytest.mark.parametrize(
    "undo",
    [
        "update register.membership set ended_at = now()",
        "update register.person set disabled_at = now()",
        "update register.person set email = null",
    ],
)
def test_whoever_may_not_see_it_any_more_gets_no_letter(here: Told, undo: str) -> None:
    unreplied(here)
    here.run()
    here.admin.execute(undo.encode())
    assert here.digest(AT + timedelta(hours=1))["letters"] == 0


def test_a_letter_about_an_account_comes_whatever_is_wanted(here: Told) -> None:
    person = here.person("anna", Role.VTE_NURSE)
    here.admin.execute("update register.person set added_at = added_at - interval '2 days'")
    with here.place.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        known = people.person_by_id(connection, person)
        people.grant(connection, person, Role.TRUST_UPLOADER, here.place.tenant, by=OPERATOR)
        people.take(connection, person, known.memberships[0].id, by=OPERATOR)
    [(now,)] = here.rows("select now()")
    before = len(here.letters())
    here.run(now)
    mine = [(subject, body) for who, subject, body in here.letters() if who == person]
    assert len(mine) == 1
    assert mine[0][0] == "Your account in the HAT registry was changed"
    assert "- It was given a role.\n" in mine[0][1]
    assert "- A role of it ended.\n" in mine[0][1]
    assert before == 0
    here.run(now + timedelta(minutes=1))
    assert len([who for who, _, _ in here.letters() if who == person]) == 1


def test_whoever_is_new_is_not_warned_of_it(here: Told) -> None:
    here.person("anna", Role.VTE_NURSE)
    [(now,)] = here.rows("select now()")
    here.run(now)
    assert here.letters() == []
