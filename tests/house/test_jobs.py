"""Every job of the timetable is safe to run twice: the second run finds nothing to do and leaves every table as it was."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Table

import registry.store.desk
import registry.store.figures
import registry.store.lessons
import registry.store.releases  # noqa: F401 (declares tables)
from registry import claims, submissions
from registry.access import OPERATOR, Role
from registry.accounts.actors import actor_of_person
from registry.cases import drafts, legal_basis
from registry.cases.desk import open_desk
from registry.cases.legal_basis import Basis
from registry.jobs import TIMETABLE, Constantly, Job
from registry.keys import data
from registry.publications import drafting
from registry.settings import KEYS, Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.tables import metadata
from schemas.record import RecordKind
from tests.make import csv_bytes, nhs_number, valid_activity, valid_case, valid_rca
from tests.registry.accounts.make import have_access, registered
from tests.registry.notices.telling import owe
from tests.registry.publications.make import hold_counts, split_counts
from tests.registry.submissions.make import keys, receive, send
from tests.registry.web.visitors import House, house

SENT = datetime(2026, 1, 20, 12, tzinfo=UTC)
LATER = datetime(2037, 1, 20, 12, tzinfo=UTC)
"""When everything that is kept for a time has had its time."""
COUNTING = ("refresh", "figures")
"""These count again what is there, and look back a little."""
OUTSIDE = ("anchors", "trail")
"""These read the database, and leave their effect outside it: a file, a line in the log."""
IGNORED = {"counted_at", "seen_to"}
"""When something was counted anew, and up to when; what was counted is compared."""


def _case(name: str, place: int, **more: str) -> Mapping[str, str]:
    return valid_case(local_case_id=name, nhs_number=nhs_number(place), **more)


@pytest.fixture
def filled(store: Store, settings: Settings, request: pytest.FixtureRequest) -> House:
    """Two trusts with cases, one person at both, a review, a return, a withdrawal at a patient's wish, a file that waits, a draft that was
    stored, a rotation of keys that was begun, a machine client's access, old runs, what people are to be told and written."""
    full = house(settings, store)
    ours, theirs = full.ids["RRV"], full.ids["RH5"]
    rows = [_case(f"A-{place}", place) for place in range(12)]
    send(store, settings, ours, rows, at=SENT)
    send(store, settings, theirs, [_case("B-1", 3), _case("B-2", 40)], at=SENT)
    send(store, settings, ours, [valid_rca(local_case_id="A-4", learning_point="Words")], kind=RecordKind.RCA, at=SENT)
    send(store, settings, ours, [valid_activity()], kind=RecordKind.ACTIVITY, at=SENT)
    send(store, settings, ours, [_case("A-5", 5, withdraw_reason="opt_out")], at=SENT + timedelta(hours=1))
    _between(full)
    path = submissions.spool(settings) / "waiting"
    path.write_bytes(csv_bytes([_case("A-20", 20)]))
    receive(store, settings, ours, path, at=SENT)
    _type(full)
    _rotate(full)
    owe(full, "nurse", SENT)
    have_access(full, registered(full), SENT)
    assert claims.claim(store, "figures", SENT, "somebody") is not None
    job = getattr(request.node, "callspec", None)
    _count(full, job.params["job"].name if job else "")
    return full


def _count(full: House, job: str) -> None:
    """For the jobs of the release desk: figures that were counted, and for one of them a draft that waits for its audit."""
    if job in ("releases", "release_draft"):
        with full.store.transaction(role="hat_jobs") as connection:
            counts = split_counts(40, overnight=30, preventable=8, not_investigated=2)
            hold_counts(connection, full.ids["RRV"], date(2025, 3, 1), counts)
    if job == "releases":
        drafting.draft_of_the_month(full.store, Secrets.load(full.settings.secrets_dir, KEYS), full.settings, SENT)


def _between(full: House) -> None:
    """A case that one trust reported for the other, which may be told of it."""
    send(full.store, full.settings, full.ids["RRV"], [_case("A-30", 30, attributed_organisation="RH5")], at=SENT)
    with full.store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        legal_basis.put(connection, Basis("England", "Support", "25/CAG/0001", SENT.date()), by=OPERATOR, at=SENT)


def _type(full: House) -> None:
    """A draft that somebody began and stored."""
    nurse, ours = full.person("nurse", (Role.VTE_NURSE, "RRV")), full.ids["RRV"]
    with full.store.transaction(tenants=(ours,)) as connection:
        by = actor_of_person(connection, nurse)
        desk = open_desk(connection, keys(full.settings), full.settings, ours, by=by, at=SENT)
        drafts.keep(desk, RecordKind.RCA, "A-4", {"learning_point": "Words"}, 1)
        drafts.drop(desk, RecordKind.RCA, "A-4")


def _rotate(full: House) -> None:
    """A rotation of one trust's data key that somebody began."""
    secrets = Secrets.load(full.settings.secrets_dir, KEYS)
    with full.store.transaction(role="hat_jobs") as connection:
        data.start(connection, secrets, full.ids["RRV"], OPERATOR)


def _state(admin: psycopg.Connection, tables: list[Table]) -> dict[str, list[str]]:
    """Every row of every table as text, in order."""
    found = {}
    for table in tables:
        columns = [column.name for column in table.columns if column.name not in IGNORED]
        query = sql.SQL("select row({})::text from {} order by 1").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(str(table.schema), table.name)
        )
        found[str(table)] = [row for (row,) in admin.execute(query)]
    return found


@pytest.mark.parametrize("job", TIMETABLE, ids=lambda job: job.name)
def test_a_job_run_twice_is_a_job_run_once(job: Job, filled: House, admin: psycopg.Connection) -> None:
    secrets = Secrets.load(filled.settings.secrets_dir, KEYS)
    tables = list(metadata.sorted_tables)
    before = _state(admin, tables)
    first = job.run(filled.store, secrets, filled.settings, LATER)
    once = _state(admin, tables)
    assert (once == before) == (job.name in OUTSIDE), f"{job.name} finds nothing to do: nothing is shown by this"
    assert any(first.values()), first
    second = job.run(filled.store, secrets, filled.settings, LATER)
    assert _state(admin, tables) == once
    if job.name in OUTSIDE:
        assert second == first
    else:
        assert isinstance(job.when, Constantly) or job.name in COUNTING or not any(second.values()), second


def test_all_jobs_one_after_the_other_come_to_rest(filled: House, admin: psycopg.Connection) -> None:
    """What one job leaves is work for another at most twice: a draft is audited, and of the audit somebody is told."""
    secrets = Secrets.load(filled.settings.secrets_dir, KEYS)
    tables = list(metadata.sorted_tables)
    states = []
    for _ in range(4):
        for job in TIMETABLE:
            job.run(filled.store, secrets, filled.settings, LATER)
        states.append(_state(admin, tables))
    assert states[2] == states[3]


def test_the_timetable_names_each_job_once_and_says_what_it_does() -> None:
    assert len({job.name for job in TIMETABLE}) == len(TIMETABLE)
    assert all(job.words.endswith(".") for job in TIMETABLE)
