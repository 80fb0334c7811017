"""Being told by e-mail when a summary is published: asked for by anybody, confirmed from the address itself, ended by one press.

An address is sealed under the registry's key and goes with the subscription. Every letter carries the subscription's own link; it is made
from the key, so it stands nowhere. Letters say that there is something new and where, never a text: what is taken down stays gone.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, or_, select, update

from registry import identifiers
from registry.errors import NotFound, TooMany, Unprocessable
from registry.lessons import published
from registry.lessons.keys import seal, unseal
from registry.lessons.lists import THEMES
from registry.lessons.summaries import quarter_words
from registry.settings import Settings
from registry.store import SYSTEM_TENANT
from registry.store.desk import outbox
from registry.store.lessons import learning_subscriber
from registry.store.letters import with_end
from registry.submissions.keys import TenantKeys

UNCONFIRMED: Final = timedelta(days=7)
"""So long a subscription waits to be confirmed; then it is forgotten."""
AGAIN: Final = timedelta(hours=1)
"""One address is written to no oftener, whoever asks."""
MOST_AN_HOUR: Final = 200
MOST_LETTERS: Final = 2_000
LONGEST: Final = 254

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63})+"
)
_TABLE = "learning_subscriber"
_c = learning_subscriber.c


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as its holder sees it. No `themes`: everything."""

    id: UUID
    themes: tuple[str, ...]
    confirmed: bool


def ask(
    connection: Connection, keys: TenantKeys, settings: Settings, address: str, themes: Collection[str], *, at: datetime
) -> None:
    """Ask for a subscription: a letter goes to the address, with the link that confirms it. Nothing tells whether it was there before.

    Raises Unprocessable for what is no address or no theme, TooMany where very many ask at once.
    """
    to = _checked(address, themes)
    _few_enough(connection, at)
    mac = _mac(keys, to)
    row = connection.execute(
        select(learning_subscriber).where(_c.tenant_id == SYSTEM_TENANT, _c.email_mac == mac).with_for_update()
    ).one_or_none()
    if row is not None and at - row.asked_at < AGAIN:
        return
    if row is None:
        ident = _add(connection, keys, to, mac, themes, at)
    else:
        ident = row.id
        values: dict[str, Any] = {"asked_at": at} | ({} if row.confirmed_at else {"themes": sorted(set(themes))})
        connection.execute(_this(ident).values(**values))
    _post(
        connection,
        keys,
        to,
        "Confirm that you wish to be told of learning about thrombosis",
        _confirm(keys, settings, ident),
        at,
    )


def _checked(address: str, themes: Collection[str]) -> str:
    to = address.strip()
    wrong = []
    if len(to) > LONGEST or not _ADDRESS.fullmatch(to):
        wrong.append(("email", "Enter an e-mail address, such as name@trust.nhs.uk"))
    if not set(themes) <= set(dict(THEMES)):
        wrong.append(("themes", "Choose themes from the list"))
    if wrong:
        raise Unprocessable(errors=wrong)
    return to


def _few_enough(connection: Connection, at: datetime) -> None:
    """A lock, so that many at once are counted one after the other."""
    connection.execute(select(func.pg_advisory_xact_lock(0x4841_5403)))
    query = select(func.count()).where(_c.tenant_id == SYSTEM_TENANT, _c.asked_at > at - AGAIN)
    if (connection.scalar(query) or 0) >= MOST_AN_HOUR:
        raise TooMany("Very many are asking just now. Try again in an hour.", retry_after=int(AGAIN.total_seconds()))


def _add(connection: Connection, keys: TenantKeys, to: str, mac: bytes, themes: Collection[str], at: datetime) -> UUID:
    ident: UUID = connection.execute(select(func.records.uuid7())).scalar_one()
    connection.execute(
        insert(learning_subscriber).values(
            tenant_id=SYSTEM_TENANT,
            id=ident,
            email_ct=seal(keys, _TABLE, ident, "email", to),
            email_mac=mac,
            themes=sorted(set(themes)),
            asked_at=at,
        )
    )
    return ident


def _mac(keys: TenantKeys, to: str) -> bytes:
    return identifiers.mac(keys.derived("subscriber"), to.lower().encode())


# --- the holder's own link


def token(keys: TenantKeys, ident: UUID) -> str:
    """What only who reads the letters has."""
    key = keys.derived("subscription link")
    return identifiers.mac(key, ident.bytes).hex()


def find(connection: Connection, keys: TenantKeys, ident: UUID, secret: str) -> Subscription:
    """The subscription of a link. Raises NotFound for any other, and for one that has ended."""
    row = connection.execute(
        select(_c.id, _c.themes, _c.confirmed_at).where(
            _c.tenant_id == SYSTEM_TENANT, _c.id == ident, _c.ended_at.is_(None)
        )
    ).one_or_none()
    if row is None or not identifiers.same(token(keys, ident).encode(), secret.encode()):
        raise NotFound
    return Subscription(row.id, tuple(row.themes), row.confirmed_at is not None)


