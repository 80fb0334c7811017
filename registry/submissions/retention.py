"""How long submitted bytes are kept: a set term after the outcome, shorter after a refusal. Digest, counts and findings stay."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from registry.settings import Secrets, Settings
from registry.store import Store
from registry.submissions.request import State

_OVER = """
update records.submission
   set payload_deleted_at = :at, file_name_ct = null
 where payload_deleted_at is null and state <> :waiting
   and finished_at < case when state in (:refused, :failed) then :refused_before else :committed_before end
returning tenant_id, id
"""


def retire(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Delete submitted bytes and file names whose time is over. Gives how many submissions lost theirs."""
    rules = settings.counting
    with store.transaction(role="hat_jobs") as connection:
        over = connection.execute(
            text(
                f"with over as ({_OVER}), gone as (delete from records.payload p using over "
                "where p.tenant_id = over.tenant_id and p.submission_id = over.id) select count(*) from over"
            ),
            {
                "at": at,
                "waiting": State.RECEIVED.value,
                "refused": State.REFUSED.value,
                "failed": State.FAILED.value,
                "refused_before": at - timedelta(days=rules.payload_days_refused),
                "committed_before": at - timedelta(days=rules.payload_days_committed),
            },
        ).scalar_one()
    return {"payloads": int(over)}
