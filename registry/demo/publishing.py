"""From the returns to public figures, as the nightly jobs, the worker and three people do it."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import metadata
from uuid import UUID

from sqlalchemy import func, select

from registry import claims, jobs
from registry.access import Actor
from registry.accounts.actors import actor_of_person
from registry.demo.sending import DemonstrationError
from registry.demo.setting import APPROVE, PREPARES
from registry.errors import Conflict
from registry.official import Severity, read_risk_assessments
from registry.publications import official, releasing
from registry.publications.protecting import discard_drafts, prepare
from registry.publications.releasing import ask_audit
from registry.publications.transitions import OPEN, State
from registry.register import join_activity_only
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import publication, released
from registry.web.open_data.job import work

ROLES = ("hat_app", "hat_jobs", "hat_national")
KEYS = ("master", "match", "offset", "signing")
NATIONAL = "hat_national"
PATIENCE_SECONDS = 600.0
"""So long the worker's own run of a job is waited for: on a machine that does much else a count takes minutes."""


def count(store: Store, secrets: Secrets, settings: Settings) -> Mapping[str, int]:
    """What the worker does at its times: pairs across trusts are looked for, then everything is counted. Gives the effects.

    Raises DemonstrationError where a job fails.
    """
    means = jobs.Means(store, secrets, settings, jobs.worker_name())
    effects = [_run(name, means) for name in ("pairs", "figures")]
    return {what: number for effect in effects for what, number in effect.items()}


def _run(name: str, means: jobs.Means) -> Mapping[str, int]:
    """Run one job now; while the worker's own run of it goes on, wait for that."""
    job = jobs.job_named(name)
    assert job is not None, "the demonstration runs the timetable's jobs only"
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        outcome = jobs.attempt(job, claims.clock(means.store), means)
        if outcome is not None and outcome.effect is not None:
            return outcome.effect
        if outcome is not None:
            raise DemonstrationError(f"The job {name} failed: {outcome.fault or 'the database was lost'}.")
        time.sleep(0.5)
    raise DemonstrationError(f"The worker's own run of {name} does not end.")


def import_risk_assessments(store: Store, people: Mapping[str, UUID], content: bytes) -> int:
    """Import the official file as an analyst who has seen what it changes; unknown providers join. Gives the figures kept."""
    rows, faults = read_risk_assessments(content)
    if any(fault.severity is Severity.ERROR for fault in faults):
        raise DemonstrationError("The official file that was made cannot be read.")
    by = _actor(store, people[PREPARES])
    with store.transaction(role=NATIONAL) as connection:
        waiting = official.keep(connection, content, len(rows), by)
        unknown = official.difference(connection, rows).unknown
        ids = join_activity_only(connection, [(row.code, row.name, row.independent) for row in rows], by=by)
        return official.confirm(connection, waiting, rows, ids, len(unknown), by)


def publish(
    store: Store, people: Mapping[str, UUID], secrets: Secrets, settings: Settings, moment: Callable[[], datetime]
) -> UUID:
    """One prepares the figures, the audit is run, two others approve them. Gives the release's id.

    Raises DemonstrationError where the figures do not pass.
    """
    first = {"note": "The first release of the demonstration."} if not releases(store) else {}
    draft = hand_in(store, people, secrets, settings, moment(), **first)
    digest = _audited(store, secrets, settings, draft, moment)
    for each in (_actor(store, people[name]) for name in APPROVE):
        with store.transaction(role=NATIONAL) as connection:
            releasing.approve(connection, by=each, publication_id=draft, seen=digest, at=moment())
    return draft


def hand_in(
    store: Store,
    people: Mapping[str, UUID],
    secrets: Secrets,
    settings: Settings,
    at: datetime,
    note: str = "Cases were found late, some trusts returned their months late, others their reviews.",
) -> UUID:
    """A draft of the figures as they are counted now, handed to the audit; two may approve it once it has passed. Gives its id."""
    by = _actor(store, people[PREPARES])

    def prepared() -> UUID:
        with store.transaction(role=NATIONAL) as connection:
            discard_drafts(connection, OPEN)  # of a demonstration that was interrupted
            draft = prepare(
                connection,
                by=by,
                at=at,
                key=secrets["offset"],
                rules=settings.counting,
                code_version=metadata.version("hat-registry"),
                note=note,
            )
            ask_audit(connection, by=by, publication_id=draft, at=at)
        return draft

    return _once_free(prepared)


def _once_free(act: Callable[[], UUID]) -> UUID:
    """What an act gives; tried again for a while where something else is at work just then, as the worker that counts."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except Conflict:
            if time.monotonic() > until:
                raise
        time.sleep(0.5)


def _audited(store: Store, secrets: Secrets, settings: Settings, draft: UUID, moment: Callable[[], datetime]) -> str:
    """The audit, done here or by the worker, whoever takes it; gives the digest of what has passed."""
    state = State.ASKED
    while state is State.ASKED:
        work(store, secrets, settings, moment())
        with store.readonly(role=NATIONAL) as connection:
            held = connection.execute(select(publication).where(publication.c.id == draft)).one()
        state = State(held.state)
        if state is State.ASKED:
            time.sleep(0.5)
    if state is not State.AUDITED:
        raise DemonstrationError("The figures do not pass the audit.")
    return str(held.data_hash)


def releases(store: Store) -> int:
    """How many there are already: a demonstration that was interrupted goes on after them."""
    with store.readonly(role=NATIONAL) as connection:
        return connection.scalar(select(func.count()).select_from(released)) or 0


def _actor(store: Store, person: UUID) -> Actor:
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        return actor_of_person(connection, person)
