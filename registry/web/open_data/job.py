"""The worker's job of the release desk: audits, with the files of open data that belong to what has passed; and what is due."""

from collections.abc import Mapping
from datetime import datetime

from registry.publications import auditing
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.web.open_data.making import files


def work(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """As `auditing.work`, and the files are made with it."""
    return auditing.work(store, secrets, settings, at, files=files)
