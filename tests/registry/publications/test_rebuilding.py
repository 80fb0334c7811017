"""A release made again, from what was kept and from the records as they were at its cut: the same bytes, whatever happened since."""

from datetime import UTC, date, datetime

import psycopg
import pytest
from sqlalchemy import Connection, func, insert, select, text, update

from registry.access import OPERATOR
from registry.errors import NotFound
from registry.publications import rebuilding
from registry.register import edit
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.records import RECORD, VERSION
from registry.store.tables import case_count, cell, pair
from schemas.record import RecordKind
from tests.registry.publications.hold import Case, Held, hold_activity, hold_case, hold_pair, hold_review
from tests.registry.publications.make import Team, count, make_team, make_trust, offset_key, prepare, release

MARCH = date(2025, 3, 1)
PERSON = b"p" * 32


@pytest.fixture
def team(store: Store) -> Team:
    return make_team(store)


def now(store: Store) -> datetime:
    with store.readonly(role="hat_jobs") as connection:
        found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found.astimezone(UTC)


@pytest.fixture
def cases(store: Store, settings: Settings) -> list[Held]:
    """Two trusts with 26 cases in March 2025, some reviewed, one attributed to the other, one event at both."""
    first = make_trust(store, settings, "RA1", "Y58", MARCH)
    other = make_trust(store, settings, "RB1", "Y56", MARCH)
    with store.transaction(role="hat_jobs") as connection:
        for trust in (first, other):
            hold_activity(connection, trust, MARCH, admissions=1000, overnight=400)
        held = [hold_case(connection, first, Case(MARCH)) for _ in range(13)]
        for each in held[:6]:
            hold_review(connection, each, category="inadequate_prophylaxis", preventability="preventable_psii")
        held += [hold_case(connection, other, Case(MARCH)) for _ in range(11)]
        held.append(hold_case(connection, other, Case(MARCH, attributed=first, attribution="disputed")))
        held.append(hold_case(connection, other, Case(MARCH)))
        hold_pair(connection, held[0], held[-1])
    return held


def new_version(connection: Connection, held: Held, **said: object) -> None:
    """A later version of a case, as a file brings it."""
    table, record = VERSION[RecordKind.CASE], RECORD[RecordKind.CASE]
    where = (table.c.tenant_id == held.tenant) & (table.c.record_id == held.id)
    before = connection.execute(select(table).where(where)).mappings().one()
    connection.execute(insert(table).values(**(dict(before) | {"version": 2, "recorded_at": func.now()} | said)))
    mine = (record.c.tenant_id == held.tenant) & (record.c.id == held.id)
    connection.execute(update(record).where(mine).values(version=2))


def released(store: Store, settings: Settings, team: Team) -> int:
    count(store, settings, now(store))
    publication_id = prepare(store, settings, team)
    release(store, team, publication_id, keys=Secrets.load(settings.secrets_dir, ["offset", "signing"]))
    with store.readonly(role="hat_national") as connection:
        return int(connection.scalar(text("select number from published.release where latest")) or 0)


def change_everything(store: Store, cases: list[Held]) -> None:
    """Corrections, withdrawals, new cases and reviews, an answer about an attribution, a pair that is none."""
    record = RECORD[RecordKind.CASE]
    with store.transaction(role="hat_jobs") as connection:
        new_version(connection, cases[1], vte_type="dvt")
        new_version(connection, cases[2], index_month=date(2025, 4, 1))
        mine = record.c.id == cases[3].id
        connection.execute(update(record).where(mine).values(withdrawn_at=func.now()))
        disputed = record.c.id == cases[-2].id
        connection.execute(update(record).where(disputed).values(attribution="accepted", attribution_since=func.now()))
        connection.execute(update(pair).values(state="dismissed", changed_at=func.now()))
        for _ in range(17):
            hold_case(connection, cases[0].tenant, Case(MARCH))
        hold_review(connection, cases[8], category="inadequate_prophylaxis", preventability="not_preventable")
    with store.transaction(tenants=[SYSTEM_TENANT]) as connection:
        edit(connection, cases[-1].tenant, group=None, live_from=date(2025, 4, 1), by=OPERATOR)


def test_a_release_is_rebuilt_to_the_byte_whatever_happened_since(
    store: Store, settings: Settings, team: Team, cases: list[Held]
) -> None:
    first = released(store, settings, team)
    change_everything(store, cases)
    again = rebuilding.rebuild(store, offset_key(settings), first)
    assert again.identical, again
    assert again.cells > 0
    second = released(store, settings, team)
    for number in (first, second):
        assert rebuilding.rebuild(store, offset_key(settings), number).identical
    with store.readonly(role="hat_national") as connection:
        values = connection.execute(select(cell.c.release_id, cell.c.cell_id, cell.c.value)).all()
    assert len({(row.cell_id, row.value) for row in values}) > len({row.cell_id for row in values}), "it did change"


def test_a_release_from_before_a_split_was_counted_is_rebuilt_without_it(
    store: Store, settings: Settings, team: Team, admin: psycopg.Connection
) -> None:
    """As if it had been made when nobody asked why doses were missed yet: past all guards, with the digest of what it then had."""
    months = [date(2025, 2, 1), MARCH]
    trust = make_trust(store, settings, "RA1", "Y58", months[0])
    with store.transaction(role="hat_jobs") as connection:
        for month in months:
            hold_activity(connection, trust, month, admissions=1000, overnight=400)
            for _ in range(13):
                held = hold_case(connection, trust, Case(month))
                hold_review(connection, held, category="inadequate_prophylaxis", preventability="preventable")
    number = released(store, settings, team)
    admin.execute("set session_replication_role = replica")
    for table in ("published.cell", "release.exact_cell"):
        gone = admin.execute(f"delete from {table} where cell_id like '%/missed_dose_reason/%'".encode()).rowcount
        assert gone > 0, table
    admin.execute("update release.publication set data_hash = null")
    again = rebuilding.rebuild(store, offset_key(settings), number)
    assert (again.identical, again.differing) == (True, 0), again


def test_rebuilding_touches_nothing_that_stands(
    store: Store, settings: Settings, team: Team, cases: list[Held]
) -> None:
    number = released(store, settings, team)
    change_everything(store, cases)
    count(store, settings, now(store))
    with store.readonly(role="hat_national") as connection:
        before = connection.execute(select(case_count).order_by(*case_count.c)).all()
    rebuilding.rebuild(store, offset_key(settings), number)
    with store.readonly(role="hat_national") as connection:
        assert connection.execute(select(case_count).order_by(*case_count.c)).all() == before


def test_another_key_is_told_and_a_release_that_never_was_is_not_found(
    store: Store, settings: Settings, team: Team, cases: list[Held]
) -> None:
    number = released(store, settings, team)
    with pytest.raises(ValueError, match="another key"):
        rebuilding.rebuild(store, b"another key of 32 bytes in length", number)
    with pytest.raises(NotFound):
        rebuilding.rebuild(store, offset_key(settings), number + 1)


def test_what_is_not_as_it_was_is_seen(
    store: Store, settings: Settings, team: Team, cases: list[Held], admin: psycopg.Connection
) -> None:
    """By whoever may do everything with the database."""
    number = released(store, settings, team)

    admin.execute(
        "update published.cell set value = value + 5 where cell_id = 'grid-1/admissions/trust/RA1/month/2025-03/total'"
    )
    found = rebuilding.rebuild(store, offset_key(settings), number)
    assert not found.identical
    assert not found.sound
    assert found.differing == 1
    assert found.public != found.from_kept == found.from_records
