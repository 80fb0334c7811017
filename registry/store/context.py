"""The signed tenant context: which trusts' rows a transaction of `hat_app` may touch.

`app.ctx = 'ids|expiry|hmac'`, set for one transaction and checked by `sec.tenants()` in the database, which owns its copy of
the key. SQL that is smuggled in can set another text, but cannot sign it.
"""

from collections.abc import Collection

from sqlalchemy import Connection

from registry import identifiers
from registry.store.prepared import Prepared

SECONDS = 60  # how long a context holds, from the start of its transaction by the database's clock
BLOCK = 64  # bytes of a block of SHA-256

_NOW = Prepared("select extract(epoch from now())::bigint as seconds")
_SET = Prepared("select set_config('app.ctx', :value, true)")


def signed(key: bytes, tenants: Collection[int], expiry: int) -> str:
    """The text of a context for these tenants until `expiry` (seconds since 1970)."""
    message = f"{','.join(str(int(tenant)) for tenant in sorted(tenants))}|{expiry}"
    return f"{message}|{identifiers.mac(key, message.encode()).hex()}"


def enter(connection: Connection, key: bytes, tenants: Collection[int]) -> None:
    """Give the transaction that has begun on this connection its tenants; they end with it."""
    [now] = _NOW(connection)
    _SET(connection, value=signed(key, tenants, now.seconds + SECONDS))


def leave(connection: Connection) -> None:
    """Give the transaction no tenants, whatever smuggled SQL may have left in the session before it."""
    _SET(connection, value="")


def padded(key: bytes) -> tuple[bytes, bytes]:
    """The key as the database keeps it: the inner and the outer pad of HMAC (RFC 2104)."""
    block = key.ljust(BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
