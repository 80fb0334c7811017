"""The job that tells: what is to be told and was not yet becomes a notice to each person who is to know, and a letter where one wants it at once.

Things are looked for where they stand, so no page and no load waits for a notice, none is lost with a process, and a run that is repeated
finds nothing. While a notice is unread, more of its kind are counted up in it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from registry.access import holders
from registry.cases import actions
from registry.notices import held, mailing, warning
from registry.notices.kinds import KINDS, Kind, Way
from registry.settings import Secrets, Settings
from registry.store import Store

LOOK_BACK = timedelta(days=14)
"""What happened longer ago is told to nobody any more."""


def _statement(kind: Kind) -> str:
    return f"""
        with found as materialized (
            {kind.sql}
        ), missing as (
            -- A set operation is hashed whatever the planner knows of a table that has just grown; an anti-join may not be.
            select tenant_id, about from found except select tenant_id, about from records.told where kind = :kind
        ), fresh as (
            insert into records.told (tenant_id, kind, about, told_at)
            select tenant_id, :kind, about, cast(:at as timestamptz) from missing
                on conflict do nothing
            returning tenant_id, about
        ), whom as (
            select f.tenant_id, h.person_id, coalesce(f.link, :link) as link, count(distinct f.about) as count
              from found f
              join fresh using (tenant_id, about)
              join (select distinct tenant_id, person_id from holder where role = any(:roles)) h
                on h.tenant_id = f.tenant_id and (f.person_id is null or f.person_id = h.person_id)
               and f.by is distinct from 'person:' || h.person_id
             group by f.tenant_id, h.person_id, coalesce(f.link, :link)
        )
        insert into records.notice (tenant_id, person_id, kind, count, link, made_at)
        select tenant_id, person_id, :kind, count, link, :at from whom
            on conflict (tenant_id, person_id, kind, link) where read_at is null
            do update set count = notice.count + excluded.count, made_at = excluded.made_at, mailed_at = null
        returning tenant_id
    """


STATEMENTS = {kind: text(_statement(kind)) for kind in KINDS}


def tell(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Tell what is to be told. Gives how many notices were made or counted up, and how many letters were laid out for sending."""
    with store.transaction(role="hat_jobs") as connection:
        given = _given(settings, at)
        held.hold(connection, at)
        made = sum(_tell(connection, kind, given) for kind in KINDS)
        actions.reminded(connection, actions.due_actions(connection, given["on"]), given["on"], at)
        letters = mailing.lay_out(connection, settings, at, Way.AT_ONCE) + warning.warn(connection, at)
    return {"notices": made, "letters": letters}


def _given(settings: Settings, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "on": held.day(at),
        "since": at - LOOK_BACK,
        "soon": settings.desk.due_soon_days,
        "silence": settings.counting.consultant_reply_days,
        "due": settings.desk.return_due_days,
        "again": settings.desk.return_reminder_days,
        "most": settings.desk.return_reminders + 1,
    }


def _tell(connection: Connection, kind: Kind, given: Mapping[str, Any]) -> int:
    named = {"kind": kind.name, "link": kind.link, "roles": [role.value for role in holders(kind.right)]}
    statement = STATEMENTS[kind]
    wanted = statement.compile().params
    return len(
        connection.execute(
            statement, {name: value for name, value in {**given, **named}.items() if name in wanted}
        ).all()
    )
