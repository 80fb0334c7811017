"""The audit log: who did what, chained by a MAC within each tenant, added to and never changed.

`mac = HMAC-SHA-256(key of the chain, previous mac, sequence, time, body)`; each tenant's key is derived from the audit key, so that a
trust can be given its own and check its chain by itself. A changed or a missing entry breaks the chain; an end that was cut off shows
only against an anchor kept elsewhere (`head` gives it, `verify` takes it).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from registry import identifiers
from registry.store.prepared import Prepared
from registry.store.tables import audit

CHAIN_LOCK = 0x4855  # class of the advisory locks; the tenant is the object
START = bytes(32)  # the MAC before the first

Detail = str | int | bool | None | Sequence["Detail"] | Mapping[str, "Detail"]

_END = Prepared("select sequence, mac from records.audit where tenant_id = :tenant order by sequence desc limit 1")
_LOCKED_END = Prepared("select at, sequence, mac from records.chain_end(:lock, :tenant)")
_ADD = Prepared(insert(audit), [column.name for column in audit.c])


@dataclass(frozen=True, slots=True)
class Within:
    """The request in which something is done: its number, and the digest of the session once it is known who asks."""

    request_id: str
    session: Callable[[], bytes | None] = lambda: None


WITHIN: ContextVar[Within | None] = ContextVar("within", default=None)
"""Set by the edge, for as long as a request lasts; jobs and the command line have none."""
SESSION_BYTES = 8
"""So much of a session's digest tells one session from another, and opens none."""


@dataclass(frozen=True, slots=True)
class Change:
    """What something was, and what it is now: None for nothing. Plain values, in any nesting; they may be a patient's."""

    old: object
    new: object


@dataclass(frozen=True, slots=True)
class Link:
    """Where a chain ends."""

    sequence: int
    mac: bytes


@dataclass(frozen=True, slots=True)
class ChainFault:
    """One entry that is not as it was written, or the gap before it."""

    sequence: int
    words: str


def record(
    connection: Connection,
    *,
    tenant: int,
    actor: str,
    role: str,
    action: str,
    object_type: str,
    object_id: str,
    detail: Mapping[str, Detail] | None = None,
    change: Change | None = None,
) -> None:
    """Add an entry to the tenant's chain; it stands or falls with the transaction. Call it last: it locks the chain till the end.

    `detail` holds counts, codes and ids, never a value of a patient; floats are refused (TypeError), for they do not come back
    from the database digit by digit. Of a `change` it holds `old` and `new` as digests (`fingerprint`). The time is the database's.
    Where the entry cannot be written the database's error ends the transaction.
    """
    key = _held_key(connection)
    told = dict(detail or {}) | (_told(key, tenant, change) if change else {})
    [last] = _LOCKED_END(connection, lock=CHAIN_LOCK, tenant=tenant)
    entry = {
        "tenant_id": tenant, "sequence": (last.sequence or 0) + 1, "at": last.at, "actor": actor, "role": role, "action": action,
        "object_type": object_type, "object_id": object_id, "detail": told, **_within(),
    }  # fmt: skip
    _ADD(connection, **entry, mac=_mac(chain_key(key, tenant), last.mac or START, entry))


def fingerprint(key: bytes, tenant: int, value: object) -> str:
    """A digest of a value, keyed: only who holds the audit key can tell whether a guess is right, and a tenant's own key is not enough.

    Equal for equal values, whatever the order of their names; of one tenant only. 128 bits, hexadecimal.
    """
    written = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return identifiers.mac(identifiers.derive(key, f"audit content {tenant}"), written.encode())[:16].hex()


def _told(key: bytes, tenant: int, change: Change) -> dict[str, Detail]:
    values = {"old": change.old, "new": change.new}
    return {name: None if value is None else fingerprint(key, tenant, value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def _within() -> dict[str, str | None]:
    """The number of the request, and the session, by the beginning of its digest."""
    within = WITHIN.get()
    session = within.session() if within else None
    return {
        "request_id": within.request_id if within else None,
        "session": session[:SESSION_BYTES].hex() if session else None,
    }


def head(connection: Connection, tenant: int) -> Link:
    """Where the tenant's chain ends now: what to keep elsewhere as an anchor. Sequence 0 before the first entry."""
    found = _END(connection, tenant=tenant)
    return Link(found[0].sequence, found[0].mac) if found else Link(0, START)


def chain_key(key: bytes, tenant: int) -> bytes:
    """The key of one tenant's chain. Whoever holds it can check that chain, and nothing of another's."""
    return identifiers.derive(key, f"audit chain {tenant}")


def own_key(connection: Connection, tenant: int) -> bytes:
    """The key of a tenant's chain, from the audit key that the connection's store holds."""
    return chain_key(_held_key(connection), tenant)


def _held_key(connection: Connection) -> bytes:
    key: bytes | None = connection.get_execution_options().get("audit_key")
    if key is None:
        raise ValueError("this store holds no audit key, so nothing that has to be audited can be done with it")
    return key


def entries(connection: Connection, tenant: int) -> Iterator[Mapping[str, Any]]:
    """Every entry of the tenant's chain, in order, read in portions."""
    rows = connection.execution_options(yield_per=5000).execute(
        select(audit).where(audit.c.tenant_id == tenant).order_by(audit.c.sequence)
    )
    for row in rows.mappings():
        yield dict(row)


def verify(connection: Connection, tenant: int, key: bytes, anchor: Link | None = None) -> list[ChainFault]:
    """What is wrong with the tenant's chain under the audit key; as `check`."""
    return check(entries(connection, tenant), chain_key(key, tenant), anchor)


def check(written: Iterable[Mapping[str, Any]], key: bytes, anchor: Link | None = None) -> list[ChainFault]:
    """What is wrong with a chain, given its entries in order and its own key; empty if every entry is as it was written.

    With an `anchor` from before, also whether that entry still stands as it did. A faulty entry is told once: those after it are
    measured against the MAC it has.
    """
    faults: list[ChainFault] = []
    last = Link(0, START)
    anchored = anchor is None or anchor.sequence == 0
    for row in written:
        if row["sequence"] != last.sequence + 1:
            faults.append(ChainFault(row["sequence"], "entries before this one are missing"))
        if not identifiers.same(_mac(key, last.mac, dict(row)), row["mac"]):
            faults.append(ChainFault(row["sequence"], "this entry, or the one before it, is not as it was written"))
        last = Link(row["sequence"], row["mac"])
        anchored = anchored or last == anchor
    if not anchored and anchor is not None:
        faults.append(ChainFault(anchor.sequence, "the entry noted elsewhere is missing or is another one"))
    return faults


def _mac(key: bytes, previous: bytes, entry: Mapping[str, Any]) -> bytes:
    at: datetime = entry["at"]
    body = [entry[name] for name in ("tenant_id", "actor", "role", "action", "object_type", "object_id")]
    # Entries of before there were these have neither, and none that has one passes for one that has not.
    asked = {name: entry[name] for name in ("request_id", "session") if entry.get(name)}
    written = identifiers.canonical(
        previous,
        entry["sequence"],
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        *body,
        _json(entry["detail"]),
        *([_json(asked)] if asked else []),
    )
    return identifiers.mac(key, written)


def _json(detail: Mapping[str, Any]) -> str:
    _refuse_floats(detail)
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError("an audit entry holds no floats")
    if isinstance(value, Mapping):
        for each in value.values():
            _refuse_floats(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _refuse_floats(each)
