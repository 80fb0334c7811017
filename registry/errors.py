"""What can go wrong for a caller, with its HTTP status and its words; one table for all of them (RFC 9457).

A problem says what is wrong and what to do. It never holds a value that was sent: not in its detail, not in its list.
Bad rows are findings, not errors; these are for what a sender may not do or cannot mend row by row. The web layer turns
each into problem JSON under `/api` and into a page elsewhere; the framework's own refusals pass through `for_status`.
"""

# ruff: noqa: N818 (the names are those of HTTP; "Error" would be said twice)

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `slug` is a promise to machines; `title` names it to people; `detail` says what to do, `meaning` when it comes
    and what became of what was asked. All four stand on its page, which is where `type` leads."""

    status: int
    slug: str
    title: str
    detail: str
    meaning: str

    @property
    def type(self) -> str:
        """The problem's address, relative to the service (RFC 9457 `type`)."""
        return f"/problems/{self.slug}"


KINDS = {
    kind.status: kind
    for kind in (
        Kind(400, "bad-request", "The request cannot be understood", "Check the address, the parameters and the body.",
             "Nothing could be read from what was sent: a parameter that is not known or stands twice, a body that is no JSON or not in UTF-8, a control character. Nothing was done."),
        Kind(401, "not-signed-in", "You are not signed in", "Sign in, or send a valid token, and try again.",
             "The address is for people who are signed in, or for programs with a token. A session ends after a time without use, a token when it expires or is ended."),
        Kind(403, "not-allowed", "You may not do this", "Ask the lead of your trust or the registry for the right to.",
             "It is known who you are, and the thing is yours to see, but your role does not allow this act on it; or a form was sent from another page than ours, or is too old."),
        Kind(404, "not-found", "There is nothing here for you", "Check the address. It may also not be yours to see.",
             "There is nothing at this address, or it belongs to somebody else. The two are not told apart, so that nobody learns from the answer what exists."),
        Kind(405, "method-not-allowed", "This address does not take that method", "See the API description for those it takes.",
             "The address exists, but takes other methods than the one used. The header Allow names them."),
        Kind(406, "not-acceptable", "That form is not offered", "Ask for a type that the API description names.",
             "The header Accept asks for forms that this address does not have."),
        Kind(408, "too-slow", "The request took too long to arrive", "Send it again over a better connection.",
             "The service waits for the whole of a request only for some time. Nothing was done with the part that came."),
        Kind(409, "conflict", "This does not fit what is already there", "Look at the present state, then decide again.",
             "What was asked contradicts what stands: an Idempotency-Key that was used with other bytes, a month that is signed off, a step that is not open any more. Nothing was changed."),
        Kind(410, "gone", "This is no longer there", "It was kept for a limited time. Ask for a new one.",
             "It was there, and its time is over: a link that was used, a file past its term, something withdrawn."),
        Kind(411, "length-required", "The length of the body is missing", "Send the body with a Content-Length.",
             "Without its length a body cannot be taken here."),
        Kind(412, "changed-meanwhile", "It has changed since you read it", "Read it again, then repeat your change.",
             "Somebody else changed it after you had read it, so the version that you name in If-Match or in the form is not the one that stands. Nothing was overwritten."),
        Kind(413, "too-large", "That is too large", "Divide it into smaller files and send them one by one.",
             "The file, the body or one field is larger than is taken at once, also once unpacked. Nothing of it was stored."),
        Kind(414, "address-too-long", "The address is too long", "Send fewer or shorter parameters.",
             "The address with its parameters is longer than any that the service gives."),
        Kind(415, "unsupported-type", "Files of this type cannot be read", "Send a CSV (.csv) or Excel (.xlsx) file.",
             "The bytes are of no type that is read at this address, or packed in a way that is not known. What counts is the content, not the name of the file."),
        Kind(416, "range-not-satisfiable", "That part does not exist", "Ask for the whole.",
             "The header Range asks for bytes beyond the end."),
        Kind(422, "not-valid", "Some of what was sent is not valid", "Mend the places named and send it again.",
             "The request could be read, and some of it breaks a rule. Each place is named in errors by a pointer, with words and never with the value. Nothing was stored."),
        Kind(429, "too-many", "Too many requests at once", "Wait as long as Retry-After says and try again.",
             "More requests came in a short time than one sender, one account or one address may make, or the service is working on as many as it can."),
        Kind(431, "headers-too-large", "The headers are too large", "Send fewer or shorter headers.",
             "The headers of the request are longer than are read."),
        Kind(500, "unexpected", "Something went wrong on our side", "Try again. If it persists, report the request number.",
             "A mistake of ours, which has been noted under the number in request_id. Whether anything was changed is not known: look, or send it again with the same Idempotency-Key."),
        Kind(503, "unavailable", "The service cannot answer just now", "Try again in a minute; with the same Idempotency-Key that is safe.",
             "The database is away, restarting or overloaded, or something is locked for longer than we wait. What had been asked was undone."),
        Kind(507, "no-room", "The service has no room left", "Nothing was changed. The operators have to make room first.",
             "A disk of the service is full. What had been asked was undone, and what was acknowledged before is safe."),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in a request that is wrong: a JSON pointer, a parameter or a form field by name; and words, no value."""

    pointer: str
    words: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What a caller is told."""

    kind: Kind
    detail: str
    errors: tuple[Fault, ...] = ()
    retry_after: int | None = None

    @property
    def status(self) -> int:
        return self.kind.status

    def body(self) -> dict[str, object]:
        """The members of `application/problem+json`."""
        members: dict[str, object] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            members["errors"] = [{"pointer": fault.pointer, "detail": fault.words} for fault in self.errors]
        return members

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class RegistryError(Exception):
    """Something a caller is to be told. `detail` says what is wrong and what to do, without any value that was sent."""

    status: ClassVar[int] = 500

    def __init__(
        self, detail: str = "", *, errors: Iterable[Fault | tuple[str, str]] = (), retry_after: int | None = None
    ) -> None:
        self.kind = KINDS[self.status]
        self.detail = detail or self.kind.detail
        self.errors = tuple(fault if isinstance(fault, Fault) else Fault(*fault) for fault in errors)
        self.retry_after = retry_after
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        return self.kind.title

    @property
    def type(self) -> str:
        return self.kind.type

    def problem(self) -> Problem:
        return Problem(self.kind, self.detail, self.errors, self.retry_after)


class BadRequest(RegistryError):
    """The request itself is malformed."""

    status = 400


class Unauthorised(RegistryError):
    """Nobody is signed in, or the session or token has ended."""

    status = 401


class Forbidden(RegistryError):
    """The person is known and may see the thing, but not do this to it."""

    status = 403


class NotFound(RegistryError):
    """Absent, or hidden from this person: the two look the same, so this takes no words of its own."""

    status = 404

    def __init__(self) -> None:
        super().__init__()


class Conflict(RegistryError):
    """It contradicts what is there: a used key with other bytes, a state that has moved on."""

    status = 409


class Gone(RegistryError):
    """It was there and its time is over."""

    status = 410


class PreconditionFailed(RegistryError):
    """The version that the caller names is not the one that stands."""

    status = 412


class PayloadTooLarge(RegistryError):
    """More bytes, rows or cells than are taken at once."""

    status = 413


class UnsupportedMedia(RegistryError):
    """A type of file or body that no reader takes."""

    status = 415


class Unprocessable(RegistryError):
    """Well formed, but some of its members are not valid; `errors` names them."""

    status = 422


class TooMany(RegistryError):
    """More than one caller's share; `retry_after` in seconds."""

    status = 429

    def __init__(self, detail: str = "", *, retry_after: int = 30) -> None:
        super().__init__(detail, retry_after=retry_after)


class Unavailable(RegistryError):
    """The database is away, overloaded or locked."""

    status = 503

    def __init__(self, detail: str = "", *, retry_after: int = 30) -> None:
        super().__init__(detail, retry_after=retry_after)


class NoRoom(RegistryError):
    """The disk is full; nothing was changed."""

    status = 507


ERRORS: tuple[type[RegistryError], ...] = (
    BadRequest, Unauthorised, Forbidden, NotFound, Conflict, Gone, PreconditionFailed, PayloadTooLarge, UnsupportedMedia,
    Unprocessable, TooMany, Unavailable, NoRoom,
)  # fmt: skip

# SQLSTATE, the longest prefix that is listed; all others are our own mistake: 500.
STATES: dict[str, type[RegistryError]] = {
    "08": Unavailable,  # connection
    "22": BadRequest,  # data: NUL, out of range, not that type
    "23505": Conflict,  # the same thing was written at the same time
    "40": Unavailable,  # serialisation failure, deadlock: rolled back, may be repeated
    "53": Unavailable,  # out of memory, too many connections
    "53100": NoRoom,  # disk full
    "55P03": Unavailable,  # lock not available in time
    "57014": Unavailable,  # statement timeout
    "57P": Unavailable,  # shut down, starting up, idle session ended
}


def of_database(sqlstate: str | None) -> RegistryError | None:
    """The error to raise for one of the database's, by its SQLSTATE (None: no connection); None if it is our mistake.

    The driver's own exception must not be chained or shown: its words hold values.
    """
    if sqlstate is None:
        return Unavailable()
    for length in range(len(sqlstate), 1, -1):
        if (error := STATES.get(sqlstate[:length])) is not None:
            return error()
    return None


def of_system(error: OSError) -> RegistryError | None:
    """The error to raise for one of the operating system's; None if it is our mistake."""
    return NoRoom() if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else None


def for_status(status: int, errors: Iterable[Fault] = ()) -> Problem:
    """The problem for a refusal of the framework's, in our words; a status without a line of its own is 400 or 500."""
    kind = KINDS.get(status) or KINDS[400 if 400 <= status < 500 else 500]
    return Problem(kind, kind.detail, tuple(errors))


def problem(error: Exception) -> Problem:
    """What a caller is told about any exception; about one that is not ours, only that it happened."""
    if isinstance(error, RegistryError):
        return error.problem()
    ours = of_system(error) if isinstance(error, OSError) else None
    return ours.problem() if ours is not None else for_status(500)
