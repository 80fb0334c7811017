"""What the page of a case says, in words: where it stands, to whom it belongs, its contents, its versions, its life at the desk, its readers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from registry.cases.desk import Desk, unseal
from registry.cases.number import case_number
from registry.cases.states import CaseState, Transition, Work
from registry.cases.story import Happened, Head, Person, Story, Version
from registry.web.applies import condition
from registry.web.trust.cases.present import DOORS, HELD, tag_of, who, words_of
from registry.web.trust.present import said_day, said_time
from schemas.codes import WithdrawReason
from schemas.dictionary import Field, fields
from schemas.dictionary import field as field_of
from schemas.finding import Finding, Severity, rule_id
from schemas.record import RecordKind

CASE = RecordKind.CASE
UNSAID = {"attributed_organisation": "Your own"}
"""What it means where a field holds nothing; elsewhere it is not recorded."""
RESTORABLE = (WithdrawReason.ENTERED_IN_ERROR.value, WithdrawReason.DUPLICATE.value)
"""What can be brought back from its page; what was not HAT comes back by a move, what a patient wished away does not."""


@dataclass(frozen=True, slots=True)
class Told:
    """The head of the page."""

    id: UUID
    local: str
    number: str
    version: int
    trust: str
    state: CaseState
    words: str
    colour: str
    since: str
    due: str
    due_on: date | None
    overdue: bool
    holder: str
    assigned_to: UUID | None
    withdrawn: bool
    why_gone: str
    consultant_silent: bool


def case(head: Head, work: Work, people: Mapping[UUID, Person], on: date) -> Told:
    gone = head.withdrawn and head.withdraw_reason != WithdrawReason.NOT_HAT
    words, colour = tag_of(None if gone else work.state)
    holder = None if work.assigned_to is None else people.get(work.assigned_to)
    reason = next((each.words for each in WithdrawReason if each.value == head.withdraw_reason), "")
    return Told(
        id=head.case_id,
        local=head.local_case_id,
        number=case_number(head.case_id),
        version=head.version,
        trust=f"{head.trust.name} ({head.trust.code})",
        state=work.state,
        words=words,
        colour=colour,
        since=said_time(work.since),
        due=said_day(work.due_on) if work.due_on else "",
        due_on=work.due_on,
        overdue=work.overdue(on) and not head.withdrawn,
        holder="Nobody" if work.assigned_to is None else holder.name if holder else "Somebody who left",
        assigned_to=work.assigned_to,
        withdrawn=head.withdrawn,
        why_gone=reason if gone else "",
        consultant_silent=work.complete_as is not None,
    )


def attribution(head: Head) -> str:
    """To whom the case belongs, in a sentence or two."""
    it, other = head.attribution, f"{head.attribution.organisation.name} ({head.attribution.organisation.code})"
    if it.state == "own":
        return "It is your own: you reported it, and it belongs to you."
    told = f" They were told on {said_day(it.told_at)}." if it.told_at else " They have not been told."
    words = {
        "proposed": f"You reported it as belonging to {other}, who have not answered yet.{told}",
        "accepted": f"It belongs to {other}, who accepted it.",
        "disputed": f"You reported it as belonging to {other}, who dispute that. Until this is decided it is in no trust’s figure.",
        "shared": f"It is shared with {other}.",
        "decided": "The registry office decided to whom it belongs.",
    }.get(it.state, f"It was reported as belonging to {other}: {it.state.replace('_', ' ')}.")
    counts = f" It counts for {it.counts_for}." if it.counts_for else ""
    return f"{words}{counts} So it is since {said_day(it.since)}."


# --- contents


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with its answer in words. `name` is that of the field."""

    name: str
    question: str
    words: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    core: tuple[Answer, ...]
    rest: tuple[Answer, ...]


def sections(values: Mapping[str, Any], shown: Mapping[str, str] | None) -> list[Section]:
    """What is recorded: of the core everything, of the rest what was answered. `shown` is what identifies, if it is to be seen."""
    found: dict[str, list[tuple[Field, Answer]]] = {}
    for each in fields(CASE):
        words = _identifying(each, values, shown) if each.item.identifying else words_of(each, values.get(each.name))
        if words or (each.core and _applies(each, values)):
            answer = Answer(each.name, each.item.question, words or UNSAID.get(each.name, "Not recorded"))
            found.setdefault(each.item.section, []).append((each, answer))
    return [
        Section(
            title,
            tuple(answer for each, answer in listed if each.core),
            tuple(answer for each, answer in listed if not each.core),
        )
        for title, listed in found.items()
    ]


def _applies(each: Field, values: Mapping[str, Any]) -> bool:
    when = condition(each.kind, each.name)
    return when is None or when.holds(values.get(when.field) or None)


def _identifying(each: Field, values: Mapping[str, Any], shown: Mapping[str, str] | None) -> str:
    if not values.get(each.name):
        return ""
    if shown is None:
        return HELD
    value = shown.get(each.name, "")
    return said_day(date.fromisoformat(value)) if each.name == "birth_date" and value else value


