"""What a trust offers to all others: screened when it is sent, kept as an edition, copied for the moderators without the trust's name.

The transaction sees the trust's rows and the registry's own; the copy is sealed under the registry's key. A change begins the moderation
again. Nobody but the trust reads the editions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Row, func, insert, literal, select, text, update

from registry.access import Right
from registry.cases.desk import Desk, seal, unseal
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.lessons import keys as own
from registry.lessons.lists import FACTORS, LONGEST, STAGES, THEMES, Kind
from registry.lessons.screen import Hit, Known, screen
from registry.lessons.sources import Source
from registry.lessons.transitions import Act, State, Who, after
from registry.store import SYSTEM_TENANT, audit
from registry.store.lessons import learning_edition, learning_point, moderation, moderation_event
from registry.submissions.keys import TenantKeys

_POINT, _EDITION, _COPY = "learning_point", "learning_edition", "moderation"
OVER = (State.WITHDRAWN, State.TAKEN_DOWN)
MOST = 200


@dataclass(frozen=True, slots=True)
class Filed:
    """What a person fills in. `confirmed`: they looked at what the screen asks about."""

    theme: str
    stage: str
    factor: str
    text: str
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """A learning point as its trust sees it. `text` is None once it was erased; `note` is what a moderator wrote."""

    id: UUID
    case_id: UUID
    action_id: UUID | None
    kind: Kind
    theme: str
    stage: str
    factor: str
    year: int
    done: bool | None
    edition: int
    text: str | None
    state: State
    reason: str | None
    note: str | None
    made_by: str
    made_at: datetime
    changed_at: datetime
    copy_id: UUID


def faults(filed: Filed) -> list[tuple[str, str]]:
    """What is wrong with a form, field by field; nothing of the text is said again."""
    wrong = []
    if filed.theme not in dict(THEMES):
        wrong.append(("theme", "Choose what it is about"))
    if filed.stage not in dict(STAGES):
        wrong.append(("stage", "Choose where on the way it belongs"))
    if filed.factor not in dict(FACTORS):
        wrong.append(("factor", "Choose what contributed most"))
    if not filed.text.strip():
        wrong.append(("text", "Enter what others can learn"))
    elif len(filed.text.strip()) > LONGEST:
        over = len(filed.text.strip()) - LONGEST
        wrong.append(("text", f"Enter at most {LONGEST} characters: this is {over} too long"))
    return wrong


def offer(desk: Desk, keys: TenantKeys, given: Source, filed: Filed, known: Known) -> UUID | Sequence[Hit]:
    """Offer it: its number, or what the screen found, and then nothing is kept.

    Raises Unprocessable, Forbidden, and Conflict where the same of this review was offered already.
    """
    _check(desk, filed)
    hits = screen(filed.text.strip(), known)
    if any(each.blocks for each in hits) or (hits and not filed.confirmed):
        return hits
    _once(desk, given)
    point: UUID = desk.connection.execute(select(func.records.uuid7())).scalar_one()
    codes = _codes(filed)
    fixed = {"kind": given.kind.value, "year": given.year, "done": given.done}
    copy = uuid4()
    desk.connection.execute(
        insert(learning_point).values(
            tenant_id=desk.tenant_id,
            id=point,
            case_id=given.case_id,
            action_id=given.action_id,
            edition=1,
            text_ct=seal(desk, _POINT, point, "text", filed.text.strip()),
            state=State.OFFERED.value,
            made_by=desk.by.label,
            made_at=desk.at,
            changed_at=desk.at,
            copy_id=copy,
            **codes,
            **fixed,
        )
    )
    _keep_edition(desk, point, 1, filed, hits)
    desk.connection.execute(
        insert(moderation).values(
            tenant_id=SYSTEM_TENANT,
            id=copy,
            from_tenant=desk.tenant_id,
            point_id=point,
            **fixed,
            **_copied(desk, keys, copy, 1, filed, hits),
        )
    )
    _event(desk, copy, 1, "offered")
    _record(
        desk, "learning point offered", point, {"kind": given.kind.value, "theme": filed.theme}, (None, _said(filed))
    )
    return point


def _once(desk: Desk, given: Source) -> None:
    """One of each kind a review, and one an action; a form sent twice is offered once."""
    lock = text("select pg_advisory_xact_lock(hashtext('learning'), hashtext(:of))")
    desk.connection.execute(lock, {"of": f"{desk.tenant_id}/{given.case_id}"})
    same = select(literal(1)).where(
        learning_point.c.tenant_id == desk.tenant_id,
        learning_point.c.case_id == given.case_id,
        learning_point.c.kind == given.kind.value,
        learning_point.c.action_id.is_not_distinct_from(given.action_id),
        learning_point.c.state.not_in([each.value for each in OVER]),
    )
    if desk.connection.execute(same.limit(1)).first() is not None:
        raise Conflict("This was offered already. Look at it under “Learning for others”; there it can be changed.")


def revise(
    desk: Desk, keys: TenantKeys, point_id: UUID, filed: Filed, known: Known, *, seen: int
) -> Point | Sequence[Hit]:
    """Change a point that is not published: moderation begins again. `seen` is the edition that was looked at.

    Gives the point as it was, or what the screen found. Raises as `offer`, NotFound, and Conflict where it has moved on.
    """
    _check(desk, filed)
    found = _next(desk, point_id, Act.REVISE)
    if found.edition != seen:
        raise Conflict("Somebody has changed this meanwhile. Look at it again, then decide.")
    hits = screen(filed.text.strip(), known)
    if any(each.blocks for each in hits) or (hits and not filed.confirmed):
        return hits
    edition = found.edition + 1
    _update(
        desk,
        point_id,
        edition=edition,
        text_ct=seal(desk, _POINT, point_id, "text", filed.text.strip()),
        state=State.OFFERED.value,
        reason=None,
        note_ct=None,
        **_codes(filed),
    )
    _keep_edition(desk, point_id, edition, filed, hits)
    _update_copy(desk, found.copy_id, _copied(desk, keys, found.copy_id, edition, filed, hits))
    _event(desk, found.copy_id, edition, "revised")
    _record(desk, "learning point revised", point_id, {"edition": edition}, ([found.edition], [edition, _said(filed)]))
    return found


def withdraw(desk: Desk, point_id: UUID) -> None:
    """Take it back before it is published. Raises NotFound, Conflict, Forbidden."""
    _may_edit(desk)
    found = _next(desk, point_id, Act.WITHDRAW)
    _update(desk, point_id, state=State.WITHDRAWN.value, note_ct=None)
    gone = {"state": State.WITHDRAWN.value, "text_ct": None, "since": desk.at}
    _update_copy(desk, found.copy_id, gone)
    _event(desk, found.copy_id, found.edition, "withdrawn")
    _record(desk, "learning point withdrawn", point_id, {}, ([found.edition], None))


# --- read back


def points(desk: Desk) -> list[Point]:
    """The trust's learning points, the last changed first."""
    query = select(learning_point).where(learning_point.c.tenant_id == desk.tenant_id)
    rows = desk.connection.execute(query.order_by(learning_point.c.changed_at.desc(), learning_point.c.id).limit(MOST))
    return [_point(desk, row) for row in rows]


