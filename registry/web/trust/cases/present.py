"""How a case is said to people: its values in words, its lists as lines, names in place of ids. What identifies is said to be there, no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from registry.cases.listing import Line
from registry.cases.states import CaseState
from registry.cases.story import Person
from registry.submissions.senders import Sender
from registry.web.trust.present import said_day, said_time
from schemas.codelist import CodeList
from schemas.codes import MainSpecialty, VteType
from schemas.dictionary import Field
from schemas.values import MonthType

HELD = "Held, not shown"
"""In place of what identifies."""

DOORS = {
    "api": "a file sent by a program",
    "page": "a file sent from the page",
    "form": "the form",
    "fhir": "FHIR",
}
ATTRIBUTIONS = {
    "own": "Your own",
    "proposed": "Another's, not answered yet",
    "accepted": "Another's, accepted",
    "disputed": "Disputed",
    "shared": "Shared",
    "decided": "Decided by the registry office",
}


def attribution_words(state: str) -> str:
    return ATTRIBUTIONS.get(state, state.replace("_", " ").capitalize())


def words_of(each: Field, value: Any) -> str:
    """A value as people read it; empty for none."""
    if value is None or value is False:
        return ""
    if each.item.identifying:
        return HELD
    match value:
        case list() | tuple():
            return ", ".join(_code_words(each.codes, one) for one in value)
        case datetime():
            return said_time(value)
        case date():
            return f"{value:%B %Y}" if isinstance(each.holds, MonthType) else said_day(value)
        case str():
            return _code_words(each.codes, value)
    return str(value)


def _code_words(codes: type[CodeList] | None, value: str) -> str:
    if codes is None:
        return value
    return next((each.words for each in codes if each.value == value), value)


def month_words(month: date | None) -> str:
    return "" if month is None else f"{month:%B %Y}"


def tag_of(state: CaseState | None) -> tuple[str, str]:
    """Words and colour of a state's tag."""
    if state is None:
        return "Withdrawn", "grey"
    words = state.words
    return words[0].upper() + words[1:], state.colour


def who(actor: str, people: Mapping[UUID, Person], role: str = "") -> str:
    """Who an actor is to people of the trust: the name of its own, what kind of thing anything else is."""
    kind, _, ident = actor.partition(":")
    match kind:
        case "person":
            found = people.get(UUID(ident)) if ident else None
            return found.name if found else (role.replace("_", " ").replace("+", ", ") or "somebody of the registry")
        case "token" | "client":
            return "a program"
        case "link":
            return "the consultant"
        case "operator":
            return "the registry's operator"
        case "job" | "worker":
            return "the registry"
    return actor.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Row:
    """One case in a list."""

    line: Line
    state: str
    colour: str
    href: str
    due: str
    overdue: bool
    holder: str
    found: str
    month: str
    specialty: str
    attribution: str
    organisation: str


def row(line: Line, people: Mapping[UUID, Person], ours: Mapping[int, Sender], on: date) -> Row:
    state, colour = tag_of(line.state)
    holder = None if line.assigned_to is None else people.get(line.assigned_to)
    return Row(
        line=line,
        state=state,
        colour=colour,
        href=f"/trust/cases/{line.case_id}",
        due=said_day(line.due_on) if line.due_on else "",
        overdue=line.overdue(on),
        holder="Nobody" if line.assigned_to is None else holder.name if holder else "Somebody who left",
        found=_code_words(VteType, line.vte_type or ""),
        month=month_words(line.month),
        specialty=_code_words(MainSpecialty, line.main_specialty or ""),
        attribution=attribution_words(line.attribution),
        organisation=ours[line.tenant_id].name,
    )
