"""Codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds) and the recovery codes for a phone that is lost.

The secret is sealed under the registry's own data key, bound to its person. A code is taken once: the step it belongs to must be newer
than the last that was taken, which one statement both asks and notes, so that of two who use a code at once one is refused. Clocks may
be one step apart. A recovery code is 80 random bits, kept as SHA-256, and good once.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or

from registry import identifiers
from registry.access import Actor
from registry.accounts import note
from registry.accounts.people import shut_out
from registry.accounts.sessions import How
from registry.errors import Conflict, NotFound
from registry.identifiers import canonical, cell_aad, digest
from registry.keys import TenantKeys
from registry.store import SYSTEM_TENANT
from registry.store.signing_in import recovery_code, second_factor

STEP_SECONDS = 30
DRIFT = 1  # steps
RECOVERY_CODES = 10
SECRET_BYTES = 20  # as RFC 4226 recommends; 32 letters of base32
SERVICE = "HAT registry"
_CODE = re.compile(r"[0-9]{6}")
_RECOVERY = re.compile(r"[a-z2-7]{16}")


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody has of a second factor."""

    set_up_at: datetime
    recovery_codes: int
    """So many are unused."""


# --- codes


def new() -> str:
    """A random secret, base32."""
    return pyotp.random_base32(32)