def find(desk: Desk, point_id: UUID, *, lock: bool = False) -> Point:
    """One of the trust's learning points. Raises NotFound."""
    query = select(learning_point).where(learning_point.c.tenant_id == desk.tenant_id, learning_point.c.id == point_id)
    row = desk.connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound
    return _point(desk, row)


def of_case(desk: Desk, case_id: UUID) -> list[tuple[UUID, str, UUID | None, State]]:
    """What of a review was offered: number, kind, action and state."""
    c = learning_point.c
    query = select(c.id, c.kind, c.action_id, c.state).where(c.tenant_id == desk.tenant_id, c.case_id == case_id)
    return [(row.id, row.kind, row.action_id, State(row.state)) for row in desk.connection.execute(query)]


def _point(desk: Desk, row: Row[Any]) -> Point:
    return Point(
        id=row.id,
        case_id=row.case_id,
        action_id=row.action_id,
        kind=Kind(row.kind),
        theme=row.theme,
        stage=row.stage,
        factor=row.factor,
        year=row.year,
        done=row.done,
        edition=row.edition,
        text=unseal(desk, _POINT, row.id, "text", row.text_ct),
        state=State(row.state),
        reason=row.reason,
        note=unseal(desk, _POINT, row.id, "note", row.note_ct),
        made_by=row.made_by,
        made_at=row.made_at,
        changed_at=row.changed_at,
        copy_id=row.copy_id,
    )


