"""One case before the consultant of its index admission, by a one-time link (counting rules, 5).

The link goes by e-mail to an address in the trust's allowed domains; its code goes by another way, so whoever has only one of them has
nothing. It opens one case, for as many days as are set, until it is answered or taken back. After five wrong codes it is dead. Somebody
with an account of this address answers there instead.

The e-mail says that one case waits, and where; never which.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, update

from registry import identifiers
from registry.access import Right
from registry.accounts import new_secret, secret_digest
from registry.cases import domains, states
from registry.cases.desk import Desk, note, record, seal, unseal
from registry.cases.domains import LONGEST_ADDRESS
from registry.cases.states import CaseState
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.store.desk import consultant_link, outbox
from registry.store.tables import organisation

MOST_TRIES = 5
"""Wrong codes after which a link is dead."""
CODE_DIGITS = 8

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)")


# --- links, as the trust has them


@dataclass(frozen=True, slots=True)
class Link:
    """A link to one case. `address` is where it went; None once that was erased."""

    id: UUID
    case_id: UUID
    address: str | None
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    answered_at: datetime | None
    tries: int

    def open_at(self, at: datetime) -> bool:
        """Whether it may still be answered."""
        return self.revoked_at is None and self.answered_at is None and at < self.expires_at

    @property
    def dead(self) -> bool:
        """Too many wrong codes. A new code lets it live again."""
        return self.tries >= MOST_TRIES

    def words(self, at: datetime) -> str:
        """How it stands."""
        if self.answered_at is not None:
            return "answered"
        if self.revoked_at is not None:
            return "taken back"
        if at >= self.expires_at:
            return "over"
        if self.dead:
            return "shut after wrong codes"
        return "opened" if self.used_at is not None else "not opened yet"


def links(desk: Desk, case_id: UUID) -> list[Link]:
    """All links that were ever made to a case, the newest first."""
    rows = desk.connection.execute(
        select(consultant_link)
        .where(consultant_link.c.tenant_id == desk.tenant_id, consultant_link.c.case_id == case_id)
        .order_by(consultant_link.c.id.desc())
    )
    return [link_of(desk, row) for row in rows]


def link_of(desk: Desk, row: Row[Any]) -> Link:
    """A link from its row, the address opened."""
    return Link(
        id=row.id,
        case_id=row.case_id,
        address=unseal(desk, "consultant_link", row.id, "sent_to", row.sent_to_ct),
        made_at=row.made_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
        answered_at=row.answered_at,
        tries=row.tries,
    )


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A link that was made just now. `code` is shown once, to be passed on by another way than the e-mail."""

    link_id: UUID
    secret: str
    code: str


def ask(desk: Desk, case_id: UUID, address: str, *, seen: CaseState | None = None) -> Asked:
    """Put a case before a consultant: the case is with them, earlier links end, a letter with the link waits to be sent.

    Raises Unprocessable for an address outside the allowed domains, Conflict where the case stands elsewhere, Forbidden.
    """
    to = _address(desk, address)
    if states.begin(desk, case_id).state is not CaseState.WITH_CONSULTANT:
        states.move(desk, case_id, CaseState.WITH_CONSULTANT, seen=seen)
    elif seen not in (None, CaseState.WITH_CONSULTANT):
        raise Conflict("This case is with the consultant by now. Nothing was changed. Look at it again, then decide.")
    end_links(desk, case_id)
    asked = _made(desk, case_id, to)
    _post(desk, to, asked.secret)
    note(desk, case_id, "consultant asked", {"link": str(asked.link_id)})
    record(desk, case_id, "consultant asked", {"link": str(asked.link_id)})
    return asked


def _address(desk: Desk, typed: str) -> str:
    _may_edit(desk)
    found = _ADDRESS.fullmatch(typed.strip())
    if found is None or len(typed.strip()) > LONGEST_ADDRESS:
        raise Unprocessable(errors=[("address", "Enter an e-mail address, such as name@trust.nhs.uk")])
    if found[1].lower() not in domains.allowed(desk.connection, desk.tenant_id):
        raise Unprocessable(
            errors=[
                ("address", "Enter an address in one of your organisation's domains, or ask its lead to add the domain")
            ]
        )
    return typed.strip()


def _may_edit(desk: Desk) -> None:
    if desk.tenant_id not in desk.by.tenants(Right.EDIT_CASES):
        raise Forbidden


