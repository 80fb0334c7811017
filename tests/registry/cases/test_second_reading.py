"""Two readers: the second another than the first and blind, both kept, then one judgement on which they agreed."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from registry.access import Role
from registry.cases import completing, second_reading, states
from registry.cases.desk import events, record
from registry.cases.second_reading import LOOKED, Judgement, Place, hides, judgement, readings
from registry.cases.states import CaseState
from registry.errors import Conflict, Forbidden, Unprocessable
from registry.settings import Settings
from registry.statistics.agreement import agreement
from registry.store import Store
from schemas.record import RecordKind
from tests.make import valid_rca
from tests.registry.cases.at_desk import AT, place
from tests.registry.cases.at_desk import Place as Desk
from tests.registry.cases.make import chain_holds
from tests.registry.cases.reviews import case_in, found_none
from tests.registry.submissions.make import send

FIRST = valid_rca()
SECOND = {
    "judged_by": "pharmacist",
    "judged_on": "2026-02-01",
    "category": "prophylaxis_failure",
    "preventability": "not_preventable",
    "would_have_changed_outcome": "unlikely",
    "inadequacies": "",
}


@pytest.fixture
def here(settings: Settings, store: Store) -> Desk:
    return place(settings, store)


def waiting(here: Desk, admin: psycopg.Connection, name: str = "A") -> UUID:
    """A case that the nurse judged, drawn for a second reading and handed on."""
    case = case_in(here, admin, CaseState.RCA_OPEN, name, reviewed=True)
    admin.execute("update records.case_work set drawn = true where case_id = %s", [case])
    with here.desk() as desk:
        completing.remember(desk, case, FIRST)
        assert completing.complete(desk, case, FIRST).state is CaseState.SECOND_READING
    return case


# --- the first reader


def test_the_first_reader_is_who_stored_a_judged_review(here: Desk, admin: psycopg.Connection) -> None:
    case = case_in(here, admin, CaseState.RCA_OPEN)
    with here.desk() as desk:
        completing.remember(desk, case, {**FIRST, "preventability": ""})
        assert readings(desk.connection, here.tenant, case) == {}
        completing.remember(desk, case, FIRST)
        completing.remember(desk, case, FIRST)
    (count,) = admin.execute("select count(*) from records.reading").fetchone() or (0,)
    assert count == 1
    with here.desk() as desk:
        found = readings(desk.connection, here.tenant, case)[Place.FIRST]
    assert found.reader == here.nurse.label
    assert found.judgement == judgement(FIRST)
    assert found.judgement.text.items() <= FIRST.items()


def test_a_review_without_a_judgement_is_not_completed(here: Desk, admin: psycopg.Connection) -> None:
    case = case_in(here, admin, CaseState.RCA_OPEN, reviewed=True)
    with pytest.raises(Conflict, match="Record the finding"), here.desk() as desk:
        completing.complete(desk, case, {**FIRST, "category": ""})


def test_a_review_that_found_no_hat_ends_there(here: Desk, admin: psycopg.Connection) -> None:
    case = case_in(here, admin, CaseState.RCA_OPEN, reviewed=True)
    found_none(here)
    with here.desk() as desk:
        work = completing.complete(desk, case, {**FIRST, "category": "not_hat", "preventability": ""})
    assert work.state is CaseState.NOT_HAT


# --- blind


def test_as_long_as_the_second_has_not_judged_only_the_first_sees_the_judgement(
    here: Desk, admin: psycopg.Connection
) -> None:
    other, lead = here.person("other"), here.person("lead", Role.TRUST_LEAD)
    before = case_in(here, admin, CaseState.RCA_OPEN, "B", reviewed=True)
    case = waiting(here, admin)
    with here.desk() as desk:
        for who, hidden in ((here.nurse, False), (other, True), (lead, True)):
            assert hides(desk.connection, here.tenant, case, who) is hidden
            assert not hides(desk.connection, here.tenant, before, who)
    with here.desk(other) as desk:
        second_reading.read(desk, case, SECOND)
        assert not hides(desk.connection, here.tenant, case, lead)


def test_a_review_that_came_by_file_is_hidden_from_everybody(here: Desk, admin: psycopg.Connection) -> None:
    case = case_in(here, admin, CaseState.SECOND_READING, reviewed=True)
    with here.desk() as desk:
        assert hides(desk.connection, here.tenant, case, here.nurse)


def test_whether_the_second_reading_was_blind_is_kept(here: Desk, admin: psycopg.Connection) -> None:
    other, seen = waiting(here, admin), waiting(here, admin, "B")
    reader = here.person("other")
    with here.desk(reader) as desk:
        record(desk, seen, LOOKED)
    for case, blind in ((other, True), (seen, False)):
        with here.desk(reader) as desk:
            second_reading.read(desk, case, SECOND)
            told = [each.detail for each in events(desk, case) if each.what == "read a second time"]
        assert told == [{"blind": blind}]


# --- the second reader


def test_the_second_reader_is_another_person(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    with pytest.raises(Conflict, match="You judged this case first"), here.desk() as desk:
        second_reading.read(desk, case, SECOND)
    for by in (here.person("uploader", Role.TRUST_UPLOADER), here.person("elsewhere", Role.VTE_NURSE, "RH5")):
        with pytest.raises(Forbidden), here.desk(by) as desk:
            second_reading.read(desk, case, SECOND)


def test_a_case_is_read_a_second_time_once(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    with here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND)
    with pytest.raises(Conflict, match="Somebody else has read"), here.desk(here.person("third")) as desk:
        second_reading.read(desk, case, SECOND)


def test_a_case_that_is_not_at_second_reading_is_not_read(here: Desk, admin: psycopg.Connection) -> None:
    case = case_in(here, admin, CaseState.RCA_OPEN, reviewed=True)
    with pytest.raises(Conflict, match="review open by now"), here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"category": ""}, "category"),
        ({"category": "<b>"}, "category"),
        ({"preventability": ""}, "preventability"),
        ({"judged_by": ""}, "judged_by"),
        ({"judged_on": ""}, "judged_on"),
        ({"judged_on": "2026-02-03"}, "judged_on"),
        ({"would_have_changed_outcome": "perhaps"}, "would_have_changed_outcome"),
        ({"inadequacies": "no_such"}, "inadequacies"),
        ({"category": "inadequate_prophylaxis"}, "inadequacies"),
        ({"category": "inadequate_prophylaxis", "inadequacies": "documentation|assessed_late"}, "inadequacies"),
    ],
)
def test_what_a_second_reader_may_not_say(
    here: Desk, admin: psycopg.Connection, change: dict[str, str], field: str
) -> None:
    case = waiting(here, admin)
    with pytest.raises(Unprocessable) as refused, here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND | change)
    assert [each.pointer for each in refused.value.errors] == [field]
    with here.desk() as desk:
        assert Place.SECOND not in readings(desk.connection, here.tenant, case)


def test_a_case_that_is_none_has_no_preventability(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    with here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND | {"category": "not_hat", "preventability": ""})


# --- agreeing


def test_once_both_have_judged_their_agreement_completes_the_case(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    with pytest.raises(Conflict, match="has not judged yet"), here.desk() as desk:
        second_reading.agree(desk, case, judgement(FIRST))
    with here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND)
    with here.desk() as desk:
        second_reading.agree(desk, case, judgement(SECOND))
        found = readings(desk.connection, here.tenant, case)
        assert states.of(desk.connection, here.tenant, case).state is CaseState.COMPLETE
    assert [found[each].judgement.category for each in Place] == [
        "inadequate_prophylaxis", "prophylaxis_failure", "prophylaxis_failure",
    ]  # fmt: skip
    assert not found[Place.FIRST].judgement.same_as(found[Place.SECOND].judgement)
    assert chain_holds(here.store, here.settings, here.tenant)


def test_readers_who_agree_that_it_was_none_close_it_as_that(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    none = SECOND | {"category": "not_hat", "preventability": ""}
    with here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, none)
    found_none(here)
    with here.desk() as desk:
        second_reading.agree(desk, case, judgement(none))
        assert states.of(desk.connection, here.tenant, case).state is CaseState.NOT_HAT


def test_a_review_opened_again_is_read_again(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    with here.desk(here.person("other")) as desk:
        second_reading.read(desk, case, SECOND)
    with here.desk(at=AT + timedelta(days=1)) as desk:
        states.move(desk, case, CaseState.RCA_OPEN, reason="More notes were found")
        states.move(desk, case, CaseState.SECOND_READING)
    with here.desk(at=AT + timedelta(days=2)) as desk:
        assert hides(desk.connection, here.tenant, case, here.person("third"))


# --- how far they agree


def test_agreement_is_counted_over_blind_readings(here: Desk, admin: psycopg.Connection) -> None:
    reader = here.person("other")
    for name, judged in (("A", SECOND), ("B", SECOND), ("C", dict(FIRST))):
        case = waiting(here, admin, name)
        with here.desk(reader) as desk:
            second_reading.read(desk, case, judged)
    not_blind = waiting(here, admin, "D")
    with here.desk(reader) as desk:
        record(desk, not_blind, LOOKED)
    with here.desk(reader) as desk:
        second_reading.read(desk, not_blind, SECOND)
    with here.desk() as desk:
        table = second_reading.agreement_table(desk.connection, [here.tenant], AT, AT + timedelta(days=1))
        assert table == [[1, 2], [0, 0]]
        later = second_reading.agreement_table(
            desk.connection, [here.tenant], AT + timedelta(days=1), AT + timedelta(days=2)
        )
    assert later == [[0, 0], [0, 0]]
    assert agreement(table).pairs == 3


def test_judging_alike_is_the_same_finding_preventability_and_shortcomings() -> None:
    one = Judgement("pharmacist", "inadequate_prophylaxis", "preventable", "likely", ("missed_doses", "mechanical"))
    assert one.same_as(Judgement("panel", "inadequate_prophylaxis", "preventable", "", ("mechanical", "missed_doses")))
    assert not one.same_as(Judgement("pharmacist", "inadequate_prophylaxis", "preventable", "likely", ("mechanical",)))


def test_sending_the_review_by_file_meanwhile_changes_no_reading(here: Desk, admin: psycopg.Connection) -> None:
    case = waiting(here, admin)
    rows = [valid_rca(local_case_id="A", preventability="not_preventable")]
    send(here.store, here.settings, here.tenant, rows, kind=RecordKind.RCA)
    with here.desk() as desk:
        assert readings(desk.connection, here.tenant, case)[Place.FIRST].judgement == judgement(FIRST)