# --- writing


def _check(desk: Desk, filed: Filed) -> None:
    _may_edit(desk)
    if wrong := faults(filed):
        raise Unprocessable(errors=wrong)


def _may_edit(desk: Desk) -> None:
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden


def _next(desk: Desk, point_id: UUID, act: Act) -> Point:
    """The point, held until the end of the transaction. Raises Conflict where the act is not for its state."""
    found = find(desk, point_id, lock=True)
    if after(found.state, act, Who.TRUST) is None:
        raise Conflict(f"This is {found.state.words.lower()}, so it cannot be changed any more.")
    return found


def _codes(filed: Filed) -> dict[str, str]:
    return {"theme": filed.theme, "stage": filed.stage, "factor": filed.factor}


def _copied(
    desk: Desk, keys: TenantKeys, copy: UUID, edition: int, filed: Filed, hits: Sequence[Hit]
) -> dict[str, Any]:
    """What moderators read of an edition; whatever was said of the one before is over."""
    return {
        **_codes(filed),
        "edition": edition,
        "text_ct": own.seal(keys, _COPY, copy, "text", filed.text.strip()),
        "confirmed": _places(hits),
        "state": State.OFFERED.value,
        "author": desk.by.label,
        "since": desk.at,
    }


def _places(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [{"sort": each.sort.value, "start": each.start, "end": each.end} for each in hits]


def _keep_edition(desk: Desk, point_id: UUID, edition: int, filed: Filed, hits: Sequence[Hit]) -> None:
    desk.connection.execute(
        insert(learning_edition).values(
            tenant_id=desk.tenant_id,
            point_id=point_id,
            edition=edition,
            text_ct=seal(desk, _EDITION, f"{point_id}/{edition}", "text", filed.text),
            confirmed=_places(hits),
            made_by=desk.by.label,
            made_at=desk.at,
        )
    )


def _update(desk: Desk, point_id: UUID, **values: Any) -> None:
    chosen = update(learning_point).where(learning_point.c.tenant_id == desk.tenant_id, learning_point.c.id == point_id)
    desk.connection.execute(chosen.values(changed_at=desk.at, **values))


def _update_copy(desk: Desk, copy: UUID, values: dict[str, Any]) -> None:
    chosen = update(moderation).where(moderation.c.tenant_id == SYSTEM_TENANT, moderation.c.id == copy)
    desk.connection.execute(chosen.values(**values))


def _event(desk: Desk, copy: UUID, edition: int, what: str) -> None:
    desk.connection.execute(
        insert(moderation_event).values(
            tenant_id=SYSTEM_TENANT,
            moderation_id=copy,
            edition=edition,
            at=desk.at,
            actor=desk.by.label,
            home_id=desk.tenant_id,
            what=what,
        )
    )


def _said(filed: Filed) -> list[object]:
    return [filed.text.strip(), _codes(filed)]


def _record(
    desk: Desk, action: str, point: UUID, detail: dict[str, audit.Detail], change: tuple[object, object]
) -> None:
    """In the trust's own log; call it last."""
    audit.record(
        desk.connection,
        tenant=desk.tenant_id,
        actor=desk.by.label,
        role=desk.by.role,
        action=action,
        object_type="learning_point",
        object_id=str(point),
        detail=detail,
        change=audit.Change(*change),
    )
