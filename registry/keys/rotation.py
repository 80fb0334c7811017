"""One rotation of keys at a time: begun by an operator, gone on with by whoever is there, stopped at any point and taken up again.

Each step is one transaction that moves a bounded number of rows and notes how far it has come, so that a kill undoes one step at most.
The service works on meanwhile: keys are asked for anew in each transaction, and a stage that relies on everybody's knowing of it begins
only when all transactions have ended that may have begun before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum
from time import monotonic

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from registry.access import Actor
from registry.errors import Conflict
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store, audit
from registry.store.keys import key_rotation

JOBS = "hat_jobs"
LOCK = "rotation of keys"
RUN_SECONDS = 20.0
"""So long goes one run of the job on at most."""


class Kind(Enum):
    MASTER = "master"
    DATA = "data"
    MATCH = "match"


class Step(Enum):
    """What came of a step."""

    MOVED = "moved"
    WAITS = "waits"
    """For transactions that began before, or for rows that somebody has in hand."""
    ENDED = "ended"
    NOTHING = "nothing"
    """No rotation is under way."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """How far a rotation is; `done` counts the rows that it has moved."""

    id: int
    kind: str
    organisation_id: int | None
    stage: str
    waits_for: list[str] | None
    at_organisation: int | None
    at_table: str | None
    after: list[str] | None
    done: int
    begun_by: str
    begun_at: datetime
    finished_at: datetime | None

    def staged(self, stage: str) -> "Rotation":
        """The same at the beginning of another stage."""
        return replace(self, stage=stage, waits_for=None, at_organisation=None, at_table=None, after=None)


DONE = "done"
Move = Callable[[Connection, Secrets, Rotation], Rotation]
"""One step of a stage: gives where the rotation is after it, or the very same where it has to wait."""

_COLUMNS = [key_rotation.c[each.name] for each in fields(Rotation)]
_OLDER = text(
    """
    select coalesce(array_agg(l.virtualxid), '{}') from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'virtualxid' and l.virtualxid is not null and l.pid <> pg_backend_pid()
       and a.datname = current_database() and a.usename in ('hat_app', 'hat_jobs')
    """
)
_ALIVE = text("select count(*) from pg_locks where locktype = 'virtualxid' and virtualxid = any(:ids)")


def current(connection: Connection) -> Rotation | None:
    """The rotation that is under way."""
    row = connection.execute(select(*_COLUMNS).where(key_rotation.c.finished_at.is_(None))).one_or_none()
    return None if row is None else Rotation(*row)


def latest(connection: Connection) -> list[Rotation]:
    """The last rotations, the newest first."""
    return [Rotation(*row) for row in connection.execute(select(*_COLUMNS).order_by(key_rotation.c.id.desc()).limit(5))]


def begin(connection: Connection, kind: Kind, by: Actor, *, stage: str, organisation_id: int | None = None) -> Rotation:
    """Note that a rotation begins. Raises Conflict while one is under way."""
    begun = insert(key_rotation).values(
        kind=kind.value, organisation_id=organisation_id, stage=stage, begun_by=by.label
    )
    row = connection.execute(begun.on_conflict_do_nothing().returning(*_COLUMNS)).one_or_none()
    if row is None:
        raise Conflict(
            "A rotation of keys is under way. Wait until it has ended: `hat keys status` shows how far it is."
        )
    return Rotation(*row)


def step(store: Store, secrets: Secrets, moves: Mapping[tuple[str, str], Move]) -> Step:
    """One step of the rotation that is under way. `moves` has, by kind and stage, what is done."""
    with store.transaction(role=JOBS) as connection:
        held = current(connection)
        if held is None:
            return Step.NOTHING
        after = moves[held.kind, held.stage](connection, secrets, held)
        if after is held:
            return Step.WAITS
        keep(connection, after)
        if after.stage != DONE:
            return Step.MOVED
        note(
            connection,
            "worker",
            "service",
            f"rotation of the {held.kind} key ended",
            {"rotation": held.id, "moved": after.done},
        )
        return Step.ENDED


def keep(connection: Connection, held: Rotation) -> None:
    """Note how far a rotation is."""
    moved = {
        name: getattr(held, name) for name in ("stage", "waits_for", "at_organisation", "at_table", "after", "done")
    }
    ended = {"finished_at": func.now()} if held.stage == DONE else {}
    connection.execute(
        update(key_rotation).where(key_rotation.c.id == held.id).values(moved_at=func.now(), **moved, **ended)
    )


def older_ended(connection: Connection, held: Rotation) -> Rotation | None:
    """None once all transactions of the service have ended that may not know of this stage; before that, where the rotation is."""
    if held.waits_for is None:
        return replace(held, waits_for=list(connection.scalar(_OLDER)))
    alive = connection.scalar(_ALIVE, {"ids": held.waits_for}) if held.waits_for else 0
    return held if alive else None


def note(
    connection: Connection,
    actor: str,
    role: str,
    action: str,
    detail: Mapping[str, audit.Detail],
    tenant: int = SYSTEM_TENANT,
) -> None:
    """An entry of the audit log."""
    audit.record(
        connection, tenant=tenant, actor=actor, role=role, action=action, object_type="key", object_id="several", detail=detail
    )  # fmt: skip


def go_on(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:  # noqa: ARG001 (a job's signature)
    """The job: go on with a rotation that somebody began and that nobody goes on with just now. Gives the steps made."""
    from registry.keys.moves import MOVES

    with store.readonly(role=JOBS) as connection:
        if current(connection) is None:
            return {}
    made, end = 0, monotonic() + RUN_SECONDS
    with store.alone(LOCK, role=JOBS) as ours:
        while ours and monotonic() < end and step(store, secrets, MOVES) in (Step.MOVED, Step.ENDED):
            made += 1
    return {"steps": made} if made else {}
