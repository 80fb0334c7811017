"""The registry office: disputes between trusts and pairs across them, with organisations, dates, ages and coded reasons.

Everything runs under the database role that sees no row of a trust: no NHS number, no birth date, no free text is within its reach. Every look is
audited in the registry's own chain; a decision is carried to the trusts by the worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from registry.access import Actor, Right
from registry.cases.answers import Pairing, Reason
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.store import SYSTEM_TENANT, audit
from registry.store.audit import Change

MOST = 200
OVER = "The case was withdrawn, or the two agreed. Nothing is to be decided any more, and nothing was changed."
MEANWHILE = "This changed, or somebody else decided it, while you had it open. Nothing was changed. Look at it again."


@dataclass(frozen=True, slots=True)
class Dates:
    """What is shown of a report: an age in years, dates, the type."""

    age: int | None
    vte_type: str | None
    admission_date: date | None
    discharge_date: date | None
    diagnosis_date: date | None

    @property
    def after_admission(self) -> int | None:
        """Days from admission to diagnosis."""
        return _between(self.admission_date, self.diagnosis_date)

    @property
    def after_discharge(self) -> int | None:
        """Days from discharge to diagnosis; none where it lies before."""
        days = _between(self.discharge_date, self.diagnosis_date)
        return days if days is not None and days >= 0 else None


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation by name."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A case that the organisation to which it was attributed says is not its own."""

    id: UUID
    reporter: Body
    attributed: Body
    dates: Dates
    reason: Reason
    opened_at: datetime
    ended_at: datetime | None
    decided_for: int | None
    decided_at: datetime | None

    @property
    def open(self) -> bool:
        return self.ended_at is None and self.decided_at is None

    @property
    def seen(self) -> str:
        """What stands now in one word; other dates or another reason are another word."""
        moment = int((self.decided_at or self.ended_at or self.opened_at).timestamp() * 1_000_000)
        shown = (self.dates.admission_date, self.dates.discharge_date, self.dates.diagnosis_date)
        return ".".join([self.reason.value, str(moment), *(each.isoformat() if each else "" for each in shown)])


@dataclass(frozen=True, slots=True)
class Half:
    """One report of a pair, with what its trust said."""

    organisation: Body
    attributed: str
    dates: Dates
    answer: Pairing | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reports that may be one event."""

    id: UUID
    halves: tuple[Half, Half]
    days_apart: int
    state: str
    decided: bool
    changed_at: datetime | None

    @property
    def disagreed(self) -> bool:
        """Whether both answered, and not the same."""
        one, other = (each.answer for each in self.halves)
        return None not in (one, other) and one is not other

    @property
    def seen(self) -> str:
        answers = [each.answer.value if each.answer else "none" for each in self.halves]
        return ".".join([self.state, *answers, str(self.days_apart)])


_DISPUTES = """
    select d.*, r.code as reporter_code, r.name as reporter_name, a.code as attributed_code, a.name as attributed_name
      from linkage.dispute d
      join register.organisation r on r.id = d.reporter_id
      join register.organisation a on a.id = d.attributed_id
"""
_OPEN_DISPUTES = text(
    f"{_DISPUTES} where d.ended_at is null and d.decided_at is null order by d.opened_at, d.id limit :most"
)
_DISPUTE = text(f"{_DISPUTES} where d.id = :id")
_LOCK_DISPUTE = text("select id from linkage.dispute where id = :id for update")
_DECIDE_DISPUTE = text(
    "update linkage.dispute set decided_for = :decided_for, decided_by = :by, decided_at = :at where id = :id"
)

_DATES = ("age", "vte_type", "admission_date", "discharge_date", "diagnosis_date")
_PAIRS = f"""
    select p.id, p.days_apart, p.state, p.changed_by is not null and p.changed_by <> 'worker' as decided, p.changed_at,
           {", ".join(f"{side}.{each} as {side}_{each}" for side in ("a", "b") for each in (*_DATES, "answer"))},
           {", ".join(f"o{side}.{each} as {side}_{each}" for side in ("a", "b") for each in ("id", "code", "name"))},
           ta.name as a_attributed, tb.name as b_attributed
      from linkage.pair p
      join linkage.pair_side a on a.pair_id = p.id and a.organisation_id = p.first_tenant_id
      join linkage.pair_side b on b.pair_id = p.id and b.organisation_id = p.second_tenant_id
      join register.organisation oa on oa.id = a.organisation_id
      join register.organisation ob on ob.id = b.organisation_id
      join register.organisation ta on ta.id = a.attributed_id
      join register.organisation tb on tb.id = b.attributed_id
