"""What stands before anything is sent: the register, its opt-out modes, the people and their tokens."""

import json
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from registry import register
from registry.access import OPERATOR, TOKEN_ROLES, Role
from registry.accounts import passwords, people, second_factor, tokens
from registry.demo.scene import (
    FIRST_TRUST,
    INDEPENDENTS,
    SECOND_TRUST,
    WELSH_BOARD,
    Member,
    live_from,
    members,
    register_file,
)
from registry.demo.window import Window
from registry.errors import NotFound
from registry.lessons.keys import own_keys
from registry.settings import Secrets

ACCOUNTS = "accounts.json"
EXEMPTION = "DEMONSTRATION-0000: an invented approval, valid for invented data only"
EXEMPT_SINCE = date(2020, 1, 1)

_OF_ORGANISATION = {
    Role.TRUST_UPLOADER: ("uploader", "Demonstration uploader"),
    Role.VTE_NURSE: ("nurse", "Demonstration VTE nurse"),
    Role.TRUST_LEAD: ("lead", "Demonstration trust lead"),
}
_NATIONAL = (
    (Role.NATIONAL_LEAD, "national.lead", "Demonstration national lead"),
    (Role.NATIONAL_ANALYST, "analyst.one", "Demonstration analyst One"),
    (Role.NATIONAL_ANALYST, "analyst.two", "Demonstration analyst Two"),
    (Role.REGISTRY_OFFICE, "registry.office", "Demonstration registry officer"),
    (Role.MODERATOR, "moderator", "Demonstration moderator"),
    (Role.MODERATOR, "moderator.two", "Demonstration moderator Two"),
    (Role.ADMINISTRATOR, "administrator", "Demonstration administrator"),
)
PREPARES, APPROVE = "analyst.one", ("analyst.two", "national.lead")


@dataclass(frozen=True, slots=True)
class Account:
    """One demonstration sign-in. National roles have no `organisation`; roles that only people hold have no `api_token`."""

    role: str
    organisation: str | None
    name: str
    user_name: str
    password: str = field(repr=False)
    totp_secret: str = field(default="", repr=False)
    """What goes into an authenticator app, base32; `hat demo code NAME` shows its codes to whoever has none."""
    api_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Setting:
    """What the next steps work with: the sign-ins, each person's id by user name, and the token that sends for each code."""

    accounts: tuple[Account, ...]
    people: Mapping[str, UUID]
    senders: Mapping[str, str]


SigningIn = tuple[tuple[Account, ...], Mapping[str, str]]
"""Sign-ins, and the hash of each password by user name."""


def accounts() -> SigningIn:
    """The sign-ins with new passwords, and the hash of each by user name. Takes a second or two: argon2 is slow on purpose."""
    made = (*_of_organisations(), *_national())
    with ThreadPoolExecutor(2) as pool:
        hashes = list(pool.map(passwords.hashed, [each.password for each in made]))
    return made, {each.user_name: kept for each, kept in zip(made, hashes, strict=True)}


def _of_organisations() -> Iterable[Account]:
    for code in (FIRST_TRUST, SECOND_TRUST, WELSH_BOARD):
        for role, (word, name) in _OF_ORGANISATION.items():
            yield Account(
                role.value, code, f"{name}, {code}", f"{code.lower()}.{word}", _password(), second_factor.new()
            )


def _national() -> Iterable[Account]:
    for role, user_name, name in _NATIONAL:
        yield Account(role.value, None, name, user_name, _password(), second_factor.new())


def _password() -> str:
    """Twelve syllables in threes, to be read aloud: 80 ^ 12, about 75 bits."""
    chosen = random.SystemRandom()
    while True:
        syllables = [chosen.choice("bdfghjklmnprstvz") + chosen.choice("aeiou") for _ in range(12)]
        word = "-".join("".join(syllables[at : at + 3]) for at in range(0, 12, 3))
        if not list(passwords.faults(word)):
            return word


def set_up(
    connection: Connection,
    everybody: Sequence[Member],
    window: Window,
    signing_in: SigningIn,
    until: date,
    *,
    secrets: Secrets,
) -> Setting:
    """Register all organisations, say since when they take part, and let people in; in the caller's transaction of the system's tenant.

    `everybody` are those that send; their tokens hold to the end of the day `until`.
    """
    register.import_register(connection, register_file(), secrets=secrets, by=OPERATOR)
    _exempt(connection)
    _take_part(connection, window, secrets)
    ids = {each.code: each.id for each in register.organisations(connection)}
    made, hashes = signing_in
    known = {each.user_name: _person(connection, each, hashes[each.user_name], ids) for each in made}
    keys = own_keys(connection, secrets)
    for each in made:
        second_factor.enrol(connection, keys, known[each.user_name], each.totp_secret)
    shown = tuple(_with_token(connection, each, ids, known[each.user_name]) for each in made)
    return Setting(shown, known, _senders(connection, everybody, known["administrator"], until))


