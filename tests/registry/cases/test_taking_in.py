"""What came by file becomes work: where it begins, what a later file moves and what it leaves alone, who is read twice."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import psycopg
import pytest

from registry.cases import drawing, states, take_in_overlooked, take_in_work
from registry.cases.transitions import CaseState, between
from registry.settings import Settings
from registry.store import Store
from registry.submissions.request import Door
from schemas.record import RecordKind
from tests.make import cases, nhs_number, valid_case, valid_rca
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import actions, chain_holds, contents
from tests.registry.submissions.make import keys, send

S = CaseState
OPEN_REVIEW = {"category": "", "inadequacies": "", "preventability": ""}
AFTERWARDS = datetime(2026, 2, 5, 8, 30, tzinfo=UTC)


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    rules = settings.counting.model_copy(update={"second_reading_share": 0.0})
    return place(settings.model_copy(update={"counting": rules}), store)


def _send(here: Place, *rows: Mapping[str, str], kind: RecordKind = RecordKind.CASE, door: Door = Door.API) -> None:
    receipt = send(here.store, here.settings, here.tenant, rows, kind=kind, door=door)
    assert receipt.state == "accepted", receipt


def _case(name: str, **more: str) -> dict[str, str]:
    return valid_case(local_case_id=name, nhs_number=nhs_number(sum(map(ord, name))), **more)


def _take_in(here: Place, settings: Settings | None = None, at: datetime = AT) -> tuple[int, int]:
    given = settings or here.settings
    effect = take_in_work(here.store, keys(given), given, at)
    return effect["taken_in"], effect["moved"]


def _states(admin: psycopg.Connection) -> dict[str, str]:
    rows = admin.execute(
        "select local_case_id, state from records.case_work w join records.case_record r on r.id = w.case_id order by 1"
    )
    return dict(rows.fetchall())


def _events(admin: psycopg.Connection) -> list[tuple[str, dict[str, str]]]:
    return admin.execute("select what, detail from records.case_event order by id").fetchall()


# --- taken in


def test_new_cases_are_taken_in_where_their_records_leave_them(
    here: Place, store: Store, admin: psycopg.Connection
) -> None:
    _send(
        here,
        _case("confirmed"),
        _case("suspected", confirmation="clinical_only"),
        _case("open"),
        _case("complete"),
        _case("arterial", vte_type="arterial", dvt_site=""),
        _case("withdrawn"),
        _case("none"),
    )
    _send(
        here, valid_rca(local_case_id="open", **OPEN_REVIEW), valid_rca(local_case_id="complete"), kind=RecordKind.RCA
    )
    _send(here, _case("withdrawn", withdraw_reason="duplicate"), _case("none", withdraw_reason="not_hat"))
    assert _take_in(here) == (5, 0)
    assert _states(admin) == {
        "complete": "complete",
        "confirmed": "confirmed",
        "none": "not_hat",
        "open": "rca_open",
        "suspected": "suspected",
    }
    due = admin.execute("select state, due_on, since from records.case_work order by 1").fetchall()
    days = here.settings.desk
    assert due == [
        ("complete", None, AT),
        ("confirmed", AT.date() + timedelta(days=days.days_to_open), AT),
        ("not_hat", None, AT),
        ("rca_open", AT.date() + timedelta(days=days.days_to_review), AT),
        ("suspected", AT.date() + timedelta(days=days.days_to_confirm), AT),
    ]
    assert _events(admin) == []
    assert actions(admin, here.tenant)[-1] == "cases taken into work"
    assert chain_holds(store, here.settings, here.tenant)


def test_it_finds_nothing_the_second_time_and_only_what_is_new_the_third(
    here: Place, admin: psycopg.Connection
) -> None:
    _send(here, *cases(40))
    assert _take_in(here) == (40, 0)
    before = contents(admin)
    assert _take_in(here, at=AFTERWARDS) == (0, 0)
    assert contents(admin) == before
    _send(here, _case("later"))
    assert _take_in(here, at=AFTERWARDS) == (1, 0)


def test_what_was_recorded_long_ago_and_seen_late_is_found_by_night(here: Place, admin: psycopg.Connection) -> None:
    _send(here, _case("A"))
    _take_in(here)
    _send(here, _case("B"))
    admin.execute(
        "update records.case_version set recorded_at = recorded_at - interval '1 hour' where local_case_id = 'B'"
    )
    assert _take_in(here) == (0, 0)
    assert take_in_overlooked(here.store, keys(here.settings), here.settings, AT) == {"taken_in": 1, "moved": 0}
    assert take_in_overlooked(here.store, keys(here.settings), here.settings, AT) == {"taken_in": 0, "moved": 0}


def test_each_trust_s_cases_are_its_own_work(here: Place, admin: psycopg.Connection) -> None:
    theirs = here.house.ids["RH5"]
    _send(here, _case("A"))
    send(here.store, here.settings, theirs, [_case("A"), _case("B")])
    assert _take_in(here) == (3, 0)
    rows = admin.execute("select tenant_id, count(*) from records.case_work group by 1 order by 1").fetchall()
    assert sorted(rows) == sorted([(here.tenant, 1), (theirs, 2)])


# --- moved by a later file

SAYS: Mapping[CaseState, tuple[dict[str, str], dict[str, str] | None]] = {
    S.SUSPECTED: ({"confirmation": "clinical_only"}, None),
    S.CONFIRMED: ({}, None),
    S.RCA_OPEN: ({}, OPEN_REVIEW),
    S.COMPLETE: ({}, {}),
    S.NOT_HAT: ({"withdraw_reason": "not_hat"}, None),
    S.CLOSED: ({"withdraw_reason": "duplicate"}, None),
}
"""Rows that say a state."""


def _say(here: Place, state: CaseState, door: Door = Door.API) -> None:
    case, review = SAYS[state]
    _send(here, _case("A", **case), door=door)
    if review is not None:
        _send(here, valid_rca(local_case_id="A", **review), kind=RecordKind.RCA, door=door)


def _put(admin: psycopg.Connection, state: CaseState) -> None:
    admin.execute("update records.case_work set state = %s", [state.value])


@pytest.mark.parametrize("says", SAYS, ids=lambda each: each.value)
def test_a_later_file_moves_a_case_along_the_table_only(
    here: Place, admin: psycopg.Connection, says: CaseState
) -> None:
    first = S.SUSPECTED if says is not S.SUSPECTED else S.CONFIRMED
    _say(here, first)
    _take_in(here)
    _say(here, says)
    before = admin.execute("select said from records.case_work").fetchone()
    assert before == (first.value,)
    for state in CaseState:
        _put(admin, state)
        admin.execute("update records.case_work set said = %s", [first.value])
        admin.execute("delete from records.case_event")
        _take_in(here, at=AFTERWARDS)
        now = S(_states(admin)["A"])
        step = between(state, now)
        if now is state:
            assert _events(admin) == []
        elif says is S.CLOSED:
            assert now is S.CLOSED
            assert [what for what, _ in _events(admin)] == ["withdrawn"]
        else:
            assert step is not None, (state, now)
            assert step.by_file, (state, now)
            told = ("moved", {"from": state.value, "to": now.value, "by": "file"})
            assert _events(admin) == [told]


@pytest.mark.parametrize(
    ("state", "says", "then"),
    [
        (S.SUSPECTED, S.COMPLETE, S.COMPLETE),
        (S.CONFIRMED, S.RCA_OPEN, S.RCA_OPEN),
        (S.RCA_OPEN, S.COMPLETE, S.COMPLETE),
        (S.WITH_CONSULTANT, S.COMPLETE, S.COMPLETE),
        (S.WITH_CONSULTANT, S.RCA_OPEN, S.WITH_CONSULTANT),
        (S.SECOND_READING, S.COMPLETE, S.SECOND_READING),
        (S.COMPLETE, S.NOT_HAT, S.NOT_HAT),
        (S.CLOSED, S.COMPLETE, S.CLOSED),
        (S.CONFIRMED, S.CLOSED, S.CLOSED),
    ],
    ids=lambda each: each.value,
)
def test_it_goes_forward_and_never_over_what_people_decided(
    here: Place, admin: psycopg.Connection, state: CaseState, says: CaseState, then: CaseState
) -> None:
    _say(here, S.SUSPECTED)
    _take_in(here)
    _put(admin, state)
    _say(here, says)
    moved = _take_in(here, at=AFTERWARDS)
    assert (moved, _states(admin)) == ((0, int(then is not state)), {"A": then.value})


@pytest.mark.parametrize(("gone", "back"), list(product((S.CLOSED, S.NOT_HAT), (S.CONFIRMED, S.RCA_OPEN, S.COMPLETE))))
def test_a_record_that_was_withdrawn_and_comes_back_begins_anew(
    here: Place, admin: psycopg.Connection, gone: CaseState, back: CaseState
) -> None:
    for says in (S.CONFIRMED, gone, back):
        _say(here, says)
        _take_in(here)
    assert _states(admin) == {"A": back.value}
    assert [what for what, _ in _events(admin)][-1] == "begun again"


def test_what_is_edited_on_a_form_moves_nothing_by_itself(here: Place, admin: psycopg.Connection) -> None:
    _say(here, S.CONFIRMED)
    _take_in(here)
    _say(here, S.COMPLETE, Door.FORM)
    assert _take_in(here) == (0, 0)
    assert _states(admin) == {"A": "confirmed"}
    _say(here, S.NOT_HAT, Door.FORM)
    assert _take_in(here) == (0, 1)
    assert _states(admin) == {"A": "not_hat"}


def test_a_move_of_the_worker_has_its_time(here: Place, admin: psycopg.Connection) -> None:
    _say(here, S.SUSPECTED)
    _take_in(here)
    _say(here, S.RCA_OPEN)
    _take_in(here, at=AFTERWARDS)
    row = admin.execute("select since, due_on from records.case_work").fetchone()
    assert row == (AFTERWARDS, date(2026, 2, 5) + timedelta(days=here.settings.desk.days_to_review))
    assert actions(admin, here.tenant)[-1] == "cases moved by what a file says"


# --- second readings


def test_about_a_tenth_is_drawn_the_same_each_time_and_more_keep_what_fewer_had() -> None:
    ids = [UUID(int=number) for number in range(20_000)]
    one, other = bytes(range(32)), bytes(range(1, 33))
    drawn = drawing.are_drawn(one, ids, 0.10)
    assert 1_850 < sum(drawn) < 2_150  # 2,000; the standard deviation is 42
    assert drawing.are_drawn(one, ids, 0.10) == drawn
    assert drawing.are_drawn(other, ids, 0.10) != drawn
    more = drawing.are_drawn(one, ids, 0.20)
    assert all(again for before, again in zip(drawn, more, strict=True) if before)
    assert sum(drawing.are_drawn(one, ids, 0.0)) == 0
    assert sum(drawing.are_drawn(one, ids, 1.0)) == 20_000


def _share(here: Place, share: float) -> Settings:
    rules = here.settings.counting.model_copy(update={"second_reading_share": share})
    return here.settings.model_copy(update={"counting": rules})


def test_a_review_that_came_complete_is_read_twice_where_it_must(here: Place, admin: psycopg.Connection) -> None:
    recent = {"judged_on": "2026-01-10"}
    died = {"died_within_90_days": "yes", "death_date": "2025-10-01", "death_cause": "underlying"}
    _send(here, _case("alive"), _case("died", **died), _case("history", **died))
    reviews = [valid_rca(local_case_id=name, **recent) for name in ("alive", "died")]
    _send(here, *reviews, valid_rca(local_case_id="history", judged_on="2025-10-20"), kind=RecordKind.RCA)
    _take_in(here)
    assert _states(admin) == {"alive": "complete", "died": "second_reading", "history": "complete"}


def test_all_are_read_twice_where_the_share_is_one(here: Place, admin: psycopg.Connection) -> None:
    _send(here, _case("A"), _case("B"))
    _send(here, valid_rca(local_case_id="A", judged_on="2026-01-10"), kind=RecordKind.RCA)
    _take_in(here, _share(here, 1.0))
    assert _states(admin) == {"A": "second_reading", "B": "confirmed"}
    assert admin.execute("select bool_and(drawn) from records.case_work").fetchone() == (True,)
    _send(here, valid_rca(local_case_id="B", judged_on="2026-01-10"), kind=RecordKind.RCA)
    _take_in(here)
    assert _states(admin) == {"A": "second_reading", "B": "second_reading"}


def test_the_desk_and_the_worker_draw_the_same(here: Place, admin: psycopg.Connection) -> None:
    _send(here, *cases(60))
    settings = _share(here, 0.5)
    ids = [row[0] for row in admin.execute("select id from records.case_record").fetchall()]
    with here.desk(settings=settings) as desk:
        by_hand = {each: states.begin(desk, each).drawn for each in ids}
    admin.execute("delete from records.case_work")
    _take_in(here, settings)
    assert dict(admin.execute("select case_id, drawn from records.case_work").fetchall()) == by_hand
    assert 10 < sum(by_hand.values()) < 50
