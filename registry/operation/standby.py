"""Whether the database that answers the public pages is a standby, and how far it is behind."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, text

from registry.operation.asking import Asking
from registry.store import Store
from registry.store.connections import PUBLIC_ROLE

_ASKED = text(
    """select pg_is_in_recovery() as standby,
              exists (select from pg_stat_wal_receiver) as follows,
              case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
                   else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end as behind"""
)


@dataclass(frozen=True, slots=True)
class Standing:
    """`behind` is in seconds: how old the last change is that it shows, while others have come that it does not show yet."""

    standby: bool
    follows: bool
    behind: float


def standing(connection: Connection) -> Standing:
    """Of the server behind a connection. A standby whose source is away goes on answering: it does not follow, and is behind nothing known."""
    found = connection.execute(_ASKED).one()
    return Standing(found.standby, found.follows, float(found.behind or 0) if found.standby else 0.0)


def standby(store: Store) -> Asking:
    """Nothing of it but that it is away, where the public role's database does not answer."""
    return Asking(store, PUBLIC_ROLE, _told, away=[_up(0)])


def _told(connection: Connection) -> Iterator[Metric]:
    found = standing(connection)
    yield _up(1)
    if found.standby:
        yield GaugeMetricFamily("hat_standby_behind_seconds", "How far the standby is behind.", value=found.behind)
        yield GaugeMetricFamily(
            "hat_standby_follows", "Whether the standby is connected to its source.", value=found.follows
        )


def _up(value: int) -> Metric:
    return GaugeMetricFamily("hat_public_database_up", "Whether the public pages' database answers.", value=value)