"""
_OPEN_PAIRS = text(
    f"""
    {_PAIRS} where p.state = 'found'
     order by (a.answer is not null and b.answer is not null and a.answer <> b.answer) desc, p.found_at, p.id limit :most
    """
)
_PAIR = text(f"{_PAIRS} where p.id = :id")
_LOCK_PAIR = text("select id from linkage.pair where id = :id for update")
_DECIDE_PAIR = text("update linkage.pair set state = :state, changed_by = :by, changed_at = :at where id = :id")


def open_disputes(connection: Connection, by: Actor, most: int = MOST) -> list[Dispute]:
    """Those that are to be decided, the oldest first."""
    _may(by)
    return [_dispute(row) for row in connection.execute(_OPEN_DISPUTES, {"most": most})]


def open_pairs(connection: Connection, by: Actor, most: int = MOST) -> list[Pair]:
    """Those on which the trusts disagree first, then those that nobody decided, the oldest first."""
    _may(by)
    return [_pair(row) for row in connection.execute(_OPEN_PAIRS, {"most": most})]


def dispute(connection: Connection, by: Actor, ident: UUID) -> Dispute:
    """One dispute, over or not. Raises NotFound."""
    _may(by)
    row = connection.execute(_DISPUTE, {"id": ident}).one_or_none()
    if row is None:
        raise NotFound
    return _dispute(row)


def pair(connection: Connection, by: Actor, ident: UUID) -> Pair:
    """One pair. Raises NotFound."""
    _may(by)
    row = connection.execute(_PAIR, {"id": ident}).one_or_none()
    if row is None:
        raise NotFound
    return _pair(row)


def decide_dispute(
    connection: Connection, ident: UUID, decided_for: int | None, *, seen: str, by: Actor, at: datetime
) -> None:
    """Say for which of the two the case counts. The same again is no second decision.

    Raises NotFound, Unprocessable, Conflict where it is over or changed since `seen`.
    """
    connection.execute(_LOCK_DISPUTE, {"id": ident})
    held = dispute(connection, by, ident)
    if decided_for not in (held.reporter.id, held.attributed.id):
        raise Unprocessable(errors=[("decided_for", "Choose for which of the two it counts")])
    if held.decided_at is not None and held.decided_for == decided_for:
        return
    if held.ended_at is not None:
        raise Conflict(OVER)
    if held.decided_at is not None or seen != held.seen:
        raise Conflict(MEANWHILE)
    connection.execute(_DECIDE_DISPUTE, {"decided_for": decided_for, "by": by.label, "at": at, "id": ident})
    note(
        connection, by, "dispute decided", "dispute", ident, {"for": decided_for}, Change(held.decided_for, decided_for)
    )


def decide_pair(connection: Connection, ident: UUID, given: Pairing, *, seen: str, by: Actor, at: datetime) -> None:
    """Say whether the two are one event; it stands against what the trusts say.

    Raises NotFound, Unprocessable, Conflict where it changed since `seen`.
    """
    connection.execute(_LOCK_PAIR, {"id": ident})
    held = pair(connection, by, ident)
    states = {Pairing.LINK: "linked", Pairing.DISMISS: "dismissed"}
    if given not in states:
        raise Unprocessable(errors=[("answer", "Choose whether the two are one event")])
    if held.decided and held.state == states[given]:
        return
    if seen != held.seen:
        raise Conflict(MEANWHILE)
    connection.execute(_DECIDE_PAIR, {"state": states[given], "by": by.label, "at": at, "id": ident})
    note(connection, by, "pair decided", "pair", ident, {"state": states[given]}, Change(held.state, states[given]))


def note(
    connection: Connection,
    by: Actor,
    action: str,
    of: str,
    ident: object,
    detail: Mapping[str, audit.Detail] | None = None,
    change: Change | None = None,
) -> None:
    """A look or a decision in the registry's own chain. Call it last."""
    audit.record(
        connection,
        tenant=SYSTEM_TENANT,
        actor=by.label,
        role=by.role,
        action=action,
        object_type=of,
        object_id=str(ident),
        detail=detail,
        change=change,
    )


def _may(by: Actor) -> None:
    if not by.may(Right.RESOLVE_PAIRS):
        raise Forbidden("Only the registry office may see this.")


def _between(first: date | None, then: date | None) -> int | None:
    return None if first is None or then is None else (then - first).days


def _dispute(row: Row[Any]) -> Dispute:
    return Dispute(
        id=row.id,
        reporter=Body(row.reporter_id, row.reporter_code, row.reporter_name),
        attributed=Body(row.attributed_id, row.attributed_code, row.attributed_name),
        dates=Dates(*(row._mapping[each] for each in _DATES)),
        reason=Reason(row.reason),
        opened_at=row.opened_at,
        ended_at=row.ended_at,
        decided_for=row.decided_for,
        decided_at=row.decided_at,
    )


def _pair(row: Row[Any]) -> Pair:
    return Pair(
        id=row.id,
        halves=(_half(row, "a"), _half(row, "b")),
        days_apart=row.days_apart,
        state=row.state,
        decided=row.decided,
        changed_at=row.changed_at,
    )


def _half(row: Row[Any], side: str) -> Half:
    said = {each: row._mapping[f"{side}_{each}"] for each in ("id", "code", "name", "attributed", "answer")}
    return Half(
        Body(said["id"], said["code"], said["name"]),
        said["attributed"],
        Dates(*(row._mapping[f"{side}_{each}"] for each in _DATES)),
        Pairing(said["answer"]) if said["answer"] else None,
    )
