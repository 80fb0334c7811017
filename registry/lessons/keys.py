"""The registry's own key: it seals what moderators read and where subscribers are told. Made when it is first needed."""

from sqlalchemy import Connection

from registry import identifiers
from registry.identifiers import IdentifierError
from registry.settings import Secrets
from registry.store import SYSTEM_TENANT
from registry.submissions.keys import TenantKeys, make_data_key, open_keys


def own_keys(connection: Connection, secrets: Secrets) -> TenantKeys:
    """The registry's own keys, opened in a transaction that may write."""
    try:
        return open_keys(connection, secrets, SYSTEM_TENANT)
    except IdentifierError:
        make_data_key(connection, secrets, SYSTEM_TENANT)
    return open_keys(connection, secrets, SYSTEM_TENANT)


def seal(keys: TenantKeys, table: str, row: object, column: str, words: str) -> bytes:
    """A text of the registry's own, sealed at its place."""
    return identifiers.seal(keys.data, words, _place(table, row, column), version=keys.version)


def unseal(keys: TenantKeys, table: str, row: object, column: str, sealed: bytes | None) -> str | None:
    """The text again; None where there is none."""
    return None if sealed is None else identifiers.open_sealed(keys.opens, sealed, _place(table, row, column))


def _place(table: str, row: object, column: str) -> bytes:
    return identifiers.cell_aad(SYSTEM_TENANT, table, str(row), column)
