"""What the check of units must know of the trust that sends them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ingest.check import Context
from registry.errors import Conflict
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store.prepared import Prepared
from registry.submissions.keys import TenantKeys, ring_of, unwrapped
from registry.submissions.senders import screened
from schemas.codelist import Nation
from schemas.days import LONDON


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust with its keys open. `screened`: it must declare that the national opt-out was applied."""

    code: str
    nation: Nation
    screened: bool
    keys: TenantKeys

    def context(self, settings: Settings, at: datetime) -> Context:
        return Context(
            nation=self.nation,
            sender=self.code,
            on=at.astimezone(LONDON).date(),
            synthetic=settings.demo,
            transfer_hours=settings.counting.transfer_hours,
        )


_TRUST = Prepared(
    f"""select o.code, o.nation, m.mode, {ring_of("o.id")} as ring
          from register.organisation o left join register.opt_out_mode m on m.nation = o.nation where o.id = :tenant"""
)


def open_trust(connection: Connection, secrets: Secrets, tenant_id: int) -> Trust:
    """A trust by its id. Raises Conflict where its key was destroyed."""
    [row] = _TRUST(connection, tenant=tenant_id)
    try:
        keys = unwrapped(secrets, tenant_id, row.ring)
    except IdentifierError:
        raise Conflict(
            "What this organisation sent was sealed for good: its key was destroyed. Nothing can be sent or opened for it."
        ) from None
    return Trust(row.code, Nation(row.nation), screened(row.nation, row.mode), keys)
