"""From records to published figures: count, protect, release. Each step reads only what the one before it wrote."""

from collections.abc import Mapping
from datetime import datetime

from registry.publications import counting, refreshing, strata
from registry.settings import Secrets, Settings
from registry.store import Store


def count(store: Store, _secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """The nightly job: count everything anew as at `at`. Safe to run twice; gives what came of it in numbers."""
    with store.transaction(role="hat_jobs") as connection:
        found = counting.count(connection, settings.counting, at, settings.desk)
        return found | strata.fill(connection, at)


def refresh(store: Store, _secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Count what was touched since the last count, as at `at`. Safe to run twice; gives how much of it in numbers."""
    with store.transaction(role="hat_jobs") as connection:
        return refreshing.refresh(connection, settings.counting, at, settings.desk)
