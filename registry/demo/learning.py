"""What trusts learnt, offered, read by two moderators and published: so that the pages of learning have something to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from registry.access import OPERATOR, Actor
from registry.accounts.actors import actor_of_person
from registry.cases.desk import open_desk
from registry.demo.scene import FIRST_TRUST, SECOND_TRUST
from registry.errors import Conflict
from registry.lessons import homes, keys, moderating, offering, publishing, sources
from registry.lessons.lists import Kind
from registry.lessons.offering import Filed
from registry.register import organisation_by_code
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.lessons import published_lesson
from registry.store.records import RECORD
from schemas.record import RecordKind

HOMES: Final = {"moderator": FIRST_TRUST, "moderator.two": SECOND_TRUST}
LESSONS: Final = (
    (Kind.LESSON, Filed("missed_doses", "transfer", "communication", "Doses are missed where a patient moves between wards in the evening: the chart goes with the bed, the next dose is not handed over. A line for it was put on the handover sheet.")),
    (Kind.LESSON, Filed("extended", "discharge", "tools", "Extended prophylaxis after hip surgery was prescribed for the stay only, because the discharge template did not ask for it. It asks now, with the number of days.")),
    (Kind.PRACTICE, Filed("not_reassessed", "change", "team", "Pharmacists ask at each round whether the risk has changed since admission. Reassessment is found in the notes where it was missing before.")),
    (Kind.LESSON, Filed("wrong_dose", "prescribing", "education", "The dose of heparin was not raised with the weight. Weight is now a field that must be filled in before the dose can be chosen.")),
    (Kind.LESSON, Filed("not_restarted", "procedure", "tasks", "Prophylaxis held for an epidural was not restarted. The anaesthetic record now says at what hour it may be given again, and who sees to it.")),
    (Kind.PRACTICE, Filed("mechanical", "giving", "environment", "Pumps are kept on the stroke unit itself and counted each morning; nobody waits for one from the store.")),
)  # fmt: skip
WAITING: Final = (Kind.LESSON, Filed("assessed_late", "admission", "organisation", "Assessments were late where patients wait for a bed in the emergency department for more than a day: nobody there saw it as theirs."))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """What it takes: the store, its keys, the people by their user names, and one moment."""

    store: Store
    secrets: Secrets
    settings: Settings
    people: Mapping[str, UUID]
    at: datetime

    def actor(self, name: str) -> Actor:
        with self.store.readonly() as connection:
            return actor_of_person(connection, self.people[name])


def travel(stage: Stage) -> int:
    """Publish the texts above, and leave one that waits for moderators; gives how many are public. Nothing is done where some are."""
    if "moderator.two" not in stage.people or _some(stage.store):
        return 0
    _appoint(stage)
    with stage.store.readonly() as connection:
        trust = organisation_by_code(connection, FIRST_TRUST)
    assert trust is not None, "the demonstration has registered it"
    cases, made = _reviewed(stage, trust.id), 0
    for kind, filed in (*LESSONS, WAITING):
        copy = _offer(stage, trust.id, cases, kind, filed)
        if copy is not None and filed is not WAITING[1]:
            _bring_out(stage, trust.id, copy)
            made += 1
    return made


def _some(store: Store) -> bool:
    with store.readonly(role="hat_national") as connection:
        return connection.execute(select(published_lesson.c.id).limit(1)).first() is not None


def _appoint(stage: Stage) -> None:
    with stage.store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        for name, code in HOMES.items():
            homes.record(connection, stage.people[name], code, by=OPERATOR, at=stage.at)


def _reviewed(stage: Stage, tenant: int) -> list[UUID]:
    """Cases that have a review, the latest first."""
    case, rca = RECORD[RecordKind.CASE].c, RECORD[RecordKind.RCA].c
    query = (
        select(case.id)
        .join(RECORD[RecordKind.RCA], (rca.tenant_id == case.tenant_id) & (rca.local_case_id == case.local_case_id))
        .where(case.tenant_id == tenant, case.withdrawn_at.is_(None), rca.withdrawn_at.is_(None))
        .order_by(case.local_case_id.desc())
        .limit(60)
    )
    with stage.store.readonly(tenants=(tenant,)) as connection:
        return list(connection.scalars(query))


def _offer(stage: Stage, tenant: int, cases: list[UUID], kind: Kind, filed: Filed) -> UUID | None:
    """Offer a text of the first case whose review is complete; each case is used up. None where no such case is left."""
    nurse = stage.actor(f"{FIRST_TRUST.lower()}.nurse")
    while cases:
        case = cases.pop(0)
        with stage.store.transaction(tenants=(tenant, SYSTEM_TENANT)) as connection:
            desk = open_desk(connection, stage.secrets, stage.settings, tenant, by=nurse, at=stage.at)
            try:
                given = sources.source(desk, case, kind)
            except Conflict:
                continue
            own = keys.own_keys(connection, stage.secrets)
            point = offering.offer(desk, own, given, filed, sources.known(desk, case))
            return offering.find(desk, point).copy_id if isinstance(point, UUID) else None
    return None


def _bring_out(stage: Stage, tenant: int, copy: UUID) -> None:
    """Approved by the one moderator, then by the other, then published."""
    for name in HOMES:
        with stage.store.transaction(tenants=(SYSTEM_TENANT, tenant)) as connection:
            by = moderating.moderator(connection, stage.actor(name))
            assert by is not None, "it was recorded where they belong"
            moderating.approve(connection, by, copy, seen=1, at=stage.at)
    lead = stage.actor("national.lead")
    with (
        stage.store.transaction(tenants=(SYSTEM_TENANT, tenant)) as connection,
        stage.store.transaction(role="hat_national") as national,
    ):
        own = keys.own_keys(connection, stage.secrets)
        publishing.publish(connection, national, own, copy, by=lead, seen=1, at=stage.at)
