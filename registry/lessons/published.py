"""What is published of learning, as the public role reads it: lessons, practices, actions, summaries; and what was taken down."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from registry.lessons.lists import Kind, theme_words, year_words
from registry.store.lessons import published_lesson, published_summary

MOST = 100


@dataclass(frozen=True, slots=True)
class Lesson:
    """A published text: what it is, its theme, its year; nothing of where it came from. `text` is None once it was taken down."""

    id: UUID
    kind: Kind
    theme: str
    year: int
    done: bool | None
    text: str | None
    published_at: datetime
    taken_down_at: datetime | None
    taken_down_by: str | None
    reason: str | None

    @property
    def theme_words(self) -> str:
        return theme_words(self.theme)

    @property
    def year_words(self) -> str:
        return year_words(self.year)

    @property
    def state_words(self) -> str:
        """Of an action: whether it is done."""
        return "" if self.done is None else "Done" if self.done else "Under way"


@dataclass(frozen=True, slots=True)
class Summary:
    """A published summary of a quarter. `introduction` and `counts` are empty once it was withdrawn."""

    number: int
    quarter: date
    introduction: str
    counts: dict[str, Any]
    chosen: tuple[UUID, ...]
    published_at: datetime
    withdrawn_at: datetime | None
    reason: str | None


_COLUMNS = [published_lesson.c[name] for name in Lesson.__slots__]


def lessons(
    connection: Connection,
    *,
    theme: str = "",
    kind: str = "",
    year: int | None = None,
    words: str = "",
    limit: int = MOST,
    offset: int = 0,
) -> list[Lesson]:
    """What is public now, the latest first. `words` stand in the text in any letters."""
    c = published_lesson.c
    query = select(*_COLUMNS).where(c.text.is_not(None))
    if theme:
        query = query.where(c.theme == theme)
    if kind:
        query = query.where(c.kind == kind)
    if year is not None:
        query = query.where(c.year == year)
    if words:
        query = query.where(c.text.icontains(words, autoescape=True))
    query = query.order_by(c.published_at.desc(), c.id).limit(limit).offset(offset)
    return [_lesson(row) for row in connection.execute(query)]


def with_themes(connection: Connection, themes: Collection[str], *, limit: int = 5) -> list[Lesson]:
    """What is public about any of these themes, the latest first; without themes nothing is asked."""
    if not themes:
        return []
    c = published_lesson.c
    query = select(*_COLUMNS).where(c.text.is_not(None), c.theme.in_(list(themes)))
    return [_lesson(row) for row in connection.execute(query.order_by(c.published_at.desc(), c.id).limit(limit))]


def chosen(connection: Connection, ids: Collection[UUID]) -> list[Lesson]:
    """These, those that were taken down too, by theme and time."""
    c = published_lesson.c
    query = select(*_COLUMNS).where(c.id.in_(list(ids))).order_by(c.theme, c.published_at, c.id)
    return [_lesson(row) for row in connection.execute(query)]


def one(connection: Connection, ident: UUID) -> Lesson | None:
    """One text, also if it was taken down; None for one that never was public."""
    row = connection.execute(select(*_COLUMNS).where(published_lesson.c.id == ident)).one_or_none()
    return None if row is None else _lesson(row)


def lately(connection: Connection, *, limit: int = MOST) -> list[Lesson]:
    """What was published or taken down, the latest change first: for the feed."""
    c = published_lesson.c
    query = select(*_COLUMNS).order_by(func.coalesce(c.taken_down_at, c.published_at).desc(), c.id).limit(limit)
    return [_lesson(row) for row in connection.execute(query)]


def between(connection: Connection, start: datetime, end: datetime) -> list[Lesson]:
    """What was published in a time and is public still, by theme."""
    c = published_lesson.c
    query = select(*_COLUMNS).where(c.text.is_not(None), c.published_at >= start, c.published_at < end)
    return [_lesson(row) for row in connection.execute(query.order_by(c.theme, c.kind, c.published_at, c.id))]


def themes_before(connection: Connection, at: datetime) -> set[str]:
    """The themes of which something was published before a time."""
    c = published_lesson.c
    return set(connection.scalars(select(c.theme).where(c.published_at < at).distinct()))


def choices(connection: Connection) -> tuple[dict[str, int], list[int]]:
    """The themes of which something is public, with how much; and the years, the latest first."""
    c = published_lesson.c
    rows = connection.execute(select(c.theme, c.year).where(c.text.is_not(None))).all()
    numbers: dict[str, int] = {}
    for row in rows:
        numbers[row.theme] = numbers.get(row.theme, 0) + 1
    return numbers, sorted({row.year for row in rows}, reverse=True)


def _lesson(row: Row[Any]) -> Lesson:
    values = dict(row._mapping)
    return Lesson(**{**values, "kind": Kind(values["kind"])})


# --- summaries


def summaries(connection: Connection, *, limit: int = 40) -> list[Summary]:
    """The published summaries, the latest first, withdrawn ones too."""
    query = select(published_summary).order_by(published_summary.c.number.desc()).limit(limit)
    return [_summary(row) for row in connection.execute(query)]


def summary(connection: Connection, number: int) -> Summary | None:
    """One summary by its number."""
    row = connection.execute(select(published_summary).where(published_summary.c.number == number)).one_or_none()
    return None if row is None else _summary(row)


def _summary(row: Row[Any]) -> Summary:
    return Summary(
        number=row.number,
        quarter=row.quarter,
        introduction=row.introduction or "",
        counts=row.counts or {},
        chosen=tuple(row.chosen),
        published_at=row.published_at,
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
    )
