"""The table of what may become of a publication: every role, state and action; and no way round it."""

from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as some

from registry.access import OPERATOR, RIGHTS, Actor, Kind, Right, Role
from registry.publications.transitions import OPEN, RULES, Action, Refused, Standing, State, next_state, offered

PREPARER = uuid4()
FIRST = uuid4()


def person(role: Role, ident: UUID | None = None) -> Actor:
    return Actor(Kind.PERSON, ident or uuid4(), "Somebody", frozenset({role}))


ANALYST, LEAD = Role.NATIONAL_ANALYST, Role.NATIONAL_LEAD
ACTORS: dict[str, Actor | None] = {
    "the preparer": person(ANALYST, PREPARER),
    "another analyst": person(ANALYST),
    "a lead": person(LEAD),
    "who approved first": person(LEAD, FIRST),
    "a program": Actor(Kind.TOKEN, uuid4(), "A program", frozenset({LEAD, ANALYST})),
    "the command line": OPERATOR,
    "the registry": None,
    **{role.value: person(role) for role in Role if role not in (ANALYST, LEAD)},
}
DESK = {"the preparer", "another analyst", "a lead", "who approved first"}
NOT_PREPARERS = DESK - {"the preparer"}
UNAPPROVED, ONE_APPROVAL = frozenset[UUID](), frozenset({FIRST})

# What may happen, written a second time: by state, approvals and action the actors and what comes of it. Nothing else may.
EXPECTED: dict[tuple[State, frozenset[UUID], Action], tuple[set[str], State]] = {
    (State.DRAFT, UNAPPROVED, Action.ASK_AUDIT): (DESK | {"the registry"}, State.ASKED),
    (State.DRAFT, UNAPPROVED, Action.EMBARGO): (DESK, State.DRAFT),
    (State.DRAFT, UNAPPROVED, Action.DISCARD): (DESK, State.DISCARDED),
    (State.ASKED, UNAPPROVED, Action.PASS): ({"the registry"}, State.AUDITED),
    (State.ASKED, UNAPPROVED, Action.FAIL): ({"the registry"}, State.REFUSED),
    (State.ASKED, UNAPPROVED, Action.EMBARGO): (DESK, State.ASKED),
    (State.ASKED, UNAPPROVED, Action.DISCARD): (DESK, State.DISCARDED),
    (State.REFUSED, UNAPPROVED, Action.DISCARD): (DESK, State.DISCARDED),
    (State.AUDITED, UNAPPROVED, Action.EMBARGO): (DESK, State.AUDITED),
    (State.AUDITED, UNAPPROVED, Action.APPROVE): (NOT_PREPARERS, State.AUDITED),
    (State.AUDITED, UNAPPROVED, Action.DISCARD): (DESK, State.DISCARDED),
    (State.AUDITED, ONE_APPROVAL, Action.APPROVE): (NOT_PREPARERS - {"who approved first"}, State.APPROVED),
    (State.AUDITED, ONE_APPROVAL, Action.DISCARD): (DESK, State.DISCARDED),
    (State.APPROVED, ONE_APPROVAL, Action.RELEASE): ({"the registry"}, State.RELEASED),
    (State.APPROVED, ONE_APPROVAL, Action.DISCARD): (DESK, State.DISCARDED),
    (State.RELEASED, ONE_APPROVAL, Action.SUPERSEDE): ({"the registry"}, State.SUPERSEDED),
}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("action", list(Action))
def test_who_may_do_what_in_which_state(state: State, action: Action) -> None:
    approvals = [UNAPPROVED, ONE_APPROVAL] if state is State.AUDITED else [UNAPPROVED if early(state) else ONE_APPROVAL]
    for approved_by, (name, actor) in product(approvals, ACTORS.items()):
        allowed, to = EXPECTED.get((state, approved_by, action), (set(), state))
        found = next_state(Standing(state, PREPARER, approved_by), action, actor)
        if name in allowed:
            assert found is to, (name, state, action)
        else:
            assert isinstance(found, Refused), (name, state, action)


def early(state: State) -> bool:
    return state in (State.DRAFT, State.ASKED, State.REFUSED)


def test_a_page_offers_what_the_table_allows() -> None:
    approving = Standing(State.AUDITED, PREPARER, ONE_APPROVAL)
    assert offered(approving, person(LEAD)) == {Action.APPROVE, Action.DISCARD}
    assert offered(approving, person(ANALYST, PREPARER)) == {Action.DISCARD}
    assert offered(Standing(State.RELEASED, PREPARER, ONE_APPROVAL), person(LEAD)) == frozenset()


def test_what_the_timetable_prepared_still_needs_two() -> None:
    once = Standing(State.AUDITED, None)
    assert next_state(once, Action.APPROVE, person(LEAD)) is State.AUDITED
    assert next_state(once, Action.APPROVE, None) is Refused.PERSON


def test_final_states_lead_nowhere_but_from_public_to_superseded() -> None:
    assert {(state, action) for state, action in RULES if state not in OPEN} == {(State.RELEASED, Action.SUPERSEDE)}
    assert {rule.to for (state, _), rule in RULES.items() if state is State.RELEASED} == {State.SUPERSEDED}
    assert all(rights <= set(Right) for rights in RIGHTS.values())


acts = some.lists(some.tuples(some.sampled_from(list(Action)), some.sampled_from(sorted(ACTORS))), max_size=40)


@given(acts)
def test_no_path_reaches_the_public_but_through_an_audit_and_two_who_did_not_prepare(
    path: list[tuple[Action, str]],
) -> None:
    state, approved, audited = State.DRAFT, frozenset[UUID](), False
    for action, name in path:
        by = ACTORS[name]
        after = next_state(Standing(state, PREPARER, approved), action, by)
        if isinstance(after, Refused):
            continue
        audited = audited or action is Action.PASS
        if action is Action.APPROVE and by is not None and by.id is not None:
            approved |= {by.id}
        state = after
        if state in (State.APPROVED, State.RELEASED, State.SUPERSEDED):
            assert audited
            assert len(approved) >= 2
            assert PREPARER not in approved
