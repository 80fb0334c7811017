"""The keys of one trust, opened for one piece of work."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from registry import identifiers
from registry.settings import Secrets
from registry.store.tables import data_key


@dataclass(frozen=True, slots=True, repr=False)
class TenantKeys:
    """`data` seals; `content` makes the keyed digest that shows a change; `match` finds a person again."""

    data: bytes
    version: int
    content: bytes
    match: bytes


def open_keys(connection: Connection, secrets: Secrets, tenant_id: int) -> TenantKeys:
    """The newest data key of a trust, unwrapped. Raises IdentifierError where it has been destroyed."""
    newest = (
        select(data_key.c.version, data_key.c.wrapped)
        .where(data_key.c.organisation_id == tenant_id)
        .order_by(data_key.c.version.desc())
        .limit(1)
    )
    row = connection.execute(newest).one_or_none()
    if row is None:
        raise identifiers.IdentifierError("This trust has no data key; what it sealed has been erased.")
    return unwrapped(secrets, tenant_id, row.version, row.wrapped)


def unwrapped(secrets: Secrets, tenant_id: int, version: int, wrapped: bytes) -> TenantKeys:
    """The keys that a trust's wrapped data key of a version opens."""
    data = identifiers.unwrap(secrets["master"], tenant_id, wrapped)
    return TenantKeys(
        data=data,
        version=version,
        content=identifiers.derive(data, "content"),
        match=secrets["match"],
    )
