"""The outbox, emptied by the worker: letter by letter, each claimed by its row's lock for as long as it is on its way.

A letter is never lost: one that did not leave is tried again after twice the pause, until it is given up and people are told. One whose
process was killed after it left and before that was noted is sent a second time, under the same Message-ID. What it said and where it
went is emptied as soon as it left or was given up.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, select, text, update

from registry import identifiers
from registry.identifiers import IdentifierError
from registry.notices.carriers import Carry, Letter, NotSentError, Post, into_folder
from registry.settings import Secrets, Settings
from registry.store import Store
from registry.store.desk import outbox
from registry.store.letters import parted
from registry.store.tables import person
from registry.submissions.keys import TenantKeys, open_keys

log = logging.getLogger(__name__)

MOST = 200
"""Letters of one run."""
LONGEST_PAUSE = 240
"""Minutes between two tries at most."""

_NEXT = text("""
    select tenant_id, id, person_id, to_ct, subject, body, body_ct, made_at, tries from records.outbox
     where sent_at is null and given_up_at is null
       and (tried_at is null or tried_at + make_interval(mins => least(power(2, tries - 1), :longest)::integer) <= :at)
     order by made_at, id limit 1 for update skip locked
""")
_EMPTIED = {"to_ct": None, "body": None, "body_ct": None}


class Became(StrEnum):
    """What became of one letter."""

    SENT = "sent"
    PUT_OFF = "put off"
    GIVEN_UP = "given up"
    NOBODY = "nobody"
    """There is nobody to write to any more, or no key to open it."""
    AWAY = "away"


def send_waiting(store: Store, secrets: Secrets, settings: Settings, at: datetime) -> Mapping[str, int]:
    """Send what waits in the outbox, by SMTP where a server is set, else into a folder. Gives how many left, were put off, and were given up."""
    found = dict.fromkeys(Became, 0)
    with _carrier(settings) as carry:
        for _ in range(MOST):
            became = _Run(store, secrets, settings, at, carry).one()
            if became is None:
                break
            found[became] += 1
            if became is Became.AWAY:
                break
    return {
        "sent": found[Became.SENT],
        "put_off": found[Became.PUT_OFF] + found[Became.AWAY],
        "given_up": found[Became.GIVEN_UP],
    }


def _carrier(settings: Settings) -> AbstractContextManager[Carry]:
    return nullcontext(into_folder(settings)) if settings.mail.host is None else Post(settings)


@dataclass(frozen=True, slots=True)
class _Run:
    """What it takes to send one letter."""

    store: Store
    secrets: Secrets
    settings: Settings
    at: datetime
    carry: Carry

    def one(self) -> Became | None:
        """Send the next letter; None where none waits that nobody else has in hand."""
        with self.store.transaction(role="hat_jobs") as connection:
            row = connection.execute(_NEXT, {"at": self.at, "longest": LONGEST_PAUSE}).one_or_none()
            if row is None:
                return None
            letter = _opened(connection, self.secrets, row)
            if letter is None:
                connection.execute(delete(outbox).where(*_this(row)))
                return Became.NOBODY
            try:
                self.carry(letter)
            except NotSentError as error:
                return self._put_off(connection, row, error)
            connection.execute(
                _set(row, sent_at=self.at, tried_at=self.at, tries=row.tries + 1, reason=None, **_EMPTIED)
            )
            return Became.SENT

    def _put_off(self, connection: Connection, row: Row[Any], error: NotSentError) -> Became:
        tries = row.tries + 1
        over = error.for_good or tries >= self.settings.mail.tries
        log.warning("letter %s was not sent: %s%s", row.id, error, " It is given up." if over else "")
        gone: dict[str, Any] = {"given_up_at": self.at, **_EMPTIED} if over else {}
        connection.execute(_set(row, tries=tries, tried_at=self.at, reason=error.reason.value, **gone))
        if error.away:
            return Became.AWAY
        return Became.GIVEN_UP if over else Became.PUT_OFF


def _this(row: Row[Any]) -> tuple[Any, Any]:
    return outbox.c.tenant_id == row.tenant_id, outbox.c.id == row.id


def _set(row: Row[Any], **values: Any) -> Any:
    return update(outbox).where(*_this(row)).values(**values)


def _opened(connection: Connection, secrets: Secrets, row: Row[Any]) -> Letter | None:
    """A letter ready to go. None where its person has no address any more, or its trust's key was destroyed."""
    try:
        keys = open_keys(connection, secrets, row.tenant_id) if row.to_ct or row.body_ct else None
    except IdentifierError:
        return None
    to, body = _cell(keys, row, "to", row.to_ct), row.body or _cell(keys, row, "body", row.body_ct)
    if row.person_id is not None:
        to = connection.scalar(select(person.c.email).where(person.c.id == row.person_id))
    if not to or body is None:
        return None
    ended_at, body = parted(body)
    return Letter(row.id, to, row.subject, body, row.made_at, ended_at)


def _cell(keys: TenantKeys | None, row: Row[Any], column: str, sealed: bytes | None) -> str | None:
    if keys is None or sealed is None:
        return None
    place = identifiers.cell_aad(row.tenant_id, "outbox", str(row.id), column)
    return identifiers.open_sealed(keys.opens, bytes(sealed), place)
