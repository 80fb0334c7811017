"""A one-time link as whoever holds it has it: opened with its code, held for some hours, answered; or found by the address of an account."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from registry import identifiers
from registry.access import Actor, Kind, Role
from registry.accounts import new_secret, secret_digest
from registry.cases import states
from registry.cases.consultant import Link, change_link, code_digest, link_of
from registry.cases.desk import Desk, note, record
from registry.cases.states import CaseState
from registry.errors import Conflict, NotFound
from registry.store.desk import consultant_link


def actor(tenant_id: int, link_id: UUID) -> Actor:
    """Whoever holds a link, as an actor of that trust and for its one case."""
    roles = frozenset({Role.CONSULTANT_REVIEWER})
    return Actor(Kind.LINK, link_id, "the consultant", roles, {tenant_id: roles})


def find(desk: Desk, secret: str) -> Link | None:
    """The link of a secret, whatever has become of it; None for one that this trust never made."""
    row = _row(desk, secret)
    return None if row is None else link_of(desk, row)


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
    link = None if row is None else link_of(desk, row)
    if row is None or link is None or link.dead or not link.open_at(desk.at):
        raise NotFound
    digits = "".join(each for each in code if each.isdigit())
    right = identifiers.same(code_digest(desk, link.id, digits), row.code_digest)
    if link.used_at is not None or not right:
        change_link(desk, link.id, tries=link.tries + 1)
        _record_of(desk, link, "consultant code refused")
        return None
    session = new_secret()
    change_link(desk, link.id, used_at=desk.at, session_digest=secret_digest(session), tries=0)
    note(desk, link.case_id, "consultant link opened", {"link": str(link.id)})
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
    return link_of(desk, row) if same and desk.at < over else None


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
    found = (link_of(desk, row) for row in rows)
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
    note(desk, link.case_id, "consultant answered", {"link": str(link.id)})
    _record_of(desk, link, "consultant answered")
