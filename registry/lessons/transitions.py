"""The life of a learning point: who may do what in which state. One table decides what a page offers and what is refused.

Two different moderators approve, neither of them its author, at least one of another trust than the author's. Whatever a trust changes
begins again with the first. Nothing is published but by somebody's deliberate act, and what was taken down never comes back.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a learning point stands."""

    OFFERED = "offered"
    READ_ONCE = "read_once"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    PUBLISHED = "published"
    TAKEN_DOWN = "taken_down"

    @property
    def words(self) -> str:
        return _WORDS[self][0]

    @property
    def colour(self) -> str:
        """Of its tag."""
        return _WORDS[self][1]


_WORDS: Final = {
    State.OFFERED: ("Waits for two moderators", "blue"),
    State.READ_ONCE: ("Waits for the second moderator", "blue"),
    State.APPROVED: ("Approved, not published yet", "purple"),
    State.RETURNED: ("Sent back", "yellow"),
    State.WITHDRAWN: ("Withdrawn", "grey"),
    State.PUBLISHED: ("Published", "green"),
    State.TAKEN_DOWN: ("Taken down", "red"),
}


class Act(StrEnum):
    """What somebody does with it."""

    REVISE = "revise"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    RETURN = "return"
    PUBLISH = "publish"
    TAKE_DOWN = "take_down"


class Who(StrEnum):
    """As whom somebody acts."""

    TRUST = "trust"
    MODERATOR = "moderator"
    LEAD = "lead"


MAY: Final = {
    Act.REVISE: Who.TRUST,
    Act.WITHDRAW: Who.TRUST,
    Act.APPROVE: Who.MODERATOR,
    Act.RETURN: Who.MODERATOR,
    Act.PUBLISH: Who.LEAD,
    Act.TAKE_DOWN: Who.LEAD,
}

STEPS: Final = {
    (State.OFFERED, Act.APPROVE): State.READ_ONCE,
    (State.READ_ONCE, Act.APPROVE): State.APPROVED,
    (State.APPROVED, Act.PUBLISH): State.PUBLISHED,
    (State.PUBLISHED, Act.TAKE_DOWN): State.TAKEN_DOWN,
    **{(state, Act.RETURN): State.RETURNED for state in (State.OFFERED, State.READ_ONCE, State.APPROVED)},
    **{
        (state, Act.REVISE): State.OFFERED for state in (State.OFFERED, State.READ_ONCE, State.APPROVED, State.RETURNED)
    },
    **{
        (state, Act.WITHDRAW): State.WITHDRAWN
        for state in (State.OFFERED, State.READ_ONCE, State.APPROVED, State.RETURNED)
    },
}

WAITING: Final = (State.OFFERED, State.READ_ONCE)
"""In these states moderators have something to do."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A moderator as the rules see them: who, and whether their own trust is another than the author's."""

    label: str
    elsewhere: bool


def after(state: State, act: Act, who: Who) -> State | None:
    """The state that an act leads to; None where it is not for them, or not in this state."""
    return STEPS.get((state, act)) if MAY[act] is who else None


def refusal(author: str, reader: Reader, before: Reader | None) -> str:
    """Why a moderator may not approve, in words; empty where they may. `before` approved this edition first."""
    if reader.label == author:
        return "You wrote it: others read it."
    if before is None:
        return ""
    if before.label == reader.label:
        return "You have approved it already: somebody else reads it second."
    if not (before.elsewhere or reader.elsewhere):
        return "One of the two who approve must belong to another trust than the one that offers it. You both belong to that one."
    return ""
