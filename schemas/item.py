"""What rides on one field of the dataset besides its type: the words a person reads and the flags the service acts on."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """When an item is asked for. A missing optional item is never an error."""

    NOTIFICATION = "notification"
    COMPLETION = "completion"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question of the dataset.

    `identifying` is compulsory: such a field is encrypted or masked, kept from logs, and leaves the service only in the
    sender's own annotated workbook, failed rows and audited export. `applies` says in words when the question applies.
    `fhir` is the path of the field in a clinical FHIR resource; None means an answer of the generated Questionnaire.
    """

    question: str
    section: str
    stage: Stage
    identifying: bool
    hint: str = ""
    applies: str = ""
    since: str = "1.0"
    fhir: str | None = None
