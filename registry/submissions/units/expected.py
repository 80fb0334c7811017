"""The versions that units expect to be held: `If-Match`, said of an entry of a Bundle."""

import re
from collections.abc import Iterable, Mapping

from ingest.fhir.unit import Entry, Part
from schemas.record import RecordKind

KIND_OF = {
    Part.CASE: RecordKind.CASE,
    Part.CASE_ANSWERS: RecordKind.CASE,
    Part.REVIEW: RecordKind.RCA,
    Part.RETURN: RecordKind.ACTIVITY,
}
ANY = -1
"""Expects that some version is held."""
NONE = -2
"""What can be no version."""
_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})"')

Expected = Mapping[RecordKind, Mapping[int, int]]
"""By kind and by the unit's ordinal."""


def expected(entries: Iterable[tuple[int, Iterable[Entry]]]) -> Expected:
    """The versions that are named in the entries of units, which are given by their ordinals."""
    found: dict[RecordKind, dict[int, int]] = {}
    for ordinal, several in entries:
        for entry in several:
            kind = KIND_OF.get(entry.part)
            if kind is not None and entry.if_match is not None:
                found.setdefault(kind, {})[ordinal] = version(entry.if_match)
    return found


def version(if_match: str) -> int:
    """The version that an entity tag names: `W/"3"` is 3, `*` is any."""
    tag = _TAG.fullmatch(if_match.strip())
    if tag is not None:
        return int(tag[1])
    return ANY if if_match.strip() == "*" else NONE


def meets(wanted: int, held: int) -> bool:
    """Whether the version that is held (0: none) is the one wanted."""
    return held > 0 if wanted == ANY else held == wanted and held > 0
