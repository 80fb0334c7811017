"""Since when keys are in use, as the alarms ask for it."""

import psycopg
import pytest

from registry.operation.keys import dates
from registry.settings import Settings
from registry.store import Store
from tests.registry.accounts.make import database_now, registered
from tests.registry.web.visitors import house
from tests.running import token

TOKENS = "hat_token_ends_timestamp_seconds"


def shown(store: Store) -> dict[tuple[str, str], float]:
    with store.readonly() as connection:
        found = [each for metric in dates(connection) for each in metric.samples]
    return {(each.name, each.labels.get("kind", "")): each.value for each in found}


def days_ago(store: Store, kind: str) -> int:
    since = shown(store)["hat_key_since_timestamp_seconds", kind]
    with store.readonly() as connection:
        now: float = connection.exec_driver_sql("select extract(epoch from now())::float").scalar_one()
    return round((now - since) / 86400)


@pytest.fixture
def aged(settings: Settings, store: Store, admin: psycopg.Connection) -> Store:
    full = house(settings, store)
    for code in ("RRV", "RH5"):
        registered(full, code)
    token(full, "RRV")
    database_now(full)
    for words in (
        "update register.key_version set made_at = now() - interval '500 days' where kind = 'master'",
        "update register.data_key set made_at = now() - interval '30 days'",
        "update register.data_key set made_at = now() - interval '90 days' where organisation_id = (select min(organisation_id) from register.data_key)",
        "update register.client set made_at = now() - interval '450 days'",
    ):
        admin.execute(words.encode())
    admin.commit()
    return store


def test_the_oldest_of_each_kind_counts(aged: Store) -> None:
    assert {kind: days_ago(aged, kind) for kind in ("master", "match", "data", "client")} == {
        "master": 500, "match": 0, "data": 90, "client": 450,
    }  # fmt: skip


def test_what_is_over_does_not_count(aged: Store, admin: psycopg.Connection) -> None:
    admin.execute("update register.client set keys_replaced_at = now() - interval '3 days'")
    admin.execute("update register.data_key set state = 'opens' where made_at < now() - interval '80 days'")
    admin.commit()
    assert (days_ago(aged, "client"), days_ago(aged, "data")) == (3, 30)
    admin.execute("update register.client set disabled_at = now()")
    admin.commit()
    assert ("hat_key_since_timestamp_seconds", "client") not in shown(aged)


def test_the_next_token_that_ends(aged: Store, admin: psycopg.Connection) -> None:
    assert (TOKENS, "") not in shown(aged)
    admin.execute("update register.api_token set expires_at = now() + interval '5 days'")
    admin.commit()
    ends = shown(aged)[TOKENS, ""]
    admin.execute("update register.api_token set revoked_at = now()")
    admin.commit()
    assert ends > 0
    assert (TOKENS, "") not in shown(aged)
