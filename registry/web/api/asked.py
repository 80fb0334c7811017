"""What a program asks for with a file: the parameters of `POST /api/submissions`, read from one table, all their faults told at once."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from registry.errors import BadRequest, Fault, NotFound, RegistryError, Unprocessable, UnsupportedMedia
from registry.submissions import Format, Mode
from registry.submissions.request import SHEETS
from registry.submissions.senders import Sender, only_sender
from schemas.record import RecordKind


def _digits(value: object) -> object:
    """Refuse what Python would read as a number and nobody else: other alphabets' digits, underscores, blanks."""
    if isinstance(value, str) and not WHOLE.fullmatch(value):
        raise PydanticCustomError("int_parsing", "This must be a whole number.")
    return value


WHOLE = re.compile("[0-9]{1,9}")
Whole = Annotated[int, BeforeValidator(_digits)]
"""A whole number in an address."""

YES_NO: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
KEY = re.compile(r"[\x20-\x7e]{1,200}")
OPT_OUT = "Apply the national data opt-out to the file before you send it, and say so: opt_out_screened=true."
KEY_HEADER = "Idempotency-Key"
MULTIPART = "multipart/form-data"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RAW: Mapping[str, Format | None] = {
    "text/csv": Format.CSV,
    "application/csv": Format.CSV,
    "text/plain": Format.CSV,
    WORKBOOK: Format.XLSX,
    "application/octet-stream": None,
    "application/x-www-form-urlencoded": None,
    "": None,
}
"""The media types of a raw body, and the format that each implies. curl calls any body a form unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the address: its words for the description, and what it may be."""

    name: str
    words: str
    values: tuple[str, ...] = ()
    default: str | None = None

    def described(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        if self.values == ("true", "false"):
            schema = {"type": "boolean"}
        elif self.values:
            schema["enum"] = list(self.values)
        if self.default is not None:
            schema["default"] = self.default == "true" if schema["type"] == "boolean" else self.default
        required = self.name == "kind"
        return {"name": self.name, "in": "query", "required": required, "description": self.words, "schema": schema}


PARAMETERS = (
    Parameter("kind", "What the rows are.", tuple(RecordKind)),
    Parameter(
        "format",
        "The form of the file. Without it the Content-Type says it, and where that does not, the file's first bytes.",
        SHEETS,
    ),
    Parameter(
        "mode",
        "What becomes of the good rows of a file that also has faulty ones.",
        tuple(Mode),
        Mode.ALL_OR_NOTHING.value,
    ),
    Parameter(
        "rehearsal",
        "Tell what the file would do, with the same code, and store none of its rows.",
        ("true", "false"),
        "false",
    ),
    Parameter(
        "organisation", "The ODS code of the organisation the file is for; needed where you may send for several."
    ),
    Parameter(
        "opt_out_screened",
        "Declares that the national data opt-out was applied to this file, where the nation's mode asks for that.",
        ("true", "false"),
        "false",
    ),
    Parameter(
        "overwrite_online",
        "Lets the file stand also over what was entered or corrected online. Otherwise that is kept, and each such cell is told.",
        ("true", "false"),
        "false",
    ),
)
NAMES = frozenset(each.name for each in PARAMETERS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to take a file, understood. `format` None: by its content."""

    sender: Sender
    kind: RecordKind
    format: Format | None
    mode: Mode
    rehearsal: bool
    opt_out_screened: bool
    overwrite_online: bool
    key: str
    multipart: bool


@dataclass(slots=True)
class _Reading:
    """The parameters while they are read, and what is wrong with them so far."""

    given: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, pointer: str, words: str) -> None:
        self.faults.append(Fault(pointer, words))

    def one_of(self, name: str, default: str) -> str:
        """The value of a parameter with a list of values; empty where it is wrong, and the fault is noted.

        An empty default is a value too, but for `kind`, which has none.
        """
        values = next(each.values for each in PARAMETERS if each.name == name)
        given = self.given.get(name) or default
        if given in values or (given == "" and name != "kind"):
            return given
        self.fault(name, f"{'This must be' if given else 'Say'} one of: {', '.join(values)}.")
        return ""

    def yes_no(self, name: str) -> bool:
        given = self.given.get(name, "false").lower()
        if given not in YES_NO:
            self.fault(name, "This must be true or false.")
        return YES_NO.get(given, False)


def asked_of(request: Request, senders: Collection[Sender]) -> Asked:
    """What is asked for, before any of the body is read. Raises NotFound for an organisation that is not the asker's,
    UnsupportedMedia for a body that is no file, BadRequest without a usable key, Unprocessable for all else, every fault named.
    """
    reading = _Reading(request.query_params)
    sender = _sender(reading, senders)
    implied, multipart = _media(request)
    key = _key(reading, request)
    kind = reading.one_of("kind", "")
    format_ = reading.one_of("format", implied or "")
    mode = reading.one_of("mode", Mode.ALL_OR_NOTHING)
    rehearsal, screened = reading.yes_no("rehearsal"), reading.yes_no("opt_out_screened")
    overwrite = reading.yes_no("overwrite_online")
    if sender and kind and sender.must_declare(RecordKind(kind)) and not screened:
        reading.fault("opt_out_screened", OPT_OUT)
    if not reading.given.keys() <= NAMES:
        reading.fault("query", f"There are parameters that are not known here. Known are: {', '.join(sorted(NAMES))}.")
    if sender is None or reading.faults:
        raise _refusal(reading.faults, keyed=bool(key))
    return Asked(
        sender=sender,
        kind=RecordKind(kind),
        format=Format(format_) if format_ else None,
        mode=Mode(mode),
        rehearsal=rehearsal,
        opt_out_screened=screened,
        overwrite_online=overwrite,
        key=key,
        multipart=multipart,
    )


def _refusal(faults: list[Fault], *, keyed: bool) -> RegistryError:
    if not keyed:
        return BadRequest(
            f"Send an {KEY_HEADER} header: one to 200 letters, digits or signs of your own choice, new for each new file and "
            "the same when you repeat a request.",
            errors=faults,
        )
    return Unprocessable(
        "Some of the parameters are not valid. Mend those named and send the file again.", errors=faults
    )


def _sender(reading: _Reading, senders: Collection[Sender]) -> Sender | None:
    code = reading.given.get("organisation", "").strip().upper()
    if code:
        found = next((each for each in senders if each.code == code), None)
        if found is None:
            raise NotFound
        return found
    only = only_sender(senders)
    if only is None:
        reading.fault(
            "organisation", "You may send for several organisations. Name the one this file is for by its ODS code."
        )
    return only


def _key(reading: _Reading, request: Request) -> str:
    key = request.headers.get(KEY_HEADER, "").strip()
    if KEY.fullmatch(key):
        return key
    reading.fault(KEY_HEADER, "This header is missing, empty, longer than 200 characters or not ASCII.")
    return ""


def _media(request: Request) -> tuple[Format | None, bool]:
    """The format that the body's media type implies, and whether the body is a form with the file in it."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == MULTIPART:
        return None, True
    if media not in RAW:
        raise UnsupportedMedia(
            f"Send the file itself as text/csv, {WORKBOOK} or application/octet-stream, or as a file in a {MULTIPART} form."
        )
    return RAW[media], False
