"""People and programs: who they are, how they prove it, what they are for whom. Every write is audited in its transaction.

Secrets (session ids, tokens, links) are 256 random bits, given out once and kept as SHA-256; passwords as argon2id. All clocks
are the database's. The writing functions need a transaction of `SYSTEM_TENANT`, under which they are audited.
"""

import secrets
from collections.abc import Mapping

from sqlalchemy import Connection

from registry.access import Actor
from registry.identifiers import digest
from registry.store import SYSTEM_TENANT, audit


def new_secret() -> str:
    """256 random bits in 43 letters that may stand in an address."""
    return secrets.token_urlsafe(32)


def secret_digest(secret: str) -> bytes:
    """As what a secret is kept and looked up."""
    return digest(secret.encode())


def note(
    connection: Connection,
    by: Actor,
    action: str,
    object_type: str,
    object_id: object,
    detail: Mapping[str, audit.Detail],
    change: audit.Change | None = None,
) -> None:
    """One line of the registry's own audit chain."""
    audit.record(
        connection,
        tenant=SYSTEM_TENANT,
        actor=by.label,
        role=by.role,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        detail=detail,
        change=change,
    )
