"""What may become of a publication, by whose act: one table, asked by the pages, by the commands and by the tests.

    draft ─ ask for the audit ─▶ asked ─ pass ─▶ audited ─ second approval ─▶ approved ─ release ─▶ released ─ supersede ─▶ superseded
                                       └ fail ─▶ refused

Until it is released, whoever may release may discard it. `released`, `superseded` and `discarded` never change back. An approval is a
person's, of exactly the figures that passed the audit; the first leaves the publication audited, the second makes it approved. Nobody
approves what they prepared, nobody approves twice. The database refuses what this table does not have (migration 0011).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from registry.access import Actor, Kind, Right

APPROVALS_NEEDED: Final = 2


class State(StrEnum):
    DRAFT = "draft"
    ASKED = "asked"
    REFUSED = "refused"
    AUDITED = "audited"
    APPROVED = "approved"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"

    @property
    def words(self) -> str:
        """The state as people read it."""
        return _WORDS[self]


_WORDS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.DRAFT: "Draft",
        State.ASKED: "Being audited",
        State.REFUSED: "Failed the audit",
        State.AUDITED: "Audited",
        State.APPROVED: "Approved",
        State.RELEASED: "Public",
        State.SUPERSEDED: "Superseded",
        State.DISCARDED: "Discarded",
    }
)

OPEN: Final = (State.DRAFT, State.ASKED, State.REFUSED, State.AUDITED, State.APPROVED)
"""Not public yet, and not discarded; there is one such publication at most."""
REPLACEABLE: Final = (State.DRAFT, State.REFUSED)
"""A new draft takes the place of one that nobody has audited or approved."""


class Action(StrEnum):
    ASK_AUDIT = "ask_audit"
    PASS = "pass"  # noqa: S105 -- the word, not a secret
    FAIL = "fail"
    EMBARGO = "embargo"
    APPROVE = "approve"
    RELEASE = "release"
    SUPERSEDE = "supersede"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Rule:
    """By whose act something happens: a named person with one of the rights, or (`rights` empty) the registry itself, for which
    nobody may stand in. `to` is what comes of it."""

    to: State
    rights: frozenset[Right] = frozenset()
    not_preparer: bool = False


_PREPARE_OR_RELEASE: Final = frozenset({Right.PREPARE_RELEASE, Right.RELEASE})
_RELEASE: Final = frozenset({Right.RELEASE})

RULES: Final[Mapping[tuple[State, Action], Rule]] = MappingProxyType(
    {
        (State.DRAFT, Action.ASK_AUDIT): Rule(State.ASKED, _PREPARE_OR_RELEASE),
        (State.ASKED, Action.PASS): Rule(State.AUDITED),
        (State.ASKED, Action.FAIL): Rule(State.REFUSED),
        **{(state, Action.EMBARGO): Rule(state, _PREPARE_OR_RELEASE) for state in (State.DRAFT, State.ASKED, State.AUDITED)},
        (State.AUDITED, Action.APPROVE): Rule(State.APPROVED, _RELEASE, not_preparer=True),
        (State.APPROVED, Action.RELEASE): Rule(State.RELEASED),
        (State.RELEASED, Action.SUPERSEDE): Rule(State.SUPERSEDED),
        **{(state, Action.DISCARD): Rule(State.DISCARDED, _PREPARE_OR_RELEASE) for state in OPEN},
    }
)  # fmt: skip
"""All there is. An approval leads to `approved` once it is the second; so far it leaves the publication as it is."""


class Refused(StrEnum):
    """Why not, as people are told."""

    STATE = "These figures are not in a state for this: they were audited, approved, released or discarded meanwhile."
    RIGHT = "Your role does not bring this right."
    PERSON = "A release is prepared and approved by named people, signed in."
    PREPARER = "You prepared these figures. Two other people have to approve them."
    TWICE = "You have approved these figures. A second person has to approve them too."
    APPROVED_ALREADY = (
        "Somebody has approved these figures as they are announced. Discard them, or let them be released."
    )
    REGISTRY = "This is not done by a person: it follows from the audit and the approvals."


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a publication when somebody wants to act on it. `prepared_by` is None for the timetable's."""

    state: State
    prepared_by: UUID | None
    approved_by: frozenset[UUID] = frozenset()


def next_state(standing: Standing, action: Action, by: Actor | None) -> State | Refused:
    """What the act leads to, or why it is refused. `by` is None where the registry acts itself: after an audit, at a release."""
    rule = RULES.get((standing.state, action))
    if rule is None:
        return Refused.STATE
    refused = _refused(standing, action, rule, by)
    if refused is not None:
        return refused
    if action is Action.APPROVE and len(standing.approved_by) + 1 < APPROVALS_NEEDED:
        return standing.state
    return rule.to


def _refused(standing: Standing, action: Action, rule: Rule, by: Actor | None) -> Refused | None:
    if not rule.rights:
        return None if by is None else Refused.REGISTRY
    if by is None:
        # The timetable prepares and asks; it never decides.
        return None if action is Action.ASK_AUDIT else Refused.PERSON
    if by.kind is not Kind.PERSON or by.id is None:
        return Refused.PERSON
    if not any(by.may(right) for right in rule.rights):
        return Refused.RIGHT
    if rule.not_preparer and by.id == standing.prepared_by:
        return Refused.PREPARER
    if action is Action.APPROVE and by.id in standing.approved_by:
        return Refused.TWICE
    if action is Action.EMBARGO and standing.approved_by:
        return Refused.APPROVED_ALREADY
    return None


def offered(standing: Standing, by: Actor) -> frozenset[Action]:
    """What a page offers a person."""
    return frozenset(action for action in Action if isinstance(next_state(standing, action, by), State))
