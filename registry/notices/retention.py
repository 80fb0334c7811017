"""What was told and sent is forgotten in time: notices, letters, what was told of, the particulars of invitations that are over."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from registry.settings import Secrets, Settings
from registry.store import Store

READ_KEPT = timedelta(days=90)
SENT_KEPT = timedelta(days=30)
KEPT = timedelta(days=400)
"""What was told of is kept longer than anything is looked back to, and longer than a year, so that nothing is told again too soon."""

_OVER = {
    "notices": text("delete from records.notice where read_at < :read or made_at < :kept"),
    "letters": text("delete from records.outbox where sent_at < :sent or given_up_at < :read"),
    "told": text("delete from records.told where told_at < :kept"),
    "invitations": text(
        "update register.invitation set address = null, name = null where expires_at < :sent and address is not null"
    ),
}


def forget(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Forget what is over. Gives the numbers."""
    given = {"read": at - READ_KEPT, "sent": at - SENT_KEPT, "kept": at - KEPT}
    with store.transaction(role="hat_jobs") as connection:
        return {
            name: connection.execute(each, {key: given[key] for key in each.compile().params}).rowcount
            for name, each in _OVER.items()
        }
