"""How far the work on a large submission has come: told on a connection of its own, so that others see it before the end.

The submission's own row is locked by the transaction that works on it; this is never written there.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from registry.store import Store
from registry.store.tables import progress


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` in the unit of the stage (rows, mostly); `total` is None where it is not known yet."""

    stage: str
    done: int
    total: int | None
    at: datetime


def tell(
    store: Store,
    *,
    tenant: int,
    submission: UUID,
    stage: str,
    done: int,
    total: int | None = None,
    role: str = "hat_jobs",
) -> None:
    """Say how far it is, in a transaction of its own; `role` is the one that the work runs under."""
    values = {"stage": stage, "done": done, "total": total, "at": func.now()}
    said = insert(progress).values(tenant_id=tenant, submission_id=submission, **values)
    with store.transaction(tenants=(tenant,) if role == "hat_app" else (), role=role) as connection:
        connection.execute(
            said.on_conflict_do_update(index_elements=[progress.c.tenant_id, progress.c.submission_id], set_=values)
        )


def note(
    store: Store, *, tenant: int, submission: UUID, done: int, total: int | None = None, role: str = "hat_app"
) -> None:
    """Move on within the stage that was told."""
    moved = update(progress).where(_of(tenant, submission)).values(done=done, total=total, at=func.now())
    with store.transaction(tenants=(tenant,) if role == "hat_app" else (), role=role) as connection:
        connection.execute(moved)


def read(connection: Connection, tenant: int, submission: UUID) -> Progress | None:
    """How far it is; None before anything was told, and after `clear`."""
    row = connection.execute(
        select(progress.c.stage, progress.c.done, progress.c.total, progress.c.at).where(_of(tenant, submission))
    ).first()
    return None if row is None else Progress(*row)


def clear(connection: Connection, tenant: int, submission: UUID) -> None:
    """Forget it: the work has ended. Under `hat_jobs` only."""
    connection.execute(delete(progress).where(_of(tenant, submission)))


def _of(tenant: int, submission: UUID) -> ColumnElement[bool]:
    return and_(progress.c.tenant_id == tenant, progress.c.submission_id == submission)
