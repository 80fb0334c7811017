"""The states of a case and the moves between them: one table, from which the pages' buttons, the checks and the diagram are drawn."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from registry.access import Right
from registry.settings import Settings


class CaseState(StrEnum):
    """Where a case stands at the desk of the trust that reported it."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    RCA_OPEN = "rca_open"
    WITH_CONSULTANT = "with_consultant"
    SECOND_READING = "second_reading"
    COMPLETE = "complete"
    CLOSED = "closed"
    NOT_HAT = "not_hat"

    @property
    def words(self) -> str:
        """The state as people read it, in the middle of a sentence too."""
        return _WORDS[self]

    @property
    def colour(self) -> str:
        """The colour of its tag."""
        return _COLOURS[self]


_WORDS = {
    CaseState.SUSPECTED: "suspected",
    CaseState.CONFIRMED: "confirmed HAT",
    CaseState.RCA_OPEN: "review open",
    CaseState.WITH_CONSULTANT: "with the consultant",
    CaseState.SECOND_READING: "at second reading",
    CaseState.COMPLETE: "complete",
    CaseState.CLOSED: "closed",
    CaseState.NOT_HAT: "not HAT",
}
_COLOURS = {
    CaseState.SUSPECTED: "yellow",
    CaseState.CONFIRMED: "orange",
    CaseState.RCA_OPEN: "blue",
    CaseState.WITH_CONSULTANT: "purple",
    CaseState.SECOND_READING: "aqua-green",
    CaseState.COMPLETE: "green",
    CaseState.CLOSED: "grey",
    CaseState.NOT_HAT: "white",
}

OPEN = (
    CaseState.SUSPECTED,
    CaseState.CONFIRMED,
    CaseState.RCA_OPEN,
    CaseState.WITH_CONSULTANT,
    CaseState.SECOND_READING,
)
"""Somebody has something to do; these stand in the worklist."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One move. Any of the rights is enough; without any, nobody makes it but a file. `words` is what the button says.

    `needs_review`: finding and preventability must be recorded. `needs_agreement`: the two readers must have agreed.
    `needs_silence`: the consultant has had all the days there are for an answer.
    `by_file`: what a file says later moves the case the same way, without a person. Besides, a withdrawal of the record ends the work
    from any state, and a record that comes back begins it anew.
    """

    start: CaseState
    to: CaseState
    words: str
    rights: tuple[Right, ...] = (Right.EDIT_CASES,)
    needs_reason: bool = False
    needs_review: bool = False
    needs_agreement: bool = False
    needs_silence: bool = False
    by_file: bool = False


S = CaseState
_NOT_HAT = "Not hospital-associated"
_REVIEWED = "A file brings its review"

TRANSITIONS: tuple[Transition, ...] = (
    Transition(S.SUSPECTED, S.CONFIRMED, "Confirm", by_file=True),
    Transition(S.SUSPECTED, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.SUSPECTED, S.RCA_OPEN, _REVIEWED, rights=(), by_file=True),
    Transition(S.SUSPECTED, S.SECOND_READING, _REVIEWED, rights=(), needs_review=True, by_file=True),
    Transition(S.SUSPECTED, S.COMPLETE, _REVIEWED, rights=(), needs_review=True, by_file=True),
    Transition(S.CONFIRMED, S.SUSPECTED, "Not confirmed after all", needs_reason=True, by_file=True),
    Transition(S.CONFIRMED, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.CONFIRMED, S.RCA_OPEN, "Begin the review", by_file=True),
    Transition(S.CONFIRMED, S.SECOND_READING, "Hand to the second reader", needs_review=True, by_file=True),
    Transition(S.CONFIRMED, S.COMPLETE, "Complete by screening", needs_review=True, by_file=True),
    Transition(S.RCA_OPEN, S.WITH_CONSULTANT, "Ask the consultant"),
    Transition(S.RCA_OPEN, S.SECOND_READING, "Hand to the second reader", needs_review=True, by_file=True),
    Transition(S.RCA_OPEN, S.COMPLETE, "Complete", needs_review=True, by_file=True),
    Transition(S.RCA_OPEN, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.WITH_CONSULTANT, S.RCA_OPEN, "Take back", rights=(Right.EDIT_CASES, Right.REVIEW_CASE)),
    Transition(
        S.WITH_CONSULTANT,
        S.SECOND_READING,
        "Hand to the second reader: the consultant did not reply",
        needs_review=True,
        needs_silence=True,
        by_file=True,
    ),
    Transition(
        S.WITH_CONSULTANT,
        S.COMPLETE,
        "Complete: the consultant did not reply",
        needs_review=True,
        needs_silence=True,
        by_file=True,
    ),
    Transition(S.WITH_CONSULTANT, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.SECOND_READING, S.COMPLETE, "Complete", needs_review=True, needs_agreement=True),
    Transition(S.SECOND_READING, S.RCA_OPEN, "Open the review again", needs_reason=True),
    Transition(S.SECOND_READING, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.COMPLETE, S.CLOSED, "Close"),
    Transition(S.COMPLETE, S.RCA_OPEN, "Open the review again", needs_reason=True),
    Transition(S.COMPLETE, S.SECOND_READING, "Hand to the second reader", needs_review=True, needs_reason=True),
    Transition(S.COMPLETE, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.CLOSED, S.RCA_OPEN, "Open the review again", needs_reason=True),
    Transition(S.CLOSED, S.NOT_HAT, _NOT_HAT, needs_reason=True, by_file=True),
    Transition(S.NOT_HAT, S.CONFIRMED, "Hospital-associated after all", needs_reason=True),
)


def following(state: CaseState) -> tuple[Transition, ...]:
    """The moves out of a state that people make."""
    return tuple(each for each in TRANSITIONS if each.start is state and each.rights)


def between(start: CaseState, to: CaseState) -> Transition | None:
    """The move from one state to another, if there is one."""
    return next((each for each in TRANSITIONS if each.start is start and each.to is to), None)


def days_to_do(state: CaseState, settings: Settings) -> int | None:
    """How many days there are for what is to be done in a state; None where nothing is."""
    return {
        CaseState.SUSPECTED: settings.desk.days_to_confirm,
        CaseState.CONFIRMED: settings.desk.days_to_open,
        CaseState.RCA_OPEN: settings.desk.days_to_review,
        CaseState.WITH_CONSULTANT: settings.counting.consultant_reply_days,
        CaseState.SECOND_READING: settings.desk.days_to_second_reading,
    }.get(state)


def due(state: CaseState, begun: date, settings: Settings) -> date | None:
    """By when what is to be done in a state, begun on a day, is due."""
    days = days_to_do(state, settings)
    return None if days is None else begun + timedelta(days=days)


def diagram() -> str:
    """The table as a Mermaid state diagram; a move for which somebody has to say why is marked so."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{each.words}" as {each}' for each in CaseState]
    lines += [f"    [*] --> {each}" for each in (CaseState.SUSPECTED, CaseState.CONFIRMED)]
    lines += [f"    {each.start} --> {each.to}: {_label(each)}" for each in TRANSITIONS]
    lines += [f"    {each} --> [*]" for each in (CaseState.CLOSED, CaseState.NOT_HAT)]
    return "\n".join(lines) + "\n"


def _label(each: Transition) -> str:
    consultant = " or its answer comes" if Right.REVIEW_CASE in each.rights else ""
    return f"{each.words}{consultant}{' (reason)' if each.needs_reason else ''}"
