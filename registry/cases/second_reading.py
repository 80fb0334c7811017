"""Two people read the same review, each by themselves; then they agree (counting rules, 2).

The second is another person than whoever judged first, and judges blind: as long as they have not, nobody but the first reader is shown
the first judgement. What was judged each time stays, so that it can be told how far two readers agree.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, insert, select, text

from registry.access import Actor, Right
from registry.cases import states
from registry.cases.desk import Desk, note, record
from registry.cases.states import CaseState
from registry.errors import Conflict, Fault, Forbidden, Unprocessable
from registry.store.audit import Change
from registry.store.desk import reading
from schemas.codelist import CodeList
from schemas.codes import OF_PROPHYLAXIS, HatCategory, Inadequacy, JudgedBy, OutcomeChange, Preventability


class Place(StrEnum):
    """Whose judgement it is. The latest of each stands."""

    FIRST = "first"
    SECOND = "second"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is judged of a case, in codes; empty where nothing is said."""

    judged_by: str = ""
    category: str = ""
    preventability: str = ""
    would_have_changed_outcome: str = ""
    inadequacies: tuple[str, ...] = ()
    judged_on: date | None = None

    @property
    def text(self) -> dict[str, str]:
        """As the fields of the review, as a file has them."""
        return {
            "judged_by": self.judged_by,
            "category": self.category,
            "preventability": self.preventability,
            "would_have_changed_outcome": self.would_have_changed_outcome,
            "inadequacies": "|".join(self.inadequacies),
            "judged_on": self.judged_on.isoformat() if self.judged_on else "",
        }

    def same_as(self, other: "Judgement") -> bool:
        """Whether two readers judged alike: the same finding, preventability and shortcomings."""
        return (self.category, self.preventability, set(self.inadequacies)) == (
            other.category,
            other.preventability,
            set(other.inadequacies),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One judgement of a case, by whom and when."""

    place: Place
    reader: str
    judgement: Judgement
    at: datetime


_LISTS: Mapping[str, type[CodeList]] = {
    "judged_by": JudgedBy,
    "category": HatCategory,
    "preventability": Preventability,
    "would_have_changed_outcome": OutcomeChange,
}
_WORDS = {
    "judged_by": "Choose the role in which you judge",
    "category": "Choose the finding",
    "preventability": "Choose whether the clot was preventable",
    "would_have_changed_outcome": "Choose one of the answers",
}


def judgement(text: Mapping[str, str]) -> Judgement:
    """A judgement from the text of its fields. A date that is none is left out."""
    day = text.get("judged_on", "")
    return Judgement(
        judged_by=text.get("judged_by", ""),
        category=text.get("category", ""),
        preventability=text.get("preventability", ""),
        would_have_changed_outcome=text.get("would_have_changed_outcome", ""),
        inadequacies=tuple(sorted(each for each in text.get("inadequacies", "").split("|") if each)),
        judged_on=_day(day),
    )


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None


def check(given: Judgement, text: Mapping[str, str], on: date) -> None:
    """Raises Unprocessable with every fault of a judgement by a second reader, which is no record of the dataset itself."""
    if wrong := list(_faults(given, text, on)):
        raise Unprocessable(errors=wrong)


def _faults(given: Judgement, text: Mapping[str, str], on: date) -> Iterator[Fault]:
    for name, codes in _LISTS.items():
        value = text.get(name, "")
        may_be_blank = name == "would_have_changed_outcome" or (
            name == "preventability" and given.category == HatCategory.NOT_HAT.value
        )
        if (value or not may_be_blank) and value not in set(codes):
            yield Fault(name, _WORDS[name])
    if not set(given.inadequacies) <= set(Inadequacy):
        yield Fault("inadequacies", "Choose from the list what fell short")
    elif given.category == HatCategory.INADEQUATE.value and not set(given.inadequacies) & set(OF_PROPHYLAXIS):
        yield Fault("inadequacies", "Choose at least one thing in which the prophylaxis itself fell short")
    if given.judged_on is None or given.judged_on > on:
        yield Fault("judged_on", "Enter the day of the judgement, not later than today")


# --- what was judged


def readings(connection: Connection, tenant_id: int, case_id: UUID) -> dict[Place, Reading]:
    """The judgement that stands of each place."""
    rows = connection.execute(
        select(reading).where(reading.c.tenant_id == tenant_id, reading.c.case_id == case_id).order_by(reading.c.id)
    )
    return {
        Place(row.place): Reading(
            Place(row.place),
            row.reader,
            Judgement(
                row.judged_by or "",
                row.category or "",
                row.preventability or "",
                row.would_have_changed_outcome or "",
                tuple(row.inadequacies or ()),
                row.judged_on,
            ),
            row.at,
        )
        for row in rows
    }


def keep_first(desk: Desk, case_id: UUID, given: Judgement) -> None:
    """Remember who judged first, and how; nothing where this reader has judged the same before."""
    standing = readings(desk.connection, desk.tenant_id, case_id).get(Place.FIRST)
    if standing is None or (standing.reader, standing.judgement) != (desk.by.label, given):
        _keep(desk, case_id, Place.FIRST, given)
        record(desk, case_id, "case judged", change=Change(standing and standing.judgement.text, given.text))


def _keep(desk: Desk, case_id: UUID, place: Place, given: Judgement) -> None:
    desk.connection.execute(
        insert(reading).values(
            tenant_id=desk.tenant_id,
            case_id=case_id,
            place=place.value,
            reader=desk.by.label,
            judged_by=given.judged_by or None,
            category=given.category or None,
            preventability=given.preventability or None,
            would_have_changed_outcome=given.would_have_changed_outcome or None,
            inadequacies=list(given.inadequacies) or None,
            judged_on=given.judged_on,
            at=desk.at,
        )
    )


# --- who reads, and who may look


@dataclass(frozen=True, slots=True)
class Waiting:
    """How far the second reading of a case is. `first` are those who judged first, `looked` those who were shown it since."""

    state: CaseState
    read: bool
    first: frozenset[str]
    looked: frozenset[str]

    def hidden_from(self, by: Actor) -> bool:
        """Whether the first judgement is not to be shown: the second reader has not judged yet, and may be anybody but the first."""
        return self.state is CaseState.SECOND_READING and not self.read and by.label not in self.first

    def blind(self, by: Actor) -> bool:
        """Whether this person was never shown the first judgement on a page of the review."""
        return by.label not in self.looked


_WAITING = text(
    """
    select w.state,
           exists (select from records.reading d where d.tenant_id = w.tenant_id and d.case_id = w.case_id
                      and d.place = 'second' and d.at >= w.since) as read,
           array(select distinct d.reader from records.reading d where d.tenant_id = w.tenant_id and d.case_id = w.case_id
                    and d.place = 'first') as first,
           array(select distinct a.actor from records.audit a where a.tenant_id = w.tenant_id
                    and a.object_id = cast(w.case_id as text) and a.action = :looked) as looked
      from records.case_work w
     where w.tenant_id = :tenant and w.case_id = :case
    """
)
LOOKED = "review read"
"""What the audit log says of whoever was shown a judgement."""


def waiting(connection: Connection, tenant_id: int, case_id: UUID) -> Waiting | None:
    """How far the second reading is; None where nobody has had this case in hand yet."""
    row = connection.execute(_WAITING, {"tenant": tenant_id, "case": case_id, "looked": LOOKED}).one_or_none()
    if row is None:
        return None
    return Waiting(CaseState(row.state), row.read, frozenset(row.first), frozenset(row.looked))


def unread(case: str) -> str:
    """The condition, in SQL, that a case waits for a second reader who has not judged yet. `case`: what its record is called there."""
    return f"""exists (
        select from records.case_work w
         where w.tenant_id = {case}.tenant_id and w.case_id = {case}.id and w.state = '{CaseState.SECOND_READING}' and not exists (
             select from records.reading d
              where d.tenant_id = w.tenant_id and d.case_id = w.case_id and d.place = '{Place.SECOND}' and d.at >= w.since))"""


def hides(connection: Connection, tenant_id: int, case_id: UUID, by: Actor) -> bool:
    """Whether what the review of a case found is not to be shown to this person now."""
    found = waiting(connection, tenant_id, case_id)
    return found is not None and found.hidden_from(by)


def read(desk: Desk, case_id: UUID, text: Mapping[str, str]) -> None:
    """Keep what the second reader judges. Whether that was blind is kept with it.

    Raises Forbidden without the right; Conflict where the case is not at second reading, was read already, or this person judged first;
    Unprocessable.
    """
    found = _at_second_reading(desk, case_id)
    if desk.by.label in found.first:
        raise Conflict("You judged this case first. Another person has to read it a second time.")
    if found.read:
        raise Conflict("Somebody else has read this case a second time meanwhile. Nothing was changed.")
    given = judgement(text)
    check(given, text, desk.on)
    _keep(desk, case_id, Place.SECOND, given)
    note(desk, case_id, "read a second time", {"blind": found.blind(desk.by)})
    record(desk, case_id, "case read a second time", {"blind": found.blind(desk.by)}, Change(None, given.text))


def agree(desk: Desk, case_id: UUID, given: Judgement) -> None:
    """Keep the judgement on which both agreed; the review says the same by now, and the case is complete (or not HAT after all).

    Raises as `read`, and Conflict where the second reader has not judged yet.
    """
    found = _at_second_reading(desk, case_id)
    if not found.read:
        raise Conflict("The second reader has not judged yet.")
    _keep(desk, case_id, Place.AGREED, given)
    record(desk, case_id, "readers agreed", change=Change(None, given.text))
    if given.category == HatCategory.NOT_HAT.value:
        states.move(desk, case_id, CaseState.NOT_HAT, seen=CaseState.SECOND_READING, reason=NOT_HAT_FOUND)
    else:
        states.move(desk, case_id, CaseState.COMPLETE, seen=CaseState.SECOND_READING)


NOT_HAT_FOUND = "The review found that the clot was not hospital-associated."


def _at_second_reading(desk: Desk, case_id: UUID) -> Waiting:
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden
    states.begin(desk, case_id)
    found = waiting(desk.connection, desk.tenant_id, case_id)
    if found is None or found.state is not CaseState.SECOND_READING:
        words = "not at second reading" if found is None else found.state.words
        raise Conflict(f"This case is {words} by now. Nothing was changed.")
    return found


# --- how far readers agree

_PAIRS = text(
    """
    select f.preventability as first, s.preventability as second, count(*) as cases
      from (select distinct on (tenant_id, case_id) * from records.reading
             where tenant_id = any(:tenants) and place = 'second' order by tenant_id, case_id, id desc) s
      join (select distinct on (tenant_id, case_id) * from records.reading
             where tenant_id = any(:tenants) and place = 'first' order by tenant_id, case_id, id desc) f
        on f.tenant_id = s.tenant_id and f.case_id = s.case_id
     where s.at >= :since and s.at < :before and f.preventability is not null and s.preventability is not null
       and exists (select from records.case_event e where e.tenant_id = s.tenant_id and e.case_id = s.case_id
                      and e.what = 'read a second time' and e.at = s.at and e.detail @> '{"blind": true}')
     group by 1, 2
    """
)
PREVENTABLE = (Preventability.PREVENTABLE.value, Preventability.PREVENTABLE_PSII.value)


def agreement_table(
    connection: Connection, tenants: Collection[int], since: datetime, before: datetime
) -> list[list[int]]:
    """How often two readers, the second blind, called a clot preventable: `[[both, first only], [second only, neither]]`.

    For `registry.statistics.agreement`; second readings from `since` to before `before`.
    """
    rows = connection.execute(_PAIRS, {"tenants": list(tenants), "since": since, "before": before})
    return _table((row.first, row.second, row.cases) for row in rows)


def _table(found: Iterable[tuple[str, str, int]]) -> list[list[int]]:
    table: Sequence[list[int]] = ([0, 0], [0, 0])
    for first, second, cases in found:
        table[first not in PREVENTABLE][second not in PREVENTABLE] += cases
    return list(table)
