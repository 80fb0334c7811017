"""People and counted figures for tests of what is released."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from registry import publications
from registry.access import Actor, Kind, Role
from registry.publications import auditing, protecting, releasing
from registry.publications.judging import Judge, Matter, Tell, Verdict
from registry.publications.transitions import State
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import case_count, organisation, person, publication, trust_month
from tests.registry.make import make_organisation

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
REGIONS = {"Y58": "South West", "Y56": "London", "W92000004": "Wales"}


def make_person(store: Store, name: str, role: Role) -> Actor:
    with store.transaction(tenants=(SYSTEM_TENANT,)) as connection:
        made: UUID = connection.execute(
            insert(person).values(user_name=name.lower(), display_name=name).returning(person.c.id)
        ).scalar_one()
    return Actor(Kind.PERSON, made, name, frozenset({role}))


def make_trust(store: Store, settings: Settings, code: str, region: str, live_from: date, **more: Any) -> int:
    nation = "Wales" if region.startswith("W") else "England"
    kind = more.pop("kind", "local_health_board" if nation == "Wales" else "nhs_trust")
    made = make_organisation(store, settings, code=code, nation=nation, kind=kind, live_from=live_from)
    with store.transaction() as connection:
        connection.execute(
            update(organisation)
            .where(organisation.c.id == made)
            .values(region_code=region, region_name=REGIONS[region], **more)
        )
    return made


@dataclass(frozen=True)
class Team:
    """One who prepares and two who approve."""

    analyst: Actor
    lead: Actor
    second: Actor


def make_team(store: Store) -> Team:
    return Team(
        make_person(store, "An Analyst", Role.NATIONAL_ANALYST),
        make_person(store, "A Lead", Role.NATIONAL_LEAD),
        make_person(store, "Another Analyst", Role.NATIONAL_ANALYST),
    )


def offset_key(settings: Settings) -> bytes:
    return Secrets.load(settings.secrets_dir, ["offset"])["offset"]


def count(store: Store, settings: Settings, at: datetime = AT) -> Mapping[str, int]:
    return publications.count(store, Secrets.load(settings.secrets_dir, []), settings, at)


def hold_counts(
    connection: Connection, organisation_id: int, month: date, counts: Mapping[tuple[str, str], int], *,
    admissions: int = 8000, overnight: int = 3000, provisional: bool = False, case_return: str | None = "complete",
    sources: int | None = None,
) -> None:  # fmt: skip
    """Exact counts as counting leaves them, by split and category, without the cases behind them."""
    connection.execute(
        insert(trust_month).values(
            organisation_id=organisation_id, month=month, case_return=case_return, admissions=admissions,
            admissions_overnight=overnight, admissions_maternity=0, enters=case_return == "complete",
            provisional=provisional, case_finding_sources=sources, counted_at=AT,
        )
    )  # fmt: skip
    rows = [
        {"organisation_id": organisation_id, "month": month, "standing": "agreed", "split": split, "category": category, "count": number}
        for (split, category), number in counts.items()
    ]  # fmt: skip
    if rows:
        connection.execute(insert(case_count), rows)


def split_counts(cases: int, *, overnight: int, preventable: int, not_investigated: int) -> dict[tuple[str, str], int]:
    """The splits of so many cases, all of them medical and pulmonary embolisms."""
    return {
        ("total", "total"): cases,
        ("vte_type", "pe"): cases,
        ("admission_group", "medical"): cases,
        ("stay", "overnight"): overnight,
        ("stay", "not_overnight"): cases - overnight,
        ("preventability", "preventable"): preventable,
        ("preventability", "not_investigated"): not_investigated,
        ("preventability", "not_preventable"): cases - preventable - not_investigated,
    }


def prepare(store: Store, settings: Settings, team: Team, at: datetime = AT) -> UUID:
    with store.transaction(role="hat_national") as connection:
        return protecting.prepare(
            connection, by=team.analyst, at=at, key=offset_key(settings), rules=settings.counting, code_version="test"
        )


KEYS = Secrets({name: bytes(range(place, place + 32)) for place, name in enumerate(("signing", "offset"))})
"""Keys of no registry, for the audit."""


def safe(_matter: Matter, _tell: Tell) -> Verdict:
    """A verdict for tests of what comes after it."""
    return Verdict(True, report={"outsider": {"targets": 0}})


def ask(store: Store, team: Team, publication_id: UUID, at: datetime = AT) -> None:
    with store.transaction(role="hat_national") as connection:
        releasing.ask_audit(connection, by=team.analyst, publication_id=publication_id, at=at)


def audit(
    store: Store, team: Team, publication_id: UUID, at: datetime = AT, keys: Secrets = KEYS, judge: Judge = safe
) -> Mapping[str, int]:
    """As the worker does it."""
    ask(store, team, publication_id, at)
    return auditing.work(store, keys, Settings(), at, judge=judge)


def approve(store: Store, by: Actor, publication_id: UUID, at: datetime = AT, seen: str | None = None) -> State:
    with store.transaction(role="hat_national") as connection:
        current = connection.scalar(select(publication.c.data_hash).where(publication.c.id == publication_id))
        return releasing.approve(connection, by=by, publication_id=publication_id, seen=seen or current or "", at=at)


def release(store: Store, team: Team, publication_id: UUID, at: datetime = AT, keys: Secrets = KEYS) -> None:
    """Audited, approved by two, public."""
    audit(store, team, publication_id, at, keys)
    approve(store, team.lead, publication_id, at)
    assert approve(store, team.second, publication_id, at) is State.RELEASED
