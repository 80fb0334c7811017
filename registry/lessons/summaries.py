"""The summary of a quarter: drafted by the worker, edited, proposed, published by somebody who had no hand in it; or withdrawn.

It is made of what is public already: protected counts as they are shown, published lessons and actions by their numbers, and an
introduction, which the identifier screen reads too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from registry.access import Actor, Right
from registry.accounts import note
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.lessons import published, themes
from registry.lessons.lists import theme_words
from registry.lessons.screen import Hit, Known, screen
from registry.store.audit import Change
from registry.store.lessons import learning_summary, published_summary
from schemas.days import LONDON

LONGEST: Final = 4_000
"""Characters of an introduction."""


class State(StrEnum):
    DRAFT = "draft"
    PROPOSED = "proposed"
    PUBLISHED = "published"
    DISCARDED = "discarded"
    WITHDRAWN = "withdrawn"

    @property
    def words(self) -> str:
        return {"draft": "Draft", "proposed": "Waits for another person"}.get(self.value, self.value.capitalize())


class Act(StrEnum):
    EDIT = "edit"
    PROPOSE = "propose"
    PUBLISH = "publish"
    DISCARD = "discard"
    WITHDRAW = "withdraw"


STEPS: Final = {
    (State.DRAFT, Act.EDIT): State.DRAFT,
    (State.PROPOSED, Act.EDIT): State.DRAFT,
    (State.DRAFT, Act.PROPOSE): State.PROPOSED,
    (State.PROPOSED, Act.PUBLISH): State.PUBLISHED,
    (State.DRAFT, Act.DISCARD): State.DISCARDED,
    (State.PROPOSED, Act.DISCARD): State.DISCARDED,
    (State.PUBLISHED, Act.WITHDRAW): State.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary at the national desk."""

    number: int
    quarter: date
    state: State
    introduction: str
    counts: Mapping[str, Any]
    chosen: tuple[UUID, ...]
    version: int
    drafted_at: datetime
    edited_by: tuple[str, ...]
    published_by: str | None
    published_at: datetime | None
    reason: str | None


# --- quarters


