"""What moderators do: read a text without the name of its trust, approve it or send it back.

Two approve an edition, neither its author, at least one of another trust. The transaction of a look sees the registry's own rows only; that
of a decision also those of the trust that offered it, so that its own page says at once how it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update

from registry import identifiers
from registry.access import Actor, Right
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.lessons import homes
from registry.lessons.keys import unseal
from registry.lessons.lists import LONGEST, Kind
from registry.lessons.transitions import WAITING, Act, Reader, State, Who, after, refusal
from registry.store import SYSTEM_TENANT, audit
from registry.store.lessons import learning_point, moderation, moderation_event
from registry.submissions.keys import TenantKeys

MOST = 100
REASONS: Final = {
    "person": "It names or describes somebody",
    "place": "It names a ward, a hospital or a place",
    "date": "It says when it happened",
    "rare": "The event itself may tell who it was",
    "unclear": "Others cannot see what to learn from it",
    "filed": "It is filed under the wrong theme",
    "other": "Another reason, see the note",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text that waits, in the list. `mine`: this moderator wrote it or approved it already."""

    id: UUID
    kind: Kind
    theme: str
    state: State
    edition: int
    since: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class Read:
    """A text as a moderator reads it: never of which trust, or who wrote it. `confirmed` are sorts and places that the author looked at."""

    id: UUID
    kind: Kind
    theme: str
    stage: str
    factor: str
    year: int
    done: bool | None
    edition: int
    text: str | None
    confirmed: tuple[Mapping[str, Any], ...]
    state: State
    refusal: str
    """Why this moderator may not approve it; empty where they may."""


@dataclass(frozen=True, slots=True)
class Moderator:
    """Who moderates. `home` is the organisation that they belong to."""

    actor: Actor
    home: int


def moderator(connection: Connection, actor: Actor) -> Moderator | None:
    """The person as a moderator; None until it is recorded where they belong."""
    home = homes.home_of(connection, actor.id)
    return None if home is None else Moderator(actor, home)


def waiting(connection: Connection, by: Moderator) -> list[Waiting]:
    """What waits for moderators, the oldest first."""
    c = moderation.c
    rows = connection.execute(
        select(c.id, c.kind, c.theme, c.state, c.edition, c.since, c.author)
        .where(c.tenant_id == SYSTEM_TENANT, c.state.in_([each.value for each in WAITING]))
        .order_by(c.since, c.id)
        .limit(MOST)
    ).all()
    approved = _approved_by(connection, by.actor.label, [row.id for row in rows])
    return [
        Waiting(
            row.id,
            Kind(row.kind),
            row.theme,
            State(row.state),
            row.edition,
            row.since,
            by.actor.label == row.author or (row.id, row.edition) in approved,
        )
        for row in rows
    ]


def _approved_by(connection: Connection, label: str, ids: list[UUID]) -> set[tuple[UUID, int]]:
    c = moderation_event.c
    query = select(c.moderation_id, c.edition).where(
        c.tenant_id == SYSTEM_TENANT, c.moderation_id.in_(ids), c.what == "approved", c.actor == label
    )
    return {(row.moderation_id, row.edition) for row in connection.execute(query)}


def read(connection: Connection, keys: TenantKeys, by: Moderator, ident: UUID) -> Read:
    """One text that waits, or is approved and not published yet. Raises NotFound for any other, and for one's own. The look is audited."""
    row = row_of(connection, ident)
    if row.author == by.actor.label or State(row.state) not in (*WAITING, State.APPROVED):
        raise NotFound
    found = _read(connection, keys, by, row)
    audited(connection, by.actor, "learning text read", ident, {"edition": row.edition})
    return found


def _read(connection: Connection, keys: TenantKeys, by: Moderator, row: Row[Any]) -> Read:
    return Read(
        id=row.id,
        kind=Kind(row.kind),
        theme=row.theme,
        stage=row.stage,
        factor=row.factor,
        year=row.year,
        done=row.done,
        edition=row.edition,
        text=unseal(keys, "moderation", row.id, "text", row.text_ct),
        confirmed=tuple(row.confirmed),
        state=State(row.state),
        refusal=_refusal(connection, by, row) if State(row.state) in WAITING else "It is approved by two.",
    )


def _refusal(connection: Connection, by: Moderator, row: Row[Any]) -> str:
    same = homes.kin(connection, row.from_tenant)
    before = _approvers(connection, row, same)
    return refusal(row.author, Reader(by.actor.label, by.home not in same), before[0] if before else None)


def approvers(connection: Connection, row: Row[Any]) -> list[Reader]:
    """Who approved the edition that stands, in order, each with whether they belonged elsewhere when they did."""
    return _approvers(connection, row, homes.kin(connection, row.from_tenant))


def _approvers(connection: Connection, row: Row[Any], same: frozenset[int]) -> list[Reader]:
    c = moderation_event.c
    rows = connection.execute(
        select(c.actor, c.home_id)
        .where(
            c.tenant_id == SYSTEM_TENANT,
            c.moderation_id == row.id,
            c.edition == row.edition,
            c.what == "approved",
        )
        .order_by(c.id)
    )
    return [Reader(each.actor, each.home_id not in same) for each in rows]


