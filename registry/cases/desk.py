"""One person at work on one trust's cases: who, for whom, when, and with which keys; and the events that this leaves with a case.

The transaction is opened at the edge; nothing here commits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, literal, select

from registry import identifiers
from registry.access import Actor
from registry.errors import Conflict
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store import audit
from registry.store.desk import case_event
from registry.submissions.keys import Ring, TenantKeys, open_keys, unwrapped
from schemas.days import LONDON


@dataclass(frozen=True, slots=True)
class Desk:
    """What every act at the desk needs. `at` is when it happens; `by` is asked for the right by each act itself."""

    connection: Connection
    tenant_id: int
    keys: TenantKeys
    settings: Settings
    by: Actor
    at: datetime

    @property
    def on(self) -> date:
        """The day by London's calendar."""
        return self.at.astimezone(LONDON).date()


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a case. `detail` holds codes, counts and ids; `words` is what somebody wrote about it."""

    id: UUID
    at: datetime
    actor: str
    what: str
    detail: Mapping[str, Any]
    words: str | None


def open_desk(
    connection: Connection,
    secrets: Secrets,
    settings: Settings,
    tenant_id: int,
    *,
    by: Actor,
    at: datetime,
    ring: Ring | None = None,
) -> Desk:
    """A desk of a trust with its keys opened; `ring` is what the database has of them, where the caller has read it.

    Raises Conflict where the trust's key was destroyed.
    """
    try:
        keys = unwrapped(secrets, tenant_id, ring) if ring else open_keys(connection, secrets, tenant_id)
    except IdentifierError:
        raise Conflict(
            "What this organisation wrote was sealed for good: its key was destroyed. Nothing can be opened for it."
        ) from None
    return Desk(connection, tenant_id, keys, settings, by, at)


def seal(desk: Desk, table: str, row: object, column: str, words: str) -> bytes:
    """A text sealed at its place: the table, the row's key, the column without `_ct`."""
    place = identifiers.cell_aad(desk.tenant_id, table, str(row), column)
    return identifiers.seal(desk.keys.data, words, place, version=desk.keys.version)


def unseal(desk: Desk, table: str, row: object, column: str, sealed: bytes | None) -> str | None:
    """The text again; None where there is none."""
    if sealed is None:
        return None
    return identifiers.open_sealed(
        desk.keys.opens, sealed, identifiers.cell_aad(desk.tenant_id, table, str(row), column)
    )


def note(
    desk: Desk, case_id: UUID, what: str, detail: Mapping[str, audit.Detail] | None = None, words: str | None = None
) -> UUID:
    """Leave an event with a case and give its id. It is for the people of the trust; what has to be proved is audited besides."""
    event: UUID = desk.connection.execute(select(func.records.uuid7())).scalar_one()
    desk.connection.execute(
        insert(case_event).values(
            tenant_id=desk.tenant_id,
            id=event,
            case_id=case_id,
            at=desk.at,
            actor=desk.by.label,
            what=what,
            detail=dict(detail or {}),
            words_ct=seal(desk, "case_event", event, "words", words) if words else None,
        )
    )
    return event


def events(desk: Desk, case_id: UUID) -> list[Event]:
    """The life of a case, from its beginning."""
    rows = desk.connection.execute(
        select(case_event)
        .where(case_event.c.tenant_id == literal(desk.tenant_id), case_event.c.case_id == case_id)
        .order_by(case_event.c.id)
    )
    return [
        Event(
            row.id, row.at, row.actor, row.what, row.detail, unseal(desk, "case_event", row.id, "words", row.words_ct)
        )
        for row in rows
    ]


def record(
    desk: Desk,
    case_id: UUID,
    action: str,
    detail: Mapping[str, audit.Detail] | None = None,
    change: audit.Change | None = None,
) -> None:
    """Audit an act on a case. Call it last: it locks the trust's chain till the end of the transaction."""
    audit.record(
        desk.connection,
        tenant=desk.tenant_id,
        actor=desk.by.label,
        role=desk.by.role,
        action=action,
        object_type="case",
        object_id=str(case_id),
        detail=detail,
        change=change,
    )
