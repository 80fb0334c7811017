"""Whether a release is what was audited, approved and signed."""

from datetime import date

import psycopg
import pytest
from sqlalchemy import select

from registry.errors import NotFound
from registry.publications.verifying import verify
from registry.settings import Settings
from registry.store import Store
from registry.store.tables import released
from tests.registry.publications.make import (
    KEYS,
    hold_counts,
    make_team,
    make_trust,
    prepare,
    release,
    split_counts,
)

MARCH = date(2025, 3, 1)


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    trust = make_trust(store, settings, "RA1", "Y58", MARCH)
    with store.transaction(role="hat_jobs") as connection:
        counts = split_counts(40, overnight=30, preventable=8, not_investigated=2)
        hold_counts(connection, trust, MARCH, counts)
    team = make_team(store)
    release(store, team, prepare(store, settings, team))
    with store.readonly(role="hat_reader") as connection:
        return int(connection.execute(select(released.c.number)).scalar_one())


def broken(store: Store, number: int, key: bytes = KEYS["signing"]) -> list[str]:
    return [each.words for each in verify(store, key, number) if not each.kept]


def test_a_release_keeps_what_was_promised(store: Store, number: int) -> None:
    assert broken(store, number) == []
    with pytest.raises(NotFound):
        verify(store, KEYS["signing"], number + 1)


def test_another_key_did_not_sign_it(store: Store, number: int) -> None:
    assert broken(store, number, b"another key of 32 bytes in length"[:32]) == ["The signature is ours"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update published.cell set value = value + 5 where value is not null", "What is public is what"),
        ("update published.place set name = 'Another'", "What is public is what"),
        ("update release.audit_run set report = report || ' '::bytea", "The report of a passed audit is kept"),
        ("delete from release.approval where name = 'A Lead'", "Two people who did not prepare"),
        ("delete from release.audit_run", "The report of a passed audit is kept"),
    ],
)
def test_whatever_was_changed_is_told(
    store: Store, number: int, admin: psycopg.Connection, statement: str, words: str
) -> None:
    """By whoever may do everything with the database."""
    admin.execute(statement.encode())
    assert any(each.startswith(words) for each in broken(store, number))
