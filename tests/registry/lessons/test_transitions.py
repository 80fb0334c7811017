"""The table of a learning point's life, pair by pair, and the rule of two."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.lessons.transitions import MAY, STEPS, Act, Reader, State, Who, after, refusal

# What is meant, written down a second time: state, act, as whom, where it leads.
MEANT = {
    ("offered", "revise", "trust"): "offered",
    ("read_once", "revise", "trust"): "offered",
    ("approved", "revise", "trust"): "offered",
    ("returned", "revise", "trust"): "offered",
    ("offered", "withdraw", "trust"): "withdrawn",
    ("read_once", "withdraw", "trust"): "withdrawn",
    ("approved", "withdraw", "trust"): "withdrawn",
    ("returned", "withdraw", "trust"): "withdrawn",
    ("offered", "approve", "moderator"): "read_once",
    ("read_once", "approve", "moderator"): "approved",
    ("offered", "return", "moderator"): "returned",
    ("read_once", "return", "moderator"): "returned",
    ("approved", "return", "moderator"): "returned",
    ("approved", "publish", "lead"): "published",
    ("published", "take_down", "lead"): "taken_down",
}


@pytest.mark.parametrize(("state", "act", "who"), list(product(State, Act, Who)))
def test_each_pair_leads_where_it_is_meant_to_or_nowhere(state: State, act: Act, who: Who) -> None:
    assert after(state, act, who) == MEANT.get((state.value, act.value, who.value))


def test_what_is_over_stays_over() -> None:
    assert {state for state, _ in STEPS} == set(State) - {State.WITHDRAWN, State.TAKEN_DOWN}
    assert set(MAY) == set(Act)


@given(st.lists(st.sampled_from([(act, MAY[act]) for act in Act]), max_size=12))
def test_no_path_is_published_without_two_approvals_of_the_edition(acts: list[tuple[Act, Who]]) -> None:
    state, approvals = State.OFFERED, 0
    for act, who in acts:
        reached = after(state, act, who)
        if reached is None:
            continue
        approvals = approvals + 1 if act is Act.APPROVE else 0 if act in (Act.REVISE, Act.RETURN) else approvals
        state = reached
        assert state is not State.PUBLISHED or approvals == 2


HERE, AWAY, OTHER = (
    Reader("person:1", elsewhere=False),
    Reader("person:2", elsewhere=True),
    Reader("person:3", elsewhere=False),
)


@pytest.mark.parametrize(
    ("reader", "before", "may"),
    [
        (HERE, None, True),
        (AWAY, None, True),
        (AWAY, HERE, True),
        (HERE, AWAY, True),
        (OTHER, HERE, False),
        (HERE, HERE, False),
        (AWAY, AWAY, False),
        (Reader("author", elsewhere=True), None, False),
        (Reader("author", elsewhere=True), HERE, False),
    ],
)
def test_two_approve_neither_the_author_one_of_another_trust(reader: Reader, before: Reader | None, may: bool) -> None:
    assert (refusal("author", reader, before) == "") is may
