"""Notices as letters: one letter a person with counts and links, at once or once a day as the person wants it.

A letter is laid into the outbox in the transaction that marks its notices as mailed, so a run that is repeated lays out none. It goes only to
somebody who may still see each thing in it, holds an open account and has an address.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, text

from registry.access import holders
from registry.notices import held
from registry.notices.kinds import KIND, KINDS, Way
from registry.settings import Secrets, Settings
from registry.store import SYSTEM_TENANT, Store
from registry.store.desk import outbox

SUBJECTS = {Way.AT_ONCE: "Something waits for you in the HAT registry", Way.DAILY: "Your day in the HAT registry"}

# What is unread, was not mailed, is wanted this way, and may still be seen. Another worker's rows are left to it.
_WAITING = text("""
    select n.tenant_id, n.id, n.person_id, n.kind, n.count as number, n.link, o.name as organisation
      from records.notice n
      join register.organisation o on o.id = n.tenant_id
      join register.person p on p.id = n.person_id and p.disabled_at is null and p.email is not null
      join unnest(cast(:kinds as text[]), cast(:ways as text[])) as k(kind, way) on k.kind = n.kind
      left join register.notice_preference w on w.person_id = n.person_id and w.kind = n.kind
     where n.read_at is null and n.mailed_at is null and coalesce(w.by_email, k.way) = :way
       and exists (select from holder h
                     join unnest(cast(:right_kinds as text[]), cast(:roles as text[])) as r(kind, role)
                       on r.kind = n.kind and r.role = h.role
                    where h.person_id = n.person_id and h.tenant_id = n.tenant_id)
       and not exists (select from records.outbox b
                        where b.tenant_id = 0 and b.person_id = n.person_id and b.made_at > :since)
     order by n.person_id, o.name, n.made_at, n.id
       for update of n skip locked
""")
_MAILED = text("""
    update records.notice n set mailed_at = :at
      from unnest(cast(:tenants as integer[]), cast(:ids as uuid[])) as m(tenant_id, id)
     where n.tenant_id = m.tenant_id and n.id = m.id
""")


def lay_out(connection: Connection, settings: Settings, at: datetime, way: Way) -> int:
    """One letter for each person with notices that are wanted this way. Gives how many. The table `holder` says who holds which role where.

    At once, nobody gets two within the pause; what comes meanwhile goes with the next.
    """
    pause = settings.mail.pause_minutes if way is Way.AT_ONCE else 0
    found = connection.execute(
        _WAITING, {**_declared(), "way": way.value, "since": at - timedelta(minutes=pause)}
    ).all()
    letters = [(person, tuple(rows)) for person, rows in groupby(found, key=lambda row: row.person_id)]
    if letters:
        connection.execute(insert(outbox), [_letter(settings, at, way, person, rows) for person, rows in letters])
        marked = {"at": at, "tenants": [row.tenant_id for row in found], "ids": [row.id for row in found]}
        connection.execute(_MAILED, marked)
    return len(letters)


def _declared() -> dict[str, list[str]]:
    pairs = [(kind.name, role.value) for kind in KINDS for role in sorted(holders(kind.right))]
    return {
        "kinds": [kind.name for kind in KINDS],
        "ways": [kind.way.value for kind in KINDS],
        "right_kinds": [kind for kind, _ in pairs],
        "roles": [role for _, role in pairs],
    }


def _letter(settings: Settings, at: datetime, way: Way, person: UUID, rows: Iterable[Row[Any]]) -> dict[str, Any]:
    body = text_of(settings.base_url, [Line(row.kind, row.number, row.link, row.organisation) for row in rows])
    return {"tenant_id": SYSTEM_TENANT, "person_id": person, "subject": SUBJECTS[way], "body": body, "made_at": at}


@dataclass(frozen=True, slots=True)
class Line:
    """One notice as a letter says it."""

    kind: str
    count: int
    link: str
    organisation: str


def text_of(base_url: str, lines: Iterable[Line]) -> str:
    """The text of a letter: under each organisation what there is, how many, and where. The address is the configured one."""
    parts = []
    for organisation, here in groupby(lines, key=lambda line: line.organisation):
        parts.append(f"{organisation}\n")
        parts += [f"- {KIND[line.kind].words(line.count)}:\n  {base_url}{line.link}\n" for line in here]
    end = f"What you are written about, and how often, is yours to choose:\n{base_url}/notices/preferences\n"
    return "\n".join([*parts, end])


# --- the day's letter


def digest(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """One letter a person with what is wanted once a day. A second run finds nothing."""
    with store.transaction(role="hat_jobs") as connection:
        held.hold(connection, at)
        return {"letters": lay_out(connection, settings, at, Way.DAILY)}
