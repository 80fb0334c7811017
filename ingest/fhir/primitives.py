"""R4's primitive types: how each is written, as a check and in words.

A check takes any JSON value and says whether it is right; it never raises. It is stricter than the patterns in the standard where the
standard's text is: 30 February is no date. It is more lenient where systems that exist differ and nothing is lost by it.
Source: https://hl7.org/fhir/R4/datatypes.html#primitive.
"""

import math
import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

Check = Callable[[object], bool]

MOST_CHARACTERS = 1_048_576
"""R4: a string is at most 1 MB."""


@dataclass(frozen=True, slots=True)
class Primitive:
    """`right` says whether a JSON value is one of this type; `expected` is how it is written, to end a sentence with."""

    name: str
    right: Check
    expected: str


class Huge(float):
    """Stands, as zero, for a number that cannot be kept as it was written; reading it has been told of already."""


_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_CODE = re.compile(r"[^\x00-\x20]+( [^\x00-\x20]+)*")
_URI = re.compile(r"[^\x00-\x20]+")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BASE64 = re.compile(r"[0-9A-Za-z+/]+={0,2}")

_YEAR = r"(?!0000)[0-9]{4}"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_DATE = re.compile(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?", re.ASCII)
_DATE_TIME = re.compile(f"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?", re.ASCII)
_INSTANT = re.compile(f"{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}{_ZONE}", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)


def _boolean(value: object) -> bool:
    return value is True or value is False


def _whole(least: int, most: int) -> Check:
    def right(value: object) -> bool:
        return value.__class__ is int and least <= value <= most

    return right


def _decimal(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite())


def _string(value: object) -> bool:
    """Not empty, no control characters but tab and line ends. Most strings are printable, which is the quickest thing to ask."""
    if not isinstance(value, str):
        return False
    if value.isprintable() and len(value) <= MOST_CHARACTERS:
        return value != ""
    return len(value) <= MOST_CHARACTERS and _CONTROL.search(value) is None


def _code(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if value.isprintable() and " " not in value:
        return value != ""
    return _CODE.fullmatch(value) is not None


def _uri(value: object) -> bool:
    if not isinstance(value, str):
        return False
    if value.isprintable():
        return value != "" and " " not in value
    return _URI.fullmatch(value) is not None


def _like(pattern: re.Pattern[str]) -> Check:
    def right(value: object) -> bool:
        return isinstance(value, str) and pattern.fullmatch(value) is not None

    return right


def _dated(pattern: re.Pattern[str]) -> Check:
    """The pattern, and a day that its month has."""

    def right(value: object) -> bool:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            return False
        day = value[8:10]
        return day <= "28" or int(day) <= monthrange(int(value[:4]), int(value[5:7]))[1]

    return right


def _base64(value: object) -> bool:
    """Blanks and line ends may stand between groups of four characters, not within them."""
    if not isinstance(value, str):
        return False
    pieces = value.split()
    return all(len(piece) % 4 == 0 for piece in pieces) and _BASE64.fullmatch("".join(pieces)) is not None


_WHOLE = "a whole number from {} to {}, without quotation marks, decimal point or exponent"
_MOST = 2**31 - 1

PRIMITIVES: dict[str, Primitive] = {
    each.name: each
    for each in (
        Primitive("boolean", _boolean, "true or false, without quotation marks"),
        Primitive("integer", _whole(-(2**31), _MOST), _WHOLE.format("-2147483648", "2147483647")),
        Primitive("unsignedInt", _whole(0, _MOST), _WHOLE.format("0", "2147483647")),
        Primitive("positiveInt", _whole(1, _MOST), _WHOLE.format("1", "2147483647")),
        Primitive("decimal", _decimal, "a number without quotation marks"),
        Primitive("string", _string, "text within quotation marks, at most 1 MB, without control characters"),
        Primitive("markdown", _string, "text within quotation marks, at most 1 MB, without control characters"),
        Primitive("code", _code, "text without blanks at its ends, and within it none but single spaces"),
        Primitive("id", _like(_ID), "1 to 64 letters, digits, “-” and “.”"),
        Primitive("uri", _uri, "an address without blanks"),
        Primitive("url", _uri, "an address without blanks"),
        Primitive("canonical", _uri, "an address without blanks, with “|” before a version"),
        Primitive("oid", _like(_OID), "“urn:oid:” and numbers with “.” between them"),
        Primitive("uuid", _like(_UUID), "“urn:uuid:” and a uuid in small letters"),
        Primitive("date", _dated(_DATE), "a date that there is, as yyyy, yyyy-mm or yyyy-mm-dd"),
        Primitive(
            "dateTime",
            _dated(_DATE_TIME),
            "a date that there is, as yyyy, yyyy-mm or yyyy-mm-dd, or with time and offset as yyyy-mm-ddThh:mm:ss+hh:mm",
        ),
        Primitive(
            "instant",
            _dated(_INSTANT),
            "a moment with seconds and offset, as yyyy-mm-ddThh:mm:ss+hh:mm or with Z in place of the offset",
        ),
        Primitive("time", _like(_TIME), "a time as hh:mm:ss, without offset"),
        Primitive("base64Binary", _base64, "base64, in whole groups of four characters"),
        Primitive("xhtml", _string, "XHTML in one “div”"),
    )
}
"""Every primitive type of R4 by its name."""
