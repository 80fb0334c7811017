"""The work on received submissions, in the request for small ones and by the worker for the rest: the same function."""

import logging
import time
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from registry.errors import NoRoom, of_database, of_system
from registry.settings import Secrets, Settings
from registry.store import Store, progress
from registry.store.tables import submission
from registry.submissions import outcome, units
from registry.submissions.checking import Seen, check, startable
from registry.submissions.request import Door, Reference, State

log = logging.getLogger(__name__)

APP = "hat_app"
TRIES = 10
TELL_EVERY = 0.5


def work_one(
    store: Store,
    reference: Reference,
    secrets: Secrets,
    settings: Settings,
    *,
    at: datetime,
    tell: bool = False,
) -> State | None:
    """One submission in one transaction; None if it is done or in other hands."""
    seen = _teller(store, reference) if tell else None
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        return check(connection, reference, secrets, settings, at=at, seen=seen)


def work_waiting(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Work on all that waits, the oldest first. Gives how many ended in each state.

    One that cannot be worked on is left for the next time; after ten such times it ends as failed, so it cannot hold up
    the others for ever.
    """
    ended: dict[str, int] = {}
    for reference in _waiting(store):
        state = _try(store, reference, secrets, settings, at)
        if state is not None:
            ended[state.value] = ended.get(state.value, 0) + 1
    return ended


def _waiting(store: Store) -> list[Reference]:
    with store.readonly(role="hat_jobs") as connection:
        rows = connection.execute(
            select(submission.c.tenant_id, submission.c.id)
            .where(submission.c.state == State.RECEIVED.value)
            .order_by(submission.c.received_at)
            .limit(100)
        )
        return [Reference(row.tenant_id, row.id) for row in rows]


def _try(store: Store, reference: Reference, secrets: Secrets, settings: Settings, at: datetime) -> State | None:
    with store.alone(f"submission {reference.id}") as ours:
        return _try_alone(store, reference, secrets, settings, at) if ours else None


def _try_alone(store: Store, reference: Reference, secrets: Secrets, settings: Settings, at: datetime) -> State | None:
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        door = startable(connection, reference)
    if door is None:
        return None
    tries = _begin(store, reference)
    if tries > TRIES:
        return _give_up(store, reference, door, at)
    try:
        if door is Door.FHIR:
            state = units.work_job(store, reference, secrets, settings, at=at)
        else:
            state = work_one(store, reference, secrets, settings, at=at, tell=True)
    except (DBAPIError, OSError, ValueError) as error:
        # The submission stays as it was received. Only the kind of fault is told: its words may hold a value.
        log.warning("submission %s could not be worked on: %s", reference.id, type(error).__name__)
        if _has_no_room(error):
            _note_tries(store, reference, tries - 1)
        return None
    _forget(store, reference)
    return state


def _give_up(store: Store, reference: Reference, door: Door, at: datetime) -> State:
    """End what was tried too often. Of a job the chunks that were committed stay."""
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        if door is Door.FHIR:
            units.fail_job(connection, reference, at)
        else:
            outcome.fail(connection, reference, at)
    return State.FAILED


def _begin(store: Store, reference: Reference) -> int:
    """Note one more try, before it is made, so that a try that kills the worker counts too."""
    with store.transaction(tenants=(reference.tenant_id,)) as connection:
        told = progress.read(connection, reference.tenant_id, reference.id)
    tries = 1 + (int(told.stage.removeprefix("try ")) if told and told.stage.startswith("try ") else 0)
    _note_tries(store, reference, tries)
    return tries


def _note_tries(store: Store, reference: Reference, tries: int) -> None:
    progress.tell(store, tenant=reference.tenant_id, submission=reference.id, stage=f"try {tries}", done=0, role=APP)


def _has_no_room(error: Exception) -> bool:
    """Whether a disk is full, of the database or of ours: that says nothing of the file, so that it is no try of it."""
    if isinstance(error, DBAPIError):
        return isinstance(of_database(getattr(error.orig, "sqlstate", None)), NoRoom)
    return isinstance(error, OSError) and of_system(error) is not None


def _forget(store: Store, reference: Reference) -> None:
    with store.transaction(role="hat_jobs") as connection:
        progress.clear(connection, reference.tenant_id, reference.id)


def _teller(store: Store, reference: Reference) -> Seen:
    """Tells how far it is, at most twice a second, on a connection of its own."""
    told = time.monotonic()

    def seen(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told < TELL_EVERY:
            return
        told = time.monotonic()
        progress.note(store, tenant=reference.tenant_id, submission=reference.id, done=done, total=total or None)

    return seen
