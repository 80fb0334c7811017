"""Two reports that may be one event, at the desk of one of the two trusts: what agrees and what does not, and what it says of that."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from registry.access import Right
from registry.cases.answers import Pairing
from registry.cases.desk import Desk, record
from registry.errors import Conflict, Forbidden, NotFound
from registry.store.audit import Change

MOST = 200
ENDED = "One of the two cases was withdrawn or changed, so there is no pair any more. Nothing was changed."
DECIDED = "The registry office has decided on this pair. Nothing was changed."
MEANWHILE = "Somebody answered while you had this open. What stands now is shown above. Nothing was changed."
NOT_LINKED = "The two are not linked, so there is nothing to unlink. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Pair:
    """One half of a pair. `agreeing` and `differing` are names of fields; the other's values are not here."""

    id: UUID
    tenant_id: int
    case_id: UUID
    local_case_id: str
    other: str
    other_code: str
    diagnosis_date: date | None
    days_apart: int
    agreeing: tuple[str, ...]
    differing: tuple[str, ...]
    state: str
    answer: Pairing | None
    answered_at: datetime | None
    decided_at: datetime | None

    @property
    def seen(self) -> str:
        """What stands now in one word."""
        moment = int(self.answered_at.timestamp() * 1_000_000) if self.answered_at else 0
        return f"{self.state}.{self.answer or 'none'}.{moment}"

    @property
    def choices(self) -> tuple[Pairing, ...]:
        """What may be said of it now."""
        if self.state == "ended" or self.decided_at is not None:
            return ()
        return (Pairing.UNLINK,) if self.state == "linked" else (Pairing.LINK, Pairing.DISMISS)


_COLUMNS = """
    select p.pair_id, p.tenant_id, p.case_id, r.local_case_id, o.name, o.code, v.diagnosis_date, p.days_apart, p.agreeing,
           p.differing, p.state, p.answer, p.answered_at, p.decided_at
      from records.offered_pair p
      join records.case_record r on r.tenant_id = p.tenant_id and r.id = p.case_id
      join records.case_version v on v.tenant_id = r.tenant_id and v.record_id = r.id and v.version = r.version
      join register.organisation o on o.id = p.other_id
"""
_LIST = text(
    f"""
    {_COLUMNS} where p.tenant_id = any(:tenants) and p.state <> 'ended'
     order by p.answer is not null, p.offered_at desc, p.pair_id limit :most
    """
)
_ONE = text(f"{_COLUMNS} where p.tenant_id = :tenant and p.pair_id = :id")
_MINE = text(
    "select tenant_id from records.offered_pair where tenant_id = any(:tenants) and pair_id = :id order by tenant_id"
)
_LOCK = text("select pair_id from records.offered_pair where tenant_id = :tenant and pair_id = :id for update")
_ANSWER = text(
    """
    update records.offered_pair set answer = :answer, answered_by = :by, answered_at = :at
     where tenant_id = :tenant and pair_id = :id
    """
)
WAITING = """
    select count(*) from (select from records.offered_pair
                           where tenant_id = any(:tenants) and answer is null and state = 'offered' limit :most) x
    """
"""How many of `:tenants` wait for an answer, counted up to `:most`."""


def listing(connection: Connection, tenants: Collection[int], most: int = MOST) -> list[Pair]:
    """Those that wait for an answer first, then the others, the newest first."""
    return [_made(row) for row in connection.execute(_LIST, {"tenants": sorted(tenants), "most": most})]


def one(connection: Connection, tenant: int, ident: UUID) -> Pair:
    """A pair as one organisation has it. Raises NotFound."""
    row = connection.execute(_ONE, {"tenant": tenant, "id": ident}).one_or_none()
    if row is None:
        raise NotFound
    return _made(row)


def whose(connection: Connection, tenants: Collection[int], ident: UUID) -> tuple[int, ...]:
    """Those of these organisations that have a half of the pair: both, where one was merged into the other. Raises NotFound for none."""
    found = tuple(connection.scalars(_MINE, {"tenants": sorted(tenants), "id": ident}))
    if not found:
        raise NotFound
    return found


def answer(desk: Desk, ident: UUID, given: Pairing, *, seen: str) -> None:
    """Say of a pair what it is. The same again is no second answer.

    Raises NotFound, Forbidden without the right, Conflict where the pair ended, was decided, or was answered since `seen`.
    """
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden("Only those who complete the cases of this organisation may answer.")
    desk.connection.execute(_LOCK, {"tenant": desk.tenant_id, "id": ident})
    held = one(desk.connection, desk.tenant_id, ident)
    if held.decided_at is not None:
        raise Conflict(DECIDED)
    if held.state == "ended":
        raise Conflict(ENDED)
    if held.answer is given:
        return
    if seen != held.seen:
        raise Conflict(MEANWHILE)
    if given not in held.choices:
        raise Conflict(NOT_LINKED if given is Pairing.UNLINK else MEANWHILE)
    said = {"answer": given.value, "by": desk.by.label, "at": desk.at, "tenant": desk.tenant_id, "id": ident}
    desk.connection.execute(_ANSWER, said)
    change = Change(held.answer and held.answer.value, given.value)
    record(desk, held.case_id, "pair answered", {"answer": given.value}, change)


def _made(row: Row[Any]) -> Pair:
    return Pair(
        id=row.pair_id,
        tenant_id=row.tenant_id,
        case_id=row.case_id,
        local_case_id=row.local_case_id,
        other=row.name,
        other_code=row.code,
        diagnosis_date=row.diagnosis_date,
        days_apart=row.days_apart,
        agreeing=tuple(row.agreeing),
        differing=tuple(row.differing),
        state=row.state,
        answer=Pairing(row.answer) if row.answer else None,
        answered_at=row.answered_at,
        decided_at=row.decided_at,
    )
