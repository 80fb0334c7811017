"""What the check of units must know of the trust that sends them."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, bindparam, select

from ingest.check import Context
from registry.errors import Conflict
from registry.identifiers import IdentifierError
from registry.settings import Secrets, Settings
from registry.store.prepared import Prepared
from registry.store.tables import data_key, opt_out_mode, organisation
from registry.submissions.keys import TenantKeys, unwrapped
from registry.submissions.senders import screened
from schemas.codelist import Nation

LONDON = ZoneInfo("Europe/London")


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
    select(organisation.c.code, organisation.c.nation, opt_out_mode.c.mode, data_key.c.version, data_key.c.wrapped)
    .join_from(organisation, opt_out_mode, organisation.c.nation == opt_out_mode.c.nation, isouter=True)
    .join(data_key, and_(data_key.c.organisation_id == organisation.c.id), isouter=True)
    .where(organisation.c.id == bindparam("tenant"))
    .order_by(data_key.c.version.desc())
    .limit(1)
)


def open_trust(connection: Connection, secrets: Secrets, tenant_id: int) -> Trust:
    """A trust by its id. Raises Conflict where its key was destroyed."""
    [row] = _TRUST(connection, tenant=tenant_id)
    try:
        if row.wrapped is None:
            raise IdentifierError("there is no data key")
        keys = unwrapped(secrets, tenant_id, row.version, row.wrapped)
    except IdentifierError:
        raise Conflict(
            "What this organisation sent was sealed for good: its key was destroyed. Nothing can be sent or opened for it."
        ) from None
    return Trust(row.code, Nation(row.nation), screened(row.nation, row.mode), keys)
