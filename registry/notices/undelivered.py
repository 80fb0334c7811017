"""The registry's own letters that did not leave: how many, since when and for which reason. Nothing of what they say, or of whom.

These are the letters to people with an account and to subscribers. What a trust sends itself, such as a consultant's link, is in the
trust's own rows, and its people are told by a notice.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from registry.access import Actor
from registry.notices.carriers import Reason
from registry.store import SYSTEM_TENANT, audit

UNKNOWN = "no reason was noted"

_HELD = text("""
    select case when given_up_at is not null then 'given up' when tries > 0 then 'put off' else 'waiting' end as state,
           case when given_up_at is not null or tries > 0 then reason end as reason,
           count(*) as number, min(made_at) as oldest, max(tried_at) as tried
      from records.outbox where tenant_id = :tenant and sent_at is null
     group by 1, 2 order by 1 desc, 2
""")
_AGAIN = text("""
    update records.outbox o set tries = 0, tried_at = null
      from (select tenant_id, id from records.outbox
             where tenant_id = :tenant and sent_at is null and given_up_at is null and tries > 0
               for update skip locked) w
     where o.tenant_id = w.tenant_id and o.id = w.id
""")


@dataclass(frozen=True, slots=True)
class Held:
    """So many letters in one state (`waiting`, `put off`, `given up`) for one reason."""

    state: str
    reason: str | None
    number: int
    oldest: datetime
    tried: datetime | None

    @property
    def words(self) -> str:
        if self.state == "waiting":
            return ""
        return Reason(self.reason).words if self.reason in set(Reason) else UNKNOWN


def held(connection: Connection) -> list[Held]:
    """What lies in the outbox of the registry, in the context of its own rows."""
    return [Held(**row._mapping) for row in connection.execute(_HELD, {"tenant": SYSTEM_TENANT})]


def try_again(connection: Connection, *, by: Actor) -> int:
    """Let the worker try at once what it put off, as if for the first time; gives how many. What it has in hand just now is left to it,
    and what was given up is empty and stays so."""
    number = connection.execute(_AGAIN, {"tenant": SYSTEM_TENANT}).rowcount
    if number:
        audit.record(
            connection, tenant=SYSTEM_TENANT, actor=by.label, role=by.role, action="letters tried again",
            object_type="outbox", object_id="several", detail={"letters": number},
        )  # fmt: skip
    return number
