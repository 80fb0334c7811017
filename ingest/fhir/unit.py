"""A unit: what stands or falls together. A transaction Bundle (one case, its review, or both), or one entry of a batch."""

from dataclasses import dataclass, field
from enum import StrEnum

from ingest.fhir.issue import Issue
from schemas.record import RecordKind


class Part(StrEnum):
    """What an entry of a unit is to the registry."""

    PATIENT = "patient"
    STAY = "stay"
    CASE = "case"
    CASE_ANSWERS = "case answers"
    REVIEW = "review"
    RETURN = "return"
    OTHER = "other"
    """Taken in with the bytes, left out of the record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in the order sent: what it is, its resource type, what was asked of it (`request.method`, `request.ifMatch`)."""

    part: Part
    type: str
    method: str | None = None
    if_match: str | None = None


@dataclass(slots=True)
class Unit:
    """One unit as it was read: text by field for each kind of record in it, where each stood, and what is wrong with its form.

    `records` holds the text exactly as a CSV would, so `ingest.check.check_frame` reads it; `places` the FHIRPath of each field
    that is there, `roots` that of each resource it was read from, by its type.
    `identifier` is the sender's own number of the case, or the month of a return. `organisation` is the code under which it is sent
    (the assigner of the identifier, or the reporter), None where it is not said, `organisation_at` where that stands.
    `name` is `Bundle.identifier.value`. A unit with an error among `issues` is never stored.
    """

    ordinal: int
    root: str = "Bundle"
    name: str | None = None
    identifier: str | None = None
    organisation: str | None = None
    organisation_at: str = "Bundle"
    records: dict[RecordKind, dict[str, str]] = field(default_factory=dict)
    places: dict[tuple[RecordKind, str], str] = field(default_factory=dict)
    roots: dict[tuple[RecordKind, str], str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        return any(each.error for each in self.issues)
