"""Actions of reviews: owned by a role, due by a day, done with evidence; found again by theme; and the worker's reminders."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest

from registry.access import Role
from registry.cases import actions
from registry.cases.actions import Owed, Planned
from registry.cases.desk import events
from registry.cases.states import CaseState
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.settings import Settings
from registry.store import Store
from tests.registry.cases.at_desk import AT, Place, place
from tests.registry.cases.make import chain_holds
from tests.registry.cases.reviews import case_in

PLANNED = Planned(
    "Teach ward 7 about missed doses", "ward_manager", date(2026, 3, 1), ("missed_doses", "documentation")
)
TODAY = date(2026, 2, 2)


@pytest.fixture
def here(settings: Settings, store: Store) -> Place:
    return place(settings, store)


@pytest.fixture
def case(here: Place, admin: psycopg.Connection) -> UUID:
    return case_in(here, admin, CaseState.RCA_OPEN)


def test_an_action_is_kept_sealed_and_read_back(here: Place, case: UUID, admin: psycopg.Connection) -> None:
    with here.desk() as desk:
        made = actions.add(desk, case, PLANNED)
        (found,) = actions.of_case(desk, case)
    assert (found.id, found.what, found.owner, found.due_on, found.done_on, found.local_case_id) == (
        made, PLANNED.what, "Ward manager", date(2026, 3, 1), None, "A",
    )  # fmt: skip
    assert found.answers == "Documentation gap; Doses missed avoidably"
    assert PLANNED.what not in str(admin.execute("select a::text from records.action a").fetchall())
    assert chain_holds(here.store, here.settings, here.tenant)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": "  "}, "what"),
        ({"what": "x" * 2001}, "what"),
        ({"owner_role": "Sister Mary"}, "owner_role"),
        ({"due_on": None}, "due_on"),
        ({"themes": ("no_such",)}, "themes"),
    ],
)
def test_what_an_action_may_not_be(here: Place, case: UUID, change: dict[str, object], field: str) -> None:
    planned = replace(PLANNED, **change)  # type: ignore[arg-type] # one field at a time
    with here.desk() as desk:
        with pytest.raises(Unprocessable) as refused:
            actions.add(desk, case, planned)
        assert [each.pointer for each in refused.value.errors] == [field]
        assert actions.of_case(desk, case) == []


def test_an_action_is_done_with_evidence_once(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        made = actions.add(desk, case, PLANNED)
        for done_on, evidence in ((None, "Register"), (TODAY + timedelta(days=1), "Register"), (TODAY, " ")):
            with pytest.raises(Unprocessable):
                actions.finish(desk, made, done_on, evidence)
        actions.finish(desk, made, TODAY, "Register of those taught")
        (found,) = actions.of_case(desk, case)
        assert (found.done_on, found.evidence) == (TODAY, "Register of those taught")
        again: tuple[Callable[[], object], ...] = (
            lambda: actions.finish(desk, made, TODAY, "Again"),
            lambda: actions.change(desk, made, PLANNED),
            lambda: actions.drop(desk, made),
        )
        for act in again:
            with pytest.raises(Conflict, match="done already"):
                act()
        assert [each.what for each in events(desk, case)] == ["action added", "action done"]


def test_a_dropped_action_is_gone(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        made = actions.add(desk, case, PLANNED)
        actions.change(desk, made, replace(PLANNED, what="Teach the night staff"))
        assert actions.find(desk, made).what == "Teach the night staff"
        actions.drop(desk, made)
        assert actions.of_case(desk, case) == []
        with pytest.raises(NotFound):
            actions.find(desk, made)


def test_only_who_may_edit_changes_actions(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        made = actions.add(desk, case, PLANNED)
    for by in (here.person("uploader", Role.TRUST_UPLOADER), here.person("elsewhere", Role.VTE_NURSE, "RH5")):
        with here.desk(by) as desk:
            acts: tuple[Callable[[], object], ...] = (
                lambda: actions.add(desk, case, PLANNED),
                lambda: actions.change(desk, made, PLANNED),
                lambda: actions.finish(desk, made, TODAY, "Done"),
                lambda: actions.drop(desk, made),
            )
            for act in acts:
                with pytest.raises(Forbidden):
                    act()


def test_open_actions_come_by_due_date_and_those_done_the_last_first(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        later = actions.add(desk, case, PLANNED)
        sooner = actions.add(desk, case, replace(PLANNED, due_on=date(2026, 1, 1)))
        done = actions.add(desk, case, PLANNED)
        actions.finish(desk, done, TODAY, "Done")
        assert [each.id for each in actions.of_trust(desk, done=False)] == [sooner, later]
        assert [each.overdue(TODAY) for each in actions.of_trust(desk, done=False)] == [True, False]
        assert [each.id for each in actions.of_trust(desk, done=True)] == [done]
        assert [each.id for each in actions.of_case(desk, case)] == [sooner, later, done]


def test_what_was_done_elsewhere_about_the_same_theme_is_found(
    here: Place, case: UUID, admin: psycopg.Connection
) -> None:
    other = case_in(here, admin, CaseState.RCA_OPEN, "B")
    with here.desk() as desk:
        done = actions.add(desk, other, PLANNED)
        actions.add(desk, other, PLANNED)
        actions.finish(desk, done, TODAY, "Done")
        assert [each.id for each in actions.done_about(desk, ["missed_doses", "mechanical"], besides=case)] == [done]
        assert actions.done_about(desk, ["mechanical"], besides=case) == []
        assert actions.done_about(desk, [], besides=case) == []
        assert actions.done_about(desk, ["missed_doses"], besides=other) == []


def test_of_a_due_action_somebody_is_reminded_once(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        due = actions.add(desk, case, replace(PLANNED, due_on=TODAY))
        actions.add(desk, case, PLANNED)
        done = actions.add(desk, case, replace(PLANNED, due_on=TODAY))
        actions.finish(desk, done, TODAY, "Done")
    with here.store.transaction(role="hat_jobs") as connection:
        owed = actions.due_actions(connection, TODAY)
        assert owed == [Owed(here.tenant, (due,))]
        assert actions.reminded(connection, owed, TODAY, AT) == 1
        assert actions.due_actions(connection, TODAY) == []
        assert actions.due_actions(connection, TODAY + timedelta(days=7)) == []
    with here.desk() as desk:
        assert [(each.what, each.actor) for each in events(desk, case)][-1] == ("reminded", "worker")


def test_a_new_date_makes_it_due_again(here: Place, case: UUID) -> None:
    with here.desk() as desk:
        made = actions.add(desk, case, replace(PLANNED, due_on=TODAY))
    with here.store.transaction(role="hat_jobs") as connection:
        actions.reminded(connection, actions.due_actions(connection, TODAY), TODAY, AT)
    with here.desk() as desk:
        actions.change(desk, made, replace(PLANNED, due_on=TODAY + timedelta(days=7)))
    with here.store.transaction(role="hat_jobs") as connection:
        assert actions.due_actions(connection, TODAY + timedelta(days=6)) == []
        assert len(actions.due_actions(connection, TODAY + timedelta(days=7))) == 1
