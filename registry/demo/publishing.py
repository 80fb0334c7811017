"""From the returns to public figures, as the nightly jobs and two analysts do it."""

import time
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from uuid import UUID

from registry import claims, jobs
from registry.access import Actor
from registry.accounts.actors import actor_of_person
from registry.demo.sending import DemonstrationError
from registry.demo.setting import PREPARES, RELEASES
from registry.official import Severity, read_risk_assessments
from registry.publications import official
from registry.publications.protecting import prepare
from registry.publications.releasing import release
from registry.register import join_activity_only
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store

ROLES = ("hat_app", "hat_jobs", "hat_national")
KEYS = ("master", "match", "offset")
NATIONAL = "hat_national"
PATIENCE_SECONDS = 60.0


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


def publish(store: Store, people: Mapping[str, UUID], secrets: Secrets, settings: Settings, at: datetime) -> UUID:
    """One analyst prepares the figures, the other releases them. Gives the release's id."""
    prepares, releases = (_actor(store, people[name]) for name in (PREPARES, RELEASES))
    with store.transaction(role=NATIONAL) as connection:
        draft = prepare(
            connection,
            by=prepares,
            at=at,
            key=secrets["offset"],
            rules=settings.counting,
            code_version=metadata.version("hat-registry"),
        )
    with store.transaction(role=NATIONAL) as connection:
        release(connection, by=releases, publication_id=draft, at=at)
    return draft


def _actor(store: Store, person: UUID) -> Actor:
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        return actor_of_person(connection, person)