def _made(desk: Desk, case_id: UUID, to: str) -> Asked:
    link_id: UUID = desk.connection.execute(select(func.records.uuid7())).scalar_one()
    asked = Asked(link_id, new_secret(), _new_code())
    desk.connection.execute(
        insert(consultant_link).values(
            tenant_id=desk.tenant_id,
            id=link_id,
            case_id=case_id,
            link_digest=secret_digest(asked.secret),
            code_digest=code_digest(desk, link_id, asked.code),
            sent_to_ct=seal(desk, "consultant_link", link_id, "sent_to", to),
            made_by=desk.by.label,
            made_at=desk.at,
            expires_at=desk.at + timedelta(days=desk.settings.counting.one_time_link_days),
        )
    )
    return asked


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def code_digest(desk: Desk, link_id: UUID, code: str) -> bytes:
    """Keyed, for there are few codes: whoever has the database alone cannot try them all."""
    key = desk.keys.derived("consultant code")
    return identifiers.mac(key, identifiers.canonical(link_id.bytes, code))


def end_links(desk: Desk, case_id: UUID) -> int:
    """End the links to a case that are still open."""
    still = update(consultant_link).where(
        consultant_link.c.tenant_id == desk.tenant_id,
        consultant_link.c.case_id == case_id,
        consultant_link.c.revoked_at.is_(None),
        consultant_link.c.answered_at.is_(None),
    )
    return desk.connection.execute(still.values(revoked_at=desk.at)).rowcount


def _post(desk: Desk, to: str, secret: str) -> None:
    """Lay the letter into the outbox, address and text sealed, for the link is a secret."""
    row: UUID = desk.connection.execute(select(func.records.uuid7())).scalar_one()
    code, name = desk.connection.execute(
        select(organisation.c.code, organisation.c.name).where(organisation.c.id == desk.tenant_id)
    ).one()
    desk.connection.execute(
        insert(outbox).values(
            tenant_id=desk.tenant_id,
            id=row,
            to_ct=seal(desk, "outbox", row, "to", to),
            subject="One case waits for your answer",
            body_ct=seal(desk, "outbox", row, "body", _letter(desk, name, where(desk.settings.base_url, code, secret))),
            made_at=desk.at,
        )
    )


def where(base_url: str, code: str, secret: str) -> str:
    """Where a link leads."""
    return f"{base_url}/answer/{code}/{secret}"


def _letter(desk: Desk, name: str, address: str) -> str:
    days = desk.settings.counting.one_time_link_days
    return (
        f"The thrombosis team of {name} asks you to answer for 1 case.\n\n"
        f"{address}\n\n"
        f"The link opens that case only and holds for {days} days. You need a code of {CODE_DIGITS} digits, which the team gives you "
        "by another way. If you have an account with this address, sign in instead.\n\n"
        "If you do not know what this is about, tell the team and do nothing else.\n"
    )


def new_code(desk: Desk, case_id: UUID, link_id: UUID) -> str:
    """Another code for a link that is still open: what was opened with the one before shuts. Raises Conflict, NotFound, Forbidden."""
    _may_edit(desk)
    link = _of_case(desk, case_id, link_id)
    if not link.open_at(desk.at):
        raise Conflict("This link is over. Ask the consultant again with a new one.")
    code = _new_code()
    change_link(desk, link_id, code_digest=code_digest(desk, link_id, code), tries=0, used_at=None, session_digest=None)
    record(desk, case_id, "consultant code made", {"link": str(link_id)})
    return code


def take_back(desk: Desk, case_id: UUID, *, seen: CaseState | None = None) -> None:
    """The case is the team's again; its links end. Raises as `states.move`."""
    _may_edit(desk)
    states.move(desk, case_id, CaseState.RCA_OPEN, seen=seen)
    ended = end_links(desk, case_id)
    record(desk, case_id, "consultant links ended", {"links": ended})


def _of_case(desk: Desk, case_id: UUID, link_id: UUID) -> Link:
    found = next((each for each in links(desk, case_id) if each.id == link_id), None)
    if found is None:
        raise NotFound
    return found


def change_link(desk: Desk, link_id: UUID, **values: Any) -> None:
    """Change some columns of a link."""
    desk.connection.execute(
        update(consultant_link)
        .where(consultant_link.c.tenant_id == desk.tenant_id, consultant_link.c.id == link_id)
        .values(**values)
    )
