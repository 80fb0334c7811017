"""What somebody is typing, saved as it is typed: sealed, of one person, kept until it is stored or thrown away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.cases.desk import Desk, seal, unseal
from registry.errors import Forbidden, PayloadTooLarge
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.desk import draft
from schemas.record import RecordKind

LARGEST = 500_000
"""Bytes of all that stands in one form."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed, by field, and the version with which the form was opened (0: a new record)."""

    text: Mapping[str, str]
    base_version: int
    saved_at: datetime


def keep(desk: Desk, kind: RecordKind, key: str, text: Mapping[str, str], base_version: int) -> datetime:
    """Keep what stands in a form now; what was kept of it before is gone. Gives the time. Raises PayloadTooLarge."""
    answers = orjson.dumps(dict(text)).decode()
    if len(answers) > LARGEST:
        raise PayloadTooLarge("This is more than a draft can hold. Shorten the longest answer.")
    person = _person(desk)
    values: dict[str, Any] = {
        "base_version": base_version,
        "answers_ct": seal(desk, "draft", _place(person, kind, key), "answers", answers),
        "saved_at": desk.at,
    }
    kept = insert_or(draft).values(tenant_id=desk.tenant_id, person_id=person, kind=kind.value, case_key=key, **values)
    desk.connection.execute(
        kept.on_conflict_do_update(index_elements=["tenant_id", "person_id", "kind", "case_key"], set_=values)
    )
    return desk.at


def find(desk: Desk, kind: RecordKind, key: str) -> Draft | None:
    """The draft of the person at the desk; None where there is none."""
    person = _person(desk)
    row = desk.connection.execute(select(draft).where(_is(desk, person, kind, key))).one_or_none()
    answers = None if row is None else unseal(desk, "draft", _place(person, kind, key), "answers", row.answers_ct)
    if row is None or answers is None:
        return None
    return Draft(orjson.loads(answers), row.base_version or 0, row.saved_at)


def drop(desk: Desk, kind: RecordKind, key: str) -> None:
    """Empty the draft: it was stored, or is thrown away. The worker deletes what is left of it."""
    emptied = update(draft).where(_is(desk, _person(desk), kind, key))
    desk.connection.execute(emptied.values(answers_ct=None))


def forget_drafts(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Delete the drafts that were emptied, and those that nobody has gone on with for a long time. Gives how many."""
    over = or_(draft.c.answers_ct.is_(None), draft.c.saved_at < at - timedelta(days=settings.desk.draft_days))
    with store.transaction(role="hat_jobs") as connection:
        return {"forgotten": connection.execute(delete(draft).where(over)).rowcount}


def _is(desk: Desk, person: UUID, kind: RecordKind, key: str) -> ColumnElement[bool]:
    return and_(
        draft.c.tenant_id == desk.tenant_id,
        draft.c.person_id == person,
        draft.c.kind == kind.value,
        draft.c.case_key == key,
    )


def _person(desk: Desk) -> UUID:
    """Raises Forbidden for whoever is no single person."""
    if desk.by.id is None:
        raise Forbidden
    return desk.by.id


def _place(person: UUID, kind: RecordKind, key: str) -> str:
    return "\x1f".join((str(person), kind.value, key))
