"""The keys of one trust, opened for one piece of work.

They are asked for within the transaction that uses them, and are good for that transaction only: a rotation waits for those that have
begun before it goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert

from registry import identifiers
from registry.settings import Secrets
from registry.store.prepared import Prepared
from registry.store.records import MATCH_COLUMNS
from registry.store.tables import data_key

MASTER_LOCK = "select pg_advisory_xact_lock_shared(hashtext('keys'), hashtext('master'))"
"""Held by whoever wraps a data key, so that the master key is not rotated meanwhile."""
MASTER_LOCK_ALONE = "select pg_advisory_xact_lock(hashtext('keys'), hashtext('master'))"

Ring = Mapping[str, Any]
"""What the database has of a trust's keys, as `ring_of` asks for it: the wrapped data keys, and where match keys stand."""


@dataclass(frozen=True, slots=True, repr=False)
class TenantKeys:
    """`data` seals, as the `version` that it is; `opens` has every version under which something may be sealed; `content` makes the
    keyed digest that shows a change; `match` has, by column of the cases, the key that finds a person again."""

    data: bytes
    version: int
    opens: Mapping[int, bytes]
    root: bytes
    content: bytes
    match: Mapping[str, bytes]

    def derived(self, purpose: str) -> bytes:
        """A key of the trust for one purpose; it stays the same when the data key is rotated."""
        return identifiers.expand(self.root, purpose)


def ring_of(tenant: str) -> str:
    """The SQL of a trust's `Ring`, null where it has no data key; `tenant` is the SQL of its id."""
    return f"""(select jsonb_build_object(
                   'keys', jsonb_agg(jsonb_build_array(d.version, d.state, encode(d.wrapped, 'hex'))),
                   'match', (select jsonb_agg(jsonb_build_array(m.version, m.place)) from register.key_version m
                              where m.kind = 'match' and m.state in ('filling', 'in use')))
              from register.data_key d where d.organisation_id = {tenant} having count(*) > 0)"""  # noqa: S608 (a column of ours)


_RING = Prepared(f"select {ring_of('cast(:tenant as integer)')} as ring")
_MATCH = Prepared(
    "select version from register.key_version where kind = 'match' and place is not null order by version"
)
_MASTER = Prepared("select version from register.key_version where kind = 'master' and state = 'in use'")


def open_keys(connection: Connection, secrets: Secrets, tenant_id: int) -> TenantKeys:
    """The keys of a trust. Raises IdentifierError where they have been destroyed."""
    return unwrapped(secrets, tenant_id, ring(connection, tenant_id))


def ring(connection: Connection, tenant_id: int) -> Ring | None:
    """What the database has of a trust's keys."""
    [row] = _RING(connection, tenant=tenant_id)
    found: Ring | None = row.ring
    return found


def unwrapped(secrets: Secrets, tenant_id: int, found: Ring | None) -> TenantKeys:
    """The keys that a ring opens. Raises IdentifierError where there is none, or the master key has forgotten the trust."""
    data, version, opens, root = data_keys(secrets, tenant_id, found)
    return TenantKeys(
        data=data,
        version=version,
        opens=opens,
        root=root,
        content=identifiers.expand(root, "content"),
        match={place: secrets.version("match", number) for number, place in (found or {})["match"]},
    )


def data_keys(secrets: Secrets, tenant_id: int, found: Ring | None) -> tuple[bytes, int, Mapping[int, bytes], bytes]:
    """Of a trust's data keys the one that seals, its version, all by version, and the root of its digests. Raises as `unwrapped`."""
    if found is None:
        raise identifiers.IdentifierError("This trust has no data key; what it sealed has been erased.")
    opened = {
        version: (state, *_unwrap(secrets, tenant_id, bytes.fromhex(wrapped)))
        for version, state, wrapped in found["keys"]
    }
    newest = max(version for version, (state, _, _) in opened.items() if state == "seals")
    return opened[newest][1], newest, {version: data for version, (_, data, _) in opened.items()}, opened[newest][2]


def _unwrap(secrets: Secrets, tenant_id: int, wrapped: bytes) -> tuple[bytes, bytes]:
    master = secrets.version("master", identifiers.key_version(wrapped))
    return identifiers.unwrap_with_root(master, tenant_id, wrapped)


def person_keys(connection: Connection, secrets: Secrets, nhs_number: str) -> list[bytes]:
    """The keys under which a person may be found in any column of `MATCH_COLUMNS`. Raises IdentifierError for what is no ten digits."""
    versions = [row.version for row in _MATCH(connection)]
    return [identifiers.match_key(secrets.version("match", version), nhs_number) for version in versions]


def is_person(record: str, parameter: str) -> str:
    """The SQL of whether a case is of the person whose keys a parameter has."""
    return "({})".format(" or ".join(f"{record}.{name} = any({parameter})" for name in MATCH_COLUMNS))


def same_person(one: str, other: str) -> str:
    """The SQL of whether two cases, or a case and a staged row, are of one person: in one column or the other both are complete."""
    return "({})".format(" or ".join(f"{one}.{name} = {other}.{name}" for name in MATCH_COLUMNS))


def make_data_key(connection: Connection, secrets: Secrets, tenant_id: int) -> None:
    """Give a trust its first data key, under the master key that is in use; nothing where it has one."""
    connection.execute(text(MASTER_LOCK))
    version = master_in_use(connection)
    wrapped = identifiers.wrap(
        secrets.version("master", version), tenant_id, identifiers.new_data_key(), version=version
    )
    made = insert(data_key).values(organisation_id=tenant_id, version=1, wrapped=wrapped)
    connection.execute(made.on_conflict_do_nothing())


def master_in_use(connection: Connection) -> int:
    """The version of the master key under which data keys are wrapped now."""
    [in_use] = _MASTER(connection)
    version: int = in_use.version
    return version
