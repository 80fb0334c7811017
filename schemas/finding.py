"""A finding: where something is wrong, which rule says so, how serious it is and in what words. It never holds a value."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps its row out; a warning asks a person to look and keeps nothing out."""

    ERROR = "error"
    WARNING = "warning"


def rule_id(number: int) -> str:
    """The name under which people quote a rule: 12 is `HAT-012`. The severity is not in it, so it may change."""
    return f"HAT-{number:03d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault at one place. `row` and `column` are the sender's own (sheet row from 1, column letter); None: the file as a whole."""

    rule: int
    severity: Severity
    words: str
    mend: str
    row: int | None = None
    column: str | None = None
    heading: str | None = None
    field: str | None = None
