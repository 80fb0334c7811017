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

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry import identifiers
from registry.access import Actor, Kind, Right, Role
from registry.accounts import new_secret, secret_digest
from registry.cases import states
from registry.cases.desk import Desk, note, record, seal, unseal
from registry.cases.states import CaseState
from registry.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.store import audit
from registry.store.desk import allowed_domain, consultant_link, outbox
from registry.store.tables import organisation

MOST_TRIES = 5
"""Wrong codes after which a link is dead."""
CODE_DIGITS = 8
LONGEST_ADDRESS = 254

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


# --- where links may go


def domains(connection: Connection, tenant_id: int) -> tuple[str, ...]:
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
    return [_link(desk, row) for row in rows]


def _link(desk: Desk, row: Row[Any]) -> Link:
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
    note(desk, case_id, "asked", {"link": str(asked.link_id)})
    record(desk, case_id, "consultant asked", {"link": str(asked.link_id)})
    return asked


def _address(desk: Desk, typed: str) -> str:
    _may_edit(desk)
    found = _ADDRESS.fullmatch(typed.strip())
    if found is None or len(typed.strip()) > LONGEST_ADDRESS:
        raise Unprocessable(errors=[("address", "Enter an e-mail address, such as name@trust.nhs.uk")])
    if found[1].lower() not in domains(desk.connection, desk.tenant_id):
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
            code_digest=_code_digest(desk, link_id, asked.code),
            sent_to_ct=seal(desk, "consultant_link", link_id, "sent_to", to),
            made_by=desk.by.label,
            made_at=desk.at,
            expires_at=desk.at + timedelta(days=desk.settings.counting.one_time_link_days),
        )
    )
    return asked


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def _code_digest(desk: Desk, link_id: UUID, code: str) -> bytes:
    """Keyed, for there are few codes: whoever has the database alone cannot try them all."""
    key = identifiers.derive(desk.keys.data, "consultant code")
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
    _update(desk, link_id, code_digest=_code_digest(desk, link_id, code), tries=0, used_at=None, session_digest=None)
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


def _update(desk: Desk, link_id: UUID, **values: Any) -> None:
    desk.connection.execute(
        update(consultant_link)
        .where(consultant_link.c.tenant_id == desk.tenant_id, consultant_link.c.id == link_id)
        .values(**values)
    )


# --- links, as the consultant has them


def actor(tenant_id: int, link_id: UUID) -> Actor:
    """Whoever holds a link, as an actor of that trust and for its one case."""
    roles = frozenset({Role.CONSULTANT_REVIEWER})
    return Actor(Kind.LINK, link_id, "the consultant", roles, {tenant_id: roles})


def find(desk: Desk, secret: str) -> Link | None:
    """The link of a secret, whatever has become of it; None for one that this trust never made."""
    row = _row(desk, secret)
    return None if row is None else _link(desk, row)


def _row(desk: Desk, secret: str, *, lock: bool = False) -> Row[Any] | None:
    query = select(consultant_link).where(
        consultant_link.c.tenant_id == desk.tenant_id, consultant_link.c.link_digest == secret_digest(secret)
    )
    return desk.connection.execute(query.with_for_update() if lock else query).one_or_none()


def enter(desk: Desk, secret: str, code: str) -> str | None:
    """Open a link with its code: gives the secret of the session that begins, None where the code is not right.

    A code is good once. Each wrong one counts, also of several sent at once. Raises NotFound where the link is over, dead or none.
    """
    row = _row(desk, secret, lock=True)
    link = None if row is None else _link(desk, row)
    if row is None or link is None or link.dead or not link.open_at(desk.at):
        raise NotFound
    digits = "".join(each for each in code if each.isdigit())
    right = identifiers.same(_code_digest(desk, link.id, digits), row.code_digest)
    if link.used_at is not None or not right:
        _update(desk, link.id, tries=link.tries + 1)
        _record_of(desk, link, "consultant code refused")
        return None
    session = new_secret()
    _update(desk, link.id, used_at=desk.at, session_digest=secret_digest(session), tries=0)
    note(desk, link.case_id, "opened", {"link": str(link.id)})
    _record_of(desk, link, "consultant link opened")
    return session


def _record_of(desk: Desk, link: Link, action: str) -> None:
    record(desk, link.case_id, action, {"link": str(link.id)})


def in_session(desk: Desk, secret: str, session: str) -> Link | None:
    """The link, where this session of it still holds, whatever has become of the link since; else None."""
    row = _row(desk, secret)
    if row is None or row.session_digest is None or row.used_at is None:
        return None
    over = row.used_at + timedelta(hours=desk.settings.session_hours)
    same = identifiers.same(row.session_digest, secret_digest(session))
    return _link(desk, row) if same and desk.at < over else None


def asked_of(desk: Desk, address: str) -> list[Link]:
    """The open links that went to an address, the newest first: the cases that its holder may see with an account."""
    wanted = address.strip().lower()
    rows = desk.connection.execute(
        select(consultant_link)
        .where(
            consultant_link.c.tenant_id == desk.tenant_id,
            consultant_link.c.revoked_at.is_(None),
            consultant_link.c.answered_at.is_(None),
            consultant_link.c.expires_at > desk.at,
        )
        .order_by(consultant_link.c.id.desc())
    )
    found = (_link(desk, row) for row in rows)
    return [each for each in found if each.address is not None and each.address.lower() == wanted]


def answered(desk: Desk, link: Link) -> None:
    """The consultant's answer is stored: the case goes back to the team, the link is used up.

    Raises Conflict where the case was taken back or answered meanwhile.
    """
    still = update(consultant_link).where(
        consultant_link.c.tenant_id == desk.tenant_id,
        consultant_link.c.id == link.id,
        consultant_link.c.revoked_at.is_(None),
        consultant_link.c.answered_at.is_(None),
    )
    if desk.connection.execute(still.values(answered_at=desk.at, session_digest=None)).rowcount == 0:
        raise Conflict("This case is no longer with you: it was taken back, or answered already.")
    states.move(desk, link.case_id, CaseState.RCA_OPEN, seen=CaseState.WITH_CONSULTANT)
    note(desk, link.case_id, "answered", {"link": str(link.id)})
    _record_of(desk, link, "consultant answered")
