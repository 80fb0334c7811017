"""Records put straight into the tables as accepted ones stand there, for tests of what is counted from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert

from registry.store import Store, audit
from registry.store.desk import case_event, reading
from registry.store.records import RECORD, VERSION
from registry.store.tables import pair, submission
from schemas.counting import DEFINITION
from schemas.record import RecordKind

LOADED = datetime(2026, 11, 1, tzinfo=UTC)
_numbers = count(1)


@dataclass(frozen=True)
class Held:
    """Where a case stands."""

    tenant: int
    id: UUID
    local_case_id: str


def submit(connection: Connection, tenant: int) -> UUID:
    values = {
        "kind": "case", "format": "csv", "mode": "all-or-nothing", "rehearsal": False, "door": "test",
        "digest": b"", "size": 0, "state": "accepted", "actor": "test", "opt_out_screened": False,
        "dataset_version": "1.0", "definition": DEFINITION, "idempotency_key": str(uuid4()),
    }  # fmt: skip
    made: UUID = connection.execute(
        insert(submission).values(tenant_id=tenant, **values).returning(submission.c.id)
    ).scalar_one()
    return made


def _hold(
    connection: Connection, kind: RecordKind, tenant: int, record: Mapping[str, Any], said: Mapping[str, Any]
) -> UUID:
    made = uuid4()
    standing = {"tenant_id": tenant, "id": made, "version": 1, "content_mac": b""}
    connection.execute(insert(RECORD[kind]).values(**standing, **record))
    from_submission = {"submission_id": submit(connection, tenant), "door": "test"}
    version = {"tenant_id": tenant, "record_id": made, "version": 1}
    connection.execute(insert(VERSION[kind]).values(**version, **from_submission, **said))
    return made


@dataclass(frozen=True)
class Case:
    """A case as a test says it; what is not said is a pulmonary embolism in scope after an overnight stay."""

    month: date
    attributed: int | None = None
    attribution: str = "own"
    since: datetime = LOADED
    added: datetime = LOADED
    person: bytes | None = None
    day: int = 3
    diagnosed: date | None = None
    withdrawn: datetime | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


def hold_case(connection: Connection, tenant: int, case: Case) -> Held:
    local = f"C-{next(_numbers):06d}"
    record = {
        "local_case_id": local, "attributed_id": case.attributed or tenant, "attribution": case.attribution,
        "attribution_since": case.since, "added_at": case.added, "nhs_key": case.person, "withdrawn_at": case.withdrawn,
    }  # fmt: skip
    said = {
        "local_case_id": local, "index_stay": "this", "index_month": case.month, "scope": "in", "overnight": True,
        "index_admission_date": case.month.replace(day=case.day), "patient_classification": "ordinary",
        "diagnosis_date": case.diagnosed or case.month.replace(day=28), "vte_type": "pe", "admission_group": "medical",
    } | dict(case.said)  # fmt: skip
    return Held(tenant, _hold(connection, RecordKind.CASE, tenant, record, said), local)


def hold_review(connection: Connection, held: Held, **said: Any) -> None:
    identity = {"local_case_id": held.local_case_id}
    _hold(connection, RecordKind.RCA, held.tenant, identity, identity | said)


GROUPS = ("medical", "surgical", "obstetric", "critical_care", "orthopaedic_trauma")
STAYS = ("day_case", "regular_attender", "no_night", "overnight")


def hold_activity(
    connection: Connection, tenant: int, month: date, *, admissions: int = 1000, overnight: int = 400,
    case_return: str = "complete", counts: Mapping[str, int] | None = None,
) -> None:  # fmt: skip
    """`admissions` in all, of which `overnight`, the rest day cases; or the `counts` of the return."""
    said = {f"{group}_{stay}": 0 for group in GROUPS for stay in STAYS}
    said |= counts or {"medical_day_case": admissions - overnight, "medical_overnight": overnight}
    identity = {"month": month}
    _hold(connection, RecordKind.ACTIVITY, tenant, identity, identity | {"case_return": case_return} | said)


def hold_pair(connection: Connection, first: Held, second: Held, state: str = "found") -> None:
    connection.execute(
        insert(pair).values(
            first_tenant_id=first.tenant, first_case_id=first.id, second_tenant_id=second.tenant,
            second_case_id=second.id, days_apart=2, state=state,
        )
    )  # fmt: skip


def hold_readings(store: Store, held: Held, first: str, second: str | None, at: datetime, *, blind: bool) -> None:
    """Both readers judge at their own desk."""
    of = {"tenant_id": held.tenant, "case_id": held.id}
    event = {"actor": "second", "what": "read a second time", "detail": {"blind": blind}}
    with store.transaction(tenants=(held.tenant,)) as connection:
        for place, said in (("first", first), ("second", second)):
            connection.execute(insert(reading).values(**of, place=place, reader=place, preventability=said, at=at))
        connection.execute(insert(case_event).values(**of, at=at, **event))
        audit.record(
            connection,
            tenant=held.tenant,
            actor="second",
            role="vte_nurse",
            action="case read a second time",
            object_type="case",
            object_id=str(held.id),
        )
