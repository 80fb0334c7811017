"""Warnings: whoever's account was changed is written to, whatever they prefer, so that a change that was not theirs comes to light.

They are drawn from the registry's own audit log. Whoever has just been made an account is not warned of its beginning.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, insert, text

from registry.store import SYSTEM_TENANT
from registry.store.desk import outbox

SUBJECT = "Your account in the HAT registry was changed"
WARNED_OF = {
    "password set": "Its password was set.",
    "role given": "It was given a role.",
    "role ended": "A role of it ended.",
    "roles changed": "Its roles were changed.",
    "person shut out": "Its roles at an organisation ended.",
    "person let in again": "It was given its roles at an organisation again.",
    "invitation accepted": "It accepted an invitation, and has roles at one more organisation.",
    "person disabled": "It was closed.",
    "person enabled": "It was opened again.",
}
"""What somebody is warned of, by what the audit log calls it."""
KIND = "account"
NEWEST = 10_000
"""So many of the newest entries of the log are looked through."""
FOR_HOURS = timedelta(hours=24)
BEGINNING = timedelta(hours=1)

_FRESH = text("""
    with found as (
        select a.sequence, a.action, p.id as person_id
          from records.audit a
          join register.person p on p.id::text = a.object_id and p.email is not null and p.added_at < a.at - :beginning
         where a.tenant_id = 0 and a.object_type = 'person' and a.action = any(:actions) and a.at > :since
           and a.sequence > (select coalesce(max(sequence), 0) - :newest from records.audit where tenant_id = 0)
    ), fresh as (
        insert into records.told (tenant_id, kind, about, told_at)
        select 0, :kind, sequence::text, cast(:at as timestamptz) from found f
         where not exists (select from records.told t where t.tenant_id = 0 and t.kind = :kind and t.about = f.sequence::text)
            on conflict do nothing
        returning about
    )
    select f.person_id, f.action from found f join fresh on fresh.about = f.sequence::text order by f.person_id, f.sequence
""")


def warn(connection: Connection, at: datetime) -> int:
    """One letter for each person whose account was changed of late and who was not written to of it. Gives how many."""
    given = {
        "at": at,
        "since": at - FOR_HOURS,
        "beginning": BEGINNING,
        "newest": NEWEST,
        "kind": KIND,
        "actions": list(WARNED_OF),
    }
    found = connection.execute(_FRESH, given).all()
    letters = [
        {"tenant_id": SYSTEM_TENANT, "person_id": person, "subject": SUBJECT, "body": _text(rows), "made_at": at}
        for person, rows in groupby(found, key=lambda row: row.person_id)
    ]
    if letters:
        connection.execute(insert(outbox), letters)
    return len(letters)


def _text(rows: Iterable[Row[Any]]) -> str:
    said = "\n".join(f"- {WARNED_OF[action]}" for action in dict.fromkeys(row.action for row in rows))
    return (
        f"Your account in the registry of hospital-associated thrombosis was changed:\n\n{said}\n\n"
        "If this was not meant, tell the registry, or the lead of your organisation, at once.\n"
    )