def take_up(
    connection: Connection, everybody: Sequence[Member], made: tuple[Account, ...], until: date
) -> Setting | None:
    """What `set_up` made before, with new tokens to send with; None where it has not been done."""
    try:
        known = {each.user_name: people.person_by_name(connection, each.user_name).id for each in made}
        administrator = people.person_by_name(connection, "administrator").id
    except NotFound:
        return None
    return Setting(made, known, _senders(connection, everybody, administrator, until))


def _exempt(connection: Connection) -> None:
    """England's senders need not screen: under an approval that is plainly none."""
    chosen = register.OptOut("England", register.Mode.EXEMPT, EXEMPTION, EXEMPT_SINCE)
    register.set_opt_out(connection, chosen, by=OPERATOR)


def _take_part(connection: Connection, window: Window, secrets: Secrets) -> None:
    since = {each.code: live_from(each, window) for each in members()}
    for held in register.organisations(connection):
        register.edit(connection, held.id, group=held.group_name, live_from=since[held.code], by=OPERATOR)
    for each in INDEPENDENTS:
        register.add_independent(
            connection,
            code=each.code,
            name=each.organisation.name,
            group=each.group or each.code,
            nation=each.organisation.nation,
            live_from=since[each.code],
            secrets=secrets,
            by=OPERATOR,
        )


def _person(connection: Connection, account: Account, password_hash: str, ids: Mapping[str, int]) -> UUID:
    made = people.create(connection, user_name=account.user_name, display_name=account.name, by=OPERATOR)
    where = ids[account.organisation] if account.organisation else None
    people.grant(connection, made, Role(account.role), where, by=OPERATOR)
    people.set_password(connection, made, password_hash, by=OPERATOR)
    return made


def _with_token(connection: Connection, account: Account, ids: Mapping[str, int], person: UUID) -> Account:
    role = Role(account.role)
    if role not in TOKEN_ROLES:
        return account
    where = (ids[account.organisation],) if account.organisation else ()
    name = f"Demonstration: {account.user_name}"
    secret = tokens.make(connection, name=name, role=role, organisations=where, by=OPERATOR, made_by=person)
    return Account(**{**asdict(account), "api_token": secret})


def _senders(connection: Connection, everybody: Sequence[Member], person: UUID, until: date) -> dict[str, str]:
    """For each organisation a token for the sending of the demonstration itself, which holds to the end of the day `until`."""
    ids = {each.code: each.id for each in register.organisations(connection)}
    return {
        each.code: tokens.make(
            connection,
            name=f"Demonstration returns of {each.code}",
            role=Role.TRUST_UPLOADER,
            organisations=(ids[each.code],),
            expires_on=until,
            by=OPERATOR,
            made_by=person,
        )
        for each in everybody
    }


def write_accounts(folder: Path, base_url: str, made: Sequence[Account]) -> Path:
    """The sign-ins as `accounts.json`, readable by its owner alone from its first byte; whole or not at all."""
    path, part = folder / ACCOUNTS, folder / f"{ACCOUNTS}.part"
    part.unlink(missing_ok=True)
    text = json.dumps({"base_url": base_url, "accounts": [asdict(each) for each in made]}, indent=2)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
    part.replace(path)
    return path


def code_of(folder: Path, user_name: str, at: datetime) -> tuple[str, int] | None:
    """What the authenticator app of a demonstration's sign-in shows, and for how many seconds more; None for a name that is none of them."""
    found = next((each for each in read_accounts(folder) if each.user_name == user_name.lower()), None)
    if found is None or not found.totp_secret:
        return None
    left = second_factor.STEP_SECONDS - int(at.timestamp()) % second_factor.STEP_SECONDS
    return second_factor.code_of(found.totp_secret, second_factor.step_at(at)), left


def read_accounts(folder: Path) -> tuple[Account, ...]:
    """The sign-ins of a data folder; none where they have not been written."""
    path = folder / ACCOUNTS
    if not path.exists():
        return ()
    return tuple(Account(**each) for each in json.loads(path.read_text("utf-8"))["accounts"])