# --- deciding


def from_tenant(connection: Connection, ident: UUID) -> int:
    """The trust that offered it: for opening the transaction of a decision, never for a page. Raises NotFound."""
    found: int = row_of(connection, ident).from_tenant
    return found


def approve(connection: Connection, by: Moderator, ident: UUID, *, seen: int, at: datetime) -> State:
    """Approve an edition. Raises NotFound, Forbidden, and Conflict where it has changed or this person may not."""
    row = _decided(connection, by, ident, seen, Act.APPROVE)
    if said := _refusal(connection, by, row):
        raise Conflict(said)
    reached = after(State(row.state), Act.APPROVE, Who.MODERATOR)
    if reached is None:
        raise NotFound
    move(connection, row, reached, at=at)
    event(connection, row, "approved", by.actor, home=by.home, at=at)
    audited(connection, by.actor, "learning text approved", ident, {"edition": row.edition})
    return reached


def send_back(
    connection: Connection,
    trust: TenantKeys,
    by: Moderator,
    ident: UUID,
    reason: str,
    note: str,
    *,
    seen: int,
    at: datetime,
) -> None:
    """Send an edition back to its trust with a reason, and a note that only the trust reads (`trust` are its keys).

    Raises NotFound, Unprocessable, Forbidden, Conflict.
    """
    _check_reason(reason, note)
    row = _decided(connection, by, ident, seen, Act.RETURN)
    words = note.strip()
    place = identifiers.cell_aad(row.from_tenant, "learning_point", str(row.point_id), "note")
    sealed = identifiers.seal(trust.data, words, place, version=trust.version) if words else None
    move(connection, row, State.RETURNED, at=at, reason=reason, note_ct=sealed)
    event(connection, row, "returned", by.actor, home=by.home, at=at, reason=reason)
    audited(connection, by.actor, "learning text sent back", ident, {"edition": row.edition, "reason": reason})


def _check_reason(reason: str, note: str) -> None:
    wrong = []
    if reason not in REASONS:
        wrong.append(("reason", "Choose why it is sent back"))
    if reason == "other" and not note.strip():
        wrong.append(("note", "Say what is to be changed"))
    if len(note.strip()) > LONGEST:
        wrong.append(("note", f"Enter at most {LONGEST} characters"))
    if wrong:
        raise Unprocessable(errors=wrong)


def _decided(connection: Connection, by: Moderator, ident: UUID, seen: int, act: Act) -> Row[Any]:
    """The text, held until the end of the transaction."""
    if not by.actor.may(Right.MODERATE_LESSONS):
        raise Forbidden
    row = row_of(connection, ident, lock=True)
    if row.author == by.actor.label:
        raise NotFound
    if row.edition != seen or after(State(row.state), act, Who.MODERATOR) is None:
        raise Conflict("This has changed or moved on meanwhile. Look at it again, then decide.")
    return row


# --- both tables at once


def row_of(connection: Connection, ident: UUID, *, lock: bool = False) -> Row[Any]:
    """The moderators' copy. With `lock` nobody else changes it until the end of the transaction: first the trust's own point is held, then
    the copy, as whoever changes the point does, so that nobody waits for the other. Raises NotFound."""
    query = select(moderation).where(moderation.c.tenant_id == SYSTEM_TENANT, moderation.c.id == ident)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound
    if not lock:
        return row
    c = learning_point.c
    held = select(c.id).where(c.tenant_id == row.from_tenant, c.id == row.point_id).with_for_update()
    connection.execute(held).all()
    return connection.execute(query.with_for_update()).one()


def move(connection: Connection, row: Row[Any], to: State, *, at: datetime, **more: Any) -> None:
    """Put the copy and the trust's own point into a state; `more` are columns of the point."""
    copy = update(moderation).where(moderation.c.tenant_id == SYSTEM_TENANT, moderation.c.id == row.id)
    connection.execute(copy.values(state=to.value, since=at))
    point = update(learning_point).where(
        learning_point.c.tenant_id == row.from_tenant, learning_point.c.id == row.point_id
    )
    moved = connection.execute(point.values(state=to.value, changed_at=at, **more))
    if moved.rowcount != 1:
        raise Conflict("The organisation that offered it cannot be reached. Nothing was changed.")


def event(
    connection: Connection,
    row: Row[Any],
    what: str,
    actor: Actor,
    *,
    at: datetime,
    home: int | None = None,
    reason: str | None = None,
) -> None:
    """Leave what happened to a text with it."""
    connection.execute(
        insert(moderation_event).values(
            tenant_id=SYSTEM_TENANT,
            moderation_id=row.id,
            edition=row.edition,
            at=at,
            actor=actor.label,
            home_id=home,
            what=what,
            reason=reason,
        )
    )


def audited(connection: Connection, actor: Actor, action: str, ident: UUID, detail: Mapping[str, audit.Detail]) -> None:
    """In the registry's own log; call it last."""
    audit.record(
        connection,
        tenant=SYSTEM_TENANT,
        actor=actor.label,
        role=actor.role,
        action=action,
        object_type="learning_text",
        object_id=str(ident),
        detail=detail,
    )
