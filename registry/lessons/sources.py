"""What a learning point may be made of: the learning point, the notable practice or an action of a review that is complete; and what the
screen has to know of its patient and its trust."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from registry.cases import actions, online, states
from registry.cases.desk import Desk, seal, unseal
from registry.cases.reviewing import Reviewed, reviewed
from registry.cases.states import CaseState
from registry.errors import Conflict, NotFound
from registry.lessons.lists import Kind
from registry.lessons.screen import Known, Patient
from registry.store import audit
from registry.store.lessons import screening_list
from registry.store.tables import organisation, person
from schemas.record import RecordKind

ENDED = (CaseState.COMPLETE, CaseState.CLOSED)
"""Only of reviews that have come to their end: before it somebody may still have to judge blind."""
LONGEST_LIST = 5_000
"""Characters of a trust's own list of words."""
_LIST = "screening_list"


@dataclass(frozen=True, slots=True)
class Source:
    """What a form begins with. `year` is the financial year of the index stay by its first calendar year; `themes` and `factors` are those
    of the review, or of the action."""

    kind: Kind
    case_id: UUID
    action_id: UUID | None
    local_case_id: str
    year: int
    text: str
    themes: tuple[str, ...]
    factors: tuple[str, ...]
    done: bool | None


def source(desk: Desk, case_id: UUID, kind: Kind, action_id: UUID | None = None) -> Source:
    """What the trust's own review says. Raises NotFound, or Conflict where the review has not come to its end."""
    case = reviewed(desk.connection, [desk.tenant_id], case_id)
    if case.withdrawn or states.of(desk.connection, desk.tenant_id, case_id).state not in ENDED:
        raise Conflict("What a review found is offered to others once the review is complete.")
    review = online.current(desk, RecordKind.RCA, case.local_case_id).text
    text, done, themes = "", None, _several(review.get("inadequacies", ""))
    if kind is Kind.ACTION:
        if action_id is None:
            raise NotFound
        found = actions.find(desk, action_id)
        if found.case_id != case_id:
            raise NotFound
        text, done, themes = found.what or "", found.done_on is not None, found.themes or themes
    else:
        text = review.get("learning_point" if kind is Kind.LESSON else "notable_practice", "")
    factors = _several(review.get("contributory_factors", ""))
    kept = action_id if kind is Kind.ACTION else None
    return Source(kind, case_id, kept, case.local_case_id, _year(case), text, themes, factors, done)


def _several(codes: str) -> tuple[str, ...]:
    return tuple(each for each in codes.split("|") if each)


def _year(case: Reviewed) -> int:
    day = case.admitted_on or case.values["diagnosis_date"]
    if not isinstance(day, date):
        raise Conflict("This case has no date of admission, so no year can be said.")
    return day.year if day.month >= 4 else day.year - 1


# --- what the screen has to know


def known(desk: Desk, case_id: UUID) -> Known:
    """The patient's own record, the people and places of the register, the trust's own words. Nothing of it leaves the screen."""
    places = desk.connection.execute(
        select(organisation.c.name, organisation.c.town).where(organisation.c.id > 0)
    ).all()
    return Known.of(
        patient=_patient(desk, case_id),
        people=desk.connection.scalars(select(person.c.display_name)),
        organisations=[row.name for row in places],
        towns={row.town for row in places if row.town},
        own=own_words(desk),
    )


def _patient(desk: Desk, case_id: UUID) -> Patient:
    case = reviewed(desk.connection, [desk.tenant_id], case_id)
    text = online.current(desk, RecordKind.CASE, case.local_case_id).text
    review = online.current(desk, RecordKind.RCA, case.local_case_id).text
    others = (text.get("ward", ""), review.get("incident_reference", ""))
    born = text.get("birth_date", "")
    return Patient(
        nhs_number=text.get("nhs_number", ""),
        local_id=case.local_case_id,
        birth_date=date.fromisoformat(born) if born else None,
        others=tuple(each for each in others if each),
    )


def own_words(desk: Desk) -> tuple[str, ...]:
    """The trust's own words that no text may hold."""
    sealed = desk.connection.scalar(
        select(screening_list.c.words_ct).where(screening_list.c.tenant_id == desk.tenant_id)
    )
    words = unseal(desk, _LIST, desk.tenant_id, "words", sealed) or ""
    return tuple(words.splitlines())


def keep_own_words(desk: Desk, words: str) -> None:
    """Keep the trust's own words, one a line, instead of those before; audited, where they are others."""
    before = list(own_words(desk))
    lines = sorted({" ".join(line.split()) for line in words[:LONGEST_LIST].splitlines() if len(line.strip()) > 1})
    if lines == before:
        return
    values = {
        "words_ct": seal(desk, _LIST, desk.tenant_id, "words", "\n".join(lines)),
        "changed_by": desk.by.label,
        "changed_at": desk.at,
    }
    kept = insert(screening_list).values(tenant_id=desk.tenant_id, **values)
    desk.connection.execute(kept.on_conflict_do_update(index_elements=["tenant_id"], set_=values))
    audit.record(
        desk.connection, tenant=desk.tenant_id, actor=desk.by.label, role=desk.by.role, action="own words kept",
        object_type=_LIST, object_id=str(desk.tenant_id), detail={"words": len(lines)}, change=audit.Change(before, lines),
    )  # fmt: skip