@dataclass(frozen=True, slots=True)
class Standing:
    """One finding that stands."""

    rule: str
    error: bool
    words: str
    field: str


def findings(found: Iterable[Finding]) -> list[Standing]:
    return [
        Standing(
            rule_id(each.rule),
            each.severity is Severity.ERROR,
            f"{field_of(CASE, each.field).item.question + ': ' if each.field else ''}{each.words} {each.mend}",
            each.field or "",
        )
        for each in found
    ]


# --- versions


@dataclass(frozen=True, slots=True)
class Change:
    question: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Written:
    """One version: when, by whom, through which door, and what it changed."""

    title: str
    at: str
    by: str
    door: str
    changes: tuple[Change, ...]


def versions(story: Story, people: Mapping[UUID, Person]) -> list[Written]:
    """The newest first, each beside the one before it."""
    earlier = {(each.kind, each.version): each for each in story.versions}
    return [_written(each, earlier.get((each.kind, each.version - 1)), people) for each in story.versions]


def _written(version: Version, before: Version | None, people: Mapping[UUID, Person]) -> Written:
    what = "Case" if version.kind is CASE else "Review"
    return Written(
        title=f"{what}, version {version.version}",
        at=said_time(version.at),
        by=who(version.sent_by or "", people) if version.sent_by else "not known any more",
        door=DOORS.get(version.door, version.door),
        changes=tuple(_change(field_of(version.kind, name), version, before) for name in version.changed),
    )


def _change(each: Field, version: Version, before: Version | None) -> Change:
    old = before.values.get(each.name) if before else None
    new = version.values.get(each.name)
    if each.item.identifying:
        return Change(each.item.question, *_masked(bool(old), bool(new)))
    return Change(each.item.question, words_of(each, old) or "Nothing", words_of(each, new) or "Nothing")


def _masked(old: bool, new: bool) -> tuple[str, str]:
    if old and new:
        return "Not shown", "Another value, not shown"
    return ("Not shown", "Nothing") if old else ("Nothing", "Entered, not shown")


# --- the desk


@dataclass(frozen=True, slots=True)
class Said:
    """One event in words."""

    at: str
    by: str
    words: str
    reason: str


def events(story: Story, people: Mapping[UUID, Person], desk: Desk | None) -> list[Said]:
    """The life of the case at the desk, from its beginning."""
    return [
        Said(said_time(each.at), who(each.actor, people), _event_words(each, people), _reason(each, desk))
        for each in story.events
    ]


def _reason(each: Happened, desk: Desk | None) -> str:
    return "" if desk is None else unseal(desk, "case_event", each.id, "words", each.words) or ""


def _event_words(each: Happened, people: Mapping[UUID, Person]) -> str:
    detail = each.detail
    match each.what:
        case "moved":
            return f"Moved from “{_state(detail.get('from'))}” to “{_state(detail.get('to'))}”"
        case "assigned":
            to = detail.get("to")
            return f"Given to {who(f'person:{to}', people)}" if to else "Given to nobody"
        case "due":
            day = detail.get("on")
            return f"Due on {said_day(date.fromisoformat(day))}" if day else "Without a due date"
        case "saved":
            return (
                f"{'Review' if detail.get('kind') == 'rca' else 'Case'} saved by form, version {detail.get('version')}"
            )
        case "withdrawn":
            return "Withdrawn"
        case "begun again":
            return f"Brought back, and begun again as “{_state(detail.get('to'))}”"
    return each.what.replace("_", " ").capitalize()


def _state(value: Any) -> str:
    return CaseState(value).words if value in set(CaseState) else "another state"


@dataclass(frozen=True, slots=True)
class Look:
    last: str
    by: str
    action: str
    times: int


def looked(story: Story, people: Mapping[UUID, Person]) -> list[Look]:
    return [
        Look(said_time(each.last), who(each.actor, people, each.role), each.action.capitalize(), each.times)
        for each in story.looked
    ]


# --- moves


@dataclass(frozen=True, slots=True)
class Move:
    to: str
    words: str
    hint: str


BY_OTHER_WAYS = (
    "Sends nothing: it says that you asked by letter or in person. A link by e-mail is sent from the review."
)


def moves(found: Iterable[Transition]) -> list[Move]:
    """The moves as choices, each with what it needs."""
    return [Move(each.to.value, each.words, _needs(each)) for each in found]


def _needs(each: Transition) -> str:
    needed = []
    if each.needs_reason:
        needed.append("a reason")
    if each.needs_review:
        needed.append("finding and preventability in the review")
    if each.needs_agreement:
        needed.append("the agreement of both readers")
    if each.needs_silence:
        needed.append("the consultant's days for an answer to be over")
    if each.to is CaseState.WITH_CONSULTANT:
        return BY_OTHER_WAYS
    return f"Needs {', '.join(needed)}." if needed else ""
