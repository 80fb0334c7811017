"""The demonstration's cycle of outliers: adopted, frozen and computed by its people, some outliers led on, as far as its years allow.

It takes two financial years that are counted whole and final, so a short demonstration has none; then the page of outliers says why.
"""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from registry.access import Actor
from registry.accounts.actors import actor_of_person
from registry.publications import outlier_cycles, outlier_policy, outlier_years, outliers, reference_rates
from registry.publications.outlier_states import State
from registry.store import SYSTEM_TENANT, Store

ANALYST, LEAD = "analyst.one", "national.lead"
SOURCE: Final = "DEMONSTRATION: invented days in the order of HQIP's stages; not the guidance of January 2024 itself"
CHECKED: Final = "Returns, sources of cases, candidates and case mix were looked through: the counts stand. (Invented.)"
TOLD: Final = "Your figure of overnight stays lies beyond the limits. Please look at case finding first and answer here. (Invented.)"
CLOSED: Final = (
    "The return of two months held the admissions of another site: with them taken out it is within range. (Invented.)"
)
WAYS: Final[tuple[tuple[tuple[State, str, str], ...], ...]] = (
    ((State.DATA_CHECKED, ANALYST, CHECKED), (State.NOTIFIED, LEAD, TOLD)),
    ((State.DATA_CHECKED, ANALYST, CHECKED), (State.NOT_CONFIRMED, LEAD, CLOSED)),
    ((State.DATA_CHECKED, ANALYST, CHECKED),),
)
"""What becomes of the first outliers by name, each step by whom and in which words; all others stand as they were detected."""


def judge(store: Store, people: Mapping[str, UUID], at: datetime) -> int:
    """Adopt a policy, freeze the reference, compute the latest cycle that can be, and lead outliers on; gives how many are open.

    What has been done already is not done again.
    """
    analyst, lead = (_actor(store, people[name]) for name in (ANALYST, LEAD))
    with store.transaction(role="hat_national") as connection:
        ready = _ready(connection)
    if ready is not None:
        _compute(store, ready, analyst, lead, at)
    with store.transaction(role="hat_national") as connection:
        lines = outliers.open_lines(connection)
        if not any(line.steps > 1 for line in lines):
            _lead_on(connection, {ANALYST: analyst, LEAD: lead}, at)
        return len(outliers.open_lines(connection))


def _actor(store: Store, person: UUID) -> Actor:
    with store.readonly(tenants=(SYSTEM_TENANT,)) as connection:
        return actor_of_person(connection, person)


def _ready(connection: Connection) -> outlier_years.Waiting | None:
    """The latest year that waits for nothing but these two people."""
    found = outlier_years.waiting(connection)
    return next((one for one in found if one.reference_can_be_frozen or one.why in ("", outlier_years.NO_POLICY)), None)


def _compute(store: Store, ready: outlier_years.Waiting, analyst: Actor, lead: Actor, at: datetime) -> None:
    code = version("hat-registry")
    with store.transaction(role="hat_national") as connection:
        if outlier_policy.current(connection) is None:
            outlier_policy.adopt(connection, outlier_policy.PROPOSAL, SOURCE, by=lead, at=at, seen=0)
        if ready.reference_can_be_frozen:
            before = reference_rates.before(ready.year)
            reference_rates.freeze(connection, before, by=analyst, at=at, code_version=code)
        outlier_cycles.compute(connection, ready.year, by=analyst, at=at, code_version=code)


def _lead_on(connection: Connection, actors: Mapping[str, Actor], at: datetime) -> None:
    found = sorted(outliers.open_lines(connection), key=lambda line: line.name)
    for line, way in zip(found, WAYS, strict=False):
        for seen, (to, who, words) in enumerate(way, line.steps):
            outliers.move(connection, line.id, to, words, seen=seen, by=actors[who], at=at, on=at.date())