def quarter_of(day: date) -> date:
    """The first day of the quarter of a day: the quarters of the year and of the financial year are the same."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def quarter_before(at: datetime) -> date:
    """The first day of the last quarter that has ended."""
    begin = quarter_of(at.astimezone(LONDON).date())
    return date(begin.year - (begin.month == 1), (begin.month - 4) % 12 + 1, 1)


def quarter_after(quarter: date) -> date:
    return date(quarter.year + (quarter.month == 10), quarter.month % 12 + 3 - 12 * (quarter.month == 10), 1)


def quarter_words(quarter: date) -> str:
    """`October to December 2025`."""
    last = date(quarter.year, quarter.month + 2, 1)
    return f"{quarter:%B} to {last:%B} {quarter.year}"


def bounds(quarter: date) -> tuple[datetime, datetime]:
    """From its first moment in London to the first of the next."""
    begin, end = (datetime.combine(day, time(), LONDON) for day in (quarter, quarter_after(quarter)))
    return begin.astimezone(UTC), end.astimezone(UTC)


# --- the draft


def draft(connection: Connection, at: datetime) -> int | None:
    """Draft the summary of the last quarter that has ended, under `hat_jobs`; its number, or None where it was drafted before."""
    quarter = quarter_before(at)
    begin, end = bounds(quarter)
    fresh = published.between(connection, begin, end)
    before = published.themes_before(connection, begin)
    counts = {
        "themes": themes.as_json(themes.read(connection)),
        "new": sorted({each.theme for each in fresh} - before, key=theme_words),
        "numbers": {kind: sum(each.kind == kind for each in fresh) for kind in ("lesson", "practice", "action")},
    }
    last = connection.scalar(select(func.coalesce(func.max(learning_summary.c.number), 0)))
    made: int | None = connection.scalar(
        insert(learning_summary)
        .values(
            number=(last or 0) + 1,
            quarter=quarter,
            state=State.DRAFT.value,
            introduction="",
            counts=counts,
            chosen=[each.id for each in fresh],
            version=1,
            drafted_at=at,
            edited_by=[],
        )
        .on_conflict_do_nothing(index_elements=["quarter"])
        .returning(learning_summary.c.number)
    )
    return made


# --- at the desk, under hat_national


def listed(connection: Connection) -> list[Summary]:
    """All of them, the latest quarter first."""
    rows = connection.execute(select(*_COLUMNS).order_by(learning_summary.c.number.desc()).limit(40))
    return [_summary(row._mapping) for row in rows]


def find(connection: Connection, number: int, *, lock: bool = False) -> Summary:
    """One of them. Raises NotFound."""
    query = select(*_COLUMNS).where(learning_summary.c.number == number)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound
    return _summary(row._mapping)


def edit(
    connection: Connection, number: int, introduction: str, chosen: Collection[UUID], *, seen: int, by: Actor
) -> Sequence[Hit]:
    """Change introduction and choice; what the screen found, and then nothing is kept. A proposed one is a draft again.

    Raises NotFound, Unprocessable, Forbidden, and Conflict where somebody else was faster.
    """
    found = _next(connection, number, Act.EDIT, seen, by)
    words = introduction.strip()
    if len(words) > LONGEST:
        raise Unprocessable(errors=[("introduction", f"Enter at most {LONGEST:,} characters")])
    if hits := [each for each in screen(words, Known()) if each.blocks]:
        return hits
    public = {each.id for each in published.chosen(connection, chosen) if each.text is not None}
    values = {"introduction": words, "chosen": sorted(public, key=str), "edited_by": _hands(found, by)}
    _write(connection, found, State.DRAFT, values)
    change = Change([found.introduction, *found.chosen], [words, *values["chosen"]])
    note(connection, by, "learning summary edited", "learning_summary", number, {"version": found.version + 1}, change)
    return []


def propose(connection: Connection, number: int, *, seen: int, by: Actor) -> None:
    """Say that it is ready for another person. Raises as `edit`."""
    found = _next(connection, number, Act.PROPOSE, seen, by)
    _write(connection, found, State.PROPOSED, {"edited_by": _hands(found, by)})
    note(connection, by, "learning summary proposed", "learning_summary", number, {"version": found.version + 1})


def publish(connection: Connection, number: int, *, seen: int, by: Actor, at: datetime) -> None:
    """Publish what others edited and proposed. Raises Conflict for whoever had a hand in it, else as `edit`."""
    found = _next(connection, number, Act.PUBLISH, seen, by)
    if by.label in found.edited_by:
        raise Conflict("You had a hand in this summary: another person publishes it.")
    _write(connection, found, State.PUBLISHED, {"published_by": by.label, "published_at": at})
    connection.execute(
        insert(published_summary).values(
            number=number,
            quarter=found.quarter,
            introduction=found.introduction,
            counts=dict(found.counts),
            chosen=list(found.chosen),
            published_at=at,
        )
    )
    note(connection, by, "learning summary published", "learning_summary", number, {"version": found.version})


def discard(connection: Connection, number: int, *, seen: int, by: Actor) -> None:
    """Throw a draft away: the quarter has no summary. Raises as `edit`."""
    _write(connection, _next(connection, number, Act.DISCARD, seen, by), State.DISCARDED, {})
    note(connection, by, "learning summary discarded", "learning_summary", number, {})


def withdraw(connection: Connection, number: int, reason: str, *, seen: int, by: Actor, at: datetime) -> None:
    """Take a published summary away: its words are gone, a line says when and why. Raises as `edit`."""
    if not reason:
        raise Unprocessable(errors=[("reason", "Choose why it is withdrawn")])
    found = _next(connection, number, Act.WITHDRAW, seen, by)
    _write(connection, found, State.WITHDRAWN, {"withdrawn_by": by.label, "withdrawn_at": at, "reason": reason})
    gone = update(published_summary).where(published_summary.c.number == number)
    connection.execute(gone.values(introduction=None, counts=None, withdrawn_at=at, reason=reason))
    note(connection, by, "learning summary withdrawn", "learning_summary", number, {"reason": reason})


_COLUMNS = [learning_summary.c[name] for name in Summary.__slots__]


def _summary(row: Mapping[Any, Any]) -> Summary:
    values = dict(row)
    return Summary(
        **{
            **values,
            "state": State(values["state"]),
            "chosen": tuple(values["chosen"]),
            "edited_by": tuple(values["edited_by"]),
        }
    )


def _next(connection: Connection, number: int, act: Act, seen: int, by: Actor) -> Summary:
    if not by.may(Right.RELEASE):
        raise Forbidden
    found = find(connection, number, lock=True)
    if found.version != seen or (found.state, act) not in STEPS:
        raise Conflict("This summary has changed or moved on meanwhile. Look at it again, then decide.")
    return found


def _hands(found: Summary, by: Actor) -> list[str]:
    return sorted({*found.edited_by, by.label})


def _write(connection: Connection, found: Summary, state: State, values: dict[str, Any]) -> None:
    chosen = update(learning_summary).where(learning_summary.c.number == found.number)
    connection.execute(chosen.values(state=state.value, version=found.version + 1, **values))
