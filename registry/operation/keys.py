"""How long keys have been in use: none of them ends by itself, so somebody has to be told to change them. Their dates, never a key."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import Connection, text

from registry.operation.asking import Asking
from registry.store import APP, Store

# Of data keys those that seal, of which there is one a trust; of clients those that may still come, whose keys were given them by hand.
_SINCE = text(
    """select kind, extract(epoch from made_at) as since from register.key_version where state = 'in use'
       union all
       select 'data', extract(epoch from min(made_at)) from register.data_key where state = 'seals' having count(*) > 0
       union all
       select 'client', extract(epoch from min(coalesce(keys_replaced_at, made_at))) from register.client
        where disabled_at is null having count(*) > 0"""
)
_ENDS = text(
    "select extract(epoch from min(expires_at)) from register.api_token where revoked_at is null and expires_at > now()"
)


def keys(store: Store) -> Asking:
    """With the web's role. Nothing of it where the database is away, which other numbers tell."""
    return Asking(store, APP, dates)


def dates(connection: Connection) -> Iterator[Metric]:
    """Since when the oldest key of each kind is in use, and when the next API token ends; left out where there is none."""
    since = GaugeMetricFamily(
        "hat_key_since_timestamp_seconds", "Since when the oldest key in use is.", labels=["kind"]
    )
    for row in connection.execute(_SINCE):
        since.add_metric([row.kind], float(row.since))
    yield since
    ends = connection.scalar(_ENDS)
    if ends is not None:
        yield GaugeMetricFamily("hat_token_ends_timestamp_seconds", "When the next API token ends.", value=float(ends))
