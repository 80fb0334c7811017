"""Published by a deliberate act, and taken down with a trace.

Two transactions: `national` writes what is public, `connection` (the registry's own rows and those of the trust) says what became of the
text. The public one is committed first. If the other is lost, publishing again changes nothing public, and taking down has taken down.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Text, cast, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert

from registry.access import Actor, Right
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.lessons.keys import unseal
from registry.lessons.lists import Kind
from registry.lessons.moderating import approvers, audited, event, move, row_of
from registry.lessons.transitions import Act, State, Who, after
from registry.lessons.words import WHY_DOWN
from registry.store import SYSTEM_TENANT
from registry.store.lessons import moderation, moderation_event, published_lesson
from registry.store.tables import person
from registry.submissions.keys import TenantKeys


@dataclass(frozen=True, slots=True)
class Approved:
    """A text that two have approved."""

    id: UUID
    kind: Kind
    theme: str
    year: int
    done: bool | None
    edition: int
    text: str | None
    since: datetime


def approved(connection: Connection, keys: TenantKeys) -> list[Approved]:
    """What waits to be published, the oldest first."""
    c = moderation.c
    rows = connection.execute(
        select(moderation)
        .where(c.tenant_id == SYSTEM_TENANT, c.state == State.APPROVED.value)
        .order_by(c.since, c.id)
        .limit(100)
    )
    return [
        Approved(
            row.id,
            Kind(row.kind),
            row.theme,
            row.year,
            row.done,
            row.edition,
            unseal(keys, "moderation", row.id, "text", row.text_ct),
            row.since,
        )
        for row in rows
    ]


def publish(
    connection: Connection, national: Connection, keys: TenantKeys, ident: UUID, *, by: Actor, seen: int, at: datetime
) -> None:
    """Publish an approved edition: its theme, its year and its text, nothing else. Raises NotFound, Forbidden, Conflict.

    Whether two different people approved just this edition, one of them of another trust, is looked up once more.
    """
    _may(by)
    row = row_of(connection, ident, lock=True)
    words = unseal(keys, "moderation", row.id, "text", row.text_ct)
    readers = approvers(connection, row)
    enough = len({each.label for each in readers} - {row.author}) >= 2 and any(each.elsewhere for each in readers)
    moved = after(State(row.state), Act.PUBLISH, Who.LEAD)
    if moved is None or row.edition != seen or not enough or words is None:
        raise Conflict("This has changed or moved on meanwhile. Look at it again, then decide.")
    said = insert(published_lesson).values(
        id=row.id, kind=row.kind, theme=row.theme, year=row.year, done=row.done, text=words, published_at=at
    )
    national.execute(said.on_conflict_do_nothing(index_elements=["id"]))
    move(connection, row, moved, at=at)
    event(connection, row, "published", by, at=at)
    audited(connection, by, "learning text published", ident, {"edition": row.edition})


def take_down(
    connection: Connection, national: Connection, ident: UUID, reason: str, *, by: Actor, at: datetime
) -> None:
    """Take a published text down: it is gone for everybody, a line says when and why. Raises NotFound, Unprocessable, Forbidden."""
    _may(by)
    if reason not in WHY_DOWN:
        raise Unprocessable(errors=[("reason", "Choose why it is taken down")])
    row = row_of(connection, ident, lock=True)
    moved = after(State(row.state), Act.TAKE_DOWN, Who.LEAD)
    if moved is None:
        raise NotFound
    gone = update(published_lesson).where(published_lesson.c.id == ident, published_lesson.c.taken_down_at.is_(None))
    national.execute(
        gone.values(text=None, taken_down_at=at, taken_down_by="the national thrombosis lead's office", reason=reason)
    )
    move(connection, row, moved, at=at, reason=reason)
    copy = update(moderation).where(moderation.c.tenant_id == SYSTEM_TENANT, moderation.c.id == ident)
    connection.execute(copy.values(text_ct=None))
    event(connection, row, "taken_down", by, at=at, reason=reason)
    audited(connection, by, "learning text taken down", ident, {"reason": reason})


_DONE = text(
    """
    with done as (
        update records.learning_point g set done = true from records.action a
         where a.tenant_id = g.tenant_id and a.id = g.action_id and a.done_on is not null and a.dropped_at is null and not g.done
        returning g.copy_id
    ), copied as (
        update records.moderation m set done = true from done where m.id = done.copy_id returning m.id
    ), shown as (
        update published.lesson l set done = true from done where l.id = done.copy_id returning l.id
    )
    select count(*) from done
    """
)


def note_done(connection: Connection) -> int:
    """Say of actions that were offered while under way, and are done since, that they are; gives of how many. For the worker."""
    return int(connection.execute(_DONE).scalar_one())


@dataclass(frozen=True, slots=True)
class TakenDown:
    """What was taken down: when, by whom, and why."""

    id: UUID
    kind: Kind
    theme: str
    at: datetime
    by: str
    why: str


def taken_down(connection: Connection) -> list[TakenDown]:
    """The trace of what was taken down, the latest first."""
    e, m = moderation_event.c, moderation.c
    rows = connection.execute(
        select(m.id, m.kind, m.theme, e.at, e.actor, e.reason, person.c.display_name)
        .join(moderation, (m.tenant_id == e.tenant_id) & (m.id == e.moderation_id))
        .outerjoin(person, e.actor == literal("person:") + cast(person.c.id, Text))
        .where(e.tenant_id == SYSTEM_TENANT, e.what == "taken_down")
        .order_by(e.id.desc())
        .limit(100)
    )
    return [
        TakenDown(
            row.id, Kind(row.kind), row.theme, row.at, row.display_name or row.actor, WHY_DOWN.get(row.reason, "")
        )
        for row in rows
    ]


def _may(by: Actor) -> None:
    if not by.may(Right.RELEASE):
        raise Forbidden
