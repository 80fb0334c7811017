"""The domains in which a trust's consultants have their e-mail addresses: links to cases go there and nowhere else."""

import re

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry.cases.desk import Desk
from registry.errors import NotFound, Unprocessable
from registry.store import audit
from registry.store.desk import allowed_domain

LONGEST_ADDRESS = 254
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


def allowed(connection: Connection, tenant_id: int) -> tuple[str, ...]:
    """The domains in which a trust's consultants have their addresses."""
    held = select(allowed_domain.c.domain).where(
        allowed_domain.c.tenant_id == tenant_id, allowed_domain.c.ended_at.is_(None)
    )
    return tuple(connection.scalars(held.order_by(allowed_domain.c.domain)))


def allow(desk: Desk, domain: str) -> None:
    """Let links go to addresses of a domain and of nothing below it. Raises Unprocessable for what is no domain."""
    name = domain.strip().lower().removeprefix("@")
    if len(name) > LONGEST_ADDRESS or not _DOMAIN.fullmatch(name):
        raise Unprocessable(errors=[("domain", "Enter the part of the address after the @, such as trust.nhs.uk")])
    values = {"added_by": desk.by.label, "added_at": desk.at, "ended_at": None}
    added = insert_or(allowed_domain).values(tenant_id=desk.tenant_id, domain=name, **values)
    desk.connection.execute(added.on_conflict_do_update(index_elements=["tenant_id", "domain"], set_=values))
    _audit(desk, "address domain allowed", name)


def disallow(desk: Desk, domain: str) -> None:
    """Let no more links go there; those that went stay good. Raises NotFound for one that is not allowed."""
    ended = update(allowed_domain).where(
        allowed_domain.c.tenant_id == desk.tenant_id,
        allowed_domain.c.domain == domain,
        allowed_domain.c.ended_at.is_(None),
    )
    if desk.connection.execute(ended.values(ended_at=desk.at)).rowcount == 0:
        raise NotFound
    _audit(desk, "address domain ended", domain)


def _audit(desk: Desk, action: str, domain: str) -> None:
    audit.record(
        desk.connection,
        tenant=desk.tenant_id,
        actor=desk.by.label,
        role=desk.by.role,
        action=action,
        object_type="domain",
        object_id=domain,
    )
