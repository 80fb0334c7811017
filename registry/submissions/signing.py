"""Sign-off: the trust lead's statement about a month's return, unlocked on request with a reason. Never a condition for counting a case.

Nothing is deleted: a statement that was unlocked stays, and the month may be signed off anew.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry import identifiers
from registry.access import Actor
from registry.errors import Conflict, Unprocessable
from registry.store import audit
from registry.store.desk import sign_off
from registry.store.tables import person
from registry.submissions.due import Month, calendar
from registry.submissions.keys import TenantKeys
from registry.submissions.monthly import held
from schemas.codes import CaseReturn

LONGEST_REASON = 500
_STATEMENTS = {
    CaseReturn.COMPLETE: "Every case of {month} that this organisation knows of is recorded: {cases}. The admissions are as sent.",
    CaseReturn.NIL: "This organisation knows of no case of {month}. The admissions are as sent.",
    CaseReturn.PARTIAL: "The cases of {month} are not all recorded yet: {cases} so far. The admissions are as sent.",
}


@dataclass(frozen=True, slots=True)
class Signed:
    """The statement that stands about a month; `reason` is why somebody asked to have it unlocked, where somebody did."""

    id: UUID
    month: date
    statement: str
    by: str
    at: datetime
    asked_by: str
    asked_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """One closed month: what was returned, what would be declared of it, and the statement that stands."""

    month: Month
    version: int
    statement: str
    signed: Signed | None

    @property
    def changed_since(self) -> bool:
        """Whether another return came after the sign-off."""
        return self.signed is not None and self.month.sent_at is not None and self.month.sent_at > self.signed.at


def lines(connection: Connection, tenant: int, keys: TenantKeys, *, on: date, months: int) -> list[Line]:
    """The closed months of one organisation, the newest first."""
    found = calendar(connection, (tenant,), on=on, months=months)[tenant]
    versions = held(connection, tenant, [each.month for each in found])
    signed = {each.month: each for each in _standing(connection, tenant, keys)}
    return [
        Line(each, versions[each.month].version, statement(each), signed.get(each.month)) for each in found
    ]  # fmt: skip


def statement(month: Month) -> str:
    """What is declared by signing a month off; empty where there is no return."""
    if month.case_return is None:
        return ""
    cases = f"{month.cases:,} {'case' if month.cases == 1 else 'cases'}"
    return _STATEMENTS[CaseReturn(month.case_return)].format(month=f"{month.month:%B %Y}", cases=cases)


def sign(connection: Connection, tenant: int, month: date, *, seen: int, by: Actor, on: date) -> None:
    """Declare a closed month. Signing it twice is signing it once.

    Raises Conflict where there is no return of the month, or another one than the version that was `seen`.
    """
    found = next(
        (
            each
            for each in calendar(connection, (tenant,), on=on, months=_age(month, on))[tenant]
            if each.month == month
        ),
        None,
    )
    if found is None or found.case_return is None:
        raise Conflict("There is no return of this month to sign off.")
    if held(connection, tenant, [month])[month].version != seen:
        raise Conflict("Another return of this month has come since you opened the page. Look at it, then sign it off.")
    signed = connection.execute(
        insert_or(sign_off)
        .values(tenant_id=tenant, month=month, statement=statement(found), signed_by=by.label)
        .on_conflict_do_nothing(
            index_elements=[sign_off.c.tenant_id, sign_off.c.month], index_where=sign_off.c.unlocked_at.is_(None)
        )
        .returning(sign_off.c.id)
    ).scalar()
    if signed is not None:
        _audit(connection, tenant, by, "month signed off", month, audit.Change(None, [seen, statement(found)]))


def ask(connection: Connection, tenant: int, month: date, reason: str, keys: TenantKeys, *, by: Actor) -> None:
    """Ask to have a month unlocked. Raises Unprocessable without a reason, Conflict where the month is not signed off."""
    row = _open(connection, tenant, month)
    _note_reason(connection, tenant, row.id, reason, keys, by)
    _audit(connection, tenant, by, "unlock of month asked", month, audit.Change(row.statement, [row.statement, reason]))


def unlock(connection: Connection, tenant: int, month: date, reason: str, keys: TenantKeys, *, by: Actor) -> None:
    """Unlock a month, for the reason for which it was asked or one that is given now. Raises as `ask`."""
    row = _open(connection, tenant, month)
    if reason or row.unlock_asked_at is None:
        _note_reason(connection, tenant, row.id, reason, keys, by)
    connection.execute(
        update(sign_off)
        .where(sign_off.c.tenant_id == tenant, sign_off.c.id == row.id)
        .values(unlocked_by=by.label, unlocked_at=func.now())
    )
    _audit(connection, tenant, by, "month unlocked", month, audit.Change(row.statement, None))


def _note_reason(connection: Connection, tenant: int, row_id: UUID, reason: str, keys: TenantKeys, by: Actor) -> None:
    if not reason or len(reason) > LONGEST_REASON:
        raise Unprocessable(
            errors=[("reason", f"Say why the month is to be unlocked, in at most {LONGEST_REASON} characters")]
        )
    sealed = identifiers.seal(keys.data, reason, _aad(tenant, row_id), version=keys.version)
    connection.execute(
        update(sign_off)
        .where(sign_off.c.tenant_id == tenant, sign_off.c.id == row_id)
        .values(unlock_asked_by=by.label, unlock_asked_at=func.now(), unlock_reason_ct=sealed)
    )


def _open(connection: Connection, tenant: int, month: date) -> Row[Any, Any, Any]:
    c = sign_off.c
    row = connection.execute(
        select(c.id, c.unlock_asked_at, c.statement)
        .where(c.tenant_id == tenant, c.month == month, c.unlocked_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise Conflict("This month is not signed off, so there is nothing to unlock.")
    return row


def _standing(connection: Connection, tenant: int, keys: TenantKeys) -> list[Signed]:
    c = sign_off.c
    rows = connection.execute(select(sign_off).where(c.tenant_id == tenant, c.unlocked_at.is_(None))).all()
    names = _names(connection, {row.signed_by for row in rows} | {row.unlock_asked_by for row in rows})
    return [
        Signed(
            id=row.id,
            month=row.month,
            statement=row.statement,
            by=names.get(row.signed_by, ""),
            at=row.signed_at,
            asked_by=names.get(row.unlock_asked_by, ""),
            asked_at=row.unlock_asked_at,
            reason=_reason(tenant, row.id, row.unlock_reason_ct, keys),
        )
        for row in rows
    ]


def _names(connection: Connection, labels: set[str | None]) -> dict[str, str]:
    """The names of people by their labels (`person:<id>`)."""
    ids = {label: UUID(label.partition(":")[2]) for label in labels if label and label.startswith("person:")}
    rows = connection.execute(select(person.c.id, person.c.display_name).where(person.c.id.in_(ids.values()))).all()
    known = {row.id: row.display_name for row in rows}
    return {label: known.get(found, "") for label, found in ids.items()}


def _reason(tenant: int, row_id: UUID, sealed: bytes | None, keys: TenantKeys) -> str:
    return "" if sealed is None else identifiers.open_sealed(keys.opens, sealed, _aad(tenant, row_id))


def _aad(tenant: int, row_id: UUID) -> bytes:
    return identifiers.cell_aad(tenant, "sign_off", str(row_id), "unlock_reason")


def _age(month: date, on: date) -> int:
    """How many months before the present one a month is; at least one, so that one to come is not found."""
    return max(1, (on.year - month.year) * 12 + on.month - month.month)


def _audit(connection: Connection, tenant: int, by: Actor, action: str, month: date, change: audit.Change) -> None:
    audit.record(
        connection,
        tenant=tenant,
        actor=by.label,
        role=by.role,
        action=action,
        object_type="month",
        object_id=f"{month:%Y-%m}",
        change=change,
    )
