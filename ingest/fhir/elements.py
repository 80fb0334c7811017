"""Looking into JSON that may have any shape, and the text that a CSV cell would hold for what stands there.

Nothing here refuses: what has another shape than R4's is named by `ingest.fhir.structure` and is nothing here, or `UNUSABLE`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ingest.characters import SPACES
from schemas import fhir
from schemas.days import LONDON

Element = dict[str, Any]

# Joined at run time, so that this object is no other one: who sends the same characters is told so by the validator.
UNUSABLE = "".join(("#NU", "LL!"))
"""Stands in a record for what is there but cannot be used, as another issue already says. No field type reads it, so the field is
marked and the rules that need it keep silent. It is told apart by identity (`is`)."""

DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_DAY = len("2026-02-20")
_SECOND = len("2026-02-20T09:15:00")


def inside(element: object, name: str) -> Element:
    """The object under a name; an empty one where there is none."""
    found = element.get(name) if isinstance(element, dict) else None
    return found if isinstance(found, dict) else {}


def several(element: object, name: str) -> Iterator[tuple[int, Element]]:
    """The objects of the array under a name, with their places in it."""
    found = element.get(name) if isinstance(element, dict) else None
    if isinstance(found, list):
        yield from ((place, each) for place, each in enumerate(found) if isinstance(each, dict))


def string(element: object, name: str) -> str | None:
    found = element.get(name) if isinstance(element, dict) else None
    return found if isinstance(found, str) else None


def cell(value: object) -> str:
    """What a cell would hold: trimmed text, a number as it is written in plain digits. Blank where there is nothing."""
    if type(value) is str:
        return value.strip(SPACES)
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return UNUSABLE


def moment(text: str) -> str:
    """A dateTime as the field type reads it: fractions of a second are cut off, there being no field that keeps them."""
    if text[_SECOND : _SECOND + 1] != ".":
        return text
    return text[:_SECOND] + text[_SECOND + 1 :].lstrip("0123456789")


def london_day(text: str) -> str:
    """The day in London of a dateTime. What is no moment keeps the day that is written in it, or stays as it is."""
    if not has_time(text):
        return text
    try:
        read = datetime.fromisoformat(text)
        return text[:_DAY] if read.tzinfo is None else read.astimezone(LONDON).date().isoformat()
    except (ValueError, OverflowError):
        return text[:_DAY]


def has_time(text: str) -> bool:
    return text[_DAY : _DAY + 1] == "T"


def extension(element: object, url: str, name: str = "extension") -> Iterator[tuple[int, Element]]:
    """The extensions of this address."""
    return ((place, each) for place, each in several(element, name) if each.get("url") == url)


def organisation(reference: object) -> str | None:
    """The ODS code of a logical reference to an organisation, as it was written."""
    identifier = inside(reference, "identifier")
    return cell(identifier.get("value")) or None if identifier.get("system", fhir.ODS_CODE) == fhir.ODS_CODE else None


def versioned(canonical: str, *, named: str) -> bool:
    """Whether an address, with or without a version after `|`, is the one named, in a version that is read here."""
    address, _, version = named.partition("|")
    return address == canonical and version in ("", fhir.VERSION)