def step_at(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """The six digits of one step."""
    return pyotp.TOTP(secret).generate_otp(step)


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step whose code this is, of those that are taken now; None if it is of none of them."""
    if not _CODE.fullmatch(code):
        return None
    now = step_at(at)
    matching = [
        step
        for step in range(now - DRIFT, now + DRIFT + 1)
        if identifiers.same(code_of(secret, step).encode(), code.encode())
    ]
    return matching[0] if matching else None


def address(secret: str, user_name: str) -> str:
    """What the QR code holds (`otpauth:`): secret, service and user name."""
    return pyotp.TOTP(secret).provisioning_uri(name=user_name, issuer_name=SERVICE)


def normal(typed: str) -> str:
    """A code as it was meant: without spaces and dashes, in small letters."""
    return re.sub(r"[\s-]", "", typed).lower()


# --- set up and taken away


def offered(keys: TenantKeys, session: bytes) -> str:
    """The secret that a session is offered to set up, base32: always the same for it, never one that another session was shown."""
    purpose = f"second factor offered to {session.hex()}"
    return base64.b32encode(keys.derived(purpose)[:SECRET_BYTES]).decode()


def standing(connection: Connection, person_id: UUID) -> Standing | None:
    """What somebody has set up; None for nothing."""
    unused = select(func.count()).where(recovery_code.c.person_id == person_id, recovery_code.c.over_at.is_(None))
    row = connection.execute(
        select(second_factor.c.set_up_at, unused.scalar_subquery().label("codes")).where(
            second_factor.c.person_id == person_id, second_factor.c.secret_ct.is_not(None)
        )
    ).one_or_none()
    return None if row is None else Standing(row.set_up_at, row.codes)


def enrol(
    connection: Connection, keys: TenantKeys, person_id: UUID, secret: str, step: int = 0, *, anew: bool = False
) -> bool:
    """Keep a secret whose code of `step` was shown. False, and nothing changed, where one stands and is not to be replaced (`anew`)."""
    place = _place(person_id)
    sealed = identifiers.seal(keys.data, secret, place, version=keys.version)
    values = {"secret_ct": sealed, "last_step": step, "set_up_at": func.now()}
    kept = insert_or(second_factor).values(person_id=person_id, **values)
    free = None if anew else second_factor.c.secret_ct.is_(None)
    upsert = kept.on_conflict_do_update(index_elements=["person_id"], set_=values, where=free)
    return connection.scalar(upsert.returning(second_factor.c.person_id)) is not None


def set_up(
    connection: Connection, keys: TenantKeys, person_id: UUID, secret: str, step: int, *, anew: bool, by: Actor
) -> tuple[str, ...]:
    """Keep a secret, and give the recovery codes that go with it, this once. Raises Conflict where one stands already, but `anew`."""
    if not enrol(connection, keys, person_id, secret, step, anew=anew):
        raise Conflict("An authenticator app was set up for this account meanwhile. Sign in again with its code.")
    codes = _new_codes(connection, person_id)
    note(connection, by, "second factor set up", "person", person_id, {"anew": anew})
    return codes


def renew_recovery_codes(connection: Connection, *, by: Actor) -> tuple[str, ...]:
    """New recovery codes of one's own, shown this once; the old ones are over. Raises NotFound for somebody without a second factor."""
    if by.id is None or standing(connection, by.id) is None:
        raise NotFound
    codes = _new_codes(connection, by.id)
    note(connection, by, "recovery codes made", "person", by.id, {})
    return codes


def reset(connection: Connection, person_id: UUID, *, by: Actor) -> None:
    """Take somebody's second factor away: sessions end, and it is set up anew after the next password.

    Raises NotFound where there is none, Conflict for one's own.
    """
    if by.id == person_id:
        raise Conflict("Nobody takes away their own second factor. Take another app on your account's page.")
    standing_one = update(second_factor).where(
        second_factor.c.person_id == person_id, second_factor.c.secret_ct.is_not(None)
    )
    taken = connection.execute(standing_one.values(secret_ct=None, reset_at=func.now(), reset_by=by.label))
    if taken.rowcount == 0:
        raise NotFound
    _end_codes(connection, person_id)
    shut_out(connection, person_id)
    note(connection, by, "second factor reset", "person", person_id, {})


def _new_codes(connection: Connection, person_id: UUID) -> tuple[str, ...]:
    _end_codes(connection, person_id)
    made = tuple(base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES))
    rows = [{"person_id": person_id, "code_digest": _code_digest(person_id, code)} for code in made]
    connection.execute(insert(recovery_code), rows)
    return tuple("-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made)


def _end_codes(connection: Connection, person_id: UUID) -> None:
    unused = update(recovery_code).where(recovery_code.c.person_id == person_id, recovery_code.c.over_at.is_(None))
    connection.execute(unused.values(over_at=func.now()))


def _code_digest(person_id: UUID, code: str) -> bytes:
    return digest(canonical("hat", "recovery code", str(person_id), code))


# --- used


def accept(connection: Connection, keys: TenantKeys, person_id: UUID, typed: str, at: datetime) -> How | None:
    """Take a code or a recovery code, and use it up; None where it is not right, or was used."""
    code = normal(typed)
    if _RECOVERY.fullmatch(code):
        return How.RECOVERY if _accept_recovery(connection, person_id, code) else None
    held = select(second_factor.c.secret_ct).where(second_factor.c.person_id == person_id)
    sealed = connection.scalar(held)
    step = None if sealed is None else step_of(_opened(keys, person_id, sealed), code, at)
    if step is None:
        return None
    newer = update(second_factor).where(
        second_factor.c.person_id == person_id,
        second_factor.c.secret_ct == sealed,
        second_factor.c.last_step < step,
    )
    return How.CODE if connection.execute(newer.values(last_step=step)).rowcount == 1 else None


def _accept_recovery(connection: Connection, person_id: UUID, code: str) -> bool:
    unused = update(recovery_code).where(
        recovery_code.c.person_id == person_id,
        recovery_code.c.code_digest == _code_digest(person_id, code),
        recovery_code.c.over_at.is_(None),
    )
    return connection.execute(unused.values(over_at=func.now())).rowcount == 1


def _opened(keys: TenantKeys, person_id: UUID, sealed: bytes) -> str:
    return identifiers.open_sealed(keys.opens, sealed, _place(person_id))


def _place(person_id: UUID) -> bytes:
    return cell_aad(SYSTEM_TENANT, "second_factor", str(person_id), "secret_ct")
