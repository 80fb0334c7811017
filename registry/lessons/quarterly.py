"""What the worker does for learning: the draft of each quarter's summary, letters to whoever asked for them, forgetting who did not
confirm, actions that are done by now."""

from collections.abc import Mapping
from datetime import datetime

from registry.identifiers import IdentifierError
from registry.lessons import publishing, subscriptions, summaries
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.submissions.keys import open_keys


def run(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Draft the summary that is due, tell subscribers of the last one that is published, forget what is over, and say which published
    actions are done by now. Safe to run twice."""
    with store.transaction(role="hat_jobs") as connection:
        drafted = summaries.draft(connection, at)
        forgotten = subscriptions.forget(connection, at)
        done = publishing.note_done(connection)
        try:
            keys = open_keys(connection, secrets, SYSTEM_TENANT)
        except IdentifierError:  # nobody has ever asked to be told
            told = 0
        else:
            told = subscriptions.tell(connection, keys, settings, at=at)
    return {"drafted": int(drafted is not None), "told": told, "forgotten": forgotten, "done": done}
