"""A person's own notices: counted, listed, opened. Shown only as long as the right over the organisation is held."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from registry.access import Actor
from registry.errors import NotFound
from registry.notices.kinds import KIND, seen_by

MOST = 100
"""So many are listed, the unread first, then the newest."""

_MAY_SEE = """
    n.person_id = :person and n.tenant_id = any(:notice_tenants)
    and exists (select from unnest(cast(:kinds as text[]), cast(:under as integer[])) as m(kind, tenant_id)
                 where m.kind = n.kind and m.tenant_id = n.tenant_id)
"""
UNREAD = f"""
    select count(*) from (select from records.notice n where n.read_at is null and {_MAY_SEE} limit :most) x
"""
"""How many notices of `:person` are unread, counted up to `:most`; with what `given` gives."""
_LIST = text(f"""
    select n.tenant_id, n.id, n.kind, n.count as number, n.link, n.made_at, n.read_at, o.name as organisation
      from records.notice n join register.organisation o on o.id = n.tenant_id
     where {_MAY_SEE}
     order by n.read_at is not null, n.made_at desc, n.id desc limit :most
""")
_READ = text(f"""
    update records.notice n set read_at = :at where {_MAY_SEE} and n.read_at is null and n.id = coalesce(:id, n.id)
""")
_LINK = text(f"select n.link from records.notice n where {_MAY_SEE} and n.id = :id")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, in words."""

    id: UUID
    words: str
    organisation: str
    made_at: datetime
    read: bool


def given(actor: Actor) -> Mapping[str, Any]:
    """What the queries need to know of whoever asks: which kinds under which organisations."""
    pairs = list(seen_by(actor))
    return {
        "person": actor.id,
        "notice_tenants": sorted({tenant for _, tenant in pairs}),
        "kinds": [kind.name for kind, _ in pairs],
        "under": [tenant for _, tenant in pairs],
    }


def listed(connection: Connection, actor: Actor) -> list[Notice]:
    """One's own, the unread first."""
    rows = connection.execute(_LIST, {**given(actor), "most": MOST})
    return [
        Notice(row.id, KIND[row.kind].words(row.number), row.organisation, row.made_at, row.read_at is not None)
        for row in rows
    ]


def unread(notices: Iterable[Notice]) -> int:
    return sum(not each.read for each in notices)


def opened(connection: Connection, actor: Actor, notice_id: UUID, at: datetime) -> str:
    """Mark one as read and give where it leads. Raises NotFound for any that is not one's own to see."""
    found: str | None = connection.scalar(_LINK, {**given(actor), "id": notice_id})
    if found is None:
        raise NotFound
    connection.execute(_READ, {**given(actor), "id": notice_id, "at": at})
    return found


def read_all(connection: Connection, actor: Actor, at: datetime) -> int:
    """Mark all of one's own as read; gives how many were not."""
    return connection.execute(_READ, {**given(actor), "id": None, "at": at}).rowcount