def confirm(connection: Connection, keys: TenantKeys, ident: UUID, secret: str, *, at: datetime) -> None:
    """The holder of the address wishes it. Raises NotFound."""
    find(connection, keys, ident, secret)
    connection.execute(_this(ident).values(confirmed_at=func.coalesce(_c.confirmed_at, at)))


def choose(connection: Connection, keys: TenantKeys, ident: UUID, secret: str, themes: Collection[str]) -> None:
    """Of which themes it is. Raises NotFound, Unprocessable."""
    find(connection, keys, ident, secret)
    if not set(themes) <= set(dict(THEMES)):
        raise Unprocessable(errors=[("themes", "Choose themes from the list")])
    connection.execute(_this(ident).values(themes=sorted(set(themes))))


def end(connection: Connection, keys: TenantKeys, ident: UUID, secret: str, *, at: datetime) -> None:
    """It is over, and the address is gone. Raises NotFound."""
    find(connection, keys, ident, secret)
    connection.execute(_this(ident).values(email_ct=None, email_mac=None, ended_at=at))


def _this(ident: UUID) -> Any:
    return update(learning_subscriber).where(_c.tenant_id == SYSTEM_TENANT, _c.id == ident)


# --- letters


def _post(connection: Connection, keys: TenantKeys, to: str, subject: str, body: str, at: datetime) -> None:
    """Lay a letter into the outbox, sealed, for its link is a secret."""
    row: UUID = connection.execute(select(func.records.uuid7())).scalar_one()
    connection.execute(
        insert(outbox).values(
            tenant_id=SYSTEM_TENANT,
            id=row,
            to_ct=seal(keys, "outbox", row, "to", to),
            subject=subject,
            body_ct=seal(keys, "outbox", row, "body", body),
            made_at=at,
        )
    )


def where(keys: TenantKeys, settings: Settings, ident: UUID) -> str:
    """Where a subscription's own link leads."""
    return f"{settings.base_url}/learning/subscription/{ident}/{token(keys, ident)}"


def _confirm(keys: TenantKeys, settings: Settings, ident: UUID) -> str:
    return (
        "Somebody, perhaps you, asked that this address be told when the HAT registry publishes a summary of learning.\n\n"
        f"To confirm it, or to change or end it:\n{where(keys, settings, ident)}\n\n"
        f"If you do nothing, this address is forgotten after {UNCONFIRMED.days} days.\n"
    )


def tell(connection: Connection, keys: TenantKeys, settings: Settings, *, at: datetime) -> int:
    """Lay letters of the last summary into the outbox for whoever is to be told and was not yet; gives how many. For the worker."""
    summary = next((each for each in published.summaries(connection, limit=1) if each.withdrawn_at is None), None)
    if summary is None:
        return 0
    lessons = [each for each in published.chosen(connection, summary.chosen) if each.text is not None]
    rows = connection.execute(
        select(learning_subscriber)
        .where(
            _c.tenant_id == SYSTEM_TENANT,
            _c.confirmed_at.is_not(None),
            _c.ended_at.is_(None),
            or_(_c.told.is_(None), _c.told < summary.number),
        )
        .order_by(_c.id)
        .limit(MOST_LETTERS)
        .with_for_update(skip_locked=True)
    ).all()
    sent = 0
    for row in rows:
        about = [each for each in lessons if not row.themes or each.theme in row.themes]
        to = unseal(keys, _TABLE, row.id, "email", row.email_ct)
        if to and (about or not row.themes) and row.confirmed_at <= summary.published_at:
            body = _digest(keys, settings, row.id, summary, about)
            _post(connection, keys, to, f"Learning about thrombosis, {quarter_words(summary.quarter)}", body, at)
            sent += 1
        connection.execute(_this(row.id).values(told=summary.number))
    return sent


def _digest(
    keys: TenantKeys, settings: Settings, ident: UUID, summary: published.Summary, about: list[published.Lesson]
) -> str:
    numbers: dict[str, int] = {}
    for each in about:
        numbers[each.theme_words] = numbers.get(each.theme_words, 0) + 1
    lines = "".join(f"- {words}: {number} new\n" for words, number in sorted(numbers.items()))
    own = where(keys, settings, ident)
    return with_end(
        own,
        f"The summary of {quarter_words(summary.quarter)} is published:\n"
        f"{settings.base_url}/learning/summaries/{summary.number}\n\n"
        f"{lines}\n"
        f"To end this subscription, or to change its themes:\n{own}\n",
    )


def forget(connection: Connection, at: datetime) -> int:
    """Delete what has ended, and what nobody confirmed in time; gives how many. For the worker."""
    over = or_(_c.ended_at.is_not(None), _c.confirmed_at.is_(None) & (_c.asked_at < at - UNCONFIRMED))
    return connection.execute(delete(learning_subscriber).where(_c.tenant_id == SYSTEM_TENANT, over)).rowcount
