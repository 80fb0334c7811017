"""Where an outlier can stand, what leads where, and who may lead it there: one table, which decides what a page offers and what is refused."""

from dataclasses import dataclass
from enum import StrEnum

from registry.access import Right


class State(StrEnum):
    DETECTED = "detected"
    DATA_CHECKED = "data_checked"
    NOTIFIED = "provider_notified"
    RESPONSE = "provider_response"
    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not_confirmed"
    PUBLISHED = "published"

    @property
    def words(self) -> str:
        return _WORDS[self]

    @property
    def open(self) -> bool:
        """Something has to follow."""
        return self not in (State.NOT_CONFIRMED, State.PUBLISHED)

    @property
    def told(self) -> bool:
        """The provider has been notified."""
        return self not in (State.DETECTED, State.DATA_CHECKED)


_WORDS = {
    State.DETECTED: "Detected",
    State.DATA_CHECKED: "Data checked by us",
    State.NOTIFIED: "Provider notified",
    State.RESPONSE: "Provider responded",
    State.CONFIRMED: "Confirmed",
    State.NOT_CONFIRMED: "Not confirmed",
    State.PUBLISHED: "Published",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One way on. `evidence` says what has to be written with it; `another`: not by whoever checked the data."""

    to: State
    words: str
    evidence: str
    right: Right
    another: bool = False
    after_due: bool = False
    """Only once the time for it is over."""


CHECK, DECIDE, ANSWER = Right.CHECK_OUTLIERS, Right.DECIDE_OUTLIERS, Right.ANSWER_OUTLIERS

STEPS: dict[State, tuple[Step, ...]] = {
    State.DETECTED: (
        Step(
            State.DATA_CHECKED,
            "Record that our data were checked",
            "What was checked: returns, case finding, counts, case mix; and what was found",
            CHECK,
        ),
    ),
    State.DATA_CHECKED: (
        Step(
            State.NOTIFIED, "Notify the provider", "What the provider is told. Its trust lead reads these words", DECIDE
        ),
        Step(
            State.NOT_CONFIRMED,
            "Close it: the check found a fault in our data",
            "Which fault, and what it changes",
            DECIDE,
            another=True,
        ),
    ),
    State.NOTIFIED: (
        Step(State.RESPONSE, "Respond", "What the provider answers", ANSWER),
        Step(
            State.RESPONSE,
            "Record that the time for a response is over",
            "How the provider was reminded, and what came in another way",
            DECIDE,
            after_due=True,
        ),
    ),
    State.RESPONSE: (
        Step(State.CONFIRMED, "Confirm the outlier", "Why the response does not explain it", DECIDE, another=True),
        Step(State.NOT_CONFIRMED, "Do not confirm it", "What explains it", DECIDE, another=True),
    ),
    State.CONFIRMED: (Step(State.PUBLISHED, "Record that it is published", "Where, when, and who was told", DECIDE),),
    State.NOT_CONFIRMED: (),
    State.PUBLISHED: (),
}
"""What leads where. A provider that is notified answers itself; everything else is the nation's."""


def leads(state: State, to: State, *rights: Right) -> Step | None:
    """The way from a state to another that one of the rights opens, or `None`."""
    return next((step for step in STEPS[state] if step.to is to and step.right in rights), None)
