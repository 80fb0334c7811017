"""`Prefer: return=representation`: what was stored, as it can be read again, beside the answer to its sending."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from registry.access import Actor, Right
from registry.store import Store
from registry.submissions import held
from registry.submissions.held import Held
from registry.web.fhir.readable import READABLE, note, resource

Resource = dict[str, Any]


def with_resources(store: Store, actor: Actor, entries: Sequence[Resource]) -> list[Resource]:
    """The entries with the resources that they tell of, where the asker may read those. That they were read is noted."""
    tenants = actor.tenants(Right.READ_CASES)
    with store.transaction(tenants=tenants) as connection:
        found = [_held(connection, actor, tenants, each["response"]) for each in entries]
        read = {each.id: each for _, each in filter(None, found)}
        note(connection, actor, list(read.values()), "representation read", "search", "Bundle")
    return [
        each if one is None else {"resource": resource(READABLE[one[0]], one[1])} | each
        for each, one in zip(entries, found, strict=True)
    ]


def _held(
    connection: Connection, actor: Actor, tenants: Sequence[int], response: Mapping[str, Any]
) -> tuple[str, Held] | None:
    """The version that a response's location names, and as what it is read."""
    if "location" not in response:
        return None
    resource_type, record, _, number = response["location"].split("/")
    readable = READABLE[resource_type]
    if not actor.allows(readable.scope):
        return None
    found = held.version(connection, readable.kinds, tenants, UUID(record), int(number))
    return None if found is None else (resource_type, found)
