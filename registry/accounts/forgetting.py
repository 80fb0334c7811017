"""What the worker forgets of how people and programs proved who they are, once its time is over."""

from collections.abc import Mapping
from datetime import datetime

from registry.accounts import clients, guessing, identities
from registry.settings import Secrets, Settings
from registry.store import Store


def forget(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Forget access tokens, assertions, wrong tries and sign-ins at a provider whose time is over."""
    effect = dict(clients.forget(store, secrets, settings, at))
    with store.transaction(role="hat_jobs") as connection:
        return effect | {"tries": guessing.forget(connection, at), "flows": identities.forget(connection, at)}
