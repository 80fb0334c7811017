"""The life of a case at the desk: every move of the table and no other, two people at once, who may, and what is left behind."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from registry.access import Actor, Kind, Right, Role
from registry.cases import states
from registry.cases.desk import events
from registry.cases.states import OPEN, TRANSITIONS, CaseState, SecondReading, Work
from registry.cases.transitions import days_to_do
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.settings import Settings
from registry.store import Store
from registry.store.desk import OPEN_STATES
from schemas.record import RecordKind
from tests.make import valid_case, valid_rca
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import actions, chain_holds
from tests.registry.submissions.make import send

S = CaseState


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    return place(settings, store)


def _send(here: Place, *rows: Mapping[str, str], kind: RecordKind = RecordKind.CASE) -> None:
    receipt = send(here.store, here.settings, here.tenant, rows, kind=kind)
    assert receipt.state == "accepted", receipt


def _case(name: str, **more: str) -> Mapping[str, str]:
    return valid_case(local_case_id=name, **more)


def _put(admin: psycopg.Connection, here: Place, name: str, state: CaseState, *, drawn: bool = False) -> None:
    """A case into a state, past all rules."""
    with here.desk() as desk:
        states.begin(desk, here.case(name))
    admin.execute(
        "update records.case_work set state = %s, drawn = %s, since = %s where case_id = %s",
        [state.value, drawn, AT, here.case(name)],
    )


# --- the table


def test_the_worklist_s_index_covers_the_open_states() -> None:
    assert set(OPEN_STATES) == {each.value for each in OPEN}


def test_every_state_can_be_reached_and_left_and_every_move_stands_once() -> None:
    moves = [(each.start, each.to) for each in TRANSITIONS]
    assert len(moves) == len(set(moves))
    assert {start for start, _ in moves} == {to for _, to in moves} == set(CaseState)


def test_what_ends_a_case_or_opens_it_again_has_a_reason() -> None:
    for each in TRANSITIONS:
        if each.to is CaseState.NOT_HAT or each.start in (CaseState.NOT_HAT, CaseState.CLOSED, CaseState.COMPLETE):
            assert each.needs_reason or each.to is CaseState.CLOSED, each


def test_only_open_states_have_a_time(settings: Settings) -> None:
    assert {state for state in CaseState if days_to_do(state, settings) is not None} == set(OPEN)


@pytest.mark.parametrize("category", ["unclassifiable", "not_hat"])
def test_a_move_is_made_where_the_table_has_it_and_nowhere_else(
    here: Place, admin: psycopg.Connection, category: str
) -> None:
    """And only where the records say the same: finding and preventability are there, or that it is none."""
    _send(here, _case("A"))
    _send(here, valid_rca(local_case_id="A", category=category, inadequacies=""), kind=RecordKind.RCA)
    none, made = category == "not_hat", set()
    for start, to in product(CaseState, CaseState):
        _put(admin, here, "A", start)
        case = here.case("A")
        with here.desk(at=AT + timedelta(days=30)) as desk:
            with suppress(Conflict):
                assert states.move(desk, case, to, reason="We looked again").state is to
                made.add((start, to))
            now = states.of(desk.connection, here.tenant, case).state
            assert now is (to if (start, to) in made else start)
    people = [each for each in TRANSITIONS if each.rights and not each.needs_agreement]
    if none:
        wanted = [each for each in people if not each.needs_review and each.start is not S.NOT_HAT]
    else:
        wanted = [each for each in people if each.to is not S.NOT_HAT]
    assert made == {(each.start, each.to) for each in wanted}


def test_the_diagram_in_the_readme_is_the_table() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    assert f"```mermaid\n{states.diagram()}```" in readme, "put the words of states.diagram() there"


# --- where a case begins


@pytest.mark.parametrize(
    ("case", "review", "state"),
    [
        ({}, None, CaseState.CONFIRMED),
        ({"confirmation": "clinical_only"}, None, CaseState.SUSPECTED),
        ({"confirmation": "not_recorded"}, None, CaseState.SUSPECTED),
        ({}, {"category": "", "inadequacies": "", "preventability": ""}, CaseState.RCA_OPEN),
        ({}, {}, CaseState.COMPLETE),
        ({"confirmation": "clinical_only"}, {}, CaseState.COMPLETE),
        ({"withdraw_reason": "not_hat"}, None, CaseState.NOT_HAT),
        ({"withdraw_reason": "duplicate"}, None, CaseState.CLOSED),
    ],
)
def test_a_case_begins_where_its_records_leave_it(
    here: Place, case: dict[str, str], review: dict[str, str] | None, state: CaseState
) -> None:
    _send(here, _case("A", **({} if "withdraw_reason" in case else case)))
    if review is not None:
        _send(here, valid_rca(local_case_id="A", **review), kind=RecordKind.RCA)
    if "withdraw_reason" in case:
        _send(here, _case("A", **case))
    with here.desk() as desk:
        before = states.of(desk.connection, here.tenant, here.case("A"))
        begun = states.begin(desk, here.case("A"))
        again = states.begin(desk, here.case("A"))
    assert (before.state, before.taken_in) == (state, False)
    assert (begun.state, begun.taken_in, begun.since) == (state, True, AT)
    assert again == begun
    days = days_to_do(state, here.settings)
    assert begun.due_on == (None if days is None else AT.date() + timedelta(days=days))


def test_another_trust_s_case_is_not_there(here: Place, store: Store) -> None:
    theirs = here.house.ids["RH5"]
    send(store, here.settings, theirs, [_case("B")])
    with store.readonly(tenants=(theirs,)) as connection:
        case = connection.exec_driver_sql("select id from records.case_record").scalar_one()
    with here.desk() as desk:
        acts: tuple[Callable[[], Work], ...] = (
            lambda: states.of(desk.connection, here.tenant, case),
            lambda: states.begin(desk, case),
            lambda: states.move(desk, case, CaseState.RCA_OPEN),
            lambda: states.assign(desk, case, None),
        )
        for act in acts:
            with pytest.raises(NotFound):
                act()


# --- who, and what is left behind


def test_a_move_leaves_an_event_with_its_reason_sealed_and_a_line_in_the_log(
    here: Place, admin: psycopg.Connection, store: Store
) -> None:
    _send(here, _case("A"))
    case = here.case("A")
    with here.desk() as desk:
        states.move(desk, case, CaseState.SUSPECTED, reason="  A line-related clot  ")
        seen = events(desk, case)
    assert [(each.what, dict(each.detail), each.words, each.actor) for each in seen] == [
        ("moved", {"from": "confirmed", "to": "suspected"}, "A line-related clot", here.nurse.label)
    ]
    assert actions(admin, here.tenant)[-1] == "case moved"
    assert chain_holds(store, here.settings, here.tenant)
    held = admin.execute("select words_ct, detail::text from records.case_event").fetchone()
    assert held is not None
    assert b"line-related" not in held[0]


def test_a_reason_that_is_asked_for_is_given_and_is_not_too_long(here: Place) -> None:
    _send(here, _case("A"))
    for reason in (None, "   ", "x" * 2001):
        with pytest.raises(Unprocessable) as caught, here.desk() as desk:
            states.move(desk, here.case("A"), CaseState.SUSPECTED, reason=reason)
        assert [fault.pointer for fault in caught.value.errors] == ["reason"]


def test_the_second_of_two_is_told_where_the_case_is_now(here: Place) -> None:
    _send(here, _case("A"))
    case = here.case("A")
    with here.desk() as desk:
        states.move(desk, case, CaseState.RCA_OPEN, seen=CaseState.CONFIRMED)
    with (
        pytest.raises(Conflict, match=r"review open by now; it was confirmed HAT when you opened the page"),
        here.desk() as desk,
    ):
        states.move(desk, case, CaseState.SUSPECTED, seen=CaseState.CONFIRMED, reason="No")
    with here.desk() as desk:
        assert states.of(desk.connection, here.tenant, case).state is CaseState.RCA_OPEN
        assert len(events(desk, case)) == 1


def test_who_may_not_edit_moves_nothing(here: Place) -> None:
    _send(here, _case("A"))
    uploader = here.person("uploader", Role.TRUST_UPLOADER)
    elsewhere = here.person("elsewhere", Role.VTE_NURSE, "RH5")
    for somebody in (uploader, elsewhere):
        with here.desk(somebody) as desk:
            acts: tuple[Callable[[], Work], ...] = (
                lambda: states.move(desk, here.case("A"), CaseState.RCA_OPEN),
                lambda: states.judged(desk, here.case("A")),
                lambda: states.assign(desk, here.case("A"), here.nurse.id),
                lambda: states.set_due(desk, here.case("A"), None),
                lambda: states.begin(desk, here.case("A")),
            )
            for act in acts:
                with pytest.raises(Forbidden):
                    act()


def test_a_consultant_gives_a_case_back_and_does_nothing_else(here: Place, admin: psycopg.Connection) -> None:
    _send(here, _case("A"))
    _put(admin, here, "A", CaseState.WITH_CONSULTANT)
    role = frozenset({Role.CONSULTANT_REVIEWER})
    consultant = Actor(Kind.PERSON, None, "", role, {here.tenant: role})
    allowed = {each.to for each in states.following(CaseState.WITH_CONSULTANT) if Right.REVIEW_CASE in each.rights}
    assert allowed == {CaseState.RCA_OPEN}
    with pytest.raises(Forbidden), here.desk(consultant) as desk:
        states.move(desk, here.case("A"), CaseState.NOT_HAT, reason="No")
    with here.desk(consultant) as desk:
        assert states.move(desk, here.case("A"), CaseState.RCA_OPEN).state is CaseState.RCA_OPEN


def test_without_the_consultant_s_answer_a_review_is_complete_after_21_days_and_marked_so(
    here: Place, admin: psycopg.Connection
) -> None:
    _send(here, _case("A"))
    _send(here, valid_rca(local_case_id="A"), kind=RecordKind.RCA)
    _put(admin, here, "A", CaseState.RCA_OPEN)
    with here.desk() as desk:
        work = states.move(desk, here.case("A"), CaseState.WITH_CONSULTANT)
        assert work.due_on == date(2026, 2, 23)
    with (
        pytest.raises(Conflict, match="has until 23 February 2026 to answer"),
        here.desk(at=AT + timedelta(days=20)) as desk,
    ):
        states.judged(desk, here.case("A"))
    with here.desk(at=AT + timedelta(days=21)) as desk:
        work = states.judged(desk, here.case("A"))
    assert (work.state, work.complete_as) == (CaseState.COMPLETE, states.CONSULTANT_SILENT)


# --- assignment and time


def test_a_case_is_given_to_those_who_may_work_on_it(here: Place) -> None:
    _send(here, _case("A"))
    lead = here.person("lead", Role.TRUST_LEAD)
    uploader, elsewhere = here.person("uploader", Role.TRUST_UPLOADER), here.person("elsewhere", Role.VTE_NURSE, "RH5")
    with here.desk() as desk:
        assert states.assign(desk, here.case("A"), lead.id).assigned_to == lead.id
        assert set(states.assignees(desk.connection, here.tenant, desk.on)) == {here.nurse.id, lead.id}
        for somebody in (uploader, elsewhere):
            with pytest.raises(Conflict, match="cannot work on cases here"):
                states.assign(desk, here.case("A"), somebody.id)
        assert states.assign(desk, here.case("A"), None).assigned_to is None
        assert [each.what for each in events(desk, here.case("A"))] == ["assigned", "assigned"]


def test_the_people_of_a_successor_work_on_its_predecessor_s_cases(here: Place, store: Store) -> None:
    before = here.house.ids["RA4"]
    heir = here.person("heir", Role.VTE_NURSE, "RH5")
    with store.readonly(tenants=(before,)) as connection:
        assert set(states.assignees(connection, before, date(2026, 2, 2))) == {heir.id}
        assert states.assignees(connection, before, date(2023, 3, 1)) == {}


def test_a_date_is_set_while_something_is_to_be_done(here: Place, admin: psycopg.Connection) -> None:
    _send(here, _case("A"))
    with here.desk() as desk:
        work = states.set_due(desk, here.case("A"), date(2026, 2, 1))
        assert work.overdue(date(2026, 2, 2))
        assert not work.overdue(date(2026, 2, 1))
    _put(admin, here, "A", CaseState.CLOSED)
    with here.desk() as desk, pytest.raises(Conflict, match="no due date"):
        states.set_due(desk, here.case("A"), date(2026, 2, 1))


def test_rules_of_time_are_settings(here: Place) -> None:
    _send(here, _case("A"))
    rules = here.settings.desk.model_copy(update={"days_to_open": 3})
    settings = here.settings.model_copy(update={"desk": rules})
    with here.desk(settings=settings) as desk:
        assert states.begin(desk, here.case("A")).due_on == date(2026, 2, 5)


# --- second reading


def _with_agreement(admin: psycopg.Connection, here: Place, name: str) -> None:
    admin.execute(
        sql.SQL("insert into records.reading (tenant_id, case_id, place, reader) values (%s, %s, 'agreed', 'x')"),
        [here.tenant, here.case(name)],
    )


@pytest.mark.parametrize(
    ("died", "drawn", "why"),
    [("no", False, None), ("no", True, SecondReading.RANDOM), ("yes", False, SecondReading.DEATH)],
)
def test_a_judged_case_goes_to_the_second_reader_where_it_must(
    here: Place, admin: psycopg.Connection, died: str, drawn: bool, why: SecondReading | None
) -> None:
    more = {"death_date": "2025-10-01", "death_cause": "underlying"} if died == "yes" else {}
    _send(here, _case("A", died_within_90_days=died, **more))
    _send(here, valid_rca(local_case_id="A"), kind=RecordKind.RCA)
    _put(admin, here, "A", CaseState.RCA_OPEN, drawn=drawn)
    with here.desk() as desk:
        states.assign(desk, here.case("A"), here.nurse.id)
        assert states.why_second_reading(desk.connection, here.tenant, here.case("A")) is why
        if why is not None:
            with pytest.raises(Conflict, match="read a second time"):
                states.move(desk, here.case("A"), CaseState.COMPLETE)
        work = states.judged(desk, here.case("A"), complete_as=states.CONSULTANT_SILENT)
        assert work.state is (CaseState.COMPLETE if why is None else CaseState.SECOND_READING)
        assert work.assigned_to == (here.nurse.id if why is None else None)
        assert work.complete_as == states.CONSULTANT_SILENT
    if why is None:
        return
    with pytest.raises(Conflict, match="have not agreed"), here.desk() as desk:
        states.judged(desk, here.case("A"))
    _with_agreement(admin, here, "A")
    with here.desk() as desk:
        work = states.judged(desk, here.case("A"))
        assert (work.state, work.complete_as) == (CaseState.COMPLETE, states.CONSULTANT_SILENT)


def test_a_dispute_is_read_twice(here: Place, admin: psycopg.Connection) -> None:
    _send(here, _case("A"))
    admin.execute("update records.case_record set attribution = 'disputed'")
    with here.desk() as desk:
        assert states.why_second_reading(desk.connection, here.tenant, here.case("A")) is SecondReading.DISPUTE


def test_nothing_is_complete_before_it_was_judged(here: Place) -> None:
    _send(here, _case("A"))
    unfinished = valid_rca(local_case_id="A", category="", inadequacies="", preventability="")
    _send(here, unfinished, kind=RecordKind.RCA)
    with pytest.raises(Conflict, match="Record the finding and the preventability first"), here.desk() as desk:
        states.judged(desk, here.case("A"))
