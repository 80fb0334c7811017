"""Who holds which role where, as the worker needs it to know whom to tell."""

from datetime import date, datetime

from sqlalchemy import Connection, text

from schemas.days import LONDON

# From the day of a merger also at the predecessors, as people's own requests have it. National roles stand under the registry's own id.
_HOLDERS = text("""
    create temp table holder on commit drop as
    with recursive held as (
        select m.person_id, m.role, coalesce(m.organisation_id, 0) as tenant_id
          from register.membership m join register.person p on p.id = m.person_id
         where m.ended_at is null and p.disabled_at is null
         union
        select held.person_id, held.role, s.predecessor_id
          from held join register.succession s on s.successor_id = held.tenant_id and s.effective_on <= :on
    )
    select tenant_id, person_id, role from held
""")


def hold(connection: Connection, at: datetime) -> None:
    """The table `holder` (tenant_id, person_id, role) for this transaction: open accounts and what they are on that day."""
    connection.execute(_HOLDERS, {"on": day(at)})
    connection.execute(text("analyze holder"))


def day(at: datetime) -> date:
    """The day by London's calendar."""
    return at.astimezone(LONDON).date()
