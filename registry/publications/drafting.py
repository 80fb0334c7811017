"""The month's draft of a release, made by the timetable: prepared and handed to the audit. Two people approve it, or discard it."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version

from sqlalchemy import Connection, func, select

from registry.publications import protecting, releasing
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.tables import publication, trust_month

ROLE = "hat_national"


def draft_of_the_month(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """The job: a draft of the figures as they were last counted. Safe to run twice.

    Nothing is made while another publication is on its way, nor of counts that were prepared before.
    """
    with store.transaction(role=ROLE) as connection:
        protecting.lock(connection)
        if not _is_due(connection):
            return {"drafts": 0}
        made = protecting.prepare(
            connection,
            by=None,
            at=at,
            key=secrets["offset"],
            rules=settings.counting,
            code_version=version("hat-registry"),
        )
        releasing.ask_audit(connection, by=None, publication_id=made, at=at)
    return {"drafts": 1}


def _is_due(connection: Connection) -> bool:
    counted = connection.scalar(select(func.max(trust_month.c.counted_at)))
    prepared = connection.scalar(select(func.max(publication.c.cut_at)))
    return (
        counted is not None and (prepared is None or prepared < counted) and protecting.open_draft(connection) is None
    )
