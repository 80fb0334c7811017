"""How a letter leaves: to a server by SMTP, or, where none is set, as a file in a folder.

A letter is plain text in UTF-8. Its Message-ID is made from its place in the outbox, so that whoever gets it twice, because a process
was killed between sending and noting it, sees that it is the same. Headers are written by the standard library's policy, which refuses
line breaks in them.
"""

import os
import smtplib
import ssl
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from registry.settings import Settings, smtp_password

FOLDER = "outbox"
LINES = SMTP.clone(max_line_length=998)
"""A long address in a header stays in one piece: folded at 78 it would be encoded, and no program reads that as an address."""
REFUSED = range(500, 600)


class Reason(StrEnum):
    """Why a letter did not leave; its words are what an administrator reads."""

    AWAY = "away"
    ADDRESS = "address"
    RECIPIENT = "recipient"
    NOT_TAKEN = "not taken"

    @property
    def words(self) -> str:
        return _REASONS[self]


_REASONS = {
    Reason.AWAY: "the mail server could not be reached, or did not let us in",
    Reason.ADDRESS: "the address cannot be written to",
    Reason.RECIPIENT: "the mail server does not take letters to this address",
    Reason.NOT_TAKEN: "the mail server did not take the letter",
}


class NotSentError(Exception):
    """A letter did not leave. `for_good`: trying again is of no use. `away`: the server is, for every letter. Says nothing of the letter."""

    def __init__(self, why: str, reason: Reason, *, for_good: bool = False) -> None:
        self.reason, self.for_good = reason, for_good
        super().__init__(why)

    @property
    def away(self) -> bool:
        return self.reason is Reason.AWAY


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One letter, opened."""

    id: UUID
    to: str
    subject: str
    body: str
    made_at: datetime
    ended_at: str | None = None
    """Where its reader ends such letters by one press."""


Carry = Callable[[Letter], None]
"""Takes one letter on its way. Raises NotSentError."""


def message(letter: Letter, sender: str) -> EmailMessage:
    """The letter as it goes over the wire. Raises NotSentError for an address that cannot stand in a header."""
    made = EmailMessage(policy=LINES)
    try:
        made["From"] = sender
        made["To"] = letter.to
        made["Subject"] = letter.subject
    except ValueError:
        raise NotSentError("The address cannot be written to.", Reason.ADDRESS, for_good=True) from None
    made["Date"] = format_datetime(letter.made_at)
    made["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    if letter.ended_at is not None:
        made["List-Unsubscribe"] = f"<{letter.ended_at}>"
        if letter.ended_at.startswith("https:"):  # RFC 8058 has it for https only
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(letter.body, charset="utf-8")
    return made


# --- as files


def folder_of(settings: Settings) -> Path:
    """Where letters lie that nobody sends."""
    return settings.data_dir / FOLDER


def into_folder(settings: Settings) -> Carry:
    """Each letter as a file of its own, `<id>.eml`, whole or not at all, for the owner's eyes only: links in it open things."""
    folder = folder_of(settings)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def carry(letter: Letter) -> None:
        whole = message(letter, settings.mail.sender).as_bytes()
        handle, part = tempfile.mkstemp(dir=folder, prefix=".part-")
        with os.fdopen(handle, "wb") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(folder / f"{letter.id}.eml")

    return carry


# --- by SMTP


class Post(AbstractContextManager[Carry]):
    """One conversation with the server, begun with the first letter."""

    def __init__(self, settings: Settings) -> None:
        self._rules, self._settings = settings.mail, settings
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Carry:
        return self._carry

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _carry(self, letter: Letter) -> None:
        made = message(letter, self._rules.sender)
        server = self._reached()
        try:
            server.send_message(made, self._rules.sender, [letter.to])
        except smtplib.SMTPRecipientsRefused as refused:
            for_good = all(code in REFUSED for code, _ in refused.recipients.values())
            self._hang_up()
            words = "The server does not take letters to this address."
            raise NotSentError(words, Reason.RECIPIENT, for_good=for_good) from None
        except (smtplib.SMTPNotSupportedError, UnicodeError):
            self._hang_up()
            raise NotSentError("The server cannot take this address.", Reason.ADDRESS, for_good=True) from None
        except (OSError, smtplib.SMTPException) as error:
            self._hang_up()
            words = f"The server did not take the letter: {type(error).__name__}."
            raise NotSentError(words, Reason.NOT_TAKEN) from None

    def _reached(self) -> smtplib.SMTP:
        try:
            self._server = self._server or connect(self._settings)
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"The server could not be reached: {type(error).__name__}.", Reason.AWAY) from None
        return self._server

    def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()


def connect(settings: Settings) -> smtplib.SMTP:
    """A conversation with the server, encrypted and signed in as the settings say. Raises OSError, SMTPException, SettingsError."""
    rules = settings.mail
    # By its own name the standard library means whatever the resolver says, and waits for it.
    host, wait, own = str(rules.host), rules.timeout_seconds, rules.sender.rpartition("@")[2]
    trusted = ssl.create_default_context(cafile=str(rules.ca_file) if rules.ca_file else None)
    server: smtplib.SMTP
    if rules.tls == "tls":
        server = smtplib.SMTP_SSL(host, rules.port, own, timeout=wait, context=trusted)
    else:
        server = smtplib.SMTP(host, rules.port, own, timeout=wait)
    try:
        if rules.tls == "starttls":
            server.starttls(context=trusted)
        if rules.user is not None:
            server.login(rules.user, smtp_password(settings.secrets_dir))
    except BaseException:
        server.close()
        raise
    return server
