"""One try at a password or a code: counted before it is looked at, noted where it was wrong, given back where it was right."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection
from starlette.requests import Request

from registry.access import Actor
from registry.accounts import guessing, note, second_factor, sessions
from registry.accounts.guessing import Try
from registry.accounts.sessions import Half, How
from registry.lessons.keys import own_keys
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.keys import TenantKeys
from registry.web.addresses import address_of
from registry.web.uploads import secrets_of


def registry_keys(request: Request, connection: Connection) -> TenantKeys:
    """The registry's own keys, opened in a transaction that may write."""
    return own_keys(connection, secrets_of(request.app.state))


def take(request: Request, **of: str) -> Try:
    """Count a try of a `name=` or `person=`, and of the address it comes from. Raises TooMany while a pause lasts."""
    with store_of(request).transaction() as connection:
        keys = registry_keys(request, connection)
        rules = request.app.state.settings.guessing
        return guessing.take(connection, keys, rules, **of, address=address_of(request))


def finish(request: Request, begun: Half, typed: str) -> str | None:
    """The secret of the whole session, where the code is right; None, and noted, where it is not."""
    tried = take(request, person=str(begun.person_id))
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        how = _accepted(request, connection, begun.person_id, typed)
        secret = sessions.finish(connection, begun, how) if how else None
        if secret is None:
            sessions.refused_code(connection, begun)
        else:
            guessing.give_back(connection, tried)
    return secret


def renew(request: Request, by: Actor, typed: str) -> str | None:
    """The secret of the same session under a new id, where the code is right; None, and noted, where it is not."""
    assert by.id is not None, "programs are never asked"
    tried = take(request, person=str(by.id))
    with store_of(request).transaction(tenants=[SYSTEM_TENANT]) as connection:
        how = _accepted(request, connection, by.id, typed)
        if how is None:
            note(connection, by, "second factor refused", "person", by.id, {})
            return None
        secret = sessions.renew(connection, by, how)
        guessing.give_back(connection, tried)
    return secret


def _accepted(request: Request, connection: Connection, person_id: UUID, typed: str) -> How | None:
    keys = registry_keys(request, connection)
    return second_factor.accept(connection, keys, person_id, typed, datetime.now(UTC))


def store_of(request: Request) -> Store:
    held: Store = request.app.state.store
    return held
